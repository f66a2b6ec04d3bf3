//! What is wrong with a configuration, where, and what would be right.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The configuration cannot be used. Holds every problem that was found, in the order of the files.
#[derive(Debug, Clone)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// Everything that is wrong; at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Something wrong, with its place.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Where.
    pub spot: Spot,
    /// What.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.spot, self.fault)
    }
}

/// A place in what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// In a file.
    File {
        /// The file.
        file: PathBuf,
        /// From 1; none where the whole file is meant.
        line: Option<usize>,
        /// From 1, in characters.
        column: Option<usize>,
        /// The JSON path (`agents[1].tools[0]`) or the variable; empty for the whole file.
        path: String,
    },
    /// A variable of the environment.
    Variable(String),
    /// A flag.
    Flag(&'static str),
    /// The agent of the default team.
    BuiltIn(String),
}

impl Spot {
    /// A file as a whole.
    pub(crate) fn file(file: &Path) -> Self {
        Self::File { file: file.to_owned(), line: None, column: None, path: String::new() }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column, path } => {
                write!(f, "{}", file.display())?;
                for number in [line, column].into_iter().flatten() {
                    write!(f, ":{number}")?;
                }
                if path.is_empty() { Ok(()) } else { write!(f, ": `{path}`") }
            }
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::BuiltIn(name) => write!(f, "built-in agent `{name}`"),
        }
    }
}

/// What is wrong, and what would be right.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The file cannot be read.
    #[error("cannot be read: {source}")]
    Unreadable {
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// A folder, a device or a pipe.
    #[error("is no regular file")]
    NoFile,
    /// Larger than any honest file of its kind.
    #[error("is larger than {limit} bytes")]
    TooLarge {
        /// The most it may hold.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("is not UTF-8 text: save it as UTF-8")]
    NotText,
    /// Not JSON.
    #[error("is not valid JSON: {what}")]
    Syntax {
        /// What the parser met.
        what: String,
    },
    /// A key stands twice in one object.
    #[error("stands twice; keep one of them")]
    Repeated,
    /// A key that nobody knows.
    #[error("is not a known key{}", suggestion(nearest.as_deref()))]
    UnknownKey {
        /// The known path that resembles it most.
        nearest: Option<String>,
    },
    /// A key or value whose feature this version does not have.
    #[error("belongs to {feature}, which this version does not have yet: remove it")]
    Later {
        /// The feature.
        feature: &'static str,
    },
    /// A required key is not there.
    #[error("misses `{key}` ({expected})")]
    MissingKey {
        /// The key.
        key: String,
        /// What it should hold.
        expected: String,
    },
    /// A value of another type, or out of bounds.
    #[error("should be {expected}, and is {found}")]
    WrongValue {
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A name that nobody knows.
    #[error("`{name}` is no {what}{}", suggestion(nearest.as_deref()))]
    UnknownName {
        /// What kind of thing was expected.
        what: String,
        /// What is there.
        name: String,
        /// The known name that resembles it most.
        nearest: Option<String>,
    },
    /// A rule that is particular to one key.
    #[error("{0}")]
    Rule(String),
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, spot: Spot, fault: Fault) {
        self.0.push(Problem { spot, fault });
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether looking for more is pointless: nobody reads more than a hundred.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= 100
    }

    /// Everything that was found.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// `value` where nothing was found.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.0 }),
        }
    }
}

/// The name among `known` that resembles `name` most, where one does.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let name = name.to_lowercase();
    let close =
        known.into_iter().map(|known| (strsim::damerau_levenshtein(&name, &known.to_lowercase()), known));
    let (distance, best) = close.min_by_key(|(distance, _)| *distance)?;
    (distance <= (best.chars().count() / 3).max(1)).then(|| best.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_where_it_is_near() {
        let known = ["read", "glob", "grep", "max_turns"];
        let cases = ["max_turn", "Read", "grpe", "deploy", "읽기", ""];
        let offered = cases.map(|name| nearest(name, known));
        let expected = [Some("max_turns"), Some("read"), Some("grep"), None, None, None];
        assert_eq!(offered, expected.map(|name| name.map(str::to_owned)));
    }
}
