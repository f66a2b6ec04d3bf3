//! What a scripted model answers, as a test writes it down.

use std::{fmt, sync::Arc, time::Duration};

use domain::{
    id::CallId,
    message::{StopReason, Usage},
    model::{ModelErrorKind, ModelRequest},
};
use serde_json::Value;

/// One answer of a model. Parts come in the order they are written here.
#[derive(Clone, Default)]
pub struct Answer {
    pub(super) pieces: Vec<Piece>,
    pub(super) usage: Usage,
    pub(super) stop_reason: Option<StopReason>,
    pub(super) model: Option<String>,
    pub(super) chunk_chars: Option<usize>,
    pub(super) before: Option<Duration>,
    pub(super) between: Option<Duration>,
    pub(super) ending: Ending,
    computed: Option<Arc<Compute>>,
}

type Compute = dyn Fn(&ModelRequest) -> Answer + Send + Sync;

/// A part of an answer.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text(String),
    Thinking { text: String, signature: Option<String> },
    Call { id: Option<CallId>, name: String, input: Value },
    BrokenCall { name: String, raw: String },
    Block { provider: String, raw: String },
}

/// How an answer's stream ends.
#[derive(Debug, Clone, Default)]
pub(super) enum Ending {
    #[default]
    Whole,
    Refused(ModelErrorKind),
    Failed(ModelErrorKind),
    Stalled,
}

impl Answer {
    /// Prose, and nothing else.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::default().and_text(text)
    }

    /// A call, and nothing else. Its id is made up.
    #[must_use]
    pub fn call(name: &str, input: Value) -> Self {
        Self::default().and_call(name, input)
    }

    /// A thought (signed by the model), to go on from.
    #[must_use]
    pub fn thinking(text: &str) -> Self {
        Self::default().and_thinking(text)
    }

    /// No part at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// No answer: the request is refused before anything streams.
    #[must_use]
    pub fn refused(kind: ModelErrorKind) -> Self {
        Self { ending: Ending::Refused(kind), ..Self::default() }
    }

    /// Computed when the request comes.
    #[must_use]
    pub fn computed(compute: impl Fn(&ModelRequest) -> Self + Send + Sync + 'static) -> Self {
        Self { computed: Some(Arc::new(compute)), ..Self::default() }
    }

    /// Prose after what is there.
    #[must_use]
    pub fn and_text(self, text: &str) -> Self {
        self.and(Piece::Text(text.to_owned()))
    }

    /// A thought after what is there, signed by the model.
    #[must_use]
    pub fn and_thinking(self, text: &str) -> Self {
        self.and(Piece::Thinking { text: text.to_owned(), signature: None })
    }

    /// A thought after what is there, with a signature of the test's own.
    #[must_use]
    pub fn and_signed_thinking(self, text: &str, signature: &str) -> Self {
        self.and(Piece::Thinking { text: text.to_owned(), signature: Some(signature.to_owned()) })
    }

    /// A call after what is there. Its id is made up.
    #[must_use]
    pub fn and_call(self, name: &str, input: Value) -> Self {
        self.and(Piece::Call { id: None, name: name.to_owned(), input })
    }

    /// A call after what is there, with an id of the test's own.
    #[must_use]
    pub fn and_call_named(self, id: &str, name: &str, input: Value) -> Self {
        self.and(Piece::Call { id: Some(CallId::new(id)), name: name.to_owned(), input })
    }

    /// A call whose input is no JSON object.
    #[must_use]
    pub fn and_broken_call(self, name: &str, raw: &str) -> Self {
        self.and(Piece::BrokenCall { name: name.to_owned(), raw: raw.to_owned() })
    }

    /// A block that only its provider understands.
    #[must_use]
    pub fn and_block(self, provider: &str, raw: &str) -> Self {
        self.and(Piece::Block { provider: provider.to_owned(), raw: raw.to_owned() })
    }

    /// What the answer cost. Without it: nothing.
    #[must_use]
    pub fn costing(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Why it ended. Without it: tool use where there is a call, else the end of the turn.
    #[must_use]
    pub fn stopping(mut self, reason: StopReason) -> Self {
        self.stop_reason = Some(reason);
        self
    }

    /// The model that says it answered. Without it: the one that was asked for.
    #[must_use]
    pub fn from_model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Streams its texts in pieces of so many characters. Without it: each in one piece.
    ///
    /// # Panics
    /// For zero.
    #[must_use]
    pub fn in_chunks(mut self, characters: usize) -> Self {
        assert!(characters > 0, "a chunk has at least one character");
        self.chunk_chars = Some(characters);
        self
    }

    /// Begins only after this, by tokio's time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.before = Some(delay);
        self
    }

    /// Waits this long between its items, by tokio's time.
    #[must_use]
    pub fn with_gaps(mut self, gap: Duration) -> Self {
        self.between = Some(gap);
        self
    }

    /// Streams what is there, and then fails instead of ending.
    #[must_use]
    pub fn then_failing(mut self, kind: ModelErrorKind) -> Self {
        self.ending = Ending::Failed(kind);
        self
    }

    /// Streams what is there, and then nothing more until the stream is dropped.
    #[must_use]
    pub fn then_stalling(mut self) -> Self {
        self.ending = Ending::Stalled;
        self
    }

    fn and(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    pub(super) fn for_request(self, request: &ModelRequest) -> Self {
        match self.computed {
            Some(compute) => compute(request),
            None => self,
        }
    }

    pub(super) fn refusal(&self) -> Option<ModelErrorKind> {
        match &self.ending {
            Ending::Refused(kind) => Some(kind.clone()),
            Ending::Whole | Ending::Failed(_) | Ending::Stalled => None,
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.computed {
            Some(_) => f.write_str("Answer(computed)"),
            None => f.debug_tuple("Answer").field(&self.pieces).field(&self.ending).finish(),
        }
    }
}
