//! Anything that a round can be told, in any order, in a form that the model in `history` understands, too.

use proptest::prelude::*;

use super::*;
use crate::{
    report::{ReviewerReport, Severity, Verdict},
    run::RunFailure,
};

/// What a round is told, in a form that can be told again to the model below.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Called(WorkerKind),
    Reviewed {
        approves: bool,
        findings: Vec<Said>,
        changed: bool,
        claims: Claims,
    },
    Tested {
        passed: bool,
        claims: Claims,
    },
    /// A worker of another kind reports.
    Reported(WorkerKind, Claims),
    Failed(WorkerKind),
    ModelFailed(WorkerKind),
    CredentialsRefused(WorkerKind),
    FilesChanged,
    EffectSeen,
    DeniedUnasked,
    EvidenceLost,
    QuestionUnanswered,
    Decided(ReviewDecision),
    ManagerEnded(ManagerEnd, Option<bool>),
}

/// A finding of a report: the number of the id that it names, how bad it is, what it says.
pub(super) type Said = (Option<u32>, Severity, u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claims {
    Held,
    Unverified,
    Refuted,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ManagerEnd {
    Done,
    Partial,
    GivenUp,
    Answered,
    InProse,
    Malformed,
    Provider,
    OutOfTurns,
    Stopped,
}

const MANAGER_ENDS: [ManagerEnd; 9] = [
    ManagerEnd::Done,
    ManagerEnd::Partial,
    ManagerEnd::GivenUp,
    ManagerEnd::Answered,
    ManagerEnd::InProse,
    ManagerEnd::Malformed,
    ManagerEnd::Provider,
    ManagerEnd::OutOfTurns,
    ManagerEnd::Stopped,
];

fn kind() -> impl Strategy<Value = WorkerKind> {
    prop::sample::select(&WorkerKind::ALL[..])
}

fn decision() -> impl Strategy<Value = ReviewDecision> {
    prop_oneof![
        4 => prop::sample::select(&ReviewOption::ALL[..]).prop_map(ReviewDecision::Chosen),
        2 => Just(ReviewDecision::Guided("음수만".to_owned())),
        3 => Just(ReviewDecision::Unanswered),
        1 => Just(ReviewDecision::NobodyThere),
    ]
}

fn claims() -> impl Strategy<Value = Claims> {
    prop_oneof![4 => Just(Claims::Held), 1 => Just(Claims::Unverified), 1 => Just(Claims::Refuted)]
}

fn finding() -> impl Strategy<Value = Said> {
    let severity =
        prop_oneof![1 => Just(Severity::Info), 1 => Just(Severity::Warning), 3 => Just(Severity::Critical)];
    (prop::option::of(0_u32..8), severity, 0_u8..4)
}

pub(super) fn manager_end() -> impl Strategy<Value = Told> {
    (prop::sample::select(&MANAGER_ENDS[..]), any::<Option<bool>>())
        .prop_map(|(end, tests_passed)| Told::ManagerEnded(end, tests_passed))
}

pub(super) fn told() -> impl Strategy<Value = Told> {
    let review = (prop::bool::weighted(0.2), prop::collection::vec(finding(), 0..4), any::<bool>(), claims())
        .prop_map(|(approves, findings, changed, claims)| Told::Reviewed {
            approves,
            findings,
            changed,
            claims,
        });
    let test = (any::<bool>(), claims()).prop_map(|(passed, claims)| Told::Tested { passed, claims });
    let other = prop::sample::select(&[
        WorkerKind::Planner,
        WorkerKind::Coder,
        WorkerKind::Coder,
        WorkerKind::Committer,
        WorkerKind::General,
    ]);
    prop_oneof![
        12 => kind().prop_map(Told::Called),
        12 => Just(Told::Called(WorkerKind::Coder)),
        14 => review,
        8 => decision().prop_map(Told::Decided),
        10 => test,
        14 => (other, claims()).prop_map(|(kind, claims)| Told::Reported(kind, claims)),
        6 => prop_oneof![kind(), Just(WorkerKind::Coder)].prop_map(Told::Failed),
        4 => kind().prop_map(Told::ModelFailed),
        1 => kind().prop_map(Told::CredentialsRefused),
        2 => Just(Told::FilesChanged),
        1 => Just(Told::EffectSeen),
        1 => Just(Told::DeniedUnasked),
        1 => Just(Told::EvidenceLost),
        1 => Just(Told::QuestionUnanswered),
        1 => manager_end(),
    ]
}

pub(super) fn limits() -> impl Strategy<Value = Limits> {
    (0_u32..5, 0_u32..4, 0_u32..4).prop_map(|(reviews, cycles, retries)| Limits {
        max_review_iterations: reviews,
        max_retry_cycles: cycles,
        max_coder_retries: retries,
        ..Limits::default()
    })
}

impl Claims {
    fn checked(self) -> CheckedClaims {
        let some = vec!["a claim".to_owned()];
        match self {
            Self::Held => CheckedClaims::default(),
            Self::Unverified => CheckedClaims { refuted: Vec::new(), unverified: some },
            Self::Refuted => CheckedClaims { refuted: some, unverified: Vec::new() },
        }
    }
}

/// The report of a review, and what changed before it. Of anything else: an empty one.
pub(super) fn review(told: &Told) -> (ReviewerReport, ChangedFiles) {
    let Told::Reviewed { approves, findings, changed: has_changed, .. } = told else {
        let empty =
            ReviewerReport { summary: String::new(), verdict: Verdict::Approve, findings: Vec::new() };
        return (empty, changed(&[]));
    };
    let findings = findings.iter().map(|(id, severity, message)| ReportedFinding {
        id: id.map(|id| format!("F{id}")),
        severity: *severity,
        file: None,
        line: None,
        message: format!("왜 {message}"),
    });
    let verdict = if *approves { Verdict::Approve } else { Verdict::RequestChanges };
    let report = ReviewerReport { summary: String::new(), verdict, findings: findings.collect() };
    (report, changed(if *has_changed { &["a.rs"] } else { &[] }))
}

pub(super) fn input(told: &Told) -> RoundInput {
    match told {
        Told::Called(kind) => calls(*kind),
        Told::Reviewed { claims, .. } => {
            let (report, changed) = review(told);
            let end =
                WorkerEnd::Reported { report: Report::Reviewer(report), claims: claims.checked(), changed };
            ends(WorkerKind::Reviewer, end)
        }
        Told::Tested { passed, claims } => {
            let report = json!({"summary": "", "passed": passed, "commands": ["make test"]});
            reports(WorkerKind::Tester, report, claims.checked())
        }
        Told::Reported(kind, claims) => {
            let report = match kind {
                WorkerKind::Planner => json!({"summary": "", "steps": []}),
                WorkerKind::Coder => json!({"summary": "", "files_changed": []}),
                WorkerKind::Committer => json!({"summary": ""}),
                _ => json!({"summary": "", "status": "success"}),
            };
            reports(*kind, report, claims.checked())
        }
        Told::Failed(kind) => ends(*kind, WorkerEnd::Failed),
        Told::ModelFailed(kind) => ends(*kind, WorkerEnd::ModelFailed { text: "529".to_owned() }),
        Told::CredentialsRefused(kind) => ends(*kind, WorkerEnd::CredentialsRefused),
        Told::FilesChanged => RoundInput::FilesChanged,
        Told::EffectSeen => RoundInput::EffectSeen,
        Told::DeniedUnasked => RoundInput::DeniedUnasked,
        Told::EvidenceLost => RoundInput::EvidenceLost,
        Told::QuestionUnanswered => RoundInput::QuestionUnanswered,
        Told::Decided(decision) => RoundInput::ReviewsDecided(decision.clone()),
        Told::ManagerEnded(end, tests_passed) => {
            RoundInput::ManagerEnded { end: run_end(*end), tests_passed: *tests_passed }
        }
    }
}

fn run_end(end: ManagerEnd) -> RunEnd {
    let text = "말".to_owned();
    let finished = |status| RunEnd::Finished(Finish { summary: "말".to_owned(), status });
    match end {
        ManagerEnd::Done => finished(FinishStatus::Done),
        ManagerEnd::Partial => finished(FinishStatus::Partial),
        ManagerEnd::GivenUp => finished(FinishStatus::Failed),
        ManagerEnd::Answered => RunEnd::Answered(text),
        ManagerEnd::InProse => RunEnd::EndedInProse(text),
        ManagerEnd::Malformed => RunEnd::Malformed(text),
        ManagerEnd::Provider => RunEnd::Failed(RunFailure { reason: FailReason::Provider, text }),
        ManagerEnd::OutOfTurns => RunEnd::OutOfTurns,
        ManagerEnd::Stopped => RunEnd::Stopped(Ending::Stopped),
    }
}
