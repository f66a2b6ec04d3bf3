//! Commands held to what their task may write: which globs a wall can hold them to, and the places that these name.
//!
//! A wall knows folders and files, not patterns: a glob that names a whole folder (`src/a/**`, `src/a/`) or one file can
//! be held to, any other cannot. What it names has to be there, without a link on the way: an empty folder made for it
//! would be a change of the person's workspace. The file tools are held to the same globs by their words; here nobody
//! reads more into them than those do.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};

use crate::{
    folders::{Folders, rest_inside},
    settings::SandboxSettings,
    start_up,
};

/// Lists of globs whose answer is kept. Commands are held to none that comes later, and nobody is told otherwise.
const MOST_KEPT: usize = 1_024;
/// Globs of one list.
const MOST_GLOBS: usize = 64;
/// Names that no task writes.
const PROTECTED: [&str; 2] = [".git", ".better-llm"];

/// The places that a command may write, of all in the workspace and the folders added to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    spots: Vec<Spot>,
}

/// A folder with all below it, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Absolute, without a link when it was looked at.
    pub(crate) path: PathBuf,
    is_folder: bool,
}

impl Held {
    /// What is written besides is outside of the workspace and the added folders. None where no wall can hold commands
    /// to that.
    fn to(writes: &[String], settings: &SandboxSettings, folders: &Folders) -> Option<Self> {
        // Commands write their caches wherever these are.
        let mut roots = settings.writable_roots();
        if writes.len() > MOST_GLOBS
            || roots.any(|root| root == Path::new("/") || rest_inside(&folders.toolchains, root).is_some())
        {
            return None;
        }
        let spots = writes.iter().map(|glob| Spot::of(glob, settings));
        Some(Self { spots: spots.collect::<Option<_>>()? })
    }

    /// Those that are still as they were: what has become a link, or something else, is not to be written.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&Spot, OwnedFd)> {
        self.spots.iter().filter_map(|spot| Some((spot, spot.open()?)))
    }

    /// Where they are, or were.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.spots.iter().map(|spot| spot.path.as_path())
    }
}

impl Spot {
    fn of(glob: &str, settings: &SandboxSettings) -> Option<Self> {
        let folder = glob.strip_suffix("/**").or_else(|| glob.strip_suffix('/'));
        let named = folder.unwrap_or(glob);
        if named.is_empty() || named.contains(['*', '?', '[', ']', '{', '}', '\\', '\0']) {
            return None;
        }
        let path = Path::new(named);
        // As the file tools name places: relative in the workspace, absolute in an added folder.
        let (root, inside) = if path.is_absolute() {
            let mut added = settings.writable_roots().skip(1);
            added.find_map(|root| Some((root, path.strip_prefix(root).ok()?)))?
        } else {
            (settings.workspace.as_path(), path)
        };
        let names = inside.components().map(|component| match component {
            Component::Normal(name) if PROTECTED.iter().all(|protected| name != *protected) => Some(name),
            _ => None,
        });
        let inside: PathBuf = names.collect::<Option<_>>()?;
        let whole = if inside.as_os_str().is_empty() { root.to_owned() } else { root.join(&inside) };
        let is_as_written =
            path.as_os_str() == if path.is_absolute() { whole.as_os_str() } else { inside.as_os_str() };
        let path = whole;
        let is_protected = settings
            .protected
            .iter()
            .chain(&settings.own)
            .chain(&settings.git_dirs)
            .any(|protected| path.starts_with(protected))
            || start_up::inside(root, settings).iter().any(|protected| inside.starts_with(protected));
        let read_only = settings.add_dirs.iter().filter(|added| !added.writable);
        let is_read_only = read_only.clone().any(|added| path.starts_with(&added.path));
        if !is_as_written || is_protected || is_read_only {
            return None;
        }
        let spot = Self { path, is_folder: folder.is_some() };
        spot.open().is_some().then_some(spot)
    }

    /// As it is now; none where it is not what it was, or a link leads there.
    fn open(&self) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::fs::openat2(CWD, &self.path, flags, Mode::empty(), resolve).ok()?;
        let stat = rustix::fs::fstat(&opened).ok()?;
        let is_it = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.is_folder,
            // What has another name would be written under that one, too.
            FileType::RegularFile => !self.is_folder && stat.st_nlink == 1,
            _ => false,
        };
        is_it.then_some(opened)
    }
}

/// The answers given so far: what is said of some globs once is said of them always, so that whoever lets runs work
/// side by side because their commands are held finds every command held.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<HashMap<Arc<[String]>, Answer>>);

/// None: commands are not held to these globs.
type Answer = Option<Arc<Held>>;

impl Answers {
    /// What commands of a task with these globs are held to; none where they are not.
    pub(crate) fn of(
        &self,
        writes: &[String],
        settings: &SandboxSettings,
        folders: &Folders,
    ) -> Option<Arc<Held>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(writes) {
            return answer.clone();
        }
        if answers.len() >= MOST_KEPT {
            return None;
        }
        let answer = Held::to(writes, settings, folders).map(Arc::new);
        answers.insert(writes.into(), answer.clone());
        answer
    }
}

#[cfg(test)]
mod tests;
