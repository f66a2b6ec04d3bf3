//! What is asked about a repository outside of a session: where its git folders lie, whether a file is tracked; and
//! the making of a small repository of our own (the demo's).

use std::path::{Path, PathBuf};

use domain::workspace::WorkspaceError;

use crate::{
    WorkspaceSettings,
    git::{
        call::{Git, GitError},
        repository::Repository,
    },
    path::FilePath,
};

/// The git folder and the common folder of the repository around `root`, canonical; empty outside of git, and where
/// what `root` names as its repository does not name it in turn. Asks the file system alone.
#[must_use]
pub fn git_dirs(root: &Path) -> Vec<PathBuf> {
    let Ok(Some(repository)) = Repository::find(root) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = [repository.git_dir, repository.common_dir]
        .iter()
        .filter_map(|folder| folder.canonicalize().ok())
        .collect();
    folders.dedup();
    folders
}

/// Why the repository around `root` is not used, and what to do about it; none where it is, and where there is none.
/// Asks the file system alone.
#[must_use]
pub fn ignored_repository(root: &Path) -> Option<String> {
    match Repository::find(root) {
        Ok(repository) => repository?.refusal().map(|refusal| refusal.to_string()),
        Err(elsewhere) => Some(elsewhere.to_string()),
    }
}

/// Whether git takes a folder for a repository although it holds no `.git`: one with a `HEAD` and what it needs, here
/// or, as `commondir` says, elsewhere. Asks the file system alone.
pub(crate) fn is_bare_repository(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
    // An empty `.git` is none to git: a sandbox may have made it.
    let is_repository_with_git =
        has(".git/HEAD") || folder.join(".git").symlink_metadata().is_ok_and(|git| !git.is_dir());
    !is_repository_with_git && has("HEAD") && (has("commondir") || (has("objects") && has("refs")))
}

/// Whether a path that a person wrote names something in the workspace `root`, or the whole of it; by its words alone.
#[must_use]
pub fn is_inside(root: &Path, text: &str) -> bool {
    FilePath::named(root, text).is_some() || is_root(root, text)
}

/// Whether `text` names the workspace `root` itself.
pub(crate) fn is_root(root: &Path, text: &str) -> bool {
    !text.is_empty() && root.join(text).components().eq(root.components())
}

/// Whether git tracks `file`. Outside of a repository nothing is tracked; in one whose git cannot be asked,
/// everything is.
pub async fn is_tracked(settings: &WorkspaceSettings, file: &Path) -> bool {
    let Ok(Some(repository)) = Repository::find(&settings.root) else { return false };
    let Some(git) = Git::find(settings) else { return true };
    let question = repository.call(&git).args(["ls-files", "--error-unmatch", "--"]).args([file]);
    // Exit code 1 is git's word for "not tracked"; whatever else happens, the file counts as tracked.
    !question.finish().await.is_ok_and(|answer| answer.code == 1)
}

/// Who commits in a repository that we make.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// `user.name`.
    pub name: &'a str,
    /// `user.email`.
    pub email: &'a str,
}

/// Makes a repository in the folder of `settings`, with everything in it as the first commit and `author` in its
/// configuration.
///
/// # Errors
/// Where there is no git, or it fails; the source says at which step.
pub async fn create_repository(
    settings: &WorkspaceSettings,
    author: Author<'_>,
    message: &str,
) -> Result<(), WorkspaceError> {
    let made = async {
        let git = Git::find(settings).ok_or_else(|| GitError::Start {
            program: "git".to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::NotFound, "git is not in PATH"),
        })?;
        let run = |args: &[&str]| git.call(&settings.root).args(args).succeed();
        run(&["init", "--quiet", "--template=", "--initial-branch=main"]).await?;
        run(&["config", "user.name", author.name]).await?;
        run(&["config", "user.email", author.email]).await?;
        run(&["add", "--all"]).await?;
        run(&["commit", "--quiet", "--message", message]).await
    };
    made.await.map(drop).map_err(|error: GitError| WorkspaceError {
        doing: format!("make a git repository in {}", settings.root.display()),
        source: error.into(),
    })
}

/// The full id of the commit that `HEAD` points to; none outside of git, and where there is no commit yet.
///
/// # Errors
/// Where git fails.
pub async fn head(settings: &WorkspaceSettings) -> Result<Option<String>, WorkspaceError> {
    let (Ok(Some(repository)), Some(git)) = (Repository::find(&settings.root), Git::find(settings)) else {
        return Ok(None);
    };
    repository.head(&git).await.map_err(|error| WorkspaceError {
        doing: format!("read the HEAD of {}", settings.root.display()),
        source: error.into(),
    })
}
