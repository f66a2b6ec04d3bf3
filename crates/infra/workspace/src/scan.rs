//! One walk over the files that git does not ignore, and what changed since the walk before.
//!
//! Looks at stat data; opens only files that changed so recently that their times cannot tell (a few at most).
//! Never follows a link, never enters `.git`, never asks git.

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};

use crate::{
    file::{self, Digest, Stat},
    listing::{ATTRIBUTES, Memory, Named, Place},
    own::OwnPlaces,
    path::FilePath,
    rules::Rules,
    settings::Bounds,
};

/// A file as the last walk saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: FilePath,
    pub(crate) stat: Stat,
    /// Where its times are too young to tell a further change.
    young: Option<Young>,
}

/// What is known of a file whose times tell nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Young {
    Holds(Digest),
    /// It was gone for a moment when it was to be read: nothing tells whether it is the same.
    Missed,
}

/// Every file that was seen, sorted by path. No file of it lies below another: where both were seen, one after the
/// other, the name had changed hands meanwhile, and only one is told. Git's index would hold only one of them, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) files: Vec<Seen>,
    /// Folders that hold nothing at all; sorted.
    pub(crate) empty: Arc<[FilePath]>,
    /// Where git would look for attributes and wait, because there is a pipe or the like; sorted.
    pub(crate) strange_attributes: Arc<[FilePath]>,
    /// Why files may be missing from it.
    pub(crate) partial: Option<String>,
}

impl Table {
    pub(crate) fn get(&self, path: &FilePath) -> Option<&Seen> {
        let at = self.files.binary_search_by(|seen| seen.path.cmp(path)).ok()?;
        self.files.get(at)
    }
}

/// The workspace cannot be walked at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the folder {root}")]
pub(crate) struct ScanError {
    root: String,
    #[source]
    source: io::Error,
}

/// What a walk needs to know.
pub(crate) struct Walk<'a> {
    pub(crate) root: &'a Path,
    /// The path from the top of git's work tree to the root, empty or with a slash at its end.
    pub(crate) prefix: &'a [u8],
    /// Files that count although they may be ignored; sorted.
    pub(crate) tracked: &'a [FilePath],
    /// Places that no walk enters.
    pub(crate) own: &'a OwnPlaces,
    pub(crate) bounds: &'a Bounds,
    /// Set by whoever no longer waits for the walk.
    pub(crate) stop: &'a AtomicBool,
}

/// What a walk gave.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) table: Table,
    /// Created, changed or deleted since `previous`; everything where there is none.
    pub(crate) changed: BTreeSet<FilePath>,
}

impl Walk<'_> {
    /// Walks, and compares with the walk before.
    ///
    /// A file of `previous` that became ignored meanwhile is still followed: that it is ignored now does not mean
    /// that it is gone.
    pub(crate) fn scan(&self, memory: &mut Memory, previous: Option<&Table>) -> Result<Scan, ScanError> {
        let looked = SystemTime::now();
        let failed = |source| ScanError { root: self.root.display().to_string(), source };
        let root = file::open_root(self.root).map_err(failed)?;
        let mut walker = Walker::new(self, memory);
        let outer = walker.memory.rules.at_workspace(self.prefix);
        walker.enter(root.try_clone().map_err(failed)?, &outer, 0);
        let Walker { mut found, mut empty, mut strange_attributes, memory, mut gaps, deadline, .. } = walker;
        memory.end_of_walk();
        empty.sort_unstable();
        strange_attributes.sort_unstable();
        // Nearly sorted already, and a stable sort makes use of that.
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let known = previous.map(|table| table.files.as_slice()).unwrap_or_default();
        let more = follow(&found, known, self.tracked, |path| {
            if self.stop.load(Ordering::Relaxed) || Instant::now() >= deadline {
                gaps.late = true;
                return known_stat(known, path);
            }
            file::stat(root.as_fd(), path).filter(Stat::has_content)
        });
        found.extend(more);
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let settle = Settle { root: root.as_fd(), looked, most: self.bounds.file_bytes };
        let (files, changed) = settle.compare(found, known);
        let partial = gaps.say(self.bounds);
        let (empty, strange_attributes) = (empty.into(), strange_attributes.into());
        Ok(Scan { table: Table { files, empty, strange_attributes, partial }, changed })
    }
}

fn known_stat(known: &[Seen], path: &FilePath) -> Option<Stat> {
    let at = known.binary_search_by(|seen| seen.path.cmp(path)).ok()?;
    known.get(at).map(|seen| seen.stat)
}

/// The paths of `known` and `tracked` that the walk did not come by.
fn beyond(found: &[(FilePath, Stat)], known: &[Seen], tracked: &[FilePath]) -> BTreeSet<FilePath> {
    let mut beyond = BTreeSet::new();
    let mut walked = found.iter().map(|(path, _)| path).peekable();
    for seen in known {
        while walked.next_if(|path| **path < seen.path).is_some() {}
        if walked.next_if(|path| **path == seen.path).is_none() {
            beyond.insert(seen.path.clone());
        }
    }
    let mut walked = found.iter().map(|(path, _)| path).peekable();
    for path in tracked {
        while walked.next_if(|walked| *walked < path).is_some() {}
        if walked.next_if(|walked| *walked == path).is_none() {
            beyond.insert(path.clone());
        }
    }
    beyond
}

/// What `look` tells of the paths of `known` and `tracked` that the walk did not come by, of each that fits to what was
/// seen before it.
fn follow(
    found: &[(FilePath, Stat)],
    known: &[Seen],
    tracked: &[FilePath],
    mut look: impl FnMut(&FilePath) -> Option<Stat>,
) -> Vec<(FilePath, Stat)> {
    let mut more = Vec::new();
    for path in beyond(found, known, tracked) {
        let stat = look(&path).filter(|_| fits(found, &path) && fits(&more, &path));
        more.extend(stat.map(|stat| (path, stat)));
    }
    more
}

/// Whether a path can be that of a file beside `files`, which are sorted: it lies below none of them, and none below it.
fn fits(files: &[(FilePath, Stat)], path: &FilePath) -> bool {
    let is_file = |folder: &[u8]| files.binary_search_by(|(file, _)| file.as_bytes().cmp(folder)).is_ok();
    let below = path.join(b"");
    let next = files.get(files.partition_point(|(file, _)| *file < below));
    !path.folders().any(is_file) && !next.is_some_and(|(file, _)| file.is_within(path.as_bytes()))
}

/// Tells changed files from unchanged ones.
struct Settle<'a> {
    root: BorrowedFd<'a>,
    /// When the walk began.
    looked: SystemTime,
    most: u64,
}

impl Settle<'_> {
    fn compare(&self, found: Vec<(FilePath, Stat)>, known: &[Seen]) -> (Vec<Seen>, BTreeSet<FilePath>) {
        let mut changed = BTreeSet::new();
        let mut files = Vec::with_capacity(found.len());
        let mut known = known.iter().peekable();
        for (path, stat) in found {
            while let Some(gone) = known.next_if(|before| before.path < path) {
                changed.insert(gone.path.clone());
            }
            let before = known.next_if(|before| before.path == path);
            // The path is shared with the walk before, so that a walk keeps no names of its own.
            let path = before.map_or(path, |before| before.path.clone());
            let is_young = stat.is_recent(self.looked);
            let was_young = before.and_then(|before| before.young);
            let same_times = before.is_some_and(|before| before.stat == stat);
            let now = if is_young || (same_times && was_young.is_some()) { self.digest(&path) } else { None };
            if !same_times || was_young.is_some_and(|was| now != Some(was) || was == Young::Missed) {
                changed.insert(path.clone());
            }
            files.push(Seen { path, stat, young: now.filter(|_| is_young) });
        }
        changed.extend(known.map(|gone| gone.path.clone()));
        (files, changed)
    }

    /// None where the file may not be read or is too large; then only its times tell.
    fn digest(&self, path: &FilePath) -> Option<Young> {
        match file::digest(self.root, path, self.most) {
            Ok(digest) => Some(Young::Holds(digest)),
            Err(error) => file::is_gone(&error).then_some(Young::Missed),
        }
    }
}

/// What a walk did not come by.
#[derive(Debug, Default)]
struct Gaps {
    late: bool,
    too_many: bool,
    too_hidden: bool,
    too_deep: u64,
    unreadable: u64,
    first_unreadable: Option<FilePath>,
}

impl Gaps {
    fn unreadable(&mut self, folder: &[u8]) {
        self.unreadable = self.unreadable.saturating_add(1);
        self.first_unreadable.get_or_insert_with(|| FilePath::new(folder));
    }

    fn say(&self, bounds: &Bounds) -> Option<String> {
        let mut parts = Vec::new();
        if self.too_many {
            parts.push(format!("only the first {} files were looked at", bounds.files));
        }
        if self.late {
            parts.push(format!("looking at the files was cut off after {} s", bounds.walk.as_secs()));
        }
        if self.too_hidden {
            let most = bounds.hidden_files;
            parts.push(format!(
                "ignore rules changed since the session's first change, and of what they hide only the first {most} \
                 files were looked at"
            ));
        }
        if self.too_deep > 0 {
            parts.push(format!("{} folders deeper than {} were left out", self.too_deep, bounds.depth));
        }
        if let Some(first) = &self.first_unreadable {
            parts.push(format!("{} folders could not be read (first: {})", self.unreadable, first.to_text()));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

struct Walker<'a> {
    walk: &'a Walk<'a>,
    memory: &'a mut Memory,
    /// The path of the folder that is being looked at, from the top of the work tree.
    place: Vec<u8>,
    found: Vec<(FilePath, Stat)>,
    empty: Vec<FilePath>,
    strange_attributes: Vec<FilePath>,
    /// How many of them git ignores by now and did not at the first checkpoint.
    hidden: usize,
    gaps: Gaps,
    deadline: Instant,
}

impl<'a> Walker<'a> {
    fn new(walk: &'a Walk<'a>, memory: &'a mut Memory) -> Self {
        let deadline = Instant::now() + walk.bounds.walk;
        Self {
            walk,
            memory,
            place: walk.prefix.to_vec(),
            found: Vec::new(),
            empty: Vec::new(),
            strange_attributes: Vec::new(),
            hidden: 0,
            gaps: Gaps::default(),
            deadline,
        }
    }

    fn enter(&mut self, folder: OwnedFd, outer: &Rules, depth: usize) {
        let place = Place { path: &self.place, prefix: self.walk.prefix.len(), outer };
        let Ok((dir, listing)) = self.memory.list(folder, &place, self.deadline) else {
            return self.gaps.unreadable(self.place.get(self.walk.prefix.len()..).unwrap_or_default());
        };
        let Ok(folder) = dir.fd() else { return };
        if listing.is_empty() && depth > 0 {
            let place = self.place.get(self.walk.prefix.len()..).unwrap_or_default();
            self.empty.push(FilePath::new(place.strip_suffix(b"/").unwrap_or(place)));
        }
        if listing.has_strange_attributes {
            let here = self.place.get(self.walk.prefix.len()..).unwrap_or_default();
            self.strange_attributes.push(FilePath::new(&[here, ATTRIBUTES].concat()));
        }
        let above = self.place.len();
        for named in &listing.names {
            if self.is_over() {
                return;
            }
            if self.walk.own.hold(&named.path) || self.is_one_too_many(named) {
                continue;
            }
            if named.is_folder {
                self.place.extend_from_slice(named.name());
                self.place.push(b'/');
                self.descend(folder, named, &listing.rules.below(named.verdict), depth);
                self.place.truncate(above);
            } else if let Some(stat) = Stat::of(folder, named.name()).ok().filter(Stat::has_content) {
                self.hidden = self.hidden.saturating_add(usize::from(named.verdict.is_hidden()));
                self.found.push((named.path.clone(), stat));
            }
        }
    }

    /// Whether this is hidden by new rules, and as many such files as are looked at were seen already.
    fn is_one_too_many(&mut self, named: &Named) -> bool {
        let is_over = named.verdict.is_hidden() && self.hidden >= self.walk.bounds.hidden_files;
        self.gaps.too_hidden |= is_over;
        is_over
    }

    fn descend(&mut self, folder: BorrowedFd<'_>, named: &Named, rules: &Rules, depth: usize) {
        if depth >= self.walk.bounds.depth {
            self.gaps.too_deep = self.gaps.too_deep.saturating_add(1);
            return;
        }
        match file::open_folder(folder, named.name()) {
            Ok(inner) => self.enter(inner, rules, depth.saturating_add(1)),
            // Removed or replaced since it was listed: the next walk sees what is there then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.gaps.unreadable(named.path.as_bytes()),
        }
    }

    fn is_over(&mut self) -> bool {
        self.gaps.too_many |= self.found.len().saturating_add(self.empty.len()) >= self.walk.bounds.files;
        // A clock reading costs less than the look at a file that follows it.
        self.gaps.late |= self.walk.stop.load(Ordering::Relaxed) || Instant::now() >= self.deadline;
        self.gaps.too_many || self.gaps.late
    }
}

/// Sets a flag when dropped, so that a walk ends with whoever waited for it.
pub(crate) struct StopOnDrop(pub(crate) Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
