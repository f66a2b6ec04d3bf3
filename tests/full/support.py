"""What the scripts of this folder share: a mock server to talk to, and checks that are counted.

Standard library only. Nothing here judges; the scripts do.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

KEY = "a-key-of-the-full-suite"

# Longer than anything here takes on a busy machine; what has not come by then will not come.
PATIENCE_SECONDS = 120


def environment(home, **more):
    """All that a program under test sees of this machine: where programs lie."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(home), "LANG": "C.UTF-8", **more}


class MockServer:
    """`mock-messages --checked` with a script; ends with the `with` block, or with this process."""

    def __init__(self, program, script, options=()):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name, "script.json")
        path.write_text(json.dumps({"v": 1, **script}))
        self.process = subprocess.Popen(
            [program, path, "--checked", "--key", KEY, "--until-eof", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url:
            raise RuntimeError(f"{program} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.folder.cleanup()


def steps(*turns, **more):
    """A script that answers whoever asks with these turns, one after the other."""
    return {"agents": {"anyone": list(turns)}, "match": {"anyone": {}}, **more}


def run(checks):
    """Runs every check, says how each went, and ends the program."""
    failures = 0
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            check()
        except Exception:
            failures += 1
            print(f"FAILED {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok     {name}")
    print(f"{len(checks) - failures} of {len(checks)} checks hold")
    sys.exit(1 if failures else 0)
