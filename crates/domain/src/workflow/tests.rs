use serde_json::json;

use super::*;
use crate::{
    outcome::{LimitReason, PartialReason},
    run::{Finish, FinishStatus},
};

mod examples;
mod history;
mod properties;
mod told;

fn agent(name: &str) -> AgentName {
    AgentName::parse(name).expect("it is a name")
}

fn calls(kind: WorkerKind) -> RoundInput {
    RoundInput::WorkerCalled { call: CallId::new(kind.as_str()), agent: agent(kind.as_str()), kind }
}

fn reports(kind: WorkerKind, report: serde_json::Value, claims: CheckedClaims) -> RoundInput {
    let report = Report::parse(kind, &report).expect("it fits the schema");
    let end = WorkerEnd::Reported { report, claims };
    RoundInput::WorkerEnded { agent: agent(kind.as_str()), kind, end }
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
