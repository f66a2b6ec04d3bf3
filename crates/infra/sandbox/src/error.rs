//! Why there is no sandbox.

use std::{io, path::PathBuf};

use crate::hosts::InvalidHost;

/// A sandbox level cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Neither level that walls commands in works here.
    #[error("{strict}; {kernel}")]
    NothingWorks {
        /// Why not `strict`.
        strict: String,
        /// Why not `kernel`.
        kernel: String,
    },
    /// The level exists and does not work here. A level that was named is never stepped down.
    #[error(
        "sandbox level `{level}` does not work here; use `--sandbox auto`, or `--sandbox none --permission-mode full` \
         to run commands with all of your rights"
    )]
    Unavailable {
        /// The level.
        level: &'static str,
        /// What is missing.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A folder that commands need could not be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be written down what a killed session would leave behind.
    #[error("cannot write into {}, where better-llm notes what runs; make it a folder that you may write", path.display())]
    Note {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list of hosts holds what is none.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// Nothing but a network namespace leads a command to a proxy and nowhere else.
    #[error(
        "a list of hosts (`sandbox.network`) needs sandbox level `strict`{why}; make that work, empty the list, or open \
         the whole network with `--allow-network`"
    )]
    HostsNeedStrict {
        /// Why `strict` is not to be had, where it was tried; begins with a comma.
        why: String,
    },
    /// A person asked to pass one of our own credentials on.
    #[error("{} holds a credential of better-llm and is passed to no command; take it out of `--pass-env`", .0.display())]
    PassedCredential(std::ffi::OsString),
    /// There is no shell in `PATH` and no `/bin/sh`.
    #[error("no shell found: neither `bash` nor `sh` is in PATH; add one of them to PATH")]
    NoShell,
}

impl SandboxError {
    /// Whether a person has to change what they asked for, whatever this machine can do.
    pub(crate) const fn is_of_settings(&self) -> bool {
        matches!(self, Self::PassedCredential(_) | Self::Host(_) | Self::HostsNeedStrict { .. })
    }
}

/// Why a level cannot be had, for people who did not ask for it by name: without the ways out.
pub(crate) fn causes(error: &SandboxError) -> String {
    match error {
        SandboxError::Unavailable { level, source } => {
            format!("`{level}` does not work here: {}", chain(source.as_ref()))
        }
        other => chain(other),
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat the source in their own text.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
