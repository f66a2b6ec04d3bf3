//! Pieces of what is still being produced, and what listeners get of a session: events and pieces.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Event, Scope};
use crate::{
    id::{CallId, RequestId, SessionId},
    time::Timestamp,
};

/// A piece of something that is still being produced. Published, never journaled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// [`VERSION`](super::VERSION).
    pub v: u32,
    /// The last event that was journaled before it.
    pub after_seq: u64,
    /// When it came.
    pub ts: Timestamp,
    /// The session.
    pub session_id: SessionId,
    /// The run it comes from.
    #[serde(flatten)]
    pub scope: Scope,
    /// What it is a piece of.
    #[serde(flatten)]
    pub body: DeltaBody,
    /// Which part of the message, or the how-manieth piece of a tool's output; from 0.
    pub index: u32,
    /// The new characters.
    pub text: String,
}

/// What listeners get.
#[derive(Debug, Clone)]
pub enum Published {
    /// Something that happened; it stands in the journal.
    Event(Arc<Event>),
    /// A piece of something that is still being produced.
    Delta(Arc<Delta>),
}

/// What a delta is a piece of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeltaBody {
    /// A model's prose.
    TextDelta {
        /// The request that is being answered.
        request_id: RequestId,
    },
    /// A model's thinking.
    ThinkingDelta {
        /// The request that is being answered.
        request_id: RequestId,
    },
    /// A tool's output.
    ToolOutput {
        /// The request whose answer called the tool.
        request_id: RequestId,
        /// The call.
        call_id: CallId,
    },
}
