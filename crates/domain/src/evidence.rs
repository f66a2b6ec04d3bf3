//! Observed, not claimed (law 7): what the engine saw, and how claims stand beside it.
//!
//! [`Observations`] is a fold over what tools did in a round, in journal order. It answers the questions that words
//! cannot: which commands really ran and how they ended, whether that still says anything about the files as they are
//! now, and, where runs were at work side by side, what each of them changed ([`Share`]).

use std::collections::BTreeSet;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};

use crate::{report::Report, workspace::Changes};

mod observations;
mod share;

pub use observations::{EffectTicket, Keeping, Observations};
pub use share::{Beside, Share};

/// What the engine saw of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Files that differ from the run's start, relative to the workspace, sorted; where others were at work side by side,
    /// those that this run is known to have changed.
    pub files_changed: Vec<String>,
    /// Commands that the run ran, in order.
    pub commands: Vec<ObservedCommand>,
    /// Why the list of files may be incomplete, where it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

/// A command that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedCommand {
    /// Word for word.
    pub command: String,
    /// Its exit code; none where it did not run to its end.
    pub exit_code: Option<i32>,
}

/// What a report's claims turned out to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedClaims {
    /// Not so.
    pub refuted: Vec<String>,
    /// Could not be checked.
    pub unverified: Vec<String>,
}

impl CheckedClaims {
    /// Whether every claim was checked and held.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.refuted.is_empty() && self.unverified.is_empty()
    }
}

/// What the engine knows about the files of a round.
#[derive(Debug, Clone, Copy)]
pub struct ObservedFiles<'a> {
    /// The workspace's folder, absolute: claims may name it in front of a path.
    pub root: &'a str,
    /// What differs from the round's start.
    pub changes: &'a Changes,
    /// Paths that the engine cannot see: ignored by git, outside the workspace.
    pub overlooked: &'a BTreeSet<String>,
    /// What the run and others changed while they were at work side by side; none where it was alone.
    pub beside: Option<&'a Beside>,
}

/// The paths that a report claims to have changed, as they stand in it.
#[must_use]
pub fn claimed_files(report: &Report) -> &[String] {
    match report {
        Report::Coder(report) => &report.files_changed,
        _ => &[],
    }
}

/// The test commands that a report names, word for word.
#[must_use]
pub fn named_tests(report: &Report) -> &[String] {
    match report {
        Report::Tester(report) => &report.commands,
        _ => &[],
    }
}

/// Holds a report's claims against what was seen.
#[must_use]
pub fn check_claims(report: &Report, seen: &Observations, files: ObservedFiles<'_>) -> CheckedClaims {
    let mut checked = CheckedClaims::default();
    match report {
        Report::Coder(report) => {
            check_files(&report.files_changed, files, &mut checked);
            check_commands("commands_run", &report.commands_run, seen, &mut checked);
        }
        Report::Tester(report) => {
            check_commands("commands", &report.commands, seen, &mut checked);
            check_passed(report.passed, seen.tests_passed(&report.commands), &mut checked);
        }
        Report::Committer(report) => {
            if let Some(commit) = &report.commit
                && !seen.has_committed(commit)
            {
                checked.refuted.push(format!("commit: the engine made no commit `{commit}`"));
            }
        }
        Report::Planner(_) | Report::Reviewer(_) | Report::General(_) => {}
    }
    checked
}

fn check_files(claimed: &[String], files: ObservedFiles<'_>, checked: &mut CheckedClaims) {
    for path in claimed {
        let plain = plain_path(path, files.root);
        if files
            .changes
            .files
            .iter()
            .any(|change| same_spelling(&change.path, &plain) || change.path == *path)
        {
            if let Some(beside) = files.beside {
                beside.check_claim(path, &plain, checked);
            }
            continue;
        }
        if files.overlooked.contains(path) {
            checked
                .unverified
                .push(format!("files_changed: `{path}` is not observed (git ignores it, or it is outside)"));
        } else if let Some(why) = &files.changes.partial {
            checked.unverified.push(format!("files_changed: `{path}` was not looked at ({why})"));
        } else {
            checked.refuted.push(format!("files_changed: `{path}` does not differ from the round's start"));
        }
    }
}

fn check_commands(field: &str, claimed: &[String], seen: &Observations, checked: &mut CheckedClaims) {
    for command in claimed {
        if !seen.has_run(command) {
            checked.refuted.push(format!("{field}: `{command}` was not run"));
        }
    }
}

fn check_passed(claimed: bool, observed: Option<bool>, checked: &mut CheckedClaims) {
    match (claimed, observed) {
        (true, Some(true)) | (false, Some(false)) => {}
        (true, Some(false)) => checked.refuted.push("passed: a named command failed".to_owned()),
        (true, None) => {
            checked
                .unverified
                .push("passed: no run of the named commands counts for the files as they are".to_owned());
        }
        (false, _) => {
            checked.unverified.push("passed: said to have failed, though no named command did".to_owned())
        }
    }
}

/// A claimed path in the form of observed ones: `./a//b` is `a/b`, and so are `a/c/../b` and `<root>/a/b`.
#[must_use]
pub fn plain_path(path: &str, root: &str) -> String {
    let path = path.trim();
    let inside = path.strip_prefix(root.trim_end_matches('/')).filter(|rest| rest.starts_with('/'));
    let mut components = Vec::new();
    for component in inside.unwrap_or(path).split('/') {
        match component {
            "" | "." => {}
            // Above the root there is nothing to claim; such a path matches no observed one.
            ".." if components.last().is_some_and(|last| *last != "..") => drop(components.pop()),
            component => components.push(component),
        }
    }
    components.join("/")
}

/// Whether two paths differ at most in how their characters are composed: models write Hangul in one piece, some file
/// systems keep it in parts.
pub(crate) fn same_spelling(path: &str, other: &str) -> bool {
    let composed = ComposingNormalizerBorrowed::new_nfc();
    path == other || composed.normalize(path) == composed.normalize(other)
}

#[cfg(test)]
mod tests;
