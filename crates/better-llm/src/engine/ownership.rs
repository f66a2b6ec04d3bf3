//! One process writes a session: whoever starts it, takes it up again or undoes something of it holds a lock meanwhile,
//! which ends with the process at the latest ([ADR 28](../../../../docs/adr/0028-forks.md)).

use std::{fs, path::PathBuf};

use async_trait::async_trait;
use domain::{
    id::SessionId,
    ports::{ClaimError, ClaimPort},
};
use workspace::{
    WorkspaceClaim,
    lock::{Lock, LockError, Note, holder},
};

use super::{Engine, sessions::SessionError};

/// How many files that killed sessions left behind an engine looks for, with its first session.
const MOST_LEFT: usize = 100;

/// What a session holds until its end: the right to write its journal, and in its workspace the right that it may take.
pub(super) struct Rights {
    claim: WorkspaceClaim,
    _journal: Lock,
}

impl Rights {
    pub(super) const fn new(claim: WorkspaceClaim, journal: Lock) -> Self {
        Self { claim, _journal: journal }
    }
}

#[async_trait]
impl ClaimPort for Rights {
    async fn claim(&self) -> Result<(), ClaimError> {
        self.claim.claim().await
    }
}

impl Engine {
    /// Takes the right to write the journal of `session`. Blocks for [`workspace::lock::PATIENCE`] at most.
    pub(super) fn own(&self, session: SessionId) -> Result<Lock, SessionError> {
        let note = Note::new(session, self.clock.now());
        let lock = Lock::take(&self.folder_of_locks().join(format!("{session}.lock")), &note);
        let lock = lock.map_err(|error| match error {
            LockError::Held { holder, .. } => SessionError::AtWork { session, pid: holder.pid },
            source @ (LockError::Network { .. } | LockError::File { .. }) => {
                SessionError::Lock { session, source }
            }
        })?;
        self.locks_tidied.call_once(|| self.tidy_locks(&note));
        Ok(lock)
    }

    fn folder_of_locks(&self) -> PathBuf {
        self.settings.places.locks().join("sessions")
    }

    /// Removes files that nobody holds: those of sessions that were killed and not taken up since. What cannot be removed
    /// now is left to the next program: it keeps nobody out.
    fn tidy_locks(&self, note: &Note) {
        let entries = fs::read_dir(self.folder_of_locks()).into_iter().flatten().flatten();
        let places = entries.take(MOST_LEFT).map(|entry| entry.path());
        for place in places.filter(|place| matches!(holder(place), Ok(None))) {
            // Who takes it takes the file along.
            drop(Lock::take(&place, note));
        }
    }
}
