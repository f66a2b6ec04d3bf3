//! The lock on the person's index, as every git program takes it: `index.lock`, which becomes the index.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The lock. Dropped without [`IndexLock::install`], it leaves the index as it was.
#[derive(Debug)]
pub(crate) struct IndexLock {
    index: PathBuf,
    lock: Option<PathBuf>,
}

impl IndexLock {
    /// Takes the lock of the index in `git_dir`.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where another git program holds it.
    pub(crate) fn take(git_dir: &Path) -> io::Result<Self> {
        let lock = git_dir.join("index.lock");
        OpenOptions::new().write(true).create_new(true).open(&lock)?;
        Ok(Self { index: git_dir.join("index"), lock: Some(lock) })
    }

    /// Puts the content of `next` in the index's place, with its time: git compares it with the times of files.
    pub(crate) fn install(mut self, next: &Path) -> io::Result<()> {
        let Some(lock) = self.lock.as_ref() else { return Ok(()) };
        let modified = fs::metadata(next)?.modified()?;
        let mut file = OpenOptions::new().write(true).open(lock)?;
        io::copy(&mut File::open(next)?, &mut file)?;
        if let Ok(data) = fs::metadata(&self.index) {
            file.set_permissions(data.permissions())?;
        }
        file.set_modified(modified)?;
        file.sync_all()?;
        fs::rename(lock, &self.index)?;
        self.lock = None;
        Ok(())
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock
            && let Err(error) = fs::remove_file(lock)
        {
            tracing::warn!(%error, lock = %lock.display(), "cannot remove our lock of the git index");
        }
    }
}
