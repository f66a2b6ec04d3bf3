//! The journal: every session's events in one SQLite database, appended by one thread (contract 3).
//!
//! An append hands the event to that thread and returns; [`JournalPort::durable`] waits for the commit. The
//! database is opened with the first append, never at start-up. Reads use connections of their own. Deltas,
//! search and deleting are not this module's business.

mod database;
mod lineage;
mod read;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use domain::{
    event::Event,
    id::SessionId,
    ports::{JournalError, JournalPort},
    time::Timestamp,
};

use self::{lineage::ForkOrder, writer::Writer};
pub use self::{
    lineage::Stretch,
    read::{ReadBack, SessionSummary},
};
use crate::{error::StoreError, files::exists};

/// The journal in `data/better-llm.db`.
///
/// Once a write has failed, the journal takes nothing any more: every later append and barrier fails with the
/// first cause. Dropping it writes what is queued and waits for the thread; [`SqliteJournal::close`] does the
/// same without blocking, and tells how it went.
#[derive(Debug)]
pub struct SqliteJournal {
    place: PathBuf,
    writer: OnceLock<Writer>,
}

impl SqliteJournal {
    /// A journal in the file `place`. Nothing is opened or made yet.
    #[must_use]
    pub fn new(place: impl Into<PathBuf>) -> Self {
        Self { place: place.into(), writer: OnceLock::new() }
    }

    /// The database file.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Commits what was appended and ends the thread; waits at most 75 s. Later appends fail.
    ///
    /// # Errors
    /// Where something appended could not be kept.
    pub async fn close(&self) -> Result<(), JournalError> {
        match self.writer.get() {
            Some(writer) => writer.close().await.map_err(|error| self.failed("write", error)),
            None => Ok(()),
        }
    }

    /// The events of a session after `after`, and how many rows had to be left out.
    ///
    /// # Errors
    /// [`JournalError::NoSession`] where the journal does not know the session.
    pub async fn read_back(&self, session: SessionId, after: u64) -> Result<ReadBack, JournalError> {
        self.read_page(session, after, usize::MAX).await
    }

    /// The same, at most `most` events; fewer only where there are no more.
    async fn read_page(&self, session: SessionId, after: u64, most: usize) -> Result<ReadBack, JournalError> {
        self.reading(move |place| read::session(place, session, after, most))
            .await?
            .ok_or(JournalError::NoSession(session))
    }

    /// The newest sessions, at most `limit`, newest first; none where nothing was ever kept.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn sessions(&self, limit: u32) -> Result<Vec<SessionSummary>, JournalError> {
        Ok(self.reading(move |place| read::sessions(place, limit).map(Some)).await?.unwrap_or_default())
    }

    /// The sessions that worked in `cwd` last, at most `limit`: the one first in which something happened last.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn sessions_in(
        &self,
        cwd: impl Into<String>,
        limit: u32,
    ) -> Result<Vec<SessionSummary>, JournalError> {
        let cwd = cwd.into();
        let read = move |place: &Path| read::sessions_in(place, &cwd, limit).map(Some);
        Ok(self.reading(read).await?.unwrap_or_default())
    }

    /// The sessions whose ids begin with `beginning`, in any case; at most `limit`, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn sessions_named(
        &self,
        beginning: &str,
        limit: u32,
    ) -> Result<Vec<SessionSummary>, JournalError> {
        let beginning = beginning.to_ascii_uppercase();
        let read = move |place: &Path| read::sessions_named(place, &beginning, limit).map(Some);
        Ok(self.reading(read).await?.unwrap_or_default())
    }

    /// Makes `fork` a session that shares the journal of `parent` up to its last event, and gives that event's place.
    /// It is on disk when this returns. Its own events go on behind that place; what the parent adds is the parent's.
    ///
    /// # Errors
    /// [`JournalError::NoSession`] where the journal does not know `parent`; where the fork cannot be written, or too
    /// many forks of forks stand before it.
    pub async fn fork(&self, parent: SessionId, fork: SessionId, at: Timestamp) -> Result<u64, JournalError> {
        let shared = match exists(&self.place) || self.writer.get().is_some() {
            true => self.writer().fork(ForkOrder { parent, fork, at }).await,
            false => Ok(None),
        };
        let shared = shared.map_err(|error| self.failed("fork a session in", error))?;
        shared.ok_or(JournalError::NoSession(parent))
    }

    fn writer(&self) -> &Writer {
        self.writer.get_or_init(|| Writer::start(self.place.clone()))
    }

    /// Commits what was appended, then reads on a thread where waiting for the disk hurts nobody.
    async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Path) -> Result<Option<T>, StoreError> + Send + 'static,
    ) -> Result<Option<T>, JournalError> {
        self.durable().await?;
        let place = self.place.clone();
        let done = tokio::task::spawn_blocking(move || if exists(&place) { read(&place) } else { Ok(None) });
        let done = done.await.unwrap_or(Err(StoreError::Lost("reads the journal")));
        done.map_err(|error| self.failed("read", Arc::new(error)))
    }

    fn failed(&self, doing: &'static str, cause: Arc<StoreError>) -> JournalError {
        JournalError::Store { doing, place: self.place.display().to_string(), source: cause.into() }
    }
}

#[async_trait]
impl JournalPort for SqliteJournal {
    async fn append(&self, event: Arc<Event>) -> Result<(), JournalError> {
        self.writer().append(event).await.map_err(|error| self.failed("write", error))
    }

    async fn durable(&self) -> Result<(), JournalError> {
        match self.writer.get() {
            Some(writer) => writer.durable().await.map_err(|error| self.failed("write", error)),
            None => Ok(()),
        }
    }

    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<Event>, JournalError> {
        self.read_some(session, after, usize::MAX).await
    }

    async fn read_some(
        &self,
        session: SessionId,
        after: u64,
        most: usize,
    ) -> Result<Vec<Event>, JournalError> {
        let back = self.read_page(session, after, most).await?;
        if back.damaged > 0 {
            tracing::warn!(%session, damaged = back.damaged, "skipped damaged rows of the journal");
        }
        Ok(back.events)
    }
}
