//! What each adapter is told of the settings.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{id::SessionId, permission::Policy};
use sandbox::{NetworkAccess, Requested, SandboxSettings};
use storage::ArtifactFiles;
use workspace::{ClaimSettings, WorkspaceClaim, WorkspaceSettings};

use super::Engine;

/// Files of a workspace that are our configuration by their content (contract 3).
const CONFIGURATION: [&str; 2] = ["config/agent_config.json", "config/system_config.json"];
/// The folder of a workspace that holds our configuration.
const FOLDER: &str = ".better-llm";

impl Engine {
    /// What a session may do without asking.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            mode: self.settings.permission_mode,
            rules: self.settings.rules.iter().map(|sourced| sourced.rule.clone()).collect(),
        }
    }

    /// Our own configuration and data: neither tools nor commands may write them.
    pub(super) fn protected(&self, cwd: &Path) -> Vec<PathBuf> {
        let places = &self.settings.places;
        let own = [&places.config, &places.data, &places.state].map(Clone::clone);
        let kept = own.into_iter().chain(self.configuration_files()).chain(would_count(cwd));
        kept.chain(self.git_settings_of_the_person(cwd)).collect()
    }

    /// What every git of the person's obeys, where the workspace holds their home.
    fn git_settings_of_the_person(&self, cwd: &Path) -> Vec<PathBuf> {
        let home = self.variables.get(OsStr::new("HOME")).map(PathBuf::from);
        let home = home.and_then(|home| home.canonicalize().ok()).filter(|home| home.starts_with(cwd));
        home.map(|home| [".gitconfig", ".config/git/config"].map(|name| home.join(name)).into())
            .unwrap_or_default()
    }

    /// The configuration files and prompts that count, and the folder of the workspace whose files would if they
    /// appeared.
    pub(super) fn configuration_files(&self) -> Vec<PathBuf> {
        let used = self.settings.files.iter().map(|file| file.path.clone());
        let team = std::iter::once(&self.settings.manager).chain(&self.settings.workers);
        // A built-in prompt has a word for a source.
        let prompts = team.map(|spec| PathBuf::from(&spec.prompt_source)).filter(|path| path.is_absolute());
        used.chain(prompts).chain([self.cwd.join(FOLDER)]).collect()
    }

    /// What commands of a session that works in `cwd` are held to.
    pub(super) fn sandbox_settings(&self, session: SessionId, cwd: &Path) -> SandboxSettings {
        SandboxSettings {
            workspace: cwd.to_owned(),
            toolchains_of: self.cwd.clone(),
            requested: self.settings.sandbox_level.map_or(Requested::Auto, Requested::Level),
            cache: self.settings.places.cache.clone(),
            session,
            run_folder: self.settings.places.run(),
            tidied: Arc::clone(&self.tidied),
            helper: self.helper.clone(),
            git_dirs: workspace::git_dirs(cwd),
            protected: self
                .configuration_files()
                .into_iter()
                .chain(would_count(cwd))
                .chain([self.settings.places.config.clone()])
                .chain(self.own_git(session, cwd))
                .collect(),
            own: vec![self.settings.places.data.clone(), self.settings.places.state.clone()],
            artifacts: Arc::new(ArtifactFiles::new(
                self.settings.places.artifacts(),
                Arc::clone(&self.redactor),
            )),
            redactor: Arc::clone(&self.redactor),
            environment: self.variables.clone().into_iter().collect(),
            memory: None,
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

    pub(super) fn network(&self) -> NetworkAccess {
        match self.settings.network.as_slice() {
            [] => NetworkAccess::Off,
            hosts if hosts.iter().any(|host| host == "*") => NetworkAccess::Open,
            hosts => NetworkAccess::Hosts(hosts.to_vec()),
        }
    }

    /// Where a session keeps states of the workspace. They last: undo needs them when the session is over.
    pub(super) fn store(&self, session: SessionId) -> PathBuf {
        self.settings.places.data.join("checkpoints").join(session.to_string())
    }

    /// What says which programs our own git directory runs. Where the workspace holds our data, a command may not write
    /// it.
    pub(super) fn own_git(&self, session: SessionId, cwd: &Path) -> Vec<PathBuf> {
        let git = self.store(session).join("open/1/git");
        let inside = git.starts_with(cwd);
        ["config", "config.worktree", "commondir"]
            .iter()
            .filter(|_| inside)
            .map(|name| git.join(name))
            .collect()
    }

    /// The right to write in `cwd`. Waits for whoever has it as long as `patience` is.
    pub(super) fn claim(&self, session: SessionId, cwd: &Path, patience: Duration) -> WorkspaceClaim {
        let places = &self.settings.places;
        WorkspaceClaim::new(ClaimSettings {
            workspace: cwd.to_owned(),
            locks: places.locks(),
            own: vec![places.data.clone(), places.state.clone(), places.cache.clone()],
            session,
            patience,
            clock: Arc::clone(&self.clock),
        })
    }

    pub(super) fn workspace_settings(&self, session: SessionId, cwd: &Path) -> WorkspaceSettings {
        let places = &self.settings.places;
        let mut settings =
            WorkspaceSettings::new(cwd.to_owned(), self.store(session), self.variables.clone());
        settings.own = vec![places.data.clone(), places.state.clone(), places.cache.clone()];
        settings
    }
}

/// Files of a workspace that would be our configuration if they appeared.
fn would_count(cwd: &Path) -> impl Iterator<Item = PathBuf> {
    CONFIGURATION.into_iter().chain([FOLDER]).map(|file| cwd.join(file))
}
