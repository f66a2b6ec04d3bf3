//! Workers that the manager called in one message and that are at work at the same time (O-24).

use proptest::prelude::*;

use super::*;
use crate::{
    properties,
    report::{ReviewerReport, Severity, Verdict},
};

/// A review that was shown where `round` stood at `shown`.
fn review(shown: &Shown, verdict: &str, findings: &serde_json::Value) -> RoundInput {
    let report = json!({"summary": "", "verdict": verdict, "findings": findings});
    let report = Report::parse(WorkerKind::Reviewer, &report).expect("it fits the schema");
    let end = WorkerEnd::Reported {
        report,
        claims: CheckedClaims::default(),
        changed: changed(&[]).and_shown(shown.clone()),
    };
    RoundInput::WorkerEnded { agent: agent("reviewer"), kind: WorkerKind::Reviewer, end }
}

fn critical(message: &str) -> serde_json::Value {
    json!([{"severity": "critical", "message": message}])
}

/// Both looked at the same work: that is one cycle, and what one of them found is not the other's to settle.
#[test]
fn two_reviews_at_once_are_one_cycle_and_do_not_settle_each_others_findings() {
    let mut round = Round::new(Limits::default());
    let shown = round.shown_to_reviewers();
    check(
        &mut round,
        review(&shown, "request_changes", &critical("one")),
        &["cycle 1/3 RequestChanges [F1]"],
    );
    check(
        &mut round,
        review(&shown, "request_changes", &critical("two")),
        &["cycle 1/3 RequestChanges [F1 F2]"],
    );
    let shown = round.shown_to_reviewers();
    check(
        &mut round,
        review(&shown, "approve", &json!([])),
        &["cycle 2/3 Approve [] F1 withdrawn F2 withdrawn"],
    );
}

#[test]
fn an_approval_beside_an_objection_is_none() {
    let mut round = Round::new(Limits::default());
    let shown = round.shown_to_reviewers();
    check(
        &mut round,
        review(&shown, "request_changes", &critical("one")),
        &["cycle 1/3 RequestChanges [F1]"],
    );
    check(&mut round, review(&shown, "approve", &json!([])), &["cycle 1/3 RequestChanges [F1]"]);
    assert!(round.holds_back().is_some_and(|why| why.contains("F1")));

    // The other way round, with a finding that was open before.
    let shown = round.shown_to_reviewers();
    let again = json!([{"id": "F1", "severity": "critical", "message": "still"}]);
    check(&mut round, review(&shown, "approve", &json!([])), &["cycle 2/3 Approve [] F1 withdrawn"]);
    check(&mut round, review(&shown, "request_changes", &again), &["cycle 1/3 RequestChanges [F1]"]);
}

/// O-15: the person is asked once, however many reviews come to the limit together.
#[test]
fn reviews_at_once_ask_the_person_once() {
    let mut round = Round::new(Limits { max_review_iterations: 1, ..Limits::default() });
    let shown = round.shown_to_reviewers();
    check(
        &mut round,
        review(&shown, "request_changes", &critical("one")),
        &["cycle 1/1 RequestChanges [F1]", "max_review_iterations = 1", "ask about [F1]"],
    );
    check(
        &mut round,
        review(&shown, "request_changes", &critical("two")),
        &["cycle 1/1 RequestChanges [F1 F2]"],
    );
}

/// O-15: runs that fail are counted as they end; those that were at work by then are not called back.
#[test]
fn coders_at_once_are_counted_as_they_end() {
    let mut round = Round::new(Limits { max_coder_retries: 1, ..Limits::default() });
    for _ in 0..3 {
        check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
    }
    for _ in 0..3 {
        check(&mut round, ends(WorkerKind::Coder, WorkerEnd::Failed), &[]);
    }
    check(&mut round, calls(WorkerKind::Coder), &["max_coder_retries = 1", "refuse coder"]);
    check(&mut round, codes(), &[]);
    check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
}

/// A report about up to three findings that are open, and new ones.
fn reported() -> impl Strategy<Value = ReviewerReport> {
    let finding = (0..4_u32, 0..3_u32, any::<bool>()).prop_map(|(id, new, is_critical)| ReportedFinding {
        id: (id > 0).then(|| format!("F{id}")),
        severity: if is_critical { Severity::Critical } else { Severity::Info },
        file: None,
        line: None,
        message: if id > 0 { format!("old {id}") } else { format!("new {new}") },
    });
    let verdict = prop_oneof![Just(Verdict::Approve), Just(Verdict::RequestChanges)];
    (verdict, prop::collection::vec(finding, 0..4)).prop_map(|(verdict, findings)| ReviewerReport {
        summary: String::new(),
        verdict,
        findings,
    })
}

proptest! {
    #![proptest_config(properties::cases())]

    /// Law 3: which of two reviews at once ends first decides nothing: whatever one of them demands is open.
    #[test]
    fn what_any_of_several_reviews_at_once_demands_stays_open(
        reports in prop::collection::vec(reported(), 1..4),
    ) {
        let mut round = Round::new(Limits::default());
        let before = json!([1, 2, 3].map(|n| json!({"severity": "critical", "message": format!("old {n}")})));
        let first = round.shown_to_reviewers();
        round.step(review(&first, "request_changes", &before));
        let shown = round.shown_to_reviewers();
        for report in &reports {
            let report = Report::Reviewer(report.clone());
            let changed = changed(&[]).and_shown(shown.clone());
            let end = WorkerEnd::Reported { report, claims: CheckedClaims::default(), changed };
            round.step(RoundInput::WorkerEnded { agent: agent("reviewer"), kind: WorkerKind::Reviewer, end });
        }
        let open = round.ledger().open();
        for report in reports.iter().filter(|report| report.verdict == Verdict::RequestChanges) {
            for demanded in &report.findings {
                let found = open.iter().find(|open| match &demanded.id {
                    Some(id) => open.id.as_ref() == Some(id),
                    None => open.message == demanded.message,
                });
                prop_assert!(found.is_some(), "{:?} of {:?}: {:?}", demanded, reports, open);
                let forces = found.is_some_and(|found| found.severity == Severity::Critical);
                prop_assert!(!forces || round.holds_back().is_some(), "{:?}: {:?}", reports, open);
            }
        }
    }
}
