//! Which files changed between two reviews, as far as the ledger asks.

use std::collections::BTreeSet;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::FindingId;
use crate::{evidence::plain_path, workspace::Changes};

/// Where the reviews stood when a reviewer was told of them. What others report meanwhile, they have not seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    pub(crate) open: BTreeSet<FindingId>,
    /// How many reviews of the round had ended.
    pub(crate) reviews: usize,
}

/// The files that changed since the last review. What nobody could see counts as changed: a finding is rather called
/// fixed than withdrawn, and a closed one rather opened again than ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFiles {
    root: String,
    paths: BTreeSet<String>,
    are_all_known: bool,
    /// None: nothing was reported since.
    shown: Option<Shown>,
}

impl ChangedFiles {
    /// Of a workspace at `root` (absolute: reports may name it in front of a path), from what was seen.
    #[must_use]
    pub fn seen(root: &str, changes: &Changes) -> Self {
        let mut changed = Self { are_all_known: changes.partial.is_none(), ..Self::unknown(root) };
        changed.paths = changes.files.iter().map(|file| changed.plain(&file.path)).collect();
        changed
    }

    /// Nothing could be seen, or nothing was kept to compare with.
    #[must_use]
    pub fn unknown(root: &str) -> Self {
        Self { root: root.to_owned(), paths: BTreeSet::new(), are_all_known: false, shown: None }
    }

    /// Files that no state of the workspace holds (ignored by git, outside) may have changed, too.
    #[must_use]
    pub fn and_overlooked(mut self, paths: &[String]) -> Self {
        let overlooked: Vec<String> = paths.iter().map(|path| self.plain(path)).collect();
        self.paths.extend(overlooked);
        self
    }

    /// The reviewer was told that the reviews stand there; others may have reported since.
    #[must_use]
    pub fn and_shown(mut self, shown: Shown) -> Self {
        self.shown = Some(shown);
        self
    }

    /// How many reviews of the round had ended when the reviewer was told of them; none: all that have by now.
    pub(crate) fn reviews_shown(&self) -> Option<usize> {
        self.shown.as_ref().map(|shown| shown.reviews)
    }

    /// Whether the reviewer was told that this finding is open, whatever became of it since.
    pub(super) fn was_shown_open(&self, id: FindingId) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.open.contains(&id))
    }

    /// A path as it is compared: relative to the workspace, without detours, its characters composed.
    pub(super) fn plain(&self, path: &str) -> String {
        let plain = plain_path(path, &self.root);
        ComposingNormalizerBorrowed::new_nfc().normalize(&plain).into_owned()
    }

    /// Whether the file, or something in the folder, may have changed; of no file: whether anything may.
    pub(super) fn may_hold(&self, file: Option<&str>) -> bool {
        if !self.are_all_known {
            return true;
        }
        let Some(file) = file.map(|file| self.plain(file)).filter(|file| !file.is_empty()) else {
            return !self.paths.is_empty();
        };
        let folder = format!("{file}/");
        self.paths.contains(&file)
            || self.paths.range(folder.clone()..).next().is_some_and(|path| path.starts_with(&folder))
    }
}
