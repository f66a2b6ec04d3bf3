//! Puts an answer together from its chunks: a pure fold that knows no network and no clock.
//!
//! Text, thinking and calls come mixed; the parts of the message are thinking, text, calls, in this order, as the
//! protocol has one of each. Whether calls are to run is never decided by `finish_reason`: servers disagree on it.

use domain::{
    message::{Message, Part, Role, StopReason, Usage},
    model::{ModelAnswer, ModelError, ModelItem},
};

use super::{
    calls::Calls,
    failure,
    wire::{Chunk, Delta, ErrorBody, UsageCounts},
};
use crate::{
    over_http::{Fold, Place, legible},
    sse::{SseError, SseEvent},
};

/// Why a stream gives no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The stream is larger than its bounds.
    #[error(transparent)]
    Stream(#[from] SseError),
    /// A chunk is not the JSON it should be.
    #[error("a chunk of the stream cannot be read")]
    Chunk {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// More than a message may hold.
    #[error("the message holds {what}, more than {limit}")]
    TooMuch {
        /// Of what there is too much.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The answer is over and holds nothing: no text, no call, no refusal.
    #[error("the answer is empty")]
    Empty,
    /// The server gave up in the middle.
    #[error("the server ended the stream with {}: {}", .0.kind, .0.message)]
    Server(ErrorBody),
}

/// Which part of the message a piece that is shown belongs to.
const THINKING: u32 = 0;
const TEXT: u32 = 1;

/// An answer that is under way.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    /// The model that was asked.
    asked: String,
    /// The model that answers, as the endpoint names it.
    model: String,
    usage: Usage,
    finish_reason: Option<String>,
    thinking: String,
    text: String,
    refusal: String,
    calls: Calls,
    /// Chunks so far that carried something of the answer.
    contents: u64,
}

impl Fold for Assembler {
    type Error = AnswerError;

    fn take(&mut self, event: SseEvent<'_>) -> Result<Option<ModelItem>, AnswerError> {
        let data = event.data.trim_ascii();
        if event.name == b"error" {
            let error = serde_json::from_slice(data).map_err(|source| AnswerError::Chunk { source })?;
            return Err(AnswerError::Server(error));
        }
        if data == b"[DONE]" {
            return std::mem::take(self).finish().map(|answer| Some(ModelItem::Answer(answer)));
        }
        if data.is_empty() {
            return Ok(None);
        }
        match serde_json::from_slice::<Chunk<'_>>(data) {
            Ok(chunk) => self.take_chunk(&chunk),
            Err(source) => match legible(data) {
                Some(mended) => {
                    let chunk = serde_json::from_slice::<Chunk<'_>>(&mended);
                    self.take_chunk(&chunk.map_err(|source| AnswerError::Chunk { source })?)
                }
                None => Err(AnswerError::Chunk { source }),
            },
        }
    }

    /// An end without `[DONE]` is one after a `finish_reason`, or after calls that are whole.
    fn at_the_end(&mut self) -> Option<ModelAnswer> {
        (self.finish_reason.is_some() || self.calls.are_whole())
            .then(|| std::mem::take(self).finish().ok())
            .flatten()
    }

    /// Text, thinking, refusals, calls.
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
    /// An answer that has not begun, of the model that was asked; where the endpoint names another one, that answered.
    pub(crate) fn answering_as(asked: String) -> Self {
        Self { asked, ..Self::default() }
    }

    fn take_chunk(&mut self, chunk: &Chunk<'_>) -> Result<Option<ModelItem>, AnswerError> {
        if let Some(error) = chunk.error.filter(|error| error.get() != "null") {
            let error = serde_json::from_str(error.get()).map_err(|source| AnswerError::Chunk { source })?;
            return Err(AnswerError::Server(error));
        }
        if chunk.object.as_ref().is_some_and(|object| object.0 == "error") {
            let message = chunk.message.as_ref().map(|message| message.0.to_string()).unwrap_or_default();
            return Err(AnswerError::Server(ErrorBody { message, ..ErrorBody::default() }));
        }
        if let Some(model) = chunk.model.as_ref().filter(|model| !model.0.is_empty())
            && self.model.is_empty()
        {
            self.model.push_str(&model.0);
        }
        if let Some(usage) = &chunk.usage {
            self.usage = counted(usage);
        }
        let mut item = None;
        for choice in chunk.choices.iter().flatten().take(1) {
            if let Some(reason) = choice.finish_reason.as_ref().filter(|reason| !reason.0.is_empty()) {
                self.finish_reason = Some(reason.0.to_string());
            }
            if let Some(delta) = &choice.delta {
                item = self.grow(delta)?;
            }
        }
        Ok(item)
    }

    /// Gives what there is to show. A server sends one of text and thinking in a chunk; where both come, the text is
    /// shown and the thinking is kept.
    fn grow(&mut self, delta: &Delta<'_>) -> Result<Option<ModelItem>, AnswerError> {
        let text = delta.content.as_ref().map_or("", |text| &*text.0);
        let refusal = delta.refusal.as_ref().map_or("", |text| &*text.0);
        let thinking = delta.reasoning_content.as_ref().filter(|text| !text.0.is_empty());
        let thinking = thinking.or(delta.reasoning.as_ref()).map_or("", |text| &*text.0);
        self.text.push_str(text);
        self.refusal.push_str(refusal);
        self.thinking.push_str(thinking);
        let mut carries = ![text, refusal, thinking].iter().all(|text| text.is_empty());
        for piece in delta.tool_calls.iter().flatten() {
            carries |= self.calls.take(piece)?;
        }
        self.contents += u64::from(carries);
        let shown = if text.is_empty() { refusal } else { text };
        Ok(match (shown, thinking) {
            ("", "") => None,
            ("", thinking) => Some(ModelItem::ThinkingDelta { index: THINKING, text: thinking.to_owned() }),
            (text, _) => Some(ModelItem::TextDelta { index: TEXT, text: text.to_owned() }),
        })
    }

    fn finish(self) -> Result<ModelAnswer, AnswerError> {
        let has_calls = !self.calls.is_empty();
        if self.text.is_empty() && self.refusal.is_empty() && !has_calls {
            return Err(AnswerError::Empty);
        }
        let reason = self.finish_reason.as_deref();
        let is_cut = reason == Some("length");
        let stop_reason = match reason {
            _ if !self.refusal.is_empty() => StopReason::Refusal,
            Some("content_filter") => StopReason::Refusal,
            Some("length") => StopReason::MaxTokens,
            _ if has_calls => StopReason::ToolUse,
            None | Some("stop" | "tool_calls" | "function_call" | "eos") => StopReason::EndTurn,
            Some(other) => StopReason::Other(other.to_owned()),
        };
        let mut parts = Vec::new();
        if !self.thinking.is_empty() {
            parts.push(Part::Thinking { text: self.thinking, signature: None });
        }
        let text = self.text + &self.refusal;
        if !text.is_empty() {
            parts.push(Part::Text { text });
        }
        let (calls, invalid_inputs) = self.calls.finish(is_cut);
        parts.extend(calls);
        let message = Message { role: Role::Assistant, parts };
        let model = if self.model.is_empty() { self.asked } else { self.model };
        Ok(ModelAnswer { message, stop_reason, usage: self.usage, model, invalid_inputs })
    }
}

/// `prompt_tokens` holds what was read from the provider's cache, and what was written to it.
fn counted(counts: &UsageCounts) -> Usage {
    let details = counts.prompt_tokens_details.unwrap_or_default();
    let cache_read_tokens = details.cached_tokens.unwrap_or_default();
    let cache_write_tokens = details.cache_write_tokens.unwrap_or_default();
    let from_cache = cache_read_tokens.saturating_add(cache_write_tokens);
    Usage {
        input_tokens: counts.prompt_tokens.unwrap_or_default().saturating_sub(from_cache),
        output_tokens: counts.completion_tokens.unwrap_or_default(),
        cache_read_tokens,
        cache_write_tokens,
    }
}
