//! A worktree of a session's own, on a branch of its own (contract 1, `--worktree`): made from `HEAD`, found again when the
//! session goes on, and cleared up when it has ended.
//!
//! Clearing up loses nothing that anybody could want: what is not committed keeps the worktree, what is committed keeps
//! the branch, and what cannot be told keeps both. Nothing that the repository names is run: no hook, and no filter, so
//! that files of git-lfs and the like are there as git stores them. Submodules are not filled. Who decides that a session
//! works in a worktree, and tells the person, is not this module's business.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::id::SessionId;

use crate::{
    error::KeepError,
    facts,
    git::{
        call::{Call, Git, GitError},
        repository::{Config, Repository, personal_file},
    },
    settings::WorkspaceSettings,
};

mod clear;
mod commits;
mod include;
mod make;
mod note;

pub use clear::{Cleared, Unsaved};
pub use include::{NotCopied, Refused};
pub use make::Made;
use note::Note;

/// How long git may take to fill a worktree or to remove one.
const FILLING: Duration = Duration::from_secs(600);

/// Whose worktree it is.
#[derive(Debug, Clone)]
pub struct WorktreeSettings {
    /// The person's workspace, canonical: the top of a repository's work tree or a folder in it.
    pub workspace: PathBuf,
    /// The folder of all worktrees, outside of the workspace or ignored there; made (0700) where it is missing. A
    /// session's lies in it under the session's id, its note beside it.
    pub worktrees: PathBuf,
    /// The session.
    pub session: SessionId,
    /// As in [`WorkspaceSettings::environment`].
    pub environment: BTreeMap<OsString, OsString>,
}

impl WorktreeSettings {
    /// The top of the worktree.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.worktrees.join(self.session.to_string())
    }

    fn branch(&self) -> String {
        format!("better-llm/{}", self.session)
    }
}

/// There is no worktree to work in.
#[derive(Debug, thiserror::Error)]
pub enum WorktreeError {
    /// No repository around the workspace.
    #[error("{} is in no git repository: run `git init` there and commit, or leave out `--worktree`", .0.display())]
    NoRepository(PathBuf),
    /// A repository without files.
    #[error(
        "{} is git's own folder, or a repository without files: start in a work tree of it (`git worktree add`), or \
         leave out `--worktree`",
        .0.display()
    )]
    Bare(PathBuf),
    /// A repository that is not used.
    #[error("no worktree can be made here: {0}")]
    Unusable(String),
    /// Nothing to begin from.
    #[error("the repository {} has no commit yet: make a first one, or leave out `--worktree`", .0.display())]
    NoCommit(PathBuf),
    /// The workspace is a session's worktree already.
    #[error("{} is a session's worktree already: leave out `--worktree`, or start in the repository itself", .0.display())]
    Inside(PathBuf),
    /// Git cannot be found.
    #[error("git is not in PATH, and `--worktree` needs it")]
    NoGit,
    /// A branch `better-llm` leaves no room for `better-llm/<id>`.
    #[error(
        "a branch named `better-llm` is in the way of `{0}`: rename it (`git branch -m better-llm OTHER`)"
    )]
    BranchInTheWay(String),
    /// The session's branch is checked out elsewhere.
    #[error("the branch {branch} is checked out in {}: switch to another one there (`git switch`)", at.display())]
    BranchTaken {
        /// The branch.
        branch: String,
        /// Where.
        at: PathBuf,
    },
    /// The workspace's folder is none in the commit.
    #[error(
        "{} is no folder in the worktree, because the last commit has something else there: commit it, or start at the \
         top of the repository",
        .0.display()
    )]
    Subfolder(PathBuf),
    /// What lies in its place is no worktree of the repository.
    #[error("{} is no worktree of this repository any more: look at it, and remove it", .0.display())]
    Broken(PathBuf),
    /// Git failed.
    #[error("cannot {doing}")]
    Git {
        /// `make the worktree`, `clear up the worktree`, ...
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or folder of the engine's failed.
    #[error("cannot {doing} {}", place.display())]
    File {
        /// `make`, `read`, `write`.
        doing: &'static str,
        /// The file or folder.
        place: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl WorktreeError {
    fn git(doing: &'static str) -> impl FnOnce(GitError) -> Self {
        move |source| Self::Git { doing, source: source.into() }
    }

    fn file(doing: &'static str, place: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { doing, place: place.to_owned(), source }
    }
}

/// A session's worktree.
#[derive(Debug)]
pub struct Worktree {
    settings: WorktreeSettings,
    origin: Origin,
    note: Note,
}

impl Worktree {
    /// The folder that the session works in: the workspace's place in the worktree.
    #[must_use]
    pub fn cwd(&self) -> PathBuf {
        self.origin.inside(&self.settings.folder())
    }

    /// Its branch.
    #[must_use]
    pub fn branch(&self) -> &str {
        &self.note.branch
    }
}

/// The person's repository, and how it is asked.
#[derive(Debug)]
struct Origin {
    git: Git,
    repository: Repository,
    /// Settings that hold whatever the repository's say, by name and value.
    settings: Vec<(String, OsString)>,
}

impl Origin {
    /// Finds it.
    async fn find(settings: &WorktreeSettings) -> Result<Self, WorktreeError> {
        const DOING: &str = "read the settings of the repository";
        let workspace = &settings.workspace;
        if real(&settings.worktrees).is_some_and(|all| workspace.starts_with(all)) {
            return Err(WorktreeError::Inside(workspace.clone()));
        }
        let found =
            Repository::find(workspace).map_err(|error| WorktreeError::Unusable(error.to_string()))?;
        let top = found.as_ref().map(|repository| repository.top.clone());
        let mut below = workspace.ancestors().take_while(|folder| Some(*folder) != top.as_deref());
        if below.any(facts::is_bare_repository) {
            return Err(WorktreeError::Bare(workspace.clone()));
        }
        let repository = found.ok_or_else(|| WorktreeError::NoRepository(workspace.clone()))?;
        if let Some(refusal) = repository.refusal() {
            return Err(WorktreeError::Unusable(refusal.to_string()));
        }
        let asked = WorkspaceSettings::new(workspace.clone(), PathBuf::new(), settings.environment.clone());
        let git = Git::find(&asked).ok_or(WorktreeError::NoGit)?;
        let config = Config::read(&git, &repository, &asked).await.map_err(WorktreeError::git(DOING))?;
        let mut found = Self { git, repository, settings: Vec::new() };
        let filters = found.filters().await.map_err(WorktreeError::git(DOING))?;
        let off = |name: &String| {
            let off = |key: &str, value: &str| (format!("filter.{name}.{key}"), OsString::from(value));
            [off("clean", ""), off("smudge", ""), off("process", ""), off("required", "false")]
        };
        found.settings = filters.iter().flat_map(off).collect();
        // Whatever else is set, a file that was changed is one.
        found.settings.push(("core.trustctime".to_owned(), "true".into()));
        found.settings.push(("core.checkStat".to_owned(), "default".into()));
        found.settings.push(("core.untrackedCache".to_owned(), "false".into()));
        let excludes = config.path("core.excludesfile", &asked).or_else(|| personal_file("ignore", &asked));
        let excludes = excludes.filter(|file| file.is_file());
        found.settings.extend(excludes.map(|file| ("core.excludesFile".to_owned(), file.into_os_string())));
        Ok(found)
    }

    /// The names of the filters that the repository's settings know.
    async fn filters(&self) -> Result<Vec<String>, GitError> {
        let args = [
            "config",
            "--null",
            "--name-only",
            "--get-regexp",
            r"^filter\..*\.(clean|smudge|process|required)$",
        ];
        let output = self.repository.call(&self.git).args(args).finish().await?;
        if output.code == 1 {
            return Ok(Vec::new());
        }
        let output = output.success()?.stdout;
        let keys = output.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let name = |key: std::borrow::Cow<'_, str>| {
            Some(key.strip_prefix("filter.")?.rsplit_once('.')?.0.to_owned())
        };
        let mut names = keys.filter_map(name).collect::<Vec<_>>();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// A call that sees the person's work tree, and runs no filter.
    fn call(&self) -> Call {
        self.call_in(&self.repository)
    }

    /// The same in another work tree of the repository.
    fn call_in(&self, tree: &Repository) -> Call {
        let mut call = tree.call(&self.git).env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (number, (key, value)) in self.settings.iter().enumerate() {
            call = call.env(&format!("GIT_CONFIG_KEY_{number}"), key);
            call = call.env(&format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        call
    }

    /// Where the workspace lies in a work tree whose top is `top`.
    fn inside(&self, top: &Path) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let prefix = self.repository.prefix.strip_suffix(b"/").unwrap_or(&self.repository.prefix);
        if prefix.is_empty() { top.to_owned() } else { top.join(std::ffi::OsStr::from_bytes(prefix)) }
    }

    /// The commit that a name stands for; none where there is none.
    async fn commit(&self, name: &str) -> Result<Option<String>, GitError> {
        let wanted = format!("{name}^{{commit}}");
        let output =
            self.call().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).finish();
        let output = output.await?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.code == 0 && !id.is_empty()).then_some(id))
    }

    /// The work tree that has a branch checked out.
    async fn tree_of(&self, branch: &str) -> Result<Option<PathBuf>, GitError> {
        use std::os::unix::ffi::OsStrExt;
        let name = format!("refs/heads/{branch}");
        let output = self.call().args(["for-each-ref", "--format=%(worktreepath)", &name]).succeed().await?;
        let path = output.strip_suffix(b"\n").unwrap_or(&output);
        Ok((!path.is_empty()).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(path))))
    }
}

/// Where a path leads.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

impl From<KeepError> for WorktreeError {
    fn from(error: KeepError) -> Self {
        Self::Unusable(error.to_string())
    }
}
