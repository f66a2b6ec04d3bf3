//! Opening the database: its file, its settings, its tables.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::{
    error::StoreError,
    files::{private_file, private_folder, refuse_network},
};

/// How long a writer waits for another process's transaction. Transactions last milliseconds, but as long as the disk takes:
/// on a busy one, seconds and more; whoever waits for somebody else's write has no worse disk than they.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks whether another process's transaction is over.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// Between two tries where SQLite itself does not wait.
const PAUSE: Duration = Duration::from_millis(5);

/// Each step brings the schema to its place in the list, from 1. Steps that were released never change.
///
/// `events` keeps its rows beside the key, not in it (no `WITHOUT ROWID`): they are large, and appending at the
/// end of a table is cheapest. An event's type is not kept a second time: `json ->> '$.type'` cannot disagree.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE sessions (
        id         TEXT PRIMARY KEY NOT NULL,
        created_at INTEGER NOT NULL,
        cwd        TEXT,
        request    TEXT
    ) STRICT;
    CREATE INDEX sessions_by_time ON sessions (created_at);
    CREATE TABLE events (
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        seq        INTEGER NOT NULL,
        ts         INTEGER NOT NULL,
        json       TEXT NOT NULL,
        PRIMARY KEY (session_id, seq)
    ) STRICT;
",
    // A fork: what it shares stands with the session that it comes from, which therefore stays as long as it does.
    "
    ALTER TABLE sessions ADD COLUMN parent TEXT REFERENCES sessions (id) ON DELETE RESTRICT;
    ALTER TABLE sessions ADD COLUMN parent_seq INTEGER;
    CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;
    CREATE INDEX sessions_by_place ON sessions (cwd);
",
];

/// The schema that this program writes.
const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Opens the database for writing; makes the folder, the file and the tables where they are missing.
pub(super) fn open_for_writing(place: &Path) -> Result<Connection, StoreError> {
    let folder = place.parent().unwrap_or(Path::new("."));
    private_folder(folder)?;
    refuse_network(folder)?;
    private_file(place)?;
    let mut connection = connect(place)?;
    write_ahead_log(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a database that is there for reading; tables of an older version are brought up to date. `None`: nothing was
/// ever kept in it.
pub(super) fn open_for_reading(place: &Path) -> Result<Option<Connection>, StoreError> {
    let mut connection = connect(place)?;
    let opened = |source| StoreError::Open { source };
    let version = schema_version(&connection).map_err(opened)?;
    if version == 0 {
        return Ok(None);
    }
    if version > NEWEST {
        return Err(StoreError::Newer { found: version, known: NEWEST });
    }
    migrate(&mut connection)?;
    connection.pragma_update(None, "query_only", true).map_err(opened)?;
    Ok(Some(connection))
}

fn connect(place: &Path) -> Result<Connection, StoreError> {
    let opened = |source| StoreError::Open { source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(place, flags).map_err(opened)?;
    connection.busy_handler(Some(waiting_for_others())).map_err(opened)?;
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0;
             PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(opened)?;
    Ok(connection)
}

/// Waits for others' transactions, at most [`BUSY_TIMEOUT`] for each. SQLite's own waiting looks less and less often, down
/// to every 100 ms, and so comes late whenever the lock is free for a moment: under the load of `tests/soak` it waited
/// 4 s at the longest, and this 1.7 s.
fn waiting_for_others() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut began = Instant::now();
    move |looks| {
        if looks == 0 {
            began = Instant::now();
        }
        let waits = began.elapsed() < BUSY_TIMEOUT;
        if waits {
            thread::sleep(BUSY_PAUSE);
        }
        waits
    }
}

/// Switches to the write-ahead log. SQLite does not wait for other openers here, so we do.
fn write_ahead_log(connection: &Connection) -> Result<(), StoreError> {
    let give_up = Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(StoreError::NoWriteAheadLog { mode }),
            Err(error) if is_busy(&error) && Instant::now() < give_up => thread::sleep(PAUSE),
            Err(source) => return Err(StoreError::Open { source }),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = schema_version(connection).map_err(|source| StoreError::Open { source })?;
    if found == NEWEST {
        return Ok(());
    }
    let step = |from| move |source| StoreError::Migrate { from, to: NEWEST, source };
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(step(found))?;
    // Read again under the lock: another process may have been faster.
    let from = schema_version(&transaction).map_err(step(found))?;
    if from > NEWEST {
        return Err(StoreError::Newer { found: from, known: NEWEST });
    }
    for statements in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or_default()) {
        transaction.execute_batch(statements).map_err(step(from))?;
    }
    transaction.pragma_update(None, "user_version", NEWEST).map_err(step(from))?;
    transaction.commit().map_err(step(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_keeps_what_the_contract_says_about_durability() {
        let home = tempfile::tempdir().unwrap();
        let connection = open_for_writing(&home.path().join("data/better-llm.db")).unwrap();
        let number = |pragma: &str| -> i64 {
            connection.query_row(&format!("PRAGMA {pragma}"), (), |row| row.get(0)).unwrap()
        };
        let mode: String = connection.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(["synchronous", "foreign_keys"].map(number), [2, 1]);
        // The write-ahead-log reset bug was fixed in 3.51.3.
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("better-llm.db");
        open_for_writing(&place).unwrap().pragma_update(None, "user_version", NEWEST + 1).unwrap();
        for error in [open_for_writing(&place).unwrap_err(), open_for_reading(&place).unwrap_err()] {
            let StoreError::Newer { found, known } = error else { panic!("{error}") };
            assert_eq!((found, known), (NEWEST + 1, NEWEST));
        }
        let version = schema_version(&connect(&place).unwrap()).unwrap();
        assert_eq!(version, NEWEST + 1);
    }

    #[test]
    fn a_database_of_an_older_version_keeps_what_it_holds() {
        for opens in [|place: &Path| open_for_reading(place).map(Option::unwrap), open_for_writing] {
            let home = tempfile::tempdir().unwrap();
            let place = home.path().join("better-llm.db");
            let old = Connection::open(&place).unwrap();
            old.execute_batch(MIGRATIONS[0]).unwrap();
            old.execute_batch(
                "INSERT INTO sessions (id, created_at, cwd) VALUES ('01J9ZQ8W7N4K2M5R6T8V0X1Y3Z', 7, '/집');
                 PRAGMA user_version = 1",
            )
            .unwrap();
            let connection = opens(&place).unwrap();
            let row = connection.query_row("SELECT cwd, parent, parent_seq FROM sessions", (), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            });
            assert_eq!(row.unwrap(), ("/집".to_owned(), None::<String>, None::<i64>));
            assert_eq!(schema_version(&connection).unwrap(), NEWEST);
        }
    }

    /// Contract 3: nobody fails because another process is just writing.
    #[test]
    fn a_transaction_waits_for_that_of_another_process() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("better-llm.db");
        let mut first = open_for_writing(&place).unwrap();
        let mut second = open_for_writing(&place).unwrap();
        let writing = first.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let waiting = thread::spawn(move || {
            second.transaction_with_behavior(TransactionBehavior::Immediate).unwrap().commit().unwrap();
        });
        // Most likely in the middle of its waiting.
        for _ in 0..1000 {
            thread::yield_now();
        }
        assert!(!waiting.is_finished());
        writing.commit().unwrap();
        waiting.join().unwrap();
    }

    /// Programs of both versions start at the same moment.
    #[test]
    fn openers_of_an_old_database_bring_it_up_to_date_once() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("better-llm.db");
        let old = Connection::open(&place).unwrap();
        old.pragma_update(None, "journal_mode", "wal").unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute("INSERT INTO sessions (id, created_at) VALUES ('옛 세션', 1)", ()).unwrap();
        thread::scope(|scope| {
            let openers: Vec<_> = (0..8)
                .map(|nth| {
                    let place = &place;
                    scope.spawn(move || match nth % 2 {
                        0 => open_for_writing(place).map(drop),
                        _ => open_for_reading(place).map(drop),
                    })
                })
                .collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
        // The old program is still there, and goes on writing as it did.
        old.execute("INSERT INTO sessions (id, created_at) VALUES ('새 세션', 2)", ()).unwrap();
        let connection = connect(&place).unwrap();
        let sessions: i64 =
            connection.query_row("SELECT count(*) FROM sessions", (), |row| row.get(0)).unwrap();
        assert_eq!((schema_version(&connection).unwrap(), sessions), (NEWEST, 2));
    }

    #[test]
    fn many_first_openers_at_once_all_get_a_database() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("data/better-llm.db");
        thread::scope(|scope| {
            let openers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| open_for_writing(&place).map(drop))).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }

    /// P42.
    #[test]
    fn a_file_that_is_no_database_is_refused_with_what_to_do_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("better-llm.db");
        let content = "이것은 데이터베이스가 아니다\n".repeat(100);
        std::fs::write(&place, &content).unwrap();
        let error = open_for_writing(&place).unwrap_err();
        assert!(error.to_string().contains("damaged; move it aside"), "{error}");
        assert_eq!(std::fs::read_to_string(&place).unwrap(), content);
    }
}
