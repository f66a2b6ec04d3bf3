//! Keeping and comparing states without git: digests of every file, copies of texts for diffs.

pub(crate) mod diff;
mod undo;

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use domain::workspace::ChangeKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    changes::Found,
    copies::Copies,
    error::KeepError,
    file::{self, Digest, Stat, lasting},
    path::{FilePath, list},
    scan::Table,
    settings::WorkspaceSettings,
    store::Store,
};

/// What is known of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// There is a copy.
    Copied(#[serde(with = "crate::file::hex")] Digest),
    /// Too large to copy, or one too many.
    Hashed(#[serde(with = "crate::file::hex")] Digest),
    /// Too large to read, or unreadable.
    Unread(Stat),
}

impl Content {
    const fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Copied(digest) | Self::Hashed(digest) => Some(digest),
            Self::Unread(_) => None,
        }
    }

    /// Whether both are the same, as far as can be known; a copy more or less makes no difference.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unread(one), Self::Unread(other)) => one == other,
            _ => self.digest().is_some() && self.digest() == other.digest(),
        }
    }
}

/// A file in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlainFile {
    pub(crate) path: FilePath,
    pub(crate) mode: u32,
    pub(crate) content: Content,
}

/// A state that was kept. States share the files they have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlainState {
    /// Sorted by path.
    pub(crate) files: Vec<Arc<PlainFile>>,
    pub(crate) partial: Option<String>,
    /// Folders that held nothing.
    pub(crate) empty: Arc<[FilePath]>,
}

impl PlainState {
    pub(crate) fn get(&self, path: &FilePath) -> Option<&Arc<PlainFile>> {
        let at = self.files.binary_search_by(|file| file.path.cmp(path)).ok()?;
        self.files.get(at)
    }
}

/// Keeps states.
#[derive(Debug)]
pub(crate) struct PlainKeeper {
    settings: WorkspaceSettings,
    pub(crate) copies: Copies,
    last: Option<PlainState>,
    /// Whether each file of the last walk could be looked at. One that was gone a moment later may be back, as it was.
    is_settled: bool,
}

impl PlainKeeper {
    pub(crate) fn new(settings: &WorkspaceSettings, store: &Store) -> Self {
        let copies = Copies::new(store, &settings.bounds);
        Self { settings: settings.clone(), copies, last: None, is_settled: true }
    }

    /// Whether [`PlainKeeper::keep`] would give the last state again, were no file changed.
    pub(crate) const fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// How many bytes of content this opening has added to what lasts.
    pub(crate) const fn added(&self) -> u64 {
        self.copies.added(&self.settings.bounds)
    }

    /// Keeps the state that `table` shows, of which `changed` is not kept yet. Reads those files; blocks.
    pub(crate) fn keep(
        &mut self,
        table: &Table,
        changed: &BTreeSet<FilePath>,
    ) -> Result<PlainState, KeepError> {
        let root = &self.settings.root;
        let folder =
            file::open_root(root).map_err(|source| KeepError::Root { place: root.clone(), source })?;
        let before = self.last.take().unwrap_or_default();
        let result = self.read(&folder, table, changed, &before);
        self.last = Some(result.as_ref().map_or(before, Clone::clone));
        result
    }

    fn read(
        &mut self,
        folder: &OwnedFd,
        table: &Table,
        changed: &BTreeSet<FilePath>,
        before: &PlainState,
    ) -> Result<PlainState, KeepError> {
        let mut files = Vec::with_capacity(table.files.len());
        let (mut budget, mut is_settled) = (self.settings.bounds.checkpoint_bytes, true);
        for seen in &table.files {
            let known = before.get(&seen.path).filter(|_| !changed.contains(&seen.path));
            if let Some(file) = known {
                files.push(Arc::clone(file));
                continue;
            }
            let content = self.content(folder, &seen.path, seen.stat, &mut budget)?;
            is_settled &= content.is_some();
            let file = |content| PlainFile { path: seen.path.clone(), mode: seen.stat.mode, content };
            files.extend(content.map(file).map(Arc::new));
        }
        self.is_settled = is_settled;
        Ok(PlainState { files, partial: table.partial.clone(), empty: Arc::clone(&table.empty) })
    }

    /// None where the file is gone.
    fn content(
        &mut self,
        folder: &OwnedFd,
        path: &FilePath,
        stat: Stat,
        budget: &mut u64,
    ) -> Result<Option<Content>, KeepError> {
        if stat.size > self.settings.bounds.file_bytes.min(*budget) {
            return Ok(Some(Content::Unread(stat)));
        }
        *budget = budget.saturating_sub(stat.size);
        let bytes = match file::read(folder.as_fd(), path, self.settings.bounds.file_bytes) {
            Ok(bytes) => bytes,
            Err(error) if file::is_gone(&error) => return Ok(None),
            Err(_) => return Ok(Some(Content::Unread(stat))),
        };
        let digest: Digest = Sha256::digest(&bytes).into();
        let is_kept = self.copies.keep(&digest, &bytes)?;
        Ok(Some(if is_kept { Content::Copied(digest) } else { Content::Hashed(digest) }))
    }

    /// What differs between two states.
    pub(crate) fn compare(&self, from: &PlainState, now: &PlainState) -> Found {
        let mut files = BTreeMap::new();
        let mut unread = Vec::new();
        let mut before = from.files.iter().peekable();
        for file in &now.files {
            while let Some(gone) = before.next_if(|before| before.path < file.path) {
                files.insert(gone.path.clone(), ChangeKind::Deleted);
            }
            match before.next_if(|before| before.path == file.path) {
                None => _ = files.insert(file.path.clone(), ChangeKind::Created),
                Some(same) if Arc::ptr_eq(same, file) => {}
                Some(old)
                    if lasting(old.mode) == lasting(file.mode) && old.content.is_same(&file.content) => {}
                Some(old) => {
                    if let (Content::Unread(_), Content::Unread(_)) = (old.content, file.content) {
                        unread.push(file.path.clone());
                    }
                    files.insert(file.path.clone(), ChangeKind::Modified);
                }
            }
        }
        files.extend(before.map(|gone| (gone.path.clone(), ChangeKind::Deleted)));
        let mut reasons = Vec::from_iter(now.partial.clone().or_else(|| from.partial.clone()));
        if !unread.is_empty() {
            let most = self.settings.bounds.file_bytes >> 20;
            reasons.push(format!(
                "compared by size and times only (over {most} MiB, unreadable, or too much at once): {}",
                list(&unread, 5)
            ));
        }
        Found { files, partial: (!reasons.is_empty()).then(|| reasons.join("; ")) }
    }
}
