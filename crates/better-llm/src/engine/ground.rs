//! Where a session works: in the person's workspace, or in a worktree of its own (`--worktree`, contract 1).
//!
//! What was configured stands before that is decided: files, trust and `.env` are those of the person's workspace, as they
//! are there and not as the last commit has them.

use std::{path::PathBuf, time::Duration};

use domain::{
    event::{Event, EventBody},
    id::SessionId,
    ports::{ClaimError, ClaimPort, JournalError},
};
use workspace::{Cleared, Made, Worktree, WorktreeError, WorktreeSettings};

use super::{
    Engine,
    sessions::{SessionError, cwd_of},
};
use crate::error::StartError;

/// How much of a commit's id people read.
const SHORT_ID: usize = 12;

/// Where a session works, and what there is to say about it.
pub(super) struct Ground {
    /// The folder, canonical.
    pub(super) cwd: PathBuf,
    /// Code and text.
    pub(super) notices: Vec<(String, String)>,
}

/// A worktree could not be cleared up; it stays, or what nobody will miss of it is gone.
#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    /// The worktree.
    #[error(transparent)]
    Worktree(#[from] WorktreeError),
    /// The session is at work, here or in another process.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The worktree is at work, or cannot be locked.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

impl Engine {
    /// Where a session works that begins.
    pub(super) async fn ground(&self, session: SessionId) -> Result<Ground, StartError> {
        if !self.in_worktree {
            return Ok(Ground { cwd: self.cwd.clone(), notices: Vec::new() });
        }
        let (tree, made) = Worktree::make(self.worktree_settings(session)).await?;
        Ok(Ground { notices: words_of(&tree, &made), cwd: tree.cwd() })
    }

    /// Where a session works that goes on: where it worked last, its own worktree made again where it is gone.
    pub(super) async fn ground_of(&self, session: SessionId, events: &[Event]) -> Result<Ground, StartError> {
        let here = self.cwd.display().to_string();
        let cwd = cwd_of(events).unwrap_or(&here);
        if cwd == here {
            return match self.in_worktree {
                true => Err(StartError::NoWorktree { session, cwd: here }),
                false => Ok(Ground { cwd: self.cwd.clone(), notices: Vec::new() }),
            };
        }
        let settings = self.worktree_settings(session);
        if Worktree::workspace_of(&settings)?.as_ref() != Some(&self.cwd) {
            return Err(SessionError::OtherWorkspace { session, cwd: cwd.to_owned() }.into());
        }
        let Some(mut tree) = Worktree::known(settings).await? else {
            return Err(SessionError::OtherWorkspace { session, cwd: cwd.to_owned() }.into());
        };
        let notices = match tree.make_again().await? {
            Some(made) => words_of(&tree, &made),
            None => {
                let (cwd, branch) = (tree.cwd(), tree.branch().to_owned());
                let text = format!("the session goes on in {}, on the branch {branch}", cwd.display());
                vec![("worktree_used".to_owned(), text)]
            }
        };
        Ok(Ground { cwd: tree.cwd(), notices })
    }

    /// Removes what nobody will miss of a session's worktree, once its handle is closed: all of it where nothing was
    /// changed or committed, the folder where everything is committed, nothing where something would be lost. None where
    /// the session has no worktree of this workspace.
    ///
    /// # Errors
    /// [`ClearError`] where the session is at work still, or git or the disk cannot be asked.
    pub async fn clear_worktree(&self, session: SessionId) -> Result<Option<Cleared>, ClearError> {
        let settings = self.worktree_settings(session);
        if Worktree::workspace_of(&settings)?.as_ref() != Some(&self.cwd) {
            return Ok(None);
        }
        let _lock = self.own(session)?;
        let Some(tree) = Worktree::known(settings).await? else { return Ok(None) };
        let claim = self.claim(session, &tree.cwd(), Duration::ZERO);
        claim.claim().await?;
        let events = match self.journal.read_back(session, 0).await {
            Ok(back) => back.events,
            // It ended before its first round.
            Err(JournalError::NoSession(_)) => Vec::new(),
            Err(error) => return Err(SessionError::from(error).into()),
        };
        Ok(Some(tree.clear(&written(&events)).await?))
    }

    /// Takes back the worktree of a session that could not begin.
    pub(super) async fn abandon(&self, session: SessionId) {
        match Worktree::known(self.worktree_settings(session)).await {
            Ok(Some(tree)) => match tree.clear(&[]).await {
                Ok(Cleared::Removed | Cleared::BranchKept { .. }) => {}
                Ok(Cleared::Kept { folder, unsaved, .. }) => {
                    tracing::warn!(folder = %folder.display(), %unsaved, "the worktree of a session that did not begin stays");
                }
                Err(error) => tracing::warn!(%error, "the worktree of a session that did not begin stays"),
            },
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "whether a session that did not begin has a worktree is not known")
            }
        }
    }

    fn worktree_settings(&self, session: SessionId) -> WorktreeSettings {
        WorktreeSettings {
            workspace: self.cwd.clone(),
            worktrees: self.settings.places.worktrees(),
            session,
            environment: self.variables.clone(),
        }
    }
}

/// The files that file tools wrote: work, whether or not git ignores them.
fn written(events: &[Event]) -> Vec<String> {
    let path = |event: &Event| match &event.body {
        EventBody::ToolStarted { tool, input, .. } if matches!(tool.as_str(), "write" | "edit") => {
            input.get("path")?.as_str().map(str::to_owned)
        }
        _ => None,
    };
    let mut paths = events.iter().filter_map(path).collect::<Vec<_>>();
    paths.sort();
    paths.dedup();
    paths
}

/// What a session with a new worktree says first.
fn words_of(tree: &Worktree, made: &Made) -> Vec<(String, String)> {
    let Made { branch, base, left_out, copied, not_copied, is_unfiltered } = made;
    let base = domain::text::head(base, SHORT_ID);
    let left_out = match left_out {
        Some(0) => String::new(),
        Some(1) => "; 1 file that you have not committed is not in it".to_owned(),
        Some(files) => format!("; {files} files that you have not committed are not in it"),
        None => "; what you have not committed is not in it".to_owned(),
    };
    let cwd = tree.cwd();
    let text =
        format!("the session works in {}, on the branch {branch} from {base}{left_out}", cwd.display());
    let mut words = vec![("worktree_made".to_owned(), text)];
    if *copied > 0 || !not_copied.named.is_empty() {
        let files = if *copied == 1 { "file" } else { "files" };
        let mut text = format!("copied into it as `.worktreeinclude` says: {copied} {files}");
        let refused = not_copied.named.iter().map(|(path, why)| format!("{path} ({})", why.as_str()));
        let refused = refused.collect::<Vec<_>>().join(", ");
        let more = if not_copied.more > 0 { format!(" and {} more", not_copied.more) } else { String::new() };
        if !refused.is_empty() {
            text.push_str(&format!("; not copied: {refused}{more}"));
        }
        words.push(("worktree_copied".to_owned(), text));
    }
    if *is_unfiltered {
        let text =
            "no filter of the repository was run: files of git-lfs and the like are there as git stores them";
        words.push(("worktree_unfiltered".to_owned(), text.to_owned()));
    }
    words
}
