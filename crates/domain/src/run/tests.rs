use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    id::CallId,
    limits::MALFORMED_IN_A_ROW,
    message::{StopReason, Usage},
    model::{InvalidInput, ModelAnswer},
    tool::RejectedInput,
};

mod circles;
mod cut_off;
mod examples;
mod persons_words;
mod properties;
mod too_long;
mod watched;

/// An input of `report` that a worker of `kind` may hand in.
fn report_input(kind: WorkerKind) -> Value {
    match kind {
        WorkerKind::Planner => json!({"summary": "계획", "steps": []}),
        WorkerKind::Coder => json!({"summary": "구현", "files_changed": ["src/refund.rs"]}),
        WorkerKind::Reviewer => json!({"summary": "검토", "verdict": "approve", "findings": []}),
        WorkerKind::Tester => json!({"summary": "시험", "passed": true, "commands": ["make test"]}),
        WorkerKind::Committer => json!({"summary": "커밋"}),
        WorkerKind::General => json!({"summary": "끝", "status": "success"}),
    }
}

/// An input with which an agent of `role` may end its run.
fn closing_input(role: RunRole) -> Value {
    match role {
        RunRole::Manager => json!({"summary": "환불 기능을 추가했습니다", "status": "done"}),
        RunRole::Worker(kind) => report_input(kind),
    }
}

/// A round that holds no ending back.
fn standing(work_done: bool) -> Standing {
    Standing { work_done, holds_back: None }
}

fn call_ended(call: &str, result: CallResult) -> RunInput {
    RunInput::CallEnded { call: CallId::new(call), result, standing: standing(true) }
}

fn call_part(id: &CallId, tool: &str, input: Value) -> Part {
    Part::ToolUse { id: id.clone(), name: tool.to_owned(), input }
}

fn answer(parts: Vec<Part>, stop_reason: StopReason) -> ModelAnswer {
    ModelAnswer {
        message: Message { role: Role::Assistant, parts },
        stop_reason,
        usage: Usage { input_tokens: 10, output_tokens: 2, ..Usage::default() },
        model: "script".to_owned(),
        invalid_inputs: Vec::new(),
    }
}
