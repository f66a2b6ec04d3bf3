use super::*;
use crate::{
    evidence::{Observations, ObservedFiles, check_claims},
    report::Severity,
    workspace::Changes,
};

fn finding(id: Option<&str>, severity: Severity) -> ReportedFinding {
    ReportedFinding {
        id: id.map(str::to_owned),
        severity,
        file: Some("src/refund.rs".to_owned()),
        line: Some(12),
        message: "음수 금액을 거르지 않는다".to_owned(),
    }
}

fn reviews(verdict: &str, findings: &[ReportedFinding]) -> RoundInput {
    let report = json!({"summary": "", "verdict": verdict, "findings": findings});
    reports(WorkerKind::Reviewer, report, CheckedClaims::default())
}

fn codes() -> RoundInput {
    reports(WorkerKind::Coder, json!({"summary": "", "files_changed": []}), CheckedClaims::default())
}

fn tests(passed: bool) -> RoundInput {
    let report = json!({"summary": "", "passed": passed, "commands": ["make test"]});
    reports(WorkerKind::Tester, report, CheckedClaims::default())
}

/// What came of a step, in a few words.
fn shown(effects: Vec<RoundEffect>) -> Vec<String> {
    let ids = |findings: &[ReportedFinding]| {
        findings.iter().filter_map(|finding| finding.id.clone()).collect::<Vec<_>>().join(" ")
    };
    let show = |effect: RoundEffect| match effect {
        RoundEffect::RunWorker { call } => format!("run {call}"),
        RoundEffect::Refuse { call, .. } => format!("refuse {call}"),
        RoundEffect::ReviewCycle { cycle, verdict, open_findings } => {
            format!("cycle {}/{} {verdict:?} [{}]", cycle.number(), cycle.limit(), ids(&open_findings))
        }
        RoundEffect::LimitReached { limit, value } => format!("{limit} = {value}"),
        RoundEffect::AskAboutReviews { open_findings } => format!("ask about [{}]", ids(&open_findings)),
        RoundEffect::End { ending, .. } => format!("end {ending:?} {}", ending.exit_code()),
    };
    effects.into_iter().map(show).collect()
}

#[track_caller]
fn check(round: &mut Round, input: RoundInput, expected: &[&str]) {
    assert_eq!(shown(round.step(input)), expected);
}

/// O-10: planner, coder, reviewer, tester, committer is the usual order, and every other is the manager's choice.
#[test]
fn every_order_of_workers_is_the_managers_choice() {
    for order in [
        [
            WorkerKind::Planner,
            WorkerKind::Coder,
            WorkerKind::Reviewer,
            WorkerKind::Tester,
            WorkerKind::Committer,
        ],
        [
            WorkerKind::Committer,
            WorkerKind::Tester,
            WorkerKind::General,
            WorkerKind::Coder,
            WorkerKind::Planner,
        ],
    ] {
        let mut round = Round::new(Limits::default());
        for kind in order {
            check(&mut round, calls(kind), &[&format!("run {}", kind.as_str())]);
        }
        check(&mut round, finishes(FinishStatus::Done, None), &["end Done 0"]);
    }
}

/// O-15: 1/3, 2/3, 3/3, then the person, never a fourth.
#[test]
fn a_reviewer_that_never_approves_gets_three_cycles_and_then_the_person_is_asked() {
    let mut round = Round::new(Limits::default());
    let critical = || reviews("request_changes", &[finding(None, Severity::Critical)]);
    let again = || reviews("request_changes", &[finding(Some("F1"), Severity::Critical)]);
    check(&mut round, critical(), &["cycle 1/3 RequestChanges [F1]"]);
    check(&mut round, codes(), &[]);
    check(&mut round, again(), &["cycle 2/3 RequestChanges [F1]"]);
    check(&mut round, codes(), &[]);
    check(
        &mut round,
        again(),
        &[
            "cycle 3/3 RequestChanges [F1]",
            "max_review_iterations = 3",
            "ask about [F1]",
            "end NeedsPerson(ReviewLimit) 10",
        ],
    );
    check(&mut round, calls(WorkerKind::Reviewer), &["refuse reviewer"]);
    check(&mut round, again(), &[]);
    check(&mut round, finishes(FinishStatus::Done, Some(true)), &[]);
}

/// O-15: an approval begins a new subject.
#[test]
fn an_approval_begins_the_count_anew() {
    let mut round = Round::new(Limits::default());
    let critical = || reviews("request_changes", &[finding(None, Severity::Critical)]);
    check(&mut round, critical(), &["cycle 1/3 RequestChanges [F1]"]);
    check(&mut round, critical(), &["cycle 2/3 RequestChanges [F2]"]);
    check(&mut round, reviews("approve", &[]), &["cycle 3/3 Approve []"]);
    check(&mut round, critical(), &["cycle 1/3 RequestChanges [F3]"]);
}

#[test]
fn changes_that_no_critical_finding_asks_for_count_as_approved() {
    let mut round = Round::new(Limits::default());
    let findings = [finding(None, Severity::Warning), finding(None, Severity::Info)];
    check(&mut round, reviews("request_changes", &findings), &["cycle 1/3 Approve []"]);
}

#[test]
fn two_findings_of_one_report_never_share_an_id() {
    let mut round = Round::new(Limits::default());
    let critical = |id| finding(id, Severity::Critical);
    let first = reviews("request_changes", &[critical(None), critical(Some("F7")), critical(Some("mine"))]);
    check(&mut round, first, &["cycle 1/3 RequestChanges [F1 F2 F3]"]);
    let second = [critical(Some("F2")), critical(Some("F2")), critical(Some("F03")), critical(Some("F+1"))];
    check(&mut round, reviews("request_changes", &second), &["cycle 2/3 RequestChanges [F2 F4 F5 F6]"]);
}

/// O-15: tests fail, a coder mends, tests fail: three times, then no coder runs any more.
#[test]
fn the_coder_is_refused_after_three_fixes_that_left_tests_failing() {
    let mut round = Round::new(Limits::default());
    check(&mut round, tests(false), &[]);
    for _ in 0..3 {
        check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
        check(&mut round, codes(), &[]);
        check(&mut round, tests(false), &[]);
    }
    check(&mut round, calls(WorkerKind::Coder), &["max_retry_cycles = 3", "refuse coder"]);
    check(&mut round, calls(WorkerKind::Tester), &["run tester"]);
    check(&mut round, tests(true), &[]);
    check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
}

/// O-15: the first failure and two retries.
#[test]
fn the_coder_is_refused_after_three_failures_in_a_row() {
    let mut round = Round::new(Limits::default());
    let fails = || ends(WorkerKind::Coder, WorkerEnd::Failed);
    for input in [fails(), fails(), codes(), fails(), fails()] {
        check(&mut round, input, &[]);
        check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
    }
    check(&mut round, fails(), &[]);
    check(&mut round, calls(WorkerKind::Coder), &["max_coder_retries = 2", "refuse coder"]);
    check(&mut round, calls(WorkerKind::Committer), &["run committer"]);
}

/// O-15: the manager's turns are a limit with an exit code of its own.
#[test]
fn a_manager_out_of_turns_ends_the_round_at_its_limit() {
    let mut round = Round::new(Limits::default());
    let end = RoundInput::ManagerEnded { end: RunEnd::OutOfTurns, tests_passed: Some(true) };
    check(&mut round, end, &["end Limit(Turns) 6"]);
}

/// O-1: announcing the next worker is not calling it.
#[test]
fn now_i_will_start_the_tester_is_at_most_partial() {
    let mut round = Round::new(Limits::default());
    assert!(!round.work_done());
    check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
    check(&mut round, codes(), &[]);
    // The run asks for `finish` once, because there is work; what it says again ends it.
    assert!(round.work_done());
    let end = RunEnd::EndedInProse("Now I'll start the tester.".to_owned());
    check(
        &mut round,
        RoundInput::ManagerEnded { end, tests_passed: None },
        &["end Partial(EndedInProse) 13"],
    );
}

/// The report of a tester that says `make test` passed, held against what was seen.
fn tester_says_passed(seen: &Observations) -> RoundInput {
    let report = json!({"summary": "모두 통과", "passed": true, "commands": ["make test"]});
    let parsed = Report::parse(WorkerKind::Tester, &report).expect("it fits the schema");
    let nothing = (Changes::default(), std::collections::BTreeSet::new());
    let files = ObservedFiles { root: "/project", changes: &nothing.0, overlooked: &nothing.1 };
    let claims = check_claims(&parsed, seen, files);
    reports(WorkerKind::Tester, report, claims)
}

#[test]
fn a_tester_that_lies_fails_the_round() {
    let mut seen = Observations::default();
    let run = seen.command_started(None, "make test");
    seen.command_ended(run, Some(2), false);

    let mut round = Round::new(Limits::default());
    check(&mut round, tester_says_passed(&seen), &[]);
    assert!(!round.verified());
    let tests_passed = seen.tests_passed(round.named_tests());
    assert_eq!(tests_passed, Some(false));
    check(&mut round, finishes(FinishStatus::Done, tests_passed), &["end Failed(Verification) 11"]);
}

/// Even where the command that it names never ran, so that nothing is known of the tests themselves.
#[test]
fn a_tester_that_ran_nothing_fails_the_round() {
    let seen = Observations::default();
    let mut round = Round::new(Limits::default());
    check(&mut round, tester_says_passed(&seen), &[]);
    let tests_passed = seen.tests_passed(round.named_tests());
    assert_eq!(tests_passed, None);
    check(&mut round, finishes(FinishStatus::Done, tests_passed), &["end Failed(Verification) 11"]);
}

#[test]
fn a_test_run_before_the_last_edit_says_nothing_and_fails_nothing() {
    let mut seen = Observations::default();
    let run = seen.command_started(None, "make test");
    seen.command_ended(run, Some(0), false);
    seen.files_changed();

    let mut round = Round::new(Limits::default());
    check(&mut round, tester_says_passed(&seen), &[]);
    assert!(!round.verified());
    let tests_passed = seen.tests_passed(round.named_tests());
    assert_eq!(tests_passed, None);
    check(&mut round, finishes(FinishStatus::Done, tests_passed), &["end Done 0"]);
}

#[test]
fn a_later_report_of_the_same_agent_makes_up_for_a_refuted_one() {
    let mut round = Round::new(Limits::default());
    let coder = json!({"summary": "", "files_changed": ["src/a.rs"]});
    let lies =
        reports(WorkerKind::Coder, coder.clone(), refuted("files_changed: `src/a.rs` does not differ"));
    check(&mut round, lies, &[]);
    assert!(!round.verified());
    check(&mut round, reports(WorkerKind::Coder, coder, CheckedClaims::default()), &[]);
    assert!(round.verified());
    check(&mut round, finishes(FinishStatus::Done, None), &["end Done 0"]);
}

#[test]
fn a_denial_matters_only_where_the_round_fell_short() {
    for (status, expected) in [
        (FinishStatus::Done, "end Done 0"),
        (FinishStatus::Partial, "end NeedsPerson(Permission) 9"),
        (FinishStatus::Failed, "end NeedsPerson(Permission) 9"),
    ] {
        let mut round = Round::new(Limits::default());
        check(&mut round, RoundInput::DeniedUnasked, &[]);
        check(&mut round, finishes(status, None), &[expected]);
    }
}

#[test]
fn a_question_with_nobody_to_ask_ends_the_round_at_once() {
    let mut round = Round::new(Limits::default());
    check(&mut round, RoundInput::QuestionUnanswered, &["end NeedsPerson(Question) 10"]);
}

#[test]
fn refused_credentials_of_any_worker_end_the_round() {
    let mut round = Round::new(Limits::default());
    let refused = ends(WorkerKind::Planner, WorkerEnd::CredentialsRefused);
    check(&mut round, refused, &["end Failed(Credentials) 4"]);
}
