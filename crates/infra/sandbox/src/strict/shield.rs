//! What stands in writable folders and must not change: found here, mounted by `view`.
//!
//! A protected path is mounted onto itself, read-only. Every folder on the way to it is mounted onto itself, too,
//! because only a mount point can be neither renamed nor removed: without that, a command moves the folder away and
//! makes its own in its place. A missing `.git` or `.better-llm` is made first, as an empty folder, and removed at
//! the end. Where no mount can stand (a link, a missing file) the path is only named: it is compared before and
//! after each command, as at level `kernel`.
//!
//! Repositories below the writable folders are found by a walk with bounds, once. One that a command makes later has
//! no more power than any other folder of its.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

use crate::{folders::rest_inside, settings::SandboxSettings};

/// Names that are made where they are missing: an empty folder of that name means nothing to anybody.
const MADE: [&str; 2] = [".git", ".better-llm"];
/// Files that shells run when they start, where a writable folder is somebody's home.
const SHELL_START_UP: [&str; 17] = [
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".cshrc",
    ".kshrc",
    ".login",
    ".logout",
    ".mkshrc",
    ".profile",
    ".tcshrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
];
/// Folders that the walk looks into.
const MOST_FOLDERS: usize = 5_000;
/// Entries that the walk reads.
const MOST_ENTRIES: usize = 50_000;
/// Folders below a writable one that the walk goes down.
const DEEPEST: usize = 8;
/// Repositories that are shielded; each costs a few mounts at every launch.
const MOST_REPOSITORIES: usize = 64;
/// Links that lead from one protected path to the next.
const MOST_LINKS: usize = 8;

/// Found and ready to be mounted. Dropping it removes what was made.
#[derive(Debug, Default)]
pub(super) struct Shield {
    /// Folders on the way, to be mounted writable.
    pub(super) ways: BTreeSet<PathBuf>,
    /// To be mounted read-only.
    pub(super) read_only: BTreeSet<PathBuf>,
    /// Absolute paths that no mount can hold.
    pub(super) watched: Vec<PathBuf>,
    /// The walk read as much as it may: repositories beyond are not shielded.
    pub(super) is_partial: bool,
    made: Vec<PathBuf>,
}

impl Shield {
    /// Looks for everything that is protected, and makes what has to be there.
    pub(super) fn raise(settings: &SandboxSettings) -> Self {
        let mut shield = Self::default();
        for root in settings.writable_roots() {
            let ours = settings.protected.iter().chain(&settings.git_dirs);
            let inside = ours.filter_map(|path| rest_inside(path, root));
            let named = MADE.into_iter().chain(SHELL_START_UP).map(PathBuf::from);
            for path in inside.chain(named) {
                shield.protect(root, &path, 0);
            }
            let read_only = settings.add_dirs.iter().filter(|added| !added.writable).map(|added| &added.path);
            for path in settings.own.iter().chain(read_only).filter_map(|path| rest_inside(path, root)) {
                let compared = shield.watched.len();
                shield.protect(root, &path, 0);
                shield.watched.truncate(compared);
            }
            for repository in shield.repositories(root) {
                shield.protect(root, &repository.join(".git"), 0);
            }
        }
        // In a read-only folder nothing needs a mount of its own, and a writable one would be a hole.
        let all = shield.read_only.clone();
        let is_held = |path: &PathBuf| path.ancestors().skip(1).any(|above| all.contains(above));
        shield.ways.retain(|way| !is_held(way) && !all.contains(way));
        shield.read_only.retain(|path| !is_held(path));
        shield
    }

    /// Whether everything still stands where it was found.
    pub(super) fn holds(&self) -> bool {
        let mut mounted = self.ways.iter().chain(&self.read_only);
        mounted.all(|path| path.symlink_metadata().is_ok_and(|found| !found.is_symlink()))
            && self
                .watched
                .iter()
                .all(|path| path.symlink_metadata().map_or(true, |found| found.is_symlink()))
    }

    /// Protects `path`, relative to `root`, as far as there is something to protect.
    fn protect(&mut self, root: &Path, path: &Path, links: usize) {
        let mut place = root.to_owned();
        let mut rest = path.components().peekable();
        while let Some(component) = rest.next() {
            let Component::Normal(name) = component else { continue };
            place.push(name);
            let is_last = rest.peek().is_none();
            match place.symlink_metadata() {
                Ok(found) if found.is_symlink() => {
                    self.watched.push(place.clone());
                    // What it leads to counts under its own name.
                    if links < MOST_LINKS
                        && let Ok(real) = root.join(path).canonicalize()
                        && let Ok(inside) = real.strip_prefix(root)
                    {
                        self.protect(root, inside, links + 1);
                    }
                    return;
                }
                Ok(_) if is_last => {
                    // As a session leaves it that was killed.
                    if is_made(name) && fs::read_dir(&place).is_ok_and(|mut inside| inside.next().is_none()) {
                        self.made.push(place.clone());
                    }
                    self.read_only.insert(place);
                    return;
                }
                Ok(found) if found.is_dir() => {
                    self.ways.insert(place.clone());
                }
                Err(_) if is_last && is_made(name) && fs::create_dir(&place).is_ok() => {
                    self.made.push(place.clone());
                    self.read_only.insert(place);
                    return;
                }
                Ok(_) | Err(_) => {
                    self.watched.push(root.join(path));
                    return;
                }
            }
        }
    }

    /// The folders below `root` that hold a repository, nearest first.
    fn repositories(&mut self, root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut entries = 0;
        let mut folders = 0;
        let mut waiting = VecDeque::from([(PathBuf::new(), 0)]);
        while let Some((folder, depth)) = waiting.pop_front() {
            folders += 1;
            let Ok(names) = fs::read_dir(root.join(&folder)) else { continue };
            for entry in names.filter_map(Result::ok) {
                entries += 1;
                if entries > MOST_ENTRIES || folders > MOST_FOLDERS || found.len() >= MOST_REPOSITORIES {
                    self.is_partial = true;
                    return found;
                }
                if entry.file_name() == ".git" {
                    found.extend((depth > 0).then(|| folder.clone()));
                } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.extend((depth < DEEPEST).then(|| (folder.join(entry.file_name()), depth + 1)));
                }
            }
        }
        found
    }
}

fn is_made(name: &OsStr) -> bool {
    MADE.iter().any(|made| name == *made)
}

impl Drop for Shield {
    fn drop(&mut self) {
        for folder in &self.made {
            match fs::remove_dir(folder) {
                Ok(()) => {}
                // The person has put something there meanwhile, or taken it away.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {
                }
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), %error, "an empty folder stays behind")
                }
            }
        }
    }
}
