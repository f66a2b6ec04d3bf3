use serde_json::json;

use super::*;
use crate::{
    outcome::{LimitReason, NeedReason, PartialReason},
    report::ReportedFinding,
    review::{ChangedFiles, ReviewDecision, ReviewOption},
    run::{Finish, FinishStatus, RunEnd},
    workspace::{ChangeKind, Changes, FileChange},
};

mod beside;
mod examples;
mod history;
mod mentioned;
mod properties;
mod reviews;
mod told;

fn agent(name: &str) -> AgentName {
    AgentName::parse(name).expect("it is a name")
}

fn calls(kind: WorkerKind) -> RoundInput {
    RoundInput::WorkerCalled { call: CallId::new(kind.as_str()), agent: agent(kind.as_str()), kind }
}

fn reports(kind: WorkerKind, report: serde_json::Value, claims: CheckedClaims) -> RoundInput {
    let report = Report::parse(kind, &report).expect("it fits the schema");
    let end = WorkerEnd::Reported { report, claims, changed: changed(&[]) };
    RoundInput::WorkerEnded { agent: agent(kind.as_str()), kind, end }
}

/// The files that changed since the last review.
fn changed(paths: &[&str]) -> ChangedFiles {
    let change = |path: &&str| FileChange { path: (*path).to_owned(), kind: ChangeKind::Modified };
    ChangedFiles::seen("/project", &Changes { files: paths.iter().map(change).collect(), partial: None })
}

fn ends(kind: WorkerKind, end: WorkerEnd) -> RoundInput {
    RoundInput::WorkerEnded { agent: agent(kind.as_str()), kind, end }
}

fn finishes(status: FinishStatus, tests_passed: Option<bool>) -> RoundInput {
    let end = RunEnd::Finished(Finish { summary: "환불 기능".to_owned(), status });
    RoundInput::ManagerEnded { end, tests_passed }
}

fn refuted(claim: &str) -> CheckedClaims {
    CheckedClaims { refuted: vec![claim.to_owned()], unverified: Vec::new() }
}

fn codes() -> RoundInput {
    reports(WorkerKind::Coder, json!({"summary": "", "files_changed": []}), CheckedClaims::default())
}

/// What came of a step, in a few words.
fn shown(effects: Vec<RoundEffect>) -> Vec<String> {
    let ids = |findings: &[ReportedFinding]| {
        findings.iter().filter_map(|finding| finding.id.clone()).collect::<Vec<_>>().join(" ")
    };
    let show = |effect: RoundEffect| match effect {
        RoundEffect::RunWorker { call } => format!("run {call}"),
        RoundEffect::Refuse { call, .. } => format!("refuse {call}"),
        RoundEffect::ReviewCycle { cycle, verdict, open_findings, closed, ignored } => {
            let closed: Vec<String> =
                closed.iter().map(|closed| format!(" {} {}", closed.id, closed.state.as_str())).collect();
            let ignored =
                if ignored.is_empty() { String::new() } else { format!(" ignored {}", ids(&ignored)) };
            let (number, limit) = (cycle.number(), cycle.limit());
            format!(
                "cycle {number}/{limit} {verdict:?} [{}]{}{ignored}",
                ids(&open_findings),
                closed.concat()
            )
        }
        RoundEffect::LimitReached { limit, value } => format!("{limit} = {value}"),
        RoundEffect::AskAboutReviews { open_findings, default } => {
            let default = if default.is_some() { "" } else { " without a default" };
            format!("ask about [{}]{default}", ids(&open_findings))
        }
        RoundEffect::AskForGuidance => "ask for guidance".to_owned(),
        RoundEffect::ReviewsSettled { text } => text,
        RoundEffect::End { ending, .. } => format!("end {ending:?} {}", ending.exit_code()),
    };
    effects.into_iter().map(show).collect()
}

#[track_caller]
fn check(round: &mut Round, input: RoundInput, expected: &[&str]) {
    assert_eq!(shown(round.step(input)), expected);
}
