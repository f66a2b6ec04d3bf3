//! What the server says beside events: one shape for each, `v` and `type` first.

use domain::id::SessionId;
use serde::{Deserialize, Serialize};

use crate::{
    VERSION,
    owned::{Refusal, SessionState},
};

/// Something that the server says by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) v: u32,
    #[serde(flatten)]
    pub(crate) body: ReplyBody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ReplyBody {
    /// To `list`.
    Sessions { line: u64, pid: u32, sessions: Vec<SessionState> },
    /// A command was taken, or watching has begun.
    Taken { line: u64 },
    /// It was not.
    Refused { line: u64, code: String, text: String },
    /// A line that asks for nothing, or the connection's end for a reason of its own (then without a line).
    Error {
        code: String,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
    },
    /// The session that was watched has ended; the connection ends.
    SessionEnded { session_id: SessionId },
}

impl Reply {
    pub(crate) const fn new(body: ReplyBody) -> Self {
        Self { v: VERSION, body }
    }

    pub(crate) fn refused(line: u64, refusal: Refusal) -> Self {
        let Refusal { code, text } = refusal;
        Self::new(ReplyBody::Refused { line, code, text })
    }

    pub(crate) fn error(code: &str, text: impl Into<String>, line: Option<u64>) -> Self {
        Self::new(ReplyBody::Error { code: code.to_owned(), text: text.into(), line })
    }
}
