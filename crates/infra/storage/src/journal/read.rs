//! Reading the journal back, on a connection of its own for each read.
//!
//! A row that cannot be understood is left out and counted; it never ends a history (reliability 1.3).

use std::path::Path;

use domain::{event::Event, id::SessionId, time::Timestamp};
use rusqlite::{Connection, Row, params};

use super::{
    database::open_for_reading,
    lineage::{Stretch, lineage},
    write::stored,
};
use crate::error::StoreError;

/// What a session's journal gave.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBack {
    /// In the order of `seq`.
    pub events: Vec<Event>,
    /// Rows that were left out, because they hold no event or another one than their place says.
    pub damaged: u64,
    /// The last place that is taken, be it by a row that was left out: the session goes on behind it.
    pub last_seq: u64,
    /// With whom the events stand, the oldest first and the session itself last; more than one for a fork.
    pub stretches: Vec<Stretch>,
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

/// The events of `session` after `after`, at most `most`; `None` where the journal does not know the session.
pub(super) fn session(
    place: &Path,
    session: SessionId,
    after: u64,
    most: usize,
) -> Result<Option<ReadBack>, StoreError> {
    let failed = |source| StoreError::Read { what: format!("session {session}"), source };
    let Some(connection) = open_for_reading(place)? else { return Ok(None) };
    let Some(stretches) = lineage(&connection, session)? else { return Ok(None) };
    let last_seq = stretches.last().map_or(0, |own| own.last_seq);
    let mut back = ReadBack { events: Vec::new(), damaged: 0, last_seq, stretches };
    let mut after = after;
    for stretch in back.stretches.clone() {
        read_stretch(&connection, stretch, after, session, most, &mut back).map_err(failed)?;
        after = after.max(stretch.last_seq);
    }
    Ok(Some(back))
}

/// Reads the events of a stretch after `after`, as those of `reader`, until `back` has `most`.
fn read_stretch(
    connection: &Connection,
    stretch: Stretch,
    after: u64,
    reader: SessionId,
    most: usize,
    back: &mut ReadBack,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare(
        "SELECT seq, json FROM events WHERE session_id = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
    )?;
    let rows = params![stretch.session.to_string(), stored(after), stored(stretch.last_seq)];
    let mut rows = select.query(rows)?;
    while back.events.len() < most
        && let Some(row) = rows.next()?
    {
        match read_event(row, stretch.session) {
            Some(event) => back.events.push(Event { session_id: reader, ..event }),
            None => back.damaged += 1,
        }
    }
    Ok(())
}

fn read_event(row: &Row<'_>, session: SessionId) -> Option<Event> {
    let seq: i64 = row.get(0).ok()?;
    let json = row.get_ref(1).ok()?;
    let event: Event = serde_json::from_slice(json.as_bytes().ok()?).ok()?;
    (event.session_id == session && stored(event.seq) == seq).then_some(event)
}

/// The newest sessions, at most `limit`, newest first.
pub(super) fn sessions(place: &Path, limit: u32) -> Result<Vec<SessionSummary>, StoreError> {
    let select = format!("{SUMMARIES} ORDER BY created_at DESC, id DESC LIMIT ?1");
    summaries(place, &select, params![limit])
}

/// The sessions that worked in `cwd` last, at most `limit`, the one first in which something happened last.
pub(super) fn sessions_in(place: &Path, cwd: &str, limit: u32) -> Result<Vec<SessionSummary>, StoreError> {
    let select = format!(
        "{SUMMARIES} WHERE cwd = ?1 ORDER BY max(created_at, coalesce(
             (SELECT ts FROM events WHERE session_id = sessions.id ORDER BY seq DESC LIMIT 1), 0)) DESC,
             id DESC LIMIT ?2"
    );
    summaries(place, &select, params![cwd, limit])
}

/// The sessions whose ids begin with `beginning` (digits and capital letters), at most `limit`, newest first.
pub(super) fn sessions_named(
    place: &Path,
    beginning: &str,
    limit: u32,
) -> Result<Vec<SessionSummary>, StoreError> {
    // No id holds anything that sorts behind `~`.
    let select = format!("{SUMMARIES} WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id DESC LIMIT ?2");
    summaries(place, &select, params![beginning, limit])
}

const SUMMARIES: &str = "SELECT id, created_at, cwd, request FROM sessions";

fn summaries(
    place: &Path,
    select: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<SessionSummary>, StoreError> {
    let failed = |source| StoreError::Read { what: "the list of sessions".to_owned(), source };
    let Some(connection) = open_for_reading(place)? else { return Ok(Vec::new()) };
    let mut select = connection.prepare(select).map_err(failed)?;
    let rows = select.query_map(values, summary).map_err(failed)?;
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
