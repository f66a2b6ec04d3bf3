//! What tells one state of a file from another.

use rustix::fs::Stat;
use sha2::{Digest as _, Sha256};

/// Files up to this size are told apart by their content.
pub(crate) const VERSIONED: u64 = 32 * 1024 * 1024;

/// A state of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Version {
    /// There is no file.
    Missing,
    /// A file with content of this SHA-256.
    Content([u8; 32]),
    /// A file of more than [`VERSIONED`] bytes, which is not read for this.
    Large(Traits),
}

impl Version {
    /// That of a file with this content, of at most [`VERSIONED`] bytes.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self::Content(Sha256::digest(content).into())
    }

    /// That of a larger file.
    pub(crate) fn large(stat: &Stat) -> Self {
        Self::Large(Traits::of(stat))
    }
}

/// What stood at a place when a person was shown what a call would do to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing could be shown: the call has nothing to go on with.
    Nothing,
    /// This.
    Version(Version),
}

/// What tells a state of a file from another without reading it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits(Stat);

impl PartialEq for Traits {
    fn eq(&self, other: &Self) -> bool {
        let traits = |Self(stat): &Self| {
            let modified = (stat.st_mtime, stat.st_mtime_nsec);
            (identity(stat), stat.st_size, modified, (stat.st_ctime, stat.st_ctime_nsec))
        };
        traits(self) == traits(other)
    }
}

impl Eq for Traits {}

impl Traits {
    pub(super) fn of(stat: &Stat) -> Self {
        Self(*stat)
    }
}

/// What tells a file or folder from every other: device and inode.
pub(super) fn identity(stat: &Stat) -> (i128, i128) {
    (i128::from(stat.st_dev), i128::from(stat.st_ino))
}
