//! Places in a guarded folder, reached through handles and without following links, and what is done at them.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, Permissions},
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, RenameFlags, ResolveFlags},
    io::Errno,
};

use super::{
    record::Identity,
    remove::{OWNER, mode, remove, set_mode, through},
    snapshot::stat,
};

/// Beside a file that is written anew, until it takes the file's name.
pub(super) const HALF_WRITTEN: &str = ".better-llm-put-back";
/// Ends the name of what is set aside.
pub(super) const ASIDE: &str = ".found-by-better-llm";
/// Names that are tried for it.
const MOST_ASIDE: u32 = 1_000;

/// The folder that everything is put back in, held open since before the command.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    mode: u32,
}

impl Root {
    pub(super) fn hold(workspace: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(workspace, flags, Mode::empty())?;
        Ok(Self { mode: mode(&folder)?, folder })
    }

    /// The same, as its mode was before.
    pub(super) fn with_mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn mode(&self) -> u32 {
        self.mode
    }

    /// Gives the owner back what was taken away; whether something was.
    pub(super) fn open_up(&self) -> io::Result<bool> {
        let now = mode(&self.folder)?;
        let lost = self.mode & OWNER & !now;
        if lost != 0 {
            set_mode(&self.folder, now | lost)?;
        }
        Ok(lost != 0)
    }

    /// The place of `path`, which lies below.
    pub(super) fn spot(&self, path: &Path) -> io::Result<Spot> {
        let name = path.file_name().map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = rustix::fs::openat2(
            &self.folder,
            above,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        )?;
        Spot::in_folder(folder, name)
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        identity(&self.folder)
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

/// A folder that was reached without following links and may be written, and a name in it.
pub(super) struct Spot {
    folder: OwnedFd,
    name: PathBuf,
    /// The mode of the folder, where it was changed to be written.
    was: Option<u32>,
}

impl Spot {
    pub(super) fn in_folder(folder: OwnedFd, name: impl Into<PathBuf>) -> io::Result<Self> {
        let now = mode(&folder)?;
        let was = (now & OWNER != OWNER).then_some(now);
        if was.is_some() {
            set_mode(&folder, now | OWNER)?;
        }
        Ok(Self { folder, name: name.into(), was })
    }

    /// A path to `name` that leads through the handle.
    pub(super) fn of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        through(&self.folder, name)
    }

    pub(super) fn place(&self) -> PathBuf {
        self.of(&self.name)
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        self.remove_beside(self.name.as_os_str())
    }

    pub(super) fn remove_beside(&self, name: &OsStr) -> io::Result<()> {
        remove(self.folder.as_fd(), name)
    }

    /// Gives what stands there a name that means nothing to anybody.
    pub(super) fn set_aside(&self) -> io::Result<()> {
        self.set_aside_beside(self.name.as_os_str())
    }

    pub(super) fn set_aside_beside(&self, name: &OsStr) -> io::Result<()> {
        for number in 1..MOST_ASIDE {
            let mut aside = name.to_owned();
            aside.push(ASIDE);
            if number > 1 {
                aside.push(format!("-{number}"));
            }
            match rustix::fs::renameat_with(&self.folder, name, &self.folder, &aside, RenameFlags::NOREPLACE)
            {
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A handle on the folder that stands there.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty())?)
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        if let Some(was) = self.was
            && let Err(error) = set_mode(&self.folder, was)
        {
            tracing::warn!(name = %self.name.display(), %error, "a folder that was written keeps another mode");
        }
    }
}

/// Where a folder that was moved stands now; none where it was removed.
pub(super) fn away(folder: &OwnedFd, is_it: impl Fn(&Metadata) -> bool) -> io::Result<Option<Spot>> {
    let now = mode(folder)?;
    if now & OWNER != OWNER {
        // Its own mode is put back with it.
        set_mode(folder, now | OWNER)?;
    }
    let place = fs::read_link(through(folder, "."))?;
    let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = match rustix::fs::openat(folder, c"..", flags, Mode::empty()) {
        Ok(above) => above,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let spot = Spot::in_folder(above, name)?;
    Ok(stat(&spot.place())?.is_some_and(|found| is_it(&found)).then_some(spot))
}

/// Writes a file beside the place and gives it its name.
pub(super) fn write_anew(spot: &Spot, mode: u32, content: &[u8]) -> io::Result<()> {
    let half = spot.of(HALF_WRITTEN);
    spot.remove_beside(HALF_WRITTEN.as_ref())?;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(&half)?;
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    fs::rename(half, spot.place())
}

/// Which file a handle stands for.
pub(super) fn identity(handle: &OwnedFd) -> io::Result<Identity> {
    let found = rustix::fs::fstat(handle)?;
    Ok(Identity { device: found.st_dev, inode: found.st_ino })
}
