//! States of the workspace as those who keep them know them, and their records in the store.
//!
//! A record is JSON. Outside of git it names only the files that differ from the state before, as far back as a record
//! that names all: a state of many files costs what changed in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

use domain::workspace::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::{
    file::{Digest, Stat, hex},
    git::keeper::{GitKeeper, GitState},
    modes::Modes,
    path::FilePath,
    plain::{PlainFile, PlainKeeper, PlainState},
    store::Store,
};

/// The version of the records.
const VERSION: u32 = 1;
/// How many records may stand between a state outside of git and one that names all files.
const MOST_STEPS: u32 = 64;

/// Whoever keeps states here.
#[derive(Debug)]
pub(crate) enum Keeper {
    Git(Box<GitKeeper>),
    /// Shared with the blocking task that reads files for it.
    Plain(Arc<Mutex<PlainKeeper>>),
}

/// A state, as its keeper knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    Git(GitState),
    Plain(PlainState),
}

impl Kept {
    pub(crate) const fn partial(&self) -> Option<&String> {
        match self {
            Self::Git(state) => state.partial.as_ref(),
            Self::Plain(state) => state.partial.as_ref(),
        }
    }

    /// Folders that held nothing.
    pub(crate) const fn empty(&self) -> &Arc<[FilePath]> {
        match self {
            Self::Git(state) => &state.empty,
            Self::Plain(state) => &state.empty,
        }
    }
}

/// The record of a state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("cannot read or write the record of a state")]
    Store(#[from] io::Error),
    #[error("the record of the state {0} is damaged")]
    Damaged(String, #[source] serde_json::Error),
    #[error("the record of the state {0} is of version {1}, which this program does not know")]
    Version(String, u32),
}

/// The last state outside of git that was recorded, and how far it is from one that names all files.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    checkpoint: Checkpoint,
    state: PlainState,
    steps: u32,
}

#[derive(Serialize, Deserialize)]
struct Record {
    v: u32,
    partial: Option<String>,
    empty: Arc<[FilePath]>,
    #[serde(flatten)]
    state: StateRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "keeper", rename_all = "snake_case")]
enum StateRecord {
    Git {
        tree: String,
        head: Option<String>,
        index: Option<String>,
        modes: Arc<Modes>,
        aside: Vec<(FilePath, Stat)>,
        raw: Vec<(FilePath, Option<CopyRecord>)>,
    },
    Files {
        /// The state that the others are those of; none: there are no others.
        after: Option<String>,
        steps: u32,
        files: Vec<Arc<PlainFile>>,
        gone: Vec<FilePath>,
    },
}

#[derive(Serialize, Deserialize)]
struct CopyRecord(#[serde(with = "hex")] Digest);

/// Records a state; `step` is the last one outside of git that this opening recorded, and becomes this one.
pub(crate) fn record(store: &Store, kept: &Kept, step: &mut Option<Step>) -> Result<Checkpoint, RecordError> {
    let (prefix, state) = match kept {
        Kept::Git(state) => (format!("git-{}", state.tree), git_record(state)),
        Kept::Plain(state) => ("files".to_owned(), files_record(state, step.as_ref())),
    };
    let steps = if let StateRecord::Files { steps, .. } = state { steps } else { 0 };
    let record =
        Record { v: VERSION, partial: kept.partial().cloned(), empty: Arc::clone(kept.empty()), state };
    let text = serde_json::to_vec(&record).map_err(|error| RecordError::Damaged(prefix.clone(), error))?;
    let checkpoint = store.keep_state(&prefix, &text)?;
    if let Kept::Plain(state) = kept {
        *step = Some(Step { checkpoint: checkpoint.clone(), state: state.clone(), steps });
    }
    Ok(checkpoint)
}

/// The tree that the name of a state tells; none outside of git.
pub(crate) fn git_tree(checkpoint: &Checkpoint) -> Option<String> {
    let (tree, _) = checkpoint.as_str().strip_prefix("git-")?.split_once('-')?;
    Some(tree.to_owned())
}

fn git_record(state: &GitState) -> StateRecord {
    StateRecord::Git {
        tree: state.tree.clone(),
        head: state.head.clone(),
        index: state.index.clone(),
        modes: Arc::clone(&state.modes),
        aside: state.aside.iter().map(|(path, stat)| (path.clone(), *stat)).collect(),
        raw: state.raw.iter().map(|(path, digest)| (path.clone(), digest.map(CopyRecord))).collect(),
    }
}

fn files_record(state: &PlainState, step: Option<&Step>) -> StateRecord {
    let Some(step) = step.filter(|step| step.steps < MOST_STEPS) else {
        return StateRecord::Files { after: None, steps: 0, files: state.files.clone(), gone: Vec::new() };
    };
    let is_new = |file: &&Arc<PlainFile>| step.state.get(&file.path).is_none_or(|known| known != *file);
    let gone = step.state.files.iter().filter(|file| state.get(&file.path).is_none());
    StateRecord::Files {
        after: Some(step.checkpoint.as_str().to_owned()),
        steps: step.steps.saturating_add(1),
        files: state.files.iter().filter(is_new).cloned().collect(),
        gone: gone.map(|file| file.path.clone()).collect(),
    }
}

/// Reads a state back; none where it, or one that it builds on, is not kept here.
pub(crate) fn read(store: &Store, checkpoint: &Checkpoint) -> Result<Option<Kept>, RecordError> {
    let Some(Record { partial, empty, state, .. }) = parse(store, checkpoint)? else { return Ok(None) };
    let StateRecord::Git { tree, head, index, modes, aside, raw } = state else {
        let Some(files) = all_files(store, state)? else { return Ok(None) };
        return Ok(Some(Kept::Plain(PlainState { files, partial, empty })));
    };
    let raw = raw.into_iter().map(|(path, copy)| (path, copy.map(|CopyRecord(digest)| digest)));
    Ok(Some(Kept::Git(GitState {
        tree,
        head,
        aside: Arc::new(aside.into_iter().collect()),
        partial,
        index,
        modes,
        raw: Arc::new(raw.collect()),
        empty,
    })))
}

fn parse(store: &Store, checkpoint: &Checkpoint) -> Result<Option<Record>, RecordError> {
    let id = || checkpoint.as_str().to_owned();
    let Some(text) = store.state(checkpoint)? else { return Ok(None) };
    let record: Record = serde_json::from_slice(&text).map_err(|error| RecordError::Damaged(id(), error))?;
    if record.v == VERSION { Ok(Some(record)) } else { Err(RecordError::Version(id(), record.v)) }
}

/// The files of a state outside of git, from its own record and those that it builds on.
fn all_files(store: &Store, mut state: StateRecord) -> Result<Option<Vec<Arc<PlainFile>>>, RecordError> {
    let mut found = BTreeMap::new();
    let mut passed = BTreeSet::new();
    for _ in 0..=MOST_STEPS {
        let StateRecord::Files { after, files, gone, .. } = state else { return Ok(None) };
        for file in files {
            if !passed.contains(&file.path) {
                passed.insert(file.path.clone());
                found.insert(file.path.clone(), file);
            }
        }
        passed.extend(gone);
        let Some(after) = after else { return Ok(Some(found.into_values().collect())) };
        let Some(record) = parse(store, &Checkpoint::new(&after))? else { return Ok(None) };
        state = record.state;
    }
    Ok(None)
}
