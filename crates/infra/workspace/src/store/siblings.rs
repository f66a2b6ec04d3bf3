//! The states of other sessions, in the folders beside ours: found to share contents with, cleaned of what died, and
//! removed when they are too many or too large together.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;

use super::{OPEN, WORKSPACE, is_in_use, lock, remove_unclaimed, size_of};
use crate::settings::WorkspaceSettings;

/// The most folders beside ours that are looked at.
const MOST_FOLDERS: usize = 10_000;

/// Cleans up beside `ours`, and gives the newest folder of states of the same workspace. What cannot be cleaned up now
/// is left to the next session: no session fails for it.
pub(super) fn tidy(ours: &Path, settings: &WorkspaceSettings) -> Option<PathBuf> {
    let root = settings.root.as_os_str().as_bytes();
    let (mut earlier, mut stores, mut bytes) = (None, 1_usize, 0_u64);
    for folder in beside(ours) {
        stores = stores.saturating_add(1);
        bytes = bytes.saturating_add(size_of(&folder));
        let is_over = stores > settings.bounds.stores || bytes > settings.bounds.stores_bytes;
        let cleaned = if is_over { remove(&folder) } else { clean(&folder) };
        if let Err(error) = cleaned {
            tracing::warn!(%error, folder = %folder.display(), "cannot clean up the states of an earlier session");
        }
        if !is_over && earlier.is_none() && fs::read(folder.join(WORKSPACE)).is_ok_and(|text| text == root) {
            earlier = Some(folder);
        }
    }
    earlier
}

/// Folders of states beside `ours`, newest first: names of sessions sort by time.
fn beside(ours: &Path) -> Vec<PathBuf> {
    let Some(entries) = ours.parent().and_then(|parent| fs::read_dir(parent).ok()) else { return Vec::new() };
    let mut folders = entries
        .take(MOST_FOLDERS)
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| folder != ours && folder.join(WORKSPACE).is_file())
        .collect::<Vec<_>>();
    folders.sort();
    folders.reverse();
    folders
}

fn clean(folder: &Path) -> io::Result<()> {
    let openings = folder.join(OPEN);
    match lock(&openings, FlockOperation::NonBlockingLockExclusive) {
        Ok(_gate) => remove_unclaimed(&openings),
        // Somebody is opening it, or it has none.
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a folder of states that nobody uses, the mark last: what a process that dies leaves is found again.
fn remove(folder: &Path) -> io::Result<()> {
    if is_in_use(folder) {
        return Ok(());
    }
    for part in ["states", OPEN, "copies", "objects"] {
        match fs::remove_dir_all(folder.join(part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir_all(folder)
}
