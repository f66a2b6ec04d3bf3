//! Which files a commit takes (contract 4, `commit`): of this session only, and none of the person's unasked.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use domain::workspace::{ChangeKind, CommitError};

use crate::path::{FilePath, list};

/// What goes into a commit, and what was changed and stays out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) files: BTreeMap<FilePath, ChangeKind>,
    pub(crate) left_out: Vec<FilePath>,
}

/// What is known of the session's work.
pub(crate) struct Work<'a> {
    pub(crate) root: &'a Path,
    /// What differs from the session's start.
    pub(crate) changed: BTreeMap<FilePath, ChangeKind>,
    /// What held the person's uncommitted changes at that time.
    pub(crate) dirty: BTreeSet<FilePath>,
    /// What git ignores by now.
    pub(crate) ignored: BTreeSet<FilePath>,
}

impl Work<'_> {
    /// Exactly `paths`, or without them all that was changed and clean before, save for what git ignores.
    pub(crate) fn select(self, paths: Option<&[String]>) -> Result<Selection, CommitError> {
        match paths {
            Some(paths) => self.named(paths),
            None => self.clean_before(),
        }
    }

    fn named(self, paths: &[String]) -> Result<Selection, CommitError> {
        let mut files = BTreeMap::new();
        let mut strange = Vec::new();
        for text in paths {
            let path = FilePath::named(self.root, text);
            match path.and_then(|path| self.changed.get_key_value(&path)) {
                Some((path, kind)) => _ = files.insert(path.clone(), *kind),
                None => strange.push(text.clone()),
            }
        }
        if !strange.is_empty() {
            return Err(CommitError::NotOurs(strange));
        }
        if files.is_empty() {
            return Err(CommitError::Nothing("`paths` is empty".to_owned()));
        }
        let nested = files.keys().filter(|path| self.is_nested(path)).cloned().collect::<Vec<_>>();
        if !nested.is_empty() {
            return Err(CommitError::Git {
                doing: "commit files of another repository inside this one",
                text: format!("a person has to commit them there: {}", list(&nested, 10)),
            });
        }
        Ok(Selection { files, left_out: Vec::new() })
    }

    fn clean_before(mut self) -> Result<Selection, CommitError> {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return Err(CommitError::Nothing("no file differs from the start of the session".to_owned()));
        }
        let (left_out, mut files): (BTreeMap<_, _>, BTreeMap<_, _>) =
            changed.into_iter().partition(|(path, _)| self.dirty.contains(path) || self.is_nested(path));
        let mut left_out = left_out.into_keys().collect::<Vec<_>>();
        files.retain(|path, _| !self.ignored.contains(path));
        if files.is_empty() {
            left_out.extend(self.ignored);
            left_out.sort();
            left_out.dedup();
            return Err(CommitError::Nothing(format!(
                "every changed file held uncommitted changes of the person's own before, belongs to another \
                 repository inside this one, or is ignored by git: {}; name those that should go in all the same in \
                 `paths`",
                list(&left_out, 10)
            )));
        }
        Ok(Selection { files, left_out })
    }

    /// Whether a repository of its own lies between the root and the file.
    fn is_nested(&self, path: &FilePath) -> bool {
        path.folders().any(|folder| {
            let folder = FilePath::new(folder);
            self.root.join(folder.as_path()).join(".git").symlink_metadata().is_ok()
        })
    }
}
