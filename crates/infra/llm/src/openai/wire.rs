//! What Chat Completions endpoints send, as it stands on the wire. Everything may be missing or null: the servers that
//! speak this protocol agree on little more than its names.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// A text that borrows from the event unless it holds escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// One `data:` line: a piece of an answer, or an error.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk<'a> {
    /// `error` where an older vLLM gives up.
    #[serde(default, borrow)]
    pub(super) object: Option<Text<'a>>,
    /// Its words then.
    #[serde(default, borrow)]
    pub(super) message: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) model: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    pub(super) usage: Option<UsageCounts>,
    #[serde(default, borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default, borrow)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(default, borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
}

/// The new characters.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(default, borrow)]
    pub(super) content: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) refusal: Option<Text<'a>>,
    /// llama.cpp, LM Studio, DeepSeek, older vLLM.
    #[serde(default, borrow)]
    pub(super) reasoning_content: Option<Text<'a>>,
    /// Ollama, vLLM, OpenRouter.
    #[serde(default, borrow)]
    pub(super) reasoning: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) tool_calls: Option<Vec<CallPiece<'a>>>,
}

/// A piece of a tool call.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallPiece<'a> {
    #[serde(default)]
    pub(super) index: Option<u32>,
    #[serde(default, borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) function: Option<Function<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Function<'a> {
    #[serde(default, borrow)]
    pub(super) name: Option<Text<'a>>,
    /// A text; an object at some servers.
    #[serde(default, borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// Totals so far.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct UsageCounts {
    #[serde(default)]
    pub(super) prompt_tokens: Option<u64>,
    #[serde(default)]
    pub(super) completion_tokens: Option<u64>,
    #[serde(default)]
    pub(super) prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct PromptDetails {
    #[serde(default)]
    pub(super) cached_tokens: Option<u64>,
    #[serde(default)]
    pub(super) cache_write_tokens: Option<u64>,
}

/// The body of an answer without success, or of one that is no stream.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorEnvelope {
    pub(super) error: ErrorBody,
}

/// An error: an object as a rule, a bare text at some servers.
#[derive(Debug, Default)]
pub(crate) struct ErrorBody {
    /// `type`; empty where there is none.
    pub(super) kind: String,
    /// `code`, whatever kind of JSON it is, as text; empty where there is none.
    pub(super) code: String,
    pub(super) message: String,
}

impl ErrorBody {
    /// Reads an error of any form.
    pub(super) fn of(error: &Value) -> Self {
        let Value::Object(fields) = error else {
            return Self { message: plain(error), ..Self::default() };
        };
        let field = |name: &str| fields.get(name).map(plain).unwrap_or_default();
        Self { kind: field("type"), code: field("code"), message: field("message") }
    }

    /// The code where it is an HTTP status, as vLLM, llama.cpp and OpenRouter give it.
    pub(super) fn status(&self) -> Option<u16> {
        self.code.parse().ok().filter(|code| (400..600).contains(code))
    }
}

impl<'de> Deserialize<'de> for ErrorBody {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|error| Self::of(&error))
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `GET /models`.
#[derive(Debug, Deserialize)]
pub(super) struct ModelList {
    #[serde(default)]
    pub(super) data: Vec<ListedModel>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedModel {
    pub(super) id: String,
    /// vLLM says how long a conversation may be.
    #[serde(default)]
    pub(super) max_model_len: Option<u64>,
}
