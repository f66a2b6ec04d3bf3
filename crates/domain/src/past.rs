//! What a session's journal says of its past: everything that the session needs to go on after its program has ended or
//! died ([ADR 23](../../../docs/adr/0023-going-on.md)).
//!
//! A fold over events, without any other memory beside them (law 1). Events may be missing where a journal was damaged:
//! what cannot be told is left out, and nothing here fails. What is done with a round that was broken off is decided
//! elsewhere; nothing here looks at files or asks anybody.

use std::collections::BTreeMap;

use crate::{
    agent::AgentName,
    context::Conversation,
    event::{Event, EventBody},
    model::CallIds,
    review::Ledger,
    workspace::Bases,
};

mod accounts;
mod requests;

pub use accounts::Accounts;

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
    /// The manager's conversation: what its next request goes on from.
    pub conversation: Conversation,
    /// Every finding so far and how it stands.
    pub ledger: Ledger,
    /// The ids of all calls.
    pub call_ids: CallIds,
    /// Earlier states of the workspace; none of a round.
    pub bases: Bases,
    /// What the manager was not told yet.
    pub accounts: Accounts,
    /// What the person said and no request showed, in order.
    pub unread: Vec<String>,
    /// How many requests of each agent came to an end, failed attempts included.
    pub requests: BTreeMap<AgentName, u64>,
    /// The last round, where it has no end.
    pub broken: Option<BrokenRound>,
}

/// A round without an end: the program died in it.
#[derive(Debug)]
pub struct BrokenRound {
    /// Its number, from 1.
    pub number: u32,
    /// What the person said.
    pub text: String,
}

impl Past {
    /// Folds a session's journal, oldest event first.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut past = Self {
            events: u64::try_from(events.len()).unwrap_or(u64::MAX),
            last_seq: events.last().map_or(0, |event| event.seq),
            requests: requests::ended(events),
            ..Self::default()
        };
        for event in events {
            match &event.body {
                EventBody::RoundStarted { text, .. } => {
                    let number = event.scope.round.unwrap_or(past.rounds + 1);
                    past.rounds = number;
                    past.broken = Some(BrokenRound { number, text: text.clone() });
                }
                EventBody::RoundFinished { .. } => {
                    past.finished_rounds += 1;
                    past.broken = None;
                }
                _ => {}
            }
        }
        past
    }
}
