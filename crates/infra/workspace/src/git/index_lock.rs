//! The lock on the person's index, as every git program takes it: `index.lock`. Ours says that it is ours, and what to do
//! about it where we die while we hold it.
//!
//! Whether its holder lives is the kernel's business (`flock`): a lock of ours that nobody holds is a dead program's.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The first line of a lock of ours; the second names the commit that the branch is being moved to.
const OURS: &str = "better-llm";
/// The index as it will be, beside the index.
const PREPARED: &str = "index.better-llm";
/// A lock that has not got its name.
const UNNAMED: &str = "index.lock.better-llm";
/// A lock of ours is shorter, in bytes.
const LONGEST: u64 = 256;

/// The lock. Dropped without [`IndexLock::install`], it leaves the index as it was.
#[derive(Debug)]
pub(crate) struct IndexLock {
    git_dir: PathBuf,
    /// Open for as long as it is held.
    file: File,
    is_held: bool,
}

impl IndexLock {
    /// Takes the lock of the index in `git_dir`.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where another git program holds it.
    pub(crate) fn take(git_dir: &Path) -> io::Result<Self> {
        let lock = place(git_dir);
        // It gets its name when it says whose it is: nobody ever finds one of ours that does not.
        let unnamed = git_dir.join(UNNAMED);
        remove(&unnamed)?;
        let mut file = create(&unnamed)?;
        let named = flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(format!("{OURS}\n").as_bytes()))
            .and_then(|()| fs::hard_link(&unnamed, &lock));
        remove(&unnamed)?;
        match named {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // The file system has no second names or no locks: what lies there holds others off all the same.
            Err(_) => file = create(&lock)?,
        }
        Ok(Self { git_dir: git_dir.to_owned(), file, is_held: true })
    }

    /// The lock of a program of ours that died, and the commit that it was moving the branch to, where it was. None where
    /// there is no lock, or one that somebody holds, or a stranger's.
    pub(crate) fn abandoned(git_dir: &Path) -> io::Result<Option<(Self, Option<String>)>> {
        let mut file = match OpenOptions::new().read(true).write(true).open(place(git_dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = String::new();
        let is_text = Read::take(&mut file, LONGEST).read_to_string(&mut text).is_ok();
        let mut lines = text.lines();
        if !is_text || lines.next() != Some(OURS) {
            return Ok(None);
        }
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        // Somebody else may have cleared it away before we had it.
        let is_there = fs::metadata(place(git_dir)).is_ok_and(|there| {
            file.metadata().is_ok_and(|ours| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        });
        // What was cut off in the middle is no commit: the branch has not begun to move.
        let commit = lines.next().filter(|_| text.ends_with('\n')).map(str::to_owned);
        let lock = Self { git_dir: git_dir.to_owned(), file, is_held: is_there };
        Ok(is_there.then_some((lock, commit)))
    }

    /// Lays ready what the index will be: the content of `next`, with its time, because git compares that with the times of
    /// files.
    pub(crate) fn prepare(&mut self, next: &Path) -> io::Result<()> {
        let modified = fs::metadata(next)?.modified()?;
        let mut file = File::create(self.git_dir.join(PREPARED))?;
        io::copy(&mut File::open(next)?, &mut file)?;
        if let Ok(data) = fs::metadata(self.git_dir.join("index")) {
            file.set_permissions(data.permissions())?;
        }
        file.set_modified(modified)?;
        file.sync_all()
    }

    /// The branch is about to move to `commit`: from then on what was laid ready is the index that fits it, also for who
    /// finds the lock.
    pub(crate) fn moves_to(&mut self, commit: &str) -> io::Result<()> {
        self.file.seek(io::SeekFrom::End(0))?;
        self.file.write_all(format!("{commit}\n").as_bytes())?;
        self.file.sync_all()
    }

    /// Puts in the index's place what was laid ready, and gives the lock back.
    pub(crate) fn install(self) -> io::Result<()> {
        fs::rename(self.git_dir.join(PREPARED), self.git_dir.join("index"))
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        for file in [self.git_dir.join(PREPARED), place(&self.git_dir)] {
            if let Err(error) = remove(&file) {
                tracing::warn!(%error, file = %file.display(), "cannot give the git index back");
            }
        }
    }
}

fn create(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(file)
}

/// What is not there is removed already.
fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn place(git_dir: &Path) -> PathBuf {
    git_dir.join("index.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, name: &str) -> Option<String> {
        fs::read_to_string(folder.join(name)).ok()
    }

    /// A lock as a program that dies leaves it: nobody holds it, and nobody has cleaned up.
    fn left_behind(folder: &Path, text: &str) {
        fs::write(place(folder), text).unwrap();
        fs::write(folder.join(PREPARED), "next").unwrap();
    }

    #[test]
    fn a_lock_holds_others_off_and_goes_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let lock = IndexLock::take(folder.path()).unwrap();
        assert_eq!(IndexLock::take(folder.path()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(IndexLock::abandoned(folder.path()).unwrap().is_none(), "its holder lives");
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_laid_ready_becomes_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let next = folder.path().join("next");
        fs::write(&next, "next").unwrap();
        let mut lock = IndexLock::take(folder.path()).unwrap();
        lock.prepare(&next).unwrap();
        lock.moves_to("abc").unwrap();
        assert_eq!(read(folder.path(), "index.lock").as_deref(), Some("better-llm\nabc\n"));
        lock.install().unwrap();
        assert_eq!(read(folder.path(), "index").as_deref(), Some("next"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the index and the test's own file");
    }

    #[test]
    fn a_lock_that_a_dead_program_of_ours_left_says_what_it_was_about() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in
            [("better-llm\n", None), ("better-llm\nab", None), ("better-llm\nabc\n", Some("abc"))]
        {
            left_behind(folder.path(), text);
            let (lock, commit) = IndexLock::abandoned(folder.path()).unwrap().expect(text);
            assert_eq!(commit.as_deref(), expected);
            assert!(IndexLock::abandoned(folder.path()).unwrap().is_none(), "one finds it");
            drop(lock);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_strangers_lock_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(IndexLock::abandoned(folder.path()).unwrap().is_none());
        for bytes in [&b""[..], b"DIRC\xff\x00", b"better-llm2\n"] {
            fs::write(place(folder.path()), bytes).unwrap();
            assert!(IndexLock::abandoned(folder.path()).unwrap().is_none());
        }
    }
}
