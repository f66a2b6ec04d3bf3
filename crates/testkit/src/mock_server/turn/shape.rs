//! What a turn is made of.

use std::time::Duration;

use serde_json::Value;

/// A block of an answer.
#[derive(Debug, Clone)]
pub(in crate::mock_server) enum Block {
    Text(String),
    Thinking { text: String, label: Option<String> },
    Redacted(String),
    Call { id: Option<String>, name: String, input: Input },
    Raw(Value),
}

/// What stands where a call's input belongs.
#[derive(Debug, Clone)]
pub(in crate::mock_server) enum Input {
    Json(Value),
    /// Sent as it is; need not be JSON.
    Raw(String),
    /// Not a single delta, which means `{}`.
    Nothing,
}

/// How the bytes of a stream are cut into writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Pieces {
    /// Everything between two waits in one write.
    #[default]
    Whole,
    /// Each event by itself.
    Events,
    /// So many bytes at a time, through the middle of characters and escapes.
    Bytes(usize),
    /// Cut at these offsets.
    At(Vec<usize>),
}

/// What legal things stand between the events.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::mock_server) struct Framing {
    pub(in crate::mock_server) crlf: bool,
    pub(in crate::mock_server) pings: bool,
    pub(in crate::mock_server) comments: bool,
    pub(in crate::mock_server) unknown_events: bool,
}

/// How the stream ends. Counts are of the answer's events; `message_stop` is told by a whole answer only.
#[derive(Debug, Clone, Default)]
pub(in crate::mock_server) enum Ending {
    #[default]
    Whole,
    Cut(usize),
    Stall(usize),
    Reset(usize),
    /// Then pings, for ever.
    Ping {
        after: usize,
        every: Duration,
    },
    /// The body ends as HTTP ends it, but the answer does not.
    Short(usize),
    Error {
        after: usize,
        kind: String,
        message: String,
    },
}

/// What comes instead of an answer.
#[derive(Debug, Clone)]
pub(in crate::mock_server) enum Instead {
    Error(HttpError),
    TooLong,
    Page { status: u16, html: String },
    Silence,
    HangUp,
    Bytes(Vec<u8>),
}

/// An error of the service, with its real body.
#[derive(Debug, Clone)]
pub(in crate::mock_server) struct HttpError {
    pub(in crate::mock_server) status: u16,
    pub(in crate::mock_server) kind: String,
    pub(in crate::mock_server) message: String,
    pub(in crate::mock_server) code: Option<String>,
    pub(in crate::mock_server) headers: Vec<(String, String)>,
}

/// What the request has to hold for this answer to fit.
#[derive(Debug, Clone, Default)]
pub(in crate::mock_server) struct Expectation {
    pub(in crate::mock_server) tool_result: Option<String>,
    pub(in crate::mock_server) last_user: Option<String>,
}
