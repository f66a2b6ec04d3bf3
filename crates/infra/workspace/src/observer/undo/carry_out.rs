//! From a plan to the files: the present state is kept, every content laid ready, then the files go back one by one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::fd::AsFd,
    path::PathBuf,
    sync::Arc,
};

use domain::workspace::{
    RefusedFile, UndoError, UndoFile, UndoKind, UndoPlan, UndoRefusal, Undone, WorkspaceError,
};

use super::{DOING, Draft, is_within};
use crate::{
    error::KeepError,
    file,
    git::{index_lock::IndexLock, tree::TreeChange},
    observer::{Observer, UnknownCheckpoint, failed},
    off_thread::lock,
    path::FilePath,
    states::{Keeper, Kept},
    undo::{
        present::Present,
        was::{Held, Source, Was},
        write::{Done, Step, Work},
    },
};

impl Observer {
    pub(crate) async fn undo(&mut self, plan: &UndoPlan) -> Result<Undone, UndoError> {
        self.settle_undo().await;
        let draft = self.draft(&plan.begin, plan.end.as_ref(), plan.paths.as_deref()).await?;
        if draft.files() != plan.files || draft.refused() != plan.refused {
            return Err(UndoError::Outdated);
        }
        if !plan.refused.is_empty() {
            return Err(UndoError::Refused(plan.refused.clone()));
        }
        if plan.files.is_empty() {
            return Err(UndoError::Nothing);
        }
        self.follow(draft.changed.iter().cloned());
        let kept = self.checkpoint().await?;
        let now = self.find(&kept).await?;
        let work = self.prepare(&draft, &now).await?;
        let index = self.index_work(&draft, &now).await?;
        let done = self.carry_out(work).await?;
        let files = |done: &Done| {
            let mut files = done
                .steps
                .iter()
                .map(|(path, what)| UndoFile { path: path.to_text(), what: *what })
                .collect::<Vec<_>>();
            files.sort();
            files
        };
        if let Some((path, error)) = &done.stopped {
            let source = io::Error::new(error.kind(), error.to_string()).into();
            return Err(UndoError::Stopped { kept, done: files(&done), path: path.to_text(), source });
        }
        if let (Some((lock, changes)), Some(Keeper::Git(keeper))) = (index, &self.keeper)
            && let Err(error) = keeper.put_index_back(lock, &changes).await
        {
            let path = "the git index".to_owned();
            return Err(UndoError::Stopped { kept, done: files(&done), path, source: error.into() });
        }
        Ok(Undone { kept, now: self.checkpoint().await?, files: files(&done) })
    }

    /// Lays every content ready. Fails where one of them, or the present content of a file, cannot be had.
    async fn prepare(&mut self, draft: &Draft, now: &Kept) -> Result<Work, UndoError> {
        let paths = draft.files.keys().cloned().collect::<BTreeSet<_>>();
        let mut present = self.was(now, &paths).await?;
        let unkept = present.iter().filter(|(_, was)| matches!(was, Was::NotKept(_)));
        let unkept =
            unkept.map(|(path, _)| RefusedFile { path: path.to_text(), why: UndoRefusal::NowUnreadable });
        let unkept = unkept.collect::<Vec<_>>();
        if !unkept.is_empty() {
            return Err(UndoError::Refused(unkept));
        }
        let held = draft.files.iter().filter_map(|(path, planned)| match &planned.begin {
            Was::Held(held) => Some((path, held)),
            _ => None,
        });
        let mut staged = self.stage(held.collect()).await?;
        let mut steps = Vec::with_capacity(draft.files.len());
        for (path, planned) in &draft.files {
            // The present state was kept after the plan was made; both have to be what stands there.
            let now = present.remove(path).unwrap_or(Was::Missing);
            if now != planned.end && !self.is_present(path, &planned.end) {
                return Err(UndoError::Outdated);
            }
            let then = match &planned.begin {
                Was::Held(held) => staged.remove(path).map(|place| (held.clone(), place)),
                _ => None,
            };
            steps.push(Step { path: path.clone(), what: planned.what, now, then });
        }
        let removed = draft.files.iter().filter(|(_, planned)| planned.what == UndoKind::Remove);
        let emptied = removed.flat_map(|(path, _)| path.folders()).collect::<BTreeSet<_>>();
        let known = if emptied.is_empty() { Vec::new() } else { self.paths_of(&draft.begin).await? };
        let known = known.iter().flat_map(FilePath::folders);
        let empty = draft.begin.empty();
        let stood = empty.iter().flat_map(|path| path.folders().chain([path.as_bytes()]));
        let lasting =
            known.chain(stood).filter(|folder| emptied.contains(folder)).map(<[u8]>::to_vec).collect();
        let gone = empty.iter().filter(|path| {
            path.is_sound() && is_within(draft.scope.as_ref(), path) && !draft.end.empty().contains(path)
        });
        let scratch = self.store.as_ref().map(|store| Arc::clone(store.scratch()));
        Ok(Work {
            root: self.settings.root.clone(),
            steps,
            lasting,
            empty: gone.cloned().collect(),
            touched: draft
                .changed
                .iter()
                .map(|path| path.folders().last().unwrap_or_default().to_vec())
                .collect(),
            most: self.settings.bounds.file_bytes,
            _scratch: scratch.ok_or_else(|| failed(DOING)(UnknownCheckpoint))?,
        })
    }

    fn is_present(&self, path: &FilePath, was: &Was) -> bool {
        let most = self.settings.bounds.file_bytes;
        file::open_root(&self.settings.root).is_ok_and(|root| Present::look(root.as_fd(), path, most).is(was))
    }

    /// Writes contents to files of ours, each checked to be what was kept.
    async fn stage(&self, held: Vec<(&FilePath, &Held)>) -> Result<BTreeMap<FilePath, PathBuf>, UndoError> {
        const READING: &str = "read the earlier content of the files";
        let Some(store) = &self.store else { return Err(failed(READING)(UnknownCheckpoint).into()) };
        let folder = store.scratch().join("undo");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(READING)(error).into());
            }
            _ => {}
        }
        fs::create_dir(&folder).map_err(failed(READING))?;
        let (mut staged, mut lost) = (BTreeMap::new(), Vec::new());
        let mut put = |path: &FilePath, held: &Held, content: Vec<u8>| -> Result<(), WorkspaceError> {
            if !held.source.is(&content) {
                lost.push(RefusedFile { path: path.to_text(), why: UndoRefusal::NotKept });
                return Ok(());
            }
            let place = folder.join(staged.len().to_string());
            fs::write(&place, content).map_err(failed(READING))?;
            staged.insert(path.clone(), place);
            Ok(())
        };
        let mut objects = Vec::new();
        for (path, held) in held {
            match (&held.source, &self.keeper) {
                (Source::Object(id, size), _) => objects.push((path, held, (id.clone(), *size))),
                (Source::Copy(digest), Some(Keeper::Git(keeper))) => {
                    put(path, held, keeper.copy(digest).map_err(failed(READING))?)?;
                }
                (Source::Copy(digest), Some(Keeper::Plain(keeper))) => {
                    put(path, held, lock(keeper).copies.read(digest).map_err(failed(READING))?)?;
                }
                (Source::Copy(_), None) => return Err(failed(READING)(UnknownCheckpoint).into()),
            }
        }
        let mut rest = objects.as_slice();
        while let ([_, ..], Some(Keeper::Git(keeper))) = (rest, &self.keeper) {
            let wanted = rest.iter().map(|(_, _, object)| object.clone()).collect::<Vec<_>>();
            let contents = keeper.contents(&wanted).await.map_err(failed(READING))?;
            let (now, later) = rest.split_at(contents.len().clamp(1, rest.len()));
            for ((path, held, _), content) in now.iter().zip(contents) {
                put(path, held, content)?;
            }
            rest = later;
        }
        if lost.is_empty() { Ok(staged) } else { Err(UndoError::Refused(lost)) }
    }

    /// What of the person's index is to be put back, with its lock; none where that is nothing.
    async fn index_work(
        &self,
        draft: &Draft,
        now: &Kept,
    ) -> Result<Option<(IndexLock, Vec<TreeChange>)>, WorkspaceError> {
        let doing = "put the git index back";
        let (Some(Keeper::Git(keeper)), Kept::Git(begin), Kept::Git(end), Kept::Git(now)) =
            (&self.keeper, &draft.begin, &draft.end, now)
        else {
            return Ok(None);
        };
        let mut changes = keeper.index_changes(begin, end, now).await.map_err(failed(doing))?;
        let repository = &keeper.shadow.repository;
        changes.retain(|change| {
            let inside = change.path.strip_prefix(repository.prefix.as_slice());
            inside.is_some_and(|path| is_within(draft.scope.as_ref(), &FilePath::new(path)))
        });
        if changes.is_empty() {
            return Ok(None);
        }
        let lock = IndexLock::take(&repository.git_dir).map_err(failed(
            "lock the git index; another git program may be at work in this repository: try again when it is done, or, \
             where `ps -C git` shows none, remove .git/index.lock",
        ))?;
        Ok(Some((lock, changes)))
    }

    /// Writes the files. Goes on to its end where the caller gives up; the next call waits for that.
    async fn carry_out(&mut self, work: Work) -> Result<Done, WorkspaceError> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.undoing = Some(tokio::task::spawn_blocking(move || {
            // Nobody may be left to be told.
            drop(tell.send(work.run()));
        }));
        let done = told
            .await
            .map_err(|error| failed("put the files back")(KeepError::Blocking(io::Error::other(error))));
        self.undoing = None;
        done
    }

    /// Waits for an undo whose caller gave up.
    pub(in crate::observer) async fn settle_undo(&mut self) {
        if let Some(undoing) = self.undoing.as_mut() {
            if let Err(error) = undoing.await {
                tracing::error!(%error, "an undo ended in the middle");
            }
            self.undoing = None;
        }
    }
}
