//! What the journal promises when its process dies, its disk fills up, or another process writes beside it.
#![expect(clippy::unwrap_used, reason = "helpers of tests; the lint knows test functions only")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use better_llm_storage::SqliteJournal;
use domain::{
    event::{Event, EventBody, Scope, VERSION},
    id::{SessionId, Ulid},
    ports::JournalPort,
    time::Timestamp,
};
use rusqlite::Connection;

/// Set for a child of these tests: the database and the session it writes.
const PLACE: &str = "STORAGE_TEST_PLACE";
const SESSION: &str = "STORAGE_TEST_SESSION";

/// Events between two barriers of a child.
const STEP: u64 = 3;

fn event(session: SessionId, seq: u64) -> Arc<Event> {
    Arc::new(Event {
        v: VERSION,
        seq,
        ts: Timestamp::from_micros(seq),
        session_id: session,
        scope: Scope::default(),
        body: EventBody::Notice { code: "test".to_owned(), text: "가나다 ".repeat(50) },
    })
}

fn session(number: u64) -> SessionId {
    SessionId::new(Ulid::from_parts(number, 0))
}

/// Appends until it is killed and says after each barrier what is durable. Runs only in a child of the tests
/// below, which start this program again.
#[test]
fn the_child_that_writes() {
    let (Ok(place), Ok(number)) = (std::env::var(PLACE), std::env::var(SESSION)) else { return };
    let session = session(number.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = SqliteJournal::new(place);
        for seq in 1.. {
            journal.append(event(session, seq)).await.unwrap();
            if seq % STEP == 0 {
                journal.durable().await.unwrap();
                println!("\ndurable {seq}");
            }
        }
    });
}

struct WritingChild {
    child: Child,
    session: SessionId,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    durable: u64,
}

impl WritingChild {
    fn start(place: &Path, number: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child_that_writes", "--nocapture"])
            .env_clear()
            .env(PLACE, place)
            .env(SESSION, number.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, session: session(number), lines, durable: 0 }
    }

    /// Waits until `seq` is durable, or to the end of what the child said.
    fn wait_for(&mut self, seq: u64) {
        while self.durable < seq
            && let Some(line) = self.lines.next()
        {
            if let Some(seq) = line.unwrap().strip_prefix("durable ") {
                self.durable = seq.parse().unwrap();
            }
        }
    }

    /// Kills it in the middle of its work and gives the last place it called durable.
    fn kill(mut self) -> (SessionId, u64) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.wait_for(u64::MAX);
        (self.session, self.durable)
    }
}

/// The database is whole, and the session's events stand in it without a gap at least up to `durable`.
async fn check_kept(place: &Path, session: SessionId, durable: u64) {
    let connection = Connection::open(place).unwrap();
    let whole: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let back = SqliteJournal::new(place).read_back(session, 0).await.unwrap();
    assert_eq!(back.damaged, 0);
    let seqs: Vec<u64> = back.events.iter().map(|event| event.seq).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "a gap in {seqs:?}");
    assert!(seqs.len() as u64 >= durable, "{durable} were durable, {} are there", seqs.len());
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_called_durable() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("data/better-llm.db");
    for number in 1..=12 {
        let mut child = WritingChild::start(&place, number);
        child.wait_for(number * number * STEP);
        let (session, durable) = child.kill();
        assert!(durable >= number * number * STEP);
        check_kept(&place, session, durable).await;
    }
}

#[tokio::test]
async fn two_processes_write_one_database_and_each_keeps_its_session() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("better-llm.db");
    let mut children = [WritingChild::start(&place, 1), WritingChild::start(&place, 2)];
    for child in &mut children {
        child.wait_for(150 * STEP);
    }
    for child in children {
        let (session, durable) = child.kill();
        assert!(durable >= 150 * STEP, "the child stopped at {durable}");
        check_kept(&place, session, durable).await;
    }
}

/// A file system of one megabyte, unmounted at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "none"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_full_disk_is_said_at_once_keeps_what_was_durable_and_is_gone_on_from() {
    let Some(disk) = SmallDisk::mount() else {
        return testkit::requirement::skip("to mount a small file system one has to be root");
    };
    let place = disk.0.path().join("better-llm.db");
    let others = disk.0.path().join("others");
    std::fs::write(&others, vec![0; 300_000]).unwrap();
    let journal = SqliteJournal::new(&place);
    let mut durable = 0;
    let error = loop {
        journal.append(event(session(1), durable + 1)).await.unwrap();
        match journal.durable().await {
            Ok(()) => durable += 1,
            Err(error) => break error,
        }
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("the disk is full; free some space"), "{cause}");
    assert!(durable > 50, "only {durable}");
    assert!(journal.append(event(session(1), durable + 2)).await.is_err());
    drop(journal);
    check_kept(&place, session(1), durable).await;
    // Where there is room again, the next program goes on.
    std::fs::remove_file(others).unwrap();
    let journal = SqliteJournal::new(&place);
    let last = journal.read_back(session(1), 0).await.unwrap().last_seq;
    journal.append(event(session(1), last + 1)).await.unwrap();
    journal.close().await.unwrap();
    check_kept(&place, session(1), last + 1).await;
}
