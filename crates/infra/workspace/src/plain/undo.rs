//! What undoing needs where there is no git.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    modes::PERMISSIONS,
    path::FilePath,
    plain::{Content, PlainFile, PlainKeeper, PlainState},
    undo::was::{Held, Known, Source, Was},
};

impl PlainKeeper {
    /// What files were in a state.
    pub(crate) fn was(&self, state: &PlainState, paths: &BTreeSet<FilePath>) -> BTreeMap<FilePath, Was> {
        let was = |path: &FilePath| state.get(path).map_or(Was::Missing, |file| self.file_was(file));
        paths.iter().map(|path| (path.clone(), was(path))).collect()
    }

    fn file_was(&self, file: &PlainFile) -> Was {
        match file.content {
            Content::Copied(digest) if self.copies.has(&digest) => Was::Held(Held {
                is_link: file.mode & 0o170_000 == 0o120_000,
                permissions: file.mode & PERMISSIONS,
                source: Source::Copy(digest),
            }),
            Content::Copied(digest) | Content::Hashed(digest) => Was::NotKept(Known::Digest(digest)),
            Content::Unread(stat) => Was::NotKept(Known::Stat(stat)),
        }
    }

    /// The files that differ between two states in anything that undo brings back.
    pub(crate) fn undoable(from: &PlainState, to: &PlainState) -> BTreeSet<FilePath> {
        let is_same = |one: &PlainFile, other: &PlainFile| {
            one.mode == other.mode && one.content.is_same(&other.content)
        };
        let differs = |file: &&FilePath| match (from.get(file), to.get(file)) {
            (Some(one), Some(other)) => !is_same(one, other),
            _ => true,
        };
        let paths = from.files.iter().chain(&to.files).map(|file| &file.path);
        paths.filter(differs).cloned().collect()
    }
}
