//! Protected files at level `kernel`: compared before and after each command, and put back (contract 6).
//!
//! Landlock cannot take a part out of a granted folder, so what lies in the workspace and must not change is watched
//! instead: the repository's `config`, `hooks`, `info`, `HEAD` and refs, the settings and hooks of its submodules and
//! worktrees and of repositories below it, our own files, and what shells run when they start. Index and objects are
//! not compared. Whoever changes these files while a command runs (an engine commit, a person in another terminal) has
//! the change put back, too: the engine runs no commit beside commands.

mod inner;
mod record;
mod recover;
mod remove;
mod restore;
mod snapshot;
mod spot;

use std::{
    collections::BTreeMap,
    io, mem,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use domain::command::NotRestored;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use self::{inner::Inner, snapshot::Snapshot, spot::Root};
pub(crate) use self::{
    recover::{Recovered, recover},
    restore::When,
};
use crate::{
    folders::rest_inside,
    leftover::{Armed, Shelf},
    repositories::{Extent, Repositories},
    settings::SandboxSettings,
    settle::Settled,
    start_up,
};

/// Parts of a nested repository's git dir that decide what runs.
const NESTED_PARTS: [&str; 6] = ["HEAD", "commondir", "config", "config.worktree", "hooks", "info"];

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
    /// How they look could not be written down.
    #[error("cannot keep in {} how protected files look; make it a folder that you may write, on a disk with room", path.display())]
    Keep {
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
    nested: OnceLock<Repositories>,
    /// None where nothing is kept for those who come after us.
    shelf: Option<Shelf>,
    memory: Mutex<Memory>,
}

/// What is remembered between commands.
#[derive(Default)]
struct Memory {
    /// How it last looked.
    last: Option<Last>,
    /// How it looked before the first of those commands that run now.
    running: Weak<Before>,
    /// What stands on the shelf.
    kept: Kept,
}

#[derive(Default)]
struct Kept {
    snapshot: Weak<Snapshot>,
    digest: Option<Vec<u8>>,
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
    /// As long as this is there, somebody else would put it back if we were killed.
    armed: Option<Armed>,
}

/// More descriptors than putting back has open at a time. They are kept while commands run, so that it works where
/// there are no others left.
const RESERVE: usize = 8;

/// Parts of a git dir that decide what runs and what is committed. `commondir` and `config.worktree` are ways to
/// the same settings, `reftable` holds refs of newer repositories, the plan of a rebase holds commands.
pub(crate) const GIT_PARTS: [&str; 10] = [
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
        let start_up = start_up::inside(root, settings);
        let mut guard = Self::of_paths(root, ours.chain(parts).chain(start_up));
        guard.watched.extend(precious.iter().map(|dir| (dir.clone(), Watch::Place)));
        Self { precious, nested: OnceLock::new(), ..guard }
    }

    /// These paths alone, relative to `root`.
    pub(crate) fn of_paths(root: &Path, paths: impl Iterator<Item = PathBuf>) -> Self {
        let mut watched = BTreeMap::new();
        paths.for_each(|path| watch(&mut watched, path));
        // Where only some paths are asked for, nothing else is looked for.
        let nested = OnceLock::from(Repositories::default());
        Self {
            workspace: root.to_owned(),
            watched,
            precious: Vec::new(),
            nested,
            shelf: None,
            memory: Mutex::default(),
        }
    }

    /// Keeps how everything looks there, too, while commands run.
    pub(crate) fn kept_on(self, shelf: Option<Shelf>) -> Self {
        Self { shelf, ..self }
    }

    /// How everything looks before a command. Costs one `lstat` per path where nothing changed since the last time.
    ///
    /// Where commands or servers run already, it is how everything looked before the first of them: what one of them
    /// has changed by now is nothing to go back to.
    pub(crate) fn before(&self) -> Result<Baseline, GuardError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match memory.running.upgrade() {
            Some(before) => before,
            None => {
                let mut before = self.look(&mut memory.last)?;
                let failed = |path: &Path, source| GuardError::Keep { path: path.to_owned(), source };
                if let Some(shelf) = &self.shelf {
                    let armed = self.arm(shelf, &before, &mut memory.kept);
                    before.armed = Some(armed.map_err(|source| failed(shelf.folder(), source))?);
                }
                Arc::new(before)
            }
        };
        memory.running = Arc::downgrade(&before);
        Ok(Baseline { workspace: self.workspace.clone(), before, is_settled: false })
    }

    /// Writes down how everything looks, where that is not what was written last.
    fn arm(&self, shelf: &Shelf, before: &Before, kept: &mut Kept) -> io::Result<Armed> {
        let now = Arc::downgrade(&before.snapshot);
        if Weak::ptr_eq(&kept.snapshot, &now)
            && let Some(armed) = shelf.arm()?
        {
            return Ok(armed);
        }
        let git_dirs = before.precious.iter().map(|held| Ok((&*held.name, spot::identity(&held.folder)?)));
        let git_dirs = git_dirs.collect::<io::Result<Vec<_>>>()?;
        let root = (&*self.workspace, before.root.identity()?, before.root.mode());
        let record = record::write(root, git_dirs.into_iter(), before.snapshot.entries.iter());
        // Files that changed a moment ago are looked at anew, and mostly found as they were.
        let digest = Some(Sha256::digest(&record).to_vec());
        if kept.digest != digest || !shelf.is_there() {
            shelf.write(&record)?;
        }
        *kept = Kept { snapshot: now, digest };
        shelf.arm()?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn look(&self, last: &mut Option<Last>) -> Result<Before, GuardError> {
        let snapshot = match &*last {
            Some(last) if last.inner.is_unchanged() && last.snapshot.is_unchanged() => {
                Arc::clone(&last.snapshot)
            }
            older => {
                let inner = Inner::find(&self.workspace, self.git_dirs())?;
                let mut watched = self.watched.clone();
                inner.parts().chain(parts(self.nested())).for_each(|path| watch(&mut watched, path));
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
        let reserve = Mutex::new(reserve.map_err(look)?);
        Ok(Before { root, snapshot, precious, reserve, armed: None })
    }

    fn nested(&self) -> &Repositories {
        self.nested.get_or_init(|| Repositories::below(&self.workspace))
    }

    /// How far it was looked for repositories; none before the first command.
    pub(crate) fn extent(&self) -> Option<Extent> {
        self.nested.get().map(Repositories::extent)
    }

    /// The git dirs of the workspace and of repositories in it.
    fn git_dirs(&self) -> impl Iterator<Item = &PathBuf> {
        self.precious.iter().chain(&self.nested().git_dirs)
    }
}

/// What decides in nested repositories what runs.
fn parts(nested: &Repositories) -> impl Iterator<Item = PathBuf> + '_ {
    let parts = nested.git_dirs.iter().flat_map(|dir| NESTED_PARTS.map(|part| dir.join(part)));
    parts.chain(nested.pointers.iter().cloned())
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
        let Before { root, snapshot, precious, reserve, armed: _ } = &*self.before;
        let mut settled = Settled::default();
        if self.workspace.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            settled.not_restored.push(NotRestored {
                path: self.workspace.display().to_string(),
                is_new: false,
                why: "the workspace was moved or removed, which none of its own commands can do, so what they changed \
                      in it cannot be looked at; start again where it is now"
                    .to_owned(),
            });
        } else if !snapshot.is_unchanged() {
            drop(mem::take(&mut *reserve.lock().unwrap_or_else(PoisonError::into_inner)));
            settled = restore::put_back((&self.workspace, root), snapshot, precious, When::AtOnce);
        }
        self.is_settled = settled.not_restored.is_empty();
        settled
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let not_restored = self.put_back().not_restored;
        if let (false, Some(armed)) = (not_restored.is_empty(), &self.before.armed) {
            armed.leave_armed();
        }
        for NotRestored { path, why, .. } in not_restored {
            tracing::error!(path, why, "a protected path stays changed");
        }
    }
}
