//! A request to a model, and what comes back.

use std::{error::Error, pin::Pin, sync::Arc, time::Duration};

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use crate::{
    agent::AgentName,
    id::CallId,
    message::{Message, SealedMessage, StopReason, Usage},
    price::Price,
    tool::ToolSpec,
};

mod call_ids;
mod retry;

pub use call_ids::CallIds;
pub use retry::RetrySettings;

/// What is known of a model before it is asked; what is not known is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// The most tokens of input and output together.
    pub context_window: Option<u64>,
    /// The most tokens that we let one answer have.
    pub max_output_tokens: Option<u64>,
    /// What its tokens cost.
    pub price: Option<Price>,
}

/// How much effort a model is asked to put into an answer (`--effort`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Quick and cheap.
    Low,
    /// The middle.
    Medium,
    /// Slow and thorough.
    High,
}

/// Everything a back end needs for one answer.
///
/// The prefix (`system`, `tools`) is the same value for every request of a run; `messages` only grows at its
/// end until the context is cut.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// Who asks. Scripts choose their step by it.
    pub agent: AgentName,
    /// The model's name or alias; `None`: the provider's standard one.
    pub model: Option<Arc<str>>,
    /// The system prompt.
    pub system: Arc<str>,
    /// The tools on offer, in a fixed order.
    pub tools: Arc<[ToolSpec]>,
    /// The conversation, oldest first; begins with a user message, keeps calls and results paired.
    pub messages: Vec<Arc<SealedMessage>>,
    /// `Some(false)`: no thinking where the model allows that; `Some(true)`: thinking.
    pub thinking: Option<bool>,
    /// Reasoning effort; `None`: the provider's default.
    pub effort: Option<Effort>,
    /// The most tokens of the answer, where a budget leaves fewer than the model may give; `None`:
    /// [`ModelFacts::max_output_tokens`].
    pub max_tokens: Option<u64>,
}

/// One thing a model's stream says.
#[derive(Debug)]
pub enum ModelItem {
    /// More prose of the part `index`.
    TextDelta {
        /// The part of the message this belongs to, from 0.
        index: u32,
        /// The new characters.
        text: String,
    },
    /// More thinking of the part `index`.
    ThinkingDelta {
        /// The part of the message this belongs to, from 0.
        index: u32,
        /// The new characters.
        text: String,
    },
    /// The account's limit is known to be reached: the request goes out when this time is over.
    Held {
        /// How long, as far as is known.
        wait: Duration,
    },
    /// An attempt failed; another one follows after a while. What was shown of the failed one is void.
    Retrying(Retrying),
    /// Another attempt goes out.
    Attempt {
        /// The how-manieth, from 2.
        attempt: u32,
    },
    /// Says who answers, where several models may.
    Answerer(Box<Answerer>),
    /// The whole answer; the last item of a stream that did not fail.
    Answer(ModelAnswer),
}

/// Who answers a request from here on. A stream that says so says it before the first attempt of each model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    /// The provider.
    pub provider: String,
    /// The model, as the provider names it.
    pub model: String,
    /// What is known of it; its price holds for what it takes.
    pub facts: ModelFacts,
    /// What became of the model before it, where that was asked in the same request. What was shown of its answer is void.
    pub outage: Option<Outage>,
}

/// A model that was asked, gave no answer, and is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Its provider.
    pub provider: String,
    /// The model, as the provider names it.
    pub model: String,
    /// What went wrong, with its causes.
    pub reason: String,
    /// The stable code of it ([`ModelErrorKind::code`]).
    pub code: &'static str,
    /// What the last attempt took, as far as the provider said so.
    pub usage: Usage,
    /// For so long others are asked first.
    pub rest: Duration,
}

/// An attempt that failed and is not the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrying {
    /// The attempt that follows, from 2.
    pub attempt: u32,
    /// How many there may be.
    pub max_attempts: u32,
    /// How long to wait before it.
    pub wait: Duration,
    /// What went wrong, with its causes.
    pub reason: String,
    /// The stable code of it ([`ModelErrorKind::code`]).
    pub code: &'static str,
    /// What the failed attempt took, as far as the provider said so.
    pub usage: Usage,
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    /// The assistant's message, every part in its place.
    pub message: Message,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// The provider's count.
    pub usage: Usage,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// Calls in `message` whose input was no JSON object. They must not run.
    pub invalid_inputs: Vec<InvalidInput>,
}

/// The input of a tool call that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidInput {
    /// The call.
    pub call: CallId,
    /// What came instead, cut to a kilobyte.
    pub raw: String,
    /// What was wrong with it.
    pub error: String,
}

/// The items of one answer as they arrive. Dropping it cancels the request.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelItem, ModelError>> + Send>>;

/// What went wrong with a request, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// The endpoint does not accept our key (401, 403).
    Credentials,
    /// The endpoint refuses the request itself (400, 404, 413, spend limits); the same request fails again.
    Rejected,
    /// Too many requests; the server's own waiting time where it gave one.
    RateLimited {
        /// At least this long.
        retry_after: Option<Duration>,
    },
    /// The request is longer than the model's window; the same request fails again, a shorter one may not.
    TooLong,
    /// The server is overloaded or broken for now (408, 409, 5xx, 529, an error event in the stream); its own waiting
    /// time where it gave one.
    Unavailable {
        /// At least this long.
        retry_after: Option<Duration>,
    },
    /// No connection: name, address, TLS.
    Unreachable,
    /// Connected, and then nothing for too long.
    Silent,
    /// The stream ended before the answer did.
    Cut,
    /// What came is not what the protocol says, or larger than its bounds.
    Malformed,
    /// A scripted back end's script does not fit what happened.
    Script,
}

impl ModelErrorKind {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Unavailable { .. }
                | Self::Unreachable
                | Self::Silent
                | Self::Cut
        )
    }

    /// How long the server wants to be left alone, where it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// The stable code in events.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Credentials => "model_credentials",
            Self::Rejected => "model_rejected",
            Self::RateLimited { .. } => "model_rate_limited",
            Self::TooLong => "model_request_too_long",
            Self::Unavailable { .. } => "model_unavailable",
            Self::Unreachable => "model_unreachable",
            Self::Silent => "model_silent",
            Self::Cut => "model_stream_cut",
            Self::Malformed => "model_malformed",
            Self::Script => "model_script",
        }
    }
}

/// A request to a model failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ModelError {
    /// What can be done about it.
    pub kind: ModelErrorKind,
    /// The step that failed and its subject: the endpoint, the status, the provider's own message.
    pub what: String,
    /// What the failed request took nevertheless, as far as the provider said so.
    pub usage: Usage,
    /// Why.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ModelError {
    /// An error without a deeper cause.
    pub fn new(kind: ModelErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), usage: Usage::default(), source: None }
    }

    /// The same error of a request that took tokens before it failed.
    #[must_use]
    pub const fn having_used(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// An error with its cause.
    pub fn caused(
        kind: ModelErrorKind,
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { source: Some(source.into()), ..Self::new(kind, what) }
    }
}
