//! Where a value came from.

use std::{fmt, path::PathBuf};

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// A flag, e.g. `--max-turns`.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(String),
    /// A line of a `.env` file.
    DotEnv {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// The variable.
        name: String,
    },
    /// A configuration file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::DotEnv { file, line, name } => write!(f, "{}:{line} {name}", file.display()),
            Self::File(file) => write!(f, "{}", file.display()),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

impl<T> Sourced<T> {
    pub(crate) fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }

    /// A built-in value.
    pub(crate) fn default(value: T) -> Self {
        Self::new(value, Source::Default)
    }
}

/// A setting as `config show` prints it. Credentials appear as `set` and `not set`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The path in the configuration, e.g. `workflow_limits.max_turns`; of values without one a name like it.
    pub key: String,
    /// What is in force.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
}
