//! Undoes what a command did to watched paths.
//!
//! We are not walled in and the command may have planted links, so every write goes through a handle on its folder
//! that was opened below the workspace without following any. Modes are no obstacle: a folder that may not be written
//! can be for as long as it takes. What cannot be undone stops nothing else.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, Permissions},
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use domain::command::NotRestored;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::{
    Held,
    record::Identity,
    remove::{OWNER, mode, remove, set_mode, through},
    snapshot::{Entry, Kind, Snapshot, content, stat},
};
use crate::settle::Settled;

/// The most paths that are named; the rest is counted.
const MOST_NAMES: usize = 100;
/// Beside a file that is written anew, until it takes the file's name.
const HALF_WRITTEN: &str = ".better-llm-put-back";

/// Ends the name of what is set aside.
const ASIDE: &str = ".found-by-better-llm";
/// Names that are tried for it.
const MOST_ASIDE: u32 = 1_000;

/// When something is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// As soon as the command is gone: whatever differs is its doing.
    AtOnce,
    /// Some time after: the person may have worked here since. So nothing is removed, but set aside; refs stay as they
    /// are, which run nothing; and nothing that is missing is made.
    Later,
}

/// Puts back everything that differs from `snapshot` and names it: first the folders on the way, then what runs
/// programs, then the rest.
pub(super) fn put_back(
    (workspace, root): (&Path, &Root),
    snapshot: &Snapshot,
    precious: &[Held],
    when: When,
) -> Settled {
    let mut work = Work { workspace, root, when, settled: Settled::default(), unnamed: 0 };
    work.attempt(Path::new("."), false, Work::open_up);
    for held in precious {
        work.attempt(&held.name, false, |work| work.reclaim(held));
    }
    let mut entries: Vec<_> = snapshot.entries.iter().collect();
    // Stable: parents stay before what stands in them.
    entries.sort_by_key(|(path, entry)| Turn::of(path, entry));
    for (path, entry) in entries {
        work.attempt(path, entry.kind == Kind::Missing, |work| work.put_back_entry(path, entry));
    }
    work.into_settled()
}

/// When a path has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// It leads to the others.
    Way,
    /// It runs programs, or says where what does lies.
    Runs,
    /// Refs and the like.
    Rest,
}

impl Turn {
    fn of(path: &Path, entry: &Entry) -> Self {
        const REST: [&str; 5] = ["HEAD", "packed-refs", "refs", "reftable", "rebase-merge"];
        if entry.is_way() {
            Self::Way
        } else if path.iter().any(|name| REST.iter().any(|rest| name == *rest)) {
            Self::Rest
        } else {
            Self::Runs
        }
    }
}

/// The folder that everything is put back in, held open since before the command.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    mode: u32,
}

impl Root {
    pub(super) fn hold(workspace: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(workspace, flags, Mode::empty())?;
        Ok(Self { mode: mode(&folder)?, folder })
    }

    /// The same, as its mode was before.
    pub(super) fn with_mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn mode(&self) -> u32 {
        self.mode
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        identity(&self.folder)
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

struct Work<'a> {
    workspace: &'a Path,
    root: &'a Root,
    when: When,
    settled: Settled,
    unnamed: usize,
}

/// A folder that was reached without following links and may be written, and a name in it.
struct Spot {
    folder: OwnedFd,
    name: PathBuf,
    /// The mode of the folder, where it was changed to be written.
    was: Option<u32>,
}

impl Spot {
    fn in_folder(folder: OwnedFd, name: impl Into<PathBuf>) -> io::Result<Self> {
        let now = mode(&folder)?;
        let was = (now & OWNER != OWNER).then_some(now);
        if was.is_some() {
            set_mode(&folder, now | OWNER)?;
        }
        Ok(Self { folder, name: name.into(), was })
    }

    /// A path to `name` that leads through the handle.
    fn of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        through(&self.folder, name)
    }

    fn place(&self) -> PathBuf {
        self.of(&self.name)
    }

    fn remove(&self) -> io::Result<()> {
        self.remove_beside(self.name.as_os_str())
    }

    fn remove_beside(&self, name: &OsStr) -> io::Result<()> {
        remove(self.folder.as_fd(), name)
    }

    /// Gives what stands there a name that means nothing to anybody.
    fn set_aside(&self) -> io::Result<()> {
        self.set_aside_beside(self.name.as_os_str())
    }

    fn set_aside_beside(&self, name: &OsStr) -> io::Result<()> {
        use rustix::{fs::RenameFlags, io::Errno};

        for number in 1..MOST_ASIDE {
            let mut aside = name.to_owned();
            aside.push(ASIDE);
            if number > 1 {
                aside.push(format!("-{number}"));
            }
            match rustix::fs::renameat_with(&self.folder, name, &self.folder, &aside, RenameFlags::NOREPLACE)
            {
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A handle on the folder that stands there.
    fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty())?)
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        if let Some(was) = self.was
            && let Err(error) = set_mode(&self.folder, was)
        {
            tracing::warn!(name = %self.name.display(), %error, "a folder that was written keeps another mode");
        }
    }
}

impl Work<'_> {
    fn attempt(&mut self, path: &Path, is_new: bool, step: impl FnOnce(&mut Self) -> io::Result<()>) {
        if let Err(error) = step(self) {
            self.fail(path, is_new, &error);
        }
    }

    fn fail(&mut self, path: &Path, is_new: bool, error: &io::Error) {
        let path = self.workspace.join(path).to_string_lossy().into_owned();
        let why = error.to_string();
        self.settled.not_restored.push(NotRestored { path, is_new, why });
    }

    fn name(&mut self, path: &Path) {
        self.say(path.to_string_lossy().into_owned());
    }

    fn say(&mut self, name: String) {
        if self.settled.restored.contains(&name) {
            return;
        }
        if self.settled.restored.len() < MOST_NAMES {
            self.settled.restored.push(name);
        } else {
            self.unnamed += 1;
        }
    }

    fn into_settled(mut self) -> Settled {
        if self.unnamed > 0 {
            self.settled.restored.push(format!("and {} more", self.unnamed));
        }
        let not_restored = &mut self.settled.not_restored;
        let more = not_restored.len().saturating_sub(MOST_NAMES);
        not_restored.truncate(MOST_NAMES);
        if let (1.., Some(last)) = (more, not_restored.last_mut()) {
            last.why.push_str(&format!("; and {more} more"));
        }
        self.settled
    }

    /// Gives the workspace's owner back what a command took away: without it nothing below can be reached.
    fn open_up(&mut self) -> io::Result<()> {
        let now = mode(&self.root.folder)?;
        let lost = self.root.mode & OWNER & !now;
        if lost != 0 {
            self.name(Path::new("."));
            set_mode(&self.root.folder, now | lost)?;
        }
        Ok(())
    }

    fn spot(&self, path: &Path) -> io::Result<Spot> {
        let name = path.file_name().map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = rustix::fs::openat2(
            self.root,
            above,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        )?;
        Spot::in_folder(folder, name)
    }

    /// Brings a git dir that was moved away back to its place, with its index and its objects.
    fn reclaim(&mut self, held: &Held) -> io::Result<()> {
        let ours = identity(&held.folder)?;
        let is_ours = |found: &Metadata| (found.dev(), found.ino()) == (ours.device, ours.inode);
        let spot = self.spot(&held.name);
        if let Ok(spot) = &spot
            && stat(&spot.place())?.is_some_and(|found| is_ours(&found))
        {
            return Ok(());
        }
        let Some(away) = away(&held.folder, is_ours)? else {
            self.say(format!("{} (deleted: its index and its objects are lost)", held.name.display()));
            return Ok(());
        };
        self.name(&held.name);
        let spot = spot?;
        // First out of the way: it may stand inside of what took its place.
        let aside = spot.of(HALF_WRITTEN);
        spot.remove_beside(HALF_WRITTEN.as_ref())?;
        fs::rename(away.place(), &aside)?;
        self.clear(&spot)?;
        fs::rename(aside, spot.place())
    }

    fn put_back_entry(&mut self, path: &Path, entry: &Entry) -> io::Result<()> {
        let found = stat(&entry.place)?;
        if entry.is_unchanged(found.as_ref()) || self.is_none_of_ours(path, entry, found.as_ref()) {
            return Ok(());
        }
        match &entry.kind {
            Kind::Special => Ok(()),
            Kind::Missing => match found {
                Some(found) if found.is_dir() && entry.may_become_a_folder() => Ok(()),
                Some(_) => self.remove(path),
                None => Ok(()),
            },
            Kind::FolderAlone => self.put_back_folder(path, entry, found.as_ref()),
            Kind::Folder(names) => {
                self.put_back_folder(path, entry, found.as_ref())?;
                self.remove_others(path, names)
            }
            Kind::File(content) => self.put_back_file(path, entry, found.as_ref(), content),
            Kind::Link(target) => self.put_back_link(path, target),
        }
    }

    /// Whether it is left as the person may have made it.
    fn is_none_of_ours(&self, path: &Path, entry: &Entry, found: Option<&Metadata>) -> bool {
        self.when == When::Later && (found.is_none() || Turn::of(path, entry) == Turn::Rest)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.name(path);
        self.clear(&self.spot(path)?)
    }

    /// Makes a place free.
    fn clear(&self, spot: &Spot) -> io::Result<()> {
        match self.when {
            When::AtOnce => spot.remove(),
            When::Later => spot.set_aside(),
        }
    }

    fn put_back_folder(&mut self, path: &Path, entry: &Entry, found: Option<&Metadata>) -> io::Result<()> {
        let is_folder = found.is_some_and(Metadata::is_dir);
        if is_folder && has_mode(found, entry.mode) {
            return Ok(());
        }
        self.name(path);
        let spot = self.spot(path)?;
        if !is_folder {
            self.clear(&spot)?;
            fs::create_dir(spot.place())?;
        }
        set_mode(&spot.open()?, entry.mode)
    }

    /// Removes from a folder whatever was not there, executable files first.
    fn remove_others(&mut self, path: &Path, known: &[OsString]) -> io::Result<()> {
        let spot = self.spot(path)?;
        let inside = Spot::in_folder(spot.open()?, "")?;
        let names = fs::read_dir(inside.of("."))?.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        let mut others: Vec<_> =
            names.into_iter().filter(|name| known.binary_search(name).is_err()).collect();
        // What was set aside before stays there.
        others.retain(|name| self.when == When::AtOnce || !name.to_string_lossy().contains(ASIDE));
        others.sort_by_key(|name| {
            stat(&inside.of(name)).is_ok_and(|found| found.is_some_and(|found| found.is_dir()))
        });
        for name in others {
            let path = path.join(&name);
            self.name(&path);
            self.attempt(&path, true, |work| match work.when {
                When::AtOnce => inside.remove_beside(&name),
                When::Later => inside.set_aside_beside(&name),
            });
        }
        Ok(())
    }

    fn put_back_file(
        &mut self,
        path: &Path,
        entry: &Entry,
        found: Option<&Metadata>,
        kept: &[u8],
    ) -> io::Result<()> {
        let size = kept.len() as u64;
        let is_like_it =
            has_mode(found, entry.mode) && found.is_some_and(|found| found.is_file() && found.len() == size);
        // What cannot be read is not what it was.
        if is_like_it && content(&entry.place, size + 1).is_ok_and(|now| now == kept) {
            return Ok(());
        }
        self.name(path);
        let spot = self.spot(path)?;
        if found.is_some_and(Metadata::is_dir) || self.when == When::Later {
            self.clear(&spot)?;
        }
        let written = write_anew(&spot, entry.mode, kept);
        if written.is_err() {
            // Better nothing than what a command put there: a full disk must not leave it a hook.
            spot.remove_beside(HALF_WRITTEN.as_ref()).and_then(|()| spot.remove())?;
        }
        written
    }

    fn put_back_link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let spot = self.spot(path)?;
        if fs::read_link(spot.place()).is_ok_and(|now| now == target) {
            return Ok(());
        }
        self.name(path);
        self.clear(&spot)?;
        std::os::unix::fs::symlink(target, spot.place())
    }
}

/// Where a folder that was moved stands now; none where it was removed.
fn away(folder: &OwnedFd, is_it: impl Fn(&Metadata) -> bool) -> io::Result<Option<Spot>> {
    let now = mode(folder)?;
    if now & OWNER != OWNER {
        // Its own mode is put back with it.
        set_mode(folder, now | OWNER)?;
    }
    let place = fs::read_link(through(folder, "."))?;
    let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = match rustix::fs::openat(folder, c"..", flags, Mode::empty()) {
        Ok(above) => above,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let spot = Spot::in_folder(above, name)?;
    Ok(stat(&spot.place())?.is_some_and(|found| is_it(&found)).then_some(spot))
}

/// Writes a file beside the place and gives it its name.
fn write_anew(spot: &Spot, mode: u32, content: &[u8]) -> io::Result<()> {
    let half = spot.of(HALF_WRITTEN);
    spot.remove_beside(HALF_WRITTEN.as_ref())?;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(&half)?;
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    fs::rename(half, spot.place())
}

/// Which file a handle stands for.
pub(super) fn identity(handle: &OwnedFd) -> io::Result<Identity> {
    let found = rustix::fs::fstat(handle)?;
    Ok(Identity { device: found.st_dev, inode: found.st_ino })
}

fn has_mode(found: Option<&Metadata>, mode: u32) -> bool {
    found.is_some_and(|found| found.mode() & 0o7777 == mode)
}
