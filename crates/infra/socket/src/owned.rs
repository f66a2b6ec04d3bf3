//! What a process owns, as its socket shows it, and the port through which the socket reaches it.

use async_trait::async_trait;
use domain::{event::Published, id::SessionId, ports::JournalError, session::Command};
use serde::{Deserialize, Serialize};

/// The sessions of a process.
#[async_trait]
pub trait Owned: Send + Sync {
    /// Those that have not ended.
    fn sessions(&self) -> Vec<SessionState>;

    /// Everything of a session after event `after`; none where the process owns no such session.
    fn watch(&self, session: SessionId, after: u64) -> Option<Box<dyn Happenings>>;

    /// Tells a session something, and returns when it has taken it. Dropping the future leaves it told or untold.
    ///
    /// # Errors
    /// [`Refusal`] where it was not taken, or there is no such session.
    async fn tell(&self, session: SessionId, command: Command) -> Result<(), Refusal>;
}

/// What happens in a session, one after the other.
#[async_trait]
pub trait Happenings: Send {
    /// The next; none when the session has ended. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Where events were missed and cannot be read from the journal.
    async fn next(&mut self) -> Option<Result<Published, JournalError>>;
}

/// A session that a process owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// The session.
    pub session_id: SessionId,
    /// Its workspace, as text for people.
    pub cwd: String,
    /// The number of its last event; 0 before the first.
    pub last_seq: u64,
    /// What it does.
    #[serde(flatten)]
    pub doing: Doing,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Doing {
    /// It waits for a task.
    Idle,
    /// A round is under way.
    Round {
        /// Its number, from 1.
        round: u32,
    },
}

/// Why something was not done for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// Stable, for programs.
    pub code: String,
    /// English, with what to do.
    pub text: String,
}
