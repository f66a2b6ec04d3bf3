//! Replacing a file as a whole: readers see the old content or the new one, never a part.

use std::{
    fs::File,
    io::Write as _,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    fs::{AtFlags, Mode, Stat},
    io::Errno,
};

use super::{
    FileError,
    target::{MissingFolder, Target},
    temporary::Temporary,
    version::{Traits, VERSIONED, Version},
};
use crate::text::count;

impl Target<'_> {
    /// Puts `content` in its place, keeping mode and owner; missing folders are made. Gives the new version. On an error
    /// the file is as it was. Done once: no other tool's turn comes before this value is dropped.
    pub(crate) fn replace(&self, content: &[u8]) -> Result<Version, FileError> {
        let made;
        let folder = match &self.folder {
            Some(folder) => folder.as_fd(),
            None => {
                let missing = || FileError::Missing { place: self.place.clone() };
                made = self.files.folder(&self.place, MissingFolder::Create)?.ok_or_else(missing)?;
                made.as_fd()
            }
        };
        // What replaces a file that others may not read is not for them either while it is made.
        let mode = Mode::from_raw_mode(if self.before.is_some() { 0o600 } else { 0o666 });
        let (mut temporary, mut file) = Temporary::create(&self.place, folder, mode, self.files.numbering)?;
        let failed = |source| FileError::Io { doing: "write", place: self.place.clone(), source };
        file.write_all(content).map_err(failed)?;
        if let Some(before) = &self.before {
            self.keep_mode_and_owner(before, &file)?;
        }
        file.sync_all().map_err(failed)?;
        match &self.before {
            Some(before) => self.put_in_place_of(before, folder, &temporary.name)?,
            None => self.put_as_new(folder, &temporary.name)?,
        }
        temporary.renamed = true;
        if count(content.len()) <= VERSIONED {
            return Ok(Version::of(content));
        }
        let stat = rustix::fs::fstat(&file).map_err(|errno| FileError::of("look at", &self.place, errno))?;
        Ok(Version::large(&stat))
    }

    fn keep_mode_and_owner(&self, before: &Stat, file: &File) -> Result<(), FileError> {
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
    fn put_in_place_of(
        &self,
        before: &Stat,
        folder: BorrowedFd<'_>,
        temporary: &str,
    ) -> Result<(), FileError> {
        let changed = || FileError::Changed { place: self.place.clone() };
        match rustix::fs::statat(folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) if Traits::of(&now) == Traits::of(before) => {}
            Ok(_) | Err(Errno::NOENT) => return Err(changed()),
            Err(errno) => return Err(FileError::of("look at", &self.place, errno)),
        }
        // Clocks of file systems stand still for milliseconds, so that a change may not show in the times.
        if let Some(read) = self.read.get()
            && Version::of(&self.content(VERSIONED)?) != *read
        {
            return Err(changed());
        }
        rustix::fs::renameat(folder, temporary, folder, &self.name)
            .map_err(|errno| FileError::of("replace", &self.place, errno))
    }

    /// Replaces nothing: a file that appeared since we looked is not lost.
    fn put_as_new(&self, folder: BorrowedFd<'_>, temporary: &str) -> Result<(), FileError> {
        let changed = || FileError::Changed { place: self.place.clone() };
        let failed = |errno| FileError::of("create", &self.place, errno);
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        match rustix::fs::renameat_with(
            folder,
            temporary,
            folder,
            &self.name,
            rustix::fs::RenameFlags::NOREPLACE,
        ) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => return Err(changed()),
            // The file system cannot.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            Err(errno) => return Err(failed(errno)),
        }
        match rustix::fs::statat(folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Ok(_) => return Err(changed()),
            Err(errno) => return Err(FileError::of("look at", &self.place, errno)),
        }
        rustix::fs::renameat(folder, temporary, folder, &self.name).map_err(failed)
    }
}
