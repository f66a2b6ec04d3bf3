//! Our copy of the person's index: what it tracks, and what in it must be put right before it tells the truth.

use std::{collections::HashMap, fs, io, path::Path, time::SystemTime};

use crate::{
    error::KeepError,
    file::Stat,
    git::{shadow::Shadow, times::EntryTimes},
    path::FilePath,
};

/// The kind of a link to another repository, in git's trees.
const GITLINK: &str = "160000";

/// The most bytes that git says of an index: some 260 for each file.
const LONGEST_ANSWER: usize = 256 << 20;

/// What the person's index held.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Files inside the workspace that are there or should be; sorted.
    pub(crate) tracked: Vec<FilePath>,
    /// What it knows of those among them that no merge left open.
    pub(crate) known: KnownFiles,
    /// Other repositories inside the workspace that it links to.
    pub(crate) links: Vec<FilePath>,
}

/// What an index knows of files.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles {
    files: HashMap<FilePath, KnownFile>,
    /// When it was written.
    written: Option<SystemTime>,
}

#[derive(Debug)]
struct KnownFile {
    mode: u32,
    object: String,
    times: EntryTimes,
}

impl KnownFiles {
    /// Whether the index holds the file as it is, as far as its times tell.
    pub(crate) fn hold(&self, path: &FilePath, stat: &Stat) -> bool {
        let known = self.files.get(path).zip(self.written);
        known.is_some_and(|(known, written)| known.is_of(stat) && known.times.is_sure(written))
    }

    /// [`KnownFiles::hold`], of a file that is too large to be read: its times may be as young as the index.
    pub(crate) fn may_hold(&self, path: &FilePath, stat: &Stat) -> bool {
        self.files.get(path).is_some_and(|known| known.is_of(stat))
    }

    /// Knows nothing of these files any more: the index is about to change.
    pub(crate) fn forget(&mut self, paths: &[FilePath]) {
        for path in paths {
            self.files.remove(path);
        }
    }

    /// Under which name git knows the content that the index holds of a file or link like this one.
    pub(crate) fn object(&self, path: &FilePath, stat: &Stat) -> Option<&str> {
        let known = self.files.get(path).filter(|known| known.mode == git_mode(stat));
        known.map(|known| known.object.as_str())
    }
}

impl KnownFile {
    fn is_of(&self, stat: &Stat) -> bool {
        self.mode == git_mode(stat) && self.times.is_of(stat)
    }
}

/// A mode as git's trees have it.
const fn git_mode(stat: &Stat) -> u32 {
    match stat.mode {
        mode if mode & 0o170_000 == 0o120_000 => 0o120_000,
        mode if mode & 0o100 != 0 => 0o100_755,
        _ => 0o100_644,
    }
}

/// Reads our copy of the person's index, and puts right what would keep it from telling the truth: entries marked
/// "assume unchanged" or "skip" that are there all the same, and unmerged entries. Links to other repositories stay until
/// files of theirs are put in their place.
pub(crate) async fn read_index(shadow: &Shadow) -> Result<Index, KeepError> {
    if !shadow.index.is_file() {
        return Ok(Index::default());
    }
    let call = shadow.call().args(["ls-files", "-v", "--stage", "-z", "--debug"]).keep(LONGEST_ANSWER);
    let answer = call.succeed().await?;
    let mut index = Index::default();
    index.known.written = fs::metadata(&shadow.index).and_then(|data| data.modified()).ok();
    let (mut remove, mut assumed, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let mut entry_before = None;
    for part in answer.split(|byte| *byte == 0) {
        // What git says of an entry stands behind it.
        let (times, line) = EntryTimes::parse(part);
        if let Some(((path, mode, object), times)) = entry_before.take().zip(times) {
            index.known.files.insert(path, KnownFile { mode, object, times });
        }
        if line.is_empty() {
            continue;
        }
        let entry = IndexEntry::parse(line).ok_or(KeepError::Answer("ls-files"))?;
        let top_path = FilePath::new(entry.path);
        let inside = entry.path.strip_prefix(shadow.repository.prefix.as_slice()).map(FilePath::new);
        if entry.is_unmerged {
            remove.extend_from_slice(format!("0 {}\t", entry.object).as_bytes());
            remove.extend_from_slice(entry.path);
            remove.push(0);
        }
        if entry.is_assumed {
            assumed.push(top_path.clone());
        }
        let is_there = || shadow.repository.top.join(top_path.as_path()).symlink_metadata().is_ok();
        let is_absent_on_purpose = entry.is_skipped && !is_there();
        if entry.is_skipped && !is_absent_on_purpose {
            skipped.push(top_path.clone());
        }
        if let Some(path) = inside.as_ref().filter(|_| !entry.is_unmerged) {
            let mode = u32::from_str_radix(entry.mode, 8).unwrap_or_default();
            entry_before = Some((path.clone(), mode, entry.object.to_owned()));
        }
        match inside {
            Some(path) if entry.mode == GITLINK => index.links.push(path),
            Some(path) if !is_absent_on_purpose => index.tracked.push(path),
            _ => {}
        }
    }
    index.tracked.dedup();
    mark(shadow, "--no-assume-unchanged", &assumed).await?;
    mark(shadow, "--no-skip-worktree", &skipped).await?;
    if !remove.is_empty() {
        shadow.call().args(["update-index", "-z", "--index-info"]).input(remove).succeed().await?;
    }
    Ok(index)
}

async fn mark(shadow: &Shadow, option: &str, paths: &[FilePath]) -> Result<(), KeepError> {
    if paths.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    for path in paths {
        names.extend_from_slice(path.as_bytes());
        names.push(0);
    }
    shadow.call().args(["update-index", "-z", option, "--stdin"]).input(names).succeed().await?;
    Ok(())
}

struct IndexEntry<'a> {
    is_assumed: bool,
    is_skipped: bool,
    is_unmerged: bool,
    mode: &'a str,
    object: &'a str,
    path: &'a [u8],
}

impl<'a> IndexEntry<'a> {
    /// Reads `<tag> <mode> <id> <stage>TAB<path>`; a small tag letter means "assume unchanged", `S` "skip".
    fn parse(line: &'a [u8]) -> Option<Self> {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (head, path) = (line.get(..tab)?, line.get(tab.checked_add(1)?..)?);
        let mut words = str::from_utf8(head).ok()?.split(' ');
        let (tag, mode, object, stage) = (words.next()?, words.next()?, words.next()?, words.next()?);
        Some(Self {
            is_assumed: tag.chars().all(|letter| letter.is_ascii_lowercase()),
            is_skipped: tag.eq_ignore_ascii_case("s"),
            is_unmerged: stage != "0",
            mode,
            object,
            path,
        })
    }
}

/// Our index belongs to one call at a time; a lock beside it was left by a process that was killed.
pub(crate) fn remove_stale_lock(index: &Path) -> Result<(), KeepError> {
    let mut lock = index.as_os_str().to_owned();
    lock.push(".lock");
    match fs::remove_file(&lock) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(KeepError::Store { doing: "write", place: lock.into(), source })
        }
        _ => Ok(()),
    }
}
