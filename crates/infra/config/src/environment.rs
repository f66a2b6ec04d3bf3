//! The variables of the environment that mean something here, as the caller hands them in.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

/// Every variable that better-llm reads (contract 3). A name that ends in `_` begins a family.
pub const VARIABLES: [&str; 25] = [
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_BASE_URL",
    "OPENAI_BASE_URL",
    "BETTER_LLM_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "WORKER_TIMEOUT_",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "LOG_DIR",
    "FLOW_",
    "USE_SUBPROCESS_WORKER",
    "NO_COLOR",
    "TERM",
    "EDITOR",
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
];

/// The family of the workers' timeouts: `WORKER_TIMEOUT_<NAME>` in seconds (spec O-14).
pub(crate) const WORKER_TIMEOUT: &str = "WORKER_TIMEOUT_";

/// Whether `name` is one of [`VARIABLES`].
pub(crate) fn is_ours(name: &str) -> bool {
    VARIABLES.iter().any(|known| {
        if known.ends_with('_') {
            name.len() > known.len() && name.starts_with(known)
        } else {
            name == *known
        }
    })
}

/// The environment of the program, or whatever a caller wants to stand for it. Variables that are not ours are
/// forgotten at once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The value of a variable of ours; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The names that are set, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into().into_string().ok()?;
            is_ours(&name).then(|| (name, value.into()))
        });
        Self { variables: ours.collect() }
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: the values may be credentials (law 10).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_variables_are_kept_and_their_values_are_not_printed() {
        let environment: Environment = [
            ("WORKER_TIMEOUT_CODER", "5"),
            ("WORKER_TIMEOUT_", "5"),
            ("ANTHROPIC_API_KEY", "sk-비밀"),
            ("LANG", ""),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ]
        .into_iter()
        .collect();
        assert_eq!(format!("{environment:?}"), r#"{"ANTHROPIC_API_KEY", "LANG", "WORKER_TIMEOUT_CODER"}"#);
        assert_eq!(environment.get("LANG"), None);
    }
}
