//! Outputs too large for the journal: one file each, named by its content (`data/artifacts/`, contract 3).
//!
//! Secrets are taken out on the way to the file (law 10); sizes and names are those of what is kept.

use std::{io::Write, path::PathBuf, sync::Arc};

use domain::{
    artifact::{Artifact, ArtifactError},
    ports::{ArtifactPort, ArtifactWriter},
    secret::{RedactingBytes, Redactor},
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::files::private_folder;

/// Keeps artifacts in one folder, readable by their owner alone.
#[derive(Debug)]
pub struct ArtifactFiles {
    folder: PathBuf,
    redactor: Arc<Redactor>,
}

impl ArtifactFiles {
    /// Artifacts go to `folder`, which is made with the first one, without what `redactor` takes out.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, redactor: Arc<Redactor>) -> Self {
        Self { folder: folder.into(), redactor }
    }
}

impl ArtifactPort for ArtifactFiles {
    fn begin(&self) -> Box<dyn ArtifactWriter> {
        Box::new(Writer {
            folder: self.folder.clone(),
            file: None,
            redacting: RedactingBytes::new(Arc::clone(&self.redactor)),
            hash: Sha256::new(),
            bytes: 0,
            omitted_bytes: 0,
        })
    }
}

struct Writer {
    folder: PathBuf,
    /// A random name, O_EXCL and 0600; removed when it is dropped. None before the first write.
    file: Option<NamedTempFile>,
    redacting: RedactingBytes,
    hash: Sha256,
    bytes: u64,
    omitted_bytes: u64,
}

impl Writer {
    fn file(&mut self) -> Result<&mut NamedTempFile, ArtifactError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                private_folder(&self.folder).map_err(|error| self.failed("make the folder", error))?;
                let made = tempfile::Builder::new().prefix(".artifact-").tempfile_in(&self.folder);
                made.map_err(|error| self.failed("make a file in", error))?
            }
        };
        Ok(self.file.insert(file))
    }

    fn failed(
        &self,
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> ArtifactError {
        ArtifactError { doing, place: self.folder.display().to_string(), source: source.into() }
    }
}

impl Writer {
    /// Writes what holds no secret any more, as far as there is room.
    fn write_redacted(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        let room = usize::try_from(Artifact::LARGEST - self.bytes).unwrap_or(usize::MAX);
        let (kept, omitted) = bytes.split_at(room.min(bytes.len()));
        let written = self.file()?.write_all(kept);
        written.map_err(|error| self.failed("write to a file in", error))?;
        self.hash.update(kept);
        self.bytes += kept.len() as u64;
        self.omitted_bytes += omitted.len() as u64;
        Ok(())
    }
}

impl ArtifactWriter for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        let redacted = self.redacting.push(bytes);
        self.write_redacted(&redacted)
    }

    fn keep(mut self: Box<Self>) -> Result<Artifact, ArtifactError> {
        let rest = self.redacting.finish();
        self.write_redacted(&rest)?;
        let id: String = self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if let Some(file) = self.file.take() {
            // The same content has the same name: replacing it changes nothing.
            file.persist(self.folder.join(&id))
                .map_err(|error| self.failed("name a file in", error.error))?;
        }
        Ok(Artifact { id, bytes: self.bytes, omitted_bytes: self.omitted_bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use domain::secret::Secret;

    use super::*;

    fn names(files: &ArtifactFiles) -> Vec<String> {
        let entries = fs::read_dir(&files.folder).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        entries.into_iter().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn an_artifact_is_named_by_its_content_and_belongs_to_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let files = ArtifactFiles::new(home.path().join("data/artifacts"), Arc::default());
        for _ in 0..2 {
            let mut writer = files.begin();
            writer.write("te".as_bytes()).unwrap();
            writer.write("st".as_bytes()).unwrap();
            let id = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
            assert_eq!(writer.keep().unwrap(), Artifact { id: id.to_owned(), bytes: 4, omitted_bytes: 0 });
            assert_eq!(names(&files), [id]);
            let file = files.folder.join(id);
            assert_eq!(fs::read(&file).unwrap(), b"test");
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_past_the_bound_is_counted_and_what_is_dropped_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let files = ArtifactFiles::new(home.path().join("artifacts"), Arc::default());
        drop(files.begin());
        assert!(!files.folder.exists());
        let mut writer = files.begin();
        let piece = vec![b'x'; 24 << 20];
        for _ in 0..3 {
            writer.write(&piece).unwrap();
        }
        assert_eq!(names(&files).len(), 1);
        drop(writer);
        assert_eq!(names(&files).len(), 0);
        let mut writer = files.begin();
        for _ in 0..3 {
            writer.write(&piece).unwrap();
        }
        let kept = writer.keep().unwrap();
        assert_eq!((kept.bytes, kept.omitted_bytes), (64 << 20, 8 << 20));
    }

    /// Spec O-8. Also where a secret comes in two pieces, and where the output is no text.
    #[test]
    fn an_artifact_holds_no_secret() {
        let home = tempfile::tempdir().unwrap();
        let redactor = Redactor::new(Secret::new("hush-hush-비밀").into_iter().collect());
        let files = ArtifactFiles::new(home.path().join("artifacts"), Arc::new(redactor));
        let output = [b"\xff a=hush-hush-".as_slice(), "비밀 AKIAQ3EGRY6JQ7C2XQ4N\n".as_bytes()].concat();
        for size in 1..output.len() {
            let mut writer = files.begin();
            for piece in output.chunks(size) {
                writer.write(piece).unwrap();
            }
            let kept = writer.keep().unwrap();
            let text = fs::read(files.folder.join(&kept.id)).unwrap();
            assert_eq!(text, b"\xff a=[redacted:secret] [redacted:aws-access-key-id]\n", "pieces of {size}");
            assert_eq!(kept.bytes, text.len() as u64);
        }
        assert_eq!(names(&files).len(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("data"), "").unwrap();
        let files = ArtifactFiles::new(home.path().join("data/artifacts"), Arc::default());
        let error = files.begin().write(b"x").unwrap_err();
        assert!(error.to_string().contains("data/artifacts"), "{error}");
    }
}
