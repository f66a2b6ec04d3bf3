//! The files of the workspace, reached through one opened folder and never outside of it.
//!
//! Every open starts at the workspace's descriptor and is resolved *beneath* it by the kernel, so that the check
//! and the use are one step and no rename or link in between can lead out. Reading follows symbolic links that
//! stay inside; an absolute link counts as leading out. Writing follows none at all, so that the path that is
//! checked (protected paths, a run's grant) is the path that is written.
//!
//! This module knows no tools and no permission modes, and it does not keep extended attributes of files that it
//! replaces.

mod error;
mod place;
mod protected;
mod replace;
mod resolve;

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    sync::{Mutex, atomic::AtomicU64},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags},
    io::Errno,
};

pub use self::error::OpenError;
pub(crate) use self::{error::FileError, place::Place};
use self::{
    protected::Protected,
    resolve::{LOOK, Links, Resolver},
};
use crate::spelling;

/// The workspace's files.
pub(crate) struct Confined {
    root: OwnedFd,
    canonical: PathBuf,
    given: PathBuf,
    protected: Protected,
    resolver: Resolver,
    /// Held from looking at a file to replacing it: two edits of one file cannot overwrite each other.
    writing: Mutex<()>,
    /// Numbers the temporary files.
    temporaries: AtomicU64,
}

/// A regular file, open for reading.
pub(crate) struct Opened {
    /// The file, at its beginning.
    pub(crate) file: File,
    /// Its size in bytes when it was opened.
    pub(crate) size: u64,
}

/// What stands behind a name of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Other,
}

/// The names of a folder, or as many as were asked for.
pub(crate) struct Listing {
    /// Sorted by bytes.
    pub(crate) entries: Vec<(OsString, EntryKind)>,
    /// Whether there are more.
    pub(crate) cut: bool,
}

impl Confined {
    /// Opens the workspace at `root`.
    pub(crate) fn open_root(root: &Path, protected: &[PathBuf]) -> Result<Self, OpenError> {
        let failed = |source: io::Error| OpenError { root: root.to_owned(), source };
        let canonical = std::fs::canonicalize(root).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened =
            rustix::fs::open(&canonical, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        Ok(Self {
            resolver: Resolver::probe(opened.as_fd()),
            root: opened,
            protected: Protected::new(protected, &[root, &canonical]),
            given: root.to_owned(),
            canonical,
            writing: Mutex::new(()),
            temporaries: AtomicU64::new(0),
        })
    }

    /// The workspace's path, without symbolic links. For comparing and for people, never for opening.
    pub(crate) fn canonical(&self) -> &Path {
        &self.canonical
    }

    /// Reads a path as a model writes it: relative to the workspace, or absolute inside it.
    pub(crate) fn locate(&self, text: &str) -> Result<Place, FileError> {
        Place::parse(text, &[&self.canonical, &self.given])
    }

    /// Like [`Self::locate`]; where no file has exactly that name but one has it in another Unicode form, that one.
    pub(crate) fn find(&self, text: &str) -> Result<Place, FileError> {
        let place = self.locate(text)?;
        if text.is_ascii() || self.look(&place).err() != Some(Errno::NOENT) {
            return Ok(place);
        }
        Ok(self.spelled_otherwise(&place).unwrap_or(place))
    }

    fn spelled_otherwise(&self, wanted: &Place) -> Option<Place> {
        const MOST_NAMES: usize = 100_000;
        let mut found = Place::root();
        for name in wanted.names() {
            let exact = found.child(name);
            if self.look(&exact).is_ok() {
                found = exact;
                continue;
            }
            let wanted = name.to_str()?;
            let listing = self.list(&found, MOST_NAMES).ok()?;
            let mut same = listing.entries.iter().filter(|(other, _)| {
                other.to_str().is_some_and(|other| spelling::composed(other) == spelling::composed(wanted))
            });
            let (other, _) = same.next()?;
            if same.next().is_some() {
                return None;
            }
            found = found.child(other);
        }
        Some(found)
    }

    fn look(&self, place: &Place) -> Result<OwnedFd, Errno> {
        self.resolver.open(self.root.as_fd(), place.as_path(), LOOK, Links::FollowInside)
    }

    /// What stands at a place.
    pub(crate) fn kind(&self, place: &Place) -> Result<EntryKind, FileError> {
        let seen = self.look(place).map_err(|errno| FileError::of_reading(place, errno))?;
        let stat = rustix::fs::fstat(seen).map_err(|errno| FileError::of_reading(place, errno))?;
        Ok(EntryKind::of(FileType::from_raw_mode(stat.st_mode)))
    }

    /// Opens a regular file for reading. Never blocks on a pipe, and touches no device.
    pub(crate) fn open(&self, place: &Place) -> Result<Opened, FileError> {
        let failed = |errno| FileError::of_reading(place, errno);
        // What it is, before anything is opened: opening a device or a pipe may already do something.
        let seen = self.look(place).map_err(failed)?;
        regular(place, &rustix::fs::fstat(seen).map_err(failed)?)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = self
            .resolver
            .open(self.root.as_fd(), place.as_path(), flags, Links::FollowInside)
            .map_err(failed)?;
        let stat = rustix::fs::fstat(&opened).map_err(failed)?;
        regular(place, &stat)?;
        Ok(Opened { file: File::from(opened), size: u64::try_from(stat.st_size).unwrap_or(0) })
    }

    /// The names in a folder, at most `most` of them.
    pub(crate) fn list(&self, place: &Place, most: usize) -> Result<Listing, FileError> {
        let failed = |errno| FileError::of_reading(place, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let folder = self
            .resolver
            .open(self.root.as_fd(), place.as_path(), flags, Links::FollowInside)
            .map_err(failed)?;
        let mut listing = Listing { entries: Vec::new(), cut: false };
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if listing.entries.len() >= most {
                listing.cut = true;
                break;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    // Gone since it was listed.
                    Err(_) => continue,
                },
                known => known,
            };
            listing.entries.push((OsStr::from_bytes(name.to_bytes()).to_owned(), EntryKind::of(kind)));
        }
        listing.entries.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        Ok(listing)
    }
}

impl EntryKind {
    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// Refuses everything but a regular file.
fn regular(place: &Place, stat: &rustix::fs::Stat) -> Result<(), FileError> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => return Err(FileError::Folder { place: place.clone() }),
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "no regular file",
    };
    Err(FileError::NotAFile { place: place.clone(), kind })
}

#[cfg(test)]
mod tests;
