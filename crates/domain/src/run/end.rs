//! How a run ends.

use super::{Finish, FinishStatus, RunFailure};
use crate::{
    outcome::{Ending, FailReason, LimitReason, PartialReason},
    report::Report,
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// A worker handed in its report.
    Reported(Report),
    /// The manager finished the round.
    Finished(Finish),
    /// The manager answered in prose, and nothing had been done.
    Answered(String),
    /// The manager answered in prose again, after it had been asked to finish.
    EndedInProse(String),
    /// It would not hand in what its schema asks for. The text is the last it said.
    Malformed(String),
    /// The model failed.
    Failed(RunFailure),
    /// Its turns are used up.
    OutOfTurns,
    /// Somebody ended it.
    Stopped(Ending),
}

impl RunEnd {
    /// The word and reason of `run_finished`.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        match self {
            Self::Reported(_) => Ending::Done,
            Self::Finished(finish) => match finish.status {
                FinishStatus::Done => Ending::Done,
                FinishStatus::Partial => Ending::Partial(PartialReason::ManagerPartial),
                FinishStatus::Failed => Ending::Failed(FailReason::ManagerFailed),
            },
            Self::Answered(_) => Ending::Answered,
            Self::EndedInProse(_) => Ending::Partial(PartialReason::EndedInProse),
            Self::Malformed(_) => Ending::Failed(FailReason::MalformedReport),
            Self::Failed(failure) => Ending::Failed(failure.reason),
            Self::OutOfTurns => Ending::Limit(LimitReason::Turns),
            Self::Stopped(ending) => *ending,
        }
    }

    /// What the agent said last, where it said something.
    #[must_use]
    pub fn into_last_words(self) -> String {
        match self {
            Self::Reported(report) => report.summary().to_owned(),
            Self::Finished(finish) => finish.summary,
            Self::Answered(text) | Self::EndedInProse(text) | Self::Malformed(text) => text,
            Self::Failed(failure) => failure.text,
            Self::OutOfTurns | Self::Stopped(_) => String::new(),
        }
    }
}
