//! Spec O-8, law 10: no model reads a secret that a tool found, and nothing that is written or shown holds one.

use std::time::Duration;

use better_llm_application::{Published, SessionHandle};
use domain::{
    event::{Event, EventBody},
    message::Part,
    person::Presence,
    secret::Secret,
    session::{Command, ContextItem, Request},
    tool::{Access, ToolOutcome},
};
use serde_json::json;
use testkit::{Answer, FakeTool, ScriptedModel, wait::bounded};

use crate::stage::*;

const SECRET: &str = "hush-hush-비밀";
const KEY: &str = "AKIAQ3EGRY6JQ7C2XQ4N";
const GONE: &str = "[redacted:secret]";
const KEY_GONE: &str = "[redacted:aws-access-key-id]";

fn stage(model: ScriptedModel) -> Stage {
    let mut stage = Stage::new(model);
    stage.secrets = Secret::new(SECRET).into_iter().collect();
    stage
}

/// Plays a round; gives every event and delta as it was published.
async fn play(stage: &Stage, request: Request) -> (Vec<String>, Vec<String>) {
    let session = SessionHandle::start(stage.parts());
    let mut published = session.subscribe();
    session.send(Command::Start(request)).await.unwrap();
    let (mut events, mut deltas) = (Vec::new(), Vec::new());
    loop {
        match bounded("what happens next", published.next()).await.unwrap().unwrap() {
            Published::Event(event) => {
                events.push(serde_json::to_string(&event).unwrap());
                if event.body.ends_round() {
                    break;
                }
            }
            Published::Delta(delta) => deltas.push(delta.text.clone()),
        }
    }
    bounded("the session to close", session.close()).await.unwrap();
    (events, deltas)
}

/// Neither listeners, nor the journal, nor the record got it.
fn check_gone(stage: &Stage, events: &[String]) {
    let record = serde_json::to_string(&stage.records.last()).unwrap();
    let journal = stage.journal.events();
    let journal = journal.iter().map(|event| serde_json::to_string(event).unwrap());
    for text in journal.chain(events.iter().cloned()).chain([record]) {
        for secret in ["hush", "비밀", KEY] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_reads_no_secret_that_a_tool_found() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "look"), finish("done")])
        .agent("coder", [run("env"), coded(&[])]);
    let mut stage = stage(model);
    stage.bash = FakeTool::new("bash", Access::Command)
        .saying(&["TOKEN=hus", "h-hush-비", "밀\nAKIAQ3EGRY", "6JQ7C2XQ4N", " end\n"])
        .returning(ToolOutcome::ok(format!("TOKEN={SECRET}\n{KEY} end\n")));
    let (events, deltas) = play(&stage, Request::new("go")).await;
    check_gone(&stage, &events);
    assert_eq!(deltas.concat(), format!("TOKEN={GONE}\n{KEY_GONE} end\n"));
    let seen = stage.model.requests_of("coder").pop().unwrap();
    let parts = seen.messages.iter().flat_map(|message| message.message.parts.clone());
    let results = parts.filter_map(|part| match part {
        Part::ToolResult { content, .. } => Some(content),
        _ => None,
    });
    assert_eq!(results.collect::<Vec<_>>(), [format!("TOKEN={GONE}\n{KEY_GONE} end\n")]);
}

/// Also where the result is so long that it is cut in the middle of one.
#[tokio::test(start_paused = true)]
async fn no_half_of_a_secret_is_left_where_a_result_is_cut() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "look"), finish("done")])
        .agent("coder", [run("env"), coded(&[])]);
    let mut stage = stage(model);
    let filling = "가".repeat(ToolOutcome::LONGEST - 5);
    stage.bash = FakeTool::new("bash", Access::Command)
        .returning(ToolOutcome::ok(format!("{filling}{SECRET}{SECRET}")));
    let (events, _) = play(&stage, Request::new("go")).await;
    check_gone(&stage, &events);
}

/// What the model says itself is written without secrets; what it calls is called as it is.
#[tokio::test(start_paused = true)]
async fn what_a_model_says_is_written_without_secrets() {
    let model = ScriptedModel::new()
        .agent(
            "manager",
            [
                Answer::text(&format!("the key is {SECRET}, or {KEY}")).in_chunks(3).and_call(
                    "execute_coder_task",
                    json!({ "task_description": format!("use {SECRET}"), "context": KEY }),
                ),
                Answer::call("finish", json!({ "summary": format!("used {SECRET}"), "status": "done" })),
            ],
        )
        .agent(
            "coder",
            [
                write("key.txt", SECRET),
                Answer::call("report", json!({ "summary": SECRET, "files_changed": ["key.txt"] })),
            ],
        );
    let stage = stage(model);
    let (events, deltas) = play(&stage, Request::new("go")).await;
    check_gone(&stage, &events);
    assert!(deltas.concat().contains(&format!("the key is {GONE}, or {KEY_GONE}")), "{deltas:?}");
    assert_eq!(stage.workspace.read("key.txt").unwrap(), SECRET);
}

/// The person's own words reach the model as they were typed; files that go with them are read like any other.
#[tokio::test(start_paused = true)]
async fn the_person_may_say_a_secret_and_it_is_not_written() {
    let stage = stage(ScriptedModel::new().agent("manager", [Answer::text("ok")]));
    let context = ContextItem { name: "a.txt".to_owned(), text: format!("key {KEY}") };
    let request = Request { context: vec![context], ..Request::new(format!("log in with {SECRET}")) };
    let (events, _) = play(&stage, request).await;
    check_gone(&stage, &events);
    let seen = stage.model.requests_of("manager").pop().unwrap().messages[0].message.text();
    assert!(seen.contains(&format!("log in with {SECRET}")), "{seen}");
    assert!(seen.contains(&format!("key {KEY_GONE}")), "{seen}");
}

/// The same holds for what the person says while the team is at work. An answer is a tool's result, and read like one.
#[tokio::test(start_paused = true)]
async fn what_the_person_says_in_a_round_is_theirs_and_not_written_with_a_secret() {
    let question = serde_json::json!({ "question": "which?" });
    let model = ScriptedModel::answering([Answer::call("ask_user", question), Answer::text("ok")]);
    let mut stage = stage(model);
    let (question_timeout, intervention) = (Duration::from_secs(600), Duration::ZERO);
    stage.presence = Presence::Present { question_timeout, intervention };
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let is_question = |event: &Event| matches!(event.body, EventBody::Question { .. });
    let asked = stage.journal.wait_for("the question", is_question).await;
    let EventBody::Question { question_id: question, .. } = asked.body else { panic!("{asked:?}") };
    session.send(Command::Message(format!("log in with {SECRET}"))).await.unwrap();
    session.send(Command::Answer { question, text: format!("key {SECRET}") }).await.unwrap();
    stage.journal.wait_for("the end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    check_gone(&stage, &[]);
    let messages = stage.model.requests_of("manager").pop().unwrap().messages;
    let seen: String = messages.iter().map(|sealed| format!("{:?}", sealed.message)).collect();
    assert!(seen.contains(&format!("log in with {SECRET}")), "{seen}");
    assert!(!seen.contains(&format!("key {SECRET}")), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_sealed_block_with_a_secret_is_kept_without_it_and_that_is_said() {
    let sealed = Answer::text("ok").and_signed_thinking(&format!("hm, {SECRET}"), "c2VhbA==");
    let stage = stage(ScriptedModel::new().agent("manager", [sealed]));
    let (events, _) = play(&stage, Request::new("go")).await;
    check_gone(&stage, &events);
    let notices = stage.journal.events();
    let notices = notices.iter().filter_map(|event| match &event.body {
        EventBody::Notice { code, .. } => Some(code.clone()),
        _ => None,
    });
    assert_eq!(notices.collect::<Vec<_>>(), ["sealed_block_redacted"]);
}

/// A defect that quotes a secret.
#[tokio::test(start_paused = true)]
async fn a_panic_is_told_without_the_secret_in_it() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "look"), finish("done")])
        .agent("coder", [run("env")]);
    let mut stage = stage(model);
    stage.bash = FakeTool::new("bash", Access::Command).answering(|_| panic!("no such key: {SECRET}"));
    let (events, _) = play(&stage, Request::new("go")).await;
    check_gone(&stage, &events);
    assert!(events.iter().any(|event| event.contains(&format!("no such key: {GONE}"))), "{events:?}");
}
