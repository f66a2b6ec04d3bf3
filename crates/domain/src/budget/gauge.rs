//! How long a request's input is, before anybody has counted its tokens.

use serde_json::Value;

use crate::{
    message::{Message, Part, Usage},
    model::ModelRequest,
};

/// What counts as one token. English text has about four bytes a token, JSON and code about three, Korean and other
/// scripts of three bytes a character about one character: an estimate for a limit is rather too high than too low.
const BYTES_PER_TOKEN: u64 = 3;

/// Estimates the input of a run's next request from the provider's count of the one before.
#[derive(Debug, Clone, Copy, Default)]
pub struct InputGauge {
    last: Option<Counted>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    bytes: u64,
    tokens: u64,
}

impl InputGauge {
    /// The tokens of an input of so many [`bytes_of`]: what the provider counted last and the bytes that joined since;
    /// by its bytes alone where nothing was counted yet, or the conversation was cut.
    #[must_use]
    pub fn estimate(&self, bytes: u64) -> u64 {
        match self.last {
            Some(last) if bytes >= last.bytes => last.tokens.saturating_add(tokens(bytes - last.bytes)),
            _ => tokens(bytes),
        }
    }

    /// Takes the provider's count of an input of so many bytes. A count of nothing is none.
    pub const fn counted(&mut self, bytes: u64, usage: Usage) {
        let tokens = usage.total().saturating_sub(usage.output_tokens);
        if tokens > 0 {
            self.last = Some(Counted { bytes, tokens });
        }
    }
}

/// How many tokens a text of so many bytes has, estimated.
pub(super) const fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// The bytes of what a request says: system prompt, tools and messages, without what a wire format adds.
#[must_use]
pub fn bytes_of(request: &ModelRequest) -> u64 {
    prefix_bytes(request).saturating_add(message_bytes_of(request))
}

/// The part of [`bytes_of`] that is the same in all requests of a run: system prompt and tools.
#[must_use]
pub fn prefix_bytes(request: &ModelRequest) -> u64 {
    let tools = request
        .tools
        .iter()
        .map(|tool| length(&tool.name) + length(&tool.description) + json_length(&tool.input_schema));
    tools.fold(length(&request.system), u64::saturating_add)
}

/// The part of [`bytes_of`] that the messages are.
#[must_use]
pub fn message_bytes_of(request: &ModelRequest) -> u64 {
    let messages = request.messages.iter().map(|sealed| message_bytes(&sealed.message));
    messages.fold(0, u64::saturating_add)
}

/// The tokens of an answer whose provider counted none, estimated.
#[must_use]
pub fn tokens_of(answer: &Message) -> u64 {
    tokens(message_bytes(answer))
}

fn message_bytes(message: &Message) -> u64 {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text { text } => length(text),
        Part::Thinking { text, signature } => length(text) + signature.as_deref().map_or(0, length),
        Part::ToolUse { name, input, .. } => length(name) + json_length(input),
        Part::ToolResult { content, .. } => length(content),
        Part::ProviderBlock { raw, .. } => length(raw),
    });
    parts.fold(0, u64::saturating_add)
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// About the bytes of a value as JSON text, without writing it: contents, quotes, commas and colons.
fn json_length(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 5,
        Value::String(text) => length(text) + 3,
        Value::Array(items) => items.iter().map(json_length).fold(2, u64::saturating_add),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| length(key) + 4 + json_length(value))
            .fold(2, u64::saturating_add),
    }
}
