use super::*;
use crate::evidence::{Observations, ObservedFiles, check_claims};

fn tests(passed: bool) -> RoundInput {
    let report = json!({"summary": "", "passed": passed, "commands": ["make test"]});
    reports(WorkerKind::Tester, report, CheckedClaims::default())
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
    check(&mut round, calls(WorkerKind::Coder), &["refuse coder"]);
}

/// Contract 2 and 10: a model that is down ends the round as what it is, and not after as many calls as there are turns.
#[test]
fn runs_that_fail_by_their_model_again_and_again_end_the_round() {
    let failed = |kind| ends(kind, WorkerEnd::ModelFailed { text: "HTTP 529".to_owned() });
    let mut round = Round::new(Limits::default());
    check(&mut round, failed(WorkerKind::Planner), &[]);
    check(&mut round, failed(WorkerKind::Tester), &[]);
    check(&mut round, codes(), &[]);
    check(&mut round, failed(WorkerKind::Planner), &[]);
    check(&mut round, failed(WorkerKind::Planner), &[]);
    let effects = round.step(failed(WorkerKind::Planner));
    let [RoundEffect::End { ending: Ending::Failed(FailReason::Provider), summary }] = &effects[..] else {
        panic!("{effects:?}")
    };
    for words in ["3 runs of workers", "max_coder_retries", "planner's: HTTP 529"] {
        assert!(summary.contains(words), "{summary}");
    }
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
    let files = ObservedFiles { root: "/project", changes: &nothing.0, overlooked: &nothing.1, beside: None };
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

/// Contract 2: never 0 with the work undone. What a manager calls done was done with something, or it was denied.
#[test]
fn a_denial_matters_where_the_round_fell_short_or_nothing_happened_in_it() {
    const PERMISSION: &str = "end NeedsPerson(Permission) 9";
    for (status, happened, expected) in [
        (FinishStatus::Done, Some(RoundInput::FilesChanged), "end Done 0"),
        (FinishStatus::Done, Some(RoundInput::EffectSeen), "end Done 0"),
        (FinishStatus::Done, None, PERMISSION),
        (FinishStatus::Partial, Some(RoundInput::FilesChanged), PERMISSION),
        (FinishStatus::Failed, Some(RoundInput::EffectSeen), PERMISSION),
    ] {
        let mut round = Round::new(Limits::default());
        check(&mut round, RoundInput::DeniedUnasked, &[]);
        if let Some(happened) = happened {
            check(&mut round, happened, &[]);
        }
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
