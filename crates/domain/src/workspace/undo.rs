//! Taking back what a round did to the person's files (O-29): what would happen, and what happened.

use crate::workspace::{Checkpoint, WorkspaceError};

/// What undoing a round would do. Making one touches no file of the person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoPlan {
    /// The state that is gone back to.
    pub begin: Checkpoint,
    /// The state at the round's end. None: the round was cut off, so all that differs from `begin` counts as its
    /// work, and what the person did since cannot be told apart.
    pub end: Option<Checkpoint>,
    /// The files and folders that the person named; none: everything.
    pub paths: Option<Vec<String>>,
    /// What would be put back, sorted by path. What is as it was before the round already is not among them.
    pub files: Vec<UndoFile>,
    /// What cannot be put back, sorted by path. Where there is any of it, nothing is put back at all: the person
    /// names paths without it.
    pub refused: Vec<RefusedFile>,
    /// Those of `paths` in which the round changed nothing.
    pub unchanged: Vec<String>,
    /// Ids of commits made since `begin`, newest first, at most [`UndoPlan::MOST_COMMITS`]. They stay.
    pub commits: Vec<String>,
    /// Why more may have changed than is listed, where it may.
    pub partial: Option<String>,
    /// What would change, from now to then: a unified diff of `files`, bounded like every diff.
    pub diff: String,
}

impl UndoPlan {
    /// The most commits that are named.
    pub const MOST_COMMITS: usize = 20;

    /// Whether there is nothing to put back and nothing that was refused.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty() && self.refused.is_empty()
    }
}

/// A file that would be put back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UndoFile {
    /// Relative to the workspace, with `/`.
    pub path: String,
    /// How.
    pub what: UndoKind,
}

/// How a file is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UndoKind {
    /// The round changed it: it gets its earlier content and mode.
    Restore,
    /// The round deleted it: it comes back.
    Recreate,
    /// The round created it: it goes, and with it the folders that it leaves empty.
    Remove,
}

impl UndoKind {
    /// As events and JSON spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Recreate => "recreate",
            Self::Remove => "remove",
        }
    }
}

/// A file that the round changed and that cannot be put back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedFile {
    /// Relative to the workspace, with `/`.
    pub path: String,
    /// Why.
    pub why: UndoRefusal,
}

/// Why a file cannot be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UndoRefusal {
    /// It is not as the round left it: somebody changed it since.
    EditedSince,
    /// What it held before was not kept: too large, unreadable, or past the bound of what is kept.
    NotKept,
    /// What it holds now cannot be kept first: too large or unreadable.
    NowUnreadable,
    /// A link, or something else that is no folder, stands where one of its folders was.
    FolderGone,
}

impl UndoRefusal {
    /// As events and JSON spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EditedSince => "edited_since",
            Self::NotKept => "not_kept",
            Self::NowUnreadable => "now_unreadable",
            Self::FolderGone => "folder_gone",
        }
    }
}

/// A round was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The state before the undo: an undo from [`UndoPlan::begin`] to it, as begin and end the other way round, takes
    /// this one back.
    pub kept: Checkpoint,
    /// The state after it.
    pub now: Checkpoint,
    /// What was put back, sorted.
    pub files: Vec<UndoFile>,
}

/// A round was not undone. Except for [`UndoError::Stopped`], no file of the person's was touched.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// Nothing to put back.
    #[error("everything is as it was before the round already")]
    Nothing,
    /// Files that cannot be put back are among those to put back.
    #[error("{} cannot be put back, so nothing was; name paths without them to put back the rest", names(.0))]
    Refused(Vec<RefusedFile>),
    /// The files changed since the plan was made.
    #[error("the files changed since this plan was made; make a new one")]
    Outdated,
    /// It was cut off in the middle: some files are as before the round, the others as after it, each whole.
    #[error("undo stopped at {path}: {} files are put back, the others untouched; undo again to go on", done.len())]
    Stopped {
        /// The state before the undo.
        kept: Checkpoint,
        /// What was put back.
        done: Vec<UndoFile>,
        /// The file at which it stopped.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The workspace could not be looked at.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

/// The first few of the refused files.
fn names(refused: &[RefusedFile]) -> String {
    const MOST: usize = 10;
    let mut text = refused.iter().take(MOST).map(|file| file.path.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(more) = refused.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
