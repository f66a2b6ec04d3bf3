//! Which commits a worktree and its branch alone lead to: those are never let go of.

use super::Worktree;
use crate::git::{call::GitError, repository::Repository};

/// The most entries of a reflog that are looked at; where there are more, they count as lost.
const MOST_ENTRIES: usize = 10_000;

impl Worktree {
    /// Whether commits were made in the worktree that neither a branch nor the reflog of its own branch leads to: they
    /// would go with it.
    pub(super) async fn loses_commits(&self, tree: &Repository) -> Result<bool, GitError> {
        let made = self.logged(tree, "HEAD").await?;
        let kept = self.logged(tree, &self.reference()).await?;
        self.has_others(&made, &kept, &[]).await
    }

    /// Removes the branch where nothing is lost by it; else says how many commits it has beyond where it began. The
    /// worktree is gone by now.
    pub(super) async fn let_go_of_branch(&self) -> Result<Option<usize>, GitError> {
        let branch = self.reference();
        let Some(tip) = self.origin.commit(&branch).await? else { return Ok(None) };
        let range = format!("{}..{tip}", self.note.base);
        let commits = self.origin.call().args(["rev-list", "--count", &range]).line().await?;
        let commits = commits.parse().unwrap_or(1);
        let made = self.logged(&self.origin.repository, &branch).await?;
        let but_this = format!("--exclude={}", self.note.branch);
        let is_needed = commits > 0
            || self.has_others(&made, &[], &[&but_this]).await?
            || self.origin.tree_of(&self.note.branch).await?.is_some();
        if is_needed {
            return Ok(Some(commits));
        }
        // Only as it was looked at.
        self.origin.call().args(["update-ref", "-d", &branch, &tip]).succeed().await?;
        Ok(None)
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.note.branch)
    }

    /// The commits that a reference has pointed to, as seen from a work tree.
    async fn logged(&self, tree: &Repository, reference: &str) -> Result<Vec<String>, GitError> {
        let most = format!("--max-count={}", MOST_ENTRIES.saturating_add(1));
        let args = ["reflog", "show", "--format=%H", &most, reference, "--"];
        let output = self.origin.call_in(tree).args(args).succeed().await?;
        Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
    }

    /// Whether any of the commits `made` is reached by nothing that stays: not by where the worktree began, by `kept`, by
    /// a branch, a tag or what came from elsewhere.
    async fn has_others(&self, made: &[String], kept: &[String], options: &[&str]) -> Result<bool, GitError> {
        if made.len().max(kept.len()) > MOST_ENTRIES {
            return Ok(true);
        }
        let without = kept.iter().chain([&self.note.base]).map(|id| format!("^{id}"));
        let input = made.iter().cloned().chain(without).collect::<Vec<_>>().join("\n");
        let call =
            self.origin.call().args(["rev-list", "--max-count=1", "--ignore-missing", "--stdin", "--not"]);
        let call = call.args(options).args(["--branches", "--tags", "--remotes"]);
        Ok(!call.input(input.into_bytes()).succeed().await?.is_empty())
    }
}
