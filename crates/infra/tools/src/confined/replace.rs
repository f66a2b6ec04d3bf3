//! Replacing a file as a whole: readers see the old content or the new one, never a part.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{MutexGuard, PoisonError, atomic::Ordering},
};

use rustix::{
    fs::{Access, AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    Confined, FileError, Place, regular,
    resolve::{LOOK, Links},
};
use crate::text::count;

/// A file that may be replaced, or a name that may become one. While it lives, no other file of this workspace is
/// replaced by a tool.
pub(crate) struct Target<'a> {
    files: &'a Confined,
    place: Place,
    name: OsString,
    /// None: the folder does not exist yet.
    folder: Option<OwnedFd>,
    before: Option<Stat>,
    _turn: MutexGuard<'a, ()>,
}

impl Confined {
    /// Looks at a place that is to be written; changes nothing yet.
    pub(crate) fn target(&self, place: &Place) -> Result<Target<'_>, FileError> {
        if let Some(what) = self.protected.at(place) {
            return Err(FileError::Protected { place: place.clone(), what });
        }
        let (folder, name) = place.split().ok_or_else(|| FileError::Folder { place: place.clone() })?;
        let turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match self.resolver.open(
            self.root.as_fd(),
            folder.as_path(),
            LOOK | OFlags::DIRECTORY,
            Links::Refuse,
        ) {
            Ok(opened) => Some(opened),
            Err(Errno::NOENT) => None,
            Err(Errno::LOOP) => return Err(self.through_link(place)),
            Err(errno) => return Err(FileError::of("open the folder of", place, errno)),
        };
        let before = match &opened {
            Some(folder) => self.before(place, folder.as_fd(), name)?,
            None => None,
        };
        let (place, name) = (place.clone(), name.to_owned());
        Ok(Target { files: self, place, name, folder: opened, before, _turn: turn })
    }

    fn before(&self, place: &Place, folder: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Stat>, FileError> {
        let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(FileError::of("look at", place, errno)),
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Err(self.through_link(place));
        }
        regular(place, &stat)?;
        // A rename asks the folder's permissions only, so the file's own are asked here; the mode bits, too,
        // because root may write everything and still should not.
        let is_writable = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WUSR | Mode::WGRP | Mode::WOTH)
            && rustix::fs::accessat(folder, name, Access::WRITE_OK, AtFlags::EACCESS) != Err(Errno::ACCESS);
        if is_writable { Ok(Some(stat)) } else { Err(FileError::ReadOnly { place: place.clone() }) }
    }

    /// Names the first link on a path that passes one.
    fn through_link(&self, place: &Place) -> FileError {
        let mut link = Place::root();
        for name in place.names() {
            link = link.child(name);
            let Some((folder, name)) = link.split() else { break };
            let folder = self.resolver.open(self.root.as_fd(), folder.as_path(), LOOK, Links::Refuse);
            if let Ok(target) = folder.and_then(|folder| rustix::fs::readlinkat(folder, name, Vec::new())) {
                return FileError::ThroughLink { link, target: target.to_string_lossy().into_owned() };
            }
        }
        FileError::LeadsOut { place: place.clone() }
    }

    fn make_folder(&self, place: &Place) -> Result<OwnedFd, FileError> {
        let failed = |errno| FileError::of("create the folder of", place, errno);
        let Some((folder, _)) = place.split() else { return Err(FileError::Folder { place: place.clone() }) };
        let open = |here: BorrowedFd<'_>, name: &OsStr| {
            self.resolver.open(here, name.as_ref(), LOOK | OFlags::DIRECTORY, Links::Refuse)
        };
        let mut here = open(self.root.as_fd(), OsStr::new("")).map_err(failed)?;
        for name in folder.names() {
            here = match open(here.as_fd(), name) {
                Err(Errno::NOENT) => match rustix::fs::mkdirat(&here, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => open(here.as_fd(), name),
                    Err(errno) => Err(errno),
                },
                result => result,
            }
            .map_err(failed)?;
        }
        Ok(here)
    }

    /// A new, empty file beside the one that it will replace.
    fn temporary<'f>(
        &self,
        place: &Place,
        folder: BorrowedFd<'f>,
    ) -> Result<(Temporary<'f>, File), FileError> {
        const TRIES: u32 = 100;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut tried = 0;
        loop {
            tried += 1;
            let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
            let name = format!(".better-llm-{}-{number}.tmp", std::process::id());
            match rustix::fs::openat(folder, &name, flags, Mode::from_raw_mode(0o666)) {
                Ok(file) => return Ok((Temporary { folder, name, renamed: false }, File::from(file))),
                // Left behind by a process that was killed, or made by another engine in this one.
                Err(Errno::EXIST) if tried < TRIES => {}
                Err(errno) => return Err(FileError::of("create a temporary file beside", place, errno)),
            }
        }
    }
}

/// Removes the file when dropped, unless it has got its final name by then.
struct Temporary<'f> {
    folder: BorrowedFd<'f>,
    name: String,
    renamed: bool,
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
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(folder, &self.name, flags, Mode::empty())
            .map_err(|errno| FileError::of_reading(&self.place, errno))?;
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        File::from(opened)
            .take(most.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|source| FileError::Io { doing: "read", place: self.place.clone(), source })?;
        if count(content.len()) > most { Err(too_large(count(content.len()))) } else { Ok(content) }
    }

    /// Puts `content` in its place, keeping mode and owner; missing folders are made. On an error the file is as it
    /// was.
    pub(crate) fn replace(self, content: &[u8]) -> Result<(), FileError> {
        let made;
        let folder = match &self.folder {
            Some(folder) => folder.as_fd(),
            None => {
                made = self.files.make_folder(&self.place)?;
                made.as_fd()
            }
        };
        let (mut temporary, mut file) = self.files.temporary(&self.place, folder)?;
        let failed = |source| FileError::Io { doing: "write", place: self.place.clone(), source };
        file.write_all(content).map_err(failed)?;
        self.keep_mode_and_owner(&file)?;
        file.sync_all().map_err(failed)?;
        self.still_as_before(folder)?;
        rustix::fs::renameat(folder, &temporary.name, folder, &self.name)
            .map_err(|errno| FileError::of("replace", &self.place, errno))?;
        temporary.renamed = true;
        Ok(())
    }

    fn keep_mode_and_owner(&self, file: &File) -> Result<(), FileError> {
        let Some(before) = &self.before else { return Ok(()) };
        let failed = |errno| FileError::of("keep the mode of", &self.place, errno);
        let new = rustix::fs::fstat(file).map_err(failed)?;
        if (new.st_uid, new.st_gid) != (before.st_uid, before.st_gid) {
            let owner = rustix::fs::Uid::from_raw(before.st_uid);
            let group = rustix::fs::Gid::from_raw(before.st_gid);
            if let Err(errno) = rustix::fs::fchown(file, Some(owner), Some(group)) {
                // Only root may give files away; whoever may replace the file may own the new one.
                tracing::debug!(place = %self.place, error = %errno, "the owner of a replaced file changes");
            }
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(before.st_mode & 0o777)).map_err(failed)
    }

    /// Commands and other programs do not take turns with us: what they wrote since we looked is not lost.
    fn still_as_before(&self, folder: BorrowedFd<'_>) -> Result<(), FileError> {
        let now = match rustix::fs::statat(folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(stat),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(FileError::of("look at", &self.place, errno)),
        };
        let traits = |stat: &Stat| {
            (
                stat.st_dev,
                stat.st_ino,
                stat.st_size,
                stat.st_mtime,
                stat.st_mtime_nsec,
                stat.st_ctime,
                stat.st_ctime_nsec,
            )
        };
        if now.as_ref().map(traits) == self.before.as_ref().map(traits) {
            Ok(())
        } else {
            Err(FileError::Changed { place: self.place.clone() })
        }
    }
}
