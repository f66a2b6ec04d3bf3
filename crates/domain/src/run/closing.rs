//! The calls that end a run: `report` for a worker, `finish` for the manager.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RunEnd, RunRole};
use crate::{limits::MALFORMED_IN_A_ROW, report::Report, tool::RejectedInput};

/// The tool that ends a worker's run.
pub const REPORT: &str = "report";
/// The tool that ends the manager's run, and with it the round.
pub const FINISH: &str = "finish";

/// The input of `finish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// What the person reads as the result, in their language.
    pub summary: String,
    /// How far the work came.
    pub status: FinishStatus,
}

/// How far the manager says the work came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishStatus {
    /// Everything that was asked for is done.
    Done,
    /// Some of it is.
    Partial,
    /// None of it is.
    Failed,
}

/// A closing call whose input has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// A worker's.
    Report(Report),
    /// The manager's.
    Finish(Finish),
}

impl Closing {
    /// Reads the input of the closing call of `role`.
    ///
    /// # Errors
    /// [`RejectedInput`] where it does not fit the schema.
    pub fn parse(role: RunRole, input: &Value) -> Result<Self, RejectedInput> {
        match role {
            RunRole::Manager => {
                Finish::deserialize(input).map(Self::Finish).map_err(|error| RejectedInput(error.to_string()))
            }
            RunRole::Worker(kind) => Report::parse(kind, input).map(Self::Report),
        }
    }

    pub(super) fn into_end(self) -> RunEnd {
        match self {
            Self::Report(report) => RunEnd::Reported(report),
            Self::Finish(finish) => RunEnd::Finished(finish),
        }
    }
}

/// The name of the closing tool of `role`.
pub(super) const fn tool_name(role: RunRole) -> &'static str {
    match role {
        RunRole::Manager => FINISH,
        RunRole::Worker(_) => REPORT,
    }
}

/// What is said of a run that ended because of its inputs.
pub(super) fn too_many_malformed() -> String {
    format!("{MALFORMED_IN_A_ROW} tool inputs in a row did not fit their schema")
}

/// Why a run fails whose conversation cannot be cut any more.
pub(super) const WINDOW_FULL: &str = "the conversation no longer fits the model's window";

/// What an agent reads whose answer was cut off, before it is asked for anything else.
pub(super) const WAS_CUT: &str =
    "Your answer was cut off before it was over: it was too long, or the provider ended it. Use fewer words.";

/// What a manager reads whose answer in prose was cut off.
pub(super) const GO_ON: &str = "Your answer was cut off before it was over. Go on exactly where it stopped, and repeat \
                                nothing of it; keep the rest short.";

/// What an agent reads that answered without calling anything.
pub(super) const fn reminder(role: RunRole) -> &'static str {
    match role {
        RunRole::Manager => {
            "You called no tool. Words alone start nothing and end nothing. If everything is done, or cannot be \
             done, call `finish`; if not, call the next worker."
        }
        RunRole::Worker(_) => {
            "You called no tool. Words alone are not handed in. If you are done, or cannot go on, call `report`; \
             if not, go on with your tools."
        }
    }
}
