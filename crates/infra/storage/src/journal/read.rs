//! Reading the journal back, on a connection of its own for each read.
//!
//! A row that cannot be understood is left out and counted; it never ends a history (reliability 1.3).

use std::path::Path;

use domain::{event::Event, id::SessionId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{database::open_for_reading, write::stored};
use crate::error::StoreError;

/// What a session's journal gave.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBack {
    /// In the order of `seq`.
    pub events: Vec<Event>,
    /// Rows that were left out, because they hold no event or another one than their place says.
    pub damaged: u64,
}

/// A session in the list of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// The session.
    pub id: SessionId,
    /// When its first event was appended.
    pub created_at: Timestamp,
    /// Where it worked last; none where its beginning was never written.
    pub cwd: Option<String>,
    /// The beginning of what the person said first; none where nothing was said.
    pub request: Option<String>,
}

/// The events of `session` after `after`; `None` where the journal does not know the session.
pub(super) fn session(place: &Path, session: SessionId, after: u64) -> Result<Option<ReadBack>, StoreError> {
    let failed = |source| StoreError::Read { what: format!("session {session}"), source };
    let Some(connection) = open_for_reading(place)? else { return Ok(None) };
    if !knows(&connection, session).map_err(failed)? {
        return Ok(None);
    }
    read_events(&connection, session, after).map(Some).map_err(failed)
}

fn knows(connection: &Connection, session: SessionId) -> rusqlite::Result<bool> {
    let found = connection
        .query_row("SELECT 1 FROM sessions WHERE id = ?1", params![session.to_string()], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

fn read_events(connection: &Connection, session: SessionId, after: u64) -> rusqlite::Result<ReadBack> {
    let mut select =
        connection.prepare("SELECT seq, json FROM events WHERE session_id = ?1 AND seq > ?2 ORDER BY seq")?;
    let mut rows = select.query(params![session.to_string(), stored(after)])?;
    let mut back = ReadBack { events: Vec::new(), damaged: 0 };
    while let Some(row) = rows.next()? {
        match read_event(row, session) {
            Some(event) => back.events.push(event),
            None => back.damaged += 1,
        }
    }
    Ok(back)
}

fn read_event(row: &Row<'_>, session: SessionId) -> Option<Event> {
    let seq: i64 = row.get(0).ok()?;
    let json = row.get_ref(1).ok()?;
    let event: Event = serde_json::from_slice(json.as_bytes().ok()?).ok()?;
    (event.session_id == session && stored(event.seq) == seq).then_some(event)
}

/// The newest sessions, at most `limit`, newest first.
pub(super) fn sessions(place: &Path, limit: u32) -> Result<Vec<SessionSummary>, StoreError> {
    let failed = |source| StoreError::Read { what: "the list of sessions".to_owned(), source };
    let Some(connection) = open_for_reading(place)? else { return Ok(Vec::new()) };
    let mut select = connection
        .prepare(
            "SELECT id, created_at, cwd, request FROM sessions ORDER BY created_at DESC, id DESC LIMIT ?1",
        )
        .map_err(failed)?;
    let rows = select.query_map(params![limit], summary).map_err(failed)?;
    let mut sessions = Vec::new();
    for row in rows {
        match row.map_err(failed)? {
            Ok(summary) => sessions.push(summary),
            Err(id) => tracing::warn!(id, "skipped a session whose id is damaged"),
        }
    }
    Ok(sessions)
}

/// A row of the list, or the id that is none.
fn summary(row: &Row<'_>) -> rusqlite::Result<Result<SessionSummary, String>> {
    let id: String = row.get(0)?;
    let micros: i64 = row.get(1)?;
    let (cwd, request) = (row.get(2)?, row.get(3)?);
    Ok(id.parse().map_err(|_| id).map(|id| SessionSummary {
        id,
        created_at: Timestamp::from_micros(u64::try_from(micros).unwrap_or_default()),
        cwd,
        request,
    }))
}
