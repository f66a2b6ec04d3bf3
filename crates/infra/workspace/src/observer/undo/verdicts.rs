//! Which files can go back, and why others cannot.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::BorrowedFd,
};

use domain::workspace::{UndoKind, UndoRefusal};

use crate::{
    path::FilePath,
    undo::{
        present::{Present, holds_only},
        was::Was,
    },
};

/// A file to put back.
pub(super) struct Planned {
    pub(super) what: UndoKind,
    pub(super) begin: Was,
    pub(super) end: Was,
}

/// Sorts files into those that can go back and those that cannot.
#[derive(Default)]
pub(super) struct Verdicts {
    pub(super) files: BTreeMap<FilePath, Planned>,
    pub(super) refused: BTreeMap<FilePath, UndoRefusal>,
    /// Files in whose places folders stand.
    folders: Vec<FilePath>,
    /// Files, and what stands where a folder of theirs was.
    blocked: Vec<(FilePath, FilePath)>,
}

impl Verdicts {
    pub(super) fn judge(&mut self, path: FilePath, begin: Was, end: Was, present: &Present) {
        if present.is(&begin) {
            return;
        }
        let why = match (&begin, &end) {
            _ if !present.is(&end) => Some(UndoRefusal::EditedSince),
            (Was::NotKept(_), _) => Some(UndoRefusal::NotKept),
            (_, Was::NotKept(_)) => Some(UndoRefusal::NowUnreadable),
            _ => None,
        };
        if let Some(why) = why {
            self.refused.insert(path, why);
            return;
        }
        match present {
            Present::Folder => self.folders.push(path.clone()),
            Present::Blocked(by) => self.blocked.push((path.clone(), by.clone())),
            _ => {}
        }
        let what = match (&begin, &end) {
            (Was::Missing, _) => UndoKind::Remove,
            (_, Was::Missing) => UndoKind::Recreate,
            _ => UndoKind::Restore,
        };
        self.files.insert(path, Planned { what, begin, end });
    }

    /// Refuses files whose places will not become free.
    pub(super) fn settle(&mut self, root: BorrowedFd<'_>) {
        let removed = self.files.iter().filter(|(_, planned)| planned.what == UndoKind::Remove);
        let removed = removed.map(|(path, _)| path).collect::<BTreeSet<_>>();
        let held = self.folders.iter().filter(|path| !holds_only(root, path, &removed));
        let held = held.map(|path| (path.clone(), UndoRefusal::EditedSince));
        let blocked = self.blocked.iter().filter(|(_, by)| !removed.contains(by));
        let blocked = blocked.map(|(path, _)| (path.clone(), UndoRefusal::FolderGone));
        for (path, why) in held.chain(blocked).collect::<Vec<_>>() {
            self.files.remove(&path);
            self.refused.insert(path, why);
        }
    }
}
