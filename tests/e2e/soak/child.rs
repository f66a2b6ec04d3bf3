//! What the children do: write, read, check. They say every barrier on standard output, and end with the first complaint.

use std::{
    path::PathBuf,
    process::exit,
    time::{Duration, Instant},
};

use domain::{
    id::SessionId,
    ports::{JournalError, JournalPort},
};
use rusqlite::Connection;
use storage::SqliteJournal;

use super::{SESSIONS, WRITERS, events};

/// Set for children: the database, and their work.
pub(crate) const PLACE: &str = "SOAK_PLACE";
pub(crate) const WORK: &str = "SOAK_WORK";

/// The work of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Appends to its sessions, going on where its predecessor stopped.
    Write(u64),
    /// Reads sessions of all writers, whole and in pages, and lists.
    Read,
    /// Holds reads open, writes the log back into the database in every way there is, and comes and goes as an opener.
    Check,
}

impl Work {
    pub(crate) fn to_word(self) -> String {
        match self {
            Self::Write(number) => number.to_string(),
            Self::Read => "read".to_owned(),
            Self::Check => "check".to_owned(),
        }
    }
}

/// Works until it is killed. Nothing where this is no child.
pub(crate) fn work() {
    let (Ok(place), Ok(work)) = (std::env::var(PLACE), std::env::var(WORK)) else { return };
    let place = PathBuf::from(place);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match work.as_str() {
        "read" => runtime.block_on(read(place)),
        "check" => check(place),
        number => runtime.block_on(write(place, number.parse().unwrap())),
    }
}

async fn write(place: PathBuf, number: u64) {
    let journal = SqliteJournal::new(place);
    let mut writing = tokio::task::JoinSet::new();
    let journal = std::sync::Arc::new(journal);
    for nth in 0..SESSIONS {
        let journal = std::sync::Arc::clone(&journal);
        writing.spawn(async move {
            let session = events::session(number, nth);
            complain(&format!("session {session}"), write_session(&journal, session, nth).await);
        });
    }
    writing.join_all().await;
}

/// Goes on with a session: bursts of different lengths, a barrier after each.
async fn write_session(journal: &SqliteJournal, session: SessionId, nth: u64) -> Result<(), JournalError> {
    let mut seq = match journal.read_back(session, 0).await {
        Ok(back) => back.last_seq,
        Err(JournalError::NoSession(_)) => 0,
        Err(error) => return Err(error),
    };
    loop {
        for _ in 0..=(seq + nth) % 7 {
            seq += 1;
            journal.append(events::event(session, seq)).await?;
        }
        let began = Instant::now();
        journal.durable().await?;
        println!("\ndurable {session} {seq} {}", began.elapsed().as_micros());
    }
}

async fn read(place: PathBuf) {
    let journal = SqliteJournal::new(place);
    for turn in 0_u64.. {
        let session = events::session(turn % WRITERS + 1, turn % SESSIONS);
        let page = journal.read_some(session, turn % 500, 100).await;
        match page.map(|events| events.iter().map(|event| event.seq).collect::<Vec<_>>()) {
            // Not begun yet.
            Err(JournalError::NoSession(_)) => {}
            Err(error) => complain(&format!("page of {session}"), Err::<(), _>(error)),
            Ok(seqs) => {
                let first = turn % 500 + 1;
                let expected: Vec<u64> = (first..).take(seqs.len()).collect();
                if seqs != expected {
                    complain(
                        &format!("page of {session}"),
                        Err::<(), _>(std::io::Error::other(format!("a gap in {seqs:?}"))),
                    );
                }
            }
        }
        complain("list", journal.sessions(50).await);
        println!("\nread");
    }
}

fn check(place: PathBuf) {
    let modes = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];
    for mode in modes.into_iter().cycle() {
        // The first writer makes it.
        if !place.exists() {
            continue;
        }
        let checking = || -> rusqlite::Result<()> {
            let (reader, checker) = (Connection::open(&place)?, Connection::open(&place)?);
            checker.busy_timeout(Duration::from_secs(120))?;
            reader.busy_timeout(Duration::from_secs(120))?;
            let is_made: i64 = reader.query_row("PRAGMA user_version", (), |row| row.get(0))?;
            if is_made > 0 {
                // An old view of the database stands while the log grows and is written back.
                reader.execute_batch("BEGIN")?;
                let _: i64 = reader.query_row("SELECT count(*) FROM sessions", (), |row| row.get(0))?;
                checker.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))?;
                let _: i64 = reader.query_row("SELECT count(*) FROM events", (), |row| row.get(0))?;
                reader.execute_batch("COMMIT")?;
                // It holds up writers while it waits for readers, and gives up after a moment, as whoever backs up should.
                checker.busy_timeout(Duration::from_millis(100))?;
                checker.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |_| Ok(()))?;
            }
            Ok(())
        };
        complain("check", checking());
        println!("\nchecked");
    }
}

/// Says what went wrong, and ends.
fn complain<T, E: std::error::Error>(doing: &str, result: Result<T, E>) {
    let Err(error) = result else { return };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    println!("\ncomplaint {doing}: {text}");
    exit(1);
}
