//! A folder of a person, with or without a repository, that knows nothing of the machine it is on.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use better_llm_workspace::{Bounds, Workspace, WorkspaceSettings};
use domain::{
    ports::WorkspacePort,
    workspace::{ChangeKind, Checkpoint, CommitDone, CommitError, CommitRequest},
};
use tempfile::TempDir;

/// A person's folder in a temporary place, with a home of its own.
pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    /// The workspace.
    pub(crate) root: PathBuf,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) bounds: Bounds,
}

impl Fixture {
    /// Without a repository.
    pub(crate) fn plain() -> Self {
        let dir = TempDir::new().unwrap();
        let base = dir.path().canonicalize().unwrap();
        for folder in ["work", "home"] {
            fs::create_dir(base.join(folder)).unwrap();
        }
        let path = "/usr/local/bin:/usr/bin:/bin";
        let environment = BTreeMap::from([
            (OsString::from("PATH"), OsString::from(path)),
            (OsString::from("HOME"), base.join("home").into_os_string()),
        ]);
        Self { dir, root: base.join("work"), environment, bounds: Bounds::default() }
    }

    /// With an empty repository and an author.
    pub(crate) fn repository() -> Self {
        let fixture = Self::plain();
        fixture.git(&["init", "--quiet", "--initial-branch=main"]);
        fixture.git(&["config", "user.name", "Kim 민지"]);
        fixture.git(&["config", "user.email", "minji@example.org"]);
        fixture
    }

    /// With a repository that holds a first commit of these files.
    pub(crate) fn committed(files: &[(&str, &str)]) -> Self {
        let fixture = Self::repository();
        for (path, content) in files {
            fixture.write(path, content);
        }
        fixture.git(&["add", "--all", "--force"]);
        fixture.git(&["commit", "--quiet", "--message=first"]);
        fixture
    }

    pub(crate) fn base(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub(crate) fn workspace(&self) -> Workspace {
        self.workspace_at(&self.root)
    }

    pub(crate) fn workspace_at(&self, root: &Path) -> Workspace {
        self.workspace_with(root, &self.store())
    }

    pub(crate) fn workspace_with(&self, root: &Path, store: &Path) -> Workspace {
        let environment = self.environment.clone();
        let mut settings = WorkspaceSettings::new(root.to_owned(), store.to_owned(), environment);
        settings.bounds = self.bounds.clone();
        Workspace::open(settings)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.base().join("store")
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let place = self.root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    /// Runs git as the person would, in the workspace.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.root, args)
    }

    pub(crate) fn git_in(&self, folder: &Path, args: &[&str]) -> String {
        let output = self.try_git(folder, args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn try_git(&self, folder: &Path, args: &[&str]) -> Output {
        Command::new("git")
            .current_dir(folder)
            .env_clear()
            .envs(&self.environment)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(["-c", "protocol.file.allow=always", "-c", "core.quotePath=false"])
            .args(args)
            .output()
            .unwrap()
    }

    /// Every file below `.git` that a person would miss, with its content: all but the objects.
    pub(crate) fn git_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root.join(".git")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }
}

/// What differs from `from`, as `+created`, `~modified`, `-deleted`, and whether that may not be all.
pub(crate) async fn changes(workspace: &Workspace, from: &Checkpoint) -> Vec<String> {
    let changes = workspace.changes_since(from).await.unwrap();
    assert_eq!(changes.partial, None);
    marks(&changes)
}

pub(crate) fn marks(changes: &domain::workspace::Changes) -> Vec<String> {
    let mark = |kind| match kind {
        ChangeKind::Created => '+',
        ChangeKind::Modified => '~',
        ChangeKind::Deleted => '-',
    };
    changes.files.iter().map(|file| format!("{}{}", mark(file.kind), file.path)).collect()
}

/// Commits what the session changed since `since`.
pub(crate) async fn commit(
    workspace: &Workspace,
    since: &Checkpoint,
    paths: Option<&[&str]>,
) -> Result<CommitDone, CommitError> {
    let paths = paths.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect());
    let since = Some(since.clone());
    workspace.commit(CommitRequest { message: "Change things\n\nBecause.\n".to_owned(), paths, since }).await
}
