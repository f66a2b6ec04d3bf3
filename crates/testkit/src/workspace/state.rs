//! The files of a fake workspace, as they are and as they were.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::workspace::{
    ChangeKind, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, FileChange, WorkspaceError,
};

use super::{FakeCommit, WorkspaceCall};
use crate::wait::Gate;

pub(super) type Files = BTreeMap<String, Arc<[u8]>>;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) files: Files,
    /// The files as committed; none outside of git.
    pub(super) head: Option<Files>,
    pub(super) ignored: Vec<String>,
    pub(super) kept: Vec<Kept>,
    /// The files at the last look for touches, without ignored ones.
    pub(super) seen: Files,
    pub(super) commits: Vec<FakeCommit>,
    pub(super) partial: Option<String>,
    pub(super) no_author: bool,
    pub(super) in_progress: Option<&'static str>,
    pub(super) failing: BTreeMap<WorkspaceCall, String>,
    pub(super) held: BTreeMap<WorkspaceCall, Gate>,
    pub(super) calls: Vec<WorkspaceCall>,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) files: Files,
    pub(super) dirty: Vec<String>,
}

pub(super) fn failure(
    doing: impl Into<String>,
    reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> WorkspaceError {
    WorkspaceError { doing: doing.into(), source: reason.into() }
}

impl State {
    pub(super) fn ignores(&self, path: &str) -> bool {
        self.ignored.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }

    pub(super) fn visible(&self) -> Files {
        let files = self.files.iter().filter(|(path, _)| !self.ignores(path));
        files.map(|(path, bytes)| (path.clone(), Arc::clone(bytes))).collect()
    }

    pub(super) fn kept(&self, at: &Checkpoint) -> Result<&Kept, WorkspaceError> {
        let number = at.as_str().strip_prefix("fake-").and_then(|number| number.parse::<usize>().ok());
        number
            .and_then(|number| self.kept.get(number))
            .ok_or_else(|| failure(format!("read checkpoint {}", at.as_str()), "it was not taken here"))
    }

    /// Keeps the present files, unless nothing changed since the last time.
    pub(super) fn keep(&mut self) -> Checkpoint {
        let files = self.visible();
        self.seen.clone_from(&files);
        let dirty = self.dirty();
        if self.kept.last().is_none_or(|last| last.files != files || last.dirty != dirty) {
            self.kept.push(Kept { files, dirty });
        }
        Checkpoint::new(&format!("fake-{}", self.kept.len() - 1))
    }

    pub(super) fn dirty(&self) -> Vec<String> {
        let Some(head) = &self.head else { return Vec::new() };
        compare(head, &self.visible()).into_iter().map(|change| change.path).collect()
    }

    pub(super) fn commit(&mut self, request: &CommitRequest) -> Result<CommitDone, CommitError> {
        if self.head.is_none() {
            return Err(CommitError::NoRepository);
        }
        if request.message.trim().is_empty() {
            return Err(CommitError::NoMessage);
        }
        if let Some(what) = self.in_progress {
            return Err(CommitError::InProgress(what));
        }
        let (paths, left_out) = self.to_commit(request)?;
        if self.no_author {
            return Err(CommitError::NoAuthor);
        }
        let head = self.head.get_or_insert_default();
        for path in &paths {
            match self.files.get(path) {
                Some(bytes) => drop(head.insert(path.clone(), Arc::clone(bytes))),
                None => drop(head.remove(path)),
            }
        }
        let id = format!("{:040x}", self.commits.len() + 1);
        self.commits.push(FakeCommit {
            id: id.clone(),
            message: request.message.clone(),
            paths: paths.clone(),
        });
        Ok(CommitDone { id, paths, left_out })
    }

    pub(super) fn commit_plan(&self, request: &CommitRequest) -> Result<CommitPlan, CommitError> {
        let Some(since) = request.since.as_ref().filter(|_| self.head.is_some()) else {
            return Err(CommitError::NoRepository);
        };
        let (paths, left_out) = self.to_commit(request)?;
        let mut files = compare(&self.kept(since)?.files, &self.visible());
        files.retain(|change| paths.contains(&change.path));
        Ok(CommitPlan { files, left_out })
    }

    /// The paths to commit, and those left to the person.
    fn to_commit(&self, request: &CommitRequest) -> Result<(Vec<String>, Vec<String>), CommitError> {
        let Some(since) = &request.since else {
            return Err(CommitError::Nothing("this session changed no file".to_owned()));
        };
        let kept = self.kept(since)?;
        let ours: BTreeSet<String> =
            compare(&kept.files, &self.visible()).into_iter().map(|change| change.path).collect();
        let uncommitted: BTreeSet<String> = self.dirty().into_iter().collect();
        let (paths, left_out): (BTreeSet<String>, Vec<String>) = match &request.paths {
            Some(named) => {
                let foreign: Vec<String> =
                    named.iter().filter(|path| !ours.contains(*path)).cloned().collect();
                if !foreign.is_empty() {
                    return Err(CommitError::NotOurs(foreign));
                }
                (named.iter().cloned().collect(), Vec::new())
            }
            None => {
                let left_out = ours.iter().filter(|path| kept.dirty.contains(path)).cloned().collect();
                (ours.into_iter().filter(|path| !kept.dirty.contains(path)).collect(), left_out)
            }
        };
        let paths: Vec<String> = paths.into_iter().filter(|path| uncommitted.contains(path)).collect();
        if paths.is_empty() {
            return Err(CommitError::Nothing(
                "no file of this session differs from the last commit".to_owned(),
            ));
        }
        Ok((paths, left_out))
    }
}

pub(super) fn compare(from: &Files, to: &Files) -> Vec<FileChange> {
    let paths: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let change = |path: &String| {
        let kind = match (from.get(path), to.get(path)) {
            (None, Some(_)) => ChangeKind::Created,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(old), Some(new)) if old != new => ChangeKind::Modified,
            _ => return None,
        };
        Some(FileChange { path: path.clone(), kind })
    };
    paths.into_iter().filter_map(change).collect()
}
