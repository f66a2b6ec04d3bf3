//! A call with effects while it is under way: what is remembered of it, and what is looked at around it.
//!
//! What that says of who changed what is decided in [`domain::evidence`].

use domain::{
    event::{CheckpointAt, EventBody},
    evidence::{EffectTicket, plain_path},
    ports::JournalError,
    tool::{CallTarget, ToolOutcome, ToolStatus},
    workflow::RoundInput,
    workspace::{Checkpoint, WorkspaceError},
};
use tokio::time::Instant;

use super::RunContext;
use crate::{
    round::RoundContext,
    stop::StopSignal,
    telling::{causes, millis},
};

/// A call with effects that is under way.
pub(super) struct OpenEffect {
    ticket: EffectTicket,
    kind: EffectKind,
}

enum EffectKind {
    Command {
        /// The files before it, where other runs may change some meanwhile; none where they could not be kept, too.
        before: Option<Checkpoint>,
    },
    /// A file tool, with the path that it was given.
    Edit(Option<String>),
}

impl RunContext<'_> {
    /// A call with effects is about to run.
    pub(super) async fn effect_begins(&self, target: CallTarget) -> OpenEffect {
        match target {
            CallTarget::Command(command) => {
                let ticket = self.round.state().seen.command_started(Some(self.id), &command);
                let share_files = self.round.state().share_files;
                let before = match share_files {
                    true => self.round.keep_files(&self.stop, Some(ticket)).await.ok(),
                    false => None,
                };
                OpenEffect { ticket, kind: EffectKind::Command { before } }
            }
            CallTarget::Path(path) => {
                let plain = plain_path(&path, &self.round.ports.cwd);
                let ticket = self.round.state().seen.edit_started(self.id, Some(&plain));
                OpenEffect { ticket, kind: EffectKind::Edit(Some(path)) }
            }
            CallTarget::None => {
                let ticket = self.round.state().seen.edit_started(self.id, None);
                OpenEffect { ticket, kind: EffectKind::Edit(None) }
            }
        }
    }

    /// It has come to this. Whether files differ from before it; where that cannot be seen, they count as changed.
    pub(super) async fn effect_ends(
        &self,
        OpenEffect { ticket, kind }: OpenEffect,
        outcome: &ToolOutcome,
    ) -> Result<bool, JournalError> {
        let workspace = &self.round.ports.workspace;
        let (has_changed, blind) = match self.stop.bound(workspace.touched()).await {
            Ok(has_changed) => (has_changed, None),
            Err(error) => (true, Some(error)),
        };
        let paths = match &kind {
            EffectKind::Command { before: Some(before) } => {
                self.stop.bound(workspace.changes_since(before)).await.ok().map(|changes| changes.paths())
            }
            EffectKind::Command { before: None } | EffectKind::Edit(_) => None,
        };
        let has_changed = {
            let mut state = self.round.state();
            let has_changed = match &kind {
                EffectKind::Command { .. } => {
                    paths.into_iter().for_each(|paths| state.seen.command_changed(ticket, paths));
                    state.seen.command_ended(ticket, outcome.exit_code, has_changed)
                }
                EffectKind::Edit(_) => {
                    state.seen.edit_ended(ticket, outcome.status == ToolStatus::Ok, has_changed)
                }
            };
            if let EffectKind::Edit(Some(path)) = &kind
                && has_changed
            {
                state.edited.insert(path.clone());
            }
            if let Some(commit) = &outcome.commit {
                state.seen.committed(commit);
            }
            has_changed
        };
        if let Some(error) = blind {
            self.append(EventBody::Error {
                code: "workspace_unobserved".to_owned(),
                text: error.to_string(),
                chain: causes(&error),
            })
            .await?;
        }
        if has_changed {
            self.round.observe(RoundInput::FilesChanged);
        }
        if matches!(kind, EffectKind::Command { .. }) || outcome.commit.is_some() {
            self.round.observe(RoundInput::EffectSeen);
        }
        Ok(has_changed)
    }

    /// Keeps the workspace as it is before the first effect of the run, the round and the session. The round's is
    /// what undoing it goes back to, and it is said before anything has an effect.
    pub(super) async fn ensure_base(&self) -> Result<Result<(), WorkspaceError>, JournalError> {
        let is_new = !self.base.initialized();
        let taken = self
            .base
            .get_or_try_init(|| async {
                let began = Instant::now();
                let checkpoint = self.round.keep_files(&self.stop, None).await?;
                let elapsed_ms = millis(began.elapsed());
                tracing::debug!(agent = self.agent().as_str(), elapsed_ms, "checkpoint taken");
                Ok(checkpoint)
            })
            .await;
        match taken {
            Ok(checkpoint) => {
                let is_the_rounds = self.round.begin_at(checkpoint).await?;
                // The round's is the run's whose effect comes next; side by side that may be another's.
                if is_new && (!is_the_rounds || self.round.state().share_files) {
                    let (id, at) = (checkpoint.as_str().to_owned(), CheckpointAt::Run);
                    self.append(EventBody::Checkpoint { id, at }).await?;
                }
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

impl RoundContext {
    /// Keeps the present state of the files; `own` is an effect that waits for it.
    pub(super) async fn keep_files(
        &self,
        stop: &StopSignal,
        own: Option<EffectTicket>,
    ) -> Result<Checkpoint, WorkspaceError> {
        let keeping = self.state().seen.keeping_begins();
        let kept = stop.bound(self.ports.workspace.checkpoint()).await;
        self.state().seen.kept(keeping, own);
        kept
    }

    /// Before the first effect of a run: the round begins at this state, or at one that another run has kept before, and
    /// that is said when this returns. Whether it is this one.
    async fn begin_at(&self, checkpoint: &Checkpoint) -> Result<bool, JournalError> {
        let is_first = self.take_base(checkpoint);
        let said = self.base_said.get_or_try_init(|| async {
            let unsaid = self.state().unsaid_base.clone();
            match unsaid {
                Some(base) => self.say_checkpoint(&base, CheckpointAt::Begin).await,
                None => Ok(()),
            }
        });
        said.await?;
        Ok(is_first)
    }
}
