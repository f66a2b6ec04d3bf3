//! Why a state of the workspace could not be kept or compared.

use std::{io, path::PathBuf};

use crate::git::{belonging::Elsewhere, call::GitError};

/// States were kept, and what they consist of cannot be had any more. The source of a
/// [`domain::workspace::WorkspaceError`].
#[derive(Debug, thiserror::Error)]
pub enum StatesLost {
    /// They were kept with the help of a repository that cannot be used.
    #[error("these states were kept with the help of git, and {0}")]
    Repository(String),
    /// Parts of them are missing.
    #[error("git's objects or ours are not whole any more")]
    Objects(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StatesLost {
    /// What git failing at states of ours comes to; every other error stays as it is.
    pub(crate) fn or(error: KeepError) -> Box<dyn std::error::Error + Send + Sync> {
        match error {
            KeepError::Git(GitError::Failed { .. }) | KeepError::Answer(_) => {
                Self::Objects(error.into()).into()
            }
            error => error.into(),
        }
    }
}

/// The step that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Git answered in a way that we do not understand.
    #[error("cannot understand what `git {0}` said")]
    Answer(&'static str),
    /// The workspace could not be opened.
    #[error("cannot open the folder {place}")]
    Root {
        place: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Our own folder could not be written or read.
    #[error("cannot {doing} {place}")]
    Store {
        doing: &'static str,
        place: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Somebody removed it, and with it what states are compared with.
    #[error("{place} is gone, and with it the earlier states of the files; start a new session")]
    Gone { place: PathBuf },
    /// The repository takes objects from elsewhere.
    #[error(
        "this repository takes objects from {place}, and nothing outside of it is read; `git repack -a -d` and \
         removing .git/objects/info/alternates make it whole"
    )]
    Borrowed { place: PathBuf },
    /// A part of the repository is a link to elsewhere.
    #[error(
        "{place} leads out of the repository, so git is not used here; put what it leads to in its place"
    )]
    LeadsAway { place: PathBuf },
    /// The repository is none of the workspace's.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// The work did not come to its end: the runtime is shutting down.
    #[error("cannot finish reading the files")]
    Blocking(#[from] io::Error),
}
