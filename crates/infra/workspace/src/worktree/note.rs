//! What has to be known of a worktree once the process that made it is gone: beside it, in a file of its own.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{WorktreeError, WorktreeSettings};
use crate::{
    file::{self, Digest, hex},
    path::FilePath,
};

/// The longest note that is read, in bytes: that of as many copied files as there can be, with the longest names.
const LONGEST: u64 = 8 << 20;

/// A worktree's origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The workspace that it was made for.
    workspace: FilePath,
    pub(super) branch: String,
    /// The commit that it began from.
    pub(super) base: String,
    /// What was copied into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) copied: Vec<Copied>,
}

/// A file that was copied, from the top of the worktree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copied {
    pub(super) path: FilePath,
    #[serde(with = "hex")]
    pub(super) digest: Digest,
}

impl Note {
    pub(super) fn new(settings: &WorktreeSettings, base: String) -> Self {
        let workspace = FilePath::new(settings.workspace.as_os_str().as_bytes());
        Self { workspace, branch: settings.branch(), base, copied: Vec::new() }
    }

    fn place(settings: &WorktreeSettings) -> PathBuf {
        settings.worktrees.join(format!("{}.json", settings.session))
    }

    /// The note of a session's worktree; none where it never had one.
    pub(super) fn read(settings: &WorktreeSettings) -> Result<Option<Self>, WorktreeError> {
        let place = Self::place(settings);
        match file::read_regular(&place, LONGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read
                .and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other))
                .map(Some)
                .map_err(WorktreeError::file("read", &place)),
        }
    }

    /// Whose worktree it is.
    pub(super) fn workspace(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.workspace.as_bytes()))
    }

    /// Writes it, whole or not at all. On disk when this returns.
    pub(super) fn write(&self, settings: &WorktreeSettings) -> Result<(), WorktreeError> {
        let place = Self::place(settings);
        let half = place.with_extension("half");
        let written = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&settings.worktrees)?;
            let text = serde_json::to_vec(self)?;
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&half, &place)?;
            File::open(&settings.worktrees)?.sync_all()
        };
        written().map_err(WorktreeError::file("write", &place))
    }

    /// Removes it where nothing came of it.
    pub(super) fn remove(settings: &WorktreeSettings) -> Result<(), WorktreeError> {
        let place = Self::place(settings);
        fs::remove_file(&place).map_err(WorktreeError::file("remove", &place))
    }
}
