//! The tools with which agents talk to each other and to the person. They touch nothing; the engine answers them.

use std::sync::Arc;

use domain::{
    agent::{AgentName, AgentSpec, WorkerKind},
    brief::Brief,
    report::Report,
    run::{FINISH, Finish, REPORT},
    schema::schema_of,
    tool::{Access, RejectedInput, ToolSpec},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The tool that asks the person.
pub(crate) const ASK_USER: &str = "ask_user";

/// The input of `ask_user`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskUser {
    /// What only the person can decide, in their language.
    pub(crate) question: String,
    /// The answers to choose from, the best first. Leave out for a free answer.
    #[serde(default)]
    pub(crate) options: Vec<String>,
}

/// A call of the manager that the engine answers itself.
pub(crate) enum CoordinationCall {
    /// Run a worker.
    Worker(AgentName, Brief),
    /// Ask the person.
    AskUser(AskUser),
}

impl CoordinationCall {
    /// Reads a call; `None` where `tool` is none of the engine's own.
    pub(crate) fn parse<'w>(
        tool: &str,
        input: &Value,
        mut workers: impl Iterator<Item = &'w AgentSpec>,
    ) -> Option<Result<Self, RejectedInput>> {
        let rejected = |error: serde_json::Error| RejectedInput(error.to_string());
        if tool == ASK_USER {
            return Some(AskUser::deserialize(input).map(Self::AskUser).map_err(rejected));
        }
        let worker = workers.find(|worker| tool_name(&worker.name) == tool)?;
        let brief = Brief::deserialize(input).map_err(rejected);
        Some(brief.map(|brief| Self::Worker(worker.name.clone(), brief)))
    }
}

/// What the manager reads about its workers.
pub(crate) fn roster<'w>(workers: impl Iterator<Item = &'w AgentSpec>) -> String {
    let mut text = "\n\n# Your workers".to_owned();
    for spec in workers {
        text.push_str(&format!("\n- `{}`: {}", tool_name(&spec.name), spec.role));
        if let Some(description) = &spec.description {
            text.push_str(&format!(". {description}"));
        }
    }
    text
}

/// The manager's own tools: one for each worker, `ask_user`, `finish`.
pub(crate) fn manager_tools<'w>(workers: impl Iterator<Item = &'w AgentSpec>) -> Vec<ToolSpec> {
    let brief = Arc::new(schema_of::<Brief>());
    let mut tools: Vec<ToolSpec> = workers
        .map(|spec| ToolSpec {
            name: tool_name(&spec.name).into(),
            description: format!(
                "Gives a task to the worker `{}` ({}) and waits for its report. The worker sees only what you \
                 write here.",
                spec.name, spec.role
            )
            .into(),
            input_schema: Arc::clone(&brief),
            access: Access::Coordinate,
        })
        .collect();
    tools.push(coordinate(
        ASK_USER,
        "Asks the person something that only they can decide. Use it rarely: work stands still meanwhile.",
        schema_of::<AskUser>(),
    ));
    tools.push(coordinate(
        FINISH,
        "Ends the round. Call it alone, when everything is done or nothing more can be done; say truthfully how far \
         the work came.",
        schema_of::<Finish>(),
    ));
    tools
}

/// The tool with which a worker of `kind` hands in its report.
pub(crate) fn report_tool(kind: WorkerKind) -> ToolSpec {
    coordinate(
        REPORT,
        "Hands in your report and ends your task. Call it alone, when you are done or cannot go on. What you claim \
         is checked against what was observed.",
        Report::schema(kind),
    )
}

fn coordinate(name: &str, description: &str, schema: Value) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: description.into(),
        input_schema: Arc::new(schema),
        access: Access::Coordinate,
    }
}

fn tool_name(agent: &AgentName) -> String {
    format!("execute_{agent}_task")
}
