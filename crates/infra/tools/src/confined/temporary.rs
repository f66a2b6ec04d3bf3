//! Files that become others: written beside their target, then renamed.
//!
//! Their names say whose they are. What a process that was killed left behind is removed when the next file of the same
//! folder is to be written.

use std::{
    ffi::CStr,
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::fd::{AsFd as _, BorrowedFd},
    sync::PoisonError,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use domain::workspace::HalfWritten;
use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{Confined, FileError, Place};

/// Processes of other machines and containers cannot be seen; what they write is younger than this.
const LEFT_BEHIND: Duration = Duration::from_secs(60);
/// The most names of a folder that are looked at for files left behind.
const MOST_NAMES: usize = 10_000;
/// The most folders that are remembered as looked through; past them all are forgotten and looked through anew.
const MOST_FOLDERS: usize = 10_000;

/// Removes the file when dropped, unless it has got its final name by then.
pub(super) struct Temporary<'f> {
    folder: BorrowedFd<'f>,
    pub(super) name: String,
    pub(super) renamed: bool,
}

impl<'f> Temporary<'f> {
    /// A new, empty file in `folder`, beside the one at `place` that it will replace. `numbering`: whose numbers
    /// processes have here, where that is known.
    pub(super) fn create(
        place: &Place,
        folder: BorrowedFd<'f>,
        mode: Mode,
        numbering: Option<u32>,
    ) -> Result<(Self, File), FileError> {
        let failed = |errno| FileError::of("create a temporary file beside", place, errno);
        let random = getrandom::u32().map_err(|error| FileError::Io {
            doing: "name a temporary file beside",
            place: place.clone(),
            source: std::io::Error::other(error),
        })?;
        let process = std::process::id().cast_signed();
        let name = HalfWritten { process, numbering: numbering.unwrap_or_default(), random }.to_string();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, &name, flags, mode).map_err(failed)?;
        Ok((Self { folder, name, renamed: false }, File::from(file)))
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if self.renamed {
            return;
        }
        match rustix::fs::unlinkat(self.folder, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => tracing::warn!(name = %self.name, error = %errno, "cannot remove a temporary file"),
        }
    }
}

impl Confined {
    /// Removes what processes that are gone left behind in a folder; once for each folder.
    pub(super) fn sweep(&self, folder: BorrowedFd<'_>) {
        if let Err(error) = self.try_sweep(folder) {
            tracing::debug!(%error, "cannot look for temporary files left behind");
        }
    }

    fn try_sweep(&self, folder: BorrowedFd<'_>) -> Result<(), Errno> {
        let stat = rustix::fs::fstat(folder)?;
        {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            if swept.len() >= MOST_FOLDERS {
                swept.clear();
            }
            if !swept.insert(super::version::identity(&stat)) {
                return Ok(());
            }
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let listed = rustix::fs::openat(folder, ".", flags, Mode::empty())?;
        for entry in Dir::read_from(listed.as_fd())?.take(MOST_NAMES) {
            let entry = entry?;
            let name = entry.file_name();
            let Some(file) = HalfWritten::of_name(name.to_bytes()) else { continue };
            let is_certain = self.numbering == Some(file.numbering);
            if is_gone(file.process) && (is_certain || is_old(listed.as_fd(), name)) {
                rustix::fs::unlinkat(&listed, name, AtFlags::empty())?;
                tracing::info!(name = %file, "removed a temporary file that a killed process left behind");
            }
        }
        Ok(())
    }
}

/// Whose numbers processes have here: of this machine since it was started, of this container. None where the system
/// does not say it.
pub(super) fn numbering() -> Option<u32> {
    let start = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let mut hasher = DefaultHasher::new();
    (start, namespace).hash(&mut hasher);
    // Two of them are not told apart once in four thousand million times.
    u32::try_from(hasher.finish() & u64::from(u32::MAX)).ok()
}

fn is_gone(process: i32) -> bool {
    Pid::from_raw(process).is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

fn is_old(folder: BorrowedFd<'_>, name: &CStr) -> bool {
    let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
    now.saturating_sub(written) > LEFT_BEHIND
}
