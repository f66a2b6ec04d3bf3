//! Commands: at `none` a bare spawn of the shell; at a level, the wrapper of better-llm itself, used as a library.
//!
//! So the rows of a level hold what better-llm adds *around* its wrapper against nothing; what the wrapper costs is
//! the difference to the rows of `none`, and `launch_cost` of the sandbox's examples measures it alone.

use std::{process::Stdio, sync::Arc};

use domain::{
    command::CommandRequest,
    permission::SandboxLevel,
    ports::{OutputSink, Processes, never_cancelled},
};
use sandbox::{NetworkAccess, Requested, Sandbox, SandboxSettings};
use testkit::MemoryArtifacts;

use crate::Result;

/// Runs commands in the present folder.
pub(crate) enum Commands {
    Bare,
    Walled { sandbox: Box<Sandbox>, _cache: tempfile::TempDir },
}

struct Unseen;

impl OutputSink for Unseen {
    fn chunk(&self, _text: &str) {}
}

impl Commands {
    pub(crate) fn at(level: SandboxLevel) -> Result<Self> {
        if level == SandboxLevel::None {
            return Ok(Self::Bare);
        }
        let cache = tempfile::tempdir_in("..")?;
        let sandbox = Sandbox::new(SandboxSettings {
            workspace: std::env::current_dir()?,
            toolchains_of: std::env::current_dir()?,
            requested: Requested::Level(level),
            cache: std::fs::canonicalize(cache.path())?,
            run_folder: std::fs::canonicalize(cache.path())?.join("run"),
            tidied: Arc::default(),
            helper: None,
            session: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse()?,
            git_dirs: Vec::new(),
            protected: Vec::new(),
            own: Vec::new(),
            artifacts: Arc::new(MemoryArtifacts::new()),
            redactor: Arc::default(),
            environment: std::env::vars_os().collect(),
            memory: None,
            network: NetworkAccess::Off,
            add_dirs: Vec::new(),
            pass_env: Vec::new(),
        });
        Ok(Self::Walled { sandbox: Box::new(sandbox), _cache: cache })
    }

    /// Runs a command to its end and gives what it wrote.
    pub(crate) async fn run(&self, command: &str) -> Result<String> {
        match self {
            Self::Bare => {
                let mut shell = tokio::process::Command::new("/bin/bash");
                let output = shell.arg("-c").arg(command).stdin(Stdio::null()).output().await?;
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Self::Walled { sandbox, .. } => {
                let request = CommandRequest::new(command);
                let end = sandbox.run(request, Arc::new(Unseen), never_cancelled()).await?;
                Ok(end.output.head)
            }
        }
    }
}
