//! Commands in: what the person could say, another process can; who is asked stays the owner's matter.

use better_llm::AttachError;
use domain::{event::Decision, id::CallId, order::Order, outcome::Ending};
use serde_json::Value;
use testkit::{Script, wait};

use super::{attach, next, owner, session_of, to_the_end};
use crate::{
    person::{asking, question},
    support::{
        Marker, World,
        turns::{ask, bash, coded, finish, one_worker},
    },
};

fn code(refused: Result<(), AttachError>) -> String {
    match refused {
        Err(AttachError::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

fn answer(asked: &Value, text: &str) -> Order {
    let question = asked["question_id"].as_str().and_then(|id| id.parse().ok()).expect("a question");
    Order::Answer { question, text: text.to_owned() }
}

/// An answer over the socket counts as the person's, once.
#[tokio::test]
async fn a_question_is_answered_from_another_process() {
    let world = World::new();
    let (_server, mut program) = owner(&world, asking(&["탭", "공백"]), true, &[]).await;
    let asked = program.until_type("question").await;
    let mut watcher =
        attach(&world, session_of(&asked), asked["seq"].as_u64().expect("a place"), false).await;
    watcher.send(&answer(&asked, "공백")).await.expect("taken");
    let answered = next(&mut watcher).await.expect("an event");
    assert_eq!(
        [&answered["type"], &answered["text"], &answered["by"]].map(Value::as_str),
        [Some("answer"), Some("공백"), Some("person")]
    );
    assert_eq!(code(watcher.send(&answer(&asked, "탭")).await), "no_question");
    assert_eq!(program.end().await.said().ending(), Ending::Done);
}

#[tokio::test]
async fn leave_is_given_and_refused_from_another_process() {
    let world = World::new();
    let turns = [bash("touch 하나.txt"), bash("touch 둘.txt"), coded(&[], &["touch 하나.txt"])];
    let flags = ["--permission-mode", "ask", "--sandbox", "none", "--intervention", "0"];
    let (_server, mut program) = owner(&world, one_worker("coder", turns), true, &flags).await;
    for decision in [Decision::Once, Decision::Deny] {
        let asked = program.until_type("permission_asked").await;
        let watcher = attach(&world, session_of(&asked), 0, false).await;
        let call = CallId::new(asked["call_id"].as_str().expect("a call"));
        let order = Order::Permission { call, decision, note: None };
        watcher.send(&order).await.expect("taken");
        assert_eq!(code(watcher.send(&order).await), "no_call");
    }
    assert_eq!(program.end().await.said().ending(), Ending::Done);
    assert_eq!((world.has("하나.txt"), world.has("둘.txt")), (true, false));
}

/// Nobody is with the owner: it can be told and stopped all the same, and a watcher does not become the person.
#[tokio::test]
async fn a_round_without_a_person_is_stopped_from_outside() {
    let (world, marker) = (World::new(), Marker::new());
    let script = one_worker("coder", [bash(&marker.endless_command())]);
    let (_server, mut program) = owner(&world, script, false, &["--partial"]).await;
    let output =
        program.until("ready", |line| line["text"].as_str().is_some_and(|text| text.contains("ready"))).await;
    let mut watcher = attach(&world, session_of(&output), 0, false).await;
    watcher.send(&Order::Message("그만하죠".to_owned())).await.expect("taken");
    watcher.send(&Order::Stop).await.expect("taken");
    let events = to_the_end(&mut watcher).await;
    assert_eq!(events.last().expect("an end")["outcome"], "stopped");
    let ended = program.end().await;
    assert_eq!((ended.code(), ended.said().ending()), (15, Ending::Stopped));
    marker.check_gone();
}

/// As ever where nobody is there to ask: the round ends at its question, whoever watches.
#[tokio::test]
async fn who_watches_is_not_asked() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [ask("coder", "해 줘"), question(&["탭"]), finish("done")])
        .agent("coder", [bash("until [ -e 가라 ]; do sleep 0.02; done; rm 가라"), coded(&[], &[])]);
    let (_server, mut program) = owner(&world, script, false, &[]).await;
    let started = program.until_type("session_started").await;
    let mut watcher = attach(&world, session_of(&started), 0, false).await;
    world.write("가라", "");
    let events = wait::bounded("the end", to_the_end(&mut watcher)).await;
    assert_eq!(events.last().expect("an end")["reason"], "question");
    assert_eq!(program.end().await.code(), 10);
}
