//! A session as others than its owner reach it: those who look on, and say something now and then.
//!
//! A link keeps nothing alive: where the owner ends the session, or drops it, every link ends with it.

use std::sync::Weak;

use domain::{id::SessionId, session::Command};
use tokio::sync::mpsc;

use super::{CommandRefused, actor::Sent, tell};
use crate::{event_log::EventLog, event_stream::EventStream};

/// A session for others than its owner.
#[derive(Clone)]
pub struct SessionLink {
    id: SessionId,
    log: Weak<EventLog>,
    commands: mpsc::WeakSender<Sent>,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionStanding {
    /// The number of its last event; 0 before the first.
    pub last_seq: u64,
    /// The round under way; none between rounds.
    pub round: Option<u32>,
}

impl SessionLink {
    pub(super) const fn new(id: SessionId, log: Weak<EventLog>, commands: mpsc::WeakSender<Sent>) -> Self {
        Self { id, log, commands }
    }

    /// The session's id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// How far the session is; none where it has ended.
    #[must_use]
    pub fn standing(&self) -> Option<SessionStanding> {
        self.log.upgrade().map(|log| log.standing())
    }

    /// Listens to everything after event `after` (0: from the beginning), first from the journal, then live, without a gap
    /// and without hearing anything twice. None where the session has ended.
    #[must_use]
    pub fn events_after(&self, after: u64) -> Option<EventStream> {
        self.log.upgrade().map(|log| log.subscribe_after(after))
    }

    /// As [`super::SessionHandle::send`].
    ///
    /// # Errors
    /// The same; [`CommandRefused::Ended`] where the session has ended.
    pub async fn send(&self, command: Command) -> Result<(), CommandRefused> {
        let commands = self.commands.upgrade().ok_or(CommandRefused::Ended)?;
        tell(&commands, command).await
    }
}
