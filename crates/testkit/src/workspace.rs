//! A workspace of files in memory that a test changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    ports::WorkspacePort,
    workspace::{
        ChangeKind, Changes, Checkpoint, CommitDone, CommitError, CommitRequest, FileChange, WorkspaceError,
    },
};

use crate::wait::Gate;

mod diff;

type Files = BTreeMap<String, Arc<[u8]>>;

/// A step of [`WorkspacePort`], for faults and for what a test asserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum WorkspaceCall {
    Checkpoint,
    Touched,
    ChangesSince,
    Overlooked,
    DirtyAt,
    Diff,
    Commit,
}

/// A commit that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeCommit {
    /// Its id.
    pub id: String,
    /// Its message.
    pub message: String,
    /// The files it holds, sorted.
    pub paths: Vec<String>,
}

/// A workspace of files in memory. Its files start out committed; [`FakeWorkspace::outside_of_git`] has no
/// repository.
#[derive(Debug)]
pub struct FakeWorkspace {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: Files,
    /// The files as committed; none outside of git.
    head: Option<Files>,
    ignored: Vec<String>,
    kept: Vec<Kept>,
    /// The files at the last look for touches, without ignored ones.
    seen: Files,
    commits: Vec<FakeCommit>,
    partial: Option<String>,
    no_author: bool,
    in_progress: Option<&'static str>,
    failing: BTreeMap<WorkspaceCall, String>,
    held: BTreeMap<WorkspaceCall, Gate>,
    calls: Vec<WorkspaceCall>,
}

#[derive(Debug)]
struct Kept {
    files: Files,
    dirty: Vec<String>,
}

impl FakeWorkspace {
    /// An empty repository.
    #[must_use]
    pub fn new() -> Self {
        Self::with_files([] as [(&str, &str); 0])
    }

    /// A repository with these files, committed.
    #[must_use]
    pub fn with_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files: Files =
            files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().into())).collect();
        let state = State { head: Some(files.clone()), seen: files.clone(), files, ..State::default() };
        Self { state: Mutex::new(state) }
    }

    /// The same files, but no repository around them.
    #[must_use]
    pub fn outside_of_git(self) -> Self {
        self.state.lock().unwrap().head = None;
        self
    }

    /// Takes no notice of paths that begin with `prefix`, as with a `.gitignore`.
    #[must_use]
    pub fn ignoring(self, prefix: &str) -> Self {
        self.state.lock().unwrap().ignored.push(prefix.to_owned());
        self
    }

    /// Has nobody to name as a commit's author.
    #[must_use]
    pub fn without_author(self) -> Self {
        self.state.lock().unwrap().no_author = true;
        self
    }

    /// Is in the middle of a `merge`, `rebase` or the like.
    #[must_use]
    pub fn in_the_middle_of(self, what: &'static str) -> Self {
        self.state.lock().unwrap().in_progress = Some(what);
        self
    }

    /// Writes or replaces a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.state.lock().unwrap().files.insert(path.to_owned(), content.as_ref().into());
    }

    /// Removes a file.
    ///
    /// # Panics
    /// Where there is none.
    pub fn remove(&self, path: &str) {
        let removed = self.state.lock().unwrap().files.remove(path);
        assert!(removed.is_some(), "there is no {path} to remove");
    }

    /// A file's text; invalid UTF-8 has become U+FFFD.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let state = self.state.lock().unwrap();
        state.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The paths of all files, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.state.lock().unwrap().files.keys().cloned().collect()
    }

    /// Says from now on that lists of changes may be incomplete, for `reason`.
    pub fn look_only_partly(&self, reason: &str) {
        self.state.lock().unwrap().partial = Some(reason.to_owned());
    }

    /// Makes `call` fail from now on, for `reason`.
    pub fn fail(&self, call: WorkspaceCall, reason: &str) {
        self.state.lock().unwrap().failing.insert(call, reason.to_owned());
    }

    /// Makes `call` work again.
    pub fn mend(&self, call: WorkspaceCall) {
        self.state.lock().unwrap().failing.remove(&call);
    }

    /// Makes `call` wait until the gate is opened.
    pub fn hold(&self, call: WorkspaceCall) -> Gate {
        let gate = Gate::shut();
        self.state.lock().unwrap().held.insert(call, gate.clone());
        gate
    }

    /// What was asked of the workspace, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<WorkspaceCall> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The commits that were made, oldest first.
    #[must_use]
    pub fn commits(&self) -> Vec<FakeCommit> {
        self.state.lock().unwrap().commits.clone()
    }

    async fn enter(&self, call: WorkspaceCall) -> Result<(), WorkspaceError> {
        let gate = {
            let mut state = self.state.lock().unwrap();
            state.calls.push(call);
            state.held.get(&call).cloned()
        };
        if let Some(gate) = gate {
            gate.pass().await;
        }
        match self.state.lock().unwrap().failing.get(&call) {
            Some(reason) => Err(failure(format!("look at the workspace ({call:?})"), reason.clone())),
            None => Ok(()),
        }
    }
}

impl Default for FakeWorkspace {
    fn default() -> Self {
        Self::new()
    }
}

fn failure(
    doing: impl Into<String>,
    reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> WorkspaceError {
    WorkspaceError { doing: doing.into(), source: reason.into() }
}

impl State {
    fn ignores(&self, path: &str) -> bool {
        self.ignored.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }

    fn visible(&self) -> Files {
        let files = self.files.iter().filter(|(path, _)| !self.ignores(path));
        files.map(|(path, bytes)| (path.clone(), Arc::clone(bytes))).collect()
    }

    fn kept(&self, at: &Checkpoint) -> Result<&Kept, WorkspaceError> {
        let number = at.as_str().strip_prefix("fake-").and_then(|number| number.parse::<usize>().ok());
        number
            .and_then(|number| self.kept.get(number))
            .ok_or_else(|| failure(format!("read checkpoint {}", at.as_str()), "it was not taken here"))
    }

    fn dirty(&self) -> Vec<String> {
        let Some(head) = &self.head else { return Vec::new() };
        compare(head, &self.visible()).into_iter().map(|change| change.path).collect()
    }

    fn commit(&mut self, request: &CommitRequest) -> Result<CommitDone, CommitError> {
        if self.head.is_none() {
            return Err(CommitError::NoRepository);
        }
        if request.message.trim().is_empty() {
            return Err(CommitError::NoMessage);
        }
        if let Some(what) = self.in_progress {
            return Err(CommitError::InProgress(what));
        }
        let (paths, left_out) = self.to_commit(request)?;
        if self.no_author {
            return Err(CommitError::NoAuthor);
        }
        let head = self.head.get_or_insert_default();
        for path in &paths {
            match self.files.get(path) {
                Some(bytes) => drop(head.insert(path.clone(), Arc::clone(bytes))),
                None => drop(head.remove(path)),
            }
        }
        let id = format!("{:040x}", self.commits.len() + 1);
        self.commits.push(FakeCommit {
            id: id.clone(),
            message: request.message.clone(),
            paths: paths.clone(),
        });
        Ok(CommitDone { id, paths, left_out })
    }

    /// The paths to commit, and those left to the person.
    fn to_commit(&self, request: &CommitRequest) -> Result<(Vec<String>, Vec<String>), CommitError> {
        let Some(since) = &request.since else {
            return Err(CommitError::Nothing("this session changed no file".to_owned()));
        };
        let kept = self.kept(since)?;
        let ours: BTreeSet<String> =
            compare(&kept.files, &self.visible()).into_iter().map(|change| change.path).collect();
        let uncommitted: BTreeSet<String> = self.dirty().into_iter().collect();
        let (paths, left_out): (BTreeSet<String>, Vec<String>) = match &request.paths {
            Some(named) => {
                let foreign: Vec<String> =
                    named.iter().filter(|path| !ours.contains(*path)).cloned().collect();
                if !foreign.is_empty() {
                    return Err(CommitError::NotOurs(foreign));
                }
                (named.iter().cloned().collect(), Vec::new())
            }
            None => {
                let left_out = ours.iter().filter(|path| kept.dirty.contains(path)).cloned().collect();
                (ours.into_iter().filter(|path| !kept.dirty.contains(path)).collect(), left_out)
            }
        };
        let paths: Vec<String> = paths.into_iter().filter(|path| uncommitted.contains(path)).collect();
        if paths.is_empty() {
            return Err(CommitError::Nothing(
                "no file of this session differs from the last commit".to_owned(),
            ));
        }
        Ok((paths, left_out))
    }
}

fn compare(from: &Files, to: &Files) -> Vec<FileChange> {
    let paths: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let change = |path: &String| {
        let kind = match (from.get(path), to.get(path)) {
            (None, Some(_)) => ChangeKind::Created,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(old), Some(new)) if old != new => ChangeKind::Modified,
            _ => return None,
        };
        Some(FileChange { path: path.clone(), kind })
    };
    paths.into_iter().filter_map(change).collect()
}

#[async_trait]
impl WorkspacePort for FakeWorkspace {
    async fn checkpoint(&self) -> Result<Checkpoint, WorkspaceError> {
        self.enter(WorkspaceCall::Checkpoint).await?;
        let mut state = self.state.lock().unwrap();
        let files = state.visible();
        state.seen.clone_from(&files);
        let dirty = state.dirty();
        if state.kept.last().is_none_or(|last| last.files != files || last.dirty != dirty) {
            state.kept.push(Kept { files, dirty });
        }
        Ok(Checkpoint::new(&format!("fake-{}", state.kept.len() - 1)))
    }

    async fn touched(&self) -> Result<bool, WorkspaceError> {
        self.enter(WorkspaceCall::Touched).await?;
        let mut state = self.state.lock().unwrap();
        let files = state.visible();
        let touched = files != state.seen;
        state.seen = files;
        Ok(touched)
    }

    async fn changes_since(&self, from: &Checkpoint) -> Result<Changes, WorkspaceError> {
        self.enter(WorkspaceCall::ChangesSince).await?;
        let state = self.state.lock().unwrap();
        let files = compare(&state.kept(from)?.files, &state.visible());
        Ok(Changes { files, partial: state.partial.clone() })
    }

    async fn overlooked(&self, paths: &[String]) -> Result<Vec<String>, WorkspaceError> {
        self.enter(WorkspaceCall::Overlooked).await?;
        let state = self.state.lock().unwrap();
        let is_overlooked = |path: &&String| {
            path.starts_with('/') || path.split('/').any(|step| step == "..") || state.ignores(path)
        };
        Ok(paths.iter().filter(is_overlooked).cloned().collect())
    }

    async fn dirty_at(&self, at: &Checkpoint) -> Result<Vec<String>, WorkspaceError> {
        self.enter(WorkspaceCall::DirtyAt).await?;
        Ok(self.state.lock().unwrap().kept(at)?.dirty.clone())
    }

    async fn diff(&self, from: Option<&Checkpoint>, path: Option<&str>) -> Result<String, WorkspaceError> {
        self.enter(WorkspaceCall::Diff).await?;
        let state = self.state.lock().unwrap();
        let before = match from {
            Some(checkpoint) => &state.kept(checkpoint)?.files,
            None => state.head.as_ref().ok_or_else(|| failure("read HEAD", "there is no repository"))?,
        };
        let now = state.visible();
        let changes = compare(before, &now).into_iter();
        let wanted = changes.filter(|change| path.is_none_or(|path| path == change.path));
        Ok(wanted
            .map(|FileChange { path, .. }| diff::unified(&path, before.get(&path), now.get(&path)))
            .collect())
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitDone, CommitError> {
        self.enter(WorkspaceCall::Commit).await?;
        self.state.lock().unwrap().commit(&request)
    }
}

#[cfg(test)]
mod tests;
