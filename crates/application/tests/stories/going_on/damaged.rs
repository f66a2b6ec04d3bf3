//! P41: a journal with rows missing, anywhere: what is left is enough to go on from, and no request shows a call without
//! its result.

use domain::{event::Event, message::Message, past::Past};
use proptest::{prelude::*, sample::Index};
use testkit::pairing;

use crate::stage::Stage;

use super::{
    killing::Killed,
    stories::{Story, stories},
};

/// The journal of each story, played once.
fn journals() -> Vec<(Story, Stage, Vec<Event>)> {
    let played = |story: Story| {
        let (stage, events) = story.play_undisturbed();
        (story, stage, events)
    };
    stories().into_iter().map(played).collect()
}

/// What is left of a journal whose end, and rows of it, are gone.
fn damaged(events: &[Event], end: Index, lost: &[Index]) -> Vec<Event> {
    let mut left = events[..=end.index(events.len())].to_vec();
    for row in lost {
        if left.len() > 1 {
            left.remove(row.index(left.len()));
        }
    }
    left
}

/// A past can be gone on from: with another message its conversation can be sent.
fn check_past(events: &[Event]) -> Result<(), String> {
    let past = Past::of(events);
    let next = Message::user("go on");
    let conversation = past.conversation.messages().iter().map(|sealed| &*sealed.message);
    pairing::check(conversation.chain([&next]))?;
    let Some(broken) = &past.broken else { return Ok(()) };
    let before = broken.conversation.messages().iter().map(|sealed| &*sealed.message);
    pairing::check(before.chain([&next]))?;
    let closing = broken.closing(|_| None, Vec::new());
    match closing.last() {
        Some((_, end)) if end.ends_round() => Ok(()),
        other => Err(format!("the last word is {other:?}")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// P41, O-16: whatever is missing, a past is made of the rest, and what is in it can be sent.
    #[test]
    fn a_damaged_journal_has_a_past_that_can_be_gone_on_from(
        end in any::<Index>(),
        lost in prop::collection::vec(any::<Index>(), 0..24),
    ) {
        thread_local! {
            static JOURNALS: Vec<(Story, Stage, Vec<Event>)> = journals();
        }
        JOURNALS.with(|journals| {
            for (story, _, events) in journals {
                let left = damaged(events, end, &lost);
                check_past(&left).map_err(|why| TestCaseError::fail(format!("{}: {why}", story.name)))?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}

/// P41: a session goes on whose journal lost a row: the round comes to an end, and every request that is made for it can be
/// sent.
#[test]
fn a_session_goes_on_whose_journal_lost_a_row() {
    for (story, stage, events) in journals().into_iter().step_by(3) {
        for row in (3..events.len() * 3 / 4).step_by(5) {
            let whole = events[..events.len() * 3 / 4].to_vec();
            let mut left = whole.clone();
            left.remove(row);
            let mut killed = Killed::damaged(&stage, whole, left);
            let events = killed.go_on(&story);
            let last = events.last().unwrap();
            assert!(
                last.body.ends_round(),
                "{}: row {row} is lost, and the last is {:?}",
                story.name,
                last.body
            );
        }
    }
}
