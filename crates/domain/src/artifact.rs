//! Outputs that are too large for the journal, kept by content (`data/artifacts/`, contract 3).

/// A kept output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its name: the SHA-256 of what was kept, in hexadecimal.
    pub id: String,
    /// Bytes that were kept.
    pub bytes: u64,
    /// Bytes past [`Artifact::LARGEST`] that were not.
    pub omitted_bytes: u64,
}

impl Artifact {
    /// The most bytes of one artifact; a command that writes for ever does not fill the disk.
    pub const LARGEST: u64 = 64 << 20;
}

/// An artifact could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {place}")]
pub struct ArtifactError {
    /// The step that failed.
    pub doing: &'static str,
    /// The file or folder.
    pub place: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
