//! Baseline, evidence, commits and undo: what really happened to the person's files.
//!
//! [`Workspace`] implements [`domain::ports::WorkspacePort`]. Changes are noticed by a walk over stat data in this
//! process (`scan`); states are kept and compared by git's plumbing in a git directory of our own (`git`), or by
//! digests and copies where there is no repository or no git program (`plain`). The person's `.git` is written by
//! nothing but [`commit`](domain::ports::WorkspacePort::commit).
//!
//! What git ignored at the first checkpoint is not looked at; ignore rules that come later hide nothing (`rules`). The
//! engine's own folders are nobody's work (`own`).
//!
//! States last beyond their session, in a folder of its own (`store`, `states`); undo brings one back, file by file
//! (`undo`), and refuses what somebody has worked on since.
//!
//! It runs nothing that a repository names: no hook, filter, external diff, signing program, editor or transport. It
//! pushes nothing, moves no branch but in a commit, reads no objects from outside of the repository, and uses no
//! repository elsewhere that does not name the workspace in turn.

mod changes;
mod claim;
mod copies;
mod error;
mod facts;
mod file;
mod git;
mod listing;
pub mod lock;
mod modes;
mod observer;
mod off_thread;
mod own;
mod path;
mod plain;
mod rules;
mod scan;
mod selection;
mod settings;
mod sight;
mod states;
mod store;
mod undo;
mod worktree;

use std::path::PathBuf;

use async_trait::async_trait;
pub use claim::{ClaimSettings, WorkspaceClaim};
use domain::{
    ports::WorkspacePort,
    workspace::{
        Changes, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, UndoError, UndoPlan, Undone,
        WorkspaceError,
    },
};
pub use error::StatesLost;
pub use facts::{Author, create_repository, git_dirs, head, ignored_repository, is_inside, is_tracked};
use observer::Observer;
use path::FilePath;
pub use settings::{Bounds, WorkspaceSettings};
pub use store::{has_state, is_in_use};
use tokio::sync::Mutex;
pub use worktree::{Cleared, Made, NotCopied, Refused, Unsaved, Worktree, WorktreeError, WorktreeSettings};

/// The person's files, as they are and as they were. Clone nothing of it: share it in an `Arc`.
///
/// Calls take turns, so each waits for those before it, whose walks and git processes have deadlines
/// ([`Bounds`]). Dropping a call's future ends what it started; the next call finds everything as if it had not
/// been made, except for a commit whose branch has begun to move: that one is brought to its end.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    observer: Mutex<Observer>,
}

impl Workspace {
    /// Takes the settings. Costs nothing: the first call that needs something looks for it.
    #[must_use]
    pub fn open(settings: WorkspaceSettings) -> Self {
        Self { root: settings.root.clone(), observer: Mutex::new(Observer::new(settings)) }
    }
}

#[async_trait]
impl WorkspacePort for Workspace {
    async fn checkpoint(&self) -> Result<Checkpoint, WorkspaceError> {
        self.observer.lock().await.checkpoint().await
    }

    /// The first call of all, before any checkpoint, has nothing to compare with and says no.
    async fn touched(&self) -> Result<bool, WorkspaceError> {
        self.observer.lock().await.touched().await
    }

    async fn changes_since(&self, from: &Checkpoint) -> Result<Changes, WorkspaceError> {
        Ok(self.observer.lock().await.changes_since(from).await?.into())
    }

    async fn overlooked(&self, paths: &[String]) -> Result<Vec<String>, WorkspaceError> {
        self.observer.lock().await.overlooked(paths).await
    }

    async fn bare_repositories(&self, mut folders: Vec<String>) -> Result<Vec<String>, WorkspaceError> {
        let root = self.root.clone();
        let look = off_thread::blocking(move || {
            folders.retain(|folder| facts::is_bare_repository(&root.join(folder)));
            folders
        });
        let failed = |source: std::io::Error| WorkspaceError {
            doing: "look for repositories among what changed".to_owned(),
            source: source.into(),
        };
        look.await.map_err(failed)
    }

    async fn dirty_at(&self, at: &Checkpoint) -> Result<Vec<String>, WorkspaceError> {
        let dirty = self.observer.lock().await.dirty_at(at).await?;
        Ok(dirty.iter().map(FilePath::to_text).collect())
    }

    async fn diff(&self, from: Option<&Checkpoint>, path: Option<&str>) -> Result<String, WorkspaceError> {
        self.observer.lock().await.diff(from, path).await
    }

    async fn commit_plan(&self, request: &CommitRequest) -> Result<CommitPlan, CommitError> {
        self.observer.lock().await.commit_plan(request).await
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitDone, CommitError> {
        self.observer.lock().await.commit(request).await
    }

    async fn undo_plan(
        &self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError> {
        self.observer.lock().await.undo_plan(begin, end, paths).await
    }

    async fn undo(&self, plan: &UndoPlan) -> Result<Undone, UndoError> {
        self.observer.lock().await.undo(plan).await
    }
}
