//! What a run wants done.

use std::sync::Arc;

use serde_json::Value;

use super::{CallResult, RunEnd};
use crate::{
    context::Cut,
    id::CallId,
    message::{SealedMessage, StopReason, Usage},
    model::InvalidInput,
};

/// What to do next.
#[derive(Debug)]
pub enum RunEffect {
    /// A message joined the conversation; of an answer without a word only its facts are told.
    Joined(Arc<SealedMessage>, Option<AnswerFacts>),
    /// Old messages left the conversation.
    Cut(Cut),
    /// Ask the model, showing it the conversation.
    Request,
    /// Run a tool. Answered by [`RunInput::CallEnded`](super::RunInput::CallEnded).
    Call {
        /// The call.
        call: CallId,
        /// The tool's name as the model wrote it.
        tool: String,
        /// The input, an object.
        input: Value,
    },
    /// A call was answered without running anything: its input could not even be read.
    Rejected {
        /// The call.
        call: CallId,
        /// The tool's name as the model wrote it.
        tool: String,
        /// What the model reads.
        result: CallResult,
    },
    /// The same thing happens again and again; the agent is told.
    LoopWarning {
        /// What repeats.
        pattern: String,
        /// How often it came.
        count: u32,
    },
    /// Something that people should know.
    Notice {
        /// The stable code.
        code: &'static str,
        /// What happened.
        text: String,
    },
    /// The run has ended. The last effect of a run.
    End(RunEnd),
}

/// What is known of an answer beside its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFacts {
    /// Why the model stopped.
    pub stop_reason: StopReason,
    /// The provider's count.
    pub usage: Usage,
    /// The model that answered.
    pub model: String,
    /// Calls of the message whose input could not be read.
    pub invalid_inputs: Vec<InvalidInput>,
}
