//! The one way in: everything a session needs to know, resolved.

use std::time::Duration;

use domain::{
    agent::AgentSpec,
    limits::Limits,
    permission::{PermissionMode, SandboxLevel},
};
use serde_json::{Map, Value, json};

use crate::{
    files::{self, FileKind, UsedFile},
    language::Language,
    log::{LogFormat, LogLevel},
    notice::Notice,
    places::Places,
    problem::{ConfigError, Problems},
    provider::{self, Credential, Credentials, Provider, ProviderError},
    request::LoadRequest,
    resolve::SystemSources,
    rules::{RuleNames, SourcedRule},
    source::Shown,
    system_file::SandboxChoice,
    team::TeamSources,
    variables::Variables,
    walls::AddedDir,
};

/// Everything that was decided before a session begins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where things lie.
    pub places: Places,
    /// Limits of a round.
    pub limits: Limits,
    /// How long an answer may be silent in its middle.
    pub idle_timeout: Duration,
    /// How long an answer may take to begin.
    pub first_byte_timeout: Duration,
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
    shown: Vec<Shown>,
    wanted_provider: Option<String>,
    base_url: Option<String>,
    credentials: Credentials,
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
        let settings = resolve(request, &mut problems, &mut notices);
        problems.or(settings).map(|settings| Loaded { settings, notices })
    }

    /// The model back end: the one that was asked for, else the first that has credentials.
    ///
    /// # Errors
    /// [`ProviderError`] with the ways out.
    pub fn provider(&self) -> Result<Provider, ProviderError> {
        provider::choose(self.wanted_provider.as_deref(), &self.credentials, self.base_url.as_deref())
    }

    /// The key of the provider anthropic, where there is one.
    #[must_use]
    pub fn anthropic_key(&self) -> Option<&Credential> {
        self.credentials.anthropic.as_ref()
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

fn resolve(
    request: &LoadRequest<'_>,
    problems: &mut Problems,
    notices: &mut Vec<Notice>,
) -> Option<Settings> {
    let places = Places::find(request.environment, request.home, problems, notices)?;
    let variables = Variables::gather(
        request.environment,
        request.cwd,
        &places.config,
        request.is_tracked,
        problems,
        notices,
    );
    let (system, agents) = files::find(request.config_files, request.cwd, &places, problems);
    let team = TeamSources { request, config_root: &places.config, layers: &agents, variables: &variables };
    let team = team.team(problems, notices);
    let files = system.used(FileKind::System).chain(agents.used(FileKind::Agents)).collect();
    let agents = team.as_ref().map(|team| &team.known[..]);
    let rule_names = RuleNames { tools: request.known_tools, agents };
    let system = SystemSources { request, layers: &system, variables: &variables, rule_names };
    let system = system.resolve(places, problems, notices);
    let (team, mut system) = (team?, system?);
    system.shown.extend(team.shown);
    Some(Settings {
        places: system.places,
        limits: system.limits,
        idle_timeout: system.idle_timeout,
        first_byte_timeout: system.first_byte_timeout,
        verify_commands: system.verify_commands,
        permission_mode: system.walls.mode,
        rules: system.rules,
        sandbox_level: match system.walls.level {
            SandboxChoice::Auto => None,
            SandboxChoice::Strict => Some(SandboxLevel::Strict),
            SandboxChoice::Kernel => Some(SandboxLevel::Kernel),
            SandboxChoice::None => Some(SandboxLevel::None),
        },
        network: system.walls.network,
        add_dirs: system.walls.add_dirs,
        pass_env: system.walls.pass_env,
        lang: system.lang,
        log_level: system.log_level,
        log_format: system.log_format,
        manager: team.manager,
        workers: team.workers,
        files,
        shown: system.shown,
        wanted_provider: request.flags.provider.clone(),
        base_url: system.base_url,
        credentials: system.credentials,
    })
}
