//! The one way in: everything a session needs to know, resolved.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    agent::{AgentName, AgentSpec},
    limits::Limits,
    model::RetrySettings,
    permission::{PermissionMode, SandboxLevel},
    price::Price,
    secret::Secret,
};
use serde_json::{Map, Value, json};

use crate::{
    fallback::{Fallback, Fallbacks},
    files::UsedFile,
    grants::WorkspaceGrants,
    language::Language,
    loading::load,
    log::{LogFormat, LogLevel},
    notice::Notice,
    places::Places,
    problem::{ConfigError, Problems},
    provider::{Access, Credential, Provider, ProviderError, ProviderName},
    proxy::ProxySettings,
    request::LoadRequest,
    rules::SourcedRule,
    source::Shown,
    trust::Trust,
    walls::AddedDir,
};

/// Everything that was decided before a session begins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where things lie.
    pub places: Places,
    /// Limits of a round.
    pub limits: Limits,
    /// How long a person who is present may step in after a report; zero: never.
    pub intervention: Duration,
    /// How long a question to the person stays open.
    pub question_timeout: Duration,
    /// How long an answer may be silent in its middle.
    pub idle_timeout: Duration,
    /// How long an answer may take to begin.
    pub first_byte_timeout: Duration,
    /// How failed model calls are tried again.
    pub retry: RetrySettings,
    /// What tokens cost, by the model's name; stands before the built-in prices.
    pub prices: BTreeMap<String, Price>,
    /// Test commands that the engine runs before a round may end as done.
    pub verify_commands: Vec<String>,
    /// How much the team may do by itself.
    pub permission_mode: PermissionMode,
    /// What the person allows, wants to be asked about, or denies; of all files, in any order.
    pub rules: Vec<SourcedRule>,
    /// The sandbox level that was asked for; none: the best that works here (`auto`).
    pub sandbox_level: Option<SandboxLevel>,
    /// Hosts that commands may reach: names and addresses; `*` stands for every one.
    pub network: Vec<String>,
    /// Further folders.
    pub add_dirs: Vec<AddedDir>,
    /// Variables of the environment that commands get, never a credential of ours.
    pub pass_env: Vec<String>,
    /// The language of everything that people read.
    pub lang: Language,
    /// `LOG_LEVEL`.
    pub log_level: LogLevel,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// The manager.
    pub manager: AgentSpec,
    /// The workers, in the order of the configuration.
    pub workers: Vec<AgentSpec>,
    /// The configuration files that count, strongest last.
    pub files: Vec<UsedFile>,
    /// The proxies of model calls.
    pub proxy: ProxySettings,
    pub(crate) trust: Trust,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) wanted_provider: Option<String>,
    /// Of workers that have one of their own; with `--provider` all have that.
    pub(crate) agent_providers: BTreeMap<AgentName, ProviderName>,
    pub(crate) access: Access,
    pub(crate) fallbacks: Fallbacks,
}

/// Settings, and what was left out on the way.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What the person should know.
    pub notices: Vec<Notice>,
}

impl Settings {
    /// Reads files, environment and flags.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem that was found. Missing credentials are none: see
    /// [`Settings::provider`].
    pub fn load(request: &LoadRequest<'_>) -> Result<Loaded, ConfigError> {
        let (mut problems, mut notices) = (Problems::default(), Vec::new());
        let settings = load(request, &mut problems, &mut notices);
        problems.or(settings).map(|settings| Loaded { settings, notices })
    }

    /// Whether the workspace's own configuration counts in full, and what it would take.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Where leave goes that the person gives for good; it comes back among [`Settings::rules`].
    #[must_use]
    pub fn grants(&self) -> WorkspaceGrants {
        WorkspaceGrants { store: self.trust.store().clone() }
    }

    /// Everything that was read and looks like a secret, each once: credentials, values of variables with a telling
    /// name, passwords in addresses; of the environment and of `.env` files, whether it counts or not. Some of them
    /// are short.
    #[must_use]
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The manager's model back end, and that of all who have none of their own: the one that was asked for, else the
    /// first that has credentials.
    ///
    /// # Errors
    /// [`ProviderError`] with the ways out.
    pub fn provider(&self) -> Result<Provider, ProviderError> {
        let wanted = self.wanted_provider.as_deref().map(ProviderName::parse).transpose()?;
        self.access.provider(wanted.as_ref())
    }

    /// The model back end of an agent: the one that was asked for, else its own, else [`Settings::provider`].
    ///
    /// # Errors
    /// [`ProviderError`] with the ways out.
    pub fn provider_of(&self, agent: &AgentName) -> Result<Provider, ProviderError> {
        self.agent_providers.get(agent).map_or_else(|| self.provider(), |own| self.access.provider(Some(own)))
    }

    /// Those who answer where `provider` cannot, in the order in which they are asked.
    ///
    /// # Errors
    /// [`ProviderError`] where one of them lacks what it needs: it would be no help when it is needed.
    pub fn fallbacks_of(&self, provider: &Provider) -> Result<Vec<Fallback>, ProviderError> {
        let named = self.fallbacks.of(provider).iter();
        let made = named.map(|fallback| {
            let provider = self.access.provider(Some(&fallback.provider))?;
            Ok(Fallback { provider, model: fallback.model.clone() })
        });
        made.collect()
    }

    /// The key of the provider anthropic, where there is one.
    #[must_use]
    pub fn anthropic_key(&self) -> Option<&Credential> {
        self.access.credentials.anthropic.as_ref()
    }

    /// The key of the provider openai, where there is one.
    #[must_use]
    pub const fn openai_key(&self) -> Option<&Credential> {
        self.access.credentials.openai.as_ref()
    }

    /// Every setting with its value and its source, in a fixed order.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// The same as one JSON object: `{"workflow_limits.max_turns": {"value": 50, "source": "default"}, ...}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let entry = |shown: &Shown| {
            (shown.key.clone(), json!({ "value": shown.value, "source": shown.source.to_string() }))
        };
        Value::Object(self.shown.iter().map(entry).collect::<Map<_, _>>())
    }
}
