//! What a sandbox has to be told. Nothing here is looked up: the caller knows the host, this crate does not ask it.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{id::SessionId, permission::SandboxLevel, ports::ArtifactPort, secret::Redactor};

use crate::helper::Helper;

/// The level that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// The best level that works here; never `none`.
    Auto,
    /// This one, or an error: it is never stepped down.
    Level(SandboxLevel),
}

/// How far commands reach over the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetworkAccess {
    /// Not at all. At `strict` the commands of one run reach each other over a loopback of their own.
    #[default]
    Off,
    /// Like a program of the person's (`--allow-network`).
    Open,
    /// The hosts of an allow-list (`sandbox.network`), by name or `*.name`, over a proxy of ours. `strict` only.
    Hosts(Vec<String>),
}

/// A folder besides the workspace that commands may use (`--add-dir`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedDir {
    /// The folder; canonical.
    pub path: PathBuf,
    /// False: commands only read it.
    pub writable: bool,
}

/// Everything that shapes the commands of one session.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// The folder that commands run in and may write; canonical.
    pub workspace: PathBuf,
    /// The workspace whose tool chains' caches are used, canonical: this one, or the one that it is a worktree of.
    pub toolchains_of: PathBuf,
    /// The level.
    pub requested: Requested,
    /// The cache root. `toolchains/<workspace>` ([`SandboxSettings::toolchains_of`]) is made under it: the home of
    /// sandboxed commands, the caches of their tool chains, and one private temporary folder per session, which goes when the [`crate::Sandbox`] goes.
    pub cache: PathBuf,
    /// Names the private temporary folder.
    pub session: SessionId,
    /// Where sessions note what they would leave behind if they were killed (`state/run`); made where it is missing.
    pub run_folder: PathBuf,
    /// Whether it was worked off already what killed programs left there. Shared by the sandboxes of one engine: the
    /// first of them looks, and a thousand others need not.
    pub tidied: Arc<Tidied>,
    /// Ends what is left as soon as this program has been killed. None: the next start does.
    pub helper: Option<Helper>,
    /// The workspace's git dir and common dir, canonical; empty outside of git. Inside the workspace they are
    /// protected, outside they become readable.
    pub git_dirs: Vec<PathBuf>,
    /// Our own configuration and data, files or whole folders, whether they exist or not. Those inside the workspace
    /// are compared before and after each command, so they must not name what the engine itself writes meanwhile
    /// (the journal).
    pub protected: Vec<PathBuf>,
    /// Our data that the engine writes meanwhile (the journal): where the workspace holds it, commands at `strict`
    /// cannot write it. Nothing compares it.
    pub own: Vec<PathBuf>,
    /// Where the whole of a long output goes.
    pub artifacts: Arc<dyn ArtifactPort>,
    /// What takes secrets out of what commands say.
    pub redactor: Arc<Redactor>,
    /// The host's environment. Only the names of an allow-list reach a command.
    pub environment: Vec<(OsString, OsString)>,
    /// Bytes of memory that the processes of one command may hold together where a wall holds them. None: three
    /// quarters of what this machine, or the container we are in, has.
    pub memory: Option<u64>,
    /// The network; nothing to choose at `none`.
    pub network: NetworkAccess,
    /// Further folders.
    pub add_dirs: Vec<AddedDir>,
    /// Further names of `environment` that reach commands, at every level. Names of our own credentials are refused;
    /// what the sandbox sets itself (`HOME`, `TMPDIR`, caches of tool chains) stays as it sets it.
    pub pass_env: Vec<OsString>,
}

/// What is done once for all sandboxes that share it.
#[derive(Debug, Clone, Default)]
pub struct Tidied(pub(crate) tokio::sync::OnceCell<()>);

impl SandboxSettings {
    /// A variable of the host's environment, where it is set and not empty.
    pub(crate) fn host(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .iter()
            .find(|(key, value)| key.as_os_str() == OsStr::new(name) && !value.is_empty())
            .map(|(_, value)| value.as_os_str())
    }

    /// The folders that commands may write: the workspace first.
    pub(crate) fn writable_roots(&self) -> impl Iterator<Item = &Path> {
        let added = self.add_dirs.iter().filter(|added| added.writable).map(|added| added.path.as_path());
        std::iter::once(self.workspace.as_path()).chain(added)
    }

    /// The person's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.host("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
    }

    /// `PATH`, or what shells assume without one.
    pub(crate) fn path(&self) -> &OsStr {
        self.host("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"))
    }
}
