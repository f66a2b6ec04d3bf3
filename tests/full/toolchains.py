"""Real dependencies: fetched once by a command with a network, then built and tested without one, at each level.

    toolchains.py PATH-TO-better-llm-cli

Go's module comes from a folder beside its user, so that nothing has to be fetched for it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support import PATIENCE_SECONDS, environment, run

CLI = sys.argv[1]

FILES = {
    "rust/Cargo.toml": '[package]\nname = "tally"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nitoa = "1"\n',
    "rust/src/lib.rs": '#[test]\nfn prints() {\n    assert_eq!(itoa::Buffer::new().format(7), "7");\n}\n',
    "node/package.json": json.dumps(
        {
            "name": "tally",
            "version": "1.0.0",
            "scripts": {"test": "node test.js"},
            "dependencies": {"is-number": "7.0.0"},
        }
    ),
    "node/test.js": "if (!require('is-number')(7)) process.exit(1);\nconsole.log('a number');\n",
    "python/test_tally.py": "import six\n\n\ndef test_six():\n    assert six.PY3\n",
    "go/go.mod": "module example.org/tally\n\ngo 1.19\n\nrequire example.org/sum v0.0.0\n\n"
    "replace example.org/sum => ./sum\n",
    "go/tally_test.go": 'package tally\n\nimport (\n\t"testing"\n\n\t"example.org/sum"\n)\n\n'
    "func TestSum(t *testing.T) {\n\tif sum.Of(3, 4) != 7 {\n\t\tt.Fatal()\n\t}\n}\n",
    "go/sum/go.mod": "module example.org/sum\n\ngo 1.19\n",
    "go/sum/sum.go": "package sum\n\nfunc Of(a, b int) int { return a + b }\n",
}

FETCH = [
    "cd rust && cargo fetch",
    "cd node && npm install --no-audit --no-fund",
    # Kept in the cache alone: the packages are installed without a network.
    "cd python && python3 -m venv --clear env && env/bin/pip download --quiet --dest wheels six pytest",
]

# What is run without a network, and the words that say it went well.
TESTS = {
    "cargo": ("cd rust && cargo test --offline", "test result: ok. 1 passed"),
    "npm": ("cd node && rm -rf node_modules && npm ci --offline --no-audit --no-fund && npm test", "a number"),
    "pytest": (
        "cd python && env/bin/pip install --quiet --no-index --find-links wheels six pytest && env/bin/pytest -q",
        "1 passed",
    ),
    "go": ("cd go && GOFLAGS=-mod=mod GOPROXY=off go test ./...", "ok  \texample.org/tally"),
}

# By these people tell programs about their network; nothing else of this machine's environment passes.
NETWORK = [
    name
    for name in os.environ
    if name.upper() in {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    or name in {"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CARGO_HTTP_CAINFO"}
]


def homes():
    """Where tool chains are that do not lie with the system's programs."""
    found = {}
    sysroot = Path(subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True).stdout.strip())
    if (sysroot.parent.parent / "settings.toml").exists():
        found["RUSTUP_HOME"] = str(sysroot.parent.parent)
    # pyenv's own stand-in, or a version of it.
    python = Path(shutil.which("python3") or "/")
    for folder in python.parents:
        if folder.name in {"shims", "versions"} and (folder.parent / "libexec" / "pyenv").exists():
            found["PYENV_ROOT"] = str(folder.parent)
    return found


class Project:
    """A workspace with a project of each language, and the sessions in it."""

    def __init__(self, level):
        self.level = level
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.workspace = self.root / "workspace"
        for name, content in FILES.items():
            file = self.workspace / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        (self.root / "home").mkdir()

    def session(self, commands, *options):
        """How each command ended and what it said."""
        calls = [{"name": "bash", "input": {"command": command, "timeout_seconds": 600}} for command in commands]
        coder = [{"tool_calls": [call]} for call in calls]
        coder.append({"tool_calls": [{"name": "report", "input": {"summary": "Done.", "files_changed": []}}]})
        manager = [
            {"tool_calls": [{"name": "execute_coder_task", "input": {"task_description": "go"}}]},
            {"tool_calls": [{"name": "finish", "input": {"summary": "Done.", "status": "done"}}]},
        ]
        script = self.root / "script.json"
        script.write_text(json.dumps({"v": 1, "agents": {"manager": manager, "coder": coder}}))
        passed = {name: os.environ[name] for name in NETWORK}
        program = subprocess.run(
            [CLI, "--output-format", "stream-json", "--provider", f"script:{script}", "--sandbox", self.level]
            + [*options, "go"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.workspace,
            env=environment(self.root / "home", BETTER_LLM_HOME=str(self.root / "own"), **homes(), **passed),
            timeout=10 * PATIENCE_SECONDS,
        )
        events = [json.loads(line) for line in program.stdout.splitlines()]
        started = {event["call_id"] for event in events if event.get("tool") == "bash"}
        ended = [event for event in events if event["type"] == "tool_finished" and event["call_id"] in started]
        assert len(ended) == len(commands), program.stdout[-3000:] + program.stderr
        return [(event.get("exit_code"), event["output"]) for event in ended]


def check(level):
    project = Project(level)
    # The tests fail before the fetch, so it is the fetch that makes them work.
    before = project.session([TESTS["cargo"][0], TESTS["npm"][0]])
    assert all(code != 0 for code, _ in before), before
    options = ["--allow-network"] + [part for name in NETWORK for part in ("--pass-env", name)]
    for command, (code, output) in zip(FETCH, project.session(FETCH, *options)):
        assert code == 0, f"{command}: {code}\n{output}"
    ended = project.session([command for command, _ in TESTS.values()])
    for (name, (_, words)), (code, output) in zip(TESTS.items(), ended):
        assert code == 0 and words in output, f"{name}: {code}\n{output}"


def tests_run_offline_after_a_fetch_at_strict():
    check("strict")


def tests_run_offline_after_a_fetch_at_kernel():
    check("kernel")


run([tests_run_offline_after_a_fetch_at_strict, tests_run_offline_after_a_fetch_at_kernel])
