//! Observed, not claimed (law 7): what the engine saw, and how claims stand beside it.
//!
//! [`Observations`] is a fold over what tools did in a round, in journal order. It answers the two questions that
//! words cannot: which commands really ran and how they ended, and whether that still says anything about the
//! files as they are now.

use std::collections::BTreeSet;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};

use crate::{id::RunId, report::Report, workspace::Changes};

/// The fewest digits that name a commit; git takes no fewer.
const SHORTEST_COMMIT: usize = 4;

/// What the engine saw of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Files that differ from the run's start, relative to the workspace, sorted.
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

/// Everything that happened to the workspace in a round, in order.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    commands: Vec<CommandRun>,
    /// What changed files, in order: the index of a command in `commands`, or none for a file tool.
    changes: Vec<Change>,
    commits: Vec<String>,
    now: u64,
}

#[derive(Debug, Clone)]
struct CommandRun {
    run: Option<RunId>,
    seen: ObservedCommand,
    started: u64,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    at: u64,
    by_command: Option<usize>,
}

/// A command that has started. Given back when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandTicket(usize);

impl Observations {
    /// A command starts; `run` is none for the engine's own verification.
    pub fn command_started(&mut self, run: Option<RunId>, command: &str) -> CommandTicket {
        let started = self.tick();
        let seen = ObservedCommand { command: command.trim().to_owned(), exit_code: None };
        self.commands.push(CommandRun { run, seen, started });
        CommandTicket(self.commands.len() - 1)
    }

    /// A command has ended. `changed`: files of the workspace differ from before it.
    pub fn command_ended(&mut self, ticket: CommandTicket, exit_code: Option<i32>, changed: bool) {
        let at = self.tick();
        if let Some(command) = self.commands.get_mut(ticket.0) {
            command.seen.exit_code = exit_code;
        }
        if changed {
            self.changes.push(Change { at, by_command: Some(ticket.0) });
        }
    }

    /// A file tool changed files.
    pub fn files_changed(&mut self) {
        let at = self.tick();
        self.changes.push(Change { at, by_command: None });
    }

    /// The engine made a commit.
    pub fn committed(&mut self, id: &str) {
        self.commits.push(id.to_owned());
    }

    /// Whether anything changed a file so far.
    #[must_use]
    pub fn any_change(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The commands that `run` ran, in order.
    #[must_use]
    pub fn commands_of(&self, run: RunId) -> Vec<ObservedCommand> {
        self.commands
            .iter()
            .filter(|command| command.run == Some(run))
            .map(|command| command.seen.clone())
            .collect()
    }

    /// Whether the named test commands passed in the present state of the files (contract 2): of each the last run
    /// decides, and it counts only if nothing but itself changed a file after it started. Some counting run failed:
    /// false; all of them passed: true; else nothing is known.
    #[must_use]
    pub fn tests_passed(&self, named: &[String]) -> Option<bool> {
        let verdicts: Vec<Option<bool>> = named.iter().map(|command| self.last_run_passed(command)).collect();
        if verdicts.contains(&Some(false)) {
            Some(false)
        } else if !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == Some(true)) {
            Some(true)
        } else {
            None
        }
    }

    fn last_run_passed(&self, named: &str) -> Option<bool> {
        let (index, last) = self
            .commands
            .iter()
            .enumerate()
            .rev()
            .find(|(_, command)| command.seen.command == named.trim())?;
        let is_stale =
            self.changes.iter().any(|change| change.at > last.started && change.by_command != Some(index));
        (!is_stale).then_some(last.seen.exit_code == Some(0))
    }

    fn has_run(&self, named: &str) -> bool {
        self.commands.iter().any(|command| command.seen.command == named.trim())
    }

    fn has_committed(&self, named: &str) -> bool {
        let named = named.trim().to_ascii_lowercase();
        named.len() >= SHORTEST_COMMIT && self.commits.iter().any(|id| id.starts_with(&named))
    }

    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
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
fn same_spelling(path: &str, other: &str) -> bool {
    let composed = ComposingNormalizerBorrowed::new_nfc();
    path == other || composed.normalize(path) == composed.normalize(other)
}

#[cfg(test)]
mod tests;
