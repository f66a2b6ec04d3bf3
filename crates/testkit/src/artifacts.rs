//! Artifacts in memory.

use std::sync::{Arc, Mutex};

use domain::{
    artifact::{Artifact, ArtifactError},
    ports::{ArtifactPort, ArtifactWriter},
};

/// Keeps artifacts in memory; their ids count up. Clones share what they keep.
#[derive(Debug, Clone, Default)]
pub struct MemoryArtifacts {
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    failure: Arc<Mutex<Option<String>>>,
}

impl MemoryArtifacts {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses every write from now on.
    pub fn fail(&self, reason: &str) {
        *self.failure.lock().unwrap() = Some(reason.to_owned());
    }

    /// What was kept, in order.
    #[must_use]
    pub fn kept(&self) -> Vec<Vec<u8>> {
        self.kept.lock().unwrap().clone()
    }
}

impl ArtifactPort for MemoryArtifacts {
    fn begin(&self) -> Box<dyn ArtifactWriter> {
        Box::new(Writer { artifacts: self.clone(), bytes: Vec::new(), omitted_bytes: 0 })
    }
}

struct Writer {
    artifacts: MemoryArtifacts,
    bytes: Vec<u8>,
    omitted_bytes: u64,
}

impl ArtifactWriter for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        if let Some(reason) = self.artifacts.failure.lock().unwrap().clone() {
            return Err(ArtifactError {
                doing: "write to",
                place: "memory".to_owned(),
                source: reason.into(),
            });
        }
        let room = usize::try_from(Artifact::LARGEST).unwrap().saturating_sub(self.bytes.len());
        let (kept, omitted) = bytes.split_at(room.min(bytes.len()));
        self.bytes.extend_from_slice(kept);
        self.omitted_bytes += omitted.len() as u64;
        Ok(())
    }

    fn keep(self: Box<Self>) -> Result<Artifact, ArtifactError> {
        let mut kept = self.artifacts.kept.lock().unwrap();
        let bytes = self.bytes.len() as u64;
        let omitted_bytes = self.omitted_bytes;
        kept.push(self.bytes);
        Ok(Artifact { id: format!("artifact-{}", kept.len()), bytes, omitted_bytes })
    }
}
