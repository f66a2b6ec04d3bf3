//! Tools: what a model can ask for, and what it gets back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a tool can touch; decides its permission column (contract 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Looks at the workspace.
    Read,
    /// Changes files of the workspace, or commits them.
    Edit,
    /// Runs a program.
    Command,
    /// Talks to the team or the person; needs no permission.
    Coordinate,
}

impl Access {
    /// Whether a call can change something outside the conversation. Such calls are journaled durably before
    /// they start.
    #[must_use]
    pub const fn has_effects(self) -> bool {
        matches!(self, Self::Edit | Self::Command)
    }
}

/// A tool as a model sees it, and as the engine guards it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// The name models call.
    pub name: Arc<str>,
    /// When and how to use it.
    pub description: Arc<str>,
    /// JSON schema of the input object; unknown fields are refused.
    pub input_schema: Arc<Value>,
    /// What it can touch.
    pub access: Access,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// It did what was asked. A command that ran to its end is `ok` whatever its exit code.
    Ok,
    /// It could not.
    Error,
    /// It was not allowed.
    Denied,
    /// Its deadline passed.
    Timeout,
    /// The run or the round was cancelled meanwhile.
    Cancelled,
    /// The process that ran it died; written by whoever resumes the session.
    Interrupted,
}

/// What a person who is asked about a call is shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// A unified diff, or a list.
    pub text: String,
    /// Whether it shows all that the call would do. What is not shown is said in it.
    pub is_whole: bool,
}

impl Preview {
    /// One that shows everything.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_whole: true }
    }

    /// One that leaves something out, and says so.
    #[must_use]
    pub fn cut(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_whole: false }
    }
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutcome {
    /// How it ended.
    pub status: ToolStatus,
    /// What the model reads: at most [`ToolOutcome::LONGEST`] characters.
    pub output: String,
    /// Bytes of output that were left out of `output`.
    pub omitted_bytes: u64,
    /// Of a command that ran to its end.
    pub exit_code: Option<i32>,
    /// The full id of the commit that the call made.
    pub commit: Option<String>,
    /// The artifact that holds what was left out of `output`.
    pub artifact: Option<String>,
}

impl ToolOutcome {
    /// The most characters of output that a model gets from one call (contract 4).
    pub const LONGEST: usize = 48_000;

    /// A plain success.
    pub fn ok(output: impl Into<String>) -> Self {
        Self {
            status: ToolStatus::Ok,
            output: output.into(),
            omitted_bytes: 0,
            exit_code: None,
            commit: None,
            artifact: None,
        }
    }

    /// A failure; the text says what was wrong and what to do.
    pub fn error(output: impl Into<String>) -> Self {
        Self { status: ToolStatus::Error, ..Self::ok(output) }
    }

    /// A refusal; the text says by what rule, and what would allow it.
    pub fn denied(output: impl Into<String>) -> Self {
        Self { status: ToolStatus::Denied, ..Self::ok(output) }
    }
}

/// What a call is about to do, for permission and for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallTarget {
    /// A path as the model gave it, relative to the workspace.
    Path(String),
    /// A shell command.
    Command(String),
    /// Nothing particular.
    None,
}

/// Input that does not fit a tool's schema; the text goes back to the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RejectedInput(pub String);
