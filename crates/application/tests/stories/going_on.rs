//! P40, O-16: a session whose program is killed at any event goes on as if nothing had happened, or with something else.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    event::{Event, EventBody, RoundResult},
    id::{CallId, RunId},
    outcome::Ending,
    tool::ToolStatus,
};

mod damaged;
mod killing;
mod stories;

use killing::{Killed, Survivors, kill_at};
use stories::{Story, stories};

/// What is left of a round when it has ended.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    ending: Ending,
    summary: String,
    result: RoundResult,
    agents_used: Vec<String>,
    reviews: Vec<String>,
    files: BTreeMap<String, String>,
    commits: usize,
}

impl Outcome {
    fn of(story: &Story, stage: &crate::stage::Stage, events: &[Event]) -> Self {
        let last = events.last().unwrap();
        let EventBody::RoundFinished { ending, summary, result, agents_used, .. } = &last.body else {
            panic!("{}: the last event is {:?}", story.name, last.body);
        };
        let reviews = events.iter().filter_map(|event| match &event.body {
            EventBody::ReviewCycle { cycle, limit, verdict, open_findings, closed, .. } => {
                Some(format!("{cycle}/{limit} {verdict:?} {open_findings:?} {closed:?}"))
            }
            _ => None,
        });
        let files = stage.workspace.paths().into_iter();
        Self {
            ending: *ending,
            summary: summary.clone(),
            result: result.clone(),
            agents_used: agents_used.iter().map(ToString::to_string).collect(),
            reviews: reviews.collect(),
            files: files
                .map(|path| (path.clone(), stage.workspace.read(&path).unwrap_or_default()))
                .collect(),
            commits: stage.commit.calls().len(),
        }
    }
}

/// What every journal holds that tells of rounds that ended, however often their program died.
#[track_caller]
fn check_journal(place: &str, events: &[Event]) {
    let mut runs: BTreeMap<RunId, (usize, usize)> = BTreeMap::new();
    let mut calls: BTreeMap<CallId, (usize, usize)> = BTreeMap::new();
    let (mut begun, mut ended) = (0, 0);
    for event in events {
        match (&event.body, &event.scope.run) {
            (EventBody::RunStarted { .. }, Some(run)) => runs.entry(run.run_id).or_default().0 += 1,
            (EventBody::RunFinished { .. }, Some(run)) => runs.entry(run.run_id).or_default().1 += 1,
            (EventBody::ToolStarted { call_id, .. }, _) => calls.entry(call_id.clone()).or_default().0 += 1,
            (EventBody::ToolFinished { call_id, .. }, _) => calls.entry(call_id.clone()).or_default().1 += 1,
            (EventBody::RoundStarted { .. }, _) => begun += 1,
            (EventBody::RoundFinished { .. }, _) => ended += 1,
            _ => {}
        }
    }
    assert!(runs.values().all(|run| *run == (1, 1)), "{place}: {runs:?}");
    let whole = |(started, finished): &(usize, usize)| *started <= 1 && *finished == 1;
    assert!(calls.values().all(whole), "{place}: {calls:?}");
    assert_eq!(begun, ended, "{place}");
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "{place}");
}

/// No call runs its tool a second time, and none that had begun when the program died runs it after that.
#[track_caller]
fn check_effects(place: &str, killed: &Killed) {
    let mut ran = BTreeSet::new();
    for tool in [&killed.stage.write, &killed.stage.bash, &killed.stage.commit] {
        for call in tool.calls() {
            assert!(ran.insert(call.call.clone()), "{place}: {} ran again", call.call);
        }
    }
}

/// A call that was interrupted is made again by a model that asks for it again: nobody else knows whether it was done.
#[track_caller]
fn check_outcome(place: &str, outcome: Outcome, expected: &Outcome, events: &[Event]) {
    let commits = if events.iter().any(is_interrupted) { expected.commits } else { outcome.commits };
    assert_eq!(Outcome { commits, ..outcome }, *expected, "{place}");
}

fn spent(events: &[Event]) -> u64 {
    match &events.last().unwrap().body {
        EventBody::RoundFinished { usage, .. } => usage.total(),
        other => panic!("{other:?}"),
    }
}

fn is_interrupted(event: &Event) -> bool {
    matches!(event.body, EventBody::ToolFinished { status: ToolStatus::Interrupted, .. })
}

fn check_every_place(story: &Story, survivors: Survivors) {
    let (calm_stage, calm) = story.play_undisturbed();
    let expected = Outcome::of(story, &calm_stage, &calm);
    check_journal(story.name, &calm);
    for nth in 1..=calm.len() {
        let Some(mut killed) = kill_at(story, nth, survivors) else { continue };
        let place = format!("{} killed at event {nth} ({survivors:?})", story.name);
        let events = killed.go_on(story);
        check_journal(&place, &events);
        check_effects(&place, &killed);
        let outcome = Outcome::of(story, &killed.stage, &events);
        check_outcome(&place, outcome, &expected, &events);
        assert!(spent(&events) >= spent(&calm), "{place}: {} < {}", spent(&events), spent(&calm));
    }
}

/// O-16, P40: killed at any event, the round ends as it would have.
#[test]
fn a_round_that_was_killed_anywhere_ends_as_it_would_have() {
    for story in stories() {
        check_every_place(&story, Survivors::All);
    }
}

/// The same, where what had not been waited for on disk is lost with the program.
#[test]
fn a_round_whose_last_events_were_lost_ends_as_it_would_have() {
    for story in stories() {
        check_every_place(&story, Survivors::OnDisk);
    }
}

/// The same, where the program dies a second time while it goes on.
#[test]
fn a_round_that_is_killed_again_while_it_goes_on_ends_as_it_would_have() {
    for story in stories() {
        let (stage, calm) = story.play_undisturbed();
        let expected = Outcome::of(&story, &stage, &calm);
        for nth in (1..=calm.len()).step_by(7) {
            let Some(first) = kill_at(&story, nth, Survivors::All) else { continue };
            let Some(mut killed) = first.kill_again(&story, 4) else { continue };
            let place = format!("{} killed at event {nth} and again", story.name);
            let events = killed.go_on(&story);
            check_journal(&place, &events);
            check_effects(&place, &killed);
            let outcome = Outcome::of(&story, &killed.stage, &events);
            check_outcome(&place, outcome, &expected, &events);
        }
    }
}

/// O-22: with another task the round that was broken off ends as interrupted, and every open call and run with it; the
/// manager is told, and its conversation can be sent.
#[test]
fn with_another_task_the_broken_round_ends_as_interrupted() {
    for story in stories() {
        let (_, calm) = story.play_undisturbed();
        for nth in 1..=calm.len() {
            let Some(mut killed) = kill_at(&story, nth, Survivors::All) else { continue };
            let place = format!("{} killed at event {nth}", story.name);
            let events = killed.begin_anew(&story);
            check_journal(&place, &events);
            let ends: Vec<_> = events
                .iter()
                .filter_map(|event| match event.body {
                    EventBody::RoundFinished { ending, .. } => Some((event.scope.round.unwrap(), ending)),
                    _ => None,
                })
                .collect();
            assert_eq!(ends, [(1, Ending::Interrupted), (2, Ending::Answered)], "{place}");
            let told = killed.stage.model.requests().pop().unwrap();
            let words: Vec<String> = told.messages.iter().map(|message| message.message.text()).collect();
            let account = words.last().unwrap();
            assert!(
                account.contains("was broken off") && account.contains("something else"),
                "{place}: {words:?}"
            );
            // What a listener of the resumed session sees begins with its own first event.
            assert_eq!(
                killed.seen.first().map(|event| matches!(event.body, EventBody::SessionResumed { .. })),
                Some(true)
            );
            assert_eq!(killed.seen.iter().filter(|event| event.body.ends_round()).count(), 1, "{place}");
        }
    }
}
