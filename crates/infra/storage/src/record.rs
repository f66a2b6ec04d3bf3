//! Finished records: one JSON file a session (contract 7), whole or not at all, without secrets (law 10).

use std::{
    borrow::Cow,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    ports::{RecordError, RecordPort},
    record::SessionRecord,
    secret::Redactor,
};

use crate::{
    error::StoreError,
    files::{private_folder, sync_folder},
};

/// Writes records as `<session id>.json` into one folder, readable by their owner alone.
#[derive(Debug)]
pub struct RecordFiles {
    folder: PathBuf,
    redactor: Arc<Redactor>,
}

impl RecordFiles {
    /// Records go to `folder` (`data/sessions`), which is made with the first one, without what `redactor` takes out.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, redactor: Arc<Redactor>) -> Self {
        Self { folder: folder.into(), redactor }
    }
}

#[async_trait]
impl RecordPort for RecordFiles {
    async fn save(&self, record: &SessionRecord) -> Result<String, RecordError> {
        let file = self.folder.join(format!("{}.json", record.session_id));
        let place = file.display().to_string();
        let failed = |source: StoreError| RecordError { place: place.clone(), source: source.into() };
        let json =
            serde_json::to_string(record).map_err(|source| failed(StoreError::EncodeRecord { source }))?;
        // The journal, which a record is made from, holds none; this is the second net.
        let json = match self.redactor.redact_json(&json) {
            Cow::Borrowed(_) => json,
            Cow::Owned(redacted) => redacted,
        };
        let written = tokio::task::spawn_blocking(move || replace(&file, json.as_bytes())).await;
        written.unwrap_or(Err(StoreError::Lost("saves records"))).map_err(failed)?;
        Ok(place)
    }
}

/// Puts `content` in the place of `file`: a reader sees the old or the new, and after a crash one of the two is there.
fn replace(file: &Path, content: &[u8]) -> Result<(), StoreError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    private_folder(folder)?;
    let failed = |doing| move |source| StoreError::File { doing, file: file.to_owned(), source };
    // A random name, O_EXCL and 0600; removed again when a step below fails.
    let mut temporary = tempfile::Builder::new()
        .prefix(".record-")
        .tempfile_in(folder)
        .map_err(failed("make a temporary file for"))?;
    temporary.write_all(content).map_err(failed("write"))?;
    temporary.as_file().sync_all().map_err(failed("flush"))?;
    temporary.persist(file).map_err(|error| failed("rename the finished")(error.error))?;
    sync_folder(folder).map_err(failed("flush the folder of"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use domain::{
        agent::AgentName,
        id::{SessionId, Ulid},
        message::{Message, Usage},
        outcome::Ending,
        record::{RecordedMessage, RecordedResult},
        secret::Secret,
        time::Timestamp,
    };

    use super::*;

    fn record(request: &str) -> SessionRecord {
        SessionRecord {
            v: 1,
            session_id: SessionId::new(Ulid::from_parts(1, 2)),
            created_at: Timestamp::from_micros(1),
            completed_at: Timestamp::from_micros(2),
            user_request: request.to_owned(),
            total_turns: 3,
            agents_used: vec![AgentName::manager()],
            messages: vec![RecordedMessage {
                agent: AgentName::manager(),
                timestamp: Timestamp::from_micros(1),
                message: Arc::new(Message::user(request)),
            }],
            result: RecordedResult {
                status: Ending::Done.record_status().to_owned(),
                tests_passed: Some(true),
            },
            rounds: Vec::new(),
            usage: Usage::default(),
            cost_usd: None,
            files_changed: vec!["src/결제.rs".to_owned()],
        }
    }

    #[tokio::test]
    async fn a_saved_record_replaces_the_one_before_and_nothing_else_is_left() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("sessions");
        let files = RecordFiles::new(&folder, Arc::default());
        files.save(&record("환불 기능 추가 👩‍👩‍👧")).await.unwrap();
        let place = files.save(&record("둘째")).await.unwrap();

        let names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
        assert_eq!(names, std::slice::from_ref(&place));
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        let read: SessionRecord = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
        assert_eq!(read, record("둘째"));
    }

    /// Spec O-8.
    #[tokio::test]
    async fn a_record_holds_no_secret() {
        let home = tempfile::tempdir().unwrap();
        let redactor = Redactor::new(Secret::new("hush \"hush\" 비밀").into_iter().collect());
        let files = RecordFiles::new(home.path(), Arc::new(redactor));
        let place = files.save(&record("log in with hush \"hush\" 비밀")).await.unwrap();
        let read: SessionRecord = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
        assert_eq!(read, record("log in with [redacted:secret]"));
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_written_names_its_file_and_leaves_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("sessions");
        // A folder stands where the record should go, so the rename fails.
        let blocked = folder.join(format!("{}.json", record("").session_id));
        fs::create_dir_all(blocked.join("full")).unwrap();
        let error = RecordFiles::new(&folder, Arc::default()).save(&record("")).await.unwrap_err();
        assert_eq!(error.place, blocked.display().to_string());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
