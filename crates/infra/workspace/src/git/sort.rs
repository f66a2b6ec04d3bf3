//! Which of the files that changed git is to have, which leave our index, and which are known by stat data alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

use crate::{
    error::KeepError,
    file::{self, Stat},
    git::index::KnownFiles,
    path::FilePath,
    scan::Table,
    settings::WorkspaceSettings,
    undo::was::object_id,
};

/// What the decision depends on.
#[derive(Debug)]
pub(super) struct Sorting {
    pub(super) settings: WorkspaceSettings,
    /// What the person's index held at the start; sorted.
    pub(super) tracked: Arc<[FilePath]>,
    /// Whether no state was kept before.
    pub(super) is_first: bool,
    /// What our index is known to hold; of use for the first state alone.
    pub(super) known: KnownFiles,
    /// What was known by stat data alone before.
    pub(super) aside: BTreeMap<FilePath, Stat>,
    /// How many bytes of content may be added.
    pub(super) budget: u64,
}

/// What was decided.
#[derive(Debug)]
pub(super) struct Sorted {
    /// To be read.
    pub(super) feed: Vec<FilePath>,
    /// To leave our index.
    pub(super) gone: Vec<FilePath>,
    pub(super) aside: BTreeMap<FilePath, Stat>,
    /// How many bytes `feed` adds at most.
    pub(super) bytes: u64,
    pub(super) known: KnownFiles,
}

impl Sorting {
    /// Decides about `changed`. Blocks: at the first state it reads tracked files whose times tell nothing.
    pub(super) fn sort(mut self, table: &Table, changed: &BTreeSet<FilePath>) -> Result<Sorted, KeepError> {
        let place = self.settings.root.clone();
        let root = file::open_root(&place).map_err(|source| KeepError::Root { place, source })?;
        let (mut feed, mut gone) = (Vec::new(), Vec::new());
        let start = self.settings.bounds.checkpoint_bytes.min(self.budget);
        let mut budget = start;
        for path in changed {
            self.aside.remove(path);
            let Some(seen) = table.get(path) else {
                gone.push(path.clone());
                continue;
            };
            // At the first state tracked files are compared by their times, and few of them are read.
            let is_free = self.is_first && self.tracked.binary_search(path).is_ok();
            let is_fit = seen.stat.size <= self.settings.bounds.file_bytes
                && (is_free || seen.stat.size <= budget)
                && path.fits_git(seen.stat.is_link());
            if !is_fit {
                self.aside.insert(path.clone(), seen.stat);
            } else if !(is_free && self.is_known(root.as_fd(), path, &seen.stat)) {
                budget = if is_free { budget } else { budget.saturating_sub(seen.stat.size) };
                feed.push(path.clone());
            }
        }
        if self.is_first {
            gone.extend(self.tracked.iter().filter(|path| table.get(path).is_none()).cloned());
        }
        let bytes = start.saturating_sub(budget);
        Ok(Sorted { feed, gone, aside: self.aside, bytes, known: self.known })
    }

    /// Whether our index holds a file as it is, by its times or else by its content.
    fn is_known(&self, root: BorrowedFd<'_>, path: &FilePath, stat: &Stat) -> bool {
        let most = self.settings.bounds.file_bytes;
        let is_content = |object: &str| {
            file::read(root, path, most).is_ok_and(|content| object_id(&content, object.len()) == object)
        };
        self.known.hold(path, stat) || self.known.object(path, stat).is_some_and(is_content)
    }
}
