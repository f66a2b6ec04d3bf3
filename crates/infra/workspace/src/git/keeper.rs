//! Keeping states with git's own means: an index, trees and blobs, all of them ours. Comparing them: `compare`.
//!
//! Files go into the index one by one, by name, as the walk saw them; git is never asked to look for files, so it
//! enters no submodule. The files of nested repositories are kept as what they are for the person, files; in our
//! trees there are no links to other repositories.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::{fd::AsFd, unix::ffi::OsStringExt},
    sync::{Arc, Mutex},
};

use crate::{
    copies::Copies,
    error::KeepError,
    file::{self, Digest, Stat},
    git::{
        call::{Call, Git, GitError},
        index::{read_index, remove_stale_lock},
        raw::Raw,
        repository::{Config, Repository, personal_file},
        shadow::Shadow,
        share::share_earlier,
    },
    modes::{Modes, Usual},
    off_thread::lock,
    own::OwnPlaces,
    path::FilePath,
    rules::RuleSources,
    scan::Table,
    settings::WorkspaceSettings,
    store::Store,
};

/// A state that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitState {
    pub(crate) tree: String,
    /// The commit at `HEAD`; none where there was none yet.
    pub(crate) head: Option<String>,
    /// Files whose content was not read: too large, unreadable, or with a name git refuses.
    pub(crate) aside: Arc<BTreeMap<FilePath, Stat>>,
    pub(crate) partial: Option<String>,
    /// The tree of the person's index; none where there was no index, or one in the middle of a merge.
    pub(crate) index: Option<String>,
    pub(crate) modes: Arc<Modes>,
    pub(crate) raw: Arc<Raw>,
    /// Folders that held nothing.
    pub(crate) empty: Arc<[FilePath]>,
}

/// Keeps states.
#[derive(Debug)]
pub(crate) struct GitKeeper {
    pub(crate) shadow: Shadow,
    pub(super) settings: WorkspaceSettings,
    /// What the person's index held at the start; sorted.
    pub(crate) tracked: Arc<[FilePath]>,
    /// Other repositories in the index.
    pub(super) links: Vec<FilePath>,
    /// Files that our index holds, or held a moment ago.
    pub(super) fed: BTreeSet<FilePath>,
    pub(super) first_aside: FirstAside,
    pub(super) copies: Arc<Mutex<Copies>>,
    /// Whether settings outside of the work tree may make git convert contents.
    pub(super) converts: bool,
    usual: Option<Usual>,
    /// How many bytes of content may still be added to what lasts.
    budget: u64,
    last: Option<GitState>,
    head: Option<(String, Option<String>)>,
    index: Option<(String, Option<String>)>,
}

impl GitKeeper {
    /// Lays out our git directory and reads what the person's index tracks. `git` processes: 2, or 3 where the
    /// index holds what has to be put right first.
    pub(crate) async fn open(
        git: Git,
        repository: Repository,
        settings: &WorkspaceSettings,
        store: &Store,
    ) -> Result<(Self, RuleSources), KeepError> {
        let config = Config::read(&git, &repository, settings).await?;
        let failed = |source| KeepError::Store { doing: "write", place: settings.store.clone(), source };
        let shadow = Shadow::lay_out(git, repository, &config, settings, store).map_err(failed)?;
        share_earlier(&shadow, store).await;
        let shadow_converts = config.converts() || shadow.has_attributes(&config, settings);
        let mut index = read_index(&shadow).await?;
        let own = OwnPlaces::find(settings);
        index.tracked.retain(|path| !own.hold(path));
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
            first_aside: FirstAside::default(),
            copies: Arc::new(Mutex::new(Copies::new(store, &settings.bounds))),
            converts: shadow_converts,
            usual: None,
            budget: settings.bounds.kept_bytes,
            last: None,
            head: None,
            index: None,
        };
        Ok((keeper, sources))
    }

    /// Keeps the state that `table` shows, of which `changed` is not kept yet. Nothing is forgotten where this
    /// fails or is dropped: the same call does it again.
    pub(crate) async fn keep(
        &mut self,
        table: &Arc<Table>,
        changed: &BTreeSet<FilePath>,
    ) -> Result<GitState, KeepError> {
        self.note_attributes(table).await?;
        let head = self.head().await?;
        let index = self.index().await?;
        let is_same =
            changed.is_empty() && self.last.as_ref().is_some_and(|last| last.partial == table.partial);
        if let Some(last) = self.last.as_mut().filter(|_| is_same) {
            (last.head, last.index, last.empty) = (head, index, Arc::clone(&table.empty));
            return Ok(last.clone());
        }
        if self.last.is_some() && !self.fed.is_empty() && !self.shadow.index.is_file() {
            return Err(KeepError::Gone { place: self.shadow.index.clone() });
        }
        let sorted = self.sort_out(table, changed)?;
        self.forget(&sorted.gone).await?;
        self.feed(&sorted.feed).await?;
        let tree = self.shadow.call().args(["write-tree", "--missing-ok"]).line().await?;
        self.budget = self.budget.saturating_sub(sorted.bytes);
        let aside = Arc::new(sorted.aside);
        let usual = *self.usual.get_or_insert_with(|| Usual::of(table));
        let raw = self.last.as_ref().map(|last| (*last.raw).clone()).unwrap_or_default();
        let raw = Arc::new(self.keep_raw(raw, &tree, table, changed).await?);
        if self.last.is_none() {
            let dirty = self.dirty_aside(&aside).await?;
            self.first_aside = FirstAside { files: Arc::clone(&aside), dirty };
        }
        let modes = Arc::new(Modes::of(table, usual));
        let (partial, empty) = (table.partial.clone(), Arc::clone(&table.empty));
        let state = GitState { tree, head, aside, partial, index, modes, raw, empty };
        self.last = Some(state.clone());
        Ok(state)
    }

    /// Whether [`GitKeeper::keep`] would give the last state again, were no file changed.
    pub(crate) fn is_current(&self) -> bool {
        let (head, index) = (self.shadow.repository.head_mark(), self.shadow.repository.index_mark());
        self.last.is_some()
            && self.head.as_ref().is_some_and(|(known, _)| *known == head)
            && self.index.as_ref().is_some_and(|(known, _)| *known == index)
    }

    /// How many bytes of content this opening has added to what lasts.
    pub(crate) fn added(&self) -> u64 {
        let fed = self.settings.bounds.kept_bytes.saturating_sub(self.budget);
        fed.saturating_add(lock(&self.copies).added(&self.settings.bounds))
    }

    /// A content that git's trees do not hold as it was.
    pub(crate) fn copy(&self, digest: &Digest) -> Result<Vec<u8>, KeepError> {
        lock(&self.copies).read(digest)
    }

    /// The tree of the person's index. What is in the middle of a merge makes none.
    async fn index(&mut self) -> Result<Option<String>, KeepError> {
        let mark = self.shadow.repository.index_mark();
        if let Some((_, index)) = self.index.as_ref().filter(|(known, _)| *known == mark) {
            return Ok(index.clone());
        }
        let copy = self.shadow.scratch.join("their-index");
        let store = |source| KeepError::Store { doing: "write", place: copy.clone(), source };
        let tree = if self.shadow.copy_index(&copy).map_err(store)? {
            let call = self.shadow.call().env("GIT_INDEX_FILE", &copy).args(["write-tree", "--missing-ok"]);
            let output = call.finish().await?;
            (output.code == 0).then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            None
        };
        self.index = Some((mark, tree.clone()));
        Ok(tree)
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
        let start = self.settings.bounds.checkpoint_bytes.min(self.budget);
        let mut budget = start;
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
            }
        }
        if is_first {
            gone.extend(self.tracked.iter().filter(|path| table.get(path).is_none()).cloned());
        }
        Ok(Sorted { feed, gone, aside, bytes: start.saturating_sub(budget) })
    }

    /// Takes files out of our index, whatever stands in their places now.
    async fn forget(&mut self, paths: &[FilePath]) -> Result<(), KeepError> {
        self.update_index(self.shadow.call(), &["--force-remove"], paths).await?;
        for path in paths {
            self.fed.remove(path);
        }
        Ok(())
    }

    /// Brings our index to what the named files hold now.
    async fn feed(&mut self, paths: &[FilePath]) -> Result<(), KeepError> {
        const OPTIONS: [&str; 3] = ["--add", "--remove", "--replace"];
        match self.update_index(self.shadow.call(), &OPTIONS, paths).await {
            Err(KeepError::Git(GitError::Failed { .. })) => {
                self.update_index(self.shadow.unencoded(), &OPTIONS, paths).await?;
            }
            fed => fed?,
        }
        self.fed.extend(paths.iter().cloned());
        Ok(())
    }

    async fn update_index(&self, call: Call, options: &[&str], paths: &[FilePath]) -> Result<(), KeepError> {
        if paths.is_empty() {
            return Ok(());
        }
        remove_stale_lock(&self.shadow.index)?;
        let call = call.args(["update-index", "-z"]).args(options).args(["--stdin"]);
        call.input(self.names(paths)).succeed().await.map_err(|error| self.blame(error, paths))?;
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
}

/// The files that were not read when the first state was kept.
#[derive(Debug, Default)]
pub(super) struct FirstAside {
    files: Arc<BTreeMap<FilePath, Stat>>,
    /// Those that differed from the index.
    dirty: Vec<FilePath>,
}

impl FirstAside {
    /// Which of the files that were not read in a later state differ from `HEAD`, as far as times tell.
    pub(super) fn dirty_in<'a>(
        &self,
        aside: &'a BTreeMap<FilePath, Stat>,
    ) -> impl Iterator<Item = &'a FilePath> {
        let changed = aside
            .iter()
            .filter(|(path, stat)| self.files.get(*path) != Some(*stat) || self.dirty.contains(path));
        changed.map(|(path, _)| path)
    }
}

struct Sorted {
    /// To be read by git.
    feed: Vec<FilePath>,
    /// To leave our index.
    gone: Vec<FilePath>,
    aside: BTreeMap<FilePath, Stat>,
    /// How many bytes `feed` adds at most.
    bytes: u64,
}
