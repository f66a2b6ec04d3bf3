//! The session's commit: which files it takes, told before and done.

use std::{collections::BTreeSet, io, sync::Arc};

use domain::workspace::{CommitDone, CommitError, CommitPlan, CommitRequest, FileChange};

use crate::{
    file, git,
    observer::{Observer, failed},
    path::FilePath,
    selection::{Selection, Work},
    sight::Sight,
    states::{Keeper, Kept},
};

impl Observer {
    pub(crate) async fn commit_plan(&mut self, request: &CommitRequest) -> Result<CommitPlan, CommitError> {
        git::message::cleaned(&request.message)?;
        let selection = self.select(request).await?;
        let file = |(path, kind): (&FilePath, &_)| FileChange { path: path.to_text(), kind: *kind };
        let mut files = selection.files.iter().map(file).collect::<Vec<_>>();
        files.sort();
        Ok(CommitPlan { files, left_out: texts(&selection.left_out) })
    }

    pub(crate) async fn commit(&mut self, request: CommitRequest) -> Result<CommitDone, CommitError> {
        let message = git::message::cleaned(&request.message)?;
        let selection = self.select(&request).await?;
        let settings = Arc::clone(&self.settings);
        let Some(since) = &request.since else { return Err(CommitError::NoRepository) };
        let Kept::Git(start) = self.find(since).await? else { return Err(CommitError::NoRepository) };
        let Some(Keeper::Git(keeper)) = &self.keeper else { return Err(CommitError::NoRepository) };
        let made = git::commit::commit(keeper, &settings, &message, &selection.files, &start).await?;
        let prefix = keeper.shadow.repository.prefix.as_slice();
        let inside = made.changes.iter().filter_map(|change| change.path.strip_prefix(prefix));
        let mut paths = inside.map(|path| FilePath::new(path).to_text()).collect::<Vec<_>>();
        paths.sort();
        Ok(CommitDone { id: made.id, paths, left_out: texts(&selection.left_out) })
    }

    /// Which files a commit takes now.
    async fn select(&mut self, request: &CommitRequest) -> Result<Selection, CommitError> {
        self.open().await?;
        let Some(Keeper::Git(_)) = &self.keeper else {
            return Err(match (&self.repository, &self.elsewhere) {
                (None, None) => CommitError::NoRepository,
                (None, Some(elsewhere)) => CommitError::Git { doing: "commit", text: elsewhere.to_string() },
                (Some(repository), _) => {
                    CommitError::Git { doing: "commit", text: self.why_no_git(repository) }
                }
            });
        };
        let Some(since) = &request.since else {
            return Err(CommitError::Nothing("this session has changed no file".to_owned()));
        };
        let changed = self.changes_since(since).await?.files;
        let dirty = self.dirty_at(since).await?;
        let ignored = self.ignored(changed.keys()).map_err(failed("tell which files git ignores"))?;
        let work = Work { root: &self.settings.root, changed, dirty, ignored };
        work.select(request.paths.as_deref())
    }

    /// Those of `paths` that git ignores and does not track.
    fn ignored<'a>(&mut self, paths: impl Iterator<Item = &'a FilePath>) -> io::Result<BTreeSet<FilePath>> {
        let root = file::open_root(&self.settings.root)?;
        let prefix = self.prefix();
        let mut memory = self.memory();
        let mut sight = Sight { root: &root, prefix: &prefix, rules: &mut memory.rules };
        // What cannot be looked at is for git to refuse.
        let is_ignored = |path: &&FilePath| {
            let verdict = sight.look(path).ok().flatten();
            verdict.is_some_and(|verdict| verdict.now) && self.tracked.binary_search(path).is_err()
        };
        let ignored = paths.filter(is_ignored).cloned().collect();
        self.memory = Some(memory);
        Ok(ignored)
    }
}

fn texts(paths: &[FilePath]) -> Vec<String> {
    paths.iter().map(FilePath::to_text).collect()
}
