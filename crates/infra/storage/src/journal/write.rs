//! Writing a batch of events: all of it in one short transaction, or nothing.

use std::{collections::HashSet, sync::Arc};

use domain::event::{Event, EventBody};
use rusqlite::{Connection, ErrorCode, Statement, TransactionBehavior, params};
use unicode_segmentation::UnicodeSegmentation;

use crate::error::StoreError;

/// The most of a session's first request that the list of sessions keeps, in characters as people count them.
/// The whole of it stands in its event.
const REQUEST_LENGTH: usize = 200;

/// Writes `batch` and waits until it is on disk.
pub(super) fn write_batch(connection: &mut Connection, batch: &[Arc<Event>]) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write { events: batch.len(), source };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    {
        let mut sessions = Sessions::prepare(&transaction).map_err(failed)?;
        let mut insert = transaction
            .prepare("INSERT INTO events (session_id, seq, ts, json) VALUES (?1, ?2, ?3, ?4)")
            .map_err(failed)?;
        for event in batch {
            sessions.note(event).map_err(failed)?;
            insert_event(&mut insert, event, batch.len())?;
        }
    }
    transaction.commit().map_err(failed)
}

fn insert_event(insert: &mut Statement<'_>, event: &Event, events: usize) -> Result<(), StoreError> {
    let (session, seq) = (event.session_id, event.seq);
    let json = serde_json::to_string(event).map_err(|source| StoreError::Encode { session, seq, source })?;
    let row = params![session.to_string(), stored(seq), stored(event.ts.as_micros()), json];
    match insert.execute(row) {
        Ok(_) => Ok(()),
        Err(source) if source.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::Taken { session, seq, source })
        }
        Err(source) => Err(StoreError::Write { events, source }),
    }
}

/// The rows of `sessions`, as far as a batch concerns them.
struct Sessions<'c> {
    begin: Statement<'c>,
    place: Statement<'c>,
    request: Statement<'c>,
    begun: HashSet<domain::id::SessionId>,
}

impl<'c> Sessions<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            begin: connection.prepare("INSERT OR IGNORE INTO sessions (id, created_at) VALUES (?1, ?2)")?,
            place: connection.prepare("UPDATE sessions SET cwd = ?2 WHERE id = ?1")?,
            request: connection
                .prepare("UPDATE sessions SET request = ?2 WHERE id = ?1 AND request IS NULL")?,
            begun: HashSet::new(),
        })
    }

    /// Takes from an event what the list of sessions shows.
    fn note(&mut self, event: &Event) -> rusqlite::Result<()> {
        let id = event.session_id;
        if self.begun.insert(id) {
            self.begin.execute(params![id.to_string(), stored(event.ts.as_micros())])?;
        }
        match &event.body {
            EventBody::SessionStarted { cwd, .. } | EventBody::SessionResumed { cwd, .. } => {
                self.place.execute(params![id.to_string(), cwd])?;
            }
            EventBody::RoundStarted { text, .. } => {
                let request: String = text.graphemes(true).take(REQUEST_LENGTH).collect();
                self.request.execute(params![id.to_string(), request])?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// SQLite's integers have a sign; no place or time comes near the end of them.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
