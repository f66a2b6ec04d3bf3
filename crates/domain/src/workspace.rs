//! States of the person's files, the differences between them, and the ways back.

mod bare;
mod half_written;
mod undo;

use std::{fmt, sync::Arc};

pub use bare::may_be_bare_repositories;
pub use half_written::HalfWritten;
pub use undo::{RefusedFile, UndoError, UndoFile, UndoKind, UndoPlan, UndoRefusal, Undone};

use crate::terminal::Sanitized;

/// A kept state of the workspace. What it means is its adapter's business.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint(Arc<str>);

impl Checkpoint {
    /// Wraps an adapter's name for a state.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The adapter's name for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The earlier states that a run can compare with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    /// Before the session's first effect.
    pub session: Option<Checkpoint>,
    /// Before the round's first effect. None: the round changed nothing so far.
    pub round: Option<Checkpoint>,
    /// When the last review began. None: there was none.
    pub last_review: Option<Checkpoint>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It was not there.
    Created,
    /// Its content or its mode differs.
    Modified,
    /// It is gone.
    Deleted,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileChange {
    /// Relative to the workspace, with `/`.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// The files that differ between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Sorted by path.
    pub files: Vec<FileChange>,
    /// Why the list may be incomplete, where it may.
    pub partial: Option<String>,
}

impl Changes {
    /// The paths alone.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }
}

/// The workspace could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}")]
pub struct WorkspaceError {
    /// The step that failed and its subject.
    pub doing: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// The message, as the committer wrote it.
    pub message: String,
    /// Exactly these; none: every file that the session changed and that was clean before.
    pub paths: Option<Vec<String>>,
    /// The state before the session's first effect: only what differs from it may be committed.
    pub since: Option<Checkpoint>,
}

/// On a line that a person wrote before the session: what looks like a secret there is none.
pub const ALLOW_SECRET: &str = "better-llm: allow-secret";

/// What a commit would take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitPlan {
    /// Sorted by path.
    pub files: Vec<FileChange>,
    /// As [`CommitDone::left_out`].
    pub left_out: Vec<String>,
}

/// A commit was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitDone {
    /// Its full id.
    pub id: String,
    /// What it holds, sorted.
    pub paths: Vec<String>,
    /// Files that the session changed and that were left out: those that held the person's own uncommitted changes
    /// before, and those of submodules and nested repositories. What git ignores by now is not named.
    pub left_out: Vec<String>,
}

/// Something in a file that no commit of the engine's takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitLine {
    /// Relative to the workspace, with `/`.
    pub path: String,
    /// From 1; none: the file as a whole.
    pub line: Option<u64>,
    /// What it is, without the text itself: `aws-access-key-id`, `conflict marker`, `more than 10 MiB`.
    pub kind: String,
}

impl fmt::Display for UnfitLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", Sanitized::name(&self.path), self.kind),
            None => write!(f, "{}: {}", Sanitized::name(&self.path), self.kind),
        }
    }
}

/// No commit was made. The texts go to the model and say what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The workspace is in no git repository.
    #[error("the workspace is not inside a git repository, so there is nothing to commit to")]
    NoRepository,
    /// No file of the session to commit.
    #[error("nothing to commit: {0}")]
    Nothing(String),
    /// A named path is not among the session's changes.
    #[error("only files that this session changed can be committed, and these are not among them: {}", .0.join(", "))]
    NotOurs(Vec<String>),
    /// Nobody to name as author.
    #[error(
        "git knows no author: a person has to run `git config user.name \"...\"` and `git config user.email ...` \
         in this repository (or set GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL), then try again"
    )]
    NoAuthor,
    /// The message is empty.
    #[error("a commit needs a message")]
    NoMessage,
    /// Files hold what must not be committed: secrets, conflict markers, too many bytes.
    #[error(
        "nothing was committed, because of what these files hold: {}. Take it out, or leave the files out by naming \
         the others in `paths`. Where a line only looks like a secret, a person can commit the file, or write \
         `{ALLOW_SECRET}` on that line before the next session", unfit_text(.0)
    )]
    Unfit(Vec<UnfitLine>),
    /// A merge, rebase or the like is under way.
    #[error("git is in the middle of a {0}: a person has to finish or abort it first")]
    InProgress(&'static str),
    /// Git failed.
    #[error("git could not {doing}: {text}")]
    Git {
        /// The step.
        doing: &'static str,
        /// What git said.
        text: String,
    },
    /// The workspace could not be looked at.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

/// The first few lines, and how many more there are.
fn unfit_text(lines: &[UnfitLine]) -> String {
    const MOST: usize = 10;
    let mut text = lines.iter().take(MOST).map(UnfitLine::to_string).collect::<Vec<_>>().join("; ");
    if let Some(more) = lines.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("; and {more} more"));
    }
    text
}
