//! Looking at single files: stat data, and content without ever following a link or waiting on a pipe.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::path::FilePath;

/// The SHA-256 of a file's content, or of where a link points.
pub(crate) type Digest = [u8; 32];

/// Digests as text.
pub(crate) mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Digest;

    pub(crate) fn text(digest: &Digest) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(digest))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut digest = Digest::default();
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return Err(D::Error::custom("a digest has 64 letters"));
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let pair = str::from_utf8(pair).map_err(D::Error::custom)?;
            *byte = u8::from_str_radix(pair, 16).map_err(D::Error::custom)?;
        }
        Ok(digest)
    }
}

/// What the file system says of a file without opening it. Two equal values mean the same content, save for
/// changes within one tick of the file system's clock (see [`Stat::is_recent`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stat {
    pub(crate) size: u64,
    pub(crate) mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

impl Stat {
    /// The slowest clock that file systems of today stamp with ticks every 10 ms; twice that is safe.
    const TICK: Duration = Duration::from_millis(20);

    #[expect(clippy::unnecessary_cast, reason = "the fields have other widths on other systems")]
    #[expect(clippy::cast_sign_loss, reason = "sizes are not negative")]
    #[expect(clippy::cast_possible_wrap, reason = "nanoseconds are below 10^9")]
    fn new(raw: &rustix::fs::Stat) -> Self {
        Self {
            size: raw.st_size as u64,
            mode: raw.st_mode as u32,
            modified: (raw.st_mtime as i64, raw.st_mtime_nsec as i64),
            changed: (raw.st_ctime as i64, raw.st_ctime_nsec as i64),
            inode: raw.st_ino as u64,
        }
    }

    /// Stat data of `name` in `folder`; of a link itself, never of what it points to.
    pub(crate) fn of(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<Self> {
        Ok(Self::new(&rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Stat data of an opened file.
    pub(crate) fn of_open(file: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self::new(&rustix::fs::fstat(file)?))
    }

    /// When its content was changed: seconds since 1970 and nanoseconds.
    pub(crate) const fn modified(&self) -> (i64, i64) {
        self.modified
    }

    /// When anything of it was changed: seconds since 1970 and nanoseconds.
    pub(crate) const fn changed(&self) -> (i64, i64) {
        self.changed
    }

    pub(crate) const fn inode(&self) -> u64 {
        self.inode
    }

    fn kind(&self) -> FileType {
        #[expect(clippy::useless_conversion, reason = "the type has another width on other systems")]
        FileType::from_raw_mode(self.mode.into())
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.kind() == FileType::Directory
    }

    pub(crate) fn is_link(&self) -> bool {
        self.kind() == FileType::Symlink
    }

    /// A file or a link: what has content. Pipes, sockets and devices are not looked at.
    pub(crate) fn has_content(&self) -> bool {
        matches!(self.kind(), FileType::RegularFile | FileType::Symlink)
    }

    /// Neither file nor link nor folder: what one may wait for when one opens it.
    pub(crate) fn is_strange(&self) -> bool {
        !self.has_content() && !self.is_folder()
    }

    /// Whether the file was changed so short a time before `looked` that another change might carry the same
    /// times.
    pub(crate) fn is_recent(&self, looked: SystemTime) -> bool {
        let edge = looked.checked_sub(Self::TICK).and_then(|edge| edge.duration_since(UNIX_EPOCH).ok());
        let edge = edge.map_or((0, 0), |edge| {
            (i64::try_from(edge.as_secs()).unwrap_or(i64::MAX), i64::from(edge.subsec_nanos()))
        });
        self.changed.max(self.modified) >= edge
    }
}

/// The bits of a mode that make a file another one for evidence: its kind and whether its owner may run it.
pub(crate) const fn lasting(mode: u32) -> u32 {
    mode & 0o170_100
}

/// Opens the folder that everything is looked at from.
pub(crate) fn open_root(root: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(root, flags, Mode::empty())?)
}

/// Opens `path` below `root`, part by part, so that no link on the way leads elsewhere.
pub(crate) fn open_folder_of(root: BorrowedFd<'_>, path: &FilePath) -> io::Result<(OwnedFd, Vec<u8>)> {
    let mut parts = path.as_bytes().split(|byte| *byte == b'/').peekable();
    let mut folder = root.try_clone_to_owned()?;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return Ok((folder, part.to_vec()));
        }
        folder = open_folder(folder.as_fd(), part)?;
    }
    Err(io::ErrorKind::InvalidInput.into())
}

/// Opens the folder `name` in `folder`, which is no link.
pub(crate) fn open_folder(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

/// Stat data of `path` below `root`; none where it is missing or lies behind a link.
pub(crate) fn stat(root: BorrowedFd<'_>, path: &FilePath) -> Option<Stat> {
    let (folder, name) = open_folder_of(root, path).ok()?;
    Stat::of(folder.as_fd(), &name).ok()
}

/// The content of a file, or where a link points.
///
/// # Errors
/// Where it cannot be read, is neither file nor link, or is longer than `most` bytes.
pub(crate) fn read(root: BorrowedFd<'_>, path: &FilePath, most: u64) -> io::Result<Vec<u8>> {
    let (folder, name) = open_folder_of(root, path)?;
    read_in(folder.as_fd(), &name, most)
}

/// [`read`], in an opened folder.
pub(crate) fn read_in(folder: BorrowedFd<'_>, name: &[u8], most: u64) -> io::Result<Vec<u8>> {
    if Stat::of(folder, name)?.is_link() {
        return Ok(rustix::fs::readlinkat(folder, name, Vec::new())?.into_bytes());
    }
    let mut content = Vec::new();
    open(folder, name)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

/// The digest of a file's content or of where a link points, read in pieces.
///
/// # Errors
/// As [`read`].
pub(crate) fn digest(root: BorrowedFd<'_>, path: &FilePath, most: u64) -> io::Result<Digest> {
    let (folder, name) = open_folder_of(root, path)?;
    if Stat::of(folder.as_fd(), &name)?.is_link() {
        let target = rustix::fs::readlinkat(folder.as_fd(), name.as_slice(), Vec::new())?;
        return Ok(Sha256::digest(target.as_bytes()).into());
    }
    let mut file = open(folder.as_fd(), &name)?.take(most.saturating_add(1));
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    let mut total = 0_u64;
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            break;
        }
        total = total.saturating_add(length as u64);
        hasher.update(piece.get(..length).unwrap_or_default());
    }
    if total > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(hasher.finalize().into()) }
}

/// Whether an error says that no file or link bears a name any more: it is gone, or something else has taken its place
/// or that of a folder above it.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    match Errno::from_io_error(error) {
        Some(errno) => {
            matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::INVAL)
        }
        None => error.kind() == io::ErrorKind::InvalidInput,
    }
}

/// The content of a regular file, or of one that links lead to. For files of git's and of settings, which may lie
/// anywhere.
///
/// # Errors
/// Where it cannot be read, is no regular file, or is longer than `most` bytes.
pub(crate) fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_regular(path)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(content) }
}

/// Opens what [`read_regular`] reads.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    if Stat::new(&rustix::fs::fstat(&file)?).kind() != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(File::from(file))
}

/// Opens a regular file. `NONBLOCK`, because a pipe may have taken its place meanwhile.
pub(crate) fn open(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    if Stat::new(&rustix::fs::fstat(&file)?).kind() != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(File::from(file))
}
