//! Whether a run goes in circles: the same call with the same result again and again, two calls by turns, or turns that
//! bring nothing new (contract 3, `loop_repeats`).
//!
//! A run that does is told once, and ended when it goes on as before. Only what came of calls counts, never what a model
//! says about it: a call whose result changes is no repetition, and a refusal of another input is another result. It
//! does not decide whether work is any good, and it forgets what is older than [`Known::MOST`] results.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    mem,
};

use serde_json::Value;

use super::CallResult;
use crate::text;

mod repetition;
#[cfg(test)]
mod tests;

pub use repetition::NOTHING_NEW;
use repetition::Pattern;
pub(super) use repetition::Repetition;

/// Turns in a row that bring nothing new, before the agent is told.
const IDLE_TURNS: u32 = 30;
/// Further ones before its run ends.
const IDLE_TURNS_AFTER_WARNING: u32 = 5;

/// What is to be done about a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Diagnosis {
    /// Tell the agent.
    Warn(Repetition),
    /// End the run: it was told.
    Hopeless(Repetition),
}

/// A call as far as it can repeat: its tool and its input, whatever order the input's fields came in.
#[derive(Debug)]
pub(super) struct Asked {
    digest: u64,
    shown: String,
}

impl Asked {
    /// Characters of an input that are shown.
    const SHOWN: usize = 160;

    pub(super) fn new(tool: &str, input: &Value) -> Self {
        let mut canonical = String::new();
        write_canonical(input, &mut canonical);
        let head = text::head(&canonical, Self::SHOWN);
        let rest = if head.len() < canonical.len() { "…" } else { "" };
        Self { digest: digest(&(tool, &canonical)), shown: format!("`{tool}` {head}{rest}") }
    }
}

/// Watches the calls of one run. Memory is bounded by [`Known::MOST`].
#[derive(Debug)]
pub(super) struct Doctor {
    repeats: u32,
    tail: Tail,
    known: Known,
    /// The latest row of this turn that is long enough.
    due: Option<Repetition>,
    /// The row that the agent was told of, while nothing new has come since.
    told: Option<Repetition>,
    /// Whether this turn gave something new or changed a file.
    has_news: bool,
    idle_turns: u32,
    was_told_of_idleness: bool,
}

impl Doctor {
    /// Tells an agent after `loop_repeats` repetitions, of which there are at least two: one call repeats nothing.
    pub(super) fn new(loop_repeats: u32) -> Self {
        Self {
            repeats: loop_repeats.max(2),
            tail: Tail::default(),
            known: Known::default(),
            due: None,
            told: None,
            has_news: false,
            idle_turns: 0,
            was_told_of_idleness: false,
        }
    }

    /// How often something may repeat.
    pub(super) const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Takes the next call and its result, in the order of the message.
    pub(super) fn saw(&mut self, asked: &Asked, result: &CallResult) {
        let seen = digest(&(asked.digest, &result.content, result.is_error));
        if self.known.add(seen) {
            self.has_news = true;
            self.told = None;
        }
        self.has_news |= result.changed;
        self.tail.take(seen, &asked.shown);
        if let Some(repetition) = self.tail.repetition(self.repeats) {
            self.due = Some(repetition);
        }
    }

    /// Takes the end of a turn. What repeats within one message is told of once, at its end: only then can the agent
    /// read it.
    pub(super) fn turn_ended(&mut self) -> Option<Diagnosis> {
        if mem::take(&mut self.has_news) {
            (self.idle_turns, self.was_told_of_idleness) = (0, false);
        } else {
            self.idle_turns = self.idle_turns.saturating_add(1);
        }
        if let Some(repetition) = self.due.take() {
            self.tail = Tail::default();
            return Some(match self.told.take() {
                Some(told) => Diagnosis::Hopeless(repetition.counted_from(&told)),
                None => {
                    self.told = Some(repetition.clone());
                    Diagnosis::Warn(repetition)
                }
            });
        }
        self.idleness()
    }

    /// Takes that the person said something, which is new.
    pub(super) fn heard_the_person(&mut self) {
        self.tail = Tail::default();
        (self.due, self.told, self.has_news) = (None, None, false);
        (self.idle_turns, self.was_told_of_idleness) = (0, false);
    }

    fn idleness(&mut self) -> Option<Diagnosis> {
        let repetition = |count| Repetition { pattern: Pattern::NothingNew, count };
        if self.was_told_of_idleness && self.idle_turns >= IDLE_TURNS + IDLE_TURNS_AFTER_WARNING {
            return Some(Diagnosis::Hopeless(repetition(self.idle_turns)));
        }
        if !self.was_told_of_idleness && self.idle_turns >= IDLE_TURNS {
            self.was_told_of_idleness = true;
            self.idle_turns = IDLE_TURNS;
            return Some(Diagnosis::Warn(repetition(IDLE_TURNS)));
        }
        None
    }
}

/// The newest calls with their results, as far back as they repeat.
#[derive(Debug, Default)]
struct Tail {
    newest: Option<(u64, String)>,
    before: Option<(u64, String)>,
    /// How many calls in a row are like the newest one.
    same: u32,
    /// How many calls in a row are the newest two by turns.
    by_turns: u32,
}

impl Tail {
    fn take(&mut self, seen: u64, shown: &str) {
        let is = |call: &Option<(u64, String)>| call.as_ref().is_some_and(|(digest, _)| *digest == seen);
        if is(&self.newest) {
            self.same = self.same.saturating_add(1);
            self.by_turns = 1;
            return;
        }
        self.same = 1;
        self.by_turns = if is(&self.before) { self.by_turns.saturating_add(1) } else { 2 };
        self.before = self.newest.replace((seen, shown.to_owned()));
    }

    fn repetition(&self, repeats: u32) -> Option<Repetition> {
        let (_, newest) = self.newest.as_ref()?;
        if self.same >= repeats {
            return Some(Repetition { pattern: Pattern::SameCall(newest.clone()), count: self.same });
        }
        let (_, before) = self.before.as_ref()?;
        let pairs = self.by_turns / 2;
        let pattern = || Pattern::PingPong(before.clone(), newest.clone());
        (pairs >= repeats).then(|| Repetition { pattern: pattern(), count: pairs })
    }
}

/// What calls gave so far in the run.
#[derive(Debug, Default)]
struct Known {
    digests: BTreeSet<u64>,
    /// Oldest first.
    order: VecDeque<u64>,
}

impl Known {
    /// Far above what the turns of a whole idle stretch can hold: `35 × 64` calls. What is forgotten counts as new
    /// when it comes again.
    const MOST: usize = 8_192;

    /// Whether it was not there.
    fn add(&mut self, digest: u64) -> bool {
        if !self.digests.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > Self::MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.digests.remove(&oldest);
        }
        true
    }
}

/// The same for the same value within a process; it never leaves the run.
fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// JSON text in which the fields of objects are sorted. Inputs are nested 128 deep at most.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        leaf => text.push_str(&leaf.to_string()),
    }
}
