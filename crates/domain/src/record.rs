//! The finished record of a session (contract 7): the source document's fields and a little more, made from the
//! journal alone.

use serde::{Deserialize, Serialize};

use crate::{
    agent::AgentName,
    id::SessionId,
    message::{Message, Usage},
    outcome::Ending,
    time::Timestamp,
};

/// The record of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// [`crate::event::VERSION`].
    pub v: u32,
    /// The session.
    pub session_id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its last round ended.
    pub completed_at: Timestamp,
    /// What the person said first.
    pub user_request: String,
    /// Turns of all rounds, workers included.
    pub total_turns: u32,
    /// Who worked, in order of first appearance.
    pub agents_used: Vec<AgentName>,
    /// Every message of every run, in journal order.
    pub messages: Vec<RecordedMessage>,
    /// Of the last round.
    pub result: RecordedResult,
    /// Every round.
    pub rounds: Vec<RecordedRound>,
    /// Tokens of all rounds.
    pub usage: Usage,
    /// Money of all rounds, where every model had a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Files that the rounds changed, sorted.
    pub files_changed: Vec<String>,
}

/// A message and who it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedMessage {
    /// Whose conversation it joined.
    pub agent: AgentName,
    /// When.
    pub timestamp: Timestamp,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
}

/// How a round came out, in the source document's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedResult {
    /// [`Ending::record_status`].
    pub status: String,
    /// Whether the tests passed; none: nothing shows it.
    pub tests_passed: Option<bool>,
}

/// A round of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedRound {
    /// From 1.
    pub round: u32,
    /// What the person said.
    pub text: String,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// The manager's last words.
    pub summary: String,
    /// Whether the tests passed.
    pub tests_passed: Option<bool>,
    /// Whether every claim was checked and held.
    pub verified: bool,
    /// Files that differ from the round's start.
    pub files_changed: Vec<String>,
}
