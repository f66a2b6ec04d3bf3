//! The folders that a session works in, held as they were when it began.
//!
//! Their paths may lead elsewhere later: a command of another session, whose workspace holds one of them, can put a link
//! in its place. A grant is for the folder, so it is given by handle, and the path is followed no second time.

use std::{
    fs::{File, Metadata},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use crate::settings::SandboxSettings;

/// The workspace, further folders, and git directories outside of them.
pub(super) struct Roots(Vec<(PathBuf, OwnedFd)>);

impl Roots {
    /// Opens what is there. What is not is granted, if at all, by its path.
    pub(super) fn open(settings: &SandboxSettings) -> Self {
        let added = settings.add_dirs.iter().map(|added| &added.path);
        let paths = std::iter::once(&settings.workspace).chain(added).chain(&settings.git_dirs);
        let open = |path: &PathBuf| {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            rustix::fs::open(path, flags, Mode::empty()).ok().map(|folder| (path.clone(), folder))
        };
        Self(paths.filter_map(open).collect())
    }

    /// The folder that stood at `path` when the session began.
    pub(super) fn get(&self, path: &Path) -> Option<BorrowedFd<'_>> {
        self.0.iter().find(|(root, _)| root == path).map(|(_, folder)| folder.as_fd())
    }

    /// A path to that folder which no link changes; none where `path` leads to another one by now.
    pub(super) fn way_to(&self, path: &Path) -> Option<PathBuf> {
        let folder = self.get(path)?;
        let identity = |found: Metadata| (found.dev(), found.ino());
        let held = folder.try_clone_to_owned().map(File::from).and_then(|folder| folder.metadata()).ok()?;
        let named = path.symlink_metadata().ok()?;
        (identity(held) == identity(named))
            .then(|| Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()))
    }
}
