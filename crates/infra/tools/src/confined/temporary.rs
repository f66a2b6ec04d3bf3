//! Files that become others: written beside their target, then renamed.
//!
//! Their names say whose they are. What a process that was killed left behind is removed at the next write into the
//! same folder.

use std::{
    ffi::OsStr,
    fs::File,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::ffi::OsStrExt as _,
    },
    sync::PoisonError,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{Confined, FileError, Place};

const PREFIX: &str = ".better-llm-";
const SUFFIX: &str = ".tmp";
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
    /// A new, empty file in `folder`, beside the one at `place` that it will replace.
    pub(super) fn create(
        place: &Place,
        folder: BorrowedFd<'f>,
        mode: Mode,
    ) -> Result<(Self, File), FileError> {
        let failed = |errno| FileError::of("create a temporary file beside", place, errno);
        let random = getrandom::u64().map_err(|error| FileError::Io {
            doing: "name a temporary file beside",
            place: place.clone(),
            source: std::io::Error::other(error),
        })?;
        let name = format!("{PREFIX}{}-{random:016x}{SUFFIX}", std::process::id());
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
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if owner_of(name).is_some_and(is_gone) && is_old(listed.as_fd(), name) {
                rustix::fs::unlinkat(&listed, name, AtFlags::empty())?;
                tracing::info!(name = %name.display(), "removed a temporary file that a killed process left behind");
            }
        }
        Ok(())
    }
}

/// The process that made a temporary file of this name; none where it is no such name.
fn owner_of(name: &OsStr) -> Option<Pid> {
    let (owner, random) = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    let is_ours = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_ours { Pid::from_raw(owner.parse().ok()?) } else { None }
}

fn is_gone(process: Pid) -> bool {
    test_kill_process(process) == Err(Errno::SRCH)
}

fn is_old(folder: BorrowedFd<'_>, name: &OsStr) -> bool {
    let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
    now.saturating_sub(written) > LEFT_BEHIND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_give_have_an_owner() {
        for (name, owner) in [
            (".better-llm-12-0123456789abcdef.tmp", Some(12)),
            (".better-llm-12-0123456789abcde.tmp", None),
            (".better-llm--0123456789abcdef.tmp", None),
            (".better-llm-0-0123456789abcdef.tmp", None),
            (".better-llm-12-notes.tmp", None),
            ("better-llm-12-0123456789abcdef.tmp", None),
        ] {
            assert_eq!(owner_of(OsStr::new(name)).map(|pid| pid.as_raw_nonzero().get()), owner, "{name}");
        }
    }
}
