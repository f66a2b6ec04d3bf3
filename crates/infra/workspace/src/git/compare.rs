//! Comparing states that git keeps: lists of files, and unified diffs.

use std::collections::{BTreeMap, BTreeSet};

use domain::workspace::ChangeKind;

use crate::{
    changes::{Aside, Found, unread_note},
    error::KeepError,
    git::{
        call::Call,
        keeper::{GitKeeper, GitState},
        tree::{TreeChange, empty_tree},
    },
    path::{FilePath, list},
    scan::Table,
};

impl GitKeeper {
    /// What differs between two states, and what is known of it by stat data alone.
    pub(crate) async fn compare(
        &self,
        from: &GitState,
        now: &GitState,
        table: &Table,
    ) -> Result<Found, KeepError> {
        let mut files = self.compare_trees(&from.tree, &now.tree).await?;
        let unread = self.aside(from, now, table).settle(&mut files);
        files.extend(unread.files);
        let mut reasons = Vec::from_iter(now.partial.clone().or_else(|| from.partial.clone()));
        if !unread.by_times.is_empty() {
            let most = self.settings.bounds.file_bytes >> 20;
            reasons.push(format!(
                "compared by size and times only (over {most} MiB, unreadable, or too much at once): {}",
                list(&unread.by_times, 5)
            ));
        }
        Ok(Found { files, partial: (!reasons.is_empty()).then(|| reasons.join("; ")) })
    }

    fn aside<'a>(
        &'a self,
        from: &'a GitState,
        now: &'a GitState,
        table: &'a Table,
    ) -> Aside<'a, impl Fn(&FilePath) -> bool, impl Fn(&FilePath) -> bool> {
        Aside {
            from: &from.aside,
            now: &now.aside,
            is_there: |path| table.get(path).is_some(),
            is_in_tree: |path| self.fed.contains(path),
        }
    }

    /// What differs between two trees, from the top of the work tree.
    pub(crate) async fn tree_changes(&self, from: &str, to: &str) -> Result<Vec<TreeChange>, KeepError> {
        if from == to {
            return Ok(Vec::new());
        }
        let args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-abbrev"];
        let answer = self.shadow.call().args(args).args([from, to]).args(["--"]).succeed().await?;
        TreeChange::parse(&answer).ok_or(KeepError::Answer("diff-tree"))
    }

    pub(crate) async fn compare_trees(
        &self,
        from: &str,
        to: &str,
    ) -> Result<BTreeMap<FilePath, ChangeKind>, KeepError> {
        let entries = self.tree_changes(from, to).await?;
        let prefix = self.shadow.repository.prefix.as_slice();
        let inside = entries.into_iter().filter_map(|entry| {
            let path = FilePath::new(entry.path.strip_prefix(prefix)?);
            Some((path, entry.kind))
        });
        Ok(inside.collect())
    }

    /// Files that differed from `HEAD` in a state. Other repositories inside the work tree are left out: what
    /// `HEAD` holds of them is not files.
    pub(crate) async fn dirty(&self, state: &GitState) -> Result<BTreeSet<FilePath>, KeepError> {
        let head = self.tree_at(state);
        let mut dirty = self.compare_trees(&head, &state.tree).await?.into_keys().collect::<BTreeSet<_>>();
        dirty.extend(self.first_aside.dirty_in(&state.aside).cloned());
        dirty.retain(|path| !self.is_elsewhere(path));
        Ok(dirty)
    }

    /// Whether a path belongs to a repository that the index only links to.
    fn is_elsewhere(&self, path: &FilePath) -> bool {
        self.links.iter().any(|link| path.is_within(link.as_bytes()))
    }

    pub(crate) fn tree_at(&self, state: &GitState) -> String {
        match &state.head {
            Some(head) => format!("{head}^{{tree}}"),
            None => empty_tree(&state.tree).to_owned(),
        }
    }

    /// A unified diff from `from` (none: from `HEAD`) to `now`, and how many bytes of it were cut.
    pub(crate) async fn diff(
        &self,
        from: Option<&GitState>,
        now: &GitState,
        path: Option<&FilePath>,
        table: &Table,
    ) -> Result<(Vec<u8>, u64), KeepError> {
        let (unread, stale) = self.unread(from, now, table).await?;
        let start = from.map_or_else(|| self.tree_at(now), |from| from.tree.clone());
        let mut call = self.diff_call().args([start.as_str(), now.tree.as_str(), "--"]);
        call = match path {
            Some(path) => call.args([self.pathspec(path, "")]),
            None => call.args([":(top)"]),
        };
        // Their trees hold contents that are not the present ones.
        call = call.args(stale.iter().map(|path| self.pathspec(path, ",exclude")));
        if from.is_none() {
            call = call.args(self.links.iter().map(|link| self.pathspec(link, ",exclude")));
        }
        let output = call.keep(self.settings.bounds.diff_bytes).finish().await?.success()?;
        let mut text = output.stdout;
        if output.omitted == 0 {
            for unread in unread {
                if path.is_none_or(|path| unread.is_within(path.as_bytes())) {
                    text.extend_from_slice(unread_note(&unread.to_text()).as_bytes());
                }
            }
        }
        Ok((text, output.omitted))
    }

    /// A unified diff, of what is still to be named.
    pub(crate) fn diff_call(&self) -> Call {
        let relative = String::from_utf8_lossy(&self.shadow.repository.prefix).into_owned();
        let call = self
            .shadow
            .call()
            .args(["diff-tree", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color"])
            .args(["--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all"]);
        if relative.is_empty() { call } else { call.args([format!("--relative={relative}")]) }
    }

    /// Files of which a diff can say only that they differ, and those of them that the trees tell otherwise of.
    async fn unread(
        &self,
        from: Option<&GitState>,
        now: &GitState,
        table: &Table,
    ) -> Result<(Vec<FilePath>, Vec<FilePath>), KeepError> {
        if now.aside.is_empty() && from.is_none_or(|from| from.aside.is_empty()) {
            return Ok(Default::default());
        }
        let start = from.map_or_else(|| self.tree_at(now), |from| from.tree.clone());
        let trees = self.compare_trees(&start, &now.tree).await?;
        let unread: Vec<FilePath> = match from {
            None => self.first_aside.dirty_in(&now.aside).cloned().collect(),
            Some(from) => self.aside(from, now, table).settle(&mut trees.clone()).files.into_keys().collect(),
        };
        let is_aside = |path: &FilePath| {
            now.aside.contains_key(path) || from.is_some_and(|from| from.aside.contains_key(path))
        };
        let stale = trees.into_keys().filter(is_aside).collect();
        Ok((unread, stale))
    }
}
