//! Removes what a command made, however it was made hard to remove: folders that nobody may enter, trees deeper than
//! there are descriptors.
//!
//! It is the person's, so its mode is no obstacle. What lies deeper than one folder is moved up until nothing does;
//! no link is followed. Who keeps making files meanwhile is not outrun: the rounds have a bound.

use std::{
    ffi::{CStr, OsStr},
    fs::{self, Permissions},
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::PathBuf,
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, fstat, openat, renameat_with, unlinkat},
    io::Errno,
};

/// Everything that an owner may do.
pub(super) const OWNER: u32 = 0o700;
/// Looks at one folder. Each takes up one level at least.
const MOST_LOOKS: usize = 100_000;

/// Removes whatever stands at `name` in `folder`, and everything below it. Fine where nothing stands there.
pub(super) fn remove(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    for _ in 0..MOST_LOOKS {
        match unlink(folder, name)? {
            Unlinked::Gone => return Ok(()),
            Unlinked::Full => empty(&open(folder, name)?)?,
        }
    }
    Err(io::Error::other("something keeps making files in it"))
}

enum Unlinked {
    Gone,
    /// A folder that holds something.
    Full,
}

fn unlink(folder: impl AsFd, name: impl rustix::path::Arg + Copy) -> io::Result<Unlinked> {
    let gone = match unlinkat(&folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => unlinkat(&folder, name, AtFlags::REMOVEDIR),
        other => other,
    };
    match gone {
        Ok(()) | Err(Errno::NOENT) => Ok(Unlinked::Gone),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Unlinked::Full),
        Err(error) => Err(error.into()),
    }
}

/// Removes what `top` holds, and moves up into it what its folders hold. Goes on past what cannot be removed.
fn empty(top: &OwnedFd) -> io::Result<()> {
    let mut failure = None;
    let mut count = 0;
    for name in names(top)? {
        if let Err(error) = empty_one(top, &name, &mut count) {
            failure.get_or_insert(error);
        }
    }
    failure.map_or(Ok(()), Err)
}

fn empty_one(top: &OwnedFd, name: &CStr, count: &mut usize) -> io::Result<()> {
    if matches!(unlink(top, name)?, Unlinked::Gone) {
        return Ok(());
    }
    let folder = open(top, name)?;
    for inner in names(&folder)? {
        if matches!(unlink(&folder, &*inner)?, Unlinked::Full) {
            // A folder that changes its place has to be writable itself.
            drop(open(&folder, &*inner)?);
            move_up(&folder, &inner, top, count)?;
        }
    }
    unlink(top, name).map(drop)
}

fn move_up(from: &OwnedFd, name: &CStr, to: &OwnedFd, count: &mut usize) -> io::Result<()> {
    loop {
        *count += 1;
        match renameat_with(from, name, to, format!(".moved-up-{count}"), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return Ok(other?),
        }
    }
}

fn names(folder: &OwnedFd) -> io::Result<Vec<Box<CStr>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(Box::from(name));
        }
    }
    Ok(names)
}

/// Opens a folder, after its owner was given every right on it.
fn open(above: impl AsFd, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle = openat(above, name, flags | OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())?;
    let mode = mode(&handle)?;
    if mode & OWNER != OWNER {
        set_mode(&handle, mode | OWNER)?;
    }
    Ok(openat(&handle, c".", flags | OFlags::RDONLY, Mode::empty())?)
}

/// The mode of what a handle stands for.
pub(super) fn mode(handle: &OwnedFd) -> io::Result<u32> {
    Ok(fstat(handle)?.st_mode & 0o7777)
}

/// Sets the mode of what a handle stands for, be it a handle on a path alone.
pub(super) fn set_mode(handle: &OwnedFd, mode: u32) -> io::Result<()> {
    fs::set_permissions(through(handle, "."), Permissions::from_mode(mode))
}

/// A path that leads through the handle of a folder, whatever the folder's own path leads to by now.
pub(super) fn through(folder: &OwnedFd, name: impl AsRef<OsStr>) -> PathBuf {
    let mut path = PathBuf::from("/proc/self/fd");
    path.push(folder.as_raw_fd().to_string());
    if name.as_ref().as_bytes() != b"." {
        path.push(name.as_ref());
    }
    path
}
