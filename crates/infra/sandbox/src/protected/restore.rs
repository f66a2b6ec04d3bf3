//! Undoes what a command did to watched paths.
//!
//! We are not walled in and the command may have planted links, so every write goes through a handle on its folder
//! that was opened below the workspace without following any. Modes are no obstacle: a folder that may not be written
//! can be for as long as it takes. What cannot be undone stops nothing else.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use domain::command::NotRestored;

use super::{
    Held,
    remove::set_mode,
    snapshot::{Entry, Kind, Snapshot, content, stat},
    spot::{ASIDE, HALF_WRITTEN, Root, Spot, away, identity, write_anew},
};
use crate::settle::Settled;

/// The most paths that are named; the rest is counted.
const MOST_NAMES: usize = 100;

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

/// How soon something that a command made has to go, and be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    Program,
    File,
    None,
}

impl Harm {
    fn of(found: Option<&Metadata>) -> Self {
        match found {
            Some(found) if found.is_dir() => Self::None,
            Some(found) if found.mode() & 0o111 != 0 => Self::Program,
            Some(_) => Self::File,
            None => Self::None,
        }
    }
}

struct Work<'a> {
    workspace: &'a Path,
    root: &'a Root,
    when: When,
    settled: Settled,
    unnamed: usize,
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
        if self.root.open_up()? {
            self.name(Path::new("."));
        }
        Ok(())
    }

    /// Brings a git dir that was moved away back to its place, with its index and its objects.
    fn reclaim(&mut self, held: &Held) -> io::Result<()> {
        let ours = identity(&held.folder)?;
        let is_ours = |found: &Metadata| (found.dev(), found.ino()) == (ours.device, ours.inode);
        let spot = self.root.spot(&held.name);
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
        self.clear(&self.root.spot(path)?)
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
        let spot = self.root.spot(path)?;
        if !is_folder {
            self.clear(&spot)?;
            fs::create_dir(spot.place())?;
        }
        set_mode(&spot.open()?, entry.mode)
    }

    /// Removes from a folder whatever was not there, executable files first.
    fn remove_others(&mut self, path: &Path, known: &[OsString]) -> io::Result<()> {
        let spot = self.root.spot(path)?;
        let inside = Spot::in_folder(spot.open()?, "")?;
        let names = fs::read_dir(inside.of("."))?.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        let mut others: Vec<_> =
            names.into_iter().filter(|name| known.binary_search(name).is_err()).collect();
        // What was set aside before stays there.
        others.retain(|name| self.when == When::AtOnce || !name.to_string_lossy().contains(ASIDE));
        others.sort();
        others
            .sort_by_key(|name| stat(&inside.of(name)).map_or(Harm::None, |found| Harm::of(found.as_ref())));
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
        let spot = self.root.spot(path)?;
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
        let spot = self.root.spot(path)?;
        if fs::read_link(spot.place()).is_ok_and(|now| now == target) {
            return Ok(());
        }
        self.name(path);
        self.clear(&spot)?;
        std::os::unix::fs::symlink(target, spot.place())
    }
}

fn has_mode(found: Option<&Metadata>, mode: u32) -> bool {
    found.is_some_and(|found| found.mode() & 0o7777 == mode)
}
