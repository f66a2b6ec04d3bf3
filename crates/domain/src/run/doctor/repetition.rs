//! What repeats, and how it is told to agents and people.

use std::fmt;

/// What a warning about turns without anything new calls them, in events.
pub const NOTHING_NEW: &str = "nothing_new";

/// What repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Pattern {
    /// One call, with the same result each time.
    SameCall(String),
    /// Two calls by turns, with the same results each time.
    PingPong(String, String),
    /// Turns that gave no result that was not there before, and changed no file.
    NothingNew,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameCall(call) => f.write_str(call),
            Self::PingPong(first, second) => write!(f, "{first} ⇄ {second}"),
            Self::NothingNew => f.write_str(NOTHING_NEW),
        }
    }
}

/// Something that repeats, and how often it came: calls, pairs of calls, or turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Repetition {
    pub(in super::super) pattern: Pattern,
    pub(in super::super) count: u32,
}

impl Repetition {
    /// What the agent reads; `closing` is the tool that ends its run.
    pub(in super::super) fn advice(&self, closing: &str) -> String {
        let Self { pattern, count } = self;
        let what = match pattern {
            Pattern::SameCall(call) => {
                format!(
                    "You made the same call {count} times in a row, with the same result each time: {call}."
                )
            }
            Pattern::PingPong(first, second) => format!(
                "You made the same two calls by turns, {count} times, with the same results each time: {first} and \
                 {second}."
            ),
            Pattern::NothingNew => format!(
                "In your last {count} turns no call gave a result that you had not seen before, and no file changed."
            ),
        };
        format!(
            "{what} Doing it again will change nothing. Use what you have, or try something else. If you cannot go on, \
             call `{closing}` and say why. If this goes on, your run is ended."
        )
    }

    /// Why the run was ended, for people and for the manager.
    pub(in super::super) fn verdict(&self, repeats: u32) -> String {
        let Self { pattern, count } = self;
        let ways_out = format!(
            "Rephrase the task, or say in it what the agent ran into; where such calls are right, raise \
             workflow_limits.loop_repeats (now {repeats})"
        );
        match pattern {
            Pattern::SameCall(call) => format!(
                "ended as a loop: the same call {count} times in a row with the same result each time, in spite of a \
                 warning: {call}. {ways_out}"
            ),
            Pattern::PingPong(first, second) => format!(
                "ended as a loop: the same two calls by turns, {count} times with the same results each time, in spite \
                 of a warning: {first} and {second}. {ways_out}"
            ),
            Pattern::NothingNew => format!(
                "ended as a loop: {count} turns without a new result or a changed file, in spite of a warning. Rephrase \
                 the task, split it, or say in it what the agent ran into"
            ),
        }
    }

    /// The same one, counted on from where it was told of.
    pub(super) fn counted_from(self, told: &Self) -> Self {
        let is_same = match (&self.pattern, &told.pattern) {
            (Pattern::PingPong(a, b), Pattern::PingPong(c, d)) => (a, b) == (c, d) || (a, b) == (d, c),
            (pattern, told) => pattern == told,
        };
        Self { count: self.count + if is_same { told.count } else { 0 }, ..self }
    }
}
