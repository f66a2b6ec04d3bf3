//! What can happen to a run.

use crate::{
    id::CallId,
    message::Message,
    model::ModelAnswer,
    outcome::{Ending, FailReason},
    tool::RejectedInput,
};

/// What happened.
#[derive(Debug)]
pub enum RunInput {
    /// The run begins with this message, which says something. For a later round of the same manager the earlier
    /// messages are there.
    Begin(Message),
    /// The model answered.
    Answered {
        /// The answer; its call ids are unique within the run.
        answer: ModelAnswer,
        /// What the round has come to.
        standing: Standing,
    },
    /// The model will not answer.
    RequestFailed(RunFailure),
    /// The request was longer than the model's window. The conversation is cut to half and asked about once more; where
    /// that is too long again, or nothing can be cut ([`AgentRun::can_be_shortened`](super::AgentRun::can_be_shortened)),
    /// the run fails.
    TooLong(RunFailure),
    /// The person said something to the manager. May come at any moment: the request that goes out next shows it (see
    /// [`AgentRun::show`](super::AgentRun::show)). An answer that came before it is no end, so the driver says it before
    /// it feeds that answer, or the last result of its calls, back. What was not read is in
    /// [`AgentRun::unread`](super::AgentRun::unread).
    Said(String),
    /// A call that [`RunEffect::Call`](super::RunEffect::Call) asked for has ended.
    CallEnded {
        /// The call.
        call: CallId,
        /// What the model reads.
        result: CallResult,
        /// What the round has come to with it.
        standing: Standing,
    },
    /// Somebody ends the run: a cancel, a deadline, the round's own end.
    Stop(Ending),
}

/// What the round has come to, as far as it decides how the manager's run may end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// A worker ran or a file changed, so that prose is no ending.
    pub work_done: bool,
    /// Why the round cannot end as done now, for the manager: a `finish` as done is answered with this, and the run goes
    /// on; giving up is never held back.
    pub holds_back: Option<String>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallResult {
    /// What the model reads.
    pub content: String,
    /// Whether it failed.
    pub is_error: bool,
    /// Whether it failed because its input did not fit the tool's schema.
    pub is_malformed: bool,
    /// Whether files of the workspace differ from before it.
    pub changed: bool,
}

impl CallResult {
    /// A plain result.
    pub fn ok(content: impl Into<String>) -> Self {
        Self { content: content.into(), is_error: false, is_malformed: false, changed: false }
    }

    /// A failed call.
    pub fn error(content: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::ok(content) }
    }

    /// A call whose input did not fit.
    #[must_use]
    pub fn malformed(rejected: &RejectedInput) -> Self {
        let content = format!("the input does not fit the tool's schema, nothing was done: {rejected}");
        Self { is_malformed: true, ..Self::error(content) }
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// The kind.
    pub reason: FailReason,
    /// What happened, for people and for the manager.
    pub text: String,
}
