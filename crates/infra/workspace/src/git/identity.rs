//! Who is named as author of a commit (contract 4, `commit`).

use std::ffi::{OsStr, OsString};

use crate::{git::repository::Config, settings::WorkspaceSettings};

/// A name and an address, each for author and committer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    author: (OsString, OsString),
    committer: (OsString, OsString),
}

impl Identity {
    /// The repository's `user.name` and `user.email`, else the person's global ones, else the environment's
    /// `GIT_AUTHOR_*` and `GIT_COMMITTER_*`, each standing in for the other. None where nothing names somebody.
    pub(crate) fn find(config: &Config, settings: &WorkspaceSettings) -> Option<Self> {
        let part = |key, first: &str, second: &str| -> Option<OsString> {
            let from_environment = || settings.variable(first).or_else(|| settings.variable(second));
            config.person(key).map(OsStr::to_owned).or_else(|| from_environment().cloned())
        };
        let author = (
            part("user.name", "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME")?,
            part("user.email", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")?,
        );
        let committer = (
            part("user.name", "GIT_COMMITTER_NAME", "GIT_AUTHOR_NAME")?,
            part("user.email", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_EMAIL")?,
        );
        Some(Self { author, committer })
    }

    /// As git's variables.
    pub(crate) fn variables(&self) -> [(&'static str, &OsStr); 4] {
        [
            ("GIT_AUTHOR_NAME", &self.author.0),
            ("GIT_AUTHOR_EMAIL", &self.author.1),
            ("GIT_COMMITTER_NAME", &self.committer.0),
            ("GIT_COMMITTER_EMAIL", &self.committer.1),
        ]
    }
}
