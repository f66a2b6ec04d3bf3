//! Keeping states with git's own means: an index, trees and blobs, all of them ours. Comparing them: `compare`.
//!
//! Files go into the index one by one, by name, as the walk saw them, from copies that were read below the workspace's
//! root (`stage`); git is never asked to look for files, so it enters no submodule and follows no link. The files of nested repositories are kept as what they are for the person, files; in our
//! trees there are no links to other repositories.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crate::{
    copies::Copies,
    error::KeepError,
    file::{Digest, Stat},
    git::{
        call::{Call, Git, GitError},
        index::{KnownFiles, read_index, remove_stale_lock},
        raw::Raw,
        repository::{Config, Repository, personal_file},
        shadow::Shadow,
        share::share_earlier,
        sort::{Sorted, Sorting},
        stage::Stager,
    },
    modes::{Modes, Usual},
    off_thread::{blocking, lock},
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
    /// What the person's index knew at the start; nothing after the first state.
    known: KnownFiles,
    pub(super) stager: Stager,
    /// Files that our index holds, or held a moment ago.
    pub(super) fed: BTreeSet<FilePath>,
    /// Files that the walk saw and that were gone a moment later. They may be back, as they were.
    unsettled: BTreeSet<FilePath>,
    pub(super) first_aside: FirstAside,
    pub(super) copies: Arc<Mutex<Copies>>,
    /// Whether settings outside of the work tree may make git convert contents.
    pub(super) converts: bool,
    /// Pipes and the like where git looks for attributes.
    pub(super) strange: Vec<PathBuf>,
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
            stager: Stager::new(&shadow, settings),
            shadow,
            known: index.known,
            unsettled: BTreeSet::new(),
            settings: settings.clone(),
            fed: index.tracked.iter().cloned().collect(),
            tracked: index.tracked.into(),
            links: index.links,
            first_aside: FirstAside::default(),
            copies: Arc::new(Mutex::new(Copies::new(store, &settings.bounds))),
            converts: shadow_converts,
            strange: Vec::new(),
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
        self.note_attributes(table);
        let head = self.head().await?;
        let index = self.index().await?;
        let unsettled = self.unsettled.union(changed).cloned().collect();
        let changed = if self.unsettled.is_empty() { changed } else { &unsettled };
        let is_same =
            changed.is_empty() && self.last.as_ref().is_some_and(|last| last.partial == table.partial);
        if let Some(last) = self.last.as_mut().filter(|_| is_same) {
            (last.head, last.index, last.empty) = (head, index, Arc::clone(&table.empty));
            return Ok(last.clone());
        }
        if self.last.is_some() && !self.fed.is_empty() && !self.shadow.index.is_file() {
            return Err(KeepError::Gone { place: self.shadow.index.clone() });
        }
        let mut sorted = self.sort_out(table, changed).await?;
        self.forget(&sorted.gone).await?;
        let missed = self.feed(sorted.feed).await?;
        self.forget(&missed.gone).await?;
        for path in missed.unread {
            sorted.aside.extend(table.get(&path).map(|seen| (path, seen.stat)));
        }
        let tree = self.shadow.call().args(["write-tree", "--missing-ok"]).line().await?;
        self.budget = self.budget.saturating_sub(sorted.bytes);
        let aside = Arc::new(sorted.aside);
        let usual = *self.usual.get_or_insert_with(|| Usual::of(table));
        let raw = self.last.as_ref().map(|last| (*last.raw).clone()).unwrap_or_default();
        let raw = Arc::new(self.keep_raw(raw, &tree, table, changed).await?);
        if self.last.is_none() {
            let dirty = self.dirty_aside(&aside);
            self.first_aside = FirstAside { files: Arc::clone(&aside), dirty };
            self.known = KnownFiles::default();
        }
        self.unsettled = missed.gone.into_iter().collect();
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
            && self.unsettled.is_empty()
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

    /// Decides what becomes of the files that changed.
    async fn sort_out(
        &mut self,
        table: &Arc<Table>,
        changed: &BTreeSet<FilePath>,
    ) -> Result<Sorted, KeepError> {
        let sorting = Sorting {
            settings: self.settings.clone(),
            tracked: Arc::clone(&self.tracked),
            is_first: self.last.is_none(),
            // Where this call is dropped nothing is known any more, and everything is read.
            known: std::mem::take(&mut self.known),
            aside: self.last.as_ref().map(|last| (*last.aside).clone()).unwrap_or_default(),
            budget: self.budget,
        };
        let (table, changed) = (Arc::clone(table), changed.clone());
        let mut sorted = blocking(move || sorting.sort(&table, &changed)).await??;
        self.known = std::mem::take(&mut sorted.known);
        Ok(sorted)
    }

    /// Takes files out of our index, whatever stands in their places now.
    async fn forget(&mut self, paths: &[FilePath]) -> Result<(), KeepError> {
        self.known.forget(paths);
        self.update_index(self.shadow.call(), &["--force-remove"], paths).await?;
        for path in paths {
            self.fed.remove(path);
        }
        Ok(())
    }

    /// Brings our index to what the named files hold now, and tells which of them it could not.
    async fn feed(&mut self, paths: Vec<FilePath>) -> Result<Missed, KeepError> {
        let (mut missed, mut rest) = (Missed::default(), paths);
        while !rest.is_empty() {
            let mut stage = self.stager.stage(rest, self.settings.bounds.file_bytes).await?;
            self.known.forget(&stage.taken);
            let update = |call| self.update_index(call, &UPDATE, &stage.taken);
            match update(self.shadow.call_over(&stage.tree)).await {
                Err(KeepError::Git(GitError::Failed { .. })) => {
                    update(self.shadow.unencoded_over(&stage.tree)).await?;
                }
                fed => fed?,
            }
            rest = std::mem::take(&mut stage.rest);
            missed.gone.append(&mut stage.gone);
            missed.unread.append(&mut stage.unread);
            self.fed.extend(std::mem::take(&mut stage.taken));
        }
        Ok(missed)
    }

    async fn update_index(&self, call: Call, options: &[&str], paths: &[FilePath]) -> Result<(), KeepError> {
        if paths.is_empty() {
            return Ok(());
        }
        remove_stale_lock(&self.shadow.index)?;
        let call = call.args(["update-index", "-z"]).args(options).args(["--stdin"]);
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

    /// Which of the files that were not read differ from the index, by their times.
    fn dirty_aside(&self, aside: &BTreeMap<FilePath, Stat>) -> Vec<FilePath> {
        let dirty = aside.iter().filter(|(path, stat)| !self.known.may_hold(path, stat));
        dirty.map(|(path, _)| path.clone()).collect()
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

/// How files come into an index from a folder of ours that holds them all.
pub(super) const UPDATE: [&str; 2] = ["--add", "--replace"];

/// Files that could not be fed.
#[derive(Debug, Default)]
struct Missed {
    gone: Vec<FilePath>,
    unread: Vec<FilePath>,
}
