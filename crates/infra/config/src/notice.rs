//! What was left out or put right on the way to the settings. Nothing of it is silent (law 9).

use std::{fmt, path::PathBuf};

use crate::trust::Widening;

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
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTrusted { file, path, widening } => write!(
                f,
                "{}: `{path}` was ignored, because this folder is not trusted and {widening}. To use the file as \
                 it is: --config '{}'",
                file.display(),
                file.display()
            ),
            Self::VariableIgnored { file, line, name, reason } => {
                write!(f, "{}:{line}: {name} was ignored: {reason}", file.display())
            }
            Self::NoSuchWorker { variable } => {
                write!(f, "environment variable {variable} names no worker of this team and has no effect")
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
                "a workspace's .env may not set it; set it in the environment or in the .env of your configuration \
                 folder"
            }
            Self::Tracked => {
                "git tracks this file, and a credential does not belong into a repository; take the file out of git, \
                 or set the variable in the environment"
            }
            Self::EnvironmentOnly => "a .env file cannot set it; set it in the environment",
        })
    }
}
