//! Workers of one message, at work at the same time (O-24): which may, how many, and that nothing else changes by it.

use std::{sync::Arc, time::Duration};

use domain::{
    event::EventBody,
    evidence::Evidence,
    message::{Message, Part, Usage},
    model::ModelErrorKind,
    outcome::{Ending, FailReason},
};
use serde_json::{Value, json};
use testkit::{Answer, FakeProcesses, Fault, ScriptedModel, wait::Gate};

use crate::stage::*;

mod budgets;
mod ends;
mod evidence;
mod person;
mod together;

/// A call of a worker by the manager: agent, task, what it may write.
type Task<'t> = (&'t str, &'t str, Option<&'t [&'t str]>);

/// A message of the manager with these calls, in this order.
fn tasks(tasks: &[Task<'_>]) -> Answer {
    tasks.iter().fold(Answer::empty(), |answer, (agent, text, writes)| {
        let mut input = json!({ "task_description": text });
        if let Some(writes) = writes {
            input["writes"] = json!(writes);
        }
        answer.and_call(&format!("execute_{agent}_task"), input)
    })
}

/// A manager that sends these workers out at once, and is done when they have reported.
fn manager(model: ScriptedModel, calls: &[Task<'_>]) -> ScriptedModel {
    model.agent("manager", [tasks(calls), finish("done")])
}

/// The worker with this task says this.
fn worker(
    model: ScriptedModel,
    task: &'static str,
    answers: impl IntoIterator<Item = Answer>,
) -> ScriptedModel {
    let is_its = move |request: &domain::model::ModelRequest| {
        request.messages.first().is_some_and(|first| first.message.text().contains(task))
    };
    model.when(task, move |request| request.agent.as_str() != "manager" && is_its(request), answers)
}

/// What the manager reads in its last request, a line for each call: agent and status of its result.
fn results(stage: &Stage) -> Vec<(String, String)> {
    let requests = stage.model.requests_of("manager");
    let last: &Message = &requests.last().unwrap().messages.last().unwrap().message;
    let results = last.parts.iter().filter_map(|part| match part {
        Part::ToolResult { content, .. } => Some(content),
        _ => None,
    });
    let read = |content: &String| {
        let value: Value = serde_json::from_str(content).unwrap_or_else(|_| json!({ "status": content }));
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        (text("agent"), text("status"))
    };
    results.map(read).collect()
}
