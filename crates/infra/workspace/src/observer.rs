//! Watches one workspace: the latest walk, what changed since, and the states that were kept.
//!
//! Everything here happens one after the other; [`crate::Workspace`] holds the lock.

mod commit;
mod reasons;
mod undo;

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use domain::workspace::{Checkpoint, WorkspaceError};

use crate::{
    changes::{Found, bounded_text},
    error::KeepError,
    facts::is_root,
    file,
    git::{
        belonging::Elsewhere,
        call::{Git, GitError},
        commit::settle,
        keeper::GitKeeper,
        repository::{Repository, personal_file},
    },
    listing::Memory,
    off_thread::{blocking, lock},
    own::OwnPlaces,
    path::FilePath,
    plain::PlainKeeper,
    rules::{BaseRules, RuleBook, RuleSources},
    scan::{Scan, StopOnDrop, Table, Walk},
    settings::WorkspaceSettings,
    sight::Sight,
    states::{self, Keeper, Kept, RecordError, Step},
    store::Store,
};

/// A checkpoint that this workspace never gave.
#[derive(Debug, thiserror::Error)]
#[error(
    "no such state is kept here: it belongs to another session, or was removed to make room for newer ones"
)]
pub(crate) struct UnknownCheckpoint;

/// There is no `HEAD` to compare with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoHead(String);

/// A path that leads out of the workspace.
#[derive(Debug, thiserror::Error)]
#[error("it leads out of the workspace")]
struct Outside;

/// Watches one workspace.
#[derive(Debug)]
pub(crate) struct Observer {
    settings: Arc<WorkspaceSettings>,
    repository: Option<Repository>,
    /// What was found in a repository's place.
    elsewhere: Option<Elsewhere>,
    own: OwnPlaces,
    sources: RuleSources,
    /// The ignore rules at the first checkpoint.
    base: Option<Arc<BaseRules>>,
    /// None while a walk has it, and after a walk whose caller gave up.
    memory: Option<Memory>,
    tracked: Arc<[FilePath]>,
    latest: Option<Arc<Table>>,
    /// Whether a walk since the last answer found something changed.
    touched: bool,
    /// Changed since the last state that was kept.
    pending: BTreeSet<FilePath>,
    keeper: Option<Keeper>,
    current: Option<Kept>,
    last: Option<Checkpoint>,
    /// States that were given out; some hundred bytes each in git, a pointer per file outside of it.
    kept: HashMap<Checkpoint, Kept>,
    /// The last state outside of git that was recorded.
    step: Option<Step>,
    store: Option<Arc<Store>>,
    /// An undo that goes on although its caller gave up.
    undoing: Option<tokio::task::JoinHandle<()>>,
}

pub(crate) fn failed<E>(doing: &str) -> impl FnOnce(E) -> WorkspaceError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |error| WorkspaceError { doing: doing.to_owned(), source: Box::new(error) }
}

impl Observer {
    pub(crate) fn new(settings: WorkspaceSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            repository: None,
            elsewhere: None,
            own: OwnPlaces::default(),
            sources: RuleSources::default(),
            base: None,
            memory: None,
            tracked: Arc::default(),
            latest: None,
            touched: false,
            pending: BTreeSet::new(),
            keeper: None,
            current: None,
            last: None,
            kept: HashMap::new(),
            step: None,
            store: None,
            undoing: None,
        }
    }

    pub(crate) async fn touched(&mut self) -> Result<bool, WorkspaceError> {
        self.scan().await?;
        Ok(std::mem::take(&mut self.touched))
    }

    pub(crate) async fn checkpoint(&mut self) -> Result<Checkpoint, WorkspaceError> {
        let kept = self.now().await?;
        self.touched = false;
        if let Some(memory) = self.memory.as_mut().filter(|_| self.base.is_none()) {
            self.base = Some(memory.rules.keep_as_base());
        }
        if let Some(last) = self.last.as_ref().filter(|last| self.kept.get(*last) == Some(&kept)) {
            return Ok(last.clone());
        }
        let checkpoint = self.record(&kept).await?;
        self.kept.insert(checkpoint.clone(), kept);
        self.last = Some(checkpoint.clone());
        Ok(checkpoint)
    }

    /// Keeps a state for later processes.
    async fn record(&mut self, kept: &Kept) -> Result<Checkpoint, WorkspaceError> {
        let doing = "keep the state of the workspace";
        let Some(store) = self.store.clone() else { return Err(failed(doing)(UnknownCheckpoint)) };
        let (objects, copies) = (store.objects(), store.copies());
        if let Some(place) = [objects, copies].into_iter().find(|place| !place.is_dir()) {
            return Err(failed(doing)(KeepError::Gone { place }));
        }
        let added = match &self.keeper {
            Some(Keeper::Git(keeper)) => keeper.added(),
            Some(Keeper::Plain(keeper)) => lock(keeper).added(),
            None => 0,
        };
        let (kept, mut step) = (kept.clone(), self.step.clone());
        let work = move || {
            let checkpoint = states::record(&store, &kept, &mut step)?;
            store.note_added(added)?;
            Ok((checkpoint, step))
        };
        let done: Result<_, RecordError> = blocking(work).await.map_err(failed(doing))?;
        let (checkpoint, step) = done.map_err(failed(doing))?;
        self.step = step;
        Ok(checkpoint)
    }

    pub(crate) async fn changes_since(&mut self, from: &Checkpoint) -> Result<Found, WorkspaceError> {
        let from = self.find(from).await?;
        let now = self.now().await?;
        self.compare(&from, &now).await
    }

    pub(crate) async fn overlooked(&mut self, paths: &[String]) -> Result<Vec<String>, WorkspaceError> {
        self.scan().await?;
        let doing = "tell which files are looked at";
        let root = file::open_root(&self.settings.root).map_err(failed(doing))?;
        let prefix = self.prefix();
        let mut memory = self.memory();
        let mut sight = Sight { root: &root, prefix: &prefix, rules: &mut memory.rules };
        let table = self.latest.clone().unwrap_or_default();
        let mut overlooked = Vec::new();
        for text in paths {
            let is_seen =
                |path: &FilePath| table.get(path).is_some() || self.tracked.binary_search(path).is_ok();
            // What cannot be told is not looked at either.
            let is_overlooked = match FilePath::named(&self.settings.root, text) {
                None => true,
                Some(path) if is_seen(&path) => false,
                Some(path) if self.own.hold(&path) => true,
                Some(_) if table.partial.is_some() => true,
                Some(path) => sight.overlooks(&path).unwrap_or(true),
            };
            if is_overlooked {
                overlooked.push(text.clone());
            }
        }
        self.memory = Some(memory);
        Ok(overlooked)
    }

    fn memory(&mut self) -> Memory {
        self.memory
            .take()
            .unwrap_or_else(|| Memory::new(RuleBook::new(self.sources.clone(), self.base.clone())))
    }

    fn prefix(&self) -> Vec<u8> {
        self.repository.as_ref().map(|repository| repository.prefix.clone()).unwrap_or_default()
    }

    pub(crate) async fn dirty_at(&mut self, at: &Checkpoint) -> Result<BTreeSet<FilePath>, WorkspaceError> {
        match (self.find(at).await?, &self.keeper) {
            (Kept::Git(state), Some(Keeper::Git(keeper))) => {
                keeper.dirty(&state).await.map_err(failed("compare the checkpoint with HEAD"))
            }
            _ => Ok(BTreeSet::new()),
        }
    }

    pub(crate) async fn diff(
        &mut self,
        from: Option<&Checkpoint>,
        path: Option<&str>,
    ) -> Result<String, WorkspaceError> {
        let doing = "show the differences";
        let only = match path.map(|text| (text, FilePath::named(&self.settings.root, text))) {
            Some((text, None)) if !is_root(&self.settings.root, text) => {
                return Err(failed(&format!("show the differences of {text}"))(Outside));
            }
            Some((_, only)) => only,
            None => None,
        };
        let from = match from {
            Some(from) => Some(self.find(from).await?),
            None => None,
        };
        let now = self.now().await?;
        let most = self.settings.bounds.diff_bytes;
        let table = self.latest.clone().unwrap_or_default();
        let (bytes, omitted) = match (&self.keeper, from, now) {
            (Some(Keeper::Git(keeper)), Some(Kept::Git(from)), Kept::Git(now)) => {
                keeper.diff(Some(&from), &now, only.as_ref(), &table).await.map_err(failed(doing))?
            }
            (Some(Keeper::Git(keeper)), None, Kept::Git(now)) => {
                keeper.diff(None, &now, only.as_ref(), &table).await.map_err(failed(doing))?
            }
            (Some(Keeper::Plain(keeper)), Some(Kept::Plain(from)), Kept::Plain(now)) => {
                let keeper = Arc::clone(keeper);
                let wanted =
                    move |path: &FilePath| only.as_ref().is_none_or(|only| path.is_within(only.as_bytes()));
                blocking(move || lock(&keeper).diff(&from, &now, wanted, most))
                    .await
                    .map_err(failed(doing))?
                    .map_err(failed(doing))?
            }
            _ => return Err(failed(doing)(NoHead(self.why_no_head()))),
        };
        Ok(bounded_text(bytes, omitted, most))
    }

    /// A state that this or an earlier opening kept.
    pub(crate) async fn find(&mut self, checkpoint: &Checkpoint) -> Result<Kept, WorkspaceError> {
        if let Some(kept) = self.kept.get(checkpoint) {
            return Ok(kept.clone());
        }
        let doing = format!("find the checkpoint {}", checkpoint.as_str());
        self.open().await?;
        let Some(store) = self.store.clone() else { return Err(failed(&doing)(UnknownCheckpoint)) };
        let wanted = checkpoint.clone();
        let read = blocking(move || states::read(&store, &wanted)).await.map_err(failed(&doing))?;
        let kept = read.map_err(failed(&doing))?.ok_or_else(|| failed(&doing)(UnknownCheckpoint))?;
        self.kept.insert(checkpoint.clone(), kept.clone());
        Ok(kept)
    }

    async fn compare(&self, from: &Kept, now: &Kept) -> Result<Found, WorkspaceError> {
        let doing = "compare the workspace with a checkpoint";
        match (&self.keeper, from, now) {
            (Some(Keeper::Git(keeper)), Kept::Git(from), Kept::Git(now)) => {
                let table = self.latest.clone().unwrap_or_default();
                keeper.compare(from, now, &table).await.map_err(failed(doing))
            }
            (Some(Keeper::Plain(keeper)), Kept::Plain(from), Kept::Plain(now)) => {
                Ok(lock(keeper).compare(from, now))
            }
            (_, Kept::Git(_), _) => Err(failed(doing)(self.why_no_states())),
            _ => Err(failed(doing)(UnknownCheckpoint)),
        }
    }

    /// Decides, once, how states are kept here. Walks made before that was known have told `touched` what they had
    /// to tell and are forgotten.
    async fn open(&mut self) -> Result<(), WorkspaceError> {
        if self.keeper.is_some() {
            return Ok(());
        }
        if self.latest.is_some() {
            self.scan().await?;
        }
        let doing = format!("prepare the folder {}", self.settings.store.display());
        let settings = Arc::clone(&self.settings);
        let opened = blocking(move || Store::open(&settings)).await.map_err(failed(&doing))?;
        let store = Arc::new(opened.map_err(failed(&doing))?);
        self.store = Some(Arc::clone(&store));
        self.look_around();
        let keeper = match (self.repository.clone(), Git::find(&self.settings)) {
            (Some(repository), Some(git)) if repository.refusal().is_none() && !store.began_without_git() => {
                if let Err(error) = settle(&git, &repository).await {
                    tracing::warn!(%error, "what a commit left behind that was broken off stays");
                }
                let opened = GitKeeper::open(git, repository, &self.settings, &store).await;
                let (keeper, sources) = opened.map_err(failed("prepare git for checkpoints"))?;
                self.sources = sources;
                self.tracked = Arc::clone(&keeper.tracked);
                Keeper::Git(Box::new(keeper))
            }
            _ => Keeper::Plain(Arc::new(Mutex::new(PlainKeeper::new(&self.settings, &store)))),
        };
        self.memory = None;
        self.latest = None;
        self.pending.clear();
        self.keeper = Some(keeper);
        Ok(())
    }

    /// What can be known of the surroundings without asking git.
    fn look_around(&mut self) {
        (self.repository, self.elsewhere) = match Repository::find(&self.settings.root) {
            Ok(repository) => (repository, None),
            Err(elsewhere) => (None, Some(elsewhere)),
        };
        self.own = OwnPlaces::find(&self.settings);
        let excludes = personal_file("ignore", &self.settings);
        let repository = self.repository.as_ref();
        let own = repository.map(|repository| repository.common_dir.join("info/exclude"));
        self.sources = RuleSources {
            files: excludes.into_iter().chain(own).collect::<Vec<PathBuf>>(),
            top: repository.map(|repository| repository.top.clone()),
        };
    }

    async fn scan(&mut self) -> Result<(), WorkspaceError> {
        if self.latest.is_none() && self.keeper.is_none() {
            self.look_around();
        }
        self.settle_undo().await;
        let doing = "look at the files of the workspace";
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_with_us = StopOnDrop(Arc::clone(&stop));
        let settings = Arc::clone(&self.settings);
        let prefix = self.prefix();
        let (tracked, previous) = (Arc::clone(&self.tracked), self.latest.clone());
        let own = self.own.clone();
        let mut memory = self.memory();
        let walk = move || {
            let (root, bounds) = (settings.root.as_path(), &settings.bounds);
            let walk = Walk { root, prefix: &prefix, tracked: &tracked, own: &own, bounds, stop: &stop };
            let scan = walk.scan(&mut memory, previous.as_deref());
            (scan, memory)
        };
        let (scan, memory) = blocking(walk).await.map_err(failed(doing))?;
        self.memory = Some(memory);
        let Scan { table, changed } = scan.map_err(failed(doing))?;
        // The first walk has nothing to compare with.
        let is_first = self.latest.replace(Arc::new(table)).is_none();
        self.touched |= !is_first && !changed.is_empty();
        self.pending.extend(changed);
        Ok(())
    }

    /// The present state, kept.
    pub(crate) async fn now(&mut self) -> Result<Kept, WorkspaceError> {
        let doing = "keep the state of the workspace";
        self.open().await?;
        if let (Some(Keeper::Git(_)), Some(refusal)) =
            (&self.keeper, self.repository.as_ref().and_then(Repository::refusal))
        {
            return Err(failed(doing)(refusal));
        }
        self.scan().await?;
        let is_current = self.pending.is_empty() && self.is_current();
        if let Some(current) = self.current.as_ref().filter(|_| is_current) {
            return Ok(current.clone());
        }
        let kept = match self.keep().await {
            // A file changed its kind between the walk and git's look at it: look again, once.
            Err(KeepError::Git(GitError::Failed { .. })) => {
                self.scan().await?;
                self.keep().await.map_err(failed(doing))?
            }
            kept => kept.map_err(failed(doing))?,
        };
        self.pending.clear();
        self.current = Some(kept.clone());
        Ok(kept)
    }

    fn is_current(&self) -> bool {
        let (Some(current), Some(table)) = (&self.current, &self.latest) else { return false };
        let is_seen = current.partial() == table.partial.as_ref() && *current.empty() == table.empty;
        is_seen
            && match &self.keeper {
                Some(Keeper::Git(keeper)) => keeper.is_current(),
                Some(Keeper::Plain(keeper)) => lock(keeper).is_settled(),
                None => true,
            }
    }

    async fn keep(&mut self) -> Result<Kept, KeepError> {
        let table = self.latest.clone().unwrap_or_default();
        match self.keeper.as_mut() {
            Some(Keeper::Git(keeper)) => Ok(Kept::Git(keeper.keep(&table, &self.pending).await?)),
            Some(Keeper::Plain(keeper)) => {
                let (keeper, pending) = (Arc::clone(keeper), self.pending.clone());
                let kept = blocking(move || lock(&keeper).keep(&table, &pending)).await?;
                Ok(Kept::Plain(kept?))
            }
            None => Err(KeepError::Blocking(io::ErrorKind::NotFound.into())),
        }
    }
}
