//! One notion of an answer for all protocols: its blocks with ids and seals, and the steps in which it is told.
//!
//! Scripts count in these steps where something goes wrong in the middle, so that one script fails at the same place over
//! every protocol. Each protocol puts a step into words of its own, which may be several events or none.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::message::Usage;
use hyper::HeaderMap;

use super::{
    CHAT, COUNT_TOKENS, MESSAGES, MODELS, seal,
    turn::{Block, Input, Turn},
};

pub(super) mod chat;
pub(super) mod flavour;
pub(super) mod messages;

const DEFAULT_USAGE: Usage =
    Usage { input_tokens: 100, output_tokens: 20, cache_read_tokens: 0, cache_write_tokens: 0 };

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// The Anthropic Messages API.
    Messages,
    /// OpenAI's Chat Completions.
    Chat,
}

impl Wire {
    /// The protocol of a request: by its path, and where that says nothing by the headers that only one of them has.
    pub(super) fn of(path: &str, headers: &HeaderMap) -> Self {
        let has = |name: &str| headers.contains_key(name);
        let names_messages = has("x-api-key") || has("anthropic-version");
        match path {
            MESSAGES | COUNT_TOKENS => Self::Messages,
            CHAT => Self::Chat,
            _ if names_messages => Self::Messages,
            MODELS => Self::Chat,
            _ if has("authorization") => Self::Chat,
            _ => Self::Messages,
        }
    }

    /// The header that names a request.
    pub(super) fn id_header(self) -> &'static str {
        match self {
            Self::Messages => "request-id",
            Self::Chat => "x-request-id",
        }
    }
}

/// Why a request gets an error.
pub(super) struct Refusal {
    pub(super) status: u16,
    /// `error.type`.
    pub(super) kind: &'static str,
    pub(super) message: String,
    /// The field that is at fault, where the protocol names it.
    pub(super) param: Option<String>,
    /// The protocol's own word, where it has one.
    pub(super) code: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), param: None, code: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub(super) fn of(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

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
    pub(super) turn: &'a Turn,
    pub(super) id: String,
    /// The model that says it answered.
    pub(super) model: String,
    pub(super) blocks: Vec<Filled>,
    /// In the words of the Messages API, or of the script.
    pub(super) stop_reason: String,
    pub(super) usage: Usage,
}

/// A block as it is told.
pub(super) enum Filled {
    Text(String),
    Thinking {
        text: String,
        signature: String,
    },
    Call {
        id: String,
        name: String,
        input: Input,
    },
    /// Told whole, by the protocol that knows such blocks.
    Whole(serde_json::Value),
}

/// What an answer is told in. Numbers are those of blocks.
pub(super) enum Step {
    Begin,
    Open(usize),
    Piece(usize, Piece),
    Close(usize),
    /// Why it ended and what it cost.
    End,
    Over,
}

/// Some of a block's characters.
pub(super) enum Piece {
    Text(String),
    Thought(String),
    /// The signature of what was thought.
    Seal(String),
    Input(String),
}

/// An answer in the words of a protocol.
pub(super) struct Told {
    /// The events of each step.
    pub(super) steps: Vec<Vec<String>>,
    /// How many steps an answer may be told in that then fails: a client holds what has more for whole.
    pub(super) most_of_a_failure: usize,
    /// What is told where the service gives up in the middle.
    pub(super) failure: Vec<String>,
    /// What keeps a connection alive.
    pub(super) ping: &'static str,
    /// An event that clients need not know.
    pub(super) unknown: &'static str,
}

impl<'a> Answer<'a> {
    pub(super) fn new(turn: &'a Turn, ids: &Ids, asked_model: &str, wire: Wire) -> Self {
        let (own, call) = match wire {
            Wire::Messages => ("msg", "toolu"),
            Wire::Chat => ("chatcmpl", "call"),
        };
        let calls = turn.blocks.iter().any(|block| matches!(block, Block::Call { .. }));
        let derived = if calls { "tool_use" } else { "end_turn" };
        Self {
            turn,
            id: ids.next(own),
            model: turn.model.clone().unwrap_or_else(|| asked_model.to_owned()),
            blocks: turn.blocks.iter().map(|block| fill_in(block, ids, call)).collect(),
            stop_reason: turn.stop_reason.clone().unwrap_or_else(|| derived.to_owned()),
            usage: turn.usage.unwrap_or(DEFAULT_USAGE),
        }
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Begin];
        for (number, block) in self.blocks.iter().enumerate() {
            steps.push(Step::Open(number));
            steps.extend(self.pieces(block).into_iter().map(|piece| Step::Piece(number, piece)));
            steps.push(Step::Close(number));
        }
        steps.extend([Step::End, Step::Over]);
        steps
    }

    fn pieces(&self, block: &Filled) -> Vec<Piece> {
        match block {
            Filled::Text(text) => self.chunks(text).map(Piece::Text).collect(),
            Filled::Thinking { text, signature } => {
                self.chunks(text).map(Piece::Thought).chain([Piece::Seal(signature.clone())]).collect()
            }
            Filled::Call { input: Input::Nothing, .. } | Filled::Whole(_) => Vec::new(),
            // It begins with an empty one.
            Filled::Call { input, .. } => {
                let chunks = self.chunks(&written(input)).map(Piece::Input).collect::<Vec<_>>();
                [Piece::Input(String::new())].into_iter().chain(chunks).collect()
            }
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
}

/// An input as text.
fn written(input: &Input) -> String {
    match input {
        Input::Json(input) => input.to_string(),
        Input::Raw(raw) => raw.clone(),
        Input::Nothing => String::new(),
    }
}

fn fill_in(block: &Block, ids: &Ids, call: &str) -> Filled {
    match block {
        Block::Text(text) => Filled::Text(text.clone()),
        Block::Thinking { text, label } => {
            let signature = seal::sign(&label.clone().unwrap_or_else(|| ids.next("sig")), text);
            Filled::Thinking { text: text.clone(), signature }
        }
        Block::Redacted(label) => {
            Filled::Whole(serde_json::json!({"type": "redacted_thinking", "data": seal::sign(label, "")}))
        }
        Block::Call { id, name, input } => Filled::Call {
            id: id.clone().unwrap_or_else(|| ids.next(call)),
            name: name.clone(),
            input: input.clone(),
        },
        Block::Raw(block) => Filled::Whole(block.clone()),
    }
}
