//! Credentials, and the model back end that follows from them (contract 1, `--provider`; spec O-8).

use std::path::PathBuf;

use domain::secret::Secret;

use crate::{problem::nearest, source::Source};

/// A credential and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The credential itself.
    pub secret: Secret,
    /// Where it came from.
    pub source: Source,
}

/// The credentials that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) anthropic: Option<Credential>,
    /// The name of the first credential that only later versions can use.
    pub(crate) later: Option<LaterCredential>,
}

/// A credential of a back end that this version does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaterCredential {
    pub(crate) variable: &'static str,
    pub(crate) provider: &'static str,
}

/// A model back end with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// The Messages API.
    Anthropic {
        /// The key.
        key: Secret,
        /// The endpoint without `/v1`; none: the provider's own.
        base_url: Option<String>,
    },
    /// One fixed answer; no model.
    Offline,
    /// A script of answers.
    Script(PathBuf),
}

/// No model back end can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No credential of any provider is set.
    #[error("no credentials for a model are set. {WAYS_OUT}")]
    NoCredentials,
    /// The provider that was asked for has no credential.
    #[error("provider `{provider}` needs {variable}, which is not set. {WAYS_OUT}")]
    KeyMissing {
        /// The provider.
        provider: &'static str,
        /// The variable.
        variable: &'static str,
    },
    /// There is a credential, and only a later version can use it.
    #[error("{variable} is set, but provider `{provider}` comes with a later version. {WAYS_OUT}")]
    LaterCredential {
        /// The variable that is set.
        variable: &'static str,
        /// Its provider.
        provider: &'static str,
    },
    /// The provider that was asked for comes with a later version.
    #[error(
        "provider `{0}` comes with a later version; now there are `anthropic`, `offline` and `script:FILE`"
    )]
    Later(String),
    /// The provider that was asked for is nobody.
    #[error("`{name}` is no provider{}; there are `anthropic`, `offline` and `script:FILE`", meant(nearest.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The provider that resembles it most.
        nearest: Option<String>,
    },
}

const WAYS_OUT: &str = "Set ANTHROPIC_API_KEY for provider `anthropic` (in the environment or in a .env file), play \
                        a script of answers with `--provider script:FILE`, or see it work without a key: \
                        `better-llm-cli demo`";

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

impl ProviderError {
    /// Whether a credential is what is missing (exit code 4), not a usable name (exit code 2).
    #[must_use]
    pub const fn is_credentials(&self) -> bool {
        matches!(self, Self::NoCredentials | Self::KeyMissing { .. } | Self::LaterCredential { .. })
    }
}

/// The back end that was asked for, else the first that has credentials.
pub(crate) fn choose(
    wanted: Option<&str>,
    credentials: &Credentials,
    base_url: Option<&str>,
) -> Result<Provider, ProviderError> {
    let anthropic = |missing| {
        let key =
            credentials.anthropic.as_ref().map(|credential| credential.secret.clone()).ok_or(missing)?;
        Ok(Provider::Anthropic { key, base_url: base_url.map(str::to_owned) })
    };
    let Some(wanted) = wanted else {
        return anthropic(match credentials.later {
            Some(LaterCredential { variable, provider }) => {
                ProviderError::LaterCredential { variable, provider }
            }
            None => ProviderError::NoCredentials,
        });
    };
    match wanted.split_once(':') {
        Some(("script", file)) if !file.is_empty() => return Ok(Provider::Script(file.into())),
        Some(("replay", _)) => return Err(ProviderError::Later("replay:FILE".to_owned())),
        _ => {}
    }
    match wanted {
        "anthropic" => {
            anthropic(ProviderError::KeyMissing { provider: "anthropic", variable: "ANTHROPIC_API_KEY" })
        }
        "offline" => Ok(Provider::Offline),
        "openai" | "claude-code" => Err(ProviderError::Later(wanted.to_owned())),
        _ => Err(ProviderError::Unknown {
            name: wanted.to_owned(),
            nearest: nearest(wanted, ["anthropic", "offline", "script:FILE", "openai", "claude-code"]),
        }),
    }
}
