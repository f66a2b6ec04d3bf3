//! The workspace of a simulated session. Its files outlive the program.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    ports::{ClaimError, ClaimPort, Holder, WorkspacePort},
    workspace::{
        Changes, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, UndoError, UndoPlan, Undone,
        WorkspaceError,
    },
};

use super::super::{faults::Fault, world::World};

/// Files that cannot be looked at at times.
pub(in crate::simulator) struct SimulatedWorkspace(pub(in crate::simulator) Arc<World>);

impl SimulatedWorkspace {
    async fn look(&self) -> Result<(), WorkspaceError> {
        self.0.step().await;
        self.0.may_dawdle(Fault::WorkspaceDawdles, Duration::from_secs(200)).await;
        if self.0.brings(Fault::WorkspaceFails) {
            let doing = "look at the files".to_owned();
            return Err(WorkspaceError { doing, source: "a simulated fault".into() });
        }
        Ok(())
    }
}

/// The right to write in them, which others have at times.
pub(in crate::simulator) struct SimulatedClaim(pub(in crate::simulator) Arc<World>);

#[async_trait]
impl ClaimPort for SimulatedClaim {
    async fn claim(&self) -> Result<(), ClaimError> {
        self.0.step().await;
        if self.0.brings(Fault::WorkspaceIsHeld) {
            return Err(ClaimError::Held { holder: Holder { session: None, pid: Some(7) }, folder: None });
        }
        if self.0.brings(Fault::WorkspaceLockBreaks) {
            return Err(ClaimError::Lock { place: "w.lock".to_owned(), source: "a simulated fault".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl WorkspacePort for SimulatedWorkspace {
    async fn checkpoint(&self) -> Result<Checkpoint, WorkspaceError> {
        self.look().await?;
        self.0.files.checkpoint().await
    }

    async fn touched(&self) -> Result<bool, WorkspaceError> {
        self.look().await?;
        self.0.files.touched().await
    }

    async fn changes_since(&self, from: &Checkpoint) -> Result<Changes, WorkspaceError> {
        self.look().await?;
        self.0.files.changes_since(from).await
    }

    async fn overlooked(&self, paths: &[String]) -> Result<Vec<String>, WorkspaceError> {
        self.look().await?;
        self.0.files.overlooked(paths).await
    }

    async fn dirty_at(&self, at: &Checkpoint) -> Result<Vec<String>, WorkspaceError> {
        self.look().await?;
        self.0.files.dirty_at(at).await
    }

    async fn diff(&self, from: Option<&Checkpoint>, path: Option<&str>) -> Result<String, WorkspaceError> {
        self.look().await?;
        self.0.files.diff(from, path).await
    }

    async fn commit_plan(&self, request: &CommitRequest) -> Result<CommitPlan, CommitError> {
        self.look().await?;
        self.0.files.commit_plan(request).await
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitDone, CommitError> {
        self.look().await?;
        self.0.files.commit(request).await
    }

    async fn undo_plan(
        &self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError> {
        self.look().await?;
        self.0.files.undo_plan(begin, end, paths).await
    }

    async fn undo(&self, plan: &UndoPlan) -> Result<Undone, UndoError> {
        self.look().await?;
        self.0.files.undo(plan).await
    }
}
