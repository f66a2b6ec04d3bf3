//! O-16: a cancel at any moment ends the round, and nothing is left behind.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use better_llm_application::SessionHandle;
use domain::{
    event::{Event, EventBody},
    model::{ModelError, ModelRequest, ModelStream},
    outcome::{Ending, LimitReason, Signal},
    person::Presence,
    ports::{JournalError, JournalPort, ModelPort, PreparedCall, ToolContext, ToolPort},
    session::{Command, Request},
    tool::{CallTarget, RejectedInput, ToolOutcome, ToolSpec},
};
use futures_util::StreamExt;
use serde_json::Value;
use testkit::{ScriptedModel, wait::bounded, workspace::WorkspaceCall};
use tokio::task::yield_now;

use crate::stage::{Stage, finish, good_day, planned, run, task};

/// Lets the scheduler in before and after every call, so that each await of the code under test is a place where
/// something else can happen.
struct Yielding<P: ?Sized>(Arc<P>);

#[async_trait]
impl JournalPort for Yielding<dyn JournalPort> {
    async fn append(&self, event: Arc<Event>) -> Result<(), JournalError> {
        yield_now().await;
        self.0.append(event).await?;
        yield_now().await;
        Ok(())
    }

    async fn durable(&self) -> Result<(), JournalError> {
        yield_now().await;
        self.0.durable().await
    }

    async fn read(&self, session: domain::id::SessionId, after: u64) -> Result<Vec<Event>, JournalError> {
        yield_now().await;
        self.0.read(session, after).await
    }
}

#[async_trait]
impl ModelPort for Yielding<dyn ModelPort> {
    fn provider(&self) -> &str {
        self.0.provider()
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        self.0.resolve(wanted)
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        yield_now().await;
        let stream = self.0.stream(request).await?;
        Ok(Box::pin(stream.then(|item| async {
            yield_now().await;
            item
        })))
    }
}

impl ToolPort for Yielding<dyn ToolPort> {
    fn spec(&self) -> &ToolSpec {
        self.0.spec()
    }

    fn prepare(&self, input: &Value) -> Result<Box<dyn PreparedCall>, RejectedInput> {
        self.0.prepare(input).map(|call| Box::new(YieldingCall(call)) as _)
    }
}

struct YieldingCall(Box<dyn PreparedCall>);

#[async_trait]
impl PreparedCall for YieldingCall {
    fn target(&self) -> CallTarget {
        self.0.target()
    }

    async fn run(self: Box<Self>, context: ToolContext) -> ToolOutcome {
        yield_now().await;
        let outcome = self.0.run(context).await;
        yield_now().await;
        outcome
    }
}

/// How a round is ended from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Command,
    CommandTwice,
    DroppedHandle,
}

/// Plays what is set on the stage and ends it after `yields` turns of the scheduler. Returns the round's end.
async fn end_after(stage: Stage, yields: usize, by: By) -> Ending {
    let model: Arc<dyn ModelPort> = Arc::new(Yielding(Arc::clone(&stage.model) as Arc<dyn ModelPort>));
    let mut parts = stage.parts_with(&model, |tool| Arc::new(Yielding(tool)));
    parts.journal = Arc::new(Yielding(Arc::clone(&stage.journal) as Arc<dyn JournalPort>));
    drop(model);
    let tasks_before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let session = SessionHandle::start(parts);
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    session.send(Command::Message("천천히".to_owned())).await.unwrap();
    for _ in 0..yields {
        yield_now().await;
    }
    match by {
        By::Command => {
            session.send(Command::Cancel(Signal::Terminate)).await.unwrap();
            bounded("the close", session.close()).await.unwrap();
        }
        By::CommandTwice => {
            for _ in 0..2 {
                session.send(Command::Cancel(Signal::Interrupt)).await.unwrap();
            }
            bounded("the close", session.close()).await.unwrap();
        }
        By::DroppedHandle => {
            drop(session);
            let end = "the round's end";
            stage.journal.wait_for(end, |event| event.body.ends_round()).await;
            bounded("the actor's end", async {
                while tokio::runtime::Handle::current().metrics().num_alive_tasks() > tasks_before {
                    yield_now().await;
                }
            })
            .await;
        }
    }
    assert_eq!(
        tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        tasks_before,
        "no task is left"
    );
    assert_eq!(stage.model.open_requests(), 0, "no request is left");
    assert_eq!(stage.processes.running(), 0, "no process is left");
    for tool in [&stage.bash, &stage.write, &stage.commit] {
        assert_eq!(tool.running(), 0, "no call is left");
        assert!(
            by == By::CommandTwice || tool.abandoned().is_empty(),
            "no call was dropped before it had ended"
        );
    }
    assert_eq!(Arc::strong_count(&stage.journal), 1, "nobody holds the journal");
    let played = stage.played();
    every_started_call_has_finished(&played.events);
    assert_eq!(stage.records.saved().len(), 1, "the record is saved");
    played.ending()
}

fn every_started_call_has_finished(events: &[Event]) {
    for event in events {
        if let EventBody::ToolStarted { call_id, .. } = &event.body {
            let ends = events.iter().filter(
                |event| matches!(&event.body, EventBody::ToolFinished { call_id: ended, .. } if ended == call_id),
            );
            assert_eq!(ends.count(), 1, "{call_id}");
        }
        if let EventBody::RunStarted { .. } = &event.body {
            let ends = events.iter().filter(|end| {
                matches!(end.body, EventBody::RunFinished { .. }) && end.scope.run == event.scope.run
            });
            assert_eq!(ends.count(), 1, "{:?}", event.scope.run);
        }
    }
}

/// Ends what `stage` sets at every moment there is, which are more than `moments`.
pub(crate) async fn check_every_moment(stage: impl Fn() -> Stage, moments: usize, by: By, ending: Signal) {
    let mut cancelled = 0;
    for yields in 0.. {
        match end_after(stage(), yields, by).await {
            Ending::Cancelled(signal) => {
                assert_eq!(signal, ending);
                cancelled += 1;
            }
            end => {
                assert_eq!(end, Ending::Done);
                break;
            }
        }
    }
    assert!(cancelled > moments, "only {cancelled} moments");
}

fn a_good_day() -> Stage {
    Stage::new(good_day())
}

/// The good day has at least two awaits for each of its events.
const ITS_MOMENTS: usize = 280;

#[tokio::test]
async fn a_cancel_at_every_await_leaves_nothing_behind() {
    check_every_moment(a_good_day, ITS_MOMENTS, By::Command, Signal::Terminate).await;
}

#[tokio::test]
async fn a_dropped_handle_at_every_await_leaves_nothing_behind() {
    check_every_moment(a_good_day, ITS_MOMENTS, By::DroppedHandle, Signal::Interrupt).await;
}

/// P49: who asks twice gets the same end without a wait for anything polite.
#[tokio::test]
async fn a_second_cancel_at_every_await_leaves_nothing_behind() {
    check_every_moment(a_good_day, ITS_MOMENTS, By::CommandTwice, Signal::Interrupt).await;
}

/// Says something and ends the round at once, after `yields` turns of the scheduler. Whether that was taken, and how
/// often it was written down.
async fn last_words_after(yields: usize) -> (bool, usize) {
    const WORDS: &str = "마지막 말";
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("done")])
        .agent("planner", [planned()]);
    let mut stage = Stage::new(model);
    let intervention = Duration::from_secs(5);
    stage.presence = Presence::Present { question_timeout: intervention, intervention };
    let mut parts = stage.parts();
    parts.journal = Arc::new(Yielding(Arc::clone(&stage.journal) as Arc<dyn JournalPort>));
    let session = SessionHandle::start(parts);
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    for _ in 0..yields {
        yield_now().await;
    }
    let said = session.send(Command::Message(WORDS.to_owned()));
    let (said, stopped) = tokio::join!(said, session.send(Command::Stop));
    assert_eq!(stopped, Ok(()));
    bounded("the close", session.close()).await.unwrap();
    let written = stage.played().events.into_iter().filter(|event| match &event.body {
        EventBody::MessageQueued { text } => text == WORDS,
        EventBody::Intervention { text, .. } => text.as_deref() == Some(WORDS),
        _ => false,
    });
    (said.is_ok(), written.count())
}

/// Law 1: what the person says and the session takes is written down, whenever they stop the round.
#[tokio::test(start_paused = true)]
async fn words_that_were_taken_are_written_down_whenever_the_round_is_stopped() {
    let mut taken = 0;
    for yields in 0..200 {
        let (was_taken, written) = last_words_after(yields).await;
        assert_eq!(written, usize::from(was_taken), "after {yields}");
        taken += written;
    }
    assert!(taken > 50, "only {taken} moments");
}

async fn until_in_a_command(stage: &Stage) {
    bounded("the command", async {
        while stage.bash.running() == 0 {
            yield_now().await;
        }
    })
    .await;
}

/// How long a round took to end that was cancelled by these signals, one after the other.
async fn time_to_end(stage: &Stage, signals: &[Signal]) -> Duration {
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    until_in_a_command(stage).await;
    let began = tokio::time::Instant::now();
    for signal in signals {
        session.send(Command::Cancel(*signal)).await.unwrap();
    }
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    let took = began.elapsed();
    bounded("the close", session.close()).await.unwrap();
    took
}

/// P49: a tool that hears no cancel has five seconds after the first one, two where the machine goes away, and none
/// after the second. The journal holds one end in any case.
#[tokio::test(start_paused = true)]
async fn a_deaf_tool_holds_up_no_second_cancel() {
    let script =
        || ScriptedModel::new().agent("manager", [task("coder", "work")]).agent("coder", [run("sleep")]);
    for (signals, seconds) in [
        (&[Signal::Interrupt][..], 5),
        (&[Signal::Terminate], 2),
        (&[Signal::HangUp], 2),
        (&[Signal::Interrupt, Signal::Interrupt], 0),
        (&[Signal::Interrupt, Signal::Terminate], 0),
    ] {
        let mut stage = Stage::new(script());
        stage.bash = stage.bash.never_ending();
        let took = time_to_end(&stage, signals).await;
        assert_eq!((took.as_secs(), stage.bash.running()), (seconds, 0), "{signals:?}");
        assert_eq!(stage.played().ending(), Ending::Cancelled(signals[0]));
        assert_eq!(stage.records.saved().len(), 1, "the record is saved");
    }
}

/// Law 4: where even the end of the round hangs, whoever listens hears of one end, in time.
#[tokio::test(start_paused = true)]
async fn a_disk_that_answers_no_more_holds_up_no_end() {
    for (signals, bound) in [(&[Signal::Terminate][..], 5), (&[Signal::Interrupt, Signal::Interrupt], 2)] {
        let mut stage = Stage::new(
            ScriptedModel::new().agent("manager", [task("coder", "work")]).agent("coder", [run("sleep")]),
        );
        stage.bash = stage.bash.blocking_until_cancelled();
        let session = SessionHandle::start(stage.parts());
        let mut events = session.subscribe();
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        until_in_a_command(&stage).await;
        let _shut = stage.journal.hold_durable();
        let began = tokio::time::Instant::now();
        for signal in signals {
            session.send(Command::Cancel(*signal)).await.unwrap();
        }
        let closed = session.close();
        let mut heard = Vec::new();
        let listening = async {
            while let Some(published) = events.next().await {
                if let better_llm_application::Published::Event(event) = published.unwrap() {
                    heard.push(event);
                }
            }
        };
        drop(tokio::join!(bounded("the close", closed), bounded("the end", listening)));
        assert!(began.elapsed() <= Duration::from_secs(bound), "{:?}", began.elapsed());
        let ends: Vec<_> = heard.iter().filter(|event| event.body.ends_round()).collect();
        assert_eq!((ends.len(), heard.last().map(|event| event.body.ends_round())), (1, Some(true)));
        let numbers: Vec<u64> = heard.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no gaps");
    }
}

/// A look at the files that never ends (git at a pipe, a network folder that is gone) holds up neither a cancel nor the
/// time limit of a round.
#[tokio::test(start_paused = true)]
async fn a_look_at_the_files_that_hangs_holds_up_no_end() {
    for call in [WorkspaceCall::Checkpoint, WorkspaceCall::Touched, WorkspaceCall::ChangesSince] {
        for limit in [None, Some(Duration::from_secs(60))] {
            let mut stage = Stage::new(good_day());
            stage.limits.timeout_seconds = limit;
            let _shut = stage.workspace.hold(call);
            let session = SessionHandle::start(stage.parts());
            session.send(Command::Start(Request::new("go"))).await.unwrap();
            let is_held = || stage.workspace.calls().contains(&call);
            bounded("the look", async {
                while !is_held() {
                    yield_now().await;
                }
            })
            .await;
            if limit.is_none() {
                session.send(Command::Cancel(Signal::Terminate)).await.unwrap();
            }
            stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
            bounded("the close", session.close()).await.unwrap();
            let expected = match limit {
                None => Ending::Cancelled(Signal::Terminate),
                Some(_) => Ending::Limit(LimitReason::Time),
            };
            let played = stage.played();
            assert_eq!(played.ending(), expected, "{call:?}");
            let is_cut_short = |event: &Event| matches!(&event.body, EventBody::Notice { code, .. } if code == "end_cut_short");
            assert!(!played.events.iter().any(is_cut_short), "{call:?}");
        }
    }
}
