//! Protected files at level `kernel`: compared before and after each command, and put back (contract 6).
//!
//! Landlock cannot take a part out of a granted folder, so what lies in the workspace and must not change is watched
//! instead: the repository's `config`, `hooks`, `info`, `HEAD` and refs, the settings and hooks of its submodules and
//! worktrees and of repositories below it, and our own files. Index and objects are not compared. Whoever changes these
//! files while a command runs (an engine commit, a person in another terminal) has the change put back, too: the engine
//! runs no commit beside commands.

mod inner;
mod nested;
mod remove;
mod restore;
mod snapshot;

use std::{
    collections::BTreeMap,
    io, mem,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use domain::command::NotRestored;
use rustix::fs::{Mode, OFlags};

use self::{inner::Inner, nested::Nested, restore::Root, snapshot::Snapshot};
use crate::{folders::rest_inside, settings::SandboxSettings, settle::Settled};

/// Why protected files could not be guarded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardError {
    /// A protected file could not be looked at.
    #[error("cannot look at the protected path {}", path.display())]
    Look {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// There is more to protect than is kept.
    #[error(
        "{} is too much to protect (at most {most}); where refs are many, `git pack-refs --all` makes them one file",
        path.display()
    )]
    TooMuch { path: PathBuf, most: &'static str },
}

/// How closely a path is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// It and everything below it.
    Whole,
    /// That it is the folder it was, or missing as it was: a git dir. What counts in it is watched on its own.
    Place,
    /// The same, but a folder may come where none was: it only leads to watched paths.
    Way,
}

/// Knows which paths of a workspace are protected, and remembers how they last looked.
pub(crate) struct Guard {
    workspace: PathBuf,
    /// Relative to the workspace.
    watched: BTreeMap<PathBuf, Watch>,
    /// Folders whose unwatched content would be lost with them: git dirs. Relative to the workspace.
    precious: Vec<PathBuf>,
    /// Repositories below the workspace's own, once they were looked for.
    nested: OnceLock<Nested>,
    memory: Mutex<Memory>,
}

/// What is remembered between commands.
#[derive(Default)]
struct Memory {
    /// How it last looked.
    last: Option<Last>,
    /// How it looked before the first of those commands that run now.
    running: Weak<Before>,
}

struct Last {
    inner: Inner,
    snapshot: Arc<Snapshot>,
}

/// How everything looked while nothing ran, and what putting it back takes.
struct Before {
    root: Root,
    snapshot: Arc<Snapshot>,
    precious: Vec<Held>,
    reserve: Mutex<Vec<OwnedFd>>,
}

/// More descriptors than putting back has open at a time. They are kept while commands run, so that it works where
/// there are no others left.
const RESERVE: usize = 8;

/// Parts of a git dir that decide what runs and what is committed. `commondir` and `config.worktree` are ways to
/// the same settings, `reftable` holds refs of newer repositories, the plan of a rebase holds commands.
const GIT_PARTS: [&str; 10] = [
    "HEAD",
    "commondir",
    "config",
    "config.worktree",
    "hooks",
    "info",
    "packed-refs",
    "refs",
    "reftable",
    "rebase-merge/git-rebase-todo",
];

impl Guard {
    /// Everything that is protected in `root`, a folder that commands may write.
    pub(crate) fn of_root(root: &Path, settings: &SandboxSettings) -> Self {
        let inside = |path: &Path| rest_inside(path, root);
        let mut precious: Vec<PathBuf> = settings.git_dirs.iter().filter_map(|dir| inside(dir)).collect();
        precious.push(PathBuf::from(".git"));
        precious.sort();
        precious.dedup();

        let ours = settings.protected.iter().filter_map(|path| inside(path));
        let parts = precious.iter().flat_map(|dir| GIT_PARTS.map(|part| dir.join(part)));
        let mut guard = Self::of_paths(root, ours.chain(parts));
        guard.watched.extend(precious.iter().map(|dir| (dir.clone(), Watch::Place)));
        Self { precious, nested: OnceLock::new(), ..guard }
    }

    /// These paths alone, relative to `root`.
    pub(crate) fn of_paths(root: &Path, paths: impl Iterator<Item = PathBuf>) -> Self {
        let mut watched = BTreeMap::new();
        paths.for_each(|path| watch(&mut watched, path));
        // Where only some paths are asked for, nothing else is looked for.
        let nested = OnceLock::from(Nested::default());
        Self { workspace: root.to_owned(), watched, precious: Vec::new(), nested, memory: Mutex::default() }
    }

    /// How everything looks before a command. Costs one `lstat` per path where nothing changed since the last time.
    ///
    /// Where commands or servers run already, it is how everything looked before the first of them: what one of them
    /// has changed by now is nothing to go back to.
    pub(crate) fn before(&self) -> Result<Baseline, GuardError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match memory.running.upgrade() {
            Some(before) => before,
            None => Arc::new(self.look(&mut memory.last)?),
        };
        memory.running = Arc::downgrade(&before);
        Ok(Baseline { workspace: self.workspace.clone(), before, is_settled: false })
    }

    fn look(&self, last: &mut Option<Last>) -> Result<Before, GuardError> {
        let snapshot = match &*last {
            Some(last) if last.inner.is_unchanged() && last.snapshot.is_unchanged() => {
                Arc::clone(&last.snapshot)
            }
            older => {
                let inner = Inner::find(&self.workspace, self.git_dirs())?;
                let mut watched = self.watched.clone();
                inner.parts().chain(self.nested().parts()).for_each(|path| watch(&mut watched, path));
                watched.extend(self.nested().git_dirs.iter().map(|dir| (dir.clone(), Watch::Place)));
                let older = older.as_ref().map(|last| &*last.snapshot);
                let snapshot = Arc::new(Snapshot::take(&self.workspace, &watched, older)?);
                *last = Some(Last { inner, snapshot: Arc::clone(&snapshot) });
                snapshot
            }
        };
        let precious = self.git_dirs().filter_map(|dir| hold(&self.workspace, dir)).collect();
        let look = |source| GuardError::Look { path: self.workspace.clone(), source };
        let root = Root::hold(&self.workspace).map_err(look)?;
        let reserve = (0..RESERVE).map(|_| root.as_fd().try_clone_to_owned()).collect::<io::Result<_>>();
        Ok(Before { root, snapshot, precious, reserve: Mutex::new(reserve.map_err(look)?) })
    }

    fn nested(&self) -> &Nested {
        self.nested.get_or_init(|| Nested::find(&self.workspace))
    }

    /// The git dirs of the workspace and of repositories in it.
    fn git_dirs(&self) -> impl Iterator<Item = &PathBuf> {
        self.precious.iter().chain(&self.nested().git_dirs)
    }
}

/// Adds a path and the ways to it.
fn watch(watched: &mut BTreeMap<PathBuf, Watch>, path: PathBuf) {
    if path.as_os_str().is_empty() {
        return;
    }
    // A link in place of a folder on the way would lead the comparison, and the putting back, elsewhere.
    for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
        watched.entry(above.to_owned()).or_insert(Watch::Way);
    }
    watched.insert(path, Watch::Whole);
}

/// A folder that is held open, so that it is found again wherever a command moves it.
#[derive(Debug)]
struct Held {
    name: PathBuf,
    folder: OwnedFd,
}

fn hold(workspace: &Path, name: &Path) -> Option<Held> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(workspace.join(name), flags, Mode::empty()).ok()?;
    Some(Held { name: name.to_owned(), folder })
}

/// How everything looked before a command. Dropped unsettled it puts back all the same.
pub(crate) struct Baseline {
    workspace: PathBuf,
    before: Arc<Before>,
    is_settled: bool,
}

impl Baseline {
    /// Undoes every change to a protected path. Call when the command is gone; again, as long as something is not
    /// restored.
    pub(crate) fn put_back(&mut self) -> Settled {
        let Before { root, snapshot, precious, reserve } = &*self.before;
        let mut settled = Settled::default();
        if !snapshot.is_unchanged() {
            drop(mem::take(&mut *reserve.lock().unwrap_or_else(PoisonError::into_inner)));
            settled = restore::put_back(&self.workspace, root, snapshot, precious);
        }
        self.is_settled = settled.not_restored.is_empty();
        settled
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        if !self.is_settled {
            for NotRestored { path, why, .. } in self.put_back().not_restored {
                tracing::error!(path, why, "a protected path stays changed");
            }
        }
    }
}
