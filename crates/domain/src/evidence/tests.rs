use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    agent::{AgentName, WorkerKind},
    id::RunId,
    workspace::{ChangeKind, FileChange},
};

mod beside;

fn run(number: u128) -> RunId {
    RunId::new(crate::id::Ulid(number))
}

/// What happens to a workspace.
#[derive(Debug, Clone)]
enum Happens {
    /// One of [`EFFECTS`] starts.
    Starts(usize),
    /// One of those that run ends.
    Ends { which: prop::sample::Index, exit_code: Option<i32>, changed: bool },
    /// Somebody else changes files.
    Edit,
    /// The engine commits, which changes no file.
    Commit,
}

const COMMANDS: [&str; 5] = ["make test", "  make test\n", "make lint", "pytest -q", "make fmt"];
/// Commands, and a call of a file tool.
const EFFECTS: [&str; 6] = [COMMANDS[0], COMMANDS[1], COMMANDS[2], COMMANDS[3], COMMANDS[4], "[write]"];

fn happens() -> impl Strategy<Value = Happens> {
    let exit_code = prop_oneof![6 => Just(Some(0)), 2 => Just(Some(1)), 1 => Just(None)];
    let ends = (any::<prop::sample::Index>(), exit_code, prop::bool::weighted(0.25))
        .prop_map(|(which, exit_code, changed)| Happens::Ends { which, exit_code, changed });
    prop_oneof![
        6 => (0..EFFECTS.len()).prop_map(Happens::Starts),
        6 => ends,
        1 => Just(Happens::Edit),
        1 => Just(Happens::Commit),
    ]
}

/// What was seen, one entry after the other; an effect is known by the place of its start.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Seen {
    Started(&'static str),
    Ended { start: usize, exit_code: Option<i32>, changed: bool },
    Edited,
    Committed,
}

/// Whether another effect was under way between the start of one and the end of it.
fn was_beside(history: &[Seen], start: usize, end: usize) -> bool {
    let began = history
        .iter()
        .enumerate()
        .filter(|(at, seen)| matches!(seen, Seen::Started(_)) && *at != start && *at < end);
    began.into_iter().any(|(other, _)| {
        let over =
            history.iter().position(|seen| matches!(seen, Seen::Ended { start, .. } if *start == other));
        over.is_none_or(|over| over > start)
    })
}

/// Contract 2, word for word: of each named command its last run decides. A run counts only if no file tool and no
/// other command changed a file after it started; what changed while it was not alone may be another's. All 0: true;
/// any other: false; else null.
fn tests_passed(history: &[Seen], named: &[&str]) -> Option<bool> {
    let verdicts = named.iter().map(|named| {
        let start = history
            .iter()
            .rposition(|seen| matches!(seen, Seen::Started(command) if command.trim() == named.trim()))?;
        let is_spoiled = history.iter().enumerate().skip(start).any(|(at, seen)| match seen {
            Seen::Edited => true,
            Seen::Ended { start: other, changed, .. } => {
                *changed && (*other != start || was_beside(history, start, at))
            }
            Seen::Started(_) | Seen::Committed => false,
        });
        let passed = history
            .iter()
            .any(|seen| matches!(seen, Seen::Ended { start: own, exit_code: Some(0), .. } if *own == start));
        (!is_spoiled).then_some(passed)
    });
    let verdicts: Vec<Option<bool>> = verdicts.collect();
    match verdicts.as_slice() {
        [] => None,
        some if some.contains(&Some(false)) => Some(false),
        some if some.contains(&None) => None,
        _ => Some(true),
    }
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    #[test]
    fn whether_tests_passed_is_what_the_history_says(
        happenings in prop::collection::vec(happens(), 0..24),
        named in prop::sample::subsequence(&COMMANDS[..], 0..=3),
    ) {
        let mut seen = Observations::default();
        let mut history = Vec::new();
        let mut running: Vec<(usize, EffectTicket)> = Vec::new();
        for happens in happenings {
            match happens {
                Happens::Starts(which) => {
                    let ticket = match COMMANDS.get(which) {
                        Some(command) => seen.command_started(None, command),
                        None => seen.edit_started(run(1), Some("메모.txt")),
                    };
                    running.push((history.len(), ticket));
                    history.push(Seen::Started(EFFECTS[which]));
                }
                Happens::Ends { which, exit_code, changed } if !running.is_empty() => {
                    let (start, ticket) = running.remove(which.index(running.len()));
                    let is_beside = was_beside(&history, start, history.len());
                    let (differs, changed) = match history[start] {
                        // What a file tool did may have been seen by whoever was at work beside it.
                        Seen::Started("[write]") => {
                            (seen.edit_ended(ticket, true, changed), changed || is_beside)
                        }
                        _ => (seen.command_ended(ticket, exit_code, changed), changed),
                    };
                    history.push(Seen::Ended { start, exit_code, changed });
                    let has_changed = history.iter().enumerate().skip(start).any(|(at, seen)| match seen {
                        Seen::Edited => true,
                        Seen::Ended { start: other, changed: true, .. } => {
                            *other == start || was_beside(&history, *other, at)
                        }
                        _ => false,
                    });
                    prop_assert_eq!(differs, has_changed, "{:?}", history);
                }
                Happens::Ends { .. } => {}
                Happens::Edit => {
                    seen.files_changed();
                    history.push(Seen::Edited);
                }
                Happens::Commit => {
                    seen.committed("0123456789abcdef");
                    history.push(Seen::Committed);
                }
            }
            let names: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            prop_assert_eq!(seen.tests_passed(&names), tests_passed(&history, &named), "{:?}", history);
            let is_changed = history.iter().any(
                |seen| matches!(seen, Seen::Edited | Seen::Ended { changed: true, .. })
            );
            prop_assert_eq!(seen.any_change(), is_changed);
        }
    }
}

/// Observations in which each command ran and ended with its code.
fn ran(commands: &[(&str, i32)]) -> Observations {
    let mut seen = Observations::default();
    for (command, exit_code) in commands {
        let ticket = seen.command_started(None, command);
        seen.command_ended(ticket, Some(*exit_code), false);
    }
    seen
}

#[track_caller]
fn check_tests(seen: &Observations, named: &[&str], expected: Option<bool>) {
    let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen.tests_passed(&named), expected);
}

#[test]
fn a_test_run_before_the_last_edit_counts_for_nothing() {
    let mut seen = ran(&[("make test", 0)]);
    check_tests(&seen, &["make test"], Some(true));
    seen.files_changed();
    check_tests(&seen, &["make test"], None);
    let again = seen.command_started(None, "make test");
    seen.command_ended(again, Some(0), false);
    check_tests(&seen, &[" make test "], Some(true));
}

#[test]
fn an_edit_while_the_tests_run_spoils_them_and_what_they_write_themselves_does_not() {
    let mut seen = Observations::default();
    let own = seen.command_started(None, "make test");
    seen.command_ended(own, Some(0), true);
    check_tests(&seen, &["make test"], Some(true));

    let spoiled = seen.command_started(None, "make test");
    seen.files_changed();
    seen.command_ended(spoiled, Some(0), false);
    check_tests(&seen, &["make test"], None);
}

#[test]
fn another_command_that_changed_files_after_the_tests_began_spoils_them() {
    let mut seen = Observations::default();
    let tests = seen.command_started(None, "make test");
    let other = seen.command_started(None, "make fmt");
    seen.command_ended(tests, Some(0), false);
    check_tests(&seen, &["make test"], Some(true));
    seen.command_ended(other, Some(0), true);
    check_tests(&seen, &["make test"], None);
}

#[test]
fn the_last_run_of_each_named_command_decides() {
    let seen = ran(&[("make test", 1), ("make test", 0), ("make lint", 0), ("make lint", 2)]);
    check_tests(&seen, &["make test"], Some(true));
    check_tests(&seen, &["make test", "make lint"], Some(false));
    check_tests(&seen, &["make test", "never run"], None);
    check_tests(&seen, &["make lint", "never run"], Some(false));
    check_tests(&seen, &[], None);
}

#[test]
fn a_test_command_that_did_not_run_to_its_end_did_not_pass() {
    let mut seen = Observations::default();
    let ticket = seen.command_started(None, "make test");
    check_tests(&seen, &["make test"], Some(false));
    seen.command_ended(ticket, None, false);
    check_tests(&seen, &["make test"], Some(false));
}

#[test]
fn a_run_is_shown_its_own_commands_alone() {
    let mut seen = Observations::default();
    for (number, command, code) in [(1, "make", Some(0)), (2, "ls", Some(0)), (1, " make test ", None)] {
        let ticket = seen.command_started(Some(run(number)), command);
        seen.command_ended(ticket, code, false);
    }
    let command = |command: &str, exit_code| ObservedCommand { command: command.to_owned(), exit_code };
    assert_eq!(seen.commands_of(run(1)), [command("make", Some(0)), command("make test", None)]);
}

/// Claims about files, held against a change of `src/환불.rs` in `/project` and two paths that nobody sees.
#[track_caller]
fn check_claim(claimed: &str, partial: Option<&str>, refuted: bool, unverified: bool) {
    let changes = Changes {
        files: vec![FileChange { path: "src/환불.rs".to_owned(), kind: ChangeKind::Modified }],
        partial: partial.map(str::to_owned),
    };
    let overlooked = BTreeSet::from(["target/out.txt".to_owned(), "/tmp/x".to_owned()]);
    let files = ObservedFiles { root: "/project", changes: &changes, overlooked: &overlooked, beside: None };
    let report = json!({"summary": "", "files_changed": [claimed]});
    let report = Report::parse(WorkerKind::Coder, &report).expect("it fits the schema");
    let checked = check_claims(&report, &Observations::default(), files);
    assert_eq!(
        (!checked.refuted.is_empty(), !checked.unverified.is_empty()),
        (refuted, unverified),
        "{checked:?}"
    );
    assert_eq!(checked.all_held(), !refuted && !unverified);
}

#[test]
fn a_claimed_file_is_observed_refuted_or_out_of_sight() {
    check_claim("src/환불.rs", None, false, false);
    check_claim(" ./src//환불.rs", None, false, false);
    check_claim("/project/src/환불.rs", None, false, false);
    check_claim("/projects/src/환불.rs", None, true, false);
    check_claim("src/새로/../환불.rs", None, false, false);
    check_claim("../src/환불.rs", None, true, false);
    check_claim("src/환불", None, true, false);
    check_claim("target/out.txt", None, false, true);
    check_claim("/tmp/x", None, false, true);
    check_claim("src/big.rs", Some("only the first 100,000 files were looked at"), false, true);
}

/// The claims of a report that are refuted, and those that are left open, by the field they stand in.
#[track_caller]
fn check_report(
    kind: WorkerKind,
    report: serde_json::Value,
    seen: &Observations,
    refuted: &[&str],
    unverified: &[&str],
) {
    let changes = Changes::default();
    let overlooked = BTreeSet::new();
    let files = ObservedFiles { root: "/project", changes: &changes, overlooked: &overlooked, beside: None };
    let report = Report::parse(kind, &report).expect("it fits the schema");
    let checked = check_claims(&report, seen, files);
    let field = |claim: &String| claim.split(':').next().unwrap_or_default().to_owned();
    let fields = |claims: &[String]| claims.iter().map(field).collect::<Vec<_>>();
    assert_eq!(
        (fields(&checked.refuted), fields(&checked.unverified)),
        (
            refuted.iter().map(|field| (*field).to_owned()).collect(),
            unverified.iter().map(|field| (*field).to_owned()).collect(),
        )
    );
}

#[test]
fn a_testers_claims_are_held_against_the_runs_that_count() {
    let claims = |passed: bool| json!({"summary": "", "passed": passed, "commands": ["make test"]});
    let tester = WorkerKind::Tester;
    check_report(tester, claims(true), &ran(&[("make test", 0)]), &[], &[]);
    check_report(tester, claims(true), &ran(&[("make test", 1)]), &["passed"], &[]);
    check_report(tester, claims(true), &ran(&[("make  test", 0)]), &["commands"], &["passed"]);
    check_report(tester, claims(false), &ran(&[("make test", 1)]), &[], &[]);
    check_report(tester, claims(false), &ran(&[("make test", 0)]), &[], &["passed"]);
    let mut edited = ran(&[("make test", 0)]);
    edited.files_changed();
    check_report(tester, claims(true), &edited, &[], &["passed"]);
}

#[test]
fn a_coders_commands_and_a_committers_commit_are_held_against_what_was_seen() {
    let coder = json!({"summary": "", "files_changed": [], "commands_run": ["make", "make install"]});
    check_report(WorkerKind::Coder, coder, &ran(&[("make", 2)]), &["commands_run"], &[]);

    let mut seen = Observations::default();
    seen.committed("8c0c6d9f0e1a2b3c4d5e6f708192a3b4c5d6e7f8");
    let commit = |id: &str| json!({"summary": "", "commit": id});
    check_report(WorkerKind::Committer, commit("8c0c6d9"), &seen, &[], &[]);
    check_report(WorkerKind::Committer, commit("8c0c6d9f0e1a2b3c4d5e6f708192a3b4c5d6e7f8"), &seen, &[], &[]);
    check_report(WorkerKind::Committer, commit("8C0C"), &seen, &[], &[]);
    check_report(WorkerKind::Committer, commit("8c0"), &seen, &["commit"], &[]);
    check_report(WorkerKind::Committer, commit("e181cc7"), &seen, &["commit"], &[]);
    check_report(WorkerKind::Committer, json!({"summary": ""}), &seen, &[], &[]);
}

#[test]
fn plans_reviews_and_general_reports_claim_nothing_that_can_be_checked() {
    let seen = Observations::default();
    check_report(WorkerKind::Planner, json!({"summary": "", "steps": []}), &seen, &[], &[]);
    let review = json!({"summary": "", "verdict": "approve", "findings": []});
    check_report(WorkerKind::Reviewer, review, &seen, &[], &[]);
    check_report(WorkerKind::General, json!({"summary": "", "status": "success"}), &seen, &[], &[]);
}

#[test]
fn a_path_in_composed_and_decomposed_hangul_is_the_same_path() {
    let composed = "문서/가.md";
    let decomposed = "\u{1106}\u{116e}\u{11ab}\u{1109}\u{1165}/\u{1100}\u{1161}.md";
    assert!(same_spelling(composed, decomposed) && same_spelling(decomposed, composed));
    assert!(!same_spelling(composed, "문서/나.md"));
}
