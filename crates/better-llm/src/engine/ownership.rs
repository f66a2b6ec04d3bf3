//! One process writes a session: whoever starts it, takes it up again or undoes something of it holds a lock meanwhile,
//! which ends with the process at the latest ([ADR 23](../../../../docs/adr/0023-going-on.md)).

use std::path::PathBuf;

use async_trait::async_trait;
use domain::{
    id::SessionId,
    ports::{ClaimError, ClaimPort},
};
use workspace::{
    WorkspaceClaim,
    lock::{Lock, LockError, Note},
};

use super::{Engine, sessions::SessionError};

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
        Lock::take(&self.place_of_lock(session), &note).map_err(|error| match error {
            LockError::Held { holder, .. } => SessionError::AtWork { session, pid: holder.pid },
            source @ (LockError::Network { .. } | LockError::File { .. }) => {
                SessionError::Lock { session, source }
            }
        })
    }

    fn place_of_lock(&self, session: SessionId) -> PathBuf {
        self.settings.places.locks().join("sessions").join(format!("{session}.lock"))
    }
}
