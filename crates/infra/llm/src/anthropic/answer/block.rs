//! One content block while it grows.

use domain::{id::CallId, message::Part, model::InvalidInput};
use serde_json::{Map, Value, value::RawValue};

use super::{
    super::{
        PROVIDER,
        wire::{AnyBlock, BlockHead, Delta},
    },
    AnswerError, out_of_order, parse,
};
use crate::over_http::{LARGEST_TOOL_INPUT, read_input};

/// A block that has begun.
#[derive(Debug)]
pub(super) enum Block {
    Text(String),
    Thinking {
        text: String,
        signature: String,
    },
    ToolUse {
        id: CallId,
        name: String,
        input: ToolInput,
    },
    /// A kind that this version does not know, or one that only the provider can read.
    Provider {
        raw: Box<RawValue>,
        input: String,
    },
}

/// The input of a tool call: JSON text that comes in pieces, or whole with the block's start.
#[derive(Debug)]
pub(super) struct ToolInput {
    /// What the block began with, where that was more than `{}`.
    initial: Option<Box<RawValue>>,
    pieces: String,
}

/// What an event added that can be shown.
#[derive(Debug)]
pub(super) enum Grown<'a> {
    Text(&'a str),
    Thinking(&'a str),
    Unseen,
}

impl Block {
    /// Begins a block from its `content_block_start`.
    pub(super) fn begin(raw: &RawValue) -> Result<Self, AnswerError> {
        let unreadable = |source| AnswerError::Event { event: "content_block_start".into(), source };
        let kind = serde_json::from_str::<AnyBlock<'_>>(raw.get()).map_err(unreadable)?.kind;
        if !matches!(&*kind, "text" | "thinking" | "tool_use") {
            // Read as a whole once, so that what is nested too deeply is refused here and not by someone later.
            serde_json::from_str::<Value>(raw.get()).map_err(unreadable)?;
            return Ok(Self::Provider { raw: raw.to_owned(), input: String::new() });
        }
        let head: BlockHead<'_> = serde_json::from_str(raw.get()).map_err(unreadable)?;
        match &*head.kind {
            "text" => Ok(Self::Text(head.text.into_owned())),
            "thinking" => Ok(Self::Thinking {
                text: head.thinking.into_owned(),
                signature: head.signature.into_owned(),
            }),
            _ => Self::begin_tool_use(&head),
        }
    }

    fn begin_tool_use(head: &BlockHead<'_>) -> Result<Self, AnswerError> {
        if head.id.is_empty() || head.name.is_empty() {
            return Err(out_of_order("content_block_start", "a tool_use block without id or name"));
        }
        let initial = head.input.filter(|input| input.get() != "{}").map(ToOwned::to_owned);
        check_input(initial.as_ref().map_or(0, |input| input.get().len()))?;
        let input = ToolInput { initial, pieces: String::new() };
        Ok(Self::ToolUse { id: CallId::new(&head.id), name: head.name.to_string(), input })
    }

    /// What there is to show so far.
    pub(super) fn shown(&self) -> Grown<'_> {
        match self {
            Self::Text(text) => Grown::Text(text),
            Self::Thinking { text, .. } => Grown::Thinking(text),
            Self::ToolUse { .. } | Self::Provider { .. } => Grown::Unseen,
        }
    }

    /// Adds a delta.
    pub(super) fn grow<'a>(&mut self, delta: &'a Delta<'_>) -> Result<Grown<'a>, AnswerError> {
        match (self, &*delta.kind) {
            (Self::Text(text), "text_delta") => {
                text.push_str(&delta.text);
                return Ok(Grown::Text(&delta.text));
            }
            (Self::Thinking { text, .. }, "thinking_delta") => {
                text.push_str(&delta.thinking);
                return Ok(Grown::Thinking(&delta.thinking));
            }
            (Self::Thinking { signature, .. }, "signature_delta") => {
                signature.clear();
                signature.push_str(&delta.signature);
            }
            (Self::ToolUse { input, .. }, "input_json_delta") => grow_input(&mut input.pieces, delta)?,
            (Self::Provider { input, .. }, "input_json_delta") => grow_input(input, delta)?,
            (Self::Provider { .. }, kind) => {
                return Err(out_of_order(
                    "content_block_delta",
                    format!("`{kind}` grows a block of unknown kind"),
                ));
            }
            (_, kind @ ("text_delta" | "thinking_delta" | "signature_delta" | "input_json_delta")) => {
                return Err(out_of_order(
                    "content_block_delta",
                    format!("`{kind}` grows a block of another kind"),
                ));
            }
            (_, kind) => tracing::debug!(kind, "skipped a delta of unknown kind"),
        }
        Ok(Grown::Unseen)
    }

    /// The finished part; `cut` where the answer ended for want of room in the middle of this block. An input that is
    /// no object is replaced by `{}` and told beside the part.
    pub(super) fn finish(self, cut: bool) -> Result<(Part, Option<InvalidInput>), AnswerError> {
        Ok(match self {
            Self::Text(text) => (Part::Text { text }, None),
            Self::Thinking { text, signature } => {
                (Part::Thinking { text, signature: Some(signature).filter(|s| !s.is_empty()) }, None)
            }
            Self::ToolUse { id, name, input } => match input.finish(&id, cut) {
                Ok(input) => (Part::ToolUse { id, name, input: Value::Object(input) }, None),
                Err(invalid) => (Part::ToolUse { id, name, input: Value::Object(Map::new()) }, Some(invalid)),
            },
            Self::Provider { raw, input } => {
                let raw = if input.is_empty() { raw.get().to_owned() } else { with_input(&raw, &input)? };
                (Part::ProviderBlock { provider: PROVIDER.to_owned(), raw }, None)
            }
        })
    }
}

fn grow_input(pieces: &mut String, delta: &Delta<'_>) -> Result<(), AnswerError> {
    check_input(pieces.len().saturating_add(delta.partial_json.len()))?;
    pieces.push_str(&delta.partial_json);
    Ok(())
}

fn check_input(bytes: usize) -> Result<(), AnswerError> {
    let limit = LARGEST_TOOL_INPUT;
    if bytes > limit { Err(AnswerError::TooMuch { what: "bytes of tool input", limit }) } else { Ok(()) }
}

impl ToolInput {
    fn finish(self, call: &CallId, cut: bool) -> Result<Map<String, Value>, InvalidInput> {
        match self.initial {
            Some(initial) if self.pieces.is_empty() => read_input(call, initial.get(), cut),
            _ => read_input(call, &self.pieces, cut),
        }
    }
}

/// A provider's block whose input came in pieces.
fn with_input(raw: &RawValue, input: &str) -> Result<String, AnswerError> {
    let mut block: Map<String, Value> = parse("content_block_start", raw.get().as_bytes())?;
    block.insert("input".into(), parse("content_block_delta", input.as_bytes())?);
    Ok(Value::Object(block).to_string())
}
