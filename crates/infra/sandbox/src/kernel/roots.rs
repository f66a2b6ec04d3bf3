//! The folders that a session works in, opened without following a link.
//!
//! Their paths were canonical when the session began. A command of another session, whose workspace holds one of them,
//! can put a link in its place later: nothing is granted then. A folder that was made anew there is one that whoever
//! made it could write already.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use crate::settings::SandboxSettings;

/// The workspace, further folders, and git directories outside of them; each opened, if it could be.
pub(super) struct Roots(Vec<(PathBuf, Option<Arc<OwnedFd>>)>);

impl Roots {
    pub(super) fn open(settings: &SandboxSettings) -> Self {
        let added = settings.add_dirs.iter().map(|added| &added.path);
        let paths = std::iter::once(&settings.workspace).chain(added).chain(&settings.git_dirs);
        Self(paths.map(|path| (path.clone(), open(path).map(Arc::new))).collect())
    }

    /// The folder at `path`, where that is one of these and could be opened.
    pub(super) fn get(&self, path: &Path) -> Option<&Arc<OwnedFd>> {
        self.0.iter().find(|(root, _)| root == path).and_then(|(_, folder)| folder.as_ref())
    }

    /// Whether `path` is one of these, and so is granted by handle or not at all.
    pub(super) fn hold(&self, path: &Path) -> bool {
        self.0.iter().any(|(root, _)| root == path)
    }
}

fn open(path: &Path) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve).ok()
}
