//! Opening a path beneath a folder without ever leaving it.
//!
//! On Linux the kernel does it in one step (`openat2`, from 5.6 on). Elsewhere, or where a filter forbids that
//! call, a walk does the same name by name: no step follows a link by itself, so that nothing that is swapped in
//! between can lead out.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

/// Opens for looking at, with as few rights and effects as the system offers.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
/// Opens for looking at, with as few rights and effects as the system offers.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const LOOK: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// What to do about symbolic links on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Follow those that stay inside; `EXDEV` for others.
    FollowInside,
    /// `ELOOP` at the first one.
    Refuse,
}

/// How paths are resolved here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolver {
    /// By the kernel, in one step.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Kernel,
    /// Name by name.
    Walk,
}

impl Resolver {
    /// Finds out what works, once.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn probe(root: BorrowedFd<'_>) -> Self {
        match Self::Kernel.open(root, Path::new(""), LOOK, Links::Refuse) {
            Ok(_) => Self::Kernel,
            Err(_) => Self::Walk,
        }
    }

    /// Finds out what works, once.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn probe(_root: BorrowedFd<'_>) -> Self {
        Self::Walk
    }

    /// Opens `path` (relative; empty for the folder itself) beneath `root`. Creates nothing.
    pub(super) fn open(
        self,
        root: BorrowedFd<'_>,
        path: &Path,
        flags: OFlags,
        links: Links,
    ) -> Result<OwnedFd, Errno> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Kernel => by_kernel(root, path, flags, links),
            Self::Walk => by_walk(root, path, flags, links).map(|(opened, _)| opened),
        }
    }

    /// Opens `path` name by name, whatever works here, and gives the path that it really has beneath `root`.
    pub(super) fn walk(
        root: BorrowedFd<'_>,
        path: &Path,
        flags: OFlags,
        links: Links,
    ) -> Result<(OwnedFd, PathBuf), Errno> {
        by_walk(root, path, flags, links)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn by_kernel(root: BorrowedFd<'_>, path: &Path, flags: OFlags, links: Links) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;

    /// The kernel gives `EAGAIN` where a rename crossed a `..` of a link; another try is all it takes.
    const TRIES: u32 = 16;
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    if links == Links::Refuse {
        resolve |= ResolveFlags::NO_SYMLINKS;
    }
    let mut tried = 0;
    loop {
        tried += 1;
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tried < TRIES => {}
            result => return result,
        }
    }
}

fn by_walk(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    links: Links,
) -> Result<(OwnedFd, PathBuf), Errno> {
    /// As many as Linux follows.
    const MOST_LINKS: u32 = 40;
    if path.is_absolute() {
        return Err(Errno::XDEV);
    }
    let mut left: VecDeque<OsString> = path.iter().map(OsStr::to_owned).collect();
    let mut folders: Vec<OwnedFd> = Vec::new();
    let mut real = PathBuf::new();
    let mut links_followed = 0;
    while let Some(name) = left.pop_front() {
        if name == "." {
            continue;
        }
        if name == ".." {
            folders.pop().ok_or(Errno::XDEV)?;
            real.pop();
            continue;
        }
        let here = folders.last().map_or(root, AsFd::as_fd);
        match rustix::fs::readlinkat(here, &name, Vec::new()) {
            Ok(target) => {
                links_followed += 1;
                if links == Links::Refuse || links_followed > MOST_LINKS {
                    return Err(Errno::LOOP);
                }
                let target = Path::new(OsStr::from_bytes(target.as_bytes())).to_owned();
                if target.is_absolute() {
                    return Err(Errno::XDEV);
                }
                for name in target.iter().rev() {
                    left.push_front(name.to_owned());
                }
            }
            Err(Errno::INVAL) if left.is_empty() => {
                let opened = rustix::fs::openat(here, &name, flags | OFlags::NOFOLLOW, Mode::empty())?;
                return Ok((opened, real.join(name)));
            }
            Err(Errno::INVAL) => {
                let folder = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                folders.push(rustix::fs::openat(here, &name, folder, Mode::empty())?);
                real.push(name);
            }
            Err(errno) => return Err(errno),
        }
    }
    let here = folders.last().map_or(root, AsFd::as_fd);
    Ok((rustix::fs::openat(here, ".", flags, Mode::empty())?, real))
}
