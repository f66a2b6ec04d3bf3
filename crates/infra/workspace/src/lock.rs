//! A lock that ends with its process: a file that is locked while it is held, and a note in it of who holds it.
//!
//! The lock is the kernel's (`flock`, on an open file), so two holders in one process are held apart as well, and nothing
//! of a dead process has to be cleaned up. The note is for people alone: nothing is decided by it, and a torn or missing
//! one says nobody's name. Nothing here waits longer than [`PATIENCE`]; who wants to wait asks again.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use domain::{file_system, id::SessionId, ports::Holder, time::Timestamp};
use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};
use serde::{Deserialize, Serialize};

/// How long a lock is tried for: somebody who only looks ([`holder`]) has it for a few system calls.
pub const PATIENCE: Duration = Duration::from_millis(20);
/// How often it is tried in that time.
const TRIES: u32 = 10;
/// The longest note that is read, in bytes.
const LONGEST_NOTE: u64 = 16 << 10;

/// Who takes a lock, as others read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The process.
    pub pid: u32,
    /// The session that it is taken for.
    pub session: SessionId,
    /// Since when.
    pub since: Timestamp,
    /// The folder that it is about, as text for people; none where it is about no folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl Note {
    /// A note of the calling process.
    #[must_use]
    pub fn new(session: SessionId, since: Timestamp) -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
        Self { pid, session, since, folder: None }
    }
}

/// A lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{holder} has the lock {}", place.display())]
    Held {
        /// The file.
        place: PathBuf,
        /// Who, as far as it can be told.
        holder: Holder,
    },
    /// The file lies where other computers write, too, whose locks are not seen here.
    #[error(
        "{} lies on a network file system ({kind}), where locks hold nobody off: set XDG_STATE_HOME or \
         BETTER_LLM_HOME to a folder on a local disk",
        place.display()
    )]
    Network {
        /// The file.
        place: PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
    /// The file could not be made, locked or written.
    #[error("cannot {doing} {}", place.display())]
    File {
        /// `make`, `lock`, `write`.
        doing: &'static str,
        /// The file.
        place: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How many may have a lock at once.
#[derive(Clone, Copy)]
enum Sharing {
    /// One.
    Alone,
    /// Any number that share it; nobody who has it alone.
    Shared,
}

/// A lock that is held. It is given back when this is dropped or the process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
    place: PathBuf,
}

impl Lock {
    /// Takes the lock file `place` for one holder; makes it (0600), and its folder (0700), where there is none. Blocks
    /// [`PATIENCE`] at most.
    ///
    /// # Errors
    /// [`LockError::Held`] where somebody has it, in this or another process.
    pub fn take(place: &Path, note: &Note) -> Result<Self, LockError> {
        let lock = Self::acquire(place, Sharing::Alone)?;
        lock.write(note).map_err(|source| failed("write", place, source))?;
        Ok(lock)
    }

    /// Takes it with others who share it. The note is left empty.
    pub(crate) fn share(place: &Path) -> Result<Self, LockError> {
        let lock = Self::acquire(place, Sharing::Shared)?;
        // While anybody shares it, a note can only be that of one who died.
        lock.file.set_len(0).map_err(|source| failed("write", place, source))?;
        Ok(lock)
    }

    fn acquire(place: &Path, sharing: Sharing) -> Result<Self, LockError> {
        let how = match sharing {
            Sharing::Alone => FlockOperation::NonBlockingLockExclusive,
            Sharing::Shared => FlockOperation::NonBlockingLockShared,
        };
        for attempt in 1..=TRIES {
            let file = open(place)?;
            match flock(&file, how) {
                Ok(()) if is_at(&file, place) => return Ok(Self { file, place: place.to_owned() }),
                // The one who had it removed the file in between.
                Ok(()) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if attempt < TRIES => thread::sleep(PATIENCE / TRIES),
                Err(Errno::WOULDBLOCK) => break,
                Err(errno) => return Err(failed("lock", place, errno.into())),
            }
        }
        let holder = read(place).map_or(Holder { session: None, pid: None }, |note| holder_of(&note));
        Err(LockError::Held { place: place.to_owned(), holder })
    }

    fn write(&self, note: &Note) -> io::Result<()> {
        let text = serde_json::to_vec(note)?;
        self.file.set_len(0)?;
        io::Write::write_all(&mut &self.file, &text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The last one takes the file along. Whoever has opened it in the meantime finds it gone, and opens it anew.
        let is_last = flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if is_last
            && is_at(&self.file, &self.place)
            && let Err(error) = fs::remove_file(&self.place)
        {
            tracing::debug!(%error, lock = %self.place.display(), "a lock file that nobody holds stays");
        }
        // A child that is just being started may hold a copy of the handle for a moment more.
        if let Err(error) = flock(&self.file, FlockOperation::Unlock) {
            tracing::debug!(%error, "a lock goes with its handle instead");
        }
    }
}

/// Who has the lock `place`; none where nobody has it. Where it cannot be told who, the holder has no name. Takes nothing
/// and makes nothing.
///
/// # Errors
/// Where the file is there and cannot be looked at.
pub fn holder(place: &Path) -> Result<Option<Holder>, LockError> {
    let opened =
        OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(place);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| failed("open", place, source))?,
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(Errno::WOULDBLOCK) => {
            Ok(Some(note_in(file).map_or(Holder { session: None, pid: None }, |note| holder_of(&note))))
        }
        Err(errno) => Err(failed("lock", place, errno.into())),
    }
}

/// The note in a lock file, whether or not anybody holds it.
pub(crate) fn read(place: &Path) -> Option<Note> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    note_in(OpenOptions::new().read(true).custom_flags(flags).open(place).ok()?)
}

fn note_in(mut file: File) -> Option<Note> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(LONGEST_NOTE).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

pub(crate) const fn holder_of(note: &Note) -> Holder {
    Holder { session: Some(note.session), pid: Some(note.pid) }
}

fn open(place: &Path) -> Result<File, LockError> {
    let folder = place.parent().unwrap_or(place);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| failed("make", folder, source))?;
    if let Some(kind) = network_below(folder).map_err(|source| failed("look at", folder, source))? {
        return Err(LockError::Network { place: place.to_owned(), kind });
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.open(place).map_err(|source| failed("make", place, source))
}

#[cfg(target_os = "linux")]
fn network_below(folder: &Path) -> io::Result<Option<&'static str>> {
    let about = rustix::fs::statfs(folder)?;
    // The field's type differs between architectures; the magic numbers are 32 bits on all of them.
    let magic = u32::try_from(i128::from(about.f_type) & 0xffff_ffff).unwrap_or_default();
    Ok(file_system::network_by_magic(magic))
}

/// Elsewhere the kind of a file system is not told by a number.
#[cfg(not(target_os = "linux"))]
fn network_below(_folder: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Whether `file` is still what lies at `place`.
fn is_at(file: &File, place: &Path) -> bool {
    let identity = |data: &fs::Metadata| (data.dev(), data.ino());
    let there = fs::symlink_metadata(place);
    there.is_ok_and(|there| file.metadata().is_ok_and(|own| identity(&own) == identity(&there)))
}

fn failed(doing: &'static str, place: &Path, source: io::Error) -> LockError {
    LockError::File { doing, place: place.to_owned(), source }
}

#[cfg(test)]
mod tests;
