//! Undo (O-29): the plan here, the deed in `carry_out`.
//!
//! A plan is made by looking at every file that the round changed, where it lies now, whatever ignore rules say: what
//! is as the round left it can go back, what is not is somebody's work and is refused. Before anything is written, the
//! present state is kept and every content lies ready; then the files go back one by one, each whole.

mod carry_out;
mod verdicts;

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::AsFd,
    sync::Arc,
};

use domain::workspace::{Checkpoint, RefusedFile, UndoFile, UndoPlan, UndoRefusal, WorkspaceError};
use verdicts::{Planned, Verdicts};

use super::{Observer, Outside, UnknownCheckpoint, failed};
use crate::{
    changes::bounded_text,
    error::{KeepError, StatesLost},
    facts::is_root,
    file,
    off_thread::{blocking, lock},
    path::FilePath,
    plain::PlainKeeper,
    states::{Keeper, Kept},
    undo::{present::Present, was::Was},
};

/// What an undo would do, before it is put into the domain's words.
struct Draft {
    begin: Kept,
    end: Kept,
    /// What the person named; none: everything.
    scope: Option<Vec<FilePath>>,
    files: BTreeMap<FilePath, Planned>,
    refused: BTreeMap<FilePath, UndoRefusal>,
    /// Everything that the round changed within the scope.
    changed: BTreeSet<FilePath>,
    unchanged: Vec<String>,
}

impl Draft {
    fn files(&self) -> Vec<UndoFile> {
        let files =
            self.files.iter().map(|(path, planned)| UndoFile { path: path.to_text(), what: planned.what });
        files.collect()
    }

    fn refused(&self) -> Vec<RefusedFile> {
        let refused = self.refused.iter().map(|(path, why)| RefusedFile { path: path.to_text(), why: *why });
        refused.collect()
    }
}

fn is_within(scope: Option<&Vec<FilePath>>, path: &FilePath) -> bool {
    scope.is_none_or(|scope| scope.iter().any(|named| path.is_within(named.as_bytes())))
}

const DOING: &str = "see what an undo would do";

/// Git could not read the states.
fn lost(error: KeepError) -> WorkspaceError {
    WorkspaceError { doing: DOING.to_owned(), source: StatesLost::or(error) }
}

impl Observer {
    pub(crate) async fn undo_plan(
        &mut self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError> {
        let draft = self.draft(begin, end, paths).await?;
        let diff = self.undo_diff(&draft).await?;
        let partial = draft.begin.partial().or_else(|| draft.end.partial()).cloned();
        let commits = match (&self.keeper, &draft.begin) {
            (Some(Keeper::Git(_)), Kept::Git(begin)) => {
                let now = self.now().await?;
                match (&self.keeper, now) {
                    (Some(Keeper::Git(keeper)), Kept::Git(now)) => {
                        keeper.commits(begin, &now).await.map_err(failed("list the commits since"))?
                    }
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        Ok(UndoPlan {
            begin: begin.clone(),
            end: end.cloned(),
            paths: paths.map(<[String]>::to_vec),
            files: draft.files(),
            refused: draft.refused(),
            unchanged: draft.unchanged,
            commits,
            partial,
            diff,
        })
    }

    async fn draft(
        &mut self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<Draft, WorkspaceError> {
        let named = paths.map(|paths| self.scope(paths)).transpose()?;
        let scope = named.as_ref().and_then(|named| named.iter().map(|(_, path)| path.clone()).collect());
        let begin = self.find(begin).await?;
        if let (Kept::Git(_), Some(Keeper::Plain(_))) = (&begin, &self.keeper) {
            return Err(failed(DOING)(self.why_no_states()));
        }
        let end = match end {
            Some(end) => self.find(end).await?,
            None => {
                let known = self.paths_of(&begin).await?;
                self.follow(known);
                self.now().await?
            }
        };
        let mut changed = self.undoable(&begin, &end).await?;
        changed.retain(|path| is_within(scope.as_ref(), path));
        let is_unchanged = |(_, named): &&(String, Option<FilePath>)| {
            let within = |named: &FilePath| changed.iter().any(|path| path.is_within(named.as_bytes()));
            !named.as_ref().is_none_or(within)
        };
        let unchanged = named.iter().flatten().filter(is_unchanged).map(|(text, _)| text.clone()).collect();
        let (was, left) = (self.was(&begin, &changed).await?, self.was(&end, &changed).await?);
        let (root, most) = (self.settings.root.clone(), self.settings.bounds.file_bytes);
        let own = self.own.clone();
        let look = move || -> std::io::Result<_> {
            let root = file::open_root(&root)?;
            let mut verdicts = Verdicts::default();
            for (path, begin) in was {
                let end = left.get(&path).cloned().unwrap_or(Was::Missing);
                let is_ours = path.is_sound() && !own.hold(&path);
                let present =
                    if is_ours { Present::look(root.as_fd(), &path, most) } else { Present::Strange };
                verdicts.judge(path, begin, end, &present);
            }
            verdicts.settle(root.as_fd());
            Ok(verdicts)
        };
        let Verdicts { files, refused, .. } =
            blocking(look).await.map_err(failed(DOING))?.map_err(failed(DOING))?;
        Ok(Draft { begin, end, scope, files, refused, changed, unchanged })
    }

    /// The files and folders that a person named, each as text and as path; none as path: the whole workspace.
    fn scope(&self, paths: &[String]) -> Result<Vec<(String, Option<FilePath>)>, WorkspaceError> {
        let named = |text: &String| match FilePath::named(&self.settings.root, text) {
            None if !is_root(&self.settings.root, text) => Err(failed(&format!("undo {text}"))(Outside)),
            path => Ok((text.clone(), path)),
        };
        paths.iter().map(named).collect()
    }

    /// Looks at these files, too, whatever ignore rules say.
    fn follow(&mut self, paths: impl IntoIterator<Item = FilePath>) {
        let followed = self.tracked.iter().cloned().chain(paths);
        let followed =
            followed.filter(|path| path.is_sound() && !self.own.hold(path)).collect::<BTreeSet<_>>();
        self.tracked = followed.into_iter().collect();
    }

    async fn paths_of(&self, state: &Kept) -> Result<Vec<FilePath>, WorkspaceError> {
        match (&self.keeper, state) {
            (Some(Keeper::Git(keeper)), Kept::Git(state)) => {
                let entries = keeper.entries(&state.tree, None).await.map_err(lost)?;
                Ok(entries.into_keys().chain(state.aside.keys().cloned()).collect())
            }
            (_, Kept::Plain(state)) => Ok(state.files.iter().map(|file| file.path.clone()).collect()),
            _ => Err(failed(DOING)(UnknownCheckpoint)),
        }
    }

    async fn undoable(&self, from: &Kept, to: &Kept) -> Result<BTreeSet<FilePath>, WorkspaceError> {
        match (&self.keeper, from, to) {
            (Some(Keeper::Git(keeper)), Kept::Git(from), Kept::Git(to)) => {
                keeper.undoable(from, to).await.map_err(lost)
            }
            (_, Kept::Plain(from), Kept::Plain(to)) => Ok(PlainKeeper::undoable(from, to)),
            _ => Err(failed(DOING)(UnknownCheckpoint)),
        }
    }

    async fn was(
        &self,
        state: &Kept,
        paths: &BTreeSet<FilePath>,
    ) -> Result<BTreeMap<FilePath, Was>, WorkspaceError> {
        match (&self.keeper, state) {
            (Some(Keeper::Git(keeper)), Kept::Git(state)) => keeper.was(state, paths).await.map_err(lost),
            (Some(Keeper::Plain(keeper)), Kept::Plain(state)) => Ok(lock(keeper).was(state, paths)),
            _ => Err(failed(DOING)(UnknownCheckpoint)),
        }
    }

    async fn undo_diff(&self, draft: &Draft) -> Result<String, WorkspaceError> {
        let most = self.settings.bounds.diff_bytes;
        let paths = draft.files.keys().cloned().collect::<Vec<_>>();
        let (bytes, omitted) = match (&self.keeper, &draft.end, &draft.begin) {
            (Some(Keeper::Git(keeper)), Kept::Git(end), Kept::Git(begin)) => {
                keeper.diff_of(end, begin, &paths).await.map_err(lost)?
            }
            (Some(Keeper::Plain(keeper)), Kept::Plain(end), Kept::Plain(begin)) => {
                let (keeper, end, begin) = (Arc::clone(keeper), end.clone(), begin.clone());
                let wanted = paths.into_iter().collect::<BTreeSet<_>>();
                blocking(move || lock(&keeper).diff(&end, &begin, |path| wanted.contains(path), most))
                    .await
                    .map_err(failed(DOING))?
                    .map_err(failed(DOING))?
            }
            _ => return Err(failed(DOING)(UnknownCheckpoint)),
        };
        Ok(bounded_text(bytes, omitted, most))
    }
}
