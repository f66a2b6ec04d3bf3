//! The folder of our own, outside of the workspace: index, objects and copies. It goes with the value that uses it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Everything that is ever put into the folder. Nothing else in it is touched.
const OURS: [&str; 8] = [
    "git",
    "copies",
    "index",
    "index.lock",
    "commit-index",
    "commit-index.lock",
    "next-index",
    "next-index.lock",
];

/// Our folder, while it exists.
#[derive(Debug)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// Makes the folder, or empties it of what a process that died left in it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let store = Self(folder.to_owned());
        store.empty()?;
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(store)
    }

    fn empty(&self) -> io::Result<()> {
        for name in OURS {
            let place = self.0.join(name);
            let is_folder = place.symlink_metadata().is_ok_and(|data| data.is_dir());
            let removed = if is_folder { fs::remove_dir_all(&place) } else { fs::remove_file(&place) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.empty().and_then(|()| fs::remove_dir(&self.0)) {
            tracing::warn!(%error, folder = %self.0.display(), "cannot remove the folder of a workspace's states");
        }
    }
}
