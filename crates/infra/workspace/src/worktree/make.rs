//! Making a session's worktree, or finding it again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    FILLING, NotCopied, Note, Origin, Worktree, WorktreeError, WorktreeSettings,
    include::{self, Include},
    real,
};
use crate::git::{call::GitError, repository::Repository};

const DOING: &str = "make the worktree";

/// What there is to say of a worktree that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The branch.
    pub branch: String,
    /// The full id of the commit that it begins from.
    pub base: String,
    /// How many files of the person's repository differ from that commit, untracked folders counted as one; they are
    /// not in the worktree. None where git could not say.
    pub left_out: Option<usize>,
    /// How many ignored files were copied because `.worktreeinclude` names them.
    pub copied: usize,
    /// What it names and was not copied.
    pub not_copied: NotCopied,
    /// The repository has filters, none of which was run.
    pub is_unfiltered: bool,
}

impl Worktree {
    /// Makes a worktree for a session that begins, from `HEAD`. Where that fails, nothing is left of it.
    ///
    /// # Errors
    /// [`WorktreeError`] where there is nothing to make one from, or git or the disk fails.
    pub async fn make(settings: WorktreeSettings) -> Result<(Self, Made), WorktreeError> {
        let origin = Origin::find(&settings).await?;
        let head = origin.repository.head(&origin.git).await.map_err(WorktreeError::git(DOING))?;
        let base = head.ok_or_else(|| WorktreeError::NoCommit(origin.repository.top.clone()))?;
        let note = Note::new(&settings, base);
        let in_the_way = origin.commit("refs/heads/better-llm").await.map_err(WorktreeError::git(DOING))?;
        if in_the_way.is_some() {
            return Err(WorktreeError::BranchInTheWay(note.branch));
        }
        note.write(&settings)?;
        let mut tree = Self { settings, origin, note };
        match tree.fill(&Beginning::Base).await {
            Ok(made) => Ok((tree, made)),
            Err(error) => {
                tree.take_back().await;
                Err(error)
            }
        }
    }

    /// The worktree that a session had when it was at work last, whether or not it is there still; none where it never had
    /// one. The workspace is the one that it was made for.
    ///
    /// # Errors
    /// [`WorktreeError`] where its repository cannot be used any more.
    pub async fn known(settings: WorktreeSettings) -> Result<Option<Self>, WorktreeError> {
        let Some(note) = Note::read(&settings)? else { return Ok(None) };
        let settings = WorktreeSettings { workspace: note.workspace().to_owned(), ..settings };
        let origin = Origin::find(&settings).await?;
        Ok(Some(Self { settings, origin, note }))
    }

    /// Makes it again where it was removed: from its branch, else from where it began, else from `HEAD`. None where it is
    /// there.
    ///
    /// # Errors
    /// As [`Worktree::make`]; where something else lies in its place, or its branch is checked out elsewhere.
    pub async fn make_again(&mut self) -> Result<Option<Made>, WorktreeError> {
        let folder = self.settings.folder();
        if fs::symlink_metadata(&folder).is_ok() {
            return match self.found() {
                Some(_) if real(&self.cwd()).is_some() => Ok(None),
                _ => Err(WorktreeError::Broken(folder)),
            };
        }
        let beginning = self.beginning().await?;
        self.fill(&beginning).await.map(Some)
    }

    /// The workspace that a session's worktree was made for; none where it never had one.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn workspace_of(settings: &WorktreeSettings) -> Result<Option<PathBuf>, WorktreeError> {
        Ok(Note::read(settings)?.map(|note| note.workspace().to_owned()))
    }

    /// What it is made from when it is made again.
    async fn beginning(&mut self) -> Result<Beginning, WorktreeError> {
        let git = |error| WorktreeError::git(DOING)(error);
        let branch = &self.note.branch;
        if self.origin.commit(&format!("refs/heads/{branch}")).await.map_err(git)?.is_some() {
            return match self.origin.tree_of(branch).await.map_err(git)? {
                Some(at) if at != self.settings.folder() && at.exists() => {
                    Err(WorktreeError::BranchTaken { branch: branch.clone(), at })
                }
                _ => Ok(Beginning::Branch),
            };
        }
        if self.origin.commit(&self.note.base).await.map_err(git)?.is_none() {
            let head = self.origin.repository.head(&self.origin.git).await.map_err(git)?;
            let top = &self.origin.repository.top;
            self.note.base = head.ok_or_else(|| WorktreeError::NoCommit(top.clone()))?;
        }
        Ok(Beginning::Base)
    }

    /// The repository as the worktree sees it; none where there is none of the person's there.
    pub(super) fn found(&self) -> Option<Repository> {
        let folder = self.settings.folder();
        let found = Repository::find(&folder).ok()??;
        let common = |repository: &Repository| real(&repository.common_dir);
        let is_ours = real(&found.top) == real(&folder) && common(&found) == common(&self.origin.repository);
        is_ours.then_some(found)
    }

    /// Has git make the folder and fill it, and copies what it leaves out.
    async fn fill(&mut self, beginning: &Beginning) -> Result<Made, WorktreeError> {
        self.add(beginning).await.map_err(WorktreeError::git(DOING))?;
        let (folder, cwd) = (self.settings.folder(), self.cwd());
        // A folder that the commit does not have is empty in it; one that leads elsewhere is none.
        fs::create_dir_all(&cwd).map_err(|_| WorktreeError::Subfolder(cwd.clone()))?;
        let top = real(&folder).ok_or_else(|| WorktreeError::Broken(folder.clone()))?;
        if real(&cwd) != Some(self.origin.inside(&top)) {
            return Err(WorktreeError::Subfolder(cwd));
        }
        let Include { copied, not_copied } =
            include::copy(&self.origin, &folder).await.map_err(WorktreeError::git(DOING))?;
        self.note.copied = copied;
        self.note.write(&self.settings)?;
        Ok(Made {
            branch: self.note.branch.clone(),
            base: self.note.base.clone(),
            left_out: self.uncommitted().await.ok(),
            copied: self.note.copied.len(),
            not_copied,
            is_unfiltered: self.origin.settings.iter().any(|(key, _)| key.starts_with("filter.")),
        })
    }

    async fn add(&self, beginning: &Beginning) -> Result<(), GitError> {
        let folder = self.settings.folder();
        let call = self.origin.call().within(FILLING).args(["worktree", "add", "--quiet", "--force"]);
        let call = match beginning {
            Beginning::Base => call.args(["--no-track", "-b", &self.note.branch]).args([Path::new(&folder)]),
            Beginning::Branch => call.args([Path::new(&folder)]),
        };
        let from = match beginning {
            Beginning::Base => &self.note.base,
            Beginning::Branch => &self.note.branch,
        };
        call.args([from]).succeed().await.map(drop)
    }

    /// How many files of the person's differ from `HEAD`.
    async fn uncommitted(&self) -> Result<usize, GitError> {
        let args = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal"];
        let call = self.origin.call().args(args).args(["--ignore-submodules=dirty"]);
        let output = call.succeed().await?;
        Ok(output.split(|byte| *byte == 0).filter(|line| !line.is_empty()).count())
    }

    /// Takes back a worktree that could not be finished. No session has worked in it.
    async fn take_back(self) {
        let folder = self.settings.folder();
        let branch = format!("refs/heads/{}", self.note.branch);
        let remove = self.origin.call().args(["worktree", "remove", "--force", "--force"]).args([&folder]);
        let unmake = self.origin.call().args(["update-ref", "-d", &branch, &self.note.base]);
        for call in [remove, unmake] {
            if let Err(error) = call.succeed().await {
                tracing::debug!(%error, "what there was of a worktree is not taken back by git");
            }
        }
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %folder.display(), "cannot remove a worktree that was not finished");
        }
        if let Err(error) = Note::remove(&self.settings) {
            tracing::debug!(%error, "the note of a worktree that was not finished stays");
        }
    }
}

/// What a worktree is filled from.
enum Beginning {
    /// The commit that its branch begins from; the branch is made.
    Base,
    /// Its branch, which is there.
    Branch,
}
