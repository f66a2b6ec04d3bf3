//! Who may send when: the gate's decisions, without waiting and without a clock of their own.
//!
//! Requests stand in the order in which they came and keep their number when they are tried again. While nothing is
//! known against it, everybody passes at once. A limit shuts the gate for everybody. When its time is over one request
//! goes first; each one that the server takes lets two more pass, so that those who waited do not come all at once. It
//! stands open again when nobody else waits.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::budget::RetryBudget;

/// So many overloads in a row shut the gate, too (reliability 1.4).
const OVERLOADS: u32 = 5;

/// For so long.
const OVERLOADED_FOR: Duration = Duration::from_secs(30);

/// A request's number in the order in which requests came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(u64);

/// What a failed attempt tells about everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lesson {
    /// The server wants to be left alone until then.
    Limited(Instant),
    /// The server cannot now, and does not say for how long.
    Overloaded,
    /// Nothing.
    Nothing,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may send, or has sent.
    Inside,
    /// It waits: until then at least, or for what becomes of others.
    Waiting(Option<Instant>),
}

/// Decides who passes.
#[derive(Debug)]
pub(super) struct Turnstile {
    state: State,
    waiting: BTreeMap<Number, Waiting>,
    /// Those who passed; whether as one of the few that try whether the limit is over, and nothing is known of it yet.
    inside: BTreeMap<Number, bool>,
    overloads_in_a_row: u32,
    budget: RetryBudget,
    came: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut {
        until: Instant,
    },
    /// So many more may try.
    Ajar {
        room: usize,
    },
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    not_before: Instant,
    is_repeat: bool,
}

impl Default for Turnstile {
    fn default() -> Self {
        Self {
            state: State::Open,
            waiting: BTreeMap::new(),
            inside: BTreeMap::new(),
            overloads_in_a_row: 0,
            budget: RetryBudget::default(),
            came: 0,
        }
    }
}

impl Turnstile {
    /// A request comes for the first time.
    pub(super) fn arrive(&mut self, now: Instant) -> Number {
        self.came += 1;
        let number = Number(self.came);
        self.waiting.insert(number, Waiting { not_before: now, is_repeat: false });
        number
    }

    /// A request whose attempt has failed comes again and keeps its number; it does not pass before `not_before`.
    pub(super) fn come_again(&mut self, number: Number, not_before: Instant) {
        self.leave(number);
        self.waiting.insert(number, Waiting { not_before, is_repeat: true });
    }

    /// Lets in, in order, everybody who may pass now.
    pub(super) fn let_in(&mut self, now: Instant) -> Vec<Number> {
        if matches!(self.state, State::Shut { until } if until <= now) {
            self.state = State::Ajar { room: 1 };
        }
        let mut passed = Vec::new();
        let ready = self.waiting.iter().filter(|(_, waiting)| waiting.not_before <= now);
        let ready: Vec<_> = ready.map(|(number, waiting)| (*number, *waiting)).collect();
        for (number, waiting) in ready {
            let tries = match &mut self.state {
                State::Shut { .. } | State::Ajar { room: 0 } => break,
                State::Ajar { room } => {
                    *room -= 1;
                    true
                }
                State::Open if waiting.is_repeat && !self.budget.spend(now) => continue,
                State::Open => false,
            };
            if !waiting.is_repeat {
                self.budget.earn();
            }
            self.waiting.remove(&number);
            self.inside.insert(number, tries);
            passed.push(number);
        }
        passed
    }

    /// The server took a request: it begins to answer.
    pub(super) fn taken(&mut self, number: Number) {
        let tried = self.inside.get_mut(&number).is_some_and(std::mem::take);
        if let (true, State::Ajar { room }) = (tried, &mut self.state) {
            *room += 2;
            if *room >= self.waiting.len() {
                self.state = State::Open;
            }
        }
    }

    /// The server has said something of an answer, so it is not overloaded.
    pub(super) fn answered(&mut self) {
        self.overloads_in_a_row = 0;
    }

    /// An attempt failed. Those who wait have to look anew where this is true.
    pub(super) fn learn(&mut self, lesson: Lesson, now: Instant) -> bool {
        let until = match lesson {
            Lesson::Nothing => return false,
            Lesson::Limited(until) => until,
            Lesson::Overloaded => {
                self.overloads_in_a_row = self.overloads_in_a_row.saturating_add(1);
                if self.overloads_in_a_row < OVERLOADS {
                    return false;
                }
                now + OVERLOADED_FOR
            }
        };
        self.state = match self.state {
            State::Shut { until: known } => State::Shut { until: known.max(until) },
            State::Open | State::Ajar { .. } => State::Shut { until },
        };
        // What they find out now is about the time before.
        self.inside.values_mut().for_each(|tries| *tries = false);
        true
    }

    /// A request ends, gives up, or comes again. Where it tried for the others and nothing came of it, another may.
    pub(super) fn leave(&mut self, number: Number) {
        self.waiting.remove(&number);
        let tried = self.inside.remove(&number).unwrap_or_default();
        if let (true, State::Ajar { room }) = (tried, &mut self.state) {
            *room += 1;
        }
    }

    /// Where a request stands, and when it is worth looking again.
    pub(super) fn standing(&mut self, number: Number, now: Instant) -> Standing {
        let Some(waiting) = self.waiting.get(&number) else { return Standing::Inside };
        let own = (waiting.not_before > now).then_some(waiting.not_before);
        Standing::Waiting(match self.state {
            State::Shut { until } => Some(until.max(waiting.not_before)),
            State::Ajar { .. } => own,
            State::Open => Some(own.unwrap_or_else(|| self.budget.next(now))),
        })
    }

    /// Everybody who waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Number> {
        self.waiting.keys().copied()
    }
}

#[cfg(test)]
mod tests;
