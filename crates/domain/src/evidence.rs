//! Observed, not claimed (law 7): what the engine saw, and how claims stand beside it.

use serde::{Deserialize, Serialize};

/// What the engine saw of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Files that differ from the run's start, relative to the workspace, sorted.
    pub files_changed: Vec<String>,
    /// Commands that the run ran, in order.
    pub commands: Vec<ObservedCommand>,
    /// Why the list of files may be incomplete, where it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

/// A command that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedCommand {
    /// Word for word.
    pub command: String,
    /// Its exit code; none where it did not run to its end.
    pub exit_code: Option<i32>,
}
