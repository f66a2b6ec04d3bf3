//! Keeping and comparing states without git: digests of every file, copies of texts for diffs.

pub(crate) mod diff;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::PathBuf,
    sync::Arc,
};

use domain::workspace::ChangeKind;
use sha2::{Digest as _, Sha256};

use crate::{
    changes::Found,
    error::KeepError,
    file::{self, Digest, Stat},
    path::{FilePath, list},
    scan::Table,
    settings::WorkspaceSettings,
};

/// What is known of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A text of which there is a copy.
    Copied(Digest),
    /// A text too large to copy, or one too many.
    Text(Digest),
    /// Not text.
    Binary(Digest),
    /// Too large to read, or unreadable.
    Unread(Stat),
}

impl Content {
    const fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Copied(digest) | Self::Text(digest) | Self::Binary(digest) => Some(digest),
            Self::Unread(_) => None,
        }
    }

    /// Whether both are the same, as far as can be known; a copy more or less makes no difference.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unread(one), Self::Unread(other)) => one == other,
            _ => self.digest().is_some() && self.digest() == other.digest(),
        }
    }
}

/// A file in a state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlainFile {
    pub(crate) path: FilePath,
    /// Its kind, and whether its owner may run it.
    pub(crate) mode: u32,
    pub(crate) content: Content,
}

/// A state that was kept. States share the files they have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlainState {
    /// Sorted by path.
    files: Vec<Arc<PlainFile>>,
    partial: Option<String>,
}

impl PlainState {
    pub(crate) const fn partial(&self) -> Option<&String> {
        self.partial.as_ref()
    }

    pub(crate) fn get(&self, path: &FilePath) -> Option<&Arc<PlainFile>> {
        let at = self.files.binary_search_by(|file| file.path.cmp(path)).ok()?;
        self.files.get(at)
    }
}

/// Keeps states.
#[derive(Debug)]
pub(crate) struct PlainKeeper {
    settings: WorkspaceSettings,
    copies: PathBuf,
    copied_bytes: u64,
    last: Option<PlainState>,
}

impl PlainKeeper {
    pub(crate) fn new(settings: &WorkspaceSettings) -> Self {
        let copies = settings.store.join("copies");
        Self { settings: settings.clone(), copies, copied_bytes: 0, last: None }
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
        let mut budget = self.settings.bounds.checkpoint_bytes;
        for seen in &table.files {
            let known = before.get(&seen.path).filter(|_| !changed.contains(&seen.path));
            files.push(match known {
                Some(file) => Arc::clone(file),
                None => Arc::new(PlainFile {
                    path: seen.path.clone(),
                    mode: seen.stat.lasting_mode(),
                    content: self.content(folder, &seen.path, seen.stat, &mut budget)?,
                }),
            });
        }
        Ok(PlainState { files, partial: table.partial.clone() })
    }

    fn content(
        &mut self,
        folder: &OwnedFd,
        path: &FilePath,
        stat: Stat,
        budget: &mut u64,
    ) -> Result<Content, KeepError> {
        if stat.size > self.settings.bounds.file_bytes.min(*budget) {
            return Ok(Content::Unread(stat));
        }
        *budget = budget.saturating_sub(stat.size);
        let Ok(bytes) = file::read(folder.as_fd(), path, self.settings.bounds.file_bytes) else {
            return Ok(Content::Unread(stat));
        };
        let digest: Digest = Sha256::digest(&bytes).into();
        if diff::is_binary(&bytes) {
            return Ok(Content::Binary(digest));
        }
        let size = bytes.len() as u64;
        let place = self.copy_of(&digest);
        if place.is_file() {
            return Ok(Content::Copied(digest));
        }
        let total = self.copied_bytes.saturating_add(size);
        if size > self.settings.bounds.copy_bytes || total > self.settings.bounds.copies_bytes {
            return Ok(Content::Text(digest));
        }
        let failed = |source| KeepError::Store { doing: "write", place: place.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.copies).map_err(failed)?;
        fs::write(&place, &bytes).map_err(failed)?;
        self.copied_bytes = total;
        Ok(Content::Copied(digest))
    }

    fn copy_of(&self, digest: &Digest) -> PathBuf {
        self.copies.join(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// A text that was copied.
    pub(crate) fn copy(&self, digest: &Digest) -> Result<Vec<u8>, KeepError> {
        let place = self.copy_of(digest);
        fs::read(&place).map_err(|source| KeepError::Store { doing: "read", place, source })
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
                Some(old) if old.mode == file.mode && old.content.is_same(&file.content) => {}
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
