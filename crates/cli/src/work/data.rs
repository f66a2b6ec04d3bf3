//! `agents` and `config`: what is configured, for people or as JSON.

use better_llm::{
    Engine, agent_config_schema,
    domain::{
        agent::{AgentName, AgentSpec},
        terminal::Sanitized,
    },
    system_config_schema,
};
use serde_json::{Value, json};

use super::{Done, Terminal};
use crate::{args::Options, render, render::start::StartFailure, words::Said};

/// Exit code of a verb that found nothing (contract 2).
pub(super) const NOT_FOUND: u8 = 16;

pub(super) fn say(
    printer: &mut Terminal,
    options: &Options,
    text: impl FnOnce() -> Sanitized,
    data: impl FnOnce() -> Value,
) -> Done {
    let said = if options.json { printer.data(&data()) } else { printer.answer(&text().into()) };
    Done { said, exit_code: 0 }
}

fn everyone(engine: &Engine) -> Vec<AgentSpec> {
    let settings = engine.settings();
    std::iter::once(&settings.manager).chain(&settings.workers).cloned().collect()
}

/// An agent as JSON, with its prompt's text.
fn agent_data(agent: &AgentSpec) -> Value {
    let mut data = serde_json::to_value(agent).unwrap_or_default();
    if let Value::Object(fields) = &mut data {
        fields.insert("timeout_seconds".to_owned(), json!(agent.timeout.as_secs_f64()));
        fields.remove("timeout");
        fields.insert("prompt".to_owned(), json!(agent.prompt));
    }
    data
}

pub(super) fn agents(engine: &Engine, options: &Options, printer: &mut Terminal) -> Done {
    let agents = everyone(engine);
    let language = printer.language();
    say(
        printer,
        options,
        || render::data::agent_list(&agents, language),
        || Value::Array(agents.iter().map(agent_data).collect()),
    )
}

/// None where there is no agent of that name.
pub(super) fn agent(
    engine: &Engine,
    name: &AgentName,
    options: &Options,
    printer: &mut Terminal,
) -> Option<Done> {
    let agents = everyone(engine);
    let agent = agents.iter().find(|agent| agent.name == *name)?;
    let language = printer.language();
    Some(say(printer, options, || render::data::agent(agent, language), || agent_data(agent)))
}

/// Says which agents there are.
pub(super) fn no_such_agent(engine: &Engine, name: &AgentName) -> StartFailure {
    let agents = everyone(engine);
    let known: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
    let words = Said::by(|language| language.no_such_agent(name.as_str()));
    StartFailure::new("not_found", NOT_FOUND, words, Said::by(|language| language.known_agents(&known)))
}

pub(super) fn config_show(engine: &Engine, options: &Options, printer: &mut Terminal) -> Done {
    let settings = engine.settings();
    let language = printer.language();
    say(printer, options, || render::data::settings(settings.shown(), language), || settings.to_json())
}

/// Says what was read and what was left out; problems end the verb before this (exit 3).
pub(super) fn config_check(engine: &Engine, options: &Options, printer: &mut Terminal) -> Done {
    let files: Vec<String> =
        engine.settings().files.iter().map(|file| file.path.display().to_string()).collect();
    let language = printer.language();
    let text = || render::data::checked(&files, engine.notices(), language);
    let notices = || engine.notices().iter().map(ToString::to_string).collect::<Vec<_>>();
    say(printer, options, text, || json!({ "ok": true, "files": files, "notices": notices() }))
}

pub(super) fn config_schema(printer: &mut Terminal) -> Done {
    let schemas =
        json!({ "agent_config.json": agent_config_schema(), "system_config.json": system_config_schema() });
    Done { said: printer.data(&schemas), exit_code: 0 }
}

pub(super) fn config_paths(engine: &Engine, options: &Options, printer: &mut Terminal) -> Done {
    let places = engine.settings().places.named();
    let text = || render::data::places(places.iter().map(|(name, path)| (*name, path.display().to_string())));
    let data = || {
        let entries =
            places.iter().map(|(name, path)| ((*name).to_owned(), json!(path.display().to_string())));
        Value::Object(entries.collect())
    };
    say(printer, options, text, data)
}
