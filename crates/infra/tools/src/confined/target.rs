//! A file that is about to be written: found without following a link, checked by the descriptors that are used.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::Read as _,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::{MutexGuard, PoisonError},
};

use domain::permission::{PathRules, PathUse};
use rustix::{
    fs::{Access, AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use sha2::{Digest as _, Sha256};

use super::{
    Confined, FileError, Place, protected, regular,
    resolve::{LOOK, Links},
    system,
};
use crate::text::count;

/// A file that may be replaced, or a name that may become one. While it lives, no other file is replaced by a tool of
/// the same toolbox.
pub(crate) struct Target<'a> {
    pub(super) files: &'a Confined,
    pub(super) place: Place,
    pub(super) name: OsString,
    /// None: the folder does not exist yet.
    pub(super) folder: Option<OwnedFd>,
    pub(super) before: Option<Stat>,
    _turn: MutexGuard<'a, ()>,
}

/// What stood at a place when a person was shown what a call would do to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing could be shown: the call has nothing to go on with.
    Nothing,
    /// There was no file.
    Missing,
    /// A file with content of this SHA-256.
    Content([u8; 32]),
    /// A file that is too large to be read for this.
    Large(Traits),
}

/// What tells a state of a file from another without reading it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits(Stat);

impl PartialEq for Traits {
    fn eq(&self, other: &Self) -> bool {
        let traits = |Self(stat): &Self| {
            let modified = (stat.st_mtime, stat.st_mtime_nsec);
            (identity(stat), stat.st_size, modified, (stat.st_ctime, stat.st_ctime_nsec))
        };
        traits(self) == traits(other)
    }
}

impl Eq for Traits {}

impl Traits {
    pub(super) fn of(stat: &Stat) -> Self {
        Self(*stat)
    }
}

/// What tells a file or folder from every other: device and inode.
pub(super) fn identity(stat: &Stat) -> (i128, i128) {
    (i128::from(stat.st_dev), i128::from(stat.st_ino))
}

/// What to do about folders that do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MissingFolder {
    Leave,
    Create,
}

impl Confined {
    /// Looks at a place that is to be written; changes nothing yet. `uses`: what rules are asked about.
    pub(crate) fn target(
        &self,
        place: &Place,
        uses: &[PathUse],
        rules: &PathRules,
    ) -> Result<Target<'_>, FileError> {
        for path_use in uses {
            self.may(*path_use, place, rules)?;
        }
        let root = self.root(place)?;
        if let Some(what) = self.protected.at(place, &root.canonical) {
            return Err(FileError::Protected { place: place.clone(), what });
        }
        self.writable(place)?;
        let (folder_place, name) = place.split().ok_or_else(|| FileError::Folder { place: place.clone() })?;
        let turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder(place, MissingFolder::Leave)?;
        let before = match &folder {
            Some(folder) => {
                for path_use in uses {
                    self.may_as_opened(*path_use, place, (folder.as_fd(), &folder_place), Some(name), rules)?;
                }
                self.before(place, folder.as_fd(), name)?
            }
            None => None,
        };
        let (place, name) = (place.clone(), name.to_owned());
        Ok(Target { files: self, place, name, folder, before, _turn: turn })
    }

    /// Opens the folder of a place name by name, following no link; none where it is missing and left so.
    pub(super) fn folder(&self, place: &Place, missing: MissingFolder) -> Result<Option<OwnedFd>, FileError> {
        let root = self.root(place)?;
        let failed = |errno| FileError::of("open the folder of", place, errno);
        let Some((folder, _)) = place.split() else { return Err(FileError::Folder { place: place.clone() }) };
        let mut here =
            root.beneath(Path::new(""), LOOK | OFlags::DIRECTORY, Links::Refuse).map_err(failed)?;
        let mut at = place.top();
        for name in folder.names() {
            at = at.child(name);
            let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let open = || rustix::fs::openat(&here, name, flags, Mode::empty());
            let opened = match open() {
                Err(Errno::NOENT) if missing == MissingFolder::Leave => return Ok(None),
                Err(Errno::NOENT) => match rustix::fs::mkdirat(&here, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => open(),
                    Err(errno) => return Err(FileError::of("create the folder of", place, errno)),
                },
                result => result,
            };
            let opened = opened.map_err(|errno| match link_at(here.as_fd(), name, &at) {
                Some(through) if matches!(errno, Errno::NOTDIR | Errno::LOOP) => through,
                _ => failed(errno),
            })?;
            let stat = rustix::fs::fstat(&opened).map_err(failed)?;
            if let Some(what) = self.protected.alias(here.as_fd(), &stat, protected::Kind::Folder) {
                return Err(FileError::Protected { place: place.clone(), what });
            }
            here = opened;
        }
        system::refuse(place, here.as_fd())?;
        Ok(Some(here))
    }

    fn before(&self, place: &Place, folder: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Stat>, FileError> {
        let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(FileError::of("look at", place, errno)),
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Err(link_at(folder, name, place).unwrap_or(FileError::Changed { place: place.clone() }));
        }
        regular(place, &stat)?;
        if let Some(what) = self.protected.alias(folder, &stat, protected::Kind::File) {
            return Err(FileError::Protected { place: place.clone(), what });
        }
        // A rename asks the folder's permissions only, so the file's own are asked here; the mode bits, too,
        // because root may write everything and still should not.
        let is_writable = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WUSR | Mode::WGRP | Mode::WOTH)
            && rustix::fs::accessat(folder, name, Access::WRITE_OK, AtFlags::EACCESS) != Err(Errno::ACCESS);
        if is_writable { Ok(Some(stat)) } else { Err(FileError::ReadOnly { place: place.clone() }) }
    }
}

/// Names the link that stands at `place`, `name` in `folder`; none where none does.
fn link_at(folder: BorrowedFd<'_>, name: &OsStr, place: &Place) -> Option<FileError> {
    let target = rustix::fs::readlinkat(folder, name, Vec::new()).ok()?;
    Some(FileError::ThroughLink { link: place.clone(), target: target.to_string_lossy().into_owned() })
}

impl Target<'_> {
    /// The size of the file that is there, in bytes.
    pub(crate) fn size(&self) -> Option<u64> {
        self.before.as_ref().map(|stat| u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// The content of the file that is there.
    pub(crate) fn content(&self, most: u64) -> Result<Vec<u8>, FileError> {
        let missing = || FileError::Missing { place: self.place.clone() };
        let size = self.size().ok_or_else(missing)?;
        let too_large = |size| FileError::TooLarge { place: self.place.clone(), size, most };
        if size > most {
            return Err(too_large(size));
        }
        let folder = self.folder.as_ref().ok_or_else(missing)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |errno| FileError::of_reading(&self.place, errno);
        let opened = rustix::fs::openat(folder, &self.name, flags, Mode::empty()).map_err(failed)?;
        let stat = rustix::fs::fstat(&opened).map_err(failed)?;
        if Some(Traits::of(&stat)) != self.before.as_ref().map(Traits::of) {
            return Err(FileError::Changed { place: self.place.clone() });
        }
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        File::from(opened)
            .take(most.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|source| FileError::Io { doing: "read", place: self.place.clone(), source })?;
        if count(content.len()) > most { Err(too_large(count(content.len()))) } else { Ok(content) }
    }

    /// What stands there, to be held against later; files of more than `most` bytes are not read.
    pub(crate) fn seen(&self, most: u64) -> Result<Seen, FileError> {
        match &self.before {
            None => Ok(Seen::Missing),
            Some(stat) if self.size().is_some_and(|size| size > most) => Ok(Seen::Large(Traits::of(stat))),
            Some(_) => Ok(Seen::Content(Sha256::digest(self.content(most)?).into())),
        }
    }

    /// Refuses where something else stands there than a person was shown; none: nobody was asked.
    pub(crate) fn still(&self, seen: Option<&Seen>, most: u64) -> Result<(), FileError> {
        match seen {
            Some(seen) if *seen == Seen::Nothing || self.seen(most)? != *seen => {
                Err(FileError::ChangedMeanwhile { place: self.place.clone() })
            }
            _ => Ok(()),
        }
    }
}
