//! Finished records, kept in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::{
    ports::{RecordError, RecordPort},
    record::SessionRecord,
};

/// A record store in memory.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    saved: Mutex<Vec<SessionRecord>>,
    failing: Mutex<Option<String>>,
}

impl MemoryRecords {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes every save from now on fail for `reason`.
    pub fn fail(&self, reason: &str) {
        *self.failing.lock().unwrap() = Some(reason.to_owned());
    }

    /// Every record as it was saved, oldest first; a session that was saved twice stands here twice.
    #[must_use]
    pub fn saved(&self) -> Vec<SessionRecord> {
        self.saved.lock().unwrap().clone()
    }

    /// The record that was saved last.
    #[must_use]
    pub fn last(&self) -> Option<SessionRecord> {
        self.saved.lock().unwrap().last().cloned()
    }
}

#[async_trait]
impl RecordPort for MemoryRecords {
    async fn save(&self, record: &SessionRecord) -> Result<String, RecordError> {
        let place = format!("memory/sessions/{}.json", record.session_id);
        if let Some(reason) = self.failing.lock().unwrap().clone() {
            return Err(RecordError { place, source: reason.into() });
        }
        self.saved.lock().unwrap().push(record.clone());
        Ok(place)
    }
}
