//! A folder whose files can be reached: the workspace, or one that a person added to it.
//!
//! It is opened once, and every path is resolved beneath that descriptor: a folder that is renamed or replaced later
//! does not become another root.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::resolve::{LOOK, Links, Resolver};

/// A folder, open.
pub(super) struct Root {
    folder: OwnedFd,
    /// Its path without symbolic links. For comparing and for people, never for opening.
    pub(super) canonical: PathBuf,
    /// Its path as it was given.
    pub(super) given: PathBuf,
    pub(super) writable: bool,
    pub(super) resolver: Resolver,
}

impl Root {
    /// Opens the folder at `path`.
    pub(super) fn open(path: &Path, writable: bool) -> io::Result<Self> {
        let canonical = std::fs::canonicalize(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&canonical, flags, Mode::empty())?;
        let resolver = Resolver::probe(folder.as_fd());
        Ok(Self { folder, canonical, given: path.to_owned(), writable, resolver })
    }

    /// Opens what stands at `path` (relative; empty for the folder itself). Creates nothing.
    pub(super) fn beneath(&self, path: &Path, flags: OFlags, links: Links) -> Result<OwnedFd, Errno> {
        self.resolver.open(self.folder.as_fd(), path, flags, links)
    }

    /// The path that something opened beneath this root really has, links resolved: absolute, without a link.
    /// `path` is the one that it was opened by.
    ///
    /// Where the system does not say it, the path is walked name by name; what is found has to be the same file.
    pub(super) fn real_path(&self, opened: BorrowedFd<'_>, path: &Path) -> Result<PathBuf, Errno> {
        if let Some(path) = path_of(opened) {
            return Ok(path);
        }
        let (seen, names) = Resolver::walk(self.folder.as_fd(), path, LOOK, Links::FollowInside)?;
        let (seen, opened) = (rustix::fs::fstat(seen)?, rustix::fs::fstat(opened)?);
        let is_same = (seen.st_dev, seen.st_ino) == (opened.st_dev, opened.st_ino);
        if is_same { Ok(self.canonical.join(names)) } else { Err(Errno::STALE) }
    }
}

/// The path that the kernel knows a descriptor by; none where it does not say, or where the file has none any more.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn path_of(opened: BorrowedFd<'_>) -> Option<PathBuf> {
    use std::os::{fd::AsRawFd as _, unix::ffi::OsStringExt as _};

    let link = format!("/proc/self/fd/{}", opened.as_raw_fd());
    let path = rustix::fs::readlinkat(rustix::fs::CWD, link, Vec::new()).ok()?;
    let path = PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes()));
    let has_name = rustix::fs::fstat(opened).ok()?.st_nlink > 0;
    (has_name && path.is_absolute()).then_some(path)
}

/// The path that the kernel knows a descriptor by; none where it does not say.
#[cfg(target_vendor = "apple")]
fn path_of(opened: BorrowedFd<'_>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;

    let path = rustix::fs::getpath(opened).ok()?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}

/// The path that the kernel knows a descriptor by; none where it does not say.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn path_of(_opened: BorrowedFd<'_>) -> Option<PathBuf> {
    None
}
