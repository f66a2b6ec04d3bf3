//! Keeping and comparing states with git's own means: an index, trees and blobs, all of them ours.
//!
//! Files go into the index one by one, by name, as the walk saw them; git is never asked to look for files, so it
//! enters no submodule. The files of nested repositories are kept as what they are for the person, files; in our
//! trees there are no links to other repositories.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::{fd::AsFd, unix::ffi::OsStringExt},
    sync::Arc,
};

use domain::workspace::ChangeKind;

use crate::{
    changes::{Found, settle_aside},
    error::KeepError,
    file::{self, Stat},
    git::{
        call::Git,
        index::{read_index, remove_stale_lock},
        repository::{Config, Repository, personal_file},
        shadow::Shadow,
        tree::{TreeChange, empty_tree},
    },
    path::{FilePath, list},
    rules::RuleSources,
    scan::Table,
    settings::WorkspaceSettings,
};

/// A state that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitState {
    pub(crate) tree: String,
    /// The commit at `HEAD`; none where there was none yet.
    pub(crate) head: Option<String>,
    /// Files whose content was not read: too large, unreadable, or with a name git refuses.
    aside: Arc<BTreeMap<FilePath, Stat>>,
    /// Those of them that differed from the index when it was first read.
    aside_dirty: Arc<[FilePath]>,
    partial: Option<String>,
}

impl GitState {
    pub(crate) const fn partial(&self) -> Option<&String> {
        self.partial.as_ref()
    }
}

/// Keeps states.
#[derive(Debug)]
pub(crate) struct GitKeeper {
    pub(crate) shadow: Shadow,
    settings: WorkspaceSettings,
    /// What the person's index held at the start; sorted.
    pub(crate) tracked: Arc<[FilePath]>,
    /// Other repositories in the index.
    links: Vec<FilePath>,
    /// Files that our index holds, or held a moment ago.
    fed: BTreeSet<FilePath>,
    last: Option<GitState>,
    head: Option<(String, Option<String>)>,
}

impl GitKeeper {
    /// Lays out our git directory and reads what the person's index tracks. `git` processes: 2, or 3 where the
    /// index holds what has to be put right first.
    pub(crate) async fn open(
        git: Git,
        repository: Repository,
        settings: &WorkspaceSettings,
    ) -> Result<(Self, RuleSources), KeepError> {
        let config = Config::read(&git, &repository, settings).await?;
        let store = |source| KeepError::Store { doing: "write", place: settings.store.clone(), source };
        let shadow = Shadow::lay_out(git, repository, &config, settings).map_err(store)?;
        let index = read_index(&shadow).await?;
        let excludes = config.path("core.excludesfile", settings);
        let sources = RuleSources {
            files: excludes
                .or_else(|| personal_file("ignore", settings))
                .into_iter()
                .chain([shadow.repository.common_dir.join("info/exclude")])
                .collect(),
            top: Some(shadow.repository.top.clone()),
        };
        let keeper = Self {
            shadow,
            settings: settings.clone(),
            fed: index.tracked.iter().cloned().collect(),
            tracked: index.tracked.into(),
            links: index.links,
            last: None,
            head: None,
        };
        Ok((keeper, sources))
    }

    /// Keeps the state that `table` shows, of which `changed` is not kept yet. Nothing is forgotten where this
    /// fails or is dropped: the same call does it again.
    pub(crate) async fn keep(
        &mut self,
        table: &Table,
        changed: &BTreeSet<FilePath>,
    ) -> Result<GitState, KeepError> {
        let head = self.head().await?;
        let is_same =
            changed.is_empty() && self.last.as_ref().is_some_and(|last| last.partial == table.partial);
        if let Some(last) = self.last.as_mut().filter(|_| is_same) {
            last.head = head;
            return Ok(last.clone());
        }
        let sorted = self.sort_out(table, changed)?;
        self.forget(&sorted.gone).await?;
        self.feed(&sorted.feed).await?;
        let tree = self.shadow.call().args(["write-tree", "--missing-ok"]).line().await?;
        let aside_dirty = match &self.last {
            Some(last) => Arc::clone(&last.aside_dirty),
            None => self.dirty_aside(&sorted.aside).await?.into(),
        };
        let aside = Arc::new(sorted.aside);
        let state = GitState { tree, head, aside, aside_dirty, partial: table.partial.clone() };
        self.last = Some(state.clone());
        Ok(state)
    }

    /// Whether [`GitKeeper::keep`] would give the last state again, were no file changed.
    pub(crate) fn is_current(&self) -> bool {
        let mark = self.shadow.repository.head_mark();
        self.last.is_some() && self.head.as_ref().is_some_and(|(known, _)| *known == mark)
    }

    async fn head(&mut self) -> Result<Option<String>, KeepError> {
        let mark = self.shadow.repository.head_mark();
        if let Some((_, head)) = self.head.as_ref().filter(|(known, _)| *known == mark) {
            return Ok(head.clone());
        }
        let head = self.shadow.repository.head(&self.shadow.git).await?;
        self.head = Some((mark, head.clone()));
        Ok(head)
    }

    /// Decides which files git is to read and which are known by stat data alone.
    fn sort_out(&self, table: &Table, changed: &BTreeSet<FilePath>) -> Result<Sorted, KeepError> {
        let root = &self.settings.root;
        let folder =
            file::open_root(root).map_err(|source| KeepError::Root { place: root.clone(), source })?;
        let mut aside = self.last.as_ref().map(|last| (*last.aside).clone()).unwrap_or_default();
        let (mut feed, mut gone) = (Vec::new(), Vec::new());
        let is_first = self.last.is_none();
        let mut budget = self.settings.bounds.checkpoint_bytes;
        for path in changed {
            aside.remove(path);
            let Some(seen) = table.get(path) else {
                gone.push(path.clone());
                continue;
            };
            // At the first checkpoint git compares tracked files by their times and reads few of them.
            let is_free = is_first && self.tracked.binary_search(path).is_ok();
            let is_fit = seen.stat.size <= self.settings.bounds.file_bytes
                && (is_free || seen.stat.size <= budget)
                && path.fits_git(seen.stat.is_link())
                && (seen.stat.is_link() || file::is_readable(folder.as_fd(), path));
            if is_fit {
                budget = if is_free { budget } else { budget.saturating_sub(seen.stat.size) };
                feed.push(path.clone());
            } else {
                aside.insert(path.clone(), seen.stat);
                if !is_first && self.fed.contains(path) {
                    gone.push(path.clone());
                }
            }
        }
        if is_first {
            gone.extend(self.tracked.iter().filter(|path| table.get(path).is_none()).cloned());
        }
        Ok(Sorted { feed, gone, aside })
    }

    /// Takes files out of our index, whatever stands in their places now.
    async fn forget(&mut self, paths: &[FilePath]) -> Result<(), KeepError> {
        self.update_index(&["--force-remove"], paths).await?;
        for path in paths {
            self.fed.remove(path);
        }
        Ok(())
    }

    /// Brings our index to what the named files hold now.
    async fn feed(&mut self, paths: &[FilePath]) -> Result<(), KeepError> {
        self.update_index(&["--add", "--remove", "--replace"], paths).await?;
        self.fed.extend(paths.iter().cloned());
        Ok(())
    }

    async fn update_index(&self, options: &[&str], paths: &[FilePath]) -> Result<(), KeepError> {
        if paths.is_empty() {
            return Ok(());
        }
        remove_stale_lock(&self.shadow.index)?;
        let call = self.shadow.call().args(["update-index", "-z"]).args(options).args(["--stdin"]);
        call.input(self.names(paths)).succeed().await?;
        Ok(())
    }

    /// Names as git reads them: from the top of the work tree, each with a NUL behind it.
    pub(crate) fn names<'a>(&self, paths: impl IntoIterator<Item = &'a FilePath>) -> Vec<u8> {
        let mut names = Vec::new();
        for path in paths {
            names.extend_from_slice(&self.shadow.repository.prefix);
            names.extend_from_slice(path.as_bytes());
            names.push(0);
        }
        names
    }

    /// Which of the tracked files that were not read differ from the index, by their times.
    async fn dirty_aside(&self, aside: &BTreeMap<FilePath, Stat>) -> Result<Vec<FilePath>, KeepError> {
        let (known, new): (Vec<_>, Vec<_>) =
            aside.keys().cloned().partition(|path| self.tracked.binary_search(path).is_ok());
        if known.is_empty() {
            return Ok(new);
        }
        let args = ["diff-files", "--name-only", "-z", "--ignore-submodules=all", "--no-ext-diff", "--"];
        let call = self.shadow.call().args(args).args(known.iter().map(|path| self.pathspec(path, "")));
        let mut dirty = self.paths(&call.succeed().await?);
        dirty.extend(new);
        Ok(dirty)
    }

    /// The NUL-separated names of an answer, of those inside the workspace.
    fn paths(&self, answer: &[u8]) -> Vec<FilePath> {
        let names = answer.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names
            .filter_map(|name| name.strip_prefix(self.shadow.repository.prefix.as_slice()))
            .map(FilePath::new)
            .collect()
    }

    pub(crate) fn pathspec(&self, path: &FilePath, magic: &str) -> OsString {
        let mut spec = format!(":(top,literal{magic})").into_bytes();
        spec.extend_from_slice(&self.shadow.repository.prefix);
        spec.extend_from_slice(path.as_bytes());
        OsString::from_vec(spec)
    }

    /// What differs between two states, and what is known of it by stat data alone.
    pub(crate) async fn compare(
        &self,
        from: &GitState,
        now: &GitState,
        table: &Table,
    ) -> Result<Found, KeepError> {
        let mut files = self.compare_trees(&from.tree, &now.tree).await?;
        let unread = settle_aside(&mut files, &from.aside, &now.aside, |path| table.get(path).is_some());
        let mut reasons = Vec::from_iter(now.partial.clone().or_else(|| from.partial.clone()));
        if !unread.is_empty() {
            let most = self.settings.bounds.file_bytes >> 20;
            reasons.push(format!(
                "compared by size and times only (over {most} MiB, unreadable, or too much at once): {}",
                list(&unread, 5)
            ));
        }
        Ok(Found { files, partial: (!reasons.is_empty()).then(|| reasons.join("; ")) })
    }

    async fn compare_trees(&self, from: &str, to: &str) -> Result<BTreeMap<FilePath, ChangeKind>, KeepError> {
        if from == to {
            return Ok(BTreeMap::new());
        }
        let args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-abbrev"];
        let call = self.shadow.call().args(args).args([from, to]).args(["--"]);
        let answer = call.succeed().await?;
        let entries = TreeChange::parse(&answer).ok_or(KeepError::Answer("diff-tree"))?;
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
        dirty.extend(state.aside_dirty.iter().cloned());
        dirty.retain(|path| !self.is_elsewhere(path));
        Ok(dirty)
    }

    /// Whether a path belongs to a repository that the index only links to.
    fn is_elsewhere(&self, path: &FilePath) -> bool {
        self.links.iter().any(|link| path.is_within(link.as_bytes()))
    }

    fn tree_at(&self, state: &GitState) -> String {
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
    ) -> Result<(Vec<u8>, u64), KeepError> {
        let start = from.map_or_else(|| self.tree_at(now), |from| from.tree.clone());
        let relative = String::from_utf8_lossy(&self.shadow.repository.prefix).into_owned();
        let mut call = self
            .shadow
            .call()
            .args(["diff-tree", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color"])
            .args(["--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all"]);
        if !relative.is_empty() {
            call = call.args([format!("--relative={relative}")]);
        }
        call = call.args([start.as_str(), now.tree.as_str(), "--"]);
        call = match path {
            Some(path) => call.args([self.pathspec(path, "")]),
            None => call.args([":(top)"]),
        };
        if from.is_none() {
            call = call.args(self.links.iter().map(|link| self.pathspec(link, ",exclude")));
        }
        let output = call.keep(self.settings.bounds.diff_bytes).finish().await?.success()?;
        Ok((output.stdout, output.omitted))
    }
}

struct Sorted {
    /// To be read by git.
    feed: Vec<FilePath>,
    /// To leave our index.
    gone: Vec<FilePath>,
    aside: BTreeMap<FilePath, Stat>,
}
