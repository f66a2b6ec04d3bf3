//! Where everything comes in that a run may know (law 11).

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::Duration,
};

use config::{Environment, LoadRequest, Loaded, Overrides, Settings};
use domain::{
    model::Effort,
    permission::PermissionMode,
    person::Presence,
    ports::{Clock, IdSource, ModelPort},
    secret::Redactor,
};
use sandbox::Helper;
use storage::{RecordFiles, SqliteJournal};
use workspace::WorkspaceSettings;

use super::{Engine, sharing::Sharing};
use crate::{
    error::StartError,
    host::{RandomIds, SystemClock},
    models::Models,
    prompts::EMBEDDED,
};

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
    question_timeout: Option<Duration>,
    intervention: Option<Duration>,
    patience: Duration,
    in_worktree: bool,
    is_shared: bool,
    model: Option<Arc<dyn ModelPort>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    helper: Option<Helper>,
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
            question_timeout: None,
            intervention: None,
            patience: Duration::ZERO,
            in_worktree: false,
            is_shared: true,
            model: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds::default()),
            helper: None,
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
    /// [`domain::session::Command::Permission`] and [`domain::event::EventBody::Question`] with
    /// [`domain::session::Command::Answer`], and to step in after reports. Without one, what would have to be asked is
    /// denied at once, a question ends the round, and no window opens. Who leaves in the middle says so with
    /// [`domain::session::Command::Unattended`].
    #[must_use]
    pub const fn attended(mut self, attended: bool) -> Self {
        self.attended = attended;
        self
    }

    /// How long leave, a question and a paused window wait for a person who is there, instead of the configured time.
    #[must_use]
    pub const fn question_timeout(mut self, timeout: Duration) -> Self {
        self.question_timeout = Some(timeout);
        self
    }

    /// How long a person who is there may step in after reports, instead of the configured time; zero: only where they
    /// asked for a pause.
    #[must_use]
    pub const fn intervention(mut self, length: Duration) -> Self {
        self.intervention = Some(length);
        self
    }

    /// How long a session waits for another one that is at work in the same workspace, before its first effect. Without
    /// it such a call is denied at once. Stopping the round ends the waiting.
    #[must_use]
    pub const fn wait_for_workspace(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether other processes of the user may watch this engine's sessions and command them, over a socket in
    /// `state/run/` (`docs/socket.md`). They may unless this says no.
    #[must_use]
    pub const fn shared(mut self, is_shared: bool) -> Self {
        self.is_shared = is_shared;
        self
    }

    /// Whether each session that begins works in a git worktree of its own, on the branch `better-llm/<id>` from `HEAD`.
    /// Everything else comes from the workspace: configuration, trust, `.env`. The first notice of the session says where
    /// it is; whoever closed the session's handle has [`Engine::clear_worktree`] remove what nobody will miss. A session
    /// that goes on works where it did.
    #[must_use]
    pub const fn worktree(mut self, in_worktree: bool) -> Self {
        self.in_worktree = in_worktree;
        self
    }

    /// A model of the embedding program, instead of a provider. It makes one attempt and says what went wrong; it is
    /// asked again as a provider is.
    #[must_use]
    pub fn model(mut self, model: Arc<dyn ModelPort>) -> Self {
        self.model = Some(model);
        self
    }

    /// What [`crate::run_helper_if_asked`] gave, first in `main`: with it, everything that commands have started ends
    /// at once where this program is killed. Without it the next start ends that, and the sandbox's reason says so.
    #[must_use]
    pub fn helper(mut self, helper: Helper) -> Self {
        self.helper = Some(helper);
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

    /// What can be known of secrets before the configuration is read: those of the environment. For what a program
    /// says while it has no [`Engine`].
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        let environment: Environment = self.variables.clone().into_iter().collect();
        Redactor::new(environment.secrets().to_vec())
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
        let presence = match self.attended {
            true => Presence::Present {
                question_timeout: self.question_timeout.unwrap_or(settings.question_timeout),
                intervention: self.intervention.unwrap_or(settings.intervention),
            },
            false => Presence::Nobody,
        };
        let ignored = workspace::ignored_repository(&cwd).map(|text| ("repository_ignored".to_owned(), text));
        let unwatched = unwatched(&settings, &cwd).map(|text| ("added_folder_unwatched".to_owned(), text));
        let home = self.home().and_then(|home| holds_home(&cwd, home));
        let home = home.map(|text| ("workspace_holds_home".to_owned(), text));
        let journal = Arc::new(SqliteJournal::new(settings.places.database()));
        let redactor = Arc::new(Redactor::new(settings.secrets().to_vec()));
        let records = Arc::new(RecordFiles::new(settings.places.records(), Arc::clone(&redactor)));
        let sharing = Sharing::new(self.is_shared.then(|| settings.places.run()));
        Ok(Engine {
            cwd,
            variables: self.variables,
            settings,
            notices,
            said: self.said.into_iter().chain(ignored).chain(unwatched).chain(home).collect(),
            effort: self.effort,
            helper: self.helper,
            presence,
            patience: self.patience,
            in_worktree: self.in_worktree,
            models: Models::new(self.model),
            clock: self.clock,
            ids: self.ids,
            journal,
            records,
            redactor,
            sharing,
            tidied: Arc::default(),
            locks_tidied: Once::new(),
        })
    }

    async fn load(&self, cwd: &Path) -> Result<Loaded, StartError> {
        let dot_env = cwd.join(".env");
        let is_tracked = dot_env.exists() && {
            let asked = WorkspaceSettings::new(cwd.to_owned(), PathBuf::new(), self.variables.clone());
            workspace::is_tracked(&asked, &dot_env).await
        };
        let loaded = Settings::load(&LoadRequest {
            environment: &self.variables.clone().into_iter().collect::<Environment>(),
            home: self.home(),
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

    fn home(&self) -> Option<&Path> {
        self.variables.get(OsStr::new("HOME")).map(Path::new).filter(|home| home.is_absolute())
    }
}

/// Says of folders that were added to write in what is not done for them.
fn unwatched(settings: &Settings, cwd: &Path) -> Option<String> {
    let outside = settings.add_dirs.iter().filter(|added| added.writable && !added.path.starts_with(cwd));
    let folders = outside.map(|added| added.path.display().to_string()).collect::<Vec<_>>().join(", ");
    (!folders.is_empty()).then(|| {
        format!(
            "what changes in {folders} (`--add-dir`) is named in no list of changed files, and is not undone"
        )
    })
}

/// Says of a workspace with the person's home in it what is not kept from commands there.
fn holds_home(cwd: &Path, home: &Path) -> Option<String> {
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    let is = if home == cwd { "is" } else { "holds" };
    home.starts_with(cwd).then(|| {
        format!(
            "{} {is} your home folder: models and commands may read all of it, keys and tokens included, and write all \
             of it but for start-up files of shells and settings of git",
            cwd.display()
        )
    })
}
