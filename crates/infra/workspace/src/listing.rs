//! What a folder holds that git does not ignore, remembered between walks.
//!
//! A folder is listed in every walk: the times of folders are trusted by nobody who has met enough file systems.
//! What is remembered is the judgement of the rules over the names, which costs most.

use std::{
    collections::HashMap,
    io,
    os::fd::{BorrowedFd, OwnedFd},
    sync::Arc,
    time::Instant,
};

use domain::workspace::HalfWritten;
use rustix::fs::{Dir, FileType};

use crate::{
    file::Stat,
    path::FilePath,
    rules::{RuleBook, RuleFolder, Rules, Verdict},
};

/// Where git looks for attributes, in every folder.
pub(crate) const ATTRIBUTES: &[u8] = b".gitattributes";

/// A name that is not ignored.
#[derive(Debug)]
pub(crate) struct Named {
    /// From the workspace.
    pub(crate) path: FilePath,
    /// Where the name begins in it.
    at: usize,
    pub(crate) is_folder: bool,
    pub(crate) verdict: Verdict,
}

impl Named {
    pub(crate) fn name(&self) -> &[u8] {
        self.path.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// The names of a folder, sorted, so that what a bound cuts off is the same in every walk.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The names and kinds as the file system told them.
    told: Vec<u8>,
    /// The rules as they count in the folder.
    pub(crate) rules: Rules,
    pub(crate) names: Vec<Named>,
    /// Whether what stands where git looks for attributes is a pipe or the like, for which git would wait.
    pub(crate) has_strange_attributes: bool,
}

impl Listing {
    /// Whether the folder holds nothing at all.
    pub(crate) const fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

/// The rules and the listings of the last walk, and those of the one under way.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) rules: RuleBook,
    before: HashMap<Vec<u8>, Arc<Listing>>,
    used: HashMap<Vec<u8>, Arc<Listing>>,
}

/// A folder on a walk.
pub(crate) struct Place<'a> {
    /// From the top of the work tree, empty or with a slash at its end.
    pub(crate) path: &'a [u8],
    /// How much of it lies above the workspace.
    pub(crate) prefix: usize,
    /// The rules outside of it.
    pub(crate) outer: &'a Rules,
}

impl Place<'_> {
    fn is_root(&self) -> bool {
        self.path.len() == self.prefix
    }
}

impl Memory {
    pub(crate) fn new(rules: RuleBook) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Forgets what the walk that just ended did not come by.
    pub(crate) fn end_of_walk(&mut self) {
        self.rules.end_of_walk();
        self.before = std::mem::take(&mut self.used);
    }

    /// Lists a folder. A listing that lasts past `deadline` ends there; the walk notices by itself.
    pub(crate) fn list(
        &mut self,
        folder: OwnedFd,
        place: &Place<'_>,
        deadline: Instant,
    ) -> io::Result<(Dir, Arc<Listing>)> {
        let mut dir = Dir::new(folder)?;
        let told = tell(&mut dir, deadline)?;
        let listing = self.judge(dir.fd()?, place, told);
        self.used.insert(place.path.to_vec(), Arc::clone(&listing));
        Ok((dir, listing))
    }

    fn judge(&mut self, folder: BorrowedFd<'_>, place: &Place<'_>, told: Vec<u8>) -> Arc<Listing> {
        let has = |wanted: &[u8]| entries(&told).any(|(name, _)| name == wanted);
        let holder = has(b".gitignore").then_some(folder);
        let is_nested = !place.is_root() && has(b".git");
        let rules = self.rules.in_folder(place.outer, &RuleFolder { path: place.path, holder, is_nested });
        let known = self.before.get(place.path);
        if let Some(known) = known.filter(|known| known.told == told && known.rules.is(&rules)) {
            return Arc::clone(known);
        }
        let mut names = Vec::new();
        let mut path = place.path.to_vec();
        for (name, kind) in entries(&told) {
            path.extend_from_slice(name);
            let judged =
                is_folder(folder, name, kind).map(|is_folder| (is_folder, rules.judge(&path, is_folder)));
            if let Some((is_folder, verdict)) = judged.filter(|(_, verdict)| !verdict.is_ignored()) {
                let inside = path.get(place.prefix..).unwrap_or_default();
                let at = inside.len().saturating_sub(name.len());
                names.push(Named { path: FilePath::new(inside), at, is_folder, verdict });
            }
            path.truncate(place.path.len());
        }
        names.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        let is_strange = |(name, kind): (&[u8], FileType)| {
            name == ATTRIBUTES
                && match kind {
                    FileType::Directory | FileType::RegularFile | FileType::Symlink => false,
                    FileType::Unknown => Stat::of(folder, name).is_ok_and(|stat| stat.is_strange()),
                    _ => true,
                }
        };
        let has_strange_attributes = entries(&told).any(is_strange);
        Arc::new(Listing { told, rules, names, has_strange_attributes })
    }
}

/// None for what is neither folder nor file nor link, for what belongs to git, and for what a tool is about to rename.
fn is_folder(folder: BorrowedFd<'_>, name: &[u8], kind: FileType) -> Option<bool> {
    match kind {
        _ if name == b".git" => None,
        FileType::Directory => Some(true),
        FileType::RegularFile if HalfWritten::of_name(name).is_some() => None,
        FileType::RegularFile | FileType::Symlink => Some(false),
        // Some file systems do not say the kind in a listing.
        FileType::Unknown => Stat::of(folder, name).ok().map(|stat| stat.is_folder()),
        _ => None,
    }
}

/// Reads a folder into names, each behind a byte for its kind and before a NUL.
fn tell(dir: &mut Dir, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut told = Vec::new();
    for entry in dir {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        told.push(code(entry.file_type()));
        told.extend_from_slice(name.to_bytes_with_nul());
        if Instant::now() >= deadline {
            break;
        }
    }
    Ok(told)
}

const fn code(kind: FileType) -> u8 {
    match kind {
        FileType::Directory => b'd',
        FileType::RegularFile => b'f',
        FileType::Symlink => b'l',
        FileType::Unknown => b'?',
        _ => b'-',
    }
}

fn entries(told: &[u8]) -> impl Iterator<Item = (&[u8], FileType)> {
    told.split(|byte| *byte == 0).filter_map(|entry| {
        let (code, name) = entry.split_first()?;
        let kind = match code {
            b'd' => FileType::Directory,
            b'f' => FileType::RegularFile,
            b'l' => FileType::Symlink,
            b'?' => FileType::Unknown,
            _ => FileType::Fifo,
        };
        Some((name, kind))
    })
}
