//! How watched paths look: stat data of each, and the content of files, which is read only where stat data changed.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{GuardError, Watch};

/// The most paths that are watched.
const MOST_PATHS: usize = 20_000;
/// The most bytes of content that are kept.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Kernels stamp files with a clock of coarse ticks: a file that changed less than this before it was looked at may
/// change again under the same stamp.
const SETTLING: Duration = Duration::from_millis(100);

/// Everything a write, a rename, a chmod or a replacement changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    mode: u32,
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            mode: found.mode(),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Missing,
    /// Its content is watched elsewhere or not at all. Its place and its mode count.
    FolderAlone,
    /// A folder, and the names in it, sorted.
    Folder(Arc<[OsString]>),
    File(Arc<[u8]>),
    Link(PathBuf),
    /// A pipe, a device, a socket: cannot be put back, so it is not compared.
    Special,
}

/// One watched path.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: PathBuf,
    watch: Watch,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    stamp: Option<Stamp>,
    /// The stamp alone proves that nothing changed.
    is_settled: bool,
}

impl Entry {
    /// One that somebody else looked at: nothing but its content proves that nothing changed.
    pub(super) fn of_record(place: PathBuf, watch: Watch, kind: Kind, mode: u32) -> Self {
        Self { place, watch, kind, mode, stamp: None, is_settled: false }
    }

    pub(super) fn watch(&self) -> Watch {
        self.watch
    }

    /// Whether it only leads to what counts.
    pub(super) fn is_way(&self) -> bool {
        self.watch != Watch::Whole
    }

    /// Whether a folder may come where nothing was.
    pub(super) fn may_become_a_folder(&self) -> bool {
        self.watch == Watch::Way
    }

    /// Whether a look at the stat data is enough to say that it is as it was.
    pub(super) fn is_unchanged(&self, found: Option<&Metadata>) -> bool {
        match (found, &self.kind) {
            (None, kind) => *kind == Kind::Missing,
            (Some(found), Kind::FolderAlone) => {
                self.stamp.is_some_and(|stamp| is_same_folder(&stamp, &Stamp::of(found)))
            }
            (Some(found), _) => self.is_settled && self.stamp == Some(Stamp::of(found)),
        }
    }
}

/// Names come and go in a folder of which only the place is watched.
fn is_same_folder(before: &Stamp, now: &Stamp) -> bool {
    (before.device, before.inode, before.mode) == (now.device, now.inode, now.mode)
}

/// All watched paths, parents before what stands in them.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) entries: BTreeMap<PathBuf, Entry>,
}

impl Snapshot {
    /// Looks at every watched path; takes over what `older` has read and stat data show to be unchanged.
    pub(super) fn take(
        workspace: &Path,
        watched: &BTreeMap<PathBuf, Watch>,
        older: Option<&Self>,
    ) -> Result<Self, GuardError> {
        let mut entries = BTreeMap::new();
        let mut bytes = 0;
        let now = SystemTime::now();
        // Taken from the end: parents come before what stands in them.
        let mut waiting: Vec<(PathBuf, Watch)> =
            watched.iter().rev().map(|(path, watch)| (path.clone(), *watch)).collect();
        while let Some((path, watch)) = waiting.pop() {
            if stands_behind_a_link(&path, &entries) {
                continue;
            }
            let place = workspace.join(&path);
            let look = |source| GuardError::Look { path: path.clone(), source };
            let found = stat(&place).map_err(look)?;
            let known = older.and_then(|older| older.entries.get(&path));
            // Before it is read.
            if found.as_ref().is_some_and(|found| found.is_file() && found.len() > MOST_BYTES) {
                return Err(GuardError::TooMuch { path, most: "64 MiB" });
            }
            let entry = match known {
                Some(known) if known.is_unchanged(found.as_ref()) => known.clone(),
                _ => read(place, watch, found.as_ref(), now).map_err(look)?,
            };
            match &entry.kind {
                Kind::Folder(names) => {
                    waiting.extend(names.iter().map(|name| (path.join(name), Watch::Whole)));
                }
                Kind::File(content) => bytes += content.len() as u64,
                Kind::Missing | Kind::FolderAlone | Kind::Link(_) | Kind::Special => {}
            }
            if bytes > MOST_BYTES {
                return Err(GuardError::TooMuch { path, most: "64 MiB" });
            }
            if entries.len() + waiting.len() > MOST_PATHS {
                return Err(GuardError::TooMuch { path, most: "20,000 files" });
            }
            entries.insert(path, entry);
        }
        Ok(Self { entries })
    }

    /// Whether stat data alone show that everything is as it was.
    pub(super) fn is_unchanged(&self) -> bool {
        self.entries
            .values()
            .all(|entry| stat(&entry.place).is_ok_and(|found| entry.is_unchanged(found.as_ref())))
    }
}

/// The link is watched; what it leads to is protected under its own name or not at all.
fn stands_behind_a_link(path: &Path, entries: &BTreeMap<PathBuf, Entry>) -> bool {
    path.ancestors()
        .skip(1)
        .any(|above| matches!(entries.get(above), Some(Entry { kind: Kind::Link(_), .. })))
}

/// What stands at a path itself; none where nothing does.
pub(super) fn stat(place: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(place) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read(place: PathBuf, watch: Watch, found: Option<&Metadata>, now: SystemTime) -> io::Result<Entry> {
    let kind = match found {
        None => Kind::Missing,
        Some(found) if found.is_dir() => match watch {
            Watch::Place | Watch::Way => Kind::FolderAlone,
            Watch::Whole => Kind::Folder(names(&place)?),
        },
        Some(found) if found.is_symlink() => Kind::Link(fs::read_link(&place)?),
        Some(found) if found.is_file() => Kind::File(content(&place, MOST_BYTES)?.into()),
        Some(_) => Kind::Special,
    };
    Ok(Entry {
        place,
        watch,
        kind,
        mode: found.map_or(0, |found| found.mode() & 0o7777),
        stamp: found.map(Stamp::of),
        is_settled: found.is_some_and(|found| is_settled(found, now)),
    })
}

fn is_settled(found: &Metadata, now: SystemTime) -> bool {
    let changed = u64::try_from(found.ctime()).ok().zip(u32::try_from(found.ctime_nsec()).ok());
    changed
        .and_then(|(seconds, rest)| SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, rest)))
        .and_then(|changed| now.duration_since(changed).ok())
        .is_some_and(|age| age > SETTLING)
}

fn names(place: &Path) -> io::Result<Arc<[OsString]>> {
    let names = fs::read_dir(place)?.take(MOST_PATHS + 1).map(|entry| entry.map(|entry| entry.file_name()));
    let mut names: Vec<OsString> = names.collect::<io::Result<_>>()?;
    names.sort();
    Ok(names.into())
}

/// The content of a regular file, at most `most` bytes. Never waits, whatever a command has put there.
pub(super) fn content(place: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(place)?;
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content)?;
    Ok(content)
}
