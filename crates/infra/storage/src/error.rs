//! What can go wrong with the store, step by step.

use std::{io, path::PathBuf};

use domain::id::SessionId;
use rusqlite::ErrorCode;

/// A step of keeping or finding something failed. The texts end with what a person can do, where they can.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder is not there and cannot be made.
    #[error("cannot make the folder {}: check who may write there, or set BETTER_LLM_HOME", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be made, written, renamed or flushed.
    #[error("cannot {doing} {}{}", file.display(), full_disk(source))]
    File {
        /// The step.
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite's locks and shared memory do not hold on network file systems.
    #[error(
        "{} lies on a network file system ({kind}), where a database gets damaged: set BETTER_LLM_HOME to a \
         folder on a local disk",
        folder.display()
    )]
    Network {
        /// The folder.
        folder: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// The database does not open.
    #[error("cannot open the database{}", hint(source))]
    Open {
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system has no room for a write-ahead log.
    #[error(
        "the database stays in journal mode `{mode}` instead of `wal`: set BETTER_LLM_HOME to a local disk"
    )]
    NoWriteAheadLog {
        /// The mode it is in.
        mode: String,
    },
    /// The tables could not be made or brought up to date.
    #[error("cannot bring the database from schema {from} to {to}{}", hint(source))]
    Migrate {
        /// The schema it has.
        from: i64,
        /// The schema it should have.
        to: i64,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer version of the program wrote the database.
    #[error(
        "the database has schema {found} and this program knows {known}: update better-llm, or set \
         BETTER_LLM_HOME to another folder"
    )]
    Newer {
        /// The schema it has.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// An event is no JSON.
    #[error("cannot encode event {seq} of session {session}")]
    Encode {
        /// The session.
        session: SessionId,
        /// The event's place.
        seq: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The place of an event is taken.
    #[error(
        "event {seq} of session {session} is in the journal already: does another process write this session?"
    )]
    Taken {
        /// The session.
        session: SessionId,
        /// The event's place.
        seq: u64,
        /// SQLite's word for it.
        #[source]
        source: rusqlite::Error,
    },
    /// A batch of events was not kept; nothing of it is in the database.
    #[error("cannot keep {events} events{}", hint(source))]
    Write {
        /// How many were lost.
        events: usize,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A fork was not written.
    #[error("cannot fork session {session}{}", hint(source))]
    Fork {
        /// The session that was to be forked.
        session: SessionId,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Too many forks of forks.
    #[error("session {session} is the last of {most} forks of forks: fork one of those it comes from")]
    Generations {
        /// The session that was to be forked.
        session: SessionId,
        /// How many there may be.
        most: usize,
    },
    /// A session that a fork comes from is missing, or comes from the fork itself.
    #[error(
        "the rows that say what session {session} was forked from are damaged: go on with another session"
    )]
    Lineage {
        /// The fork.
        session: SessionId,
    },
    /// Reading failed half-way.
    #[error("cannot read {what}{}", hint(source))]
    Read {
        /// What was read.
        what: String,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The thread that writes could not be started.
    #[error("cannot start the thread that writes")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread of ours ended without an answer.
    #[error("the thread that {0} ended unexpectedly: please report this as a bug")]
    Lost(&'static str),
    /// The thread that writes did not end in time; what it still held may be lost.
    #[error("the thread that writes did not finish within {0} s: the disk does not answer")]
    Stuck(u64),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// A record is no JSON.
    #[error("cannot encode the record")]
    EncodeRecord {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// What to do about SQLite's error, led in by a colon; empty where nothing general can be said.
fn hint(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ": the disk is full; free some space, then go on with the session",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            ": it cannot be written; check who owns it, or set BETTER_LLM_HOME to another folder"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ": another process kept it locked for too long; look for a hanging better-llm"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ": it is damaged; move it aside, keep the copy, and start again (records in `sessions/` stay readable)"
        }
        _ => "",
    }
}

fn full_disk(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::StorageFull { ": the disk is full; free some space" } else { "" }
}
