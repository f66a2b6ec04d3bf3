//! Spec O-8, law 10: what is kept belongs to its owner alone, whatever the umask. A program of its own, because the
//! umask belongs to a whole process.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use better_llm_storage::{ArtifactFiles, RecordFiles, SqliteJournal};
use domain::{
    event::{Event, EventBody, Scope},
    id::{SessionId, Ulid},
    ports::{ArtifactPort, JournalPort, RecordPort},
    record::SessionRecord,
    time::Timestamp,
};
use rustix::{fs::Mode, process::umask};

fn check_private(path: &Path, found: &mut Vec<String>) {
    let about = fs::symlink_metadata(path).unwrap();
    let expected = if about.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(about.permissions().mode() & 0o777, expected, "{}", path.display());
    found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check_private(&entry.unwrap().path(), found);
        }
    }
}

#[tokio::test]
async fn everything_kept_belongs_to_its_owner_alone_even_without_a_umask() {
    let home = tempfile::tempdir().unwrap();
    umask(Mode::empty());
    let data = home.path().join("data");
    let journal = SqliteJournal::new(data.join("better-llm.db"));
    let event = Event {
        v: 1,
        seq: 1,
        ts: Timestamp::from_micros(1),
        session_id: SessionId::new(Ulid::from_parts(1, 2)),
        scope: Scope::round(1),
        body: EventBody::RoundStarted {
            text: "환불".to_owned(),
            context: Vec::new(),
            mentions: Vec::new(),
            data: String::new(),
        },
    };
    let record = SessionRecord::from_events([&event]).unwrap();
    journal.append(Arc::new(event)).await.unwrap();
    journal.durable().await.unwrap();
    RecordFiles::new(data.join("sessions"), Arc::default()).save(&record).await.unwrap();
    let mut writer = ArtifactFiles::new(data.join("artifacts"), Arc::default()).begin();
    writer.write(b"under way").unwrap();

    let mut found = Vec::new();
    check_private(&data, &mut found);
    for name in ["better-llm.db", "better-llm.db-wal", "better-llm.db-shm", "sessions", "artifacts"] {
        assert!(found.iter().any(|found| found == name), "{name}: {found:?}");
    }
    assert!(found.iter().any(|found| found.starts_with(".artifact-")), "{found:?}");
    writer.keep().unwrap();
    journal.close().await.unwrap();
    check_private(&data, &mut found);
}
