//! Anything that a round can be told, in any order, in a form that the model in `history` understands, too.

use proptest::prelude::*;

use super::*;
use crate::{report::Severity, run::RunFailure};

/// What a round is told, in a form that can be told again to the model below.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Called(WorkerKind),
    Reviewed {
        approves: bool,
        findings: Vec<(Option<u32>, Severity)>,
        claims: Claims,
    },
    Tested {
        passed: bool,
        claims: Claims,
    },
    /// A worker of another kind reports.
    Reported(WorkerKind, Claims),
    Failed(WorkerKind),
    CredentialsRefused(WorkerKind),
    FilesChanged,
    DeniedUnasked,
    EvidenceLost,
    QuestionUnanswered,
    ManagerEnded(ManagerEnd, Option<bool>),
}

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

fn claims() -> impl Strategy<Value = Claims> {
    prop_oneof![4 => Just(Claims::Held), 1 => Just(Claims::Unverified), 1 => Just(Claims::Refuted)]
}

fn finding() -> impl Strategy<Value = (Option<u32>, Severity)> {
    let severity =
        prop_oneof![1 => Just(Severity::Info), 1 => Just(Severity::Warning), 3 => Just(Severity::Critical)];
    (prop::option::of(0_u32..8), severity)
}

pub(super) fn manager_end() -> impl Strategy<Value = Told> {
    (prop::sample::select(&MANAGER_ENDS[..]), any::<Option<bool>>())
        .prop_map(|(end, tests_passed)| Told::ManagerEnded(end, tests_passed))
}

pub(super) fn told() -> impl Strategy<Value = Told> {
    let review = (any::<bool>(), prop::collection::vec(finding(), 0..4), claims())
        .prop_map(|(approves, findings, claims)| Told::Reviewed { approves, findings, claims });
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
        8 => review,
        10 => test,
        14 => (other, claims()).prop_map(|(kind, claims)| Told::Reported(kind, claims)),
        6 => prop_oneof![kind(), Just(WorkerKind::Coder)].prop_map(Told::Failed),
        1 => kind().prop_map(Told::CredentialsRefused),
        2 => Just(Told::FilesChanged),
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

pub(super) fn input(told: &Told) -> RoundInput {
    match told {
        Told::Called(kind) => calls(*kind),
        Told::Reviewed { approves, findings, claims } => {
            let findings: Vec<_> = findings
                .iter()
                .map(|(id, severity)| {
                    let id = id.map(|id| format!("F{id}"));
                    ReportedFinding {
                        id,
                        severity: *severity,
                        file: None,
                        line: None,
                        message: "왜".to_owned(),
                    }
                })
                .collect();
            let verdict = if *approves { "approve" } else { "request_changes" };
            let report = json!({"summary": "", "verdict": verdict, "findings": findings});
            reports(WorkerKind::Reviewer, report, claims.checked())
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
        Told::CredentialsRefused(kind) => ends(*kind, WorkerEnd::CredentialsRefused),
        Told::FilesChanged => RoundInput::FilesChanged,
        Told::DeniedUnasked => RoundInput::DeniedUnasked,
        Told::EvidenceLost => RoundInput::EvidenceLost,
        Told::QuestionUnanswered => RoundInput::QuestionUnanswered,
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
