//! A configured better-llm: what it knows, and how it starts a session.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::Duration,
};

use application::{Recruit, SessionHandle, SessionParts, Team};
use config::{Notice, Settings};
use domain::{
    agent::{AgentName, AgentSpec},
    id::SessionId,
    model::Effort,
    permission::SandboxState,
    person::Presence,
    ports::{Clock, IdSource},
    secret::Redactor,
};
use sandbox::{Helper, Sandbox, Tidied};
use storage::{RecordFiles, SqliteJournal};
use tools::{AddedRoot, ToolDeps, Toolbox};
use workspace::{Workspace, lock::Lock};

use crate::{
    VERSION,
    error::StartError,
    models::{Asking, Models, SessionModels},
};

mod builder;
mod ground;
mod ownership;
mod sessions;
mod sharing;
mod undo;
mod wiring;

pub use builder::EngineBuilder;
pub use ground::ClearError;
use ground::Ground;
use ownership::Rights;
use sessions::Inheritance;
pub use sessions::{Fork, SessionError};
use sharing::Sharing;
pub use undo::{Undo, UndoError};

/// A configured better-llm, ready for sessions.
pub struct Engine {
    cwd: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    settings: Settings,
    notices: Vec<Notice>,
    said: Vec<(String, String)>,
    effort: Option<Effort>,
    presence: Presence,
    /// How long a session waits for the right to write in the workspace.
    patience: Duration,
    /// Whether sessions that begin work in worktrees of their own.
    in_worktree: bool,
    models: Models,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    helper: Option<Helper>,
    journal: Arc<SqliteJournal>,
    records: Arc<RecordFiles>,
    redactor: Arc<Redactor>,
    sharing: Sharing,
    /// What killed programs left in the run folder is looked for once.
    tidied: Arc<Tidied>,
    /// The same of their locks.
    locks_tidied: Once,
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

    /// What takes the secrets of this environment, and whatever has the form of one, out of texts. Sessions write
    /// nothing that did not go through it; a front end sends its own words through it, too.
    #[must_use]
    pub const fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
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
        let sandbox = Sandbox::new(self.sandbox_settings(SessionId::new(self.ids.next()), &self.cwd));
        sandbox.check().await.map_err(StartError::Sandbox)
    }

    /// Starts a session on the present tokio runtime. The sandbox is probed, the right to write the session's journal is
    /// taken, and its worktree is made where it is to have one; nothing else happens before its first round.
    ///
    /// # Errors
    /// [`StartError`] where there is no model, no price for one under a limit of costs, no sandbox of the level that was
    /// named, no place for locks, or nothing to make a worktree from.
    pub async fn session(&self) -> Result<SessionHandle, StartError> {
        let models = self.session_models(&BTreeMap::new()).await?;
        let id = SessionId::new(self.ids.next());
        let lock = self.own(id)?;
        let ground = self.ground(id).await?;
        match self.parts(id, models, lock, ground, Inheritance::default()).await {
            Ok(parts) => Ok(self.shared(parts, SessionHandle::start)),
            Err(error) => {
                self.abandon(id).await;
                Err(error)
            }
        }
    }

    /// Begins a session that other processes may watch and tell something.
    fn shared(
        &self,
        parts: SessionParts,
        begin: impl FnOnce(SessionParts) -> SessionHandle,
    ) -> SessionHandle {
        let cwd = parts.cwd.clone();
        let session = begin(parts);
        self.sharing.show(&session, cwd);
        session
    }

    /// The models of a session whose agents have made these requests before.
    async fn session_models(&self, requests: &BTreeMap<AgentName, u64>) -> Result<SessionModels, StartError> {
        let asking = Asking {
            settings: &self.settings,
            cwd: &self.cwd,
            redactor: &self.redactor,
            clock: &self.clock,
            effort: self.effort,
            requests,
        };
        SessionModels::connect(&self.models, &asking).await
    }

    /// Everything that a session is made of.
    async fn parts(
        &self,
        id: SessionId,
        models: SessionModels,
        lock: Lock,
        ground: Ground,
        inheritance: Inheritance,
    ) -> Result<SessionParts, StartError> {
        let Ground { cwd, notices: place } = ground;
        let Inheritance { stores, notices } = inheritance;
        let sandbox = Arc::new(Sandbox::new(self.sandbox_settings(id, &cwd)));
        let state = sandbox.check().await.map_err(StartError::Sandbox)?;
        let unreachable = self.sharing.begin().await;
        let mut settings = self.workspace_settings(id, &cwd);
        settings.ancestors = stores;
        let workspace = Arc::new(Workspace::open(settings));
        let configured = self.notices.iter().map(|notice| (notice.code().to_owned(), notice.to_string()));
        let said = configured.chain(self.said.iter().cloned());
        Ok(SessionParts {
            id,
            team: self.team(&cwd, &models, &sandbox, &workspace)?,
            claim: Arc::new(Rights::new(self.claim(id, &cwd, self.patience), lock)),
            cwd: cwd.display().to_string(),
            version: VERSION.to_owned(),
            policy: self.policy(),
            presence: self.presence,
            grants: Some(Arc::new(self.settings.grants())),
            sandbox: state,
            limits: self.settings.limits.clone(),
            verify: self.settings.verify_commands.clone(),
            notices: place
                .into_iter()
                .chain(said)
                .chain(models.notices)
                .chain(sandbox.words_of_the_dead())
                .chain(notices)
                .chain(unreachable)
                .collect(),
            redactor: Arc::clone(&self.redactor),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            journal: Arc::clone(&self.journal) as _,
            records: Arc::clone(&self.records) as _,
            workspace,
            processes: Arc::clone(&sandbox) as _,
            servers: sandbox,
        })
    }

    /// The agents, with what they work by.
    fn team(
        &self,
        cwd: &Path,
        models: &SessionModels,
        sandbox: &Arc<Sandbox>,
        workspace: &Arc<Workspace>,
    ) -> Result<Team, StartError> {
        let added = self.settings.add_dirs.iter();
        let toolbox = Toolbox::open(ToolDeps {
            root: cwd.to_owned(),
            added: added
                .map(|added| AddedRoot { path: added.path.clone(), writable: added.writable })
                .collect(),
            protected: self.protected(cwd),
            processes: Arc::clone(sandbox) as _,
            servers: Arc::clone(sandbox) as _,
            workspace: Arc::clone(workspace) as _,
            ids: Arc::clone(&self.ids),
        })?;
        let tools = toolbox.all();
        let named = |name: &String| tools.iter().find(|tool| *tool.spec().name == **name).cloned();
        let recruit = |spec: &AgentSpec| Recruit {
            spec: spec.clone(),
            model: models.of(&spec.name),
            tools: spec.tools.iter().filter_map(named).collect(),
        };
        let workers = self.settings.workers.iter().map(recruit).collect();
        let cwd = cwd.display().to_string();
        Ok(Team::new(recruit(&self.settings.manager), workers, self.effort, &cwd))
    }

    /// Gives processes that watch a moment for what they have not read, writes what the journal still holds and closes it.
    ///
    /// # Errors
    /// What could not be kept.
    pub async fn close(self) -> Result<(), domain::ports::JournalError> {
        self.sharing.close().await;
        self.journal.close().await
    }
}
