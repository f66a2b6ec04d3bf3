//! O-4: what models and tools say is told while they say it, not when they are done.

use domain::outcome::{Ending, Signal as By};
use rustix::process::Signal;
use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Wire, World,
    turns::{ask, bash, coded, finish, one_worker},
};

/// The steps of an answer up to its first words: the message, the thought (start, delta, seal, stop), the text (start,
/// delta).
const UP_TO_THE_WORDS: usize = 7;

/// A thought, a text, and then silence with the connection open.
fn held() -> Turn {
    Turn::thinking("음수를 보자.")
        .and_text("시작합니다")
        .and_call("glob", json!({"pattern": "*"}))
        .stalling_after(UP_TO_THE_WORDS)
}

async fn check(agent: &str, script: Script, requests: usize, wire: Wire) {
    let world = World::new();
    let server = MockServer::start(script).await;
    let mut program = world.task_over(wire, &server, &["--partial"]).await.start();
    for (kind, words) in [("thinking_delta", "음수를 보자."), ("text_delta", "시작합니다")] {
        let delta = program.until_type(kind).await;
        assert_eq!((&delta["agent"], &delta["text"]), (&json!(agent), &json!(words)));
    }
    assert_eq!(
        (server.open_answers(), server.requests().len()),
        (1, requests),
        "the server still holds the answer"
    );
    program.signal(Signal::INT);
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::Cancelled(By::Interrupt));
    server.wait_for_connections(0).await;
}

/// O-4.
#[tokio::test]
async fn the_managers_words_and_thoughts_are_told_while_the_answer_is_open() {
    for wire in Wire::BOTH {
        check("manager", Script::new().agent("manager", [held()]), 1, wire).await;
    }
}

/// O-4.
#[tokio::test]
async fn a_workers_words_and_thoughts_are_told_while_the_answer_is_open() {
    for wire in Wire::BOTH {
        let script = Script::new().agent("manager", [ask("coder", "짜 줘")]).agent("coder", [held()]);
        check("coder", script, 2, wire).await;
    }
}

/// O-4: the command prints a line and goes on only when that line was seen outside.
#[tokio::test]
async fn a_commands_output_is_told_while_it_runs() {
    let world = World::new();
    let command = "echo 첫 줄; until [ -e 봤다 ]; do sleep 0.02; done; rm 봤다; echo 둘째 줄";
    let server = MockServer::start(one_worker("coder", [bash(command), coded(&[], &[command])])).await;
    let mut program = world.task(&server, &["--partial"]).await.start();
    let delta = program.until_type("tool_output").await;
    assert_eq!((&delta["agent"], &delta["text"]), (&json!("coder"), &json!("첫 줄\n")));
    world.write("봤다", "");
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::Done);
    assert_eq!(said.calls_of("coder")[0].output, "첫 줄\n둘째 줄\n");
}

/// O-4: the pieces add up to the whole, whatever their borders, and name the request they answer.
#[tokio::test]
async fn deltas_add_up_to_the_message() {
    let world = World::new();
    let text = "가족 👨‍👩‍👧 מזומן 합계";
    let turn =
        Turn::text(text).and_call("execute_planner_task", json!({"task_description": "x"})).in_chunks(2);
    let script = Script::new()
        .agent("manager", [turn, finish("partial")])
        .agent("planner", [crate::support::turns::planned()]);
    let server = MockServer::start(script).await;
    let said = world.task(&server, &["--partial"]).await.run().await.said();
    let joined: String = said.deltas.iter().map(|delta| delta.text.as_str()).collect();
    assert_eq!(joined, text);
    assert!(said.deltas.len() > 5 && said.deltas.iter().all(|delta| delta.index == 0));
}

/// O-4: for people, the same pieces stand on standard error.
#[tokio::test]
async fn people_read_along_too() {
    let world = World::new();
    let server = MockServer::start(Script::new().agent("manager", [held()])).await;
    let mut program = world.call(["합계"]).against(&server).start();
    program.until_err("시작합니다").await;
    assert_eq!(server.open_answers(), 1);
    program.signal(Signal::INT);
    assert_eq!(program.end().await.code(), 130);
}
