//! A workspace of files in memory that a test changes.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::{
    ports::WorkspacePort,
    workspace::{
        Changes, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, FileChange, UndoError,
        UndoPlan, Undone, WorkspaceError,
    },
};

use crate::wait::Gate;

mod diff;
mod state;
mod undo;

use state::{Files, State, compare, failure};

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
    CommitPlan,
    Commit,
    UndoPlan,
    Undo,
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

#[async_trait]
impl WorkspacePort for FakeWorkspace {
    async fn checkpoint(&self) -> Result<Checkpoint, WorkspaceError> {
        self.enter(WorkspaceCall::Checkpoint).await?;
        Ok(self.state.lock().unwrap().keep())
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

    async fn commit_plan(&self, request: &CommitRequest) -> Result<CommitPlan, CommitError> {
        self.enter(WorkspaceCall::CommitPlan).await?;
        self.state.lock().unwrap().commit_plan(request)
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitDone, CommitError> {
        self.enter(WorkspaceCall::Commit).await?;
        self.state.lock().unwrap().commit(&request)
    }

    async fn undo_plan(
        &self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError> {
        self.enter(WorkspaceCall::UndoPlan).await?;
        self.state.lock().unwrap().undo_plan(begin, end, paths)
    }

    async fn undo(&self, plan: &UndoPlan) -> Result<Undone, UndoError> {
        self.enter(WorkspaceCall::Undo).await?;
        self.state.lock().unwrap().undo(plan)
    }
}

#[cfg(test)]
mod tests;
