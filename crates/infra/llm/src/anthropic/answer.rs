//! Puts an answer together from its events: a pure fold that knows no network and no clock.
//!
//! Blocks are told apart by the `index` of the wire and keep the order in which they began. Events and delta types that
//! this version does not know are skipped, blocks that it does not know are kept byte for byte. Nothing is judged done
//! before `message_stop`. How many of an answer's calls may run is not decided here: each has to be answered, so all are
//! kept.

mod block;
#[cfg(test)]
mod tests;

use domain::{
    message::{Message, Role, StopReason, Usage},
    model::{ModelAnswer, ModelError, ModelItem},
};
use serde::Deserialize;

use self::block::{Block, Grown};
use super::wire::{AnyEvent, BlockDelta, BlockStart, ErrorEnvelope, MessageDelta, MessageStart, UsageCounts};
use crate::{
    anthropic::failure,
    over_http::{Fold, MOST_BLOCKS, Place, legible},
    sse::{SseError, SseEvent},
};

/// Why a stream gives no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The stream is larger than its bounds.
    #[error(transparent)]
    Stream(#[from] SseError),
    /// An event's data is not the JSON it should be.
    #[error("event `{event}` cannot be read")]
    Event {
        /// The event's type.
        event: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Events that do not follow from each other.
    #[error("event `{event}` does not fit: {problem}")]
    Order {
        /// The event's type.
        event: &'static str,
        /// What was expected.
        problem: String,
    },
    /// More than a message may hold.
    #[error("the message holds {what}, more than {limit}")]
    TooMuch {
        /// Of what there is too much.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The server gave up in the middle.
    #[error("the server ended the stream with {kind}: {message}")]
    Server {
        /// The provider's error type.
        kind: String,
        /// `error.details.error_code`, where given.
        code: Option<String>,
        /// The provider's words.
        message: String,
        /// The provider's name for the request, where the event gives it.
        request_id: Option<String>,
    },
}

/// An answer that is under way.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    model: Option<String>,
    usage: Usage,
    stop_reason: Option<StopReason>,
    blocks: Vec<(u32, Block)>,
    /// Events so far that carried something of the answer.
    contents: u64,
}

impl Fold for Assembler {
    type Error = AnswerError;

    /// The answer itself comes with `message_stop`, after which the assembler is empty again. Of an event that cannot be
    /// read the damaged characters are given up first.
    fn take(&mut self, event: SseEvent<'_>) -> Result<Option<ModelItem>, AnswerError> {
        match self.take_as_it_is(event) {
            Err(unreadable @ AnswerError::Event { .. }) => match legible(event.data) {
                Some(data) => self.take_as_it_is(SseEvent { name: event.name, data: &data }),
                None => Err(unreadable),
            },
            taken => taken,
        }
    }

    /// Blocks that begin, text, thinking, input of calls.
    fn contents(&self) -> u64 {
        self.contents
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn lost(place: &Place, error: AnswerError) -> ModelError {
        failure::lost(place, error)
    }
}

impl Assembler {
    /// Nothing has changed where the event cannot be read.
    fn take_as_it_is(&mut self, event: SseEvent<'_>) -> Result<Option<ModelItem>, AnswerError> {
        if event.name.is_empty() {
            let kind = parse::<AnyEvent<'_>>("message", event.data)?.kind;
            self.take_event(kind.as_bytes(), event.data)
        } else {
            self.take_event(event.name, event.data)
        }
    }

    fn take_event(&mut self, kind: &[u8], data: &[u8]) -> Result<Option<ModelItem>, AnswerError> {
        match kind {
            b"content_block_delta" => self.grow(&parse("content_block_delta", data)?),
            b"content_block_start" => self.begin(&parse("content_block_start", data)?),
            b"message_start" => {
                let MessageStart { message } = parse("message_start", data)?;
                if self.model.replace(message.model.into_owned()).is_some() {
                    return Err(out_of_order("message_start", "the message has begun before"));
                }
                overwrite(&mut self.usage, &message.usage);
                Ok(None)
            }
            b"message_delta" => {
                let MessageDelta { delta, usage } = parse("message_delta", data)?;
                if let Some(reason) = delta.stop_reason {
                    self.stop_reason = Some(stop_reason(&reason.0));
                }
                overwrite(&mut self.usage, &usage);
                Ok(None)
            }
            b"message_stop" => std::mem::take(self).finish().map(|answer| Some(ModelItem::Answer(answer))),
            b"error" => Err(server_error(&parse("error", data)?)),
            // `content_block_stop` says nothing that the next block's start or the message's stop does not say.
            _ => Ok(None),
        }
    }

    fn begin(&mut self, start: &BlockStart<'_>) -> Result<Option<ModelItem>, AnswerError> {
        if self.blocks.iter().any(|(index, _)| *index == start.index) {
            return Err(out_of_order(
                "content_block_start",
                format!("block {} has begun before", start.index),
            ));
        }
        if self.blocks.len() >= MOST_BLOCKS {
            return Err(AnswerError::TooMuch { what: "blocks", limit: MOST_BLOCKS });
        }
        let block = Block::begin(start.content_block)?;
        self.contents += 1;
        let item = item(self.blocks.len(), block.shown());
        self.blocks.push((start.index, block));
        Ok(item)
    }

    fn grow(&mut self, event: &BlockDelta<'_>) -> Result<Option<ModelItem>, AnswerError> {
        // The newest block is almost always the one.
        let Some(part) = self.blocks.iter().rposition(|(index, _)| *index == event.index) else {
            return Err(out_of_order("content_block_delta", format!("block {} has not begun", event.index)));
        };
        self.contents += u64::from(event.delta.carries_content());
        match self.blocks.get_mut(part) {
            Some((_, block)) => Ok(item(part, block.grow(&event.delta)?)),
            None => Ok(None),
        }
    }

    fn finish(self) -> Result<ModelAnswer, AnswerError> {
        let Some(model) = self.model else {
            return Err(out_of_order("message_stop", "the message has not begun"));
        };
        let Some(stop_reason) = self.stop_reason else {
            return Err(out_of_order("message_stop", "no stop_reason came before it"));
        };
        let cut = matches!(stop_reason, StopReason::MaxTokens | StopReason::ContextWindowExceeded);
        let newest = self.blocks.len().checked_sub(1);
        let mut parts = Vec::with_capacity(self.blocks.len());
        let mut invalid_inputs = Vec::new();
        for (at, (_, block)) in self.blocks.into_iter().enumerate() {
            let (part, invalid) = block.finish(cut && Some(at) == newest)?;
            parts.push(part);
            invalid_inputs.extend(invalid);
        }
        let message = Message { role: Role::Assistant, parts };
        Ok(ModelAnswer { message, stop_reason, usage: self.usage, model, invalid_inputs })
    }
}

fn item(part: usize, grown: Grown<'_>) -> Option<ModelItem> {
    let index = u32::try_from(part).unwrap_or(u32::MAX);
    match grown {
        Grown::Text("") | Grown::Thinking("") | Grown::Unseen => None,
        Grown::Text(text) => Some(ModelItem::TextDelta { index, text: text.to_owned() }),
        Grown::Thinking(text) => Some(ModelItem::ThinkingDelta { index, text: text.to_owned() }),
    }
}

fn parse<'a, T: Deserialize<'a>>(event: &str, data: &'a [u8]) -> Result<T, AnswerError> {
    serde_json::from_slice(data).map_err(|source| AnswerError::Event { event: event.to_owned(), source })
}

fn out_of_order(event: &'static str, problem: impl Into<String>) -> AnswerError {
    AnswerError::Order { event, problem: problem.into() }
}

/// The counts are totals so far: the newest stands.
fn overwrite(usage: &mut Usage, counts: &UsageCounts) {
    let set = |count: &mut u64, newer: Option<u64>| *count = newer.unwrap_or(*count);
    set(&mut usage.input_tokens, counts.input_tokens);
    set(&mut usage.output_tokens, counts.output_tokens);
    set(&mut usage.cache_read_tokens, counts.cache_read_input_tokens);
    set(&mut usage.cache_write_tokens, counts.cache_creation_input_tokens);
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "end_turn" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" => StopReason::MaxTokens,
        "stop_sequence" => StopReason::StopSequence,
        "pause_turn" => StopReason::PauseTurn,
        "refusal" => StopReason::Refusal,
        "model_context_window_exceeded" => StopReason::ContextWindowExceeded,
        other => StopReason::Other(other.to_owned()),
    }
}

fn server_error(envelope: &ErrorEnvelope<'_>) -> AnswerError {
    let code = envelope.error.details.as_ref().and_then(|details| details.error_code.as_ref());
    AnswerError::Server {
        kind: envelope.error.kind.to_string(),
        code: code.map(|code| code.0.to_string()),
        message: envelope.error.message.to_string(),
        request_id: envelope.request_id.as_ref().map(|id| id.0.to_string()),
    }
}
