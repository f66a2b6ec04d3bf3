//! The git dirs that stand inside a git dir: those of submodules (`modules`) and of further worktrees (`worktrees`).
//!
//! Their settings and hooks run programs as the outer ones do. Only those that exist before a command are watched:
//! one that a command makes has no more power than any repository it makes elsewhere in the workspace.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    GuardError,
    snapshot::{Stamp, stat},
};

/// Where they stand.
const PLACES: [&str; 2] = ["modules", "worktrees"];
/// Parts of them that decide what runs.
const PARTS: [&str; 5] = ["commondir", "config", "config.worktree", "hooks", "info"];
/// The most folders that are looked into.
const MOST_FOLDERS: usize = 2_000;
/// Names of submodules may hold slashes, and submodules submodules.
const DEEPEST: usize = 16;

/// What was found, and the folders it was found in: while their stamps stand, nothing came or went.
#[derive(Debug, Default)]
pub(super) struct Inner {
    folders: Vec<(PathBuf, Option<Stamp>)>,
    git_dirs: Vec<PathBuf>,
}

impl Inner {
    /// Looks into git dirs, named relative to the workspace.
    pub(super) fn find<'dir>(
        workspace: &Path,
        git_dirs: impl Iterator<Item = &'dir PathBuf>,
    ) -> Result<Self, GuardError> {
        let mut inner = Self::default();
        let mut waiting: Vec<(PathBuf, usize)> =
            git_dirs.flat_map(|dir| PLACES.map(|place| (dir.join(place), 0))).collect();
        while let Some((path, depth)) = waiting.pop() {
            let look = |source| GuardError::Look { path: path.clone(), source };
            let place = workspace.join(&path);
            let found = stat(&place).map_err(look)?;
            inner.folders.push((place.clone(), found.as_ref().map(Stamp::of)));
            if depth > DEEPEST || inner.folders.len() > MOST_FOLDERS {
                return Err(GuardError::TooMuch { path, most: "2,000 submodules and worktrees" });
            }
            if !found.is_some_and(|found| found.is_dir()) {
                continue;
            }
            if depth > 0 && stat(&place.join("HEAD")).map_err(look)?.is_some() {
                waiting.extend(PLACES.map(|inside| (path.join(inside), depth + 1)));
                inner.git_dirs.push(path);
                continue;
            }
            let folders = folders_in(&place).map_err(look)?;
            waiting.extend(folders.into_iter().map(|name| (path.join(name), depth + 1)));
        }
        Ok(inner)
    }

    /// Whether a look at the stat data of the folders is enough to say that none came or went.
    pub(super) fn is_unchanged(&self) -> bool {
        self.folders
            .iter()
            .all(|(place, stamp)| stat(place).is_ok_and(|found| found.as_ref().map(Stamp::of) == *stamp))
    }

    /// The paths to watch.
    pub(super) fn parts(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.git_dirs.iter().flat_map(|dir| PARTS.map(|part| dir.join(part)))
    }
}

fn folders_in(place: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(place)?.take(MOST_FOLDERS + 1) {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(PathBuf::from(entry.file_name()));
        }
    }
    Ok(folders)
}
