//! Which files changed between two reviews, as far as the ledger asks.

use std::collections::BTreeSet;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::{evidence::plain_path, workspace::Changes};

/// The files that changed since the last review. What nobody could see counts as changed: a finding is rather called
/// fixed than withdrawn, and a closed one rather opened again than ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFiles {
    root: String,
    paths: BTreeSet<String>,
    are_all_known: bool,
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
        Self { root: root.to_owned(), paths: BTreeSet::new(), are_all_known: false }
    }

    /// Files that no state of the workspace holds (ignored by git, outside) may have changed, too.
    #[must_use]
    pub fn and_overlooked(mut self, paths: &[String]) -> Self {
        let overlooked: Vec<String> = paths.iter().map(|path| self.plain(path)).collect();
        self.paths.extend(overlooked);
        self
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
