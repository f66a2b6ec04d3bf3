//! The folder of a session's states: what lasts in it, and what each opening needs for itself.
//!
//! `objects` (git's), `copies` (contents by digest) and `states` (one record per checkpoint) last until the session is
//! deleted or pushed out by newer ones. `open/<n>` is one opening's own — git directory, indexes, staged files — and
//! is locked while its process lives, so that what a killed one left behind is told from what is in use.
//! Nothing in here is ever rewritten in place: a process that dies leaves whole files or none.

mod siblings;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::{DirBuilderExt, OpenOptionsExt},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::workspace::Checkpoint;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::settings::WorkspaceSettings;

/// Names whose workspace the states are of; also what tells a folder of states from others.
const WORKSPACE: &str = "better-llm-states-of";
/// How many bytes of content the session has added, as a number.
const SIZE: &str = "size";
const OPEN: &str = "open";
/// The longest record of a state that is read back.
const LONGEST_RECORD: u64 = 256 << 20;

/// A session's states, opened.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    scratch: Arc<Scratch>,
    /// Folders of sessions that this one was forked from, the nearest first.
    ancestors: Vec<PathBuf>,
    /// The folder of the session before in the same workspace, to share contents with.
    earlier: Option<PathBuf>,
    /// How many bytes of content earlier openings have added.
    size_before: u64,
    began_without_git: bool,
}

impl Store {
    /// Makes the folder or opens it again; removes what dead processes left beside it, and sessions that are too
    /// many. Blocks.
    pub(crate) fn open(settings: &WorkspaceSettings) -> io::Result<Self> {
        let folder = settings.store.clone();
        for place in [folder.clone(), folder.join("copies"), folder.join("states"), folder.join(OPEN)] {
            private_folder(&place)?;
        }
        private_folder(&folder.join("objects/info"))?;
        let scratch = Arc::new(Scratch::claim(&folder.join(OPEN))?);
        let workspace = folder.join(WORKSPACE);
        if !workspace.is_file() {
            scratch.put(settings.root.as_os_str().as_bytes(), &workspace)?;
        }
        let earlier = siblings::tidy(&folder, settings);
        let size_before = size_of(&folder);
        let ancestors = settings.ancestors.clone();
        let began_without_git = ancestors.iter().chain([&folder]).any(|place| is_without_git(place));
        Ok(Self { folder, scratch, ancestors, earlier, size_before, began_without_git })
    }

    pub(crate) const fn scratch(&self) -> &Arc<Scratch> {
        &self.scratch
    }

    /// Whether earlier openings kept states as outside of git. A session's states are all of one kind.
    pub(crate) const fn began_without_git(&self) -> bool {
        self.began_without_git
    }

    /// Git's objects.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    /// Contents by digest.
    pub(crate) fn copies(&self) -> PathBuf {
        self.folder.join("copies")
    }

    /// Git's objects of sessions that this one was forked from, as far as they are there.
    pub(crate) fn objects_of_ancestors(&self) -> impl Iterator<Item = PathBuf> {
        self.ancestors.iter().map(|ancestor| ancestor.join("objects")).filter(|objects| objects.is_dir())
    }

    /// Contents by digest of sessions that this one was forked from.
    pub(crate) fn copies_of_ancestors(&self) -> Vec<PathBuf> {
        self.ancestors.iter().map(|ancestor| ancestor.join("copies")).collect()
    }

    pub(crate) fn earlier(&self) -> Option<&Path> {
        self.earlier.as_deref()
    }

    /// Remembers how many bytes of content this opening has added by now.
    pub(crate) fn note_added(&self, bytes: u64) -> io::Result<()> {
        let bytes = self.size_before.saturating_add(bytes);
        self.scratch.put(bytes.to_string().as_bytes(), &self.folder.join(SIZE))
    }

    /// Keeps the record of a state under a name that begins with `prefix` and was not given before. On disk when
    /// this returns.
    pub(crate) fn keep_state(&self, prefix: &str, record: &[u8]) -> io::Result<Checkpoint> {
        let states = self.folder.join("states");
        let half = self.scratch.write(record)?;
        File::open(&half)?.sync_all()?;
        let mut number = fs::read_dir(&states)?.count();
        loop {
            number = number.saturating_add(1);
            let id = format!("{prefix}-{number}{}", self.mark());
            match fs::hard_link(&half, states.join(&id)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    File::open(&states)?.sync_all()?;
                    fs::remove_file(half)?;
                    return Ok(Checkpoint::new(&id));
                }
            }
        }
    }

    /// What keeps the names of a fork's states apart from those that it shares.
    fn mark(&self) -> String {
        let name = self.folder.file_name().filter(|_| !self.ancestors.is_empty());
        let name = name.and_then(|name| name.to_str()).unwrap_or_default();
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        if name.is_empty() { name } else { format!("-{name}") }
    }

    /// The record of a state; none where it is not kept here or with a session that this one was forked from.
    pub(crate) fn state(&self, checkpoint: &Checkpoint) -> io::Result<Option<Vec<u8>>> {
        for folder in std::iter::once(&self.folder).chain(&self.ancestors) {
            let Some(place) = place_of(folder, checkpoint) else { continue };
            match fs::metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(data) if data.len() > LONGEST_RECORD => return Err(io::ErrorKind::FileTooLarge.into()),
                Ok(_) => return fs::read(place).map(Some),
            }
        }
        Ok(None)
    }
}

/// Where a state of the session whose folder this is would be recorded; none for what names no state.
fn place_of(folder: &Path, checkpoint: &Checkpoint) -> Option<PathBuf> {
    let id = checkpoint.as_str();
    let is_name = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| folder.join("states").join(id))
}

/// Whether a session that keeps its states in `folder` has kept this one there.
#[must_use]
pub fn has_state(folder: &Path, checkpoint: &Checkpoint) -> bool {
    place_of(folder, checkpoint).is_some_and(|place| place.is_file())
}

/// Whether a session that keeps its states in `folder` has them open, in this or another process.
#[must_use]
pub fn is_in_use(folder: &Path) -> bool {
    let Ok(openings) = fs::read_dir(folder.join(OPEN)) else { return false };
    openings.flatten().any(|opening| is_claimed(&opening.path()))
}

/// The state that was kept last in `folder`.
pub(crate) fn newest_state(folder: &Path) -> Option<Checkpoint> {
    let states = fs::read_dir(folder.join("states")).ok()?.flatten();
    let newest = states.max_by_key(|entry| entry.metadata().and_then(|data| data.modified()).ok())?;
    Some(Checkpoint::new(newest.file_name().to_str()?))
}

fn is_claimed(opening: &Path) -> bool {
    lock(opening, FlockOperation::NonBlockingLockExclusive)
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn lock(folder: &Path, how: FlockOperation) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    flock(&folder, how)?;
    Ok(folder)
}

/// Whether a session kept states in `folder` as outside of git.
fn is_without_git(folder: &Path) -> bool {
    let states = fs::read_dir(folder.join("states")).into_iter().flatten().flatten();
    states.map(|state| state.file_name()).any(|name| name.as_bytes().starts_with(b"files-"))
}

fn size_of(folder: &Path) -> u64 {
    let text = fs::read_to_string(folder.join(SIZE)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// What one opening needs for itself. Goes when the last user lets go of it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    lock: OwnedFd,
}

impl Scratch {
    /// Removes what dead processes left in `openings` and claims a folder of our own there.
    fn claim(openings: &Path) -> io::Result<Self> {
        // Held for the few system calls between making a folder and locking it.
        let _gate = lock(openings, FlockOperation::LockExclusive)?;
        remove_unclaimed(openings)?;
        for number in 1..=u16::MAX {
            let folder = openings.join(number.to_string());
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let lock = lock(&folder, FlockOperation::NonBlockingLockExclusive)?;
                    return Ok(Self { folder, lock });
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file of this opening's with a name that nothing else bears.
    fn write(&self, content: &[u8]) -> io::Result<PathBuf> {
        let mut number = 0_u32;
        loop {
            let half = self.join(&format!("half-{number}"));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.saturating_add(1)
                }
                Err(error) => return Err(error),
                Ok(mut file) => {
                    file.write_all(content)?;
                    return Ok(half);
                }
            }
        }
    }

    /// Writes a file whole or not at all, over one that is there.
    pub(crate) fn put(&self, content: &[u8], place: &Path) -> io::Result<()> {
        fs::rename(self.write(content)?, place)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot remove the temporary files of a workspace");
        }
        // A child that is just being started may hold a copy of the handle for a moment more.
        if let Err(error) = flock(&self.lock, FlockOperation::Unlock) {
            tracing::debug!(%error, "a lock goes with its handle instead");
        }
    }
}

/// Removes the openings of processes that are gone.
fn remove_unclaimed(openings: &Path) -> io::Result<()> {
    for opening in fs::read_dir(openings)? {
        let place = opening?.path();
        if !is_claimed(&place) {
            fs::remove_dir_all(place)?;
        }
    }
    Ok(())
}
