//! Mounts below writable folders, made by the child before it becomes bubblewrap.
//!
//! bubblewrap follows paths, several times each, and a command that lives elsewhere may put a link in place of a
//! folder in between. So what lies below a writable folder is mounted here, in a view that the child has to itself:
//! each place is opened in one step that follows no link, and mounted onto what was opened, whatever its name leads
//! to by then. bubblewrap takes the writable folder over as it stands, with all that is mounted in it.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags},
    mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree},
    thread::{UnshareFlags, unshare_unsafe},
};

/// Places to mount onto themselves, those above first.
#[derive(Debug, Default)]
pub(super) struct Stage(Vec<Place>);

#[derive(Debug)]
struct Place {
    path: CString,
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

impl Stage {
    /// Adds a place below all those before it, or beside them.
    pub(super) fn add(&mut self, place: &Path, writing: Writing) -> io::Result<()> {
        self.0.push(Place { path: CString::new(place.as_os_str().as_bytes())?, writing });
        Ok(())
    }

    /// Gives the calling process a view of its own with everything mounted. Raw calls, fit for a child between fork
    /// and exec that has the rights for it in its user namespace. A place that is gone, or a link, is an error.
    pub(super) fn set(&self) -> io::Result<()> {
        #[expect(unsafe_code, reason = "the call can take descriptors from other threads")]
        // SAFETY: with this flag alone it leaves descriptors as they are.
        unsafe {
            unshare_unsafe(UnshareFlags::NEWNS)?;
        }
        self.0.iter().try_for_each(Place::mount)
    }
}

impl Place {
    fn mount(&self) -> io::Result<()> {
        let path = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = rustix::fs::openat2(
            CWD,
            self.path.as_c_str(),
            path,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        )?;
        let copy = OpenTreeFlags::AT_EMPTY_PATH
            | OpenTreeFlags::AT_RECURSIVE
            | OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = open_tree(&place, c"", copy)?;
        match self.writing {
            Writing::AsAbove => {}
            Writing::Allowed => change(&tree, 0, libc::MOUNT_ATTR_RDONLY)?,
            Writing::Refused => change(&tree, libc::MOUNT_ATTR_RDONLY, 0)?,
        }
        let onto_itself = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        Ok(move_mount(&tree, c"", &place, c"", onto_itself)?)
    }
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
