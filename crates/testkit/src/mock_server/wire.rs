//! An answer in the service's own words: as one message, or as the events of a stream.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::message::Usage;
use serde_json::{Value, json};

use super::{
    seal,
    turn::{Block, Input, Turn},
};

const DEFAULT_USAGE: Usage =
    Usage { input_tokens: 100, output_tokens: 20, cache_read_tokens: 0, cache_write_tokens: 0 };

/// Makes ids that no other server of this machine makes.
#[derive(Debug)]
pub(super) struct Ids {
    seed: String,
    given: AtomicU64,
}

impl Ids {
    pub(super) fn seeded(seed: u64) -> Self {
        Self { seed: format!("{seed:x}"), given: AtomicU64::new(0) }
    }

    /// `prefix`, the server's seed, and a number of its own.
    pub(super) fn next(&self, prefix: &str) -> String {
        format!("{prefix}_{}_{}", self.seed, self.given.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// An answer with all ids and signatures filled in.
pub(super) struct Answer<'a> {
    turn: &'a Turn,
    id: String,
    model: String,
    /// The blocks as a whole, and the texts that a stream sends for each.
    blocks: Vec<(Value, Deltas)>,
    stop_reason: String,
    usage: Usage,
}

/// What a stream sends of a block between its start and its stop.
enum Deltas {
    Text(String),
    Thinking {
        text: String,
        signature: String,
    },
    Input(Vec<String>),
    /// The block comes whole in its start.
    Nothing,
}

impl<'a> Answer<'a> {
    pub(super) fn new(turn: &'a Turn, ids: &Ids, asked_model: &str) -> Self {
        let calls = turn.blocks.iter().any(|block| matches!(block, Block::Call { .. }));
        let derived = if calls { "tool_use" } else { "end_turn" };
        Self {
            turn,
            id: ids.next("msg"),
            model: turn.model.clone().unwrap_or_else(|| asked_model.to_owned()),
            blocks: turn.blocks.iter().map(|block| fill_in(block, ids)).collect(),
            stop_reason: turn.stop_reason.clone().unwrap_or_else(|| derived.to_owned()),
            usage: turn.usage.unwrap_or(DEFAULT_USAGE),
        }
    }

    /// The content as the client is to send it back.
    pub(super) fn content(&self) -> Value {
        self.blocks.iter().map(|(block, _)| block.clone()).collect()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.stop_reason == "pause_turn"
    }

    /// The answer where no stream was asked for.
    pub(super) fn message(&self) -> Value {
        let mut message = self.head(self.content(), json!(self.stop_reason), self.usage.output_tokens);
        message["stop_sequence"] = json!(self.turn.stop_sequence);
        if let Some(details) = self.stop_details() {
            message["stop_details"] = details;
        }
        message
    }

    /// The events of the stream, by name.
    pub(super) fn events(&self) -> Vec<(&'static str, Value)> {
        let mut events = vec![(
            "message_start",
            json!({"type": "message_start", "message": self.head(json!([]), Value::Null, 1)}),
        )];
        for (index, (block, deltas)) in self.blocks.iter().enumerate() {
            let start = match deltas {
                Deltas::Text(_) => json!({"type": "text", "text": ""}),
                Deltas::Thinking { .. } => json!({"type": "thinking", "thinking": "", "signature": ""}),
                Deltas::Input(_) => {
                    json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}})
                }
                Deltas::Nothing => block.clone(),
            };
            events.push((
                "content_block_start",
                json!({"type": "content_block_start", "index": index, "content_block": start}),
            ));
            let delta = |delta: Value| {
                let event = json!({"type": "content_block_delta", "index": index, "delta": delta});
                ("content_block_delta", event)
            };
            events.extend(self.deltas(deltas).into_iter().map(delta));
            events.push(("content_block_stop", json!({"type": "content_block_stop", "index": index})));
        }
        let mut end = json!({"stop_reason": self.stop_reason, "stop_sequence": self.turn.stop_sequence});
        if let Some(details) = self.stop_details() {
            end["stop_details"] = details;
        }
        let usage = json!({
            "input_tokens": self.usage.input_tokens,
            "cache_creation_input_tokens": self.usage.cache_write_tokens,
            "cache_read_input_tokens": self.usage.cache_read_tokens,
            "output_tokens": self.usage.output_tokens,
        });
        events.push(("message_delta", json!({"type": "message_delta", "delta": end, "usage": usage})));
        events.push(("message_stop", json!({"type": "message_stop"})));
        events
    }

    fn deltas(&self, deltas: &Deltas) -> Vec<Value> {
        match deltas {
            Deltas::Text(text) => {
                self.chunks(text).map(|chunk| json!({"type": "text_delta", "text": chunk})).collect()
            }
            Deltas::Thinking { text, signature } => {
                let thoughts =
                    self.chunks(text).map(|chunk| json!({"type": "thinking_delta", "thinking": chunk}));
                let seal = json!({"type": "signature_delta", "signature": signature});
                thoughts.chain([seal]).collect()
            }
            Deltas::Input(texts) => {
                let chunks = texts.iter().flat_map(|text| self.chunks(text));
                // The service begins with an empty one.
                let chunks = texts.first().map(|_| String::new()).into_iter().chain(chunks);
                chunks.map(|chunk| json!({"type": "input_json_delta", "partial_json": chunk})).collect()
            }
            Deltas::Nothing => Vec::new(),
        }
    }

    fn chunks<'t>(&self, text: &'t str) -> impl Iterator<Item = String> + use<'t> {
        let size = self.turn.chunk_chars.unwrap_or(usize::MAX);
        let mut characters = text.chars();
        std::iter::from_fn(move || {
            let chunk: String = characters.by_ref().take(size).collect();
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    fn head(&self, content: Value, stop_reason: Value, output_tokens: u64) -> Value {
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "cache_creation_input_tokens": self.usage.cache_write_tokens,
                "cache_read_input_tokens": self.usage.cache_read_tokens,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": self.usage.cache_write_tokens,
                    "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": output_tokens,
                "service_tier": "standard",
            },
        })
    }

    fn stop_details(&self) -> Option<Value> {
        (self.stop_reason == "refusal")
            .then(|| json!({"type": "refusal", "category": null, "explanation": "a scripted refusal"}))
    }
}

fn fill_in(block: &Block, ids: &Ids) -> (Value, Deltas) {
    match block {
        Block::Text(text) => (json!({"type": "text", "text": text}), Deltas::Text(text.clone())),
        Block::Thinking { text, label } => {
            let signature = seal::sign(&label.clone().unwrap_or_else(|| ids.next("sig")), text);
            let block = json!({"type": "thinking", "thinking": text, "signature": signature});
            (block, Deltas::Thinking { text: text.clone(), signature })
        }
        Block::Redacted(label) => {
            (json!({"type": "redacted_thinking", "data": seal::sign(label, "")}), Deltas::Nothing)
        }
        Block::Call { id, name, input } => {
            let id = id.clone().unwrap_or_else(|| ids.next("toolu"));
            let (whole, deltas) = match input {
                Input::Json(input) => (input.clone(), vec![input.to_string()]),
                Input::Raw(raw) => {
                    (serde_json::from_str(raw).unwrap_or_else(|_| json!(raw)), vec![raw.clone()])
                }
                Input::Nothing => (json!({}), Vec::new()),
            };
            (json!({"type": "tool_use", "id": id, "name": name, "input": whole}), Deltas::Input(deltas))
        }
        Block::Raw(block) => (block.clone(), Deltas::Nothing),
    }
}
