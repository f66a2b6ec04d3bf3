//! What a round does when the world fails: models, journals, tools, listeners.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use better_llm_application::{Published, SessionHandle, SessionParts};
use domain::{
    event::{Event, EventBody},
    id::SessionId,
    model::ModelErrorKind,
    outcome::{Ending, FailReason},
    ports::{JournalError, JournalPort},
    session::{Command, Request},
};
use testkit::{Answer, MemoryJournal, ScriptedModel, wait::bounded, workspace::WorkspaceCall};

use crate::stage::*;

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_ends_the_round_with_its_cause() {
    for (kind, reason) in [
        (ModelErrorKind::Credentials, FailReason::Credentials),
        (ModelErrorKind::Unreachable, FailReason::Provider),
        (ModelErrorKind::Cut, FailReason::Provider),
    ] {
        let stage = Stage::new(ScriptedModel::answering([Answer::refused(kind.clone())]));
        let played = stage.play("go").await;
        assert_eq!(played.ending(), Ending::Failed(reason));
        let said = played
            .events
            .iter()
            .any(|event| matches!(&event.body, EventBody::Error { code, .. } if code == kind.code()));
        assert!(said, "{kind:?}");
    }
}

/// Credentials that a worker's endpoint refuses will be refused again: the round ends.
#[tokio::test(start_paused = true)]
async fn refused_credentials_of_a_worker_end_the_round() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("done")])
        .agent("coder", [Answer::refused(ModelErrorKind::Credentials)]);
    let played = Stage::new(model).play("go").await;
    assert_eq!(played.ending(), Ending::Failed(FailReason::Credentials));
}

/// Any other failure of a worker is the manager's to deal with.
#[tokio::test(start_paused = true)]
async fn a_failed_worker_is_told_to_the_manager() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("partial")])
        .agent("coder", [Answer::text("half").then_failing(ModelErrorKind::Cut)]);
    let played = Stage::new(model).play("go").await;
    assert_eq!(played.ending().outcome(), "partial");
    assert!(played.results_of("execute_coder_task")[0].1.contains("\"status\":\"failed\""));
}

/// P29: the same call id twice: each call runs once, each has its result.
#[tokio::test(start_paused = true)]
async fn call_ids_that_repeat_are_told_apart() {
    let twice = || {
        Answer::empty()
            .and_call_named("toolu_1", "write", serde_json::json!({ "path": "a", "content": "1" }))
            .and_call_named("toolu_1", "write", serde_json::json!({ "path": "b", "content": "2" }))
    };
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("done")])
        .agent("coder", [twice(), twice(), coded(&["a", "b"])]);
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Done);
    assert_eq!(stage.write.calls().len(), 4);
    assert_eq!(played.results_of("write").len(), 4);
}

/// A journal that takes no more ends the round, and whoever listens hears the end.
#[tokio::test(start_paused = true)]
async fn a_full_disk_at_any_event_ends_the_round_as_internal() {
    for nth in 1..40 {
        let stage = Stage::new(good_day());
        stage.journal.fail_from(nth);
        let session = SessionHandle::start(stage.parts());
        let mut events = session.subscribe();
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        let end = loop {
            match bounded("an event", events.next()).await {
                Some(Ok(Published::Event(event))) if event.body.ends_round() => break event,
                Some(_) => {}
                None => panic!("no end at {nth}"),
            }
        };
        let EventBody::RoundFinished { ending, result, exit_code, .. } = &end.body else { panic!("{end:?}") };
        assert_eq!((*ending, *exit_code), (Ending::Failed(FailReason::Internal), 1), "at {nth}");
        let changed = if stage.write.calls().is_empty() { vec![] } else { vec!["sum.sh".to_owned()] };
        assert_eq!(result.files_changed, changed, "at {nth}");
        bounded("the close", session.close()).await.ok();
        assert_eq!(stage.bash.running() + stage.write.running() + stage.model.open_requests(), 0);
    }
}

/// The same where the disk fails at the moment at which something has to be on it: one end is heard of, and not the one
/// that could not be kept.
#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_kept_is_not_the_end_that_is_said() {
    // The good day waits for the disk at least so often.
    for nth in 1..=15 {
        let stage = Stage::new(good_day());
        stage.journal.fail_durable_from(nth);
        let session = SessionHandle::start(stage.parts());
        let mut events = session.subscribe();
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        let mut session = Some(session);
        let mut ends = Vec::new();
        while let Some(published) = bounded("an event", events.next()).await {
            if let Ok(Published::Event(event)) = published
                && let EventBody::RoundFinished { ending, .. } = &event.body
            {
                ends.push(*ending);
                if let Some(session) = session.take() {
                    drop(bounded("the close", session.close()).await);
                }
            }
        }
        assert_eq!(ends, [Ending::Failed(FailReason::Internal)], "at {nth}");
    }
}

/// A workspace that cannot be observed lets nothing be changed.
#[tokio::test(start_paused = true)]
async fn nothing_is_done_that_could_not_be_observed() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("failed")])
        .agent("coder", [write("a", "1"), coded(&[])]);
    let stage = Stage::new(model);
    stage.workspace.fail(WorkspaceCall::Checkpoint, "disk full");
    let played = stage.play("go").await;
    assert_eq!(stage.write.calls().len(), 0);
    assert!(played.results_of("write")[0].1.contains("disk full"));
}

/// A listener that lags loses deltas, never events.
#[tokio::test(start_paused = true)]
async fn a_slow_listener_reads_every_event_in_order() {
    let long = "가나다라".repeat(500);
    let model = ScriptedModel::answering([
        Answer::text(&long).in_chunks(1).and_call("read", serde_json::json!({})),
        Answer::text("끝"),
    ]);
    let stage = Stage::new(model);
    let session = SessionHandle::start(stage.parts());
    let mut events = session.subscribe();
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.journal.wait_for("the end", |event| event.body.ends_round()).await;
    let mut numbers = Vec::new();
    loop {
        match bounded("an event", events.next()).await.unwrap().unwrap() {
            Published::Event(event) => {
                numbers.push(event.seq);
                if event.body.ends_round() {
                    break;
                }
            }
            Published::Delta(_) => {}
        }
    }
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    session.close().await.unwrap();
}

/// A journal that takes its time to read.
struct SlowToRead(Arc<MemoryJournal>);

#[async_trait]
impl JournalPort for SlowToRead {
    async fn append(&self, event: Arc<Event>) -> Result<(), JournalError> {
        self.0.append(event).await
    }

    async fn durable(&self) -> Result<(), JournalError> {
        self.0.durable().await
    }

    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<Event>, JournalError> {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        self.0.read(session, after).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_leaves_its_wait_at_any_moment_misses_no_event() {
    let long = "가나다라".repeat(500);
    let stage = Stage::new(ScriptedModel::answering([
        Answer::text(&long).in_chunks(1).and_call("read", serde_json::json!({})),
        Answer::text("끝"),
    ]));
    let journal = Arc::new(SlowToRead(Arc::clone(&stage.journal)));
    let session = SessionHandle::start(SessionParts { journal, ..stage.parts() });
    let mut events = session.subscribe();
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.journal.wait_for("the end", |event| event.body.ends_round()).await;
    let mut numbers = Vec::new();
    let mut has_ended = false;
    while !has_ended {
        tokio::select! {
            biased;
            published = events.next() => if let Published::Event(event) = published.unwrap().unwrap() {
                numbers.push(event.seq);
                has_ended = event.body.ends_round();
            },
            () = std::future::ready(()) => tokio::task::yield_now().await,
        }
    }
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    session.close().await.unwrap();
}

/// Old messages are cut before a conversation grows past its limit; the model is told what was in them.
#[tokio::test(start_paused = true)]
async fn a_long_run_is_cut_and_goes_on() {
    let steps: Vec<Answer> =
        (0..20).map(|n| write(&format!("f{n}"), "x").after(Duration::from_millis(1))).collect();
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("done")])
        .agent("coder", steps.into_iter().chain([coded(&["f0", "f19"])]));
    let mut stage = Stage::new(model);
    stage.limits.max_messages = 8;
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Done);
    assert!(stage.model.requests_of("coder").iter().all(|request| request.messages.len() <= 8));
    let last = stage.model.requests_of("coder").pop().unwrap();
    assert!(last.messages[0].message.text().contains("- f0\n"), "{}", last.messages[0].message.text());
    assert!(played.events.iter().any(|event| matches!(event.body, EventBody::ContextCut { .. })));
}
