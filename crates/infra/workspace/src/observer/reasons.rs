//! Why git is not used here, in words for whoever asked.

use super::Observer;
use crate::{error::StatesLost, git::repository::Repository};

impl Observer {
    /// Whether the session's states are of the kind that needs no git.
    pub(super) fn began_without_git(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.began_without_git())
    }

    /// Why states that git kept cannot be used.
    pub(super) fn why_no_states(&self) -> StatesLost {
        StatesLost::Repository(match (&self.repository, &self.elsewhere) {
            (Some(repository), _) => why_no_git(repository, false),
            (None, Some(elsewhere)) => elsewhere.to_string(),
            (None, None) => format!("there is no usable .git in {} any more", self.settings.root.display()),
        })
    }

    pub(super) fn why_no_head(&self) -> String {
        match (&self.repository, &self.elsewhere) {
            (Some(repository), _) => {
                format!(
                    "{}, so there is no HEAD to compare with",
                    why_no_git(repository, self.began_without_git())
                )
            }
            (None, Some(elsewhere)) => format!("{elsewhere}. So there is no HEAD to compare with"),
            (None, None) => {
                "the workspace is not inside a git repository, so there is no HEAD to compare with".to_owned()
            }
        }
    }
}

/// Why states are not kept by git although there is a repository.
pub(super) fn why_no_git(repository: &Repository, began_without_git: bool) -> String {
    match repository.refusal() {
        Some(refusal) => refusal.to_string(),
        None if began_without_git => {
            "this session began outside of git, and its states stay so (a new session uses git)".to_owned()
        }
        None => "no git program was found on PATH (a person has to install git)".to_owned(),
    }
}
