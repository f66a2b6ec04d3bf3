//! Undoes what a command did to watched paths.
//!
//! We are not walled in and the command may have planted links, so every write goes through a handle on its folder
//! that was opened below the workspace without following any.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, Permissions},
    io::{self, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::{
    GuardError, Held,
    snapshot::{Entry, Kind, Snapshot, content, stat},
};

/// The most paths that are named; the rest is counted.
const MOST_NAMES: usize = 100;
/// Beside a file that is written anew, until it takes the file's name.
const HALF_WRITTEN: &str = ".better-llm-put-back";

/// Puts back everything that differs from `snapshot` and names it. Goes on past what cannot be put back.
pub(super) fn put_back(
    workspace: &Path,
    snapshot: &Snapshot,
    precious: &[Held],
) -> Result<Vec<String>, GuardError> {
    let mut work = Work { root: open_root(workspace)?, restored: Restored::default(), failure: None };
    for held in precious {
        let done = work.reclaim(workspace, held);
        work.keep_going(&held.name, done);
    }
    for (path, entry) in &snapshot.entries {
        let done = work.put_back_entry(path, entry);
        work.keep_going(path, done);
    }
    match work.failure {
        Some(failure) => Err(failure),
        None => Ok(work.restored.into_names()),
    }
}

fn open_root(workspace: &Path) -> Result<OwnedFd, GuardError> {
    rustix::fs::open(workspace, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|source| GuardError::Look { path: workspace.to_owned(), source: source.into() })
}

#[derive(Default)]
struct Restored {
    names: Vec<String>,
    unnamed: usize,
}

impl Restored {
    fn name(&mut self, path: &Path) {
        self.say(path.to_string_lossy().into_owned());
    }

    fn say(&mut self, name: String) {
        if self.names.contains(&name) {
            return;
        }
        if self.names.len() < MOST_NAMES {
            self.names.push(name);
        } else {
            self.unnamed += 1;
        }
    }

    fn into_names(mut self) -> Vec<String> {
        if self.unnamed > 0 {
            self.names.push(format!("and {} more", self.unnamed));
        }
        self.names
    }
}

struct Work {
    root: OwnedFd,
    restored: Restored,
    /// The first thing that went wrong.
    failure: Option<GuardError>,
}

/// A folder that was reached without following links, and a name in it.
struct Spot {
    folder: OwnedFd,
    name: PathBuf,
}

impl Spot {
    /// A path to `name` that leads through the handle, whatever the folder's own path leads to by now.
    fn of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        Path::new("/proc/self/fd").join(self.folder.as_raw_fd().to_string()).join(name.as_ref())
    }

    fn place(&self) -> PathBuf {
        self.of(&self.name)
    }
}

impl Work {
    fn keep_going(&mut self, path: &Path, done: io::Result<()>) {
        if let Err(source) = done {
            self.failure.get_or_insert(GuardError::PutBack { path: path.to_owned(), source });
        }
    }

    fn spot(&self, path: &Path) -> io::Result<Spot> {
        let name = path.file_name().map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = rustix::fs::openat2(
            &self.root,
            above,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        )?;
        Ok(Spot { folder, name })
    }

    /// Brings a git dir that was moved away back to its place, with its index and its objects.
    fn reclaim(&mut self, workspace: &Path, held: &Held) -> io::Result<()> {
        let ours = rustix::fs::fstat(&held.folder)?;
        let is_ours = |found: &Metadata| (found.dev(), found.ino()) == (ours.st_dev, ours.st_ino);
        if stat(&workspace.join(&held.name))?.is_some_and(|found| is_ours(&found)) {
            return Ok(());
        }
        let now_at = fs::read_link(format!("/proc/self/fd/{}", held.folder.as_raw_fd()))?;
        if !stat(&now_at)?.is_some_and(|found| is_ours(&found)) {
            self.restored
                .say(format!("{} (deleted: its index and its objects are lost)", held.name.display()));
            return Ok(());
        }
        self.restored.name(&held.name);
        let spot = self.spot(&held.name)?;
        // First out of the way: it may stand inside of what took its place.
        let aside = spot.of(HALF_WRITTEN);
        fs::rename(now_at, &aside)?;
        remove(&spot.place())?;
        fs::rename(aside, spot.place())
    }

    fn put_back_entry(&mut self, path: &Path, entry: &Entry) -> io::Result<()> {
        let found = stat(&entry.place)?;
        if entry.is_unchanged(found.as_ref()) {
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

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.restored.name(path);
        remove(&self.spot(path)?.place())
    }

    fn put_back_folder(&mut self, path: &Path, entry: &Entry, found: Option<&Metadata>) -> io::Result<()> {
        let is_folder = found.is_some_and(Metadata::is_dir);
        if is_folder && has_mode(found, entry.mode) {
            return Ok(());
        }
        self.restored.name(path);
        let spot = self.spot(path)?;
        if !is_folder {
            remove(&spot.place())?;
            fs::create_dir(spot.place())?;
        }
        fs::set_permissions(spot.place(), Permissions::from_mode(entry.mode))
    }

    /// Removes from a folder whatever was not there.
    fn remove_others(&mut self, path: &Path, known: &[std::ffi::OsString]) -> io::Result<()> {
        let inside = self.spot(&path.join("x"))?;
        for entry in fs::read_dir(inside.of("."))? {
            let name = entry?.file_name();
            if known.binary_search(&name).is_err() {
                self.restored.name(&path.join(&name));
                remove(&inside.of(&name))?;
            }
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
        let is_same = match found {
            Some(found) if found.is_file() && found.len() == size => content(&entry.place, size + 1)? == kept,
            _ => false,
        };
        if is_same && has_mode(found, entry.mode) {
            return Ok(());
        }
        self.restored.name(path);
        let spot = self.spot(path)?;
        if found.is_some_and(Metadata::is_dir) {
            remove(&spot.place())?;
        }
        let half = spot.of(HALF_WRITTEN);
        remove(&half)?;
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(&half)?;
        file.write_all(kept)?;
        file.set_permissions(Permissions::from_mode(entry.mode))?;
        fs::rename(half, spot.place())
    }

    fn put_back_link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let spot = self.spot(path)?;
        if fs::read_link(spot.place()).is_ok_and(|now| now == target) {
            return Ok(());
        }
        self.restored.name(path);
        remove(&spot.place())?;
        std::os::unix::fs::symlink(target, spot.place())
    }
}

fn has_mode(found: Option<&Metadata>, mode: u32) -> bool {
    found.is_some_and(|found| found.mode() & 0o7777 == mode)
}

/// Removes whatever stands there, and everything below it; follows no link. Fine where nothing stands there.
fn remove(place: &Path) -> io::Result<()> {
    match stat(place)? {
        Some(found) if found.is_dir() => fs::remove_dir_all(place),
        Some(_) => fs::remove_file(place),
        None => Ok(()),
    }
}
