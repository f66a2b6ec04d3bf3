//! The variables of the environment that mean something here, as the caller hands them in.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use domain::secret::Secret;

use crate::secret_names::secrets_in;

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

/// Variables that hold a credential of ours.
pub(crate) const CREDENTIALS: [&str; 3] = ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"];

/// Variables that say where what we write lies, and that a trusted workspace may set. Not where the person's
/// configuration lies: what they decided about a workspace is not found by way of the workspace.
pub(crate) const HOMES: [&str; 4] = ["BETTER_LLM_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];

/// Whether `name` is one of [`VARIABLES`]. Those about proxies are written in small letters, too.
pub(crate) fn is_ours(name: &str) -> bool {
    let is_proxy = matches!(name, "https_proxy" | "http_proxy" | "no_proxy");
    is_proxy
        || VARIABLES.iter().any(|known| {
            if known.ends_with('_') {
                name.len() > known.len() && name.starts_with(known)
            } else {
                name == *known
            }
        })
}

/// The environment of the program, or whatever a caller wants to stand for it. Of variables that are not ours only
/// what looks like a secret is kept, to be hidden wherever it turns up.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    secrets: Vec<Secret>,
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

    /// Values that look like secrets, of every variable.
    #[must_use]
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The same with a variable set where it is not set yet.
    pub(crate) fn or(mut self, name: &str, value: &str) -> Self {
        if self.get(name).is_none() {
            self.variables.insert(name.to_owned(), value.into());
        }
        self
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let (name, value): (OsString, OsString) = (name.into(), value.into());
            environment.secrets.extend(secrets_in(&name.to_string_lossy(), &value.to_string_lossy()));
            if let Some(name) = name.into_string().ok().filter(|name| is_ours(name)) {
                environment.variables.insert(name, value);
            }
        }
        environment
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
    fn of_other_programs_variables_only_secrets_are_kept_and_no_value_is_printed() {
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
        assert_eq!((environment.get("LANG"), environment.get("AWS_SECRET_ACCESS_KEY")), (None, None));
        let secrets: Vec<_> = environment.secrets().iter().map(Secret::reveal).collect();
        assert_eq!(secrets, ["sk-비밀", "x"]);
    }
}
