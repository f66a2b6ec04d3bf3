//! The files of the workspace and of the folders added to it, reached through opened folders and never outside.
//!
//! Every open starts at the descriptor of such a folder and is resolved *beneath* it by the kernel, so that the check
//! and the use are one step and no rename or link in between can lead out. Reading follows symbolic links that
//! stay inside; an absolute link counts as leading out. Writing follows none at all, so that the path that is
//! checked (protected paths, a run's grant, rules) is the path that is written. Rules are held against the path that
//! an opened file really has.
//!
//! Two names of one file (hard links) are two files to every check here: reading one reads what the other holds,
//! whatever is said about the other; writing one replaces it and leaves the other as it was.
//!
//! This module knows no tools and no permission modes, and it does not keep extended attributes of files that it
//! replaces.

mod error;
mod leave;
mod place;
mod protected;
mod replace;
mod resolve;
mod root;
mod system;
mod target;
mod temporary;
mod version;

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use domain::permission::{PathRules, PathUse};
use rustix::{
    fs::{AtFlags, Dir, FileType, OFlags},
    io::Errno,
};

pub use self::error::OpenError;
pub(crate) use self::{
    error::FileError,
    place::Place,
    version::{Seen, VERSIONED, Version},
};
use self::{
    place::{Within, normal},
    protected::Protected,
    resolve::{LOOK, Links},
    root::Root,
};
use crate::spelling;

/// A folder outside of the workspace that a person added to it (`--add-dir DIR[:ro]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedRoot {
    /// The folder. It has to exist.
    pub path: PathBuf,
    /// Whether tools may change what is in it.
    pub writable: bool,
}

/// The files that tools can reach.
pub(crate) struct Confined {
    workspace: Root,
    added: Vec<(Arc<Path>, Root)>,
    protected: Protected,
    /// Held from looking at a file to replacing it: two edits of one file cannot overwrite each other.
    writing: Mutex<()>,
    /// Folders that were looked through for temporary files left behind, by device and inode.
    swept: Mutex<HashSet<(i128, i128)>>,
    /// Whose numbers processes have here; none: that is not known.
    numbering: Option<u32>,
}

/// A regular file, open for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file, at its beginning.
    pub(crate) file: File,
    /// Its size in bytes when it was opened.
    pub(crate) size: u64,
}

impl Opened {
    /// The version of a file of more than [`VERSIONED`] bytes.
    pub(crate) fn large(&self) -> io::Result<Version> {
        Ok(Version::large(&rustix::fs::fstat(&self.file)?))
    }
}

/// What stands behind a name of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Other,
}

/// The names of a folder, or as many as were asked for.
pub(crate) struct Listing {
    /// Sorted by bytes.
    pub(crate) entries: Vec<(OsString, EntryKind)>,
    /// Whether there are more.
    pub(crate) cut: bool,
}

impl Confined {
    /// Opens the workspace at `root` and the folders added to it.
    pub(crate) fn open_roots(
        root: &Path,
        added: &[AddedRoot],
        protected: &[PathBuf],
    ) -> Result<Self, OpenError> {
        let open = |path: &Path, writable| {
            Root::open(path, writable).map_err(|source| OpenError { root: path.to_owned(), source })
        };
        let workspace = open(root, true)?;
        let added = added.iter().map(|folder| {
            let root = open(&folder.path, folder.writable)?;
            Ok((Arc::from(root.canonical.as_path()), root))
        });
        Ok(Self {
            added: added.collect::<Result<_, _>>()?,
            protected: Protected::new(protected, &workspace.canonical),
            workspace,
            writing: Mutex::new(()),
            swept: Mutex::default(),
            numbering: temporary::numbering(),
        })
    }

    /// The path, without symbolic links, of the workspace or added folder that `place` belongs to. For comparing and
    /// for people, never for opening.
    pub(crate) fn canonical(&self, place: &Place) -> &Path {
        self.root(place).map_or(Path::new("/"), |root| &root.canonical)
    }

    fn root(&self, place: &Place) -> Result<&Root, FileError> {
        match place.within() {
            Within::Workspace => Ok(&self.workspace),
            Within::Added(folder) => {
                let found = self.added.iter().find(|(path, _)| path == folder);
                found.map(|(_, root)| root).ok_or_else(|| self.outside(&place.to_string()))
            }
        }
    }

    fn outside(&self, path: &str) -> FileError {
        let added: Vec<String> = self.added.iter().map(|(path, _)| format!("`{}`", path.display())).collect();
        FileError::Outside { path: path.to_owned(), added: added.join(", ") }
    }

    /// Reads a path as a model writes it: relative to the workspace, absolute inside it (the same file), or absolute
    /// inside an added folder. Compared name by name, so that `/w/repo-evil` is not beneath `/w/repo`. `..` takes back
    /// the name before it and leads out of no folder. Touches no file.
    pub(crate) fn locate(&self, text: &str) -> Result<Place, FileError> {
        if text.contains('\0') {
            return Err(FileError::Nul);
        }
        let path = Path::new(text);
        let found = if path.is_absolute() {
            let beneath = |root: &Root| {
                let relative =
                    [&root.canonical, &root.given].into_iter().find_map(|top| path.strip_prefix(top).ok());
                relative.and_then(normal)
            };
            let in_workspace = beneath(&self.workspace).map(|path| Place::new(Within::Workspace, path));
            in_workspace.or_else(|| {
                // Of added folders inside each other the innermost.
                let found = self.added.iter().filter_map(|(folder, root)| Some((folder, beneath(root)?)));
                let found = found.max_by_key(|(folder, _)| folder.components().count());
                found.map(|(folder, path)| Place::new(Within::Added(Arc::clone(folder)), path))
            })
        } else {
            normal(path).map(|path| Place::new(Within::Workspace, path))
        };
        found.ok_or_else(|| self.outside(text))
    }

    /// A path as rules and people should see it: as [`Self::locate`] reads it, or as it is where it leads nowhere.
    pub(crate) fn named(&self, text: &str) -> String {
        self.locate(text).map_or_else(
            |_| text.to_owned(),
            |place| match place.path().to_str() {
                Some("") | None => ".".to_owned(),
                Some(path) => path.to_owned(),
            },
        )
    }

    /// Like [`Self::locate`]; where no file has exactly that name but one has it in another Unicode form, that one.
    pub(crate) fn find(&self, text: &str) -> Result<Place, FileError> {
        let place = self.locate(text)?;
        if text.is_ascii() || self.look(&place).err() != Some(Errno::NOENT) {
            return Ok(place);
        }
        Ok(self.spelled_otherwise(&place).unwrap_or(place))
    }

    /// Like [`Self::find`], for what only the workspace has: earlier states, commits.
    pub(crate) fn find_in_workspace(&self, text: &str) -> Result<Place, FileError> {
        let place = self.find(text)?;
        if place.is_in_workspace() { Ok(place) } else { Err(FileError::Unkept { place }) }
    }

    fn spelled_otherwise(&self, wanted: &Place) -> Option<Place> {
        const MOST_NAMES: usize = 100_000;
        let mut found = wanted.top();
        for name in wanted.names() {
            let exact = found.child(name);
            if self.look(&exact).is_ok() {
                found = exact;
                continue;
            }
            let wanted = name.to_str()?;
            let listing = self.list(&found, MOST_NAMES, &PathRules::default()).ok()?;
            let mut same = listing.entries.iter().filter(|(other, _)| {
                other.to_str().is_some_and(|other| spelling::composed(other) == spelling::composed(wanted))
            });
            let (other, _) = same.next()?;
            if same.next().is_some() {
                return None;
            }
            found = found.child(other);
        }
        Some(found)
    }

    fn look(&self, place: &Place) -> Result<OwnedFd, Errno> {
        let root = self.root(place).map_err(|_| Errno::XDEV)?;
        root.beneath(place.as_path(), LOOK, Links::FollowInside)
    }

    /// What stands at a place.
    pub(crate) fn kind(&self, place: &Place, rules: &PathRules) -> Result<EntryKind, FileError> {
        self.may(PathUse::Read, place, rules)?;
        let seen = self.look(place).map_err(|errno| FileError::of_reading(place, errno))?;
        let stat = rustix::fs::fstat(seen).map_err(|errno| FileError::of_reading(place, errno))?;
        Ok(EntryKind::of(FileType::from_raw_mode(stat.st_mode)))
    }

    /// Opens a regular file for reading. Never blocks on a pipe, and touches no device.
    pub(crate) fn open(&self, place: &Place, rules: &PathRules) -> Result<Opened, FileError> {
        self.may(PathUse::Read, place, rules)?;
        let failed = |errno| FileError::of_reading(place, errno);
        // What it is, before anything is opened: opening a device or a pipe may already do something.
        let seen = self.look(place).map_err(failed)?;
        regular(place, &rustix::fs::fstat(seen).map_err(failed)?)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened =
            self.root(place)?.beneath(place.as_path(), flags, Links::FollowInside).map_err(failed)?;
        let stat = rustix::fs::fstat(&opened).map_err(failed)?;
        regular(place, &stat)?;
        system::refuse(place, opened.as_fd())?;
        self.may_as_opened(PathUse::Read, place, (opened.as_fd(), place), None, rules)?;
        Ok(Opened { file: File::from(opened), size: u64::try_from(stat.st_size).unwrap_or(0) })
    }

    /// The path that an opened file really has; `place` is the one that it was opened by. None where nobody can say.
    pub(crate) fn real_path(&self, opened: &Opened, place: &Place) -> Option<PathBuf> {
        self.root(place).ok()?.real_path(opened.file.as_fd(), place.as_path()).ok()
    }

    /// The names in a folder, at most `most` of them, whatever rules say of each.
    pub(crate) fn list(&self, place: &Place, most: usize, rules: &PathRules) -> Result<Listing, FileError> {
        self.may(PathUse::Read, place, rules)?;
        let failed = |errno| FileError::of_reading(place, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let folder =
            self.root(place)?.beneath(place.as_path(), flags, Links::FollowInside).map_err(failed)?;
        system::refuse(place, folder.as_fd())?;
        self.may_as_opened(PathUse::Read, place, (folder.as_fd(), place), None, rules)?;
        let mut listing = Listing { entries: Vec::new(), cut: false };
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if listing.entries.len() >= most {
                listing.cut = true;
                break;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    // Gone since it was listed.
                    Err(_) => continue,
                },
                known => known,
            };
            listing.entries.push((OsStr::from_bytes(name.to_bytes()).to_owned(), EntryKind::of(kind)));
        }
        listing.entries.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        Ok(listing)
    }
}

impl EntryKind {
    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// Refuses everything but a regular file.
fn regular(place: &Place, stat: &rustix::fs::Stat) -> Result<(), FileError> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => return Err(FileError::Folder { place: place.clone() }),
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "no regular file",
    };
    Err(FileError::NotAFile { place: place.clone(), kind })
}

/// Opens a place by what works here and name by name: the path that the opened file really has, where both find one.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn resolved_by_both(files: &Confined, place: &Place) -> Result<Option<PathBuf>, String> {
    let root = files.root(place).map_err(|error| error.to_string())?;
    let usual = root.beneath(place.as_path(), LOOK, Links::FollowInside);
    let usual = usual.and_then(|opened| root.real_path(opened.as_fd(), place.as_path()));
    let top = root.beneath(Path::new(""), LOOK, Links::Refuse).map_err(|errno| errno.to_string())?;
    let walked = resolve::Resolver::walk(top.as_fd(), place.as_path(), LOOK, Links::FollowInside);
    match (usual, walked) {
        (Ok(usual), Ok((_, walked))) => {
            let walked: PathBuf = root.canonical.iter().chain(walked.iter()).collect();
            if usual == walked { Ok(Some(usual)) } else { Err(format!("{usual:?} and {walked:?}")) }
        }
        (Err(_), Err(_)) => Ok(None),
        (usual, walked) => Err(format!("{usual:?} and {:?}", walked.map(|(_, path)| path))),
    }
}

#[cfg(test)]
mod tests;
