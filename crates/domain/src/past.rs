//! What a session's journal says of its past: everything that the session needs to go on after its program has ended or
//! died ([ADR 23](../../../docs/adr/0023-going-on.md)).
//!
//! A fold over events, without any other memory beside them (law 1). Events may be missing where a journal was damaged:
//! what cannot be told is left out, and nothing here fails. What is done with a round that was broken off is decided
//! elsewhere; nothing here looks at files or asks anybody.

use std::collections::BTreeMap;

use crate::{
    agent::AgentName, context::Conversation, event::Event, model::CallIds, review::Ledger, workspace::Bases,
};

mod account;
mod accounts;
mod closing;
mod fold;
mod judged;
mod requests;
mod round;
mod run;
mod seen;
#[cfg(test)]
mod tests;
mod words;

pub use accounts::Accounts;
use fold::Fold;
pub use judged::{
    ENGINE, Followed, Judged, NOBODY_THERE, PROTECTED_FILES_CHANGED, WORKSPACE_BUSY, WORKSPACE_NOT_LOCKED,
};
pub use round::BrokenRound;
pub use run::{OpenCall, PastEnd, PastQuestion, PastRun};
pub use seen::{Seen, Touch};

/// A session's past.
#[derive(Debug, Default)]
pub struct Past {
    /// How many events were read.
    pub events: u64,
    /// The number of the last one; 0 where there is none.
    pub last_seq: u64,
    /// The number of the last round that began; 0 where none did.
    pub rounds: u32,
    /// How many rounds came to their end.
    pub finished_rounds: u32,
    /// The manager's conversation, where the session begins another round: a round that was broken off is in it, and the
    /// calls that it left open are answered as interrupted.
    pub conversation: Conversation,
    /// Every finding so far and how it stands.
    pub ledger: Ledger,
    /// The ids of all calls.
    pub call_ids: CallIds,
    /// Earlier states of the workspace; of a round, where it was broken off.
    pub bases: Bases,
    /// What the manager was not told yet.
    pub accounts: Accounts,
    /// What the person said and no request showed, in order; last what they said in a round that was broken off.
    pub unread: Vec<String>,
    /// How many requests of each agent came to an end, failed attempts included.
    pub requests: BTreeMap<AgentName, u64>,
    /// The last round, where it has no end.
    pub broken: Option<BrokenRound>,
}

impl Past {
    /// Folds a session's journal, oldest event first.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut fold = Fold::new(Self {
            events: u64::try_from(events.len()).unwrap_or(u64::MAX),
            last_seq: events.last().map_or(0, |event| event.seq),
            requests: requests::ended(events),
            ..Self::default()
        });
        let rounds = fold::by_round(events);
        let last = rounds.last().map(|(number, _)| *number);
        for (number, events) in rounds {
            fold.take_round(number, &events, Some(number) == last);
        }
        fold.into_past()
    }
}
