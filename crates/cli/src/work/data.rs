//! `agents` and `config`: what is configured, for people or as JSON.

use better_llm::{
    Engine, agent_config_schema,
    domain::agent::{AgentName, AgentSpec},
    system_config_schema,
};
use serde_json::{Value, json};

use super::{Done, Terminal};
use crate::{args::Options, render, render::start::StartFailure, sanitize::clean_line};

/// Exit code of a verb that found nothing (contract 2).
const NOT_FOUND: u8 = 16;

type Outcome = Result<Done, StartFailure>;

fn say(
    printer: &mut Terminal,
    options: &Options,
    text: impl FnOnce() -> String,
    data: impl FnOnce() -> Value,
) -> Outcome {
    let said =
        if options.json { printer.answer(&render::data::json(&data())) } else { printer.answer(&text()) };
    Ok(Done { said, exit_code: 0 })
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

pub(super) fn agents(engine: &Engine, options: &Options, printer: &mut Terminal) -> Outcome {
    let agents = everyone(engine);
    say(
        printer,
        options,
        || render::data::agent_list(&agents),
        || Value::Array(agents.iter().map(agent_data).collect()),
    )
}

pub(super) fn agent(engine: &Engine, name: &AgentName, options: &Options, printer: &mut Terminal) -> Outcome {
    let agents = everyone(engine);
    let Some(agent) = agents.iter().find(|agent| agent.name == *name) else {
        let known: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        return Err(StartFailure {
            code: "not_found".to_owned(),
            text: printer.language().no_such_agent(name.as_str(), &known),
            chain: Vec::new(),
            hint: None,
            exit_code: NOT_FOUND,
        });
    };
    let language = printer.language();
    say(printer, options, || render::data::agent(agent, language), || agent_data(agent))
}

pub(super) fn config_show(engine: &Engine, options: &Options, printer: &mut Terminal) -> Outcome {
    let settings = engine.settings();
    let text = || {
        let lines = settings.shown().iter().map(|shown| {
            format!(
                "{} = {}  ({})\n",
                shown.key,
                clean_line(&shown.value.to_string()),
                clean_line(&shown.source.to_string())
            )
        });
        lines.collect()
    };
    say(printer, options, text, || settings.to_json())
}

/// Says what was read and what was left out; problems end the verb before this (exit 3).
pub(super) fn config_check(engine: &Engine, options: &Options, printer: &mut Terminal) -> Outcome {
    let files: Vec<String> =
        engine.settings().files.iter().map(|file| file.path.display().to_string()).collect();
    let notices: Vec<String> = engine.notices().iter().map(ToString::to_string).collect();
    let language = printer.language();
    let text = || {
        let files = files.iter().map(|file| format!("{}: {}\n", language.config_file(), clean_line(file)));
        let notices =
            notices.iter().map(|notice| format!("{}: {}\n", language.config_notice(), clean_line(notice)));
        files.chain(notices).chain([format!("{}\n", language.config_is_right())]).collect()
    };
    say(printer, options, text, || json!({ "ok": true, "files": files, "notices": notices }))
}

pub(super) fn config_schema(printer: &mut Terminal) -> Done {
    let schemas =
        json!({ "agent_config.json": agent_config_schema(), "system_config.json": system_config_schema() });
    Done { said: printer.answer(&render::data::json(&schemas)), exit_code: 0 }
}

pub(super) fn config_paths(engine: &Engine, options: &Options, printer: &mut Terminal) -> Outcome {
    let places = engine.settings().places.named();
    let text = || {
        places
            .iter()
            .map(|(name, path)| format!("{name}: {}\n", clean_line(&path.display().to_string())))
            .collect()
    };
    let data = || {
        let entries =
            places.iter().map(|(name, path)| ((*name).to_owned(), json!(path.display().to_string())));
        Value::Object(entries.collect())
    };
    say(printer, options, text, data)
}
