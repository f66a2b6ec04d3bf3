//! What becomes of a worktree when its session has ended. In doubt it stays.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fmt, fs,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use super::{FILLING, Worktree, WorktreeError, note::Copied, real};
use crate::{
    file,
    git::{call::GitError, repository::Repository},
    off_thread::blocking,
    path::FilePath,
};

const DOING: &str = "clear up the worktree";
/// A submodule in an index.
const GITLINK: &[u8] = b"160000 ";

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleared {
    /// Nothing was changed or committed: the worktree and its branch are gone.
    Removed,
    /// Everything is committed: the worktree is gone, the branch stays.
    BranchKept {
        /// The branch.
        branch: String,
        /// How many commits it has beyond where it began; 0: it had some, and its reflog has them still.
        commits: usize,
    },
    /// Something would be lost: all stays.
    Kept {
        /// The branch.
        branch: String,
        /// The top of the worktree.
        folder: PathBuf,
        /// What would be lost.
        unsaved: Unsaved,
    },
}

/// What would be lost with a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsaved {
    /// Files that differ from the last commit: so many.
    Changes(usize),
    /// Files that git ignores, and that were written by the session or differ from what was copied: the first of them.
    Ignored(Vec<String>),
    /// A submodule was filled, or another repository lies in its place.
    Submodule(String),
    /// Git is in the middle of a merge, a rebase or the like, or `HEAD` is not on the branch.
    Unfinished,
    /// Commits that nothing else would reach.
    Commits,
    /// It is no worktree of the repository any more, or git would not let go of it.
    Unknown(String),
}

impl fmt::Display for Unsaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changes(1) => write!(f, "1 file is not committed"),
            Self::Changes(files) => write!(f, "{files} files are not committed"),
            Self::Ignored(paths) => write!(f, "files that git ignores were written: {}", paths.join(", ")),
            Self::Submodule(path) => write!(f, "the submodule {path} was filled"),
            Self::Unfinished => write!(f, "git is in the middle of something, or not on its branch"),
            Self::Commits => write!(f, "it has commits that are on no branch"),
            Self::Unknown(why) => write!(f, "{why}"),
        }
    }
}

impl Worktree {
    /// Removes what nobody will miss, once the session has ended. `written`: what its file tools wrote, from its
    /// working folder; such files are work also where git ignores them.
    ///
    /// # Errors
    /// Where git or the disk cannot be asked; then nothing was removed, or only what would have been.
    pub async fn clear(&self, written: &[String]) -> Result<Cleared, WorktreeError> {
        let branch = self.note.branch.clone();
        let folder = self.settings.folder();
        if fs::symlink_metadata(&folder).is_ok() {
            let unsaved = match self.found() {
                Some(tree) => self.unsaved(&tree, written).await?,
                None => Some(Unsaved::Unknown("it is no worktree of the repository any more".to_owned())),
            };
            if let Some(unsaved) = unsaved {
                return Ok(Cleared::Kept { branch, folder, unsaved });
            }
        }
        // Git looks once more for what was changed meanwhile.
        let remove = self.origin.call().within(FILLING).args(["worktree", "remove"]).args([&folder]);
        if let Err(error) = remove.succeed().await
            && fs::symlink_metadata(&folder).is_ok()
        {
            return Ok(Cleared::Kept { branch, folder, unsaved: Unsaved::Unknown(error.to_string()) });
        }
        match self.let_go_of_branch().await.map_err(WorktreeError::git(DOING))? {
            Some(commits) => Ok(Cleared::BranchKept { branch, commits }),
            None => Ok(Cleared::Removed),
        }
    }

    /// What would be lost with the worktree, if anything.
    async fn unsaved(&self, tree: &Repository, written: &[String]) -> Result<Option<Unsaved>, WorktreeError> {
        let git = |error| WorktreeError::git(DOING)(error);
        let head = tree.branch();
        if tree.in_progress().is_some() || head != Some(Path::new("refs/heads").join(&self.note.branch)) {
            return Ok(Some(Unsaved::Unfinished));
        }
        let changes = self.changes(tree).await.map_err(git)?;
        if changes > 0 {
            return Ok(Some(Unsaved::Changes(changes)));
        }
        let tracked = self.tracked(tree).await.map_err(git)?;
        let top = real(&tree.top).unwrap_or_else(|| tree.top.clone());
        if let Some(submodule) = tracked.submodules.iter().find(|path| is_filled(&top.join(path.as_path()))) {
            return Ok(Some(Unsaved::Submodule(submodule.to_text())));
        }
        let cwd = self.origin.inside(&top);
        let written = written.iter().filter_map(|text| FilePath::inside(&top, &cwd.join(text)));
        let written = written.filter(|path| !tracked.files.contains(path)).collect::<Vec<_>>();
        let copied = self.note.copied.clone();
        let lost = blocking(move || changed_or_written(&top, &copied, written)).await;
        let lost = lost.map_err(WorktreeError::file("read", &tree.top))?;
        if !lost.is_empty() {
            return Ok(Some(Unsaved::Ignored(lost)));
        }
        let is_lost = self.loses_commits(tree).await.map_err(git)?;
        Ok(is_lost.then_some(Unsaved::Commits))
    }

    /// How many files git sees changed, or sees and does not know.
    async fn changes(&self, tree: &Repository) -> Result<usize, GitError> {
        let args = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"];
        // Asking inside a submodule would obey its settings.
        let call = self.origin.call_in(tree).args(args).args(["--ignore-submodules=dirty"]);
        let output = call.succeed().await?;
        let seen = output.split(|byte| *byte == 0).filter(|line| !line.is_empty()).count();
        Ok(seen.saturating_add(self.unwatched(tree).await?))
    }

    /// How many files git was told not to look at, and are there.
    async fn unwatched(&self, tree: &Repository) -> Result<usize, GitError> {
        let output = self.origin.call_in(tree).args(["ls-files", "-z", "-v"]).succeed().await?;
        let lines = output.split(|byte| *byte == 0);
        let unwatched = lines.filter_map(|line| match line {
            [tag, b' ', path @ ..] if tag.is_ascii_lowercase() || *tag == b'S' => Some(path),
            _ => None,
        });
        let is_there = |path: &&[u8]| fs::symlink_metadata(tree.top.join(OsStr::from_bytes(path))).is_ok();
        Ok(unwatched.filter(is_there).count())
    }

    async fn tracked(&self, tree: &Repository) -> Result<Tracked, GitError> {
        let output = self.origin.call_in(tree).args(["ls-files", "-z", "--stage"]).succeed().await?;
        let mut tracked = Tracked::default();
        for line in output.split(|byte| *byte == 0) {
            let mut parts = line.splitn(2, |byte| *byte == b'\t');
            let (Some(about), Some(path)) = (parts.next(), parts.next()) else { continue };
            match about.starts_with(GITLINK) {
                true => tracked.submodules.push(FilePath::new(path)),
                false => drop(tracked.files.insert(FilePath::new(path))),
            }
        }
        Ok(tracked)
    }
}

/// What an index holds.
#[derive(Debug, Default)]
struct Tracked {
    files: BTreeSet<FilePath>,
    submodules: Vec<FilePath>,
}

/// Whether there is anything in the place of a submodule.
fn is_filled(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// The copied files that are other ones by now, and those of `written` that are there.
fn changed_or_written(top: &Path, copied: &[Copied], written: Vec<FilePath>) -> Vec<String> {
    let Ok(root) = file::open_root(top) else { return vec![top.display().to_string()] };
    let is_changed = |copied: &&Copied| match file::digest(root.as_fd(), &copied.path, u64::MAX - 1) {
        Ok(digest) => digest != copied.digest,
        Err(error) => !file::is_gone(&error),
    };
    let changed = copied.iter().filter(is_changed).map(|copied| copied.path.clone()).collect::<Vec<_>>();
    let is_copy = |path: &FilePath| copied.iter().any(|copied| copied.path == *path);
    let is_there = |path: &FilePath| file::stat(root.as_fd(), path).is_some();
    let written = written.into_iter().filter(|path| is_there(path) && !is_copy(path));
    changed.into_iter().chain(written).collect::<BTreeSet<_>>().iter().map(FilePath::to_text).collect()
}
