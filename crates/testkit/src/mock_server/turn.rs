//! One scripted answer of the server, as a test writes it down, and what goes wrong on its way.

use std::time::Duration;

use domain::message::Usage;
use serde_json::Value;

mod shape;

pub use shape::Pieces;
pub(super) use shape::{Block, Ending, Expectation, Framing, HttpError, Input, Instead};

/// One answer. It begins with one of [`Turn::text`], [`Turn::call`], [`Turn::thinking`] and goes on with `and_*`, or
/// is a failure from the start ([`Turn::error`], [`Turn::too_long`], [`Turn::page`], [`Turn::silence`], [`Turn::hang_up`],
/// [`Turn::bytes`]).
#[derive(Debug, Clone, Default)]
pub struct Turn {
    pub(super) blocks: Vec<Block>,
    pub(super) usage: Option<Usage>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_sequence: Option<String>,
    pub(super) model: Option<String>,
    pub(super) chunk_chars: Option<usize>,
    pub(super) pieces: Pieces,
    pub(super) framing: Framing,
    pub(super) before: Option<Duration>,
    pub(super) between: Option<Duration>,
    pub(super) between_pieces: Option<Duration>,
    pub(super) ending: Ending,
    pub(super) instead: Option<Instead>,
    pub(super) expectation: Expectation,
}

impl Turn {
    /// Prose, and nothing else.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::default().and_text(text)
    }

    /// A call with a made-up id, and nothing else.
    #[must_use]
    pub fn call(name: &str, input: Value) -> Self {
        Self::default().and_call(name, input)
    }

    /// A signed thought, to go on from.
    #[must_use]
    pub fn thinking(text: &str) -> Self {
        Self::default().and_thinking(text)
    }

    /// No block at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// An error of the service with its real body: `status`, `error.type`, `error.message`.
    #[must_use]
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let (kind, message) = (kind.to_owned(), message.to_owned());
        let error = HttpError { status, kind, message, code: None, headers: Vec::new() };
        Self { instead: Some(Instead::Error(error)), ..Self::default() }
    }

    /// The request is longer than the model's window, each protocol in its own words.
    #[must_use]
    pub fn too_long() -> Self {
        Self { instead: Some(Instead::TooLong), ..Self::default() }
    }

    /// A page for browsers, as proxies and captive portals send it; `status` 200 is the nasty one.
    #[must_use]
    pub fn page(status: u16, html: &str) -> Self {
        Self { instead: Some(Instead::Page { status, html: html.to_owned() }), ..Self::default() }
    }

    /// Takes the request and never answers; the connection stays open until the client leaves.
    #[must_use]
    pub fn silence() -> Self {
        Self { instead: Some(Instead::Silence), ..Self::default() }
    }

    /// Takes the request and closes the connection without a byte.
    #[must_use]
    pub fn hang_up() -> Self {
        Self { instead: Some(Instead::HangUp), ..Self::default() }
    }

    /// These bytes as the body of an event stream, whatever they are.
    #[must_use]
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { instead: Some(Instead::Bytes(bytes.into())), ..Self::default() }
    }

    /// Prose after what is there.
    #[must_use]
    pub fn and_text(self, text: &str) -> Self {
        self.and(Block::Text(text.to_owned()))
    }

    /// A thought after what is there, signed by the server.
    #[must_use]
    pub fn and_thinking(self, text: &str) -> Self {
        self.and(Block::Thinking { text: text.to_owned(), label: None })
    }

    /// A thought whose signature begins with `label`, for tests that look for it.
    #[must_use]
    pub fn and_thinking_labelled(self, text: &str, label: &str) -> Self {
        self.and(Block::Thinking { text: text.to_owned(), label: Some(label.to_owned()) })
    }

    /// A thought that is kept from the client.
    #[must_use]
    pub fn and_redacted_thinking(self, label: &str) -> Self {
        self.and(Block::Redacted(label.to_owned()))
    }

    /// A call after what is there, with a made-up id.
    #[must_use]
    pub fn and_call(self, name: &str, input: Value) -> Self {
        self.and(Block::Call { id: None, name: name.to_owned(), input: Input::Json(input) })
    }

    /// A call after what is there, with an id of the test's own.
    #[must_use]
    pub fn and_call_named(self, id: &str, name: &str, input: Value) -> Self {
        self.and(Block::Call { id: Some(id.to_owned()), name: name.to_owned(), input: Input::Json(input) })
    }

    /// A call whose input is this text, JSON or not.
    #[must_use]
    pub fn and_raw_call(self, name: &str, raw: &str) -> Self {
        self.and(Block::Call { id: None, name: name.to_owned(), input: Input::Raw(raw.to_owned()) })
    }

    /// A call without a single delta of input, which means `{}`.
    #[must_use]
    pub fn and_call_without_input(self, name: &str) -> Self {
        self.and(Block::Call { id: None, name: name.to_owned(), input: Input::Nothing })
    }

    /// A whole block of a type the client may not know; it must come back unchanged.
    #[must_use]
    pub fn and_block(self, block: Value) -> Self {
        self.and(Block::Raw(block))
    }

    /// What the answer cost. Without it: 100 tokens in, 20 out.
    #[must_use]
    pub fn costing(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Why it ended. Without it: `tool_use` where there is a call, else `end_turn`.
    #[must_use]
    pub fn stopping(mut self, reason: &str) -> Self {
        self.stop_reason = Some(reason.to_owned());
        self
    }

    /// It wrote this stop sequence.
    #[must_use]
    pub fn stopping_at(mut self, sequence: &str) -> Self {
        self.stop_sequence = Some(sequence.to_owned());
        self.stopping("stop_sequence")
    }

    /// The model that says it answered. Without it: the one that was asked for.
    #[must_use]
    pub fn from_model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Deltas of so many characters. Without it: one delta a block.
    ///
    /// # Panics
    /// For zero.
    #[must_use]
    pub fn in_chunks(mut self, characters: usize) -> Self {
        assert!(characters > 0, "a chunk has at least one character");
        self.chunk_chars = Some(characters);
        self
    }

    /// Cuts the bytes of the stream like this.
    ///
    /// # Panics
    /// For pieces of zero bytes.
    #[must_use]
    pub fn in_pieces(mut self, pieces: Pieces) -> Self {
        assert!(pieces != Pieces::Bytes(0), "a piece has at least one byte");
        self.pieces = pieces;
        self
    }

    /// Ends lines with CR LF.
    #[must_use]
    pub fn with_crlf(mut self) -> Self {
        self.framing.crlf = true;
        self
    }

    /// A `ping` after every event.
    #[must_use]
    pub fn with_pings(mut self) -> Self {
        self.framing.pings = true;
        self
    }

    /// A comment line before every event.
    #[must_use]
    pub fn with_comments(mut self) -> Self {
        self.framing.comments = true;
        self
    }

    /// An event of an unknown name after every event.
    #[must_use]
    pub fn with_unknown_events(mut self) -> Self {
        self.framing.unknown_events = true;
        self
    }

    /// The head of the answer comes only after this.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.before = Some(delay);
        self
    }

    /// Waits this long between two events.
    #[must_use]
    pub fn with_gaps(mut self, gap: Duration) -> Self {
        self.between = Some(gap);
        self
    }

    /// Sends one byte at a time, each so long after the one before.
    #[must_use]
    pub fn dripping(mut self, every: Duration) -> Self {
        self.between_pieces = Some(every);
        self.in_pieces(Pieces::Bytes(1))
    }

    /// Closes the connection after so many events (of those that tell the answer: no pings).
    #[must_use]
    pub fn cut_after(mut self, events: usize) -> Self {
        self.ending = Ending::Cut(events);
        self
    }

    /// Says nothing more after so many events; the connection stays open until the client leaves.
    #[must_use]
    pub fn stalling_after(mut self, events: usize) -> Self {
        self.ending = Ending::Stall(events);
        self
    }

    /// Resets the connection after so many events.
    #[must_use]
    pub fn reset_after(mut self, events: usize) -> Self {
        self.ending = Ending::Reset(events);
        self
    }

    /// Says nothing but pings after so many events, until the client leaves.
    #[must_use]
    pub fn pinging_after(mut self, events: usize, every: Duration) -> Self {
        self.ending = Ending::Ping { after: events, every };
        self
    }

    /// Ends the body as HTTP ends it after so many events, without `message_stop`.
    #[must_use]
    pub fn short_after(mut self, events: usize) -> Self {
        self.ending = Ending::Short(events);
        self
    }

    /// An `error` event after so many events, and the end of the stream.
    #[must_use]
    pub fn failing_after(mut self, events: usize, kind: &str, message: &str) -> Self {
        self.ending = Ending::Error { after: events, kind: kind.to_owned(), message: message.to_owned() };
        self
    }

    /// A header of an error answer, such as `retry-after`.
    ///
    /// # Panics
    /// Where the turn is no [`Turn::error`].
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.http_error().headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `error.details.error_code` of an error answer.
    ///
    /// # Panics
    /// Where the turn is no [`Turn::error`].
    #[must_use]
    pub fn with_error_code(mut self, code: &str) -> Self {
        self.http_error().code = Some(code.to_owned());
        self
    }

    /// Refuses the request unless a tool result of its last user message contains `text`.
    #[must_use]
    pub fn expecting_tool_result(mut self, text: &str) -> Self {
        self.expectation.tool_result = Some(text.to_owned());
        self
    }

    /// Refuses the request unless the texts and results of its last user message contain `text`.
    #[must_use]
    pub fn expecting_last_user(mut self, text: &str) -> Self {
        self.expectation.last_user = Some(text.to_owned());
        self
    }

    /// Puts a signed thought before everything else, where there is none.
    pub(super) fn think(&mut self, text: &str) {
        if !self.blocks.iter().any(|block| matches!(block, Block::Thinking { .. } | Block::Redacted(_))) {
            self.blocks.insert(0, Block::Thinking { text: text.to_owned(), label: None });
        }
    }

    fn and(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    fn http_error(&mut self) -> &mut HttpError {
        match &mut self.instead {
            Some(Instead::Error(error)) => error,
            other => panic!("only `Turn::error` has headers and a code, not {other:?}"),
        }
    }
}
