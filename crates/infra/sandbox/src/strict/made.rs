//! Empty folders that are made for mounts to stand on.
//!
//! An empty folder of these names means nothing to anybody, so one that is found is taken for one that a killed
//! session left. What stands in one is a person's: under the mount no command can put anything there. It is a command's
//! where the mount may have come off, because somebody outside took its place away; then it is set aside and not
//! removed, because that somebody may have made it, too.

use std::{
    ffi::OsStr,
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use domain::command::NotRestored;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, ResolveFlags};

use super::claim::is_at;

/// Names that are made where they are missing.
pub(super) const NAMES: [&str; 2] = [".git", ".better-llm"];
/// Of what is set aside under one name; no more than that is kept apart.
const MOST_ASIDE: u32 = 1_000;

/// One of them.
#[derive(Debug)]
pub(super) struct Made {
    place: PathBuf,
    /// Held, so that its number is nobody else's.
    folder: OwnedFd,
    /// Whatever lives has it mounted.
    is_covered: bool,
}

impl Made {
    /// Makes one at a place where nothing stands.
    pub(super) fn make(place: &Path, is_covered: bool) -> io::Result<Self> {
        let (above, name) = above(place)?;
        rustix::fs::mkdirat(above, name, Mode::from_raw_mode(0o755))?;
        Self::hold(place, is_covered)
    }

    /// One that was found, if it is empty.
    pub(super) fn found(place: &Path) -> Option<Self> {
        is_empty(place).then(|| Self::hold(place, true).ok())?
    }

    /// The same one, where it still stands; else one that is made anew, if nothing stands there.
    pub(super) fn again(&self) -> Option<Self> {
        if self.stands() {
            Self::hold(&self.place, self.is_covered).ok()
        } else {
            Self::make(&self.place, false).ok()
        }
    }

    fn hold(place: &Path, is_covered: bool) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(place, flags, Mode::empty())?;
        Ok(Self { place: place.to_owned(), folder, is_covered })
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Whether it is what stands at its place.
    pub(super) fn stands(&self) -> bool {
        is_at(&self.folder, &self.place)
    }

    /// Sets aside what a command may have put there, and says so, with the path below `root`.
    pub(super) fn set_aside(&self, root: &Path) -> Result<Option<String>, NotRestored> {
        let is_harmless = match self.place.symlink_metadata() {
            Ok(_) => is_empty(&self.place) || (self.is_covered && self.stands()),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_harmless {
            return Ok(None);
        }
        let below = self.place.strip_prefix(root).unwrap_or(&self.place);
        match move_aside(&self.place) {
            Ok(aside) => Ok(Some(format!(
                "{} (is set aside as {}; move it back if you made it)",
                below.display(),
                below.with_file_name(aside).display()
            ))),
            Err(error) => Err(NotRestored {
                path: self.place.display().to_string(),
                is_new: true,
                why: format!("it cannot be set aside: {error}"),
            }),
        }
    }

    /// Removes it where it still stands, and is empty. The caller knows that nobody lives under it.
    pub(super) fn remove(&self) {
        if !self.stands() {
            return;
        }
        match fs::remove_dir(&self.place) {
            Ok(()) => {}
            // The person has put something there meanwhile, or taken it away.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {}
            Err(error) => {
                tracing::warn!(folder = %self.place.display(), %error, "an empty folder stays behind");
            }
        }
    }
}

/// Gives what stands at `place` the first free name beside it, without following any link.
fn move_aside(place: &Path) -> io::Result<String> {
    let (above, name) = above(place)?;
    for number in 1..=MOST_ASIDE {
        let aside = format!("{}.set-aside-{number}", name.to_string_lossy());
        match rustix::fs::renameat_with(&above, name, &above, aside.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(aside),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The folder above a place, reached without following any link, and the name in it.
fn above(place: &Path) -> io::Result<(OwnedFd, &OsStr)> {
    let (above, name) = place.parent().zip(place.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok((rustix::fs::openat2(CWD, above, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?, name))
}

/// Whether a folder is there, and empty.
fn is_empty(place: &Path) -> bool {
    place.symlink_metadata().is_ok_and(|found| found.is_dir())
        && fs::read_dir(place).is_ok_and(|mut inside| inside.next().is_none())
}
