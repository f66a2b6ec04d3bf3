//! One file after the other, from below one folder to below another, with no link followed on either side.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, Timespec, Timestamps},
    io::Errno,
};

use crate::{
    file::{self, Stat},
    path::FilePath,
};

const OWNER_RUNS: u32 = 0o100;

/// Why a file was not laid.
#[derive(Debug)]
pub(super) enum Miss {
    /// Nothing is there that has content, or something else has taken its name.
    Gone,
    /// It cannot be read, or is too large.
    Unread,
    /// Our own side failed.
    Failed(io::Error),
}

/// Lays files. Remembers the folder of the last one: files come sorted.
#[derive(Debug)]
pub(super) struct Laying {
    from: OwnedFd,
    to: OwnedFd,
    most: u64,
    time: Timestamps,
    folder: Option<Folder>,
    content: Vec<u8>,
}

#[derive(Debug)]
struct Folder {
    path: Vec<u8>,
    from: OwnedFd,
    to: OwnedFd,
}

impl Laying {
    /// From below `from` to below `to`, files of at most `most` bytes; each is given the time `time`, in seconds since
    /// 1970.
    pub(super) fn new(from: OwnedFd, to: OwnedFd, most: u64, time: u32) -> Self {
        let time = Timespec { tv_sec: time.into(), tv_nsec: 0 };
        let time = Timestamps { last_access: time, last_modification: time };
        Self { from, to, most, time, folder: None, content: Vec::new() }
    }

    /// Lays one file or link, and gives how many bytes it has.
    pub(super) fn lay(&mut self, path: &FilePath) -> Result<u64, Miss> {
        let bytes = path.as_bytes();
        let cut = bytes.iter().rposition(|byte| *byte == b'/');
        let folder = cut.and_then(|at| bytes.get(..at)).unwrap_or_default();
        let name = cut.and_then(|at| bytes.get(at.saturating_add(1)..)).unwrap_or(bytes);
        let Folder { path, from, to } = match self.folder.take() {
            Some(known) if known.path == folder => known,
            _ => self.enter(folder)?,
        };
        let laid = if Stat::of(from.as_fd(), name).map_err(unseen)?.is_link() {
            lay_link(&from, &to, name)
        } else {
            self.lay_file(&from, &to, name)
        };
        if laid.is_ok() {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::utimensat(&to, name, &self.time, flags)
                .map_err(|error| Miss::Failed(error.into()))?;
        }
        self.folder = Some(Folder { path, from, to });
        laid
    }

    fn enter(&self, folder: &[u8]) -> Result<Folder, Miss> {
        let mut from = self.from.try_clone().map_err(Miss::Failed)?;
        let mut to = self.to.try_clone().map_err(Miss::Failed)?;
        for part in folder.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
            from = file::open_folder(from.as_fd(), part).map_err(unseen)?;
            match rustix::fs::mkdirat(&to, part, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(Miss::Failed(error.into())),
            }
            to = file::open_folder(to.as_fd(), part).map_err(taken)?;
        }
        Ok(Folder { path: folder.to_vec(), from, to })
    }

    fn lay_file(&mut self, from: &OwnedFd, to: &OwnedFd, name: &[u8]) -> Result<u64, Miss> {
        let source = file::open(from.as_fd(), name).map_err(unseen)?;
        let runs = Stat::of_open(source.as_fd()).map_err(unseen)?.mode & OWNER_RUNS;
        self.content.clear();
        let mut source = source.take(self.most.saturating_add(1));
        source.read_to_end(&mut self.content).map_err(unseen)?;
        let size = self.content.len() as u64;
        if size > self.most {
            return Err(Miss::Unread);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = if runs == 0 { Mode::RUSR | Mode::WUSR } else { Mode::RWXU };
        let target = rustix::fs::openat(to, name, flags, mode).map_err(|error| taken(error.into()))?;
        File::from(target).write_all(&self.content).map_err(Miss::Failed)?;
        Ok(size)
    }
}

fn lay_link(from: &OwnedFd, to: &OwnedFd, name: &[u8]) -> Result<u64, Miss> {
    let target = rustix::fs::readlinkat(from, name, Vec::new()).map_err(|error| unseen(error.into()))?;
    rustix::fs::symlinkat(target.as_c_str(), to, name).map_err(|error| taken(error.into()))?;
    Ok(target.as_bytes().len() as u64)
}

/// What an error on the person's side means.
fn unseen(error: io::Error) -> Miss {
    match Errno::from_io_error(&error) {
        _ if file::is_gone(&error) => Miss::Gone,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Miss::Failed(error),
        _ => Miss::Unread,
    }
}

/// What an error on our side means: where something lies already, two walks saw two things under one name.
fn taken(error: io::Error) -> Miss {
    match Errno::from_io_error(&error) {
        Some(Errno::EXIST | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR) => Miss::Gone,
        _ => Miss::Failed(error),
    }
}
