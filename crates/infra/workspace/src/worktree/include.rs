//! Files that git ignores and a session needs all the same: those that `.worktreeinclude`, in the top folder of the
//! repository, names as `.gitignore` would. They are copied, within bounds, and no link is followed on the way.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use sha2::{Digest as _, Sha256};

use super::{Origin, note::Copied};
use crate::{
    file::{self, Stat},
    git::call::GitError,
    off_thread::blocking,
    path::FilePath,
    undo::write::make_folder,
};

/// Names the files.
const INCLUDE: &str = ".worktreeinclude";
/// The longest such file, in bytes.
const LONGEST: u64 = 1 << 20;
/// The most files that are copied.
const MOST_FILES: usize = 1_000;
/// The largest of them, in bytes.
const LARGEST: u64 = 20 << 20;
/// How many bytes they may hold together.
const MOST_BYTES: u64 = 200 << 20;
/// The most files that are named where they are not copied.
const MOST_NAMED: usize = 10;

/// Why a file that is named is not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is a link, or no file at all, or lies behind a link.
    Link,
    /// It is too large.
    Large,
    /// There are too many, or they are too large together.
    Many,
    /// It could not be read, or not be written.
    Failed,
}

impl Refused {
    /// Why, in a few words for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "a link, or no regular file",
            Self::Large => "larger than 20 MiB",
            Self::Many => "past 1,000 files or 200 MiB together",
            Self::Failed => "cannot be read or written",
        }
    }
}

/// What was named and not copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotCopied {
    /// The first of them, each with its reason.
    pub named: Vec<(String, Refused)>,
    /// How many more there are.
    pub more: usize,
}

impl NotCopied {
    fn add(&mut self, path: &FilePath, why: Refused) {
        match self.named.len() < MOST_NAMED {
            true => self.named.push((path.to_text(), why)),
            false => self.more = self.more.saturating_add(1),
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Include {
    pub(super) copied: Vec<Copied>,
    pub(super) not_copied: NotCopied,
}

/// Copies what is named from the person's work tree into the one at `target`.
pub(super) async fn copy(origin: &Origin, target: &Path) -> Result<Include, GitError> {
    let top = &origin.repository.top;
    let Some(patterns) = patterns(top, &target.with_extension("include")) else {
        return Ok(Include::default());
    };
    let listed = named(origin, patterns.path()).await;
    drop(patterns);
    let paths = listed?;
    if paths.is_empty() {
        return Ok(Include::default());
    }
    let (top, target) = (top.clone(), target.to_owned());
    let copied = blocking(move || copy_all(&top, &target, &paths)).await;
    let talk = |source| GitError::Talk { command: INCLUDE.to_owned(), source };
    copied.and_then(|copied| copied).map_err(talk)
}

/// The patterns as git reads them: a copy, so that no link and no pipe stands there. Gone when dropped.
struct Patterns(std::path::PathBuf);

impl Patterns {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Patterns {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "a copy of `.worktreeinclude` stays");
        }
    }
}

/// None where the repository names no files.
fn patterns(top: &Path, place: &Path) -> Option<Patterns> {
    let opened = file::open_root(top).ok()?;
    let is_file = |stat: Stat| stat.has_content() && !stat.is_link();
    Stat::of(opened.as_fd(), INCLUDE.as_bytes()).ok().filter(|stat| is_file(*stat))?;
    let text = match file::read_in(opened.as_fd(), INCLUDE.as_bytes(), LONGEST) {
        Ok(text) => text,
        Err(error) => {
            tracing::warn!(%error, "`.worktreeinclude` cannot be read, so nothing is copied");
            return None;
        }
    };
    let patterns = Patterns(place.to_owned());
    std::fs::write(place, text).ok()?;
    Some(patterns)
}

/// The files that git ignores and the patterns name, in order.
async fn named(origin: &Origin, patterns: &Path) -> Result<Vec<FilePath>, GitError> {
    let call = origin.call().args(["ls-files", "-z", "--others", "--ignored", "--exclude-from"]);
    let others = call.args([patterns]).succeed().await?;
    // One that ends with a slash is another repository.
    let others = others.split(|byte| *byte == 0).filter(|path| !path.is_empty() && !path.ends_with(b"/"));
    let mut input = others.collect::<Vec<_>>().join(&0);
    if input.is_empty() {
        return Ok(Vec::new());
    }
    input.push(0);
    let answer = origin.call().args(["check-ignore", "-z", "--stdin"]).input(input).finish().await?;
    // Exit code 1: git ignores none of them.
    let answer = if answer.code == 1 { return Ok(Vec::new()) } else { answer.success()?.stdout };
    let mut paths: Vec<_> = answer.split(|byte| *byte == 0).map(FilePath::new).collect();
    paths.retain(FilePath::is_sound);
    paths.sort();
    Ok(paths)
}

fn copy_all(top: &Path, target: &Path, paths: &[FilePath]) -> io::Result<Include> {
    let (from, to) = (file::open_root(top)?, file::open_root(target)?);
    let mut include = Include::default();
    let mut left = MOST_BYTES;
    for path in paths {
        match copy_one(from.as_fd(), to.as_fd(), path, left, include.copied.len()) {
            Ok((bytes, copied)) => {
                left = left.saturating_sub(bytes);
                include.copied.push(copied);
            }
            Err(why) => include.not_copied.add(path, why),
        }
    }
    Ok(include)
}

fn copy_one(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    path: &FilePath,
    left: u64,
    files: usize,
) -> Result<(u64, Copied), Refused> {
    let stat = file::stat(from, path).filter(|stat| stat.has_content() && !stat.is_link());
    let stat = stat.ok_or(Refused::Link)?;
    if stat.size > LARGEST {
        return Err(Refused::Large);
    }
    if stat.size > left || files >= MOST_FILES {
        return Err(Refused::Many);
    }
    let content = file::read(from, path, LARGEST).map_err(|_| Refused::Failed)?;
    put(to, path, &content, stat.mode).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::NOTDIR) => Refused::Link,
        _ => Refused::Failed,
    })?;
    let digest = Sha256::digest(&content).into();
    Ok((content.len() as u64, Copied { path: path.clone(), digest }))
}

/// Writes a file where there is none, below `to`, through no link.
fn put(to: BorrowedFd<'_>, path: &FilePath, content: &[u8], mode: u32) -> io::Result<()> {
    if let Some(above) = path.folders().last() {
        make_folder(to, &FilePath::new(above))?;
    }
    let (folder, name) = file::open_folder_of(to, path)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_bits_truncate(permissions(mode)) | Mode::RUSR | Mode::WUSR;
    let mut file = File::from(rustix::fs::openat(&folder, name.as_slice(), flags, mode)?);
    file.write_all(content)
}

/// Permissions as the file system takes them.
fn permissions(mode: u32) -> rustix::fs::RawMode {
    rustix::fs::RawMode::try_from(mode & 0o777).unwrap_or(0o600)
}
