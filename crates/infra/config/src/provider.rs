//! Which model back end follows from what was asked for and from the credentials (contract 1, `--provider`; spec O-8).
//!
//! Nothing is connected here, and no model is chosen.

use std::{fmt, path::PathBuf};

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
    pub(crate) openai: Option<Credential>,
    /// The name of the first credential that only later versions can use.
    pub(crate) later: Option<LaterCredential>,
}

/// A credential of a back end that this version does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaterCredential {
    pub(crate) variable: &'static str,
    pub(crate) provider: &'static str,
}

/// The endpoints that were named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BaseUrls {
    pub(crate) anthropic: Option<String>,
    pub(crate) openai: Option<String>,
}

/// A model back end by the name that people give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProviderName {
    Anthropic,
    OpenAi,
    Offline,
    Script(PathBuf),
}

/// The names, as people type them.
const NAMES: [&str; 4] = ["anthropic", "openai", "offline", "script:FILE"];

/// Names of later versions.
const LATER_NAMES: [&str; 1] = ["claude-code"];

impl ProviderName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ProviderError::Later`] and [`ProviderError::Unknown`].
    pub(crate) fn parse(text: &str) -> Result<Self, ProviderError> {
        match text.split_once(':') {
            Some(("script", file)) if !file.is_empty() => return Ok(Self::Script(file.into())),
            Some(("replay", _)) => return Err(ProviderError::Later("replay:FILE".to_owned())),
            _ => {}
        }
        match text {
            "anthropic" => Ok(Self::Anthropic),
            "openai" => Ok(Self::OpenAi),
            "offline" => Ok(Self::Offline),
            _ if LATER_NAMES.contains(&text) => Err(ProviderError::Later(text.to_owned())),
            _ => Err(ProviderError::Unknown {
                name: text.to_owned(),
                nearest: nearest(text, NAMES.into_iter().chain(LATER_NAMES)),
            }),
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anthropic => f.write_str("anthropic"),
            Self::OpenAi => f.write_str("openai"),
            Self::Offline => f.write_str("offline"),
            Self::Script(file) => write!(f, "script:{}", file.display()),
        }
    }
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
    /// Chat Completions.
    OpenAi {
        /// The key; none only where there is an endpoint of one's own.
        key: Option<Secret>,
        /// The endpoint, with or without `/v1`; none: the provider's own.
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
    #[error("provider `{0}` comes with a later version; now there are {THERE_ARE}")]
    Later(String),
    /// The provider that was asked for is nobody.
    #[error("`{name}` is no provider{}; there are {THERE_ARE}", meant(nearest.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The provider that resembles it most.
        nearest: Option<String>,
    },
}

const THERE_ARE: &str = "`anthropic`, `openai`, `offline` and `script:FILE`";

const WAYS_OUT: &str = "Set ANTHROPIC_API_KEY for provider `anthropic` or OPENAI_API_KEY for `openai` (in the environment \
                        or in a .env file), name a server of your own that speaks Chat Completions by OPENAI_BASE_URL \
                        (Ollama: http://127.0.0.1:11434/v1), play a script of answers with `--provider script:FILE`, or \
                        see it work without a key: `better-llm-cli demo`";

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

/// What back ends are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) credentials: Credentials,
    pub(crate) base_urls: BaseUrls,
}

impl Access {
    /// The back end that was asked for, else the first that has credentials: `anthropic`, then `openai`. An endpoint of
    /// one's own for `openai` counts as such: whoever names a server wants it asked, and many take no key.
    ///
    /// # Errors
    /// [`ProviderError`] with the ways out.
    pub(crate) fn provider(&self, wanted: Option<&ProviderName>) -> Result<Provider, ProviderError> {
        match wanted {
            Some(ProviderName::Anthropic) => self
                .anthropic()
                .ok_or(ProviderError::KeyMissing { provider: "anthropic", variable: "ANTHROPIC_API_KEY" }),
            Some(ProviderName::OpenAi) => self
                .openai()
                .ok_or(ProviderError::KeyMissing { provider: "openai", variable: "OPENAI_API_KEY" }),
            Some(ProviderName::Offline) => Ok(Provider::Offline),
            Some(ProviderName::Script(file)) => Ok(Provider::Script(file.clone())),
            None => self.anthropic().or_else(|| self.openai()).ok_or(match self.credentials.later {
                Some(LaterCredential { variable, provider }) => {
                    ProviderError::LaterCredential { variable, provider }
                }
                None => ProviderError::NoCredentials,
            }),
        }
    }

    fn anthropic(&self) -> Option<Provider> {
        let key = self.credentials.anthropic.as_ref()?.secret.clone();
        Some(Provider::Anthropic { key, base_url: self.base_urls.anthropic.clone() })
    }

    fn openai(&self) -> Option<Provider> {
        let key = self.credentials.openai.as_ref().map(|credential| credential.secret.clone());
        let base_url = self.base_urls.openai.clone();
        let is_own = base_url.as_deref().is_some_and(|url| !is_the_vendors(url));
        (key.is_some() || is_own).then_some(Provider::OpenAi { key, base_url })
    }
}

/// Whether an address is that of the protocol's own vendor, who answers nobody without a key.
fn is_the_vendors(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    host.eq_ignore_ascii_case("api.openai.com")
}
