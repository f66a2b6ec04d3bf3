//! Rounds in which the person calls the workers by name (spec O-11).

use super::*;
use crate::{outcome::Signal, report::Verdict};

fn round(max_review_iterations: u32) -> Round {
    Round::new(Limits {
        max_review_iterations,
        max_coder_retries: 0,
        max_retry_cycles: 0,
        ..Limits::default()
    })
}

fn check(told: Vec<RoundInput>, ending: Ending, tests_passed: Option<bool>, expected: Ending) {
    let mut round = round(3);
    let what = format!("{told:?}");
    assert_eq!(round.step(RoundInput::WorkerMentioned), []);
    for input in told {
        round.step(input);
    }
    let summary = "환불".to_owned();
    let effects = round.step(RoundInput::ChainEnded { ending, summary: summary.clone(), tests_passed });
    match &effects[..] {
        // The limit is named beside what the workers said.
        [RoundEffect::End { ending: Ending::Limit(reached), summary: said }]
            if said.starts_with(&summary) =>
        {
            assert_eq!(Ending::Limit(*reached), expected, "{what}");
        }
        effects => assert_eq!(effects, [RoundEffect::End { ending: expected, summary }], "{what}"),
    }
    assert!(round.work_done());
}

/// A review that the person asked for is read by the person: it is told, and nothing is asked of them.
#[test]
fn reviews_that_the_person_asks_for_are_told_and_end_nothing() {
    let finding = json!({ "severity": "critical", "message": "틀렸다" });
    let mut round = round(1);
    for _ in 0..4 {
        round.step(RoundInput::WorkerMentioned);
        let report = json!({ "summary": "아니다", "verdict": "request_changes", "findings": [finding] });
        let effects = round.step(reports(WorkerKind::Reviewer, report, CheckedClaims::default()));
        match &effects[..] {
            [RoundEffect::ReviewCycle { cycle, verdict: Verdict::RequestChanges, .. }] => {
                assert_eq!((cycle.number(), cycle.limit()), (1, 1));
            }
            other => panic!("{other:?}"),
        }
    }
    let ended = RoundInput::ChainEnded { ending: Ending::Done, summary: String::new(), tests_passed: None };
    assert_eq!(round.step(ended), [RoundEffect::End { ending: Ending::Done, summary: String::new() }]);
}

/// Contract 2: what was observed decides, whoever called the workers.
#[test]
fn a_chain_that_came_to_its_end_is_judged_by_what_was_seen() {
    let coded = || json!({ "summary": "짰다", "files_changed": ["a"] });
    let verification = Ending::Failed(FailReason::Verification);
    let held = || reports(WorkerKind::Coder, coded(), CheckedClaims::default());
    check(vec![held()], Ending::Done, None, Ending::Done);
    check(vec![held()], Ending::Done, Some(true), Ending::Done);
    check(vec![held()], Ending::Done, Some(false), verification);
    check(vec![reports(WorkerKind::Coder, coded(), refuted("a"))], Ending::Done, None, verification);
    check(vec![held(), RoundInput::EvidenceLost], Ending::Done, None, verification);
    let red = || {
        let report = json!({ "summary": "빨강", "passed": false, "commands": [] });
        reports(WorkerKind::Tester, report, CheckedClaims::default())
    };
    check(vec![red()], Ending::Done, None, verification);
    check(vec![red(), held()], Ending::Done, None, Ending::Done);
}

/// No manager says that the work is done in spite of what was denied, so only a person can.
#[test]
fn what_was_denied_unasked_keeps_a_chain_from_being_done() {
    let denied = || vec![RoundInput::DeniedUnasked];
    let permission = Ending::NeedsPerson(NeedReason::Permission);
    check(denied(), Ending::Done, Some(true), permission);
    check(denied(), Ending::Failed(FailReason::WorkerFailed), None, permission);
    for other in [
        Ending::Failed(FailReason::Provider),
        Ending::Limit(LimitReason::Time),
        Ending::Cancelled(Signal::Interrupt),
    ] {
        check(denied(), other, None, other);
    }
}
