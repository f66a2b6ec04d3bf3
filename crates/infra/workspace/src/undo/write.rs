//! Putting files back: each whole or not at all, confined to the workspace, nothing that was not looked at a moment ago.
//!
//! Every step goes through a handle on the file's folder that was opened part by part below the workspace without
//! following a link. What is in a file's way is never removed unless it is a folder that is empty.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::workspace::UndoKind;
use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags},
    io::Errno,
};

use crate::{
    file::{self, Stat},
    path::FilePath,
    store::Scratch,
    undo::{
        present::Present,
        was::{Held, Was},
    },
};

/// Beside a file that is written anew on another file system than our own folder, until it takes the file's name.
const HALF_WRITTEN: &[u8] = b".better-llm-undo";

/// How deep folders without files may lie in each other where a file comes back.
const DEEPEST: usize = 128;

/// A file to put back.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) path: FilePath,
    pub(crate) what: UndoKind,
    /// As it has to be now.
    pub(crate) now: Was,
    /// As it will be, and where its content lies; none: missing.
    pub(crate) then: Option<(Held, PathBuf)>,
}

/// Everything to put back.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) root: PathBuf,
    pub(crate) steps: Vec<Step>,
    /// Folders that stay although they are emptied.
    pub(crate) lasting: BTreeSet<Vec<u8>>,
    /// Empty folders to make.
    pub(crate) empty: Vec<FilePath>,
    /// Folders in which an undo that was killed may have left a half-written file.
    pub(crate) touched: BTreeSet<Vec<u8>>,
    /// The largest file that is read.
    pub(crate) most: u64,
    /// Holds the folder in which the contents lie.
    pub(crate) _scratch: Arc<Scratch>,
}

/// What was done, and at which file it stopped.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) steps: Vec<(FilePath, UndoKind)>,
    pub(crate) stopped: Option<(FilePath, io::Error)>,
}

/// The file is not as it was a moment ago.
#[derive(Debug, thiserror::Error)]
#[error("it was changed while the undo ran")]
struct ChangedMeanwhile;

impl Work {
    /// Does it all, or stops at the first file that cannot be put back. Blocks.
    pub(crate) fn run(&self) -> Done {
        let mut done = Done::default();
        let root = match file::open_root(&self.root) {
            Ok(root) => root,
            Err(error) => {
                done.stopped = self.steps.first().map(|step| (step.path.clone(), error));
                return done;
            }
        };
        self.clean(root.as_fd());
        // What was created goes first, and from the deepest up: it may stand where a folder or a file comes back.
        let (removals, others): (Vec<_>, Vec<_>) = self.steps.iter().partition(|step| step.then.is_none());
        for step in removals.into_iter().rev().chain(others) {
            if let Err(error) = self.step(root.as_fd(), step) {
                done.stopped = Some((step.path.clone(), error));
                return done;
            }
            done.steps.push((step.path.clone(), step.what));
        }
        for folder in &self.empty {
            if let Err(error) = make_folder(root.as_fd(), folder) {
                done.stopped = Some((folder.clone(), error));
                return done;
            }
        }
        done
    }

    /// Removes what a killed undo left half-written.
    fn clean(&self, root: BorrowedFd<'_>) {
        for folder in &self.touched {
            let left = FilePath::new(folder).join(HALF_WRITTEN);
            if let Ok((folder, name)) = file::open_folder_of(root, &left) {
                remove_file(folder.as_fd(), &name).unwrap_or_else(|error| {
                    tracing::debug!(%error, "cannot remove what an earlier undo left");
                });
            }
        }
    }

    fn step(&self, root: BorrowedFd<'_>, step: &Step) -> io::Result<()> {
        if !Present::look(root, &step.path, self.most).is(&step.now) {
            return Err(io::Error::other(ChangedMeanwhile));
        }
        let Some((held, staged)) = &step.then else {
            let (folder, name) = file::open_folder_of(root, &step.path)?;
            remove_file(folder.as_fd(), &name)?;
            return self.remove_emptied(root, &step.path);
        };
        let (folder, name) = open_or_make(root, &step.path)?;
        if Stat::of(folder.as_fd(), &name).is_ok_and(|stat| stat.is_folder()) {
            remove_empty_folders(folder.as_fd(), &name, DEEPEST)?;
        }
        put(folder.as_fd(), &name, held, staged)
    }

    /// Removes the folders above a removed file that it leaves empty, unless they were there before.
    fn remove_emptied(&self, root: BorrowedFd<'_>, path: &FilePath) -> io::Result<()> {
        for above in path.folders().collect::<Vec<_>>().into_iter().rev() {
            if self.lasting.contains(above) {
                return Ok(());
            }
            let (folder, name) = file::open_folder_of(root, &FilePath::new(above))?;
            match rustix::fs::unlinkat(&folder, name.as_slice(), AtFlags::REMOVEDIR) {
                Ok(()) => {}
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Puts a staged content in its place.
fn put(folder: BorrowedFd<'_>, name: &[u8], held: &Held, staged: &Path) -> io::Result<()> {
    // What replaces a file belongs to whom the file belonged, as far as that can be.
    let before = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok();
    let ready = staged.with_extension("ready");
    if held.is_link {
        let target = fs::read(staged)?;
        remove_at(&ready)?;
        std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(&target), &ready)?;
    } else {
        fs::copy(staged, &ready)?;
        prepare(&File::open(&ready)?, before.as_ref(), held)?;
    }
    match rustix::fs::renameat(CWD, &ready, folder, name) {
        Err(Errno::XDEV) => {}
        moved => return Ok(moved?),
    }
    remove_file(folder, HALF_WRITTEN)?;
    if held.is_link {
        rustix::fs::symlinkat(fs::read(staged)?.as_slice(), folder, HALF_WRITTEN)?;
    } else {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let half = rustix::fs::openat(folder, HALF_WRITTEN, flags, Mode::RUSR | Mode::WUSR)?;
        let mut half = File::from(half);
        io::copy(&mut File::open(staged)?, &mut half)?;
        prepare(&half, before.as_ref(), held)?;
    }
    rustix::fs::renameat(folder, HALF_WRITTEN, folder, name)?;
    remove_at(&ready)
}

/// Gives a file its owner and its permissions, and waits until it is on disk.
fn prepare(file: &File, before: Option<&rustix::fs::Stat>, held: &Held) -> io::Result<()> {
    if let Some(before) = before
        && let Err(error) = std::os::unix::fs::fchown(file, Some(before.st_uid), Some(before.st_gid))
    {
        tracing::debug!(%error, "a file that is put back belongs to whoever undoes");
    }
    // After the owner, whose change takes bits away.
    file.set_permissions(Permissions::from_mode(held.permissions))?;
    file.sync_all()
}

/// Opens the folder of a path below `root`, with those above it that are missing.
fn open_or_make(root: BorrowedFd<'_>, path: &FilePath) -> io::Result<(OwnedFd, Vec<u8>)> {
    if let Some(above) = path.folders().last() {
        make_folder(root, &FilePath::new(above))?;
    }
    file::open_folder_of(root, path)
}

/// Makes a folder below `root` and those above it, through no link.
pub(crate) fn make_folder(root: BorrowedFd<'_>, path: &FilePath) -> io::Result<()> {
    let mut folder = root.try_clone_to_owned()?;
    for name in path.as_bytes().split(|byte| *byte == b'/') {
        match rustix::fs::mkdirat(&folder, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
            Err(error) if error != Errno::EXIST => return Err(error.into()),
            _ => folder = file::open_folder(folder.as_fd(), name)?,
        }
    }
    Ok(())
}

/// Removes a folder in which there are only empty folders; fails where there is a file.
fn remove_empty_folders(above: BorrowedFd<'_>, name: &[u8], depth: usize) -> io::Result<()> {
    let depth = depth.checked_sub(1).ok_or(io::ErrorKind::DirectoryNotEmpty)?;
    let mut dir = Dir::new(file::open_folder(above, name)?)?;
    let mut names = Vec::new();
    for entry in &mut dir {
        names.push(entry?.file_name().to_bytes().to_vec());
    }
    for inner in names.iter().filter(|name| *name != b"." && *name != b"..") {
        remove_empty_folders(dir.fd()?, inner, depth)?;
    }
    Ok(rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)?)
}

fn remove_file(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(error) if error != Errno::NOENT => Err(error.into()),
        _ => Ok(()),
    }
}

fn remove_at(place: &Path) -> io::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
