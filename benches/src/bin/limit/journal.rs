//! SQLite with the settings that better-llm uses, one transaction from commit to commit.

use rusqlite::{Connection, Statement};

use crate::Result;

/// A journal that goes on where the run before ended.
pub(crate) struct Journal<'c> {
    insert: Statement<'c>,
    begin: Statement<'c>,
    commit: Statement<'c>,
    sequence: i64,
}

/// Opens the database of a journal.
pub(crate) fn open(place: &str) -> Result<Connection> {
    let database = Connection::open(place)?;
    database.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, json TEXT NOT NULL);",
    )?;
    Ok(database)
}

impl<'c> Journal<'c> {
    pub(crate) fn on(database: &'c Connection) -> Result<Self> {
        let last = "SELECT coalesce(max(seq), 0) FROM events";
        let mut journal = Self {
            insert: database.prepare("INSERT INTO events VALUES (?1, ?2)")?,
            begin: database.prepare("BEGIN IMMEDIATE")?,
            commit: database.prepare("COMMIT")?,
            sequence: database.query_row(last, (), |row| row.get(0))?,
        };
        journal.begin.execute(())?;
        Ok(journal)
    }

    pub(crate) fn append(&mut self, json: &str) -> Result<()> {
        self.sequence += 1;
        self.insert.execute((self.sequence, json))?;
        Ok(())
    }

    /// Returns when everything appended is on disk.
    pub(crate) fn commit(&mut self) -> Result<()> {
        self.commit.execute(())?;
        self.begin.execute(())?;
        Ok(())
    }
}
