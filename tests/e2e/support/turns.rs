//! What models say, in the words of the tools that they have.

use serde_json::{Value, json};
use testkit::{Script, Turn};

/// The manager sends a worker.
pub(crate) fn ask(worker: &str, task: &str) -> Turn {
    Turn::call(&format!("execute_{worker}_task"), json!({ "task_description": task }))
}

/// The manager ends the round.
pub(crate) fn finish(status: &str) -> Turn {
    Turn::call("finish", json!({ "summary": "환불을 더했습니다.", "status": status }))
}

/// A file is written.
pub(crate) fn write(path: &str, content: &str) -> Turn {
    Turn::call("write", json!({ "path": path, "content": content }))
}

/// A command is run.
pub(crate) fn bash(command: &str) -> Turn {
    Turn::call("bash", json!({ "command": command }))
}

/// A coder's report.
pub(crate) fn coded(files: &[&str], commands: &[&str]) -> Turn {
    Turn::call("report", json!({ "summary": "짰습니다", "files_changed": files, "commands_run": commands }))
}

/// A tester's report.
pub(crate) fn tested(passed: bool, commands: &[&str]) -> Turn {
    Turn::call("report", json!({ "summary": "시험했습니다", "passed": passed, "commands": commands }))
}

/// A reviewer's approval.
pub(crate) fn approved() -> Turn {
    Turn::call("report", json!({ "summary": "좋습니다", "verdict": "approve", "findings": [] }))
}

/// A reviewer's request for changes.
pub(crate) fn objected(message: &str) -> Turn {
    let finding = json!({ "severity": "critical", "file": "합계.sh", "line": 3, "message": message });
    Turn::call(
        "report",
        json!({ "summary": "틀렸습니다", "verdict": "request_changes", "findings": [finding] }),
    )
}

/// A planner's report.
pub(crate) fn planned() -> Turn {
    let step = json!({ "title": "환불", "detail": "음수를 더한다", "files": ["합계.sh"] });
    Turn::call("report", json!({ "summary": "한 단계", "steps": [step] }))
}

/// A committer's report.
pub(crate) fn committed() -> Turn {
    Turn::call("report", json!({ "summary": "커밋했습니다" }))
}

/// A round in which one worker plays `turns` and the manager then finishes.
pub(crate) fn one_worker(worker: &str, turns: impl IntoIterator<Item = Turn>) -> Script {
    Script::new().agent("manager", [ask(worker, "해 줘"), finish("done")]).agent(worker, turns)
}

/// The results that a request answers calls with, oldest first.
pub(crate) fn results(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().into_iter().flatten();
    let blocks = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    let results = blocks.filter(|block| block["type"] == "tool_result");
    results.map(|block| block["content"].as_str().unwrap_or_default().to_owned()).collect()
}
