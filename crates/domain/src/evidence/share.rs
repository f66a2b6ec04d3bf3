//! Who changed what, where runs were at work side by side (spec O-24).
//!
//! What a file tool changed is known exactly. What changed around a command is its run's where nothing else was under
//! way meanwhile; else it is the round's, and nobody can say whose.

use std::collections::BTreeSet;

use super::{
    CheckedClaims, Observations,
    observations::{Effect, What},
    same_spelling,
};
use crate::id::RunId;

/// What of the changes since a run began is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// All: no other run did anything since.
    All,
    /// What is told here.
    Part(Beside),
}

/// What a run and others changed since it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// The files that the run changed itself, as far as that is known.
    own: BTreeSet<String>,
    /// Commands of the run ran while another run did something, or it is not known what they changed.
    is_mixed: bool,
    others: Vec<Other>,
    /// The paths that differ from before the run's first effect; none where it had none.
    since: Option<BTreeSet<String>>,
}

/// Another run that did something meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    /// Its agent.
    name: String,
    files: BTreeSet<String>,
    is_mixed: bool,
}

/// What effects changed, as far as that is known.
#[derive(Debug, Default)]
struct Known {
    files: BTreeSet<String>,
    is_mixed: bool,
}

impl Observations {
    /// What of the changes since `run` began is its own.
    #[must_use]
    pub fn share_of(&self, run: RunId) -> Share {
        let began = self.runs.iter().find(|begun| begun.run == run);
        let first = self.effects.iter().find(|effect| effect.run == Some(run));
        let Some(since) = began.map(|begun| begun.at).or_else(|| first.map(|effect| effect.started)) else {
            return Share::All;
        };
        let mut whose: Vec<Option<RunId>> = Vec::new();
        for effect in self.effects.iter().filter(|effect| effect.run != Some(run) && effect.is_after(since)) {
            if !whose.contains(&effect.run) {
                whose.push(effect.run);
            }
        }
        if whose.is_empty() {
            return Share::All;
        }
        let others = whose.into_iter().map(|other| {
            let Known { files, is_mixed } = self.known_of(other, since);
            Other { name: self.name(other), files, is_mixed }
        });
        let others = others.collect();
        let Known { files: own, is_mixed } = self.known_of(Some(run), 0);
        Share::Part(Beside { own, is_mixed, others, since: None })
    }

    fn known_of(&self, run: Option<RunId>, since: u64) -> Known {
        let mut known = Known::default();
        let effects = self.effects.iter().enumerate();
        for (index, effect) in effects.filter(|(_, effect)| effect.run == run && effect.is_after(since)) {
            match &effect.what {
                What::Edit { path: Some(path), is_done } => {
                    known.files.extend(is_done.then(|| path.clone()));
                }
                What::Command { paths: Some(paths), .. } if self.was_alone(index) => {
                    known.files.extend(paths.iter().cloned());
                }
                What::Command { .. } | What::Edit { path: None, .. } => {
                    known.is_mixed |= !self.was_alone(index) || self.may_have_changed(index);
                }
            }
        }
        known
    }

    /// Whose run it is.
    fn name(&self, run: Option<RunId>) -> String {
        let begun = self.runs.iter().find(|begun| Some(begun.run) == run);
        begun.map_or_else(|| "unknown".to_owned(), |begun| begun.agent.to_string())
    }
}

impl Effect {
    fn is_after(&self, moment: u64) -> bool {
        self.ended.is_none_or(|ended| ended > moment)
    }
}

impl Beside {
    /// Compares with what differs from before the run's first effect: only that can be its own.
    #[must_use]
    pub fn since(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.since = Some(paths.into_iter().collect());
        self
    }

    /// The files that the run changed, as far as that is known, sorted.
    #[must_use]
    pub fn files_changed(&self) -> Vec<String> {
        let since = self.since.iter().flatten();
        since.filter(|path| holds(&self.own, path)).cloned().collect()
    }

    /// Why that may not be all, where it may not.
    #[must_use]
    pub fn partial(&self) -> Option<String> {
        self.is_mixed.then(|| {
            format!(
                "commands of this run ran beside others ({}): what changed meanwhile counts for the round",
                self.names()
            )
        })
    }

    /// Holds a claim to have changed a file, which differs from the round's start, against whose change it is.
    pub(super) fn check_claim(&self, claimed: &str, plain: &str, checked: &mut CheckedClaims) {
        let is_own = holds(&self.own, plain) || self.own.contains(claimed);
        let was_before = self.since.as_ref().is_some_and(|since| !holds(since, plain));
        if is_own {
            return;
        }
        let other = self.others.iter().find(|other| holds(&other.files, plain));
        match other {
            Some(other) if was_before || !self.is_mixed => {
                let text = format!(
                    "files_changed: `{claimed}` was changed by another run ({}), not by this one",
                    other.name
                );
                checked.refuted.push(text);
            }
            None if was_before => {}
            None if self.since.is_some() && !self.is_mixed => {
                let text = format!(
                    "files_changed: `{claimed}` was not changed by this run, beside which others worked ({})",
                    self.names()
                );
                checked.refuted.push(text);
            }
            // Without an effect of its own, and nobody else's that is not known, it was changed before.
            None if self.since.is_none() && !self.others.iter().any(|other| other.is_mixed) => {}
            _ => {
                let text = format!(
                    "files_changed: `{claimed}` changed while others worked beside this run ({}), and it is not known by whom",
                    self.names()
                );
                checked.unverified.push(text);
            }
        }
    }

    fn names(&self) -> String {
        let names: BTreeSet<&str> = self.others.iter().map(|other| other.name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// Whether a path is among these, however its characters are composed.
fn holds(paths: &BTreeSet<String>, path: &str) -> bool {
    paths.contains(path) || (!path.is_ascii() && paths.iter().any(|known| same_spelling(known, path)))
}
