//! The repositories below the workspace's own: other projects in it, and submodules' `.git` files.
//!
//! Their settings and hooks run programs, too, as soon as a person uses git there. They are looked for once, by a
//! walk with bounds that follows no link, nearest folders first. Not here: a repository that a command makes has no
//! more power than any other folder of its, and stays.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

/// Folders that the walk looks into.
const MOST_FOLDERS: usize = 5_000;
/// Entries that the walk reads.
const MOST_ENTRIES: usize = 50_000;
/// Folders below the workspace that the walk goes down.
const DEEPEST: usize = 8;
/// Repositories that are watched.
const MOST_REPOSITORIES: usize = 64;
/// Parts of their git dirs that decide what runs.
const PARTS: [&str; 6] = ["HEAD", "commondir", "config", "config.worktree", "hooks", "info"];

/// What was found, relative to the workspace.
#[derive(Debug, Default)]
pub(super) struct Nested {
    /// Folders named `.git`.
    pub(super) git_dirs: Vec<PathBuf>,
    /// Files named `.git`, which say where the folder lies.
    pointers: Vec<PathBuf>,
}

impl Nested {
    /// Looks below the workspace. What lies past a bound is not found, and that is logged.
    pub(super) fn find(workspace: &Path) -> Self {
        let mut nested = Self::default();
        let (mut entries, mut folders) = (0, 0);
        let mut waiting = VecDeque::from([(PathBuf::new(), 0)]);
        while let Some((folder, depth)) = waiting.pop_front() {
            folders += 1;
            let Ok(names) = fs::read_dir(workspace.join(&folder)) else { continue };
            for entry in names.filter_map(Result::ok) {
                entries += 1;
                let found = nested.git_dirs.len() + nested.pointers.len();
                if entries > MOST_ENTRIES || folders > MOST_FOLDERS || found >= MOST_REPOSITORIES {
                    tracing::warn!("the workspace is too large to look for every repository in it");
                    return nested;
                }
                let Ok(kind) = entry.file_type() else { continue };
                let path = folder.join(entry.file_name());
                match (entry.file_name() == ".git", kind.is_dir()) {
                    (true, true) if depth > 0 => nested.git_dirs.push(path),
                    (true, false) if depth > 0 => nested.pointers.push(path),
                    (false, true) if depth < DEEPEST => waiting.push_back((path, depth + 1)),
                    _ => {}
                }
            }
        }
        nested
    }

    /// The paths to watch.
    pub(super) fn parts(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let parts = self.git_dirs.iter().flat_map(|dir| PARTS.map(|part| dir.join(part)));
        parts.chain(self.pointers.iter().cloned())
    }
}
