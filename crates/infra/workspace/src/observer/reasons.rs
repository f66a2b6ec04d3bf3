//! Why git is not used here, in words for whoever asked.

use super::Observer;
use crate::{
    error::StatesLost,
    git::{call::Git, repository::Repository},
};

impl Observer {
    /// Why states that git kept cannot be used.
    pub(super) fn why_no_states(&self) -> StatesLost {
        StatesLost::Repository(match (&self.repository, &self.elsewhere) {
            (Some(repository), _) => self.why_no_git(repository),
            (None, Some(elsewhere)) => elsewhere.to_string(),
            (None, None) => format!("there is no usable .git in {} any more", self.settings.root.display()),
        })
    }

    pub(super) fn why_no_head(&self) -> String {
        match (&self.repository, &self.elsewhere) {
            (Some(repository), _) => {
                format!("{}, so there is no HEAD to compare with", self.why_no_git(repository))
            }
            (None, Some(elsewhere)) => format!("{elsewhere}. So there is no HEAD to compare with"),
            (None, None) => {
                "the workspace is not inside a git repository, so there is no HEAD to compare with".to_owned()
            }
        }
    }

    /// Why states are not kept by git although there is a repository.
    pub(super) fn why_no_git(&self, repository: &Repository) -> String {
        match repository.refusal() {
            Some(refusal) => refusal.to_string(),
            None if Git::find(&self.settings).is_none() => {
                "no git program was found on PATH (a person has to install git)".to_owned()
            }
            None => "this session began outside of git, and its states stay so (a new session uses git)"
                .to_owned(),
        }
    }
}
