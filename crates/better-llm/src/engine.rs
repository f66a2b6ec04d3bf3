//! From a builder to a session: everything a run may know comes in here (law 11).

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use application::{Recruit, SessionHandle, SessionParts, Team};
use config::{Environment, LoadRequest, Loaded, Notice, Overrides, Settings};
use domain::{
    agent::AgentSpec,
    id::SessionId,
    model::Effort,
    permission::{PermissionMode, Policy, SandboxState},
    ports::{Clock, IdSource, ModelPort},
};
use sandbox::{NetworkAccess, Requested, Sandbox, SandboxSettings};
use storage::{ArtifactFiles, RecordFiles, SqliteJournal};
use tools::{AddedRoot, ToolDeps, Toolbox};
use workspace::{Workspace, WorkspaceSettings};

use crate::{
    VERSION,
    error::StartError,
    host::{RandomIds, SystemClock},
    models,
    prompts::EMBEDDED,
};

/// How long a person is waited for who is asked for leave (contract 3, `question_timeout_seconds`).
const PATIENCE: Duration = Duration::from_secs(600);

/// Takes what a run may know. Nothing is read from the process: a program hands over its environment or a part of
/// it, or none.
pub struct EngineBuilder {
    cwd: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    config_files: Vec<PathBuf>,
    flags: Overrides,
    effort: Option<Effort>,
    said: Vec<(String, String)>,
    default_mode: PermissionMode,
    attended: bool,
    model: Option<Arc<dyn ModelPort>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl EngineBuilder {
    /// Begins with the workspace, an empty environment and the system's clock.
    #[must_use]
    pub fn new(cwd: impl Into<PathBuf>) -> Self {
        Self {
            cwd: cwd.into(),
            variables: BTreeMap::new(),
            config_files: Vec::new(),
            flags: Overrides::default(),
            effort: None,
            said: Vec::new(),
            default_mode: PermissionMode::AutoEdit,
            attended: false,
            model: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds::default()),
        }
    }

    /// The environment: credentials, places, tool chains (contract 3). `HOME` in it is the person's home folder.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// A system or an agent configuration that the person named; at most one of each.
    #[must_use]
    pub fn config_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.config_files.push(file.into());
        self
    }

    /// What stands above environment and configuration.
    #[must_use]
    pub fn overrides(mut self, flags: Overrides) -> Self {
        self.flags = flags;
        self
    }

    /// The reasoning effort of every agent.
    #[must_use]
    pub const fn effort(mut self, effort: Option<Effort>) -> Self {
        self.effort = effort;
        self
    }

    /// Something worth knowing that the front end noticed: a `notice` among the first events of every session.
    /// `code` is stable and for programs; `text` is English.
    #[must_use]
    pub fn notice(mut self, code: impl Into<String>, text: impl Into<String>) -> Self {
        self.said.push((code.into(), text.into()));
        self
    }

    /// Says that a person is there to answer [`domain::event::EventBody::PermissionAsked`] with
    /// [`domain::session::Command::Permission`]. Without one, what would have to be asked is denied at once.
    #[must_use]
    pub const fn attended(mut self, attended: bool) -> Self {
        self.attended = attended;
        self
    }

    /// A model of the embedding program, instead of a provider.
    #[must_use]
    pub fn model(mut self, model: Arc<dyn ModelPort>) -> Self {
        self.model = Some(model);
        self
    }

    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of ids.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// Reads the configuration. Nothing is written, nothing is started.
    ///
    /// # Errors
    /// [`StartError`] where the workspace cannot be used or the configuration is wrong.
    pub async fn build(self) -> Result<Engine, StartError> {
        let cwd = std::fs::canonicalize(&self.cwd)
            .map_err(|source| StartError::Workspace { path: self.cwd.clone(), source })?;
        if !cwd.is_dir() {
            let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(StartError::Workspace { path: self.cwd, source });
        }
        let Loaded { settings, notices } = self.load(&cwd).await?;
        let journal = Arc::new(SqliteJournal::new(settings.places.database()));
        let records = Arc::new(RecordFiles::new(settings.places.records()));
        Ok(Engine {
            cwd,
            variables: self.variables,
            settings,
            notices,
            said: self.said,
            effort: self.effort,
            attended: self.attended,
            model: self.model,
            clock: self.clock,
            ids: self.ids,
            journal,
            records,
        })
    }

    async fn load(&self, cwd: &Path) -> Result<Loaded, StartError> {
        let dot_env = cwd.join(".env");
        let is_tracked = dot_env.exists() && {
            let asked = WorkspaceSettings::new(cwd.to_owned(), PathBuf::new(), self.variables.clone());
            workspace::is_tracked(&asked, &dot_env).await
        };
        let home = self.variables.get(OsStr::new("HOME")).map(Path::new);
        let loaded = Settings::load(&LoadRequest {
            environment: &self.variables.clone().into_iter().collect::<Environment>(),
            home: home.filter(|home| home.is_absolute()),
            cwd,
            config_files: &self.config_files,
            flags: &self.flags,
            default_mode: self.default_mode,
            known_tools: &tools::NAMES,
            embedded_prompts: &EMBEDDED,
            is_tracked: &|_| is_tracked,
        })?;
        Ok(loaded)
    }
}

/// A configured better-llm, ready for sessions.
pub struct Engine {
    cwd: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    settings: Settings,
    notices: Vec<Notice>,
    said: Vec<(String, String)>,
    effort: Option<Effort>,
    attended: bool,
    model: Option<Arc<dyn ModelPort>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    journal: Arc<SqliteJournal>,
    records: Arc<RecordFiles>,
}

impl Engine {
    /// What was decided from files, environment and flags.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What was left out while the configuration was read.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The workspace, canonical.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.cwd
    }

    /// The sandbox level that a session would have, found by running a command in it.
    ///
    /// # Errors
    /// [`StartError::Sandbox`] where a level was named and cannot be had.
    pub async fn sandbox(&self) -> Result<SandboxState, StartError> {
        let sandbox = Sandbox::new(self.sandbox_settings(SessionId::new(self.ids.next())));
        sandbox.check().await.map_err(StartError::Sandbox)
    }

    /// Starts a session on the present tokio runtime. The sandbox is probed; nothing else happens before its first
    /// round.
    ///
    /// # Errors
    /// [`StartError`] where there is no model, or no sandbox of the level that was named.
    pub async fn session(&self) -> Result<SessionHandle, StartError> {
        let model = match &self.model {
            Some(model) => Arc::clone(model),
            None => models::connect(&self.settings, &self.cwd)?,
        };
        let id = SessionId::new(self.ids.next());
        let sandbox = Arc::new(Sandbox::new(self.sandbox_settings(id)));
        let state = sandbox.check().await.map_err(StartError::Sandbox)?;
        let workspace = Arc::new(Workspace::open(self.workspace_settings(id)));
        let toolbox = Toolbox::open(ToolDeps {
            root: self.cwd.clone(),
            added: self
                .settings
                .add_dirs
                .iter()
                .map(|added| AddedRoot { path: added.path.clone(), writable: added.writable })
                .collect(),
            protected: self.protected(),
            processes: Arc::clone(&sandbox) as _,
            workspace: Arc::clone(&workspace) as _,
        })?;
        let tools = toolbox.all();
        let named = |name: &String| tools.iter().find(|tool| *tool.spec().name == **name).cloned();
        let recruit = |spec: &AgentSpec| Recruit {
            spec: spec.clone(),
            model: Arc::clone(&model),
            tools: spec.tools.iter().filter_map(named).collect(),
        };
        let workers = self.settings.workers.iter().map(recruit).collect();
        let cwd = self.cwd.display().to_string();
        Ok(SessionHandle::start(SessionParts {
            id,
            team: Team::new(recruit(&self.settings.manager), workers, self.effort, &cwd),
            cwd,
            version: VERSION.to_owned(),
            policy: self.policy(),
            patience: self.attended.then_some(PATIENCE),
            grants: None,
            sandbox: state,
            limits: self.settings.limits.clone(),
            verify: self.settings.verify_commands.clone(),
            notices: self
                .notices
                .iter()
                .map(|notice| (notice.code().to_owned(), notice.to_string()))
                .chain(self.said.iter().cloned())
                .collect(),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            journal: Arc::clone(&self.journal) as _,
            records: Arc::clone(&self.records) as _,
            workspace,
            processes: sandbox,
            servers: Arc::new(NoServers),
        }))
    }

    /// Writes what the journal still holds and closes it.
    ///
    /// # Errors
    /// What could not be kept.
    pub async fn close(self) -> Result<(), domain::ports::JournalError> {
        self.journal.close().await
    }

    /// What a session may do without asking.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            mode: self.settings.permission_mode,
            rules: self.settings.rules.iter().map(|sourced| sourced.rule.clone()).collect(),
        }
    }

    /// Our own configuration and data: neither tools nor commands may write them.
    fn protected(&self) -> Vec<PathBuf> {
        let places = &self.settings.places;
        let own = [&places.config, &places.data, &places.state].map(Clone::clone);
        own.into_iter().chain(self.configuration_files()).collect()
    }

    /// The configuration files that count, and those of the workspace that would if they appeared.
    fn configuration_files(&self) -> Vec<PathBuf> {
        let used = self.settings.files.iter().map(|file| file.path.clone());
        used.chain([self.cwd.join(".better-llm")]).collect()
    }

    fn sandbox_settings(&self, session: SessionId) -> SandboxSettings {
        SandboxSettings {
            workspace: self.cwd.clone(),
            requested: self.settings.sandbox_level.map_or(Requested::Auto, Requested::Level),
            cache: self.settings.places.cache.clone(),
            session,
            git_dirs: workspace::git_dirs(&self.cwd),
            protected: self
                .configuration_files()
                .into_iter()
                .chain([self.settings.places.config.clone(), self.own_git(session)])
                .collect(),
            artifacts: Arc::new(ArtifactFiles::new(self.settings.places.artifacts())),
            environment: self.variables.clone().into_iter().collect(),
            network: self.network(),
            add_dirs: self
                .settings
                .add_dirs
                .iter()
                .map(|added| sandbox::AddedDir { path: added.path.clone(), writable: added.writable })
                .collect(),
            pass_env: self.settings.pass_env.iter().map(OsString::from).collect(),
        }
    }

    fn network(&self) -> NetworkAccess {
        match self.settings.network.as_slice() {
            [] => NetworkAccess::Off,
            hosts if hosts.iter().any(|host| host == "*") => NetworkAccess::Open,
            hosts => NetworkAccess::Hosts(hosts.to_vec()),
        }
    }

    /// Where a session keeps states of the workspace.
    fn store(&self, session: SessionId) -> PathBuf {
        self.settings.places.cache.join("checkpoints").join(session.to_string())
    }

    /// The configuration of our own git directory: it says what git runs, so where the workspace holds the cache, a
    /// command may not write it.
    fn own_git(&self, session: SessionId) -> PathBuf {
        self.store(session).join("git").join("config")
    }

    fn workspace_settings(&self, session: SessionId) -> WorkspaceSettings {
        let places = &self.settings.places;
        let mut settings =
            WorkspaceSettings::new(self.cwd.clone(), self.store(session), self.variables.clone());
        settings.own = vec![places.data.clone(), places.state.clone(), places.cache.clone()];
        settings
    }
}

/// Until the sandbox keeps servers.
struct NoServers;

#[async_trait::async_trait]
impl domain::ports::Servers for NoServers {
    async fn start(
        &self,
        _: domain::command::ServerRequest,
    ) -> Result<domain::command::ServerId, domain::command::ServerError> {
        Err(domain::command::ServerError::TooMany(0))
    }
    async fn read(
        &self,
        _: domain::id::RunId,
        server: &domain::command::ServerId,
    ) -> Result<domain::command::ServerOutput, domain::command::ServerError> {
        Err(domain::command::ServerError::Unknown(server.clone()))
    }
    async fn stop(
        &self,
        run: domain::id::RunId,
        server: &domain::command::ServerId,
    ) -> Result<domain::command::ServerOutput, domain::command::ServerError> {
        self.read(run, server).await
    }
    async fn end_run(&self, _: domain::id::RunId) {}
}
