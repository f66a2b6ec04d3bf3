//! What stands at a path now, whatever ignore rules say, without following any link.

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::fs::Dir;

use crate::{
    file::{self, Stat},
    modes::PERMISSIONS,
    path::FilePath,
    undo::was::{Held, Known, Source, Was},
};

/// The most names below a folder that stands where a file was, before that is taken to hold something else.
const MOST_NAMES: usize = 100_000;
/// How deep is looked into such a folder.
const DEEPEST: usize = 128;

/// What stands at a path.
#[derive(Debug)]
pub(crate) enum Present {
    Missing,
    /// No folder, but something else stands where one of the path's folders would be.
    Blocked(FilePath),
    Folder,
    /// A file or a link; without content: unreadable or too large.
    File(Stat, Option<Vec<u8>>),
    /// A pipe, a socket, a device, or what cannot be looked at.
    Strange,
}

impl Present {
    /// Looks at a path below `root`; reads `most` bytes at most.
    pub(crate) fn look(root: BorrowedFd<'_>, path: &FilePath, most: u64) -> Self {
        Self::try_look(root, path, most).unwrap_or(Self::Strange)
    }

    fn try_look(root: BorrowedFd<'_>, path: &FilePath, most: u64) -> io::Result<Self> {
        let mut folder = root.try_clone_to_owned()?;
        for above in path.folders() {
            let name = above.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            match Stat::of(folder.as_fd(), name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Missing),
                Err(error) => return Err(error),
                Ok(stat) if !stat.is_folder() => return Ok(Self::Blocked(FilePath::new(above))),
                Ok(_) => folder = file::open_folder(folder.as_fd(), name)?,
            }
        }
        let name = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        match Stat::of(folder.as_fd(), name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Missing),
            Err(error) => Err(error),
            Ok(stat) if stat.is_folder() => Ok(Self::Folder),
            Ok(stat) if stat.has_content() => {
                Ok(Self::File(stat, file::read_in(folder.as_fd(), name, most).ok()))
            }
            Ok(_) => Ok(Self::Strange),
        }
    }

    /// Whether this is what a file was. Where nothing was, a folder or what is in a folder's way is no file either.
    pub(crate) fn is(&self, was: &Was) -> bool {
        match (self, was) {
            (Self::Missing | Self::Blocked(_) | Self::Folder, Was::Missing) => true,
            (Self::File(stat, Some(content)), Was::Held(held)) => held.is(stat, content),
            (Self::File(stat, _), Was::NotKept(Known::Stat(known))) => stat == known,
            (Self::File(_, Some(content)), Was::NotKept(Known::Digest(digest))) => {
                Source::Copy(*digest).is(content)
            }
            _ => false,
        }
    }
}

impl Held {
    fn is(&self, stat: &Stat, content: &[u8]) -> bool {
        self.is_link == stat.is_link()
            && (self.is_link || self.permissions == stat.mode & PERMISSIONS)
            && self.source.is(content)
    }
}

/// Whether a folder holds no files but `known` ones.
pub(crate) fn holds_only(root: BorrowedFd<'_>, folder: &FilePath, known: &BTreeSet<&FilePath>) -> bool {
    let opened =
        file::open_folder_of(root, folder).and_then(|(above, name)| file::open_folder(above.as_fd(), &name));
    let mut left = MOST_NAMES;
    opened.is_ok_and(|opened| only(opened, folder, known, &mut left, DEEPEST).unwrap_or(false))
}

fn only(
    folder: OwnedFd,
    path: &FilePath,
    known: &BTreeSet<&FilePath>,
    left: &mut usize,
    depth: usize,
) -> io::Result<bool> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(false) };
    let mut dir = Dir::new(folder)?;
    let mut names = Vec::new();
    for entry in &mut dir {
        let name = entry?.file_name().to_bytes().to_vec();
        *left = left.saturating_sub(1);
        if *left == 0 {
            return Ok(false);
        }
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    for name in names {
        let inner = path.join(&name);
        if Stat::of(dir.fd()?, &name)?.is_folder() {
            if !only(file::open_folder(dir.fd()?, &name)?, &inner, known, left, depth)? {
                return Ok(false);
            }
        } else if !known.contains(&inner) {
            return Ok(false);
        }
    }
    Ok(true)
}
