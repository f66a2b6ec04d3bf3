//! A defect of ours breaks off the round it shows in, and nothing else.

use std::sync::Arc;

use better_llm_application::{Published, SessionHandle};
use domain::{
    event::{Event, EventBody},
    outcome::{Ending, FailReason},
    session::{Command, Request},
    tool::Access,
};
use testkit::{
    Answer, FakeTool, Fault, ScriptedModel,
    wait::{Gate, bounded},
};

use crate::stage::*;

/// Three rounds, of which the second panics in a worker's tool.
async fn with_a_defect_in_the_middle() -> (Stage, Vec<Event>) {
    let model = ScriptedModel::new()
        .agent("manager", [Answer::text("안녕하세요"), task("coder", "work"), Answer::text("기억합니다")])
        .agent("coder", [run("boom")]);
    let mut stage = Stage::new(model);
    stage.bash = FakeTool::new("bash", Access::Command).answering(|_| panic!("boom"));
    let session = SessionHandle::start(stage.parts());
    for (number, text) in (1..).zip(["첫 번째 말", "두 번째 말", "세 번째 말"]) {
        session.send(Command::Start(Request::new(text))).await.unwrap();
        let is_end = |event: &Event| event.body.ends_round() && event.scope.round == Some(number);
        stage.journal.wait_for("the round's end", is_end).await;
    }
    session.close().await.unwrap();
    let events = stage.journal.events().iter().map(|event| event.as_ref().clone()).collect();
    (stage, events)
}

#[tokio::test(start_paused = true)]
async fn the_manager_remembers_what_was_said_before_a_defect() {
    let (stage, events) = with_a_defect_in_the_middle().await;
    let ends: Vec<Ending> = events
        .iter()
        .filter_map(|event| match event.body {
            EventBody::RoundFinished { ending, .. } => Some(ending),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [Ending::Answered, Ending::Failed(FailReason::Internal), Ending::Answered]);
    let last = stage.model.requests_of("manager").pop().unwrap();
    let seen: String = last.messages.iter().map(|sealed| sealed.message.text()).collect();
    assert!(seen.contains("첫 번째 말") && seen.contains("안녕하세요"), "{seen}");
}

/// Law 5: what a run started in the background ends with it, however it ends.
#[tokio::test(start_paused = true)]
async fn what_runs_left_in_the_background_ends_with_a_defect_too() {
    let (stage, events) = with_a_defect_in_the_middle().await;
    let mut begun: Vec<_> = events
        .iter()
        .filter(|event| matches!(event.body, EventBody::RunStarted { .. }))
        .filter_map(|event| event.scope.run.as_ref().map(|run| run.run_id))
        .collect();
    let mut ended = stage.servers.ended_runs();
    begun.sort_unstable();
    ended.sort_unstable();
    assert_eq!(ended, begun);
}

/// What the person said in a round that broke off is read in the next one.
#[tokio::test(start_paused = true)]
async fn words_that_were_read_in_a_round_that_broke_off_are_read_again() {
    let gate = Gate::shut();
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), Answer::text("네")])
        .agent("coder", [run("boom")]);
    let mut stage = Stage::new(model.with_fault(1, Fault::Hold(gate.clone())));
    stage.bash = FakeTool::new("bash", Access::Command).answering(|_| panic!("boom"));
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.model.wait_for_requests(1).await;
    session.send(Command::Message("시험도 해 주세요".to_owned())).await.unwrap();
    gate.open();
    stage.journal.wait_for("the end", |event| event.body.ends_round()).await;
    session.send(Command::Start(Request::new("again"))).await.unwrap();
    let is_second_end = |event: &Event| event.body.ends_round() && event.scope.round == Some(2);
    stage.journal.wait_for("the second end", is_second_end).await;
    session.close().await.unwrap();
    let last = stage.model.requests_of("manager").pop().unwrap();
    let seen: String = last.messages.iter().map(|sealed| sealed.message.text()).collect();
    assert!(seen.contains("시험도 해 주세요"), "{seen}");
}

/// The journal had no time for the end of a round that broke off. It gets it before anything else, so that its numbers
/// have no gap and nothing that was told is missing.
#[tokio::test(start_paused = true)]
async fn what_the_journal_had_no_time_for_it_gets_first_in_the_next_round() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), Answer::text("네")])
        .agent("coder", [run("boom")]);
    let mut stage = Stage::new(model);
    let (gates, journal) = (std::sync::mpsc::channel(), Arc::clone(&stage.journal));
    let shut = std::sync::Mutex::new(gates.0);
    stage.bash = FakeTool::new("bash", Access::Command).answering(move |_| {
        shut.lock().unwrap().send(journal.hold_from(0)).unwrap();
        panic!("boom")
    });
    let session = SessionHandle::start(stage.parts());
    let mut told = session.subscribe();
    let mut told_of_end = async |round: u32| {
        let mut events = Vec::new();
        loop {
            let Some(Ok(Published::Event(event))) = bounded("an event", told.next()).await else { continue };
            events.push(Event::clone(&event));
            if event.body.ends_round() && event.scope.round == Some(round) {
                return events;
            }
        }
    };
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let mut events = told_of_end(1).await;
    assert!(!stage.journal.events().iter().any(|event| event.body.ends_round()), "there was no time for it");
    gates.1.recv().unwrap().open();
    session.send(Command::Start(Request::new("again"))).await.unwrap();
    events.extend(told_of_end(2).await);
    session.close().await.unwrap();
    assert_eq!(stage.journal.take_violations(), Vec::<String>::new());
    let journaled: Vec<Event> = stage.journal.events().iter().map(|event| Event::clone(event)).collect();
    assert_eq!(journaled, events);
}
