//! `permissions explain`: who may do what, and by which rule.

use better_llm::{Engine, ExplainError};
use serde_json::json;

use super::{
    Done, Terminal,
    data::{NOT_FOUND, say},
};
use crate::{
    args::{Options, PermissionQuestion},
    render::{permissions::explanation, start::StartFailure},
    words::Said,
};

/// Explains. Exit code 16 where there is no such agent or tool.
pub(super) async fn explain(
    engine: &Engine,
    question: &PermissionQuestion,
    options: &Options,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let agent = question.agent.as_ref().map(|agent| agent.as_str());
    let call = question.call.as_ref().map(|(tool, argument)| (tool.as_str(), argument.as_str()));
    let explained = engine.explain(agent, call).await.map_err(|error| failure(&error))?;
    let language = printer.language();
    Ok(say(printer, options, || explanation(&explained, language), || json!(explained)))
}

fn failure(error: &ExplainError) -> StartFailure {
    let not_found = |words, hint| StartFailure::new("not_found", NOT_FOUND, words, hint);
    match error {
        ExplainError::NoAgent { name, known } => {
            let known: Vec<&str> = known.split(", ").collect();
            not_found(
                Said::by(|language| language.no_such_agent(name)),
                Said::by(|language| language.known_agents(&known)),
            )
        }
        ExplainError::NoTool { name, known } => not_found(
            Said::by(|language| language.no_such_tool(name)),
            Said::by(|language| language.known_tools(known)),
        ),
        ExplainError::Start(error) => StartFailure::from(error),
    }
}
