//! What the Messages API sends, as it stands on the wire. Borrowed from the event's bytes wherever it can be.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A text that borrows from the event unless it holds escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Any event, for its type only; read where the `event:` line is missing.
#[derive(Debug, Deserialize)]
pub(super) struct AnyEvent<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
}

/// `message_start`.
#[derive(Debug, Deserialize)]
pub(super) struct MessageStart<'a> {
    #[serde(borrow)]
    pub(super) message: MessageHead<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MessageHead<'a> {
    #[serde(borrow)]
    pub(super) model: Cow<'a, str>,
    #[serde(default)]
    pub(super) usage: UsageCounts,
}

/// Cumulative counts; what is absent keeps its value.
#[derive(Debug, Default, Deserialize)]
pub(super) struct UsageCounts {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
    pub(super) cache_creation_input_tokens: Option<u64>,
}

/// `content_block_start`.
#[derive(Debug, Deserialize)]
pub(super) struct BlockStart<'a> {
    pub(super) index: u32,
    #[serde(borrow)]
    pub(super) content_block: &'a RawValue,
}

/// The beginning of a block. Fields of all kinds; each kind has its own.
#[derive(Debug, Deserialize)]
pub(super) struct BlockHead<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) text: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) thinking: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) signature: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) input: Option<&'a RawValue>,
}

/// The type of a block of any kind.
#[derive(Debug, Deserialize)]
pub(super) struct AnyBlock<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
}

/// `content_block_delta`: the event that comes by the thousand.
#[derive(Debug, Deserialize)]
pub(super) struct BlockDelta<'a> {
    pub(super) index: u32,
    #[serde(borrow)]
    pub(super) delta: Delta<'a>,
}

/// Fields of all kinds; each kind has one.
#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) text: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) thinking: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) partial_json: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) signature: Cow<'a, str>,
}

impl Delta<'_> {
    /// Whether there is anything in it.
    pub(super) fn carries_content(&self) -> bool {
        [&self.text, &self.thinking, &self.partial_json, &self.signature].iter().any(|text| !text.is_empty())
    }
}

/// `message_delta`.
#[derive(Debug, Deserialize)]
pub(super) struct MessageDelta<'a> {
    #[serde(borrow)]
    pub(super) delta: MessageChange<'a>,
    #[serde(default)]
    pub(super) usage: UsageCounts,
}

#[derive(Debug, Deserialize)]
pub(super) struct MessageChange<'a> {
    #[serde(default, borrow)]
    pub(super) stop_reason: Option<Text<'a>>,
}

/// An error, in the stream or as the body of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorEnvelope<'a> {
    #[serde(borrow)]
    pub(super) error: ErrorBody<'a>,
    #[serde(default, borrow)]
    pub(super) request_id: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) message: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) details: Option<ErrorDetails<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorDetails<'a> {
    #[serde(default, borrow)]
    pub(super) error_code: Option<Text<'a>>,
}
