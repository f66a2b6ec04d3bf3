//! What a workspace's files may do before a person has trusted the folder (contract 3, P61).
//!
//! A repository is data. Whoever clones one has not agreed to what its files say, so a file that was found in the
//! workspace may make the team do less than it would do without the file, never more or elsewhere:
//!
//! - It is laid *over* the person's own file (or the built-in values). Were it to take that file's place, an
//!   empty file in a repository would undo the limits a person has set for themselves.
//! - **Taken**: limits and timeouts that are smaller; reviews that let less pass; fewer attempts at a model call; a
//!   permission mode that is narrower; a sandbox that is stronger (`none` < `kernel` < `auto` < `strict`, because
//!   `auto` means the best that works here); rules that deny or ask; for an agent that the team has anyway, its role,
//!   its description, fewer tools and another prompt; a smaller team.
//! - **Ignored, and said**: everything else. Larger limits (they cost money). `verify.commands`, to set them (they
//!   run programs) as well as to drop them (they are the person's own check). `providers` (the endpoint is where
//!   the key and the code go). `prices` (a low one would widen a limit of costs). The pauses between attempts (short
//!   ones press the person's account, long ones make them wait). A model, and thinking (they cost money). A kind (it
//!   decides which limits count an agent). Rules that allow, `sandbox.network`, `sandbox.add_dirs`,
//!   `sandbox.pass_env` (they open the wall). `ui`, `intervention_seconds`, `question_timeout_seconds` (how a person
//!   is heard is theirs to say). An agent that the team does not have, whatever its tools: narrowing knows no new
//!   ones. A prompt file outside of the workspace, also by way of a link (its text goes to the model).
//!
//! An invalid file is an error nevertheless: what cannot be read cannot be called narrow. Whoever wants one file to
//! count in full names it: `--config FILE`.
//!
//! # What trust is
//! A person trusts a folder's configuration *as it is*: every file of `.better-llm/`, our files in `config/`, the
//! prompts they name, and the lines of `.env` that steer (docs/adr/0010). Their digests stand in the person's own
//! configuration. Each file is read once, and the bytes that were held against the digests are the bytes that count.
//! One byte, one file more or less, and the folder may only narrow again until the person has looked.
//!
//! Nobody is asked here and nothing is written but by [`Trust::grant`] and [`Trust::revoke`], which the verb
//! `config trust` calls for a person. Where nobody is there, a folder is what it was before.

mod effect;
mod narrowing;
mod survey;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

pub use self::{effect::TrustEffect, narrowing::Widening};
pub(crate) use self::{
    effect::effects,
    narrowing::{is_narrower, is_smaller, is_stricter, is_stronger, is_tighter, never},
    survey::survey,
};
use crate::{
    problem::{Fault, Problem},
    workspace_store::{Digests, StoreError, WorkspaceStore},
};

/// What a person's trust in a workspace's configuration is bound to, and whether they gave it.
#[derive(Debug, Clone)]
pub struct Trust {
    state: TrustState,
    items: Vec<TrustItem>,
    refused: Vec<RefusedItem>,
    problems: Vec<Problem>,
    store: WorkspaceStore,
}

/// Whether a workspace's configuration counts in full.
#[derive(Debug, Clone, PartialEq)]
pub enum TrustState {
    /// It has none.
    Nothing,
    /// It does: it is what the person trusted, byte for byte.
    Trusted,
    /// It may only narrow: nobody said otherwise.
    Untrusted {
        /// What would be different if it counted.
        would_widen: Vec<TrustEffect>,
    },
    /// It may only narrow: it is not what the person trusted any more.
    Changed {
        /// What changed since.
        changes: Vec<TrustChange>,
        /// What would be different if it counted.
        would_widen: Vec<TrustEffect>,
    },
}

/// Something that trust covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustItem {
    /// Relative to the workspace. Of `.env` only the lines that steer are covered.
    pub path: String,
    /// SHA-256 of the content, in hexadecimal digits.
    pub digest: String,
    /// What would be trusted, as it was read.
    pub content: Arc<[u8]>,
}

/// A file that nobody can trust.
#[derive(Debug, Clone)]
pub struct RefusedItem {
    /// Relative to the workspace.
    pub path: String,
    /// Why.
    pub fault: Fault,
}

/// What became of a file since the folder was trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustChange {
    /// Relative to the workspace.
    pub path: String,
    /// What became of it.
    pub kind: TrustChangeKind,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustChangeKind {
    /// It was not there.
    Added,
    /// Its content is another.
    Changed,
    /// It is gone.
    Removed,
}

/// Trust cannot be given.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrustError {
    /// The workspace has no configuration of its own.
    #[error("this folder has no configuration that could be trusted")]
    Nothing,
    /// A file cannot be covered.
    #[error("`{path}` {fault}, so the folder cannot be trusted: put that right or remove it, then try again")]
    Refused {
        /// The file.
        path: String,
        /// Why.
        fault: Fault,
    },
    /// The configuration would be wrong if it counted in full.
    #[error("the configuration of this folder cannot be trusted, because it is wrong: {}", list(problems))]
    Invalid {
        /// What is wrong; at least one.
        problems: Vec<Problem>,
    },
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

impl Trust {
    /// Holds what is there against what was trusted.
    pub(crate) fn look(found: Survey, trusted: Option<&Digests>, store: WorkspaceStore) -> Self {
        let Survey { items, refused } = found;
        let would_widen = Vec::new();
        let state = match trusted {
            _ if items.is_empty() && refused.is_empty() => TrustState::Nothing,
            None => TrustState::Untrusted { would_widen },
            Some(trusted) => match changes(&items, &refused, trusted) {
                changes if changes.is_empty() => TrustState::Trusted,
                changes => TrustState::Changed { changes, would_widen },
            },
        };
        Self { state, items, refused, problems: Vec::new(), store }
    }

    /// Takes what would be different, or wrong, if the folder were trusted.
    pub(crate) fn would(&mut self, effects: Vec<TrustEffect>, problems: Vec<Problem>) {
        self.problems = problems;
        if let TrustState::Untrusted { would_widen } | TrustState::Changed { would_widen, .. } =
            &mut self.state
        {
            *would_widen = effects;
        }
    }

    /// Whether the workspace's configuration counts in full.
    #[must_use]
    pub fn state(&self) -> &TrustState {
        &self.state
    }

    /// Everything that trust covers, to be shown before it is given.
    #[must_use]
    pub fn items(&self) -> &[TrustItem] {
        &self.items
    }

    /// Files that stand in the way of trust.
    #[must_use]
    pub fn refused(&self) -> &[RefusedItem] {
        &self.refused
    }

    pub(crate) fn store(&self) -> &WorkspaceStore {
        &self.store
    }

    /// The file of the person's configuration in which trust is kept.
    #[must_use]
    pub fn kept_in(&self) -> PathBuf {
        self.store.file().to_owned()
    }

    /// Keeps the person's trust in [`Trust::items`] as they were read, whatever has become of the files since.
    /// Counts from the next [`crate::Settings::load`] on. Blocks for as long as another process keeps something for
    /// this workspace, at most 5 s.
    ///
    /// # Errors
    /// [`TrustError`] where there is nothing to trust, something that cannot be trusted, or no place to keep it.
    pub fn grant(&self) -> Result<(), TrustError> {
        if let Some(RefusedItem { path, fault }) = self.refused.first() {
            return Err(TrustError::Refused { path: path.clone(), fault: fault.clone() });
        }
        if self.items.is_empty() {
            return Err(TrustError::Nothing);
        }
        if !self.problems.is_empty() {
            return Err(TrustError::Invalid { problems: self.problems.clone() });
        }
        let digests: Digests =
            self.items.iter().map(|item| (item.path.clone(), item.digest.clone())).collect();
        Ok(self.store.update(|kept| kept.trusted = Some(digests))?)
    }

    /// Takes trust back. Harmless where none was given. Blocks like [`Trust::grant`].
    ///
    /// # Errors
    /// [`StoreError`] where that cannot be kept.
    pub fn revoke(&self) -> Result<(), StoreError> {
        self.store.update(|kept| kept.trusted = None)
    }
}

/// What a workspace brings.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) items: Vec<TrustItem>,
    pub(crate) refused: Vec<RefusedItem>,
}

fn changes(items: &[TrustItem], refused: &[RefusedItem], trusted: &Digests) -> Vec<TrustChange> {
    let readable = items.iter().map(|item| (item.path.as_str(), Some(item.digest.as_str())));
    let found: BTreeMap<&str, Option<&str>> =
        readable.chain(refused.iter().map(|item| (item.path.as_str(), None))).collect();
    let change = |path: &str, kind| TrustChange { path: path.to_owned(), kind };
    let here = found.iter().filter_map(|(path, digest)| match trusted.get(*path) {
        None => Some(change(path, TrustChangeKind::Added)),
        Some(trusted) if *digest != Some(trusted.as_str()) => Some(change(path, TrustChangeKind::Changed)),
        Some(_) => None,
    });
    let gone = trusted.keys().filter(|path| !found.contains_key(path.as_str()));
    here.chain(gone.map(|path| change(path, TrustChangeKind::Removed))).collect()
}

impl fmt::Display for TrustChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let became = match self.kind {
            TrustChangeKind::Added => "is new",
            TrustChangeKind::Changed => "changed",
            TrustChangeKind::Removed => "is gone",
        };
        write!(f, "{} {became}", self.path)
    }
}
