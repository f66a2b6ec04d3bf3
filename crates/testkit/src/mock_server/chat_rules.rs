//! What Chat Completions refuse with `400 invalid_request_error`, by sections 1 and 5 of the protocol page.
//!
//! Messages name the place as the service does (`messages[2].tool_calls[0].id`). Clients must never branch on them.
//! Judged are the forms that this project sends; what else a field may hold is let through.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::wire::Refusal;
use crate::model::is_tool_name;

mod conversation;
#[cfg(test)]
mod tests;

const FIELDS: [&str; 33] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "stop",
    "seed",
    "response_format",
    "reasoning_effort",
    "prompt_cache_key",
    "service_tier",
    "verbosity",
    "metadata",
    "store",
    "user",
    "safety_identifier",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "modalities",
    "audio",
    "prediction",
    "web_search_options",
    "prompt_cache_retention",
];
const MOST_TOOLS: usize = 128;
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Judges a request.
pub(super) fn examine(body: &Value) -> Result<(), Refusal> {
    let body = body.as_object().ok_or_else(|| Refusal::invalid("the request body must be an object"))?;
    only(body, &FIELDS, "")?;
    match body.get("model") {
        None => return Err(Refusal::invalid("you must provide a model parameter")),
        Some(model) if model.as_str().is_none_or(str::is_empty) => {
            return Err(invalid_type("model", "a string", model));
        }
        Some(_) => {}
    }
    examine_stream(body)?;
    examine_numbers(body)?;
    examine_tools(body)?;
    one_of(body.get("reasoning_effort"), &EFFORTS, "reasoning_effort")?;
    let messages = body.get("messages").ok_or_else(|| missing("messages"))?;
    conversation::examine(list(messages, "messages")?)
}

/// Refuses fields that are not `allowed`.
fn only(object: &Map<String, Value>, allowed: &[&str], place: &str) -> Result<(), Refusal> {
    match object.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => {
            let param = format!("{place}{key}");
            let message = format!("Unknown parameter: '{param}'.");
            Err(Refusal::invalid(message).of(param).coded("unknown_parameter"))
        }
        None => Ok(()),
    }
}

fn missing(param: &str) -> Refusal {
    let message = format!("Missing required parameter: '{param}'.");
    Refusal::invalid(message).of(param).coded("missing_required_parameter")
}

fn invalid_type(param: &str, expected: &str, got: &Value) -> Refusal {
    let message = format!("Invalid type for '{param}': expected {expected}, but got {got} instead.");
    Refusal::invalid(message).of(param).coded("invalid_type")
}

fn one_of(value: Option<&Value>, allowed: &[&str], param: &str) -> Result<(), Refusal> {
    match value {
        None => Ok(()),
        Some(value) if value.as_str().is_some_and(|word| allowed.contains(&word)) => Ok(()),
        Some(value) => {
            let message =
                format!("Invalid value: {value}. Supported values are: '{}'.", allowed.join("', '"));
            Err(Refusal::invalid(message).of(param).coded("invalid_value"))
        }
    }
}

/// A list that is not empty.
fn list<'v>(value: &'v Value, param: &str) -> Result<&'v [Value], Refusal> {
    let items = value.as_array().ok_or_else(|| invalid_type(param, "an array", value))?;
    if items.is_empty() {
        let message = format!(
            "Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array \
             instead."
        );
        return Err(Refusal::invalid(message).of(param).coded("empty_array"));
    }
    Ok(items)
}

fn object<'v>(value: &'v Value, param: &str) -> Result<&'v Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| invalid_type(param, "an object", value))
}

fn text<'v>(fields: &'v Map<String, Value>, field: &str, place: &str) -> Result<&'v str, Refusal> {
    let param = format!("{place}{field}");
    let value = fields.get(field).ok_or_else(|| missing(&param))?;
    value.as_str().ok_or_else(|| invalid_type(&param, "a string", value))
}

fn examine_stream(body: &Map<String, Value>) -> Result<(), Refusal> {
    for field in ["stream", "store", "parallel_tool_calls"] {
        if let Some(value) = body.get(field).filter(|value| !value.is_boolean()) {
            return Err(invalid_type(field, "a boolean", value));
        }
    }
    let Some(options) = body.get("stream_options") else { return Ok(()) };
    if body.get("stream") != Some(&Value::Bool(true)) {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::invalid(message).of("stream_options"));
    }
    let options = object(options, "stream_options")?;
    only(options, &["include_usage", "include_obfuscation"], "stream_options.")?;
    match options.iter().find(|(_, value)| !value.is_boolean()) {
        Some((name, value)) => Err(invalid_type(&format!("stream_options.{name}"), "a boolean", value)),
        None => Ok(()),
    }
}

fn examine_numbers(body: &Map<String, Value>) -> Result<(), Refusal> {
    for field in ["max_tokens", "max_completion_tokens", "n"] {
        if let Some(value) = body.get(field).filter(|value| value.as_u64().is_none_or(|number| number == 0)) {
            return Err(invalid_type(field, "an integer of at least 1", value));
        }
    }
    for (field, most) in [("temperature", 2.0), ("top_p", 1.0)] {
        let is_outside =
            |value: &&Value| !value.as_f64().is_some_and(|number| (0.0..=most).contains(&number));
        if let Some(value) = body.get(field).filter(is_outside) {
            return Err(invalid_type(field, &format!("a number between 0 and {most}"), value));
        }
    }
    if body.contains_key("max_tokens") {
        if body.contains_key("max_completion_tokens") {
            let message =
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
            return Err(Refusal::invalid(message).coded("invalid_parameter_combination"));
        }
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
        if ["gpt-5", "o1", "o3", "o4"].iter().any(|prefix| model.starts_with(prefix)) {
            let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                           'max_completion_tokens' instead.";
            return Err(Refusal::invalid(message).of("max_tokens").coded("unsupported_parameter"));
        }
    }
    Ok(())
}

fn examine_tools(body: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(tools) = body.get("tools") else {
        let lonely =
            ["tool_choice", "parallel_tool_calls"].into_iter().find(|field| body.contains_key(*field));
        return lonely.map_or(Ok(()), |field| {
            let message =
                format!("Invalid value for '{field}': '{field}' is only allowed when 'tools' are specified.");
            Err(Refusal::invalid(message).of(field))
        });
    };
    let tools = list(tools, "tools")?;
    if tools.len() > MOST_TOOLS {
        let message = format!(
            "Invalid 'tools': array too long. Expected an array with maximum length {MOST_TOOLS}, but got an array \
             with length {} instead.",
            tools.len()
        );
        return Err(Refusal::invalid(message).of("tools").coded("array_above_max_length"));
    }
    let mut names = HashSet::new();
    for (index, tool) in tools.iter().enumerate() {
        let place = format!("tools[{index}]");
        let name = examine_tool(object(tool, &place)?, &place)?;
        if !names.insert(name) {
            return Err(Refusal::invalid(format!("Duplicate function name: {name}")).of("tools"));
        }
    }
    let Some(choice) = body.get("tool_choice") else { return Ok(()) };
    let Some(choice) = choice.as_object() else {
        return one_of(Some(choice), &["none", "auto", "required"], "tool_choice");
    };
    one_of(choice.get("type"), &["function"], "tool_choice.type")?;
    let name = choice.get("function").and_then(|function| function["name"].as_str()).unwrap_or_default();
    if names.contains(name) {
        return Ok(());
    }
    let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
    Err(Refusal::invalid(message).of("tool_choice"))
}

/// Gives the tool's name.
fn examine_tool<'v>(tool: &'v Map<String, Value>, place: &str) -> Result<&'v str, Refusal> {
    only(tool, &["type", "function"], &format!("{place}."))?;
    if text(tool, "type", &format!("{place}."))? != "function" {
        return one_of(tool.get("type"), &["function"], &format!("{place}.type")).map(|()| "");
    }
    let param = format!("{place}.function");
    let function = object(tool.get("function").ok_or_else(|| missing(&param))?, &param)?;
    let inside = format!("{param}.");
    only(function, &["name", "description", "parameters", "strict"], &inside)?;
    let name = examine_name(function, &inside)?;
    if function.contains_key("description") {
        text(function, "description", &inside)?;
    }
    if let Some(schema) = function.get("parameters") {
        examine_schema(object(schema, &format!("{inside}parameters"))?, name, &inside)?;
    }
    Ok(name)
}

/// The name of a function, in a tool or in a call.
fn examine_name<'v>(function: &'v Map<String, Value>, inside: &str) -> Result<&'v str, Refusal> {
    let name = text(function, "name", inside)?;
    if is_tool_name(name) {
        return Ok(name);
    }
    let param = format!("{inside}name");
    let message = format!(
        "Invalid '{param}': string does not match pattern. Expected a string that matches the pattern \
         '^[a-zA-Z0-9_-]{{1,64}}$'."
    );
    Err(Refusal::invalid(message).of(param).coded("invalid_value"))
}

fn examine_schema(schema: &Map<String, Value>, name: &str, inside: &str) -> Result<(), Refusal> {
    let problem = if schema.get("type").and_then(Value::as_str) != Some("object") {
        Some("schema must be a JSON Schema of 'type: \"object\"'".to_owned())
    } else {
        schema.get("properties").into_iter().find_map(without_items)
    };
    problem.map_or(Ok(()), |problem| {
        let message = format!("Invalid schema for function '{name}': {problem}.");
        let param = format!("{inside}parameters");
        Err(Refusal::invalid(message).of(param).coded("invalid_function_parameters"))
    })
}

/// Where a schema has a list without saying of what.
fn without_items(schema: &Value) -> Option<String> {
    match schema {
        Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "array") => {
            match fields.get("items") {
                None => Some("array schema missing items".to_owned()),
                Some(items) => without_items(items),
            }
        }
        Value::Object(fields) => fields.values().find_map(without_items),
        Value::Array(items) => items.iter().find_map(without_items),
        _ => None,
    }
}
