//! What undoing needs of git: what files were in a state, the way from one state to another as a diff, the commits made
//! between them, and the person's index as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use domain::workspace::{ChangeKind, UndoPlan};

use crate::{
    changes::unread_note,
    error::KeepError,
    git::{
        index_lock::IndexLock,
        keeper::{GitKeeper, GitState},
        tree::TreeChange,
    },
    off_thread::lock,
    path::FilePath,
    undo::was::{Held, Known, Source, Was},
};

/// The most bytes of paths that one call is given as arguments.
const LONGEST_ARGUMENTS: usize = 32 << 10;

/// How long git may look for files that are as its index says.
const LONGEST_REFRESH: Duration = Duration::from_secs(10);

/// A link to another repository, in git's trees.
const GITLINK: &str = "160000";

impl GitKeeper {
    /// What files were in a state.
    pub(crate) async fn was(
        &self,
        state: &GitState,
        paths: &BTreeSet<FilePath>,
    ) -> Result<BTreeMap<FilePath, Was>, KeepError> {
        let mut entries = self.entries(&state.tree, Some(paths)).await?;
        let copies = lock(&self.copies);
        let was = |path: &FilePath| {
            if let Some(stat) = state.aside.get(path) {
                return Was::NotKept(Known::Stat(*stat));
            }
            let Some(entry) = entries.remove(path) else { return Was::Missing };
            let source = match (state.raw.get(path), entry.size) {
                (Some(Some(digest)), _) if copies.has(digest) => Source::Copy(*digest),
                (Some(Some(digest)), _) => return Was::NotKept(Known::Digest(*digest)),
                (None, Some(size)) => Source::Object(entry.object, size),
                _ => return Was::NotKept(Known::Nothing),
            };
            let permissions = state.modes.get(path, entry.runs);
            Was::Held(Held { is_link: entry.is_link, permissions, source })
        };
        let mut was = was;
        Ok(paths.iter().map(|path| (path.clone(), was(path))).collect())
    }

    /// The files that differ between two states in anything that undo brings back, and why there may be more.
    pub(crate) async fn undoable(
        &self,
        from: &GitState,
        to: &GitState,
    ) -> Result<BTreeSet<FilePath>, KeepError> {
        let mut paths = self.compare_trees(&from.tree, &to.tree).await?.into_keys().collect::<BTreeSet<_>>();
        let differs = |path: &&FilePath| from.aside.get(*path) != to.aside.get(*path);
        paths.extend(from.aside.keys().chain(to.aside.keys()).filter(differs).cloned());
        let differs = |path: &&FilePath| from.raw.get(*path) != to.raw.get(*path);
        paths.extend(from.raw.keys().chain(to.raw.keys()).filter(differs).cloned());
        match from.modes.may_differ(&to.modes) {
            Some(others) => paths.extend(others.into_iter().cloned()),
            None => {
                let (before, after) =
                    (self.entries(&from.tree, None).await?, self.entries(&to.tree, None).await?);
                let differs = |path: &&FilePath| match (before.get(*path), after.get(*path)) {
                    (Some(one), Some(other)) => {
                        from.modes.get(path, one.runs) != to.modes.get(path, other.runs)
                    }
                    _ => true,
                };
                paths.extend(before.keys().chain(after.keys()).filter(differs).cloned());
            }
        }
        Ok(paths)
    }

    /// A unified diff between two states, of some files, and how many bytes of it were cut.
    pub(crate) async fn diff_of(
        &self,
        from: &GitState,
        to: &GitState,
        paths: &[FilePath],
    ) -> Result<(Vec<u8>, u64), KeepError> {
        let in_trees = self.compare_trees(&from.tree, &to.tree).await?;
        let (mut text, mut omitted) = (Vec::new(), 0_u64);
        let (seen, unseen): (Vec<_>, Vec<_>) = paths.iter().partition(|path| in_trees.contains_key(path));
        for some in portions(&seen) {
            let room = self.settings.bounds.diff_bytes.saturating_sub(text.len());
            let call = self.diff_call().args([from.tree.as_str(), to.tree.as_str(), "--"]);
            let call = call.args(some.iter().map(|path| self.pathspec(path, ""))).keep(room);
            let output = call.finish().await?.success()?;
            text.extend_from_slice(&output.stdout);
            omitted = omitted.saturating_add(output.omitted);
        }
        for path in unseen {
            text.extend_from_slice(unread_note(&path.to_text()).as_bytes());
        }
        Ok((text, omitted))
    }

    /// Commits that were made between two states, newest first.
    pub(crate) async fn commits(&self, from: &GitState, to: &GitState) -> Result<Vec<String>, KeepError> {
        let Some(head) = to.head.as_ref().filter(|_| from.head != to.head) else { return Ok(Vec::new()) };
        let most = format!("--max-count={}", UndoPlan::MOST_COMMITS);
        let mut call = self.shadow.call().args(["rev-list", &most, head]);
        if let Some(before) = &from.head {
            call = call.args([format!("^{before}")]);
        }
        let answer = call.args(["--"]).succeed().await?;
        Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect())
    }

    /// What of the person's index changed between two states by other ways than a commit and is unchanged since, as the
    /// entries of `from`.
    pub(crate) async fn index_changes(
        &self,
        from: &GitState,
        to: &GitState,
        now: &GitState,
    ) -> Result<Vec<TreeChange>, KeepError> {
        let (Some(before), Some(after), Some(present)) = (&from.index, &to.index, &now.index) else {
            return Ok(Vec::new());
        };
        if before == after {
            return Ok(Vec::new());
        }
        let mut changes = self.tree_changes(after, before).await?;
        let since = self.tree_changes(after, present).await?;
        let committed = match (from.head == now.head, self.tree_at(from), self.tree_at(now)) {
            (true, ..) => Vec::new(),
            (false, before, now) => self.tree_changes(&before, &now).await?,
        };
        let others = since.iter().chain(&committed).map(|change| &change.path).collect::<BTreeSet<_>>();
        changes.retain(|change| {
            let is_inside = change.path.starts_with(&self.shadow.repository.prefix);
            is_inside && change.mode != GITLINK && !others.contains(&change.path)
        });
        Ok(changes)
    }

    /// The person's index with other entries, everything else as it is; as a file of ours.
    pub(crate) async fn next_index(&self, changes: &[TreeChange]) -> Result<PathBuf, KeepError> {
        let shadow = &self.shadow;
        let next = shadow.scratch.join("next-index");
        let store = |source| KeepError::Store { doing: "write", place: next.clone(), source };
        for stale in [next.clone(), shadow.scratch.join("next-index.lock")] {
            match std::fs::remove_file(stale) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(store(error)),
                _ => {}
            }
        }
        shadow.copy_index(&next).map_err(store)?;
        let (gone, there): (Vec<_>, Vec<_>) =
            changes.iter().partition(|change| change.kind == ChangeKind::Deleted);
        let mut lines = Vec::new();
        for change in gone.into_iter().chain(there) {
            let mode = if change.kind == ChangeKind::Deleted { "0" } else { change.mode.as_str() };
            lines.extend_from_slice(format!("{mode} {}\t", change.object).as_bytes());
            lines.extend_from_slice(&change.path);
            lines.push(0);
        }
        let update = shadow.committing(&next).args(["update-index", "-z", "--replace", "--index-info"]);
        update.input(lines).succeed().await?;
        if self.strange_attributes().is_some() {
            return Ok(next);
        }
        // Spares the person's next git call some reading; an index that was not refreshed is as true as one that was.
        let refresh = async {
            let output = shadow.refreshing(&next).finish().await?;
            // Exit code 1 only says that other files differ from their entries.
            if output.code > 1 { Err(output.failure()) } else { Ok(()) }
        };
        match tokio::time::timeout(LONGEST_REFRESH, refresh).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the next index is not refreshed"),
            Err(_) => tracing::debug!("the next index is not refreshed: it took too long"),
        }
        Ok(next)
    }

    /// Puts entries of the person's index back, under the lock that every git program takes.
    pub(crate) async fn put_index_back(
        &self,
        mut lock: IndexLock,
        changes: &[TreeChange],
    ) -> Result<(), KeepError> {
        let next = self.next_index(changes).await?;
        let installed = lock.prepare(&next).and_then(|()| lock.install());
        installed.map_err(|source| KeepError::Store { doing: "replace", place: next, source })
    }
}

/// Parts of a list whose paths fit into one call's arguments.
fn portions<'a>(paths: &'a [&'a FilePath]) -> Vec<Vec<&'a FilePath>> {
    let mut portions = Vec::new();
    let (mut some, mut bytes) = (Vec::new(), 0_usize);
    for path in paths {
        let length = path.as_bytes().len().saturating_add(64);
        if bytes.saturating_add(length) > LONGEST_ARGUMENTS && !some.is_empty() {
            portions.push(std::mem::take(&mut some));
            bytes = 0;
        }
        some.push(*path);
        bytes = bytes.saturating_add(length);
    }
    if !some.is_empty() {
        portions.push(some);
    }
    portions
}
