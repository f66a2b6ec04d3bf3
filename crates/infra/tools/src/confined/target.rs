//! A file that is about to be written: found without following a link, checked by the descriptors that are used.

use std::{
    cell::OnceCell,
    ffi::{OsStr, OsString},
    fs::File,
    io::Read as _,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{MutexGuard, PoisonError},
};

use domain::permission::{PathRules, PathUse};
use rustix::{
    fs::{Access, AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    Confined, FileError, Place, protected, regular,
    resolve::{LOOK, Links},
    system,
    version::{Seen, Traits, VERSIONED, Version},
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
    /// The version that was read, as soon as it was.
    pub(super) read: OnceCell<Version>,
    _turn: MutexGuard<'a, ()>,
}

/// What to do about folders that do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MissingFolder {
    Leave,
    Create,
}

impl Confined {
    /// Looks at a place that is to be written; changes nothing of the person's yet. `uses`: what rules are asked about;
    /// where it is writing, what killed writers left behind in the folder is removed.
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
                if uses.contains(&PathUse::Write) {
                    self.sweep(folder.as_fd());
                }
                self.before(place, folder.as_fd(), name)?
            }
            None => None,
        };
        let (place, name) = (place.clone(), name.to_owned());
        Ok(Target { files: self, place, name, folder, before, read: OnceCell::new(), _turn: turn })
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
        if count(content.len()) > most {
            return Err(too_large(count(content.len())));
        }
        if size <= VERSIONED {
            self.read.get_or_init(|| Version::of(&content));
        }
        Ok(content)
    }

    /// The content of the file that is there; none where there is no file, or one of more than [`VERSIONED`] bytes.
    pub(crate) fn content_if_small(&self) -> Result<Option<Vec<u8>>, FileError> {
        match self.size() {
            Some(size) if size <= VERSIONED => self.content(VERSIONED).map(Some),
            _ => Ok(None),
        }
    }

    /// What stands there, to be held against later. What was read before is not read again.
    pub(crate) fn version(&self) -> Result<Version, FileError> {
        match &self.before {
            None => Ok(Version::Missing),
            Some(stat) if self.size().is_some_and(|size| size > VERSIONED) => Ok(Version::large(stat)),
            Some(_) => match self.read.get() {
                Some(version) => Ok(version.clone()),
                None => Ok(Version::of(&self.content(VERSIONED)?)),
            },
        }
    }

    /// Refuses where something else stands there than a person was shown; none: nobody was asked.
    pub(crate) fn still(&self, seen: Option<&Seen>) -> Result<(), FileError> {
        let is_as_shown = match seen {
            None => true,
            Some(Seen::Nothing) => false,
            Some(Seen::Version(shown)) => self.version()? == *shown,
        };
        if is_as_shown { Ok(()) } else { Err(FileError::ChangedMeanwhile { place: self.place.clone() }) }
    }

    /// The path that it really has, or would have.
    pub(crate) fn real_path(&self) -> PathBuf {
        let known = || {
            let (folder_place, _) = self.place.split()?;
            let folder = self.folder.as_ref()?;
            let root = self.files.root(&self.place).ok()?;
            root.real_path(folder.as_fd(), folder_place.as_path()).ok()
        };
        known().map_or_else(|| self.files.absolute(&self.place), |folder| folder.join(&self.name))
    }
}
