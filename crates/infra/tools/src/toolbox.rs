//! Every tool of this crate by its name.

use std::{path::PathBuf, sync::Arc};

use domain::{
    ports::{IdSource, Processes, Servers, ToolPort, WorkspacePort},
    tool::Access,
};

use crate::{
    bash::Bash,
    commit::Commit,
    confined::{AddedRoot, Confined, OpenError},
    diff::Diff,
    edit::Edit,
    glob::GlobTool,
    grep::Grep,
    process::Process,
    read::Read,
    stale_guard::StaleGuard,
    tool::{Adapter, Tool},
    write::Write,
};

/// The names of the tools, as models call them (contract 4).
pub const NAMES: [&str; 9] = ["read", "glob", "grep", "diff", "write", "edit", "bash", "process", "commit"];

/// What a tool can touch; none where `name` is not among [`NAMES`].
#[must_use]
pub fn access(name: &str) -> Option<Access> {
    Some(match name {
        "read" => Read::ACCESS,
        "glob" => GlobTool::ACCESS,
        "grep" => Grep::ACCESS,
        "diff" => Diff::ACCESS,
        "write" => Write::ACCESS,
        "edit" => Edit::ACCESS,
        "bash" => Bash::ACCESS,
        "process" => Process::ACCESS,
        "commit" => Commit::ACCESS,
        _ => return None,
    })
}

/// What the tools need from outside.
pub struct ToolDeps {
    /// The workspace's folder. Nothing outside of it and of `added` can be reached.
    pub root: PathBuf,
    /// Further folders whose files can be reached, by absolute paths. They are opened once, like the workspace.
    pub added: Vec<AddedRoot>,
    /// Files and folders that the file tools may not write, beside `.git`, `.better-llm` and shell start-up files:
    /// the engine's own configuration and data. Absolute, or relative to `root`; they need not exist.
    pub protected: Vec<PathBuf>,
    /// Runs commands.
    pub processes: Arc<dyn Processes>,
    /// Keeps commands running in the background.
    pub servers: Arc<dyn Servers>,
    /// Knows earlier states of the files, and commits.
    pub workspace: Arc<dyn WorkspacePort>,
    /// Where the ids of the session's runs come from, too: by them it is told what a run began before.
    pub ids: Arc<dyn IdSource>,
}

/// Makes tools that share one view of the workspace: their writes take turns, and none overwrites what its run has not
/// seen.
pub struct Toolbox {
    files: Arc<Confined>,
    guard: Arc<StaleGuard>,
    processes: Arc<dyn Processes>,
    servers: Arc<dyn Servers>,
    workspace: Arc<dyn WorkspacePort>,
}

impl Toolbox {
    /// Opens the workspace and the folders added to it.
    ///
    /// # Errors
    /// [`OpenError`] where a folder is missing or cannot be opened.
    pub fn open(deps: ToolDeps) -> Result<Self, OpenError> {
        let files = Arc::new(Confined::open_roots(&deps.root, &deps.added, &deps.protected)?);
        let guard = Arc::new(StaleGuard::new(deps.ids));
        Ok(Self { files, guard, processes: deps.processes, servers: deps.servers, workspace: deps.workspace })
    }

    /// The tool of that name; none where `name` is not among [`NAMES`].
    #[must_use]
    pub fn build(&self, name: &str) -> Option<Arc<dyn ToolPort>> {
        let files = || Arc::clone(&self.files);
        let guard = || Arc::clone(&self.guard);
        let workspace = || Arc::clone(&self.workspace);
        Some(match name {
            "read" => Adapter::wrap(Read::new(files(), guard())),
            "glob" => Adapter::wrap(GlobTool::new(files())),
            "grep" => Adapter::wrap(Grep::new(files())),
            "diff" => Adapter::wrap(Diff::new(files(), workspace())),
            "write" => Adapter::wrap(Write::new(files(), guard())),
            "edit" => Adapter::wrap(Edit::new(files(), guard())),
            "bash" => Adapter::wrap(Bash::new(Arc::clone(&self.processes))),
            "process" => Adapter::wrap(Process::new(Arc::clone(&self.servers), Arc::clone(&self.processes))),
            "commit" => Adapter::wrap(Commit::new(files(), workspace(), Arc::clone(&self.servers))),
            _ => return None,
        })
    }

    /// Every tool, in the order of [`NAMES`].
    #[must_use]
    pub fn all(&self) -> Vec<Arc<dyn ToolPort>> {
        NAMES.iter().filter_map(|name| self.build(name)).collect()
    }
}

#[cfg(test)]
mod tests;
