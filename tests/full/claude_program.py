"""Holds the mock server against the vendor's own program: a whole agent that knows nothing of ours.

    claude_program.py PATH-TO-mock-messages PATH-TO-claude

The program talks to 127.0.0.1 only, with a key that is none, in a home of its own.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from support import KEY, PATIENCE_SECONDS, MockServer, environment, run, steps

MOCK, CLAUDE = sys.argv[1:3]
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}


def ask(*turns, allowed=()):
    """The events of one run, and the folder that it ran in."""
    folder = tempfile.TemporaryDirectory()
    home, workspace = Path(folder.name, "home"), Path(folder.name, "workspace")
    home.mkdir(), workspace.mkdir()
    (workspace / "note.txt").write_text("the word is sesame-42\n")
    script = json.loads(json.dumps(steps(*turns)).replace("WORKSPACE", str(workspace)))
    with MockServer(MOCK, script) as server:
        own = {**QUIET, "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": KEY, "TMPDIR": folder.name}
        options = ["--output-format", "stream-json", "--verbose"]
        ended = subprocess.run(
            [CLAUDE, "-p", "hi", *options, *(["--allowedTools", *allowed] if allowed else [])],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=workspace,
            env=environment(home, **own),
            timeout=PATIENCE_SECONDS,
        )
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert events, f"exit {ended.returncode}: {ended.stderr.decode()}"
    return events, folder


def last_words(events):
    end = events[-1]
    assert end["type"] == "result" and not end["is_error"], end
    return end["result"]


def one_question_gets_its_answer():
    events, _ = ask({"text": "안녕하세요 👋 from the script.", "chunk_chars": 1, "split_bytes": 3})
    assert last_words(events) == "안녕하세요 👋 from the script."


def a_tool_is_called_and_its_result_comes_back():
    call = {"name": "Read", "input": {"file_path": "WORKSPACE/note.txt"}}
    first = {"thinking": "A file.", "text": "I read it.", "tool_calls": [call], "chunk_chars": 2}
    second = {"expect": {"tool_result_contains": "sesame-42"}, "text": "The word is sesame-42."}
    events, _ = ask(first, second)
    assert last_words(events) == "The word is sesame-42."


def a_file_is_written_and_two_results_go_in_one_message():
    write = {"name": "Write", "input": {"file_path": "WORKSPACE/new.txt", "content": "새 파일\n"}}
    read = {"name": "Read", "input": {"file_path": "WORKSPACE/note.txt"}}
    second = {"expect": {"tool_result_contains": "sesame-42"}, "text": "Written."}
    events, folder = ask({"tool_calls": [write, read]}, second, allowed=["Write", "Read"])
    assert last_words(events) == "Written."
    assert Path(folder.name, "workspace", "new.txt").read_text() == "새 파일\n"


def an_error_of_the_service_is_told():
    refusal = {"fault": {"kind": "http", "status": 400, "message": "scripted refusal"}}
    # The program tries once more, with less in its request.
    events, _ = ask(refusal, refusal)
    end = events[-1]
    assert end["is_error"] and "scripted refusal" in end["result"], end


version = subprocess.run([CLAUDE, "--version"], capture_output=True, env=environment(tempfile.gettempdir()))
print(f"claude {version.stdout.decode().split()[0]}")
run(
    [
        one_question_gets_its_answer,
        a_tool_is_called_and_its_result_comes_back,
        a_file_is_written_and_two_results_go_in_one_message,
        an_error_of_the_service_is_told,
    ]
)
