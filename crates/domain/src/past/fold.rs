//! The fold over a session's rounds.

use std::collections::{BTreeMap, VecDeque};

use super::{Accounts, BrokenRound, Past, judged, words::Unread};
use crate::{
    agent::WorkerKind,
    context::Recollection,
    event::{CheckpointAt, Event, EventBody},
    id::RunId,
    message::Message,
    outcome::Ending,
    workspace::Checkpoint,
};

/// A past in the making, round by round.
pub(super) struct Fold {
    past: Past,
    talk: Recollection,
    unread: Unread,
    /// The workspace's folder.
    root: String,
    /// The states that reviews under way are about.
    under_review: BTreeMap<RunId, Checkpoint>,
    /// Those that reviews were about whose reports the round takes next; none where it was not kept.
    reported: VecDeque<Option<Checkpoint>>,
}

/// A session's events by round, each with its number. What belongs to no round stands with the round before it; what
/// comes before the first round, with the first.
pub(super) fn by_round(events: &[Event]) -> Vec<(u32, Vec<&Event>)> {
    let mut rounds: Vec<(u32, Vec<&Event>)> = Vec::new();
    let mut before = Vec::new();
    for event in events {
        match (event.scope.round, rounds.last_mut()) {
            (Some(number), Some((last, of_last))) if number == *last => of_last.push(event),
            (Some(number), _) => {
                let mut of_round = std::mem::take(&mut before);
                of_round.push(event);
                rounds.push((number, of_round));
            }
            (None, Some((_, of_last))) => of_last.push(event),
            (None, None) => before.push(event),
        }
    }
    rounds
}

impl Fold {
    pub(super) fn new(past: Past) -> Self {
        Self {
            past,
            talk: Recollection::default(),
            unread: Unread::default(),
            root: String::new(),
            under_review: BTreeMap::new(),
            reported: VecDeque::new(),
        }
    }

    pub(super) fn into_past(mut self) -> Past {
        self.talk.answer_open_calls();
        Past { conversation: self.talk.into_conversation(), unread: self.unread.into_words(), ..self.past }
    }

    /// Takes the next round.
    pub(super) fn take_round(&mut self, number: u32, events: &[&Event], is_last: bool) {
        self.past.rounds = self.past.rounds.max(number);
        let is_led = events.iter().all(|event| !mentions_workers(event));
        let manager = if is_led { manager_of(events) } else { None };
        self.talk.answer_open_calls();
        let conversation = self.talk.conversation().clone();
        let (ledger, last_review) = (self.past.ledger.clone(), self.past.bases.last_review.clone());
        for event in events {
            self.take(event, manager);
        }
        let messages = is_led.then(|| messages_of(events, manager));
        let own_unread = self.unread.take(events, messages);
        let ending = events.iter().find_map(|event| match event.body {
            EventBody::RoundFinished { ending, .. } => Some(ending),
            _ => None,
        });
        self.past.finished_rounds += u32::from(ending.is_some());
        match ending {
            Some(Ending::Interrupted) => self.past.accounts.keep(self.round(number, events).account()),
            Some(_) if !is_led => {
                self.past.accounts.keep(self.round(number, events).account_of_chain());
            }
            None if is_last => {
                let broken = self.round(number, events);
                self.past.bases.round.clone_from(&broken.checkpoint);
                self.past.broken =
                    Some(BrokenRound { conversation, ledger, last_review, own_unread, ..broken });
            }
            Some(_) | None => {}
        }
    }

    fn take(&mut self, event: &Event, manager: Option<RunId>) {
        let past = &mut self.past;
        match (&event.body, event.scope.run.as_ref()) {
            (EventBody::SessionStarted { cwd, .. } | EventBody::SessionResumed { cwd, .. }, _) => {
                self.root.clone_from(cwd);
            }
            (EventBody::Checkpoint { id, at: CheckpointAt::Begin }, _) => {
                past.bases.session.get_or_insert_with(|| Checkpoint::new(id));
            }
            (EventBody::Checkpoint { id, at: CheckpointAt::Review }, run) => {
                self.under_review.extend(run.map(|run| (run.run_id, Checkpoint::new(id))));
            }
            (EventBody::Report { kind: WorkerKind::Reviewer, .. }, Some(run)) => {
                self.reported.push_back(self.under_review.remove(&run.run_id));
            }
            (EventBody::RoundFinished { .. }, _) => self.reported.clear(),
            (body @ EventBody::ReviewCycle { .. }, _) => {
                // It is what the next review compares with once the round has taken this one's report.
                if let Some(about) = self.reported.pop_front() {
                    past.bases.last_review = about;
                }
                if let Some(told) = judged::told(body, &self.root) {
                    past.ledger.recall(told);
                }
            }
            (EventBody::Message { message, .. }, _) => {
                past.call_ids.know(message.tool_uses().map(|(id, _, _)| id));
            }
            _ => {}
        }
        match event.scope.run.as_ref() {
            Some(run) if Some(run.run_id) == manager => {
                if matches!(event.body, EventBody::RunStarted { .. }) {
                    self.talk.begin_run();
                }
                // What is told to a manager stands in its first message.
                if matches!(event.body, EventBody::Message { .. }) {
                    self.past.accounts = Accounts::default();
                }
                self.talk.take(&event.body);
            }
            _ => {}
        }
    }

    fn round(&self, number: u32, events: &[&Event]) -> BrokenRound {
        BrokenRound::of(number, &self.root, events)
    }
}

fn mentions_workers(event: &Event) -> bool {
    matches!(&event.body, EventBody::RoundStarted { mentions, .. } if !mentions.is_empty())
}

/// The manager's run: the one that nobody called.
fn manager_of(events: &[&Event]) -> Option<RunId> {
    let runs = events.iter().filter_map(|event| event.scope.run.as_ref());
    runs.filter(|run| run.parent_run_id.is_none()).map(|run| run.run_id).next()
}

fn messages_of<'e>(events: &[&'e Event], run: Option<RunId>) -> impl Iterator<Item = &'e Message> {
    events.iter().filter_map(move |event| match (&event.body, &event.scope.run) {
        (EventBody::Message { message, .. }, Some(scope)) if Some(scope.run_id) == run => Some(&**message),
        _ => None,
    })
}
