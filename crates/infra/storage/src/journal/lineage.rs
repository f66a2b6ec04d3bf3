//! Forks: a session that shares the beginning of another one's journal, and adds its own events behind it.
//!
//! Nothing is copied: a fork is one row that names its parent and the last event of it that is shared. What the parent
//! adds later is its own. Reading goes from the fork back to where it all began.

use std::sync::Arc;

use domain::{id::SessionId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::write::stored;
use crate::error::StoreError;

/// How many forks of forks may stand between a session and where its journal began. More than anybody makes by hand; a
/// damaged row that leads in a circle ends here, too.
pub(super) const MOST_GENERATIONS: usize = 200;

/// A part of a session's history, and with whom it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The session in whose journal the events stand.
    pub session: SessionId,
    /// The last event of it that belongs to the history.
    pub last_seq: u64,
}

/// What a fork is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct ForkOrder {
    pub(super) parent: SessionId,
    pub(super) fork: SessionId,
    pub(super) at: Timestamp,
}

/// The stretches that make up a session's history, the oldest first and its own last; `None` where there is no such
/// session.
pub(super) fn lineage(
    connection: &Connection,
    session: SessionId,
) -> Result<Option<Vec<Stretch>>, StoreError> {
    let failed = |source| StoreError::Read { what: format!("where session {session} comes from"), source };
    let mut stretches = Vec::new();
    let (mut of, mut shared_up_to) = (session, None);
    loop {
        let Some((parent, parent_seq)) = origin(connection, of).map_err(failed)? else {
            return if stretches.is_empty() { Ok(None) } else { Err(StoreError::Lineage { session }) };
        };
        let last_seq = match shared_up_to {
            Some(last_seq) => last_seq,
            None => last_of(connection, of, parent_seq).map_err(failed)?,
        };
        stretches.push(Stretch { session: of, last_seq });
        let Some(parent) = parent else { break };
        if stretches.len() > MOST_GENERATIONS {
            return Err(StoreError::Lineage { session });
        }
        shared_up_to = Some(last_seq.min(parent_seq));
        of = parent.parse().map_err(|_| StoreError::Lineage { session })?;
    }
    stretches.reverse();
    Ok(Some(stretches))
}

type Origin = (Option<String>, u64);

fn origin(connection: &Connection, session: SessionId) -> rusqlite::Result<Option<Origin>> {
    let select = "SELECT parent, parent_seq FROM sessions WHERE id = ?1";
    let origin = connection.query_row(select, params![session.to_string()], |row| {
        let seq: Option<i64> = row.get(1)?;
        Ok((row.get(0)?, u64::try_from(seq.unwrap_or_default()).unwrap_or_default()))
    });
    origin.optional()
}

/// The last place that is taken in a session's own journal; where there is none, that of what it shares.
fn last_of(connection: &Connection, session: SessionId, shared: u64) -> rusqlite::Result<u64> {
    let last: Option<i64> = connection.query_row(
        "SELECT max(seq) FROM events WHERE session_id = ?1",
        params![session.to_string()],
        |row| row.get(0),
    )?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or_default().max(shared))
}

/// Writes a fork and waits until it is on disk; gives the last event that it shares. `None` where there is no session to
/// fork.
pub(super) fn write_fork(
    connection: &mut Connection,
    order: ForkOrder,
) -> Result<Option<u64>, Arc<StoreError>> {
    let ForkOrder { parent, fork, at } = order;
    let failed = |source| StoreError::Fork { session: parent, source };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let Some(stretches) = lineage(&transaction, parent)? else { return Ok(None) };
    if stretches.len() >= MOST_GENERATIONS {
        return Err(StoreError::Generations { session: parent, most: MOST_GENERATIONS }.into());
    }
    let last_seq = stretches.last().map_or(0, |own| own.last_seq);
    let row = params![parent.to_string(), fork.to_string(), stored(at.as_micros()), stored(last_seq)];
    transaction
        .execute(
            "INSERT INTO sessions (id, created_at, cwd, request, parent, parent_seq)
             SELECT ?2, ?3, cwd, request, id, ?4 FROM sessions WHERE id = ?1",
            row,
        )
        .map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(Some(last_seq))
}
