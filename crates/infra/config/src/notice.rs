//! What was left out or put right on the way to the settings. Nothing of it is silent (law 9).

use std::{fmt, path::PathBuf};

use crate::trust::{TrustChange, Widening};

/// Something worth telling the person; the settings stand nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A workspace's file wants more than it may before the folder is trusted.
    NotTrusted {
        /// The file.
        file: PathBuf,
        /// The JSON path.
        path: String,
        /// What it would have widened.
        widening: Widening,
    },
    /// A `.env` file sets a variable that it may not set.
    VariableIgnored {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// The variable.
        name: String,
        /// Why.
        reason: VariableRule,
    },
    /// A variable names a worker that the team does not have.
    NoSuchWorker {
        /// The variable.
        variable: String,
    },
    /// A `.env` is no regular file.
    NotRead {
        /// The file.
        file: PathBuf,
    },
    /// A workspace's `.env` is a link that leads out of it.
    LeadsOut {
        /// The link.
        file: PathBuf,
    },
    /// The workspace's configuration is not what the person trusted any more.
    TrustChanged {
        /// What changed.
        changes: Vec<TrustChange>,
    },
    /// An XDG variable holds a relative path.
    RelativeRoot {
        /// The variable.
        variable: &'static str,
    },
}

/// Why a `.env` file may not set a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableRule {
    /// It decides where things go, and came with the workspace.
    NeedsTrust,
    /// It is a credential in a file that git tracks.
    Tracked,
    /// It counts only in the real environment.
    EnvironmentOnly,
}

impl Notice {
    /// The stable code in events.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotTrusted { .. } => "config_not_trusted",
            Self::VariableIgnored { .. } => "config_variable_ignored",
            Self::NoSuchWorker { .. } => "config_no_such_worker",
            Self::RelativeRoot { .. } => "config_relative_root",
            Self::NotRead { .. } | Self::LeadsOut { .. } => "config_not_read",
            Self::TrustChanged { .. } => "config_trust_changed",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTrusted { file, path, widening } => write!(
                f,
                "{}: `{path}` was ignored, because this folder is not trusted and {widening}. To look at its \
                 configuration and trust it: better-llm-cli config trust; to use this file alone as it is: \
                 --config '{}'",
                file.display(),
                file.display()
            ),
            Self::VariableIgnored { file, line, name, reason } => {
                write!(f, "{}:{line}: {name} was ignored: {reason}", file.display())
            }
            Self::NoSuchWorker { variable } => {
                write!(f, "environment variable {variable} names no worker of this team and has no effect")
            }
            Self::NotRead { file } => write!(
                f,
                "{} was not read, because it is no regular file; set what it should hold in the environment",
                file.display()
            ),
            Self::LeadsOut { file } => write!(
                f,
                "{} was not read, because it is a link that leads out of this folder; copy the file here, or set what it \
                 holds in the environment",
                file.display()
            ),
            Self::TrustChanged { changes } => {
                f.write_str("the configuration of this folder is not what you trusted (")?;
                for (index, change) in changes.iter().enumerate() {
                    write!(f, "{}{change}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(
                    "), so it may only narrow again. To look at it and trust it as it is now: better-llm-cli \
                     config trust",
                )
            }
            Self::RelativeRoot { variable } => {
                write!(f, "environment variable {variable} was ignored: it should hold an absolute path")
            }
        }
    }
}

impl fmt::Display for VariableRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeedsTrust => {
                "a workspace's .env may set it only in a folder that you trust; to look at the folder's \
                 configuration and trust it: better-llm-cli config trust; or set it in the environment"
            }
            Self::Tracked => {
                "git tracks this file, and a credential does not belong into a repository; take the file out of git, \
                 or set the variable in the environment"
            }
            Self::EnvironmentOnly => "a .env file cannot set it; set it in the environment",
        })
    }
}
