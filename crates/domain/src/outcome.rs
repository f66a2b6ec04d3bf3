//! How things end. Every round, run and task ends exactly once (law 4), and exit codes derive from here.

use serde::{Deserialize, Serialize};

/// The end of a round or a run. The word and the reason that events carry are two views of this value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "EndingWire", into = "EndingWire")]
pub enum Ending {
    /// The work is done, as far as the engine could see.
    Done,
    /// A question was answered; nothing was changed.
    Answered,
    /// Some of it is done.
    Partial(PartialReason),
    /// It is not done.
    Failed(FailReason),
    /// A limit was reached first.
    Limit(LimitReason),
    /// Only a person can say how to go on, and none was there.
    NeedsPerson(NeedReason),
    /// The person ended it with `/stop`.
    Stopped,
    /// The person or the system ended it from outside.
    Cancelled(Signal),
    /// The process died; written by whoever finds it.
    Interrupted,
}

/// Why something is only partly done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartialReason {
    /// The manager said so.
    ManagerPartial,
    /// The manager stopped calling tools without finishing, twice.
    EndedInProse,
}

/// Why something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// The manager said so.
    ManagerFailed,
    /// A worker that was called directly failed.
    WorkerFailed,
    /// An agent would not hand in what its schema asks for.
    MalformedReport,
    /// The model could not be reached or answered wrongly.
    Provider,
    /// The endpoint refused our credentials.
    Credentials,
    /// Tests red or a claim refuted, in the final state.
    Verification,
    /// The same thing again and again.
    Loop,
    /// Our own fault.
    Internal,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitReason {
    /// Requests to the model.
    Turns,
    /// Tokens.
    Tokens,
    /// Money.
    Cost,
    /// Time.
    Time,
}

/// What a person is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeedReason {
    /// Reviews do not converge.
    ReviewLimit,
    /// The manager asked something.
    Question,
    /// Something was denied because nobody could be asked.
    Permission,
}

/// What ended a round from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Ctrl+C, or a cancel by the embedding program.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

impl Ending {
    /// Every end there is, for tables and tests.
    pub const ALL: [Self; 24] = [
        Self::Done,
        Self::Answered,
        Self::Partial(PartialReason::ManagerPartial),
        Self::Partial(PartialReason::EndedInProse),
        Self::Failed(FailReason::ManagerFailed),
        Self::Failed(FailReason::WorkerFailed),
        Self::Failed(FailReason::MalformedReport),
        Self::Failed(FailReason::Provider),
        Self::Failed(FailReason::Credentials),
        Self::Failed(FailReason::Verification),
        Self::Failed(FailReason::Loop),
        Self::Failed(FailReason::Internal),
        Self::Limit(LimitReason::Turns),
        Self::Limit(LimitReason::Tokens),
        Self::Limit(LimitReason::Cost),
        Self::Limit(LimitReason::Time),
        Self::NeedsPerson(NeedReason::ReviewLimit),
        Self::NeedsPerson(NeedReason::Question),
        Self::NeedsPerson(NeedReason::Permission),
        Self::Stopped,
        Self::Cancelled(Signal::Interrupt),
        Self::Cancelled(Signal::Terminate),
        Self::Cancelled(Signal::HangUp),
        Self::Interrupted,
    ];

    /// Outcome word, reason word, exit code, record status: one row of contract 2.
    const fn row(self) -> (&'static str, Option<&'static str>, u8, &'static str) {
        match self {
            Self::Done => ("done", None, 0, "completed"),
            Self::Answered => ("answered", None, 0, "completed"),
            Self::Partial(reason) => match reason {
                PartialReason::ManagerPartial => ("partial", Some("manager_partial"), 13, "partial"),
                PartialReason::EndedInProse => ("partial", Some("ended_in_prose"), 13, "partial"),
            },
            Self::Failed(reason) => match reason {
                FailReason::ManagerFailed => ("failed", Some("manager_failed"), 14, "failed"),
                FailReason::WorkerFailed => ("failed", Some("worker_failed"), 14, "failed"),
                FailReason::MalformedReport => ("failed", Some("malformed_report"), 14, "failed"),
                FailReason::Provider => ("failed", Some("provider"), 5, "failed"),
                FailReason::Credentials => ("failed", Some("credentials"), 4, "failed"),
                FailReason::Verification => ("failed", Some("verification"), 11, "failed"),
                FailReason::Loop => ("failed", Some("loop"), 12, "failed"),
                FailReason::Internal => ("failed", Some("internal"), 1, "failed"),
            },
            Self::Limit(reason) => match reason {
                LimitReason::Turns => ("limit", Some("turns"), 6, "limit"),
                LimitReason::Tokens => ("limit", Some("tokens"), 7, "limit"),
                LimitReason::Cost => ("limit", Some("cost"), 7, "limit"),
                LimitReason::Time => ("limit", Some("time"), 8, "limit"),
            },
            Self::NeedsPerson(reason) => match reason {
                NeedReason::ReviewLimit => ("needs_person", Some("review_limit"), 10, "needs_person"),
                NeedReason::Question => ("needs_person", Some("question"), 10, "needs_person"),
                NeedReason::Permission => ("needs_person", Some("permission"), 9, "needs_person"),
            },
            Self::Stopped => ("stopped", None, 15, "stopped"),
            Self::Cancelled(signal) => match signal {
                Signal::Interrupt => ("cancelled", Some("sigint"), 130, "cancelled"),
                Signal::Terminate => ("cancelled", Some("sigterm"), 143, "cancelled"),
                Signal::HangUp => ("cancelled", Some("sighup"), 129, "cancelled"),
            },
            // Nobody waits for the exit code of a process that died; 1 stands for its finder's view.
            Self::Interrupted => ("interrupted", None, 1, "interrupted"),
        }
    }

    /// The outcome's word in events.
    #[must_use]
    pub const fn outcome(self) -> &'static str {
        self.row().0
    }

    /// The reason's word in events.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        self.row().1
    }

    /// What a program that ran one round exits with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        self.row().2
    }

    /// `result.status` of the session record.
    #[must_use]
    pub const fn record_status(self) -> &'static str {
        self.row().3
    }

    /// Whether the person got what they asked for.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Answered)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct EndingWire {
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Ending> for EndingWire {
    fn from(ending: Ending) -> Self {
        Self { outcome: ending.outcome().to_owned(), reason: ending.reason().map(str::to_owned) }
    }
}

/// An outcome and reason that no row of the contract has.
#[derive(Debug, thiserror::Error)]
#[error("no such outcome: `{outcome}` with reason `{}`", reason.as_deref().unwrap_or("none"))]
struct UnknownEnding {
    outcome: String,
    reason: Option<String>,
}

impl TryFrom<EndingWire> for Ending {
    type Error = UnknownEnding;

    fn try_from(wire: EndingWire) -> Result<Self, UnknownEnding> {
        Self::ALL
            .into_iter()
            .find(|ending| ending.outcome() == wire.outcome && ending.reason() == wire.reason.as_deref())
            .ok_or(UnknownEnding { outcome: wire.outcome, reason: wire.reason })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Contract 2, row by row: outcome, reason, exit code, record status.
    const TABLE: [(&str, Option<&str>, u8, &str); 24] = [
        ("done", None, 0, "completed"),
        ("answered", None, 0, "completed"),
        ("partial", Some("manager_partial"), 13, "partial"),
        ("partial", Some("ended_in_prose"), 13, "partial"),
        ("failed", Some("manager_failed"), 14, "failed"),
        ("failed", Some("worker_failed"), 14, "failed"),
        ("failed", Some("malformed_report"), 14, "failed"),
        ("failed", Some("provider"), 5, "failed"),
        ("failed", Some("credentials"), 4, "failed"),
        ("failed", Some("verification"), 11, "failed"),
        ("failed", Some("loop"), 12, "failed"),
        ("failed", Some("internal"), 1, "failed"),
        ("limit", Some("turns"), 6, "limit"),
        ("limit", Some("tokens"), 7, "limit"),
        ("limit", Some("cost"), 7, "limit"),
        ("limit", Some("time"), 8, "limit"),
        ("needs_person", Some("review_limit"), 10, "needs_person"),
        ("needs_person", Some("question"), 10, "needs_person"),
        ("needs_person", Some("permission"), 9, "needs_person"),
        ("stopped", None, 15, "stopped"),
        ("cancelled", Some("sigint"), 130, "cancelled"),
        ("cancelled", Some("sigterm"), 143, "cancelled"),
        ("cancelled", Some("sighup"), 129, "cancelled"),
        // The contract gives it no exit code: nobody waits for it.
        ("interrupted", None, 1, "interrupted"),
    ];

    #[test]
    fn every_end_has_the_words_and_the_exit_code_of_the_contract() {
        let rows = Ending::ALL
            .map(|ending| (ending.outcome(), ending.reason(), ending.exit_code(), ending.record_status()));
        assert_eq!(rows, TABLE);
    }

    #[test]
    fn no_two_ends_are_alike_and_only_success_exits_with_0() {
        let words: BTreeSet<_> = Ending::ALL.map(|ending| (ending.outcome(), ending.reason())).into();
        assert_eq!(words.len(), Ending::ALL.len());
        for ending in Ending::ALL {
            assert_eq!(ending.is_success(), ending.exit_code() == 0, "{ending:?}");
        }
    }

    #[test]
    fn every_end_survives_its_json() {
        for ending in Ending::ALL {
            let mut expected = json!({"outcome": ending.outcome()});
            if let Some(reason) = ending.reason() {
                expected["reason"] = Value::from(reason);
            }
            let json = serde_json::to_value(ending).expect("an end is an object");
            assert_eq!(json, expected);
            assert_eq!(serde_json::from_value::<Ending>(json).expect("it is an end"), ending);
        }
    }

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn words_that_no_row_has_are_refused(
            outcome in prop::sample::select(&TABLE[..]).prop_map(|row| row.0),
            reason in prop::option::of(prop_oneof![
                prop::sample::select(&TABLE[..]).prop_map(|row| row.1.unwrap_or("done").to_owned()),
                "[a-z_]{0,12}",
            ]),
        ) {
            let row = TABLE.iter().find(|row| row.0 == outcome && row.1 == reason.as_deref());
            let read = serde_json::from_value::<Ending>(json!({"outcome": outcome, "reason": reason}));
            match (row, read) {
                (Some(row), Ok(ending)) => prop_assert_eq!(row.2, ending.exit_code()),
                (None, Err(error)) => prop_assert!(error.to_string().contains(outcome), "{}", error),
                (row, read) => prop_assert!(false, "{row:?} is read as {read:?}"),
            }
        }
    }
}
