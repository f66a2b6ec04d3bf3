"""Moves the clock back by a day and a half while a session runs, and looks at what that did to it.

    clock_back.py PATH-TO-mock-messages PATH-TO-better-llm-cli PATH-TO-libfaketimeMT.so.1

A worker's command waits for a file; this program moves the clock and then makes the file, so what is journaled
after the command is journaled in the past.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from support import KEY, PATIENCE_SECONDS, MockServer, environment, run

MOCK, CLI, FAKETIME = sys.argv[1:4]

CODER = {"name": "execute_coder_task", "input": {"task_description": "write the file"}}
TESTER = {"name": "execute_tester_task", "input": {"task_description": "test it"}}
# Half a minute at most, so that the command ends even if this program does not.
WAIT = "n=0; until [ -e go ]; do n=$((n + 1)); [ $n -lt 300 ] || exit 1; sleep 0.1; done; rm go"
SCRIPT = {
    "agents": {
        "manager": [
            {"tool_calls": [CODER]},
            {"tool_calls": [TESTER]},
            {"tool_calls": [{"name": "finish", "input": {"summary": "Done.", "status": "done"}}]},
        ],
        "coder": [
            {"tool_calls": [{"name": "write", "input": {"path": "a.txt", "content": "1\n"}}]},
            {"tool_calls": [{"name": "bash", "input": {"command": WAIT}}]},
            {"tool_calls": [{"name": "report", "input": {"summary": "Written.", "files_changed": ["a.txt"]}}]},
        ],
        "tester": [
            {"tool_calls": [{"name": "bash", "input": {"command": "grep -q 1 a.txt"}}]},
            {
                "tool_calls": [
                    {
                        "name": "report",
                        "input": {"summary": "Fine.", "passed": True, "commands": ["grep -q 1 a.txt"]},
                    }
                ]
            },
        ],
    }
}


class Session:
    """One run of the program with the clock moved in the middle."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        home, workspace, clock = root / "home", root / "workspace", root / "clock"
        home.mkdir(), workspace.mkdir()
        clock.write_text("+0")
        with MockServer(MOCK, SCRIPT) as server:
            own = {
                "BETTER_LLM_HOME": str(root / "own"),
                "ANTHROPIC_BASE_URL": server.url,
                "ANTHROPIC_API_KEY": KEY,
                "LD_PRELOAD": FAKETIME,
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
                "TMPDIR": str(root),
            }
            program = subprocess.Popen(
                ["timeout", str(PATIENCE_SECONDS), CLI, "--output-format", "stream-json", "go"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                cwd=workspace,
                env=environment(home, **own),
            )
            self.events = []
            for line in program.stdout:
                self.events.append(json.loads(line))
                if self.events[-1]["type"] == "tool_started" and self.events[-1]["input"].get("command") == WAIT:
                    clock.write_text("-36h")
                    (workspace / "go").touch()
            program.stdout.close()
            self.exit_code = program.wait()
        journal = sqlite3.connect(root / "own" / "data" / "better-llm.db")
        self.journal = [row[0] for row in journal.execute("SELECT seq FROM events ORDER BY rowid")]
        journal.close()


SESSION = Session()
EVENTS = SESSION.events


def the_session_ends_well():
    end = EVENTS[-1]
    assert (SESSION.exit_code, end["type"], end["outcome"]) == (0, "round_finished", "done"), end
    assert end["result"]["tests_passed"] is True, end["result"]


def the_clock_did_go_back():
    times = [datetime.fromisoformat(event["ts"]) for event in EVENTS]
    steps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert min(steps) < timedelta(hours=-35), f"the times never went back: {min(steps)}"


def the_journal_keeps_its_order_without_a_gap():
    expected = list(range(1, len(EVENTS) + 1))
    assert [event["seq"] for event in EVENTS] == expected
    assert SESSION.journal == expected, SESSION.journal


def ids_go_on_growing():
    runs = list(dict.fromkeys(event["run_id"] for event in EVENTS if "run_id" in event))
    assert len(runs) == 3 and runs == sorted(runs), runs


def no_time_that_passed_is_negative():
    spans = [event["elapsed_ms"] for event in EVENTS if "elapsed_ms" in event]
    assert spans and all(0 <= span < PATIENCE_SECONDS * 1000 for span in spans), spans


run(
    [
        the_session_ends_well,
        the_clock_did_go_back,
        the_journal_keeps_its_order_without_a_gap,
        ids_go_on_growing,
        no_time_that_passed_is_negative,
    ]
)
