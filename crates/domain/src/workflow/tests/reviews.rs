//! Reviews that do not end by themselves (O-15): counted, asked about, held against the end of the round.

use super::*;
use crate::report::Severity;

fn finding(id: Option<&str>, severity: Severity, message: &str) -> ReportedFinding {
    ReportedFinding {
        id: id.map(str::to_owned),
        severity,
        file: Some("src/refund.rs".to_owned()),
        line: Some(12),
        message: message.to_owned(),
    }
}

fn reviews_after(files: &[&str], verdict: &str, findings: &[ReportedFinding]) -> RoundInput {
    let report = json!({"summary": "", "verdict": verdict, "findings": findings});
    let report = Report::parse(WorkerKind::Reviewer, &report).expect("it fits the schema");
    let end = WorkerEnd::Reported { report, claims: CheckedClaims::default(), changed: changed(files) };
    ends(WorkerKind::Reviewer, end)
}

fn reviews(verdict: &str, findings: &[ReportedFinding]) -> RoundInput {
    reviews_after(&[], verdict, findings)
}

fn again() -> RoundInput {
    reviews("request_changes", &[finding(Some("F1"), Severity::Critical, "음수 금액을 거르지 않는다")])
}

fn nit(number: u32) -> RoundInput {
    reviews("request_changes", &[finding(None, Severity::Critical, &format!("흠 {number}"))])
}

fn decides(decision: ReviewDecision) -> RoundInput {
    RoundInput::ReviewsDecided(decision)
}

/// A round after its third review, with F1 open.
fn at_the_limit() -> Round {
    let mut round = Round::new(Limits::default());
    check(&mut round, again(), &["cycle 1/3 RequestChanges [F1]"]);
    check(&mut round, again(), &["cycle 2/3 RequestChanges [F1]"]);
    let last = ["cycle 3/3 RequestChanges [F1]", "max_review_iterations = 3", "ask about [F1]"];
    check(&mut round, again(), &last);
    round
}

/// O-15: 1/3, 2/3, 3/3, then the person, never a fourth.
#[test]
fn where_nobody_is_there_three_reviews_are_all_there_is() {
    let mut round = at_the_limit();
    check(&mut round, decides(ReviewDecision::NobodyThere), &["end NeedsPerson(ReviewLimit) 10"]);
    check(&mut round, calls(WorkerKind::Reviewer), &["refuse reviewer"]);
    check(&mut round, again(), &[]);
    check(&mut round, decides(ReviewDecision::Chosen(ReviewOption::OneMore)), &[]);
    check(&mut round, finishes(FinishStatus::Done, Some(true)), &[]);
}

#[test]
fn one_more_review_is_one_more() {
    let mut round = at_the_limit();
    for limit in [4, 5] {
        check(
            &mut round,
            decides(ReviewDecision::Chosen(ReviewOption::OneMore)),
            &[&format!(
                "The person allows one more review (the limit is {limit} now). Give the open findings to a coder, then \
                 let a reviewer look again."
            )],
        );
        assert!(round.holds_back().is_some());
        let asked = [
            format!("cycle {limit}/{limit} RequestChanges [F1]"),
            format!("max_review_iterations = {limit}"),
            "ask about [F1]".to_owned(),
        ];
        assert_eq!(shown(round.step(again())), asked);
    }
    check(&mut round, decides(ReviewDecision::Chosen(ReviewOption::Stop)), &["end Stopped 15"]);
}

#[test]
fn guidance_reaches_the_manager_in_the_persons_words() {
    let mut round = at_the_limit();
    check(&mut round, decides(ReviewDecision::Chosen(ReviewOption::Guidance)), &["ask for guidance"]);
    let words = ReviewDecision::Guided(" 음수만 거르면 됩니다\n".to_owned());
    check(
        &mut round,
        decides(words),
        &[
            "The person says: 음수만 거르면 됩니다\nOne more review is allowed (the limit is 4 now). Give the open \
           findings to a coder, then let a reviewer look again.",
        ],
    );
    check(&mut round, reviews("approve", &[]), &["cycle 4/4 Approve [] F1 withdrawn"]);
    assert_eq!(round.holds_back(), None);
}

#[test]
fn what_the_person_accepts_counts_as_approved() {
    let mut round = at_the_limit();
    let effects = shown(round.step(decides(ReviewDecision::Chosen(ReviewOption::Accept))));
    assert_eq!(effects.first().map(String::as_str), Some("cycle 3/3 Approve [] F1 accepted"));
    assert_eq!((effects.len(), round.holds_back()), (2, None));
    // It stays accepted while its file stays as it is.
    check(&mut round, again(), &["cycle 1/3 Approve [] ignored F1"]);
    check(&mut round, finishes(FinishStatus::Done, None), &["end Done 0"]);
}

/// An absent person cannot keep a round going for ever.
#[test]
fn a_deadline_allows_one_more_review_once_for_a_subject() {
    let mut round = at_the_limit();
    let effects = shown(round.step(decides(ReviewDecision::Unanswered)));
    assert!(effects.len() == 1 && effects[0].contains("Nobody answered in time"), "{effects:?}");
    let asked =
        ["cycle 4/4 RequestChanges [F1]", "max_review_iterations = 4", "ask about [F1] without a default"];
    check(&mut round, again(), &asked);
    check(&mut round, decides(ReviewDecision::NobodyThere), &["end NeedsPerson(ReviewLimit) 10"]);

    // What a person allows in between does not make it new; an approval does.
    let mut round = at_the_limit();
    round.step(decides(ReviewDecision::Unanswered));
    round.step(again());
    round.step(decides(ReviewDecision::Chosen(ReviewOption::OneMore)));
    round.step(again());
    check(&mut round, decides(ReviewDecision::Unanswered), &["end NeedsPerson(ReviewLimit) 10"]);

    let mut round = at_the_limit();
    round.step(decides(ReviewDecision::Unanswered));
    check(&mut round, reviews("approve", &[]), &["cycle 4/4 Approve [] F1 withdrawn"]);
    (1..=3).for_each(|number| drop(round.step(nit(number))));
    let effects = shown(round.step(decides(ReviewDecision::Unanswered)));
    assert!(effects.len() == 1 && effects[0].contains("Nobody answered in time"), "{effects:?}");
}

/// O-15: an approval begins a new subject.
#[test]
fn an_approval_begins_the_count_anew() {
    let mut round = Round::new(Limits::default());
    check(&mut round, nit(1), &["cycle 1/3 RequestChanges [F1]"]);
    check(&mut round, nit(2), &["cycle 2/3 RequestChanges [F2] F1 withdrawn"]);
    check(&mut round, reviews("approve", &[]), &["cycle 3/3 Approve [] F2 withdrawn"]);
    check(&mut round, nit(3), &["cycle 1/3 RequestChanges [F3]"]);
}

/// They are told and kept, and nobody has to do anything about them.
#[test]
fn changes_that_no_finding_forces_count_as_approved() {
    let mut round = Round::new(Limits::default());
    let slight = [finding(None, Severity::Warning, "긴 함수"), finding(None, Severity::Info, "긴 이름")];
    for _ in 0..4 {
        check(&mut round, reviews("request_changes", &slight), &["cycle 1/3 Approve [F1 F2]"]);
    }
    assert_eq!(round.holds_back(), None);
    check(&mut round, finishes(FinishStatus::Done, None), &["end Done 0"]);
}

/// `review.force_on`.
#[test]
fn the_threshold_is_the_persons() {
    let limits = Limits { review_force_on: Severity::Warning, ..Limits::default() };
    let mut round = Round::new(limits);
    let warning = [finding(None, Severity::Warning, "긴 함수")];
    check(&mut round, reviews("request_changes", &warning), &["cycle 1/3 RequestChanges [F1]"]);
}

#[test]
fn a_mended_finding_that_is_said_again_does_not_keep_the_round_going() {
    let mut round = Round::new(Limits::default());
    check(&mut round, again(), &["cycle 1/3 RequestChanges [F1]"]);
    let other = [finding(None, Severity::Critical, "다른 것")];
    let mended = reviews_after(&["src/refund.rs"], "request_changes", &other);
    check(&mut round, mended, &["cycle 2/3 RequestChanges [F2] F1 fixed"]);
    check(&mut round, again(), &["cycle 3/3 Approve [] F2 withdrawn ignored F1"]);
    check(&mut round, finishes(FinishStatus::Done, None), &["end Done 0"]);
}

#[test]
fn while_changes_are_asked_for_the_round_is_not_done() {
    let mut round = Round::new(Limits::default());
    assert_eq!(round.holds_back(), None);
    check(&mut round, again(), &["cycle 1/3 RequestChanges [F1]"]);
    let text = "the last review asked for changes, and these findings are open:\n\
                - F1 [critical] (src/refund.rs:12): 음수 금액을 거르지 않는다\n\
                Give them to a coder by their ids, then call a reviewer, whose report closes what is mended. If they \
                cannot be mended now, finish as `partial` and say which are left.";
    assert_eq!(round.holds_back().as_deref(), Some(text));
    // A coder's word is no review.
    check(&mut round, calls(WorkerKind::Coder), &["run coder"]);
    check(&mut round, codes(), &[]);
    assert_eq!(round.holds_back().as_deref(), Some(text));
    check(&mut round, reviews("approve", &[]), &["cycle 2/3 Approve [] F1 withdrawn"]);
    assert_eq!(round.holds_back(), None);
}

/// The person has spoken since: reviews are counted anew, and only one of this round holds anything back.
#[test]
fn findings_outlive_a_round_and_the_count_does_not() {
    let mut first = at_the_limit();
    first.step(decides(ReviewDecision::NobodyThere));
    let mut second = Round::new(Limits::default()).reviewing(first.ledger().clone());
    assert_eq!(second.ledger().open().len(), 1);
    assert_eq!(second.holds_back(), None);
    check(&mut second, nit(1), &["cycle 1/3 RequestChanges [F2] F1 withdrawn"]);
}
