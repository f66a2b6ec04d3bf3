//! Mounts that are made by the child before it becomes bubblewrap.
//!
//! bubblewrap follows paths, several times each, and a command that lives elsewhere may put a link in place of a
//! folder in between. So folders that other commands might move are mounted here, in a view that the child has to
//! itself: each is opened in one step that follows no link, and mounted at a place of its own that nobody else sees.
//! What lies below one is opened from there, and mounted onto itself. bubblewrap is told of the places.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags},
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsmount,
        fsopen, move_mount, open_tree,
    },
    thread::{UnshareFlags, unshare_unsafe},
};

/// Where the places are. Every Linux has that folder, nobody but root can move it, and no view shows it.
const PLACES: &str = "/sys";

/// What is mounted, in this order.
#[derive(Debug, Default)]
pub(super) struct Stage {
    folders: Vec<Folder>,
    inside: Vec<Inside>,
}

/// A folder that is mounted at a place of its own.
#[derive(Debug)]
struct Folder {
    from: CString,
    place: CString,
    known: PathBuf,
    writing: Writing,
}

/// What lies below such a folder.
#[derive(Debug)]
struct Inside {
    place: CString,
    writing: Writing,
}

/// What a mount changes about writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// Nothing: it is there so that its place stays.
    AsAbove,
    /// Allowed again in a folder that is only read.
    Allowed,
    Refused,
}

impl Writing {
    fn set(self, tree: &OwnedFd) -> io::Result<()> {
        match self {
            Self::AsAbove => Ok(()),
            Self::Allowed => change(tree, 0, libc::MOUNT_ATTR_RDONLY),
            Self::Refused => change(tree, libc::MOUNT_ATTR_RDONLY, 0),
        }
    }
}

impl Stage {
    /// Adds a folder, and gives the place that it will be found at.
    pub(super) fn add_folder(&mut self, folder: &Path, writing: Writing) -> io::Result<PathBuf> {
        let place = Path::new(PLACES).join(self.folders.len().to_string());
        let known = folder.to_owned();
        self.folders.push(Folder { from: text(folder)?, place: text(&place)?, known, writing });
        Ok(place)
    }

    /// Adds what lies below a folder that was added, or below none. Those above come before those below.
    pub(super) fn add_inside(&mut self, path: &Path, writing: Writing) -> io::Result<()> {
        let moved = self.folders.iter().rev().find_map(|folder| {
            let inside = path.strip_prefix(&folder.known).ok()?;
            Some(Path::new(std::ffi::OsStr::from_bytes(folder.place.as_bytes())).join(inside))
        });
        self.inside.push(Inside { place: text(moved.as_deref().unwrap_or(path))?, writing });
        Ok(())
    }

    /// Gives the calling process a view of its own with everything mounted. Raw calls, fit for a child between fork
    /// and exec that has the rights for it in its user namespace. What is gone, or a link, is an error.
    pub(super) fn set(&self) -> io::Result<()> {
        #[expect(unsafe_code, reason = "the call can take descriptors from other threads")]
        // SAFETY: with this flag alone it leaves descriptors as they are.
        unsafe {
            unshare_unsafe(UnshareFlags::NEWNS)?;
        }
        if !self.folders.is_empty() {
            make_places()?;
        }
        self.folders.iter().try_for_each(Folder::mount)?;
        self.inside.iter().try_for_each(Inside::mount)
    }
}

impl Folder {
    fn mount(&self) -> io::Result<()> {
        let tree = copy(&open(&self.from)?)?;
        self.writing.set(&tree)?;
        rustix::fs::mkdirat(CWD, self.place.as_c_str(), Mode::RWXU)?;
        attach(&tree, &open(&self.place)?)
    }
}

impl Inside {
    fn mount(&self) -> io::Result<()> {
        let place = open(&self.place)?;
        let tree = copy(&place)?;
        self.writing.set(&tree)?;
        attach(&tree, &place)
    }
}

fn text(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// A file system in memory over [`PLACES`].
fn make_places() -> io::Result<()> {
    let memory = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&memory)?;
    let places = fsmount(&memory, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let at = open(c"/sys")?;
    attach(&places, &at)
}

fn open(path: &std::ffi::CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve)?)
}

/// A mount of what was opened, and of all that is mounted in it.
fn copy(opened: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(open_tree(opened, c"", flags)?)
}

fn attach(tree: &OwnedFd, place: &OwnedFd) -> io::Result<()> {
    let by_handle = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(tree, c"", place, c"", by_handle)?)
}

/// Sets and clears attributes of a mount and of all below it.
fn change(tree: &OwnedFd, set: u64, clear: u64) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: clear, propagation: 0, userns_fd: 0 };
    #[expect(unsafe_code, reason = "no safe wrapper changes the attributes of a mount")]
    // SAFETY: path and attributes outlive the call, which only reads as many bytes as it is told.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            std::ptr::from_ref(&attributes),
            size_of_val(&attributes),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
