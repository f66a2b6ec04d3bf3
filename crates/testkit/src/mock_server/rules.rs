//! What the service refuses with `400 invalid_request_error`, by sections 1, 2 and 7 of the protocol page.
//!
//! Messages name the place as the service does (`messages.2.content.0: ...`). Clients must never branch on them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::model::is_tool_name;

mod blocks;
mod conversation;
#[cfg(test)]
mod tests;

/// The version without sampling parameters.
pub(super) const NEWER_VERSION: &str = "2026-10-21";
/// Every version that is understood.
pub(super) const VERSIONS: [&str; 2] = ["2023-06-01", NEWER_VERSION];

const FIELDS: [&str; 21] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "cache_control",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "stream",
    "stop_sequences",
    "metadata",
    "service_tier",
    "speed",
    "diagnostics",
    "temperature",
    "top_p",
    "top_k",
    "context_management",
    "container",
    "inference_geo",
];
const TOOL_FIELDS: [&str; 9] = [
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
];
/// Models that always think and take no forced tool choice.
const ALWAYS_THINKING: [&str; 2] = ["claude-opus-5-5", "claude-fable-5-1"];
const MOST_MARKS: usize = 4;
const MOST_MESSAGES: usize = 100_000;

/// Whether the request asks for an answer or only for a count of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Answer,
    Count,
}

/// What the server said earlier and recognises when it comes back.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Blocks of types that only the service knows.
    pub(super) blocks: Vec<Value>,
    /// The content of answers that ended with `pause_turn`: they may stand last.
    pub(super) paused: Vec<Value>,
}

/// What is known besides the body.
pub(super) struct Request<'a> {
    pub(super) body: &'a Value,
    pub(super) version: &'a str,
    pub(super) purpose: Purpose,
    pub(super) said: &'a Said,
}

/// Judges a request; the error is the service's message.
pub(super) fn examine(request: &Request<'_>) -> Result<(), String> {
    let body = request.body.as_object().ok_or("the request body must be an object")?;
    only(body, &FIELDS, "")?;
    examine_numbers(body, request)?;
    let names = examine_tools(body.get("tools"))?;
    examine_choice(body, &names)?;
    examine_thinking(body)?;
    examine_options(body)?;
    blocks::examine_system(body.get("system"))?;
    let messages = body.get("messages").ok_or("messages: Field required")?;
    let messages = messages.as_array().ok_or("messages: Input should be a valid list")?;
    if messages.is_empty() || messages.len() > MOST_MESSAGES {
        return Err(format!("messages: between 1 and {MOST_MESSAGES} messages are required"));
    }
    conversation::examine(messages, request)?;
    examine_marks(request.body)
}

/// Refuses fields that are not `allowed`.
fn only(object: &Map<String, Value>, allowed: &[&str], place: &str) -> Result<(), String> {
    match object.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(format!("{place}{key}: Extra inputs are not permitted")),
        None => Ok(()),
    }
}

fn one_of(value: Option<&Value>, allowed: &[&str], place: &str) -> Result<(), String> {
    match value {
        None => Ok(()),
        Some(value) if value.as_str().is_some_and(|word| allowed.contains(&word)) => Ok(()),
        Some(value) => Err(format!("{place}: Input should be one of {}, not {value}", allowed.join(", "))),
    }
}

fn examine_numbers(body: &Map<String, Value>, request: &Request<'_>) -> Result<(), String> {
    match body.get("model").and_then(Value::as_str) {
        None => return Err("model: Field required".to_owned()),
        Some("") => return Err("model: String should have at least 1 character".to_owned()),
        Some(_) => {}
    }
    match (body.get("max_tokens"), request.purpose) {
        (None, Purpose::Answer) => return Err("max_tokens: Field required".to_owned()),
        (Some(tokens), Purpose::Answer) if tokens.as_u64().is_none() => {
            return Err("max_tokens: Input should be a valid integer, 0 or greater".to_owned());
        }
        (Some(_), Purpose::Count) => return Err("max_tokens: Extra inputs are not permitted".to_owned()),
        (Some(_), Purpose::Answer) | (None, Purpose::Count) => {}
    }
    for sampling in ["temperature", "top_p", "top_k"] {
        let Some(value) = body.get(sampling) else { continue };
        if request.version == NEWER_VERSION {
            return Err(format!("{sampling}: not supported with anthropic-version {NEWER_VERSION}"));
        }
        let most = if sampling == "top_k" { f64::MAX } else { 1.0 };
        if !value.as_f64().is_some_and(|value| (0.0..=most).contains(&value)) {
            return Err(format!("{sampling}: Input should be between 0 and 1"));
        }
    }
    Ok(())
}

/// The names of the tools on offer.
fn examine_tools(tools: Option<&Value>) -> Result<HashSet<&str>, String> {
    let mut names = HashSet::new();
    let Some(tools) = tools else { return Ok(names) };
    for (index, tool) in tools.as_array().ok_or("tools: Input should be a valid list")?.iter().enumerate() {
        let place = format!("tools.{index}.");
        let tool = tool.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
        one_of(tool.get("type"), &["custom"], &format!("{place}type"))?;
        only(tool, &TOOL_FIELDS, &place)?;
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        if !is_tool_name(name) {
            return Err(format!(
                "{place}name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$', not {name:?}"
            ));
        }
        if !names.insert(name) {
            return Err(format!("tools: Tool names must be unique: {name}"));
        }
        if tool.get("description").is_some_and(|description| !description.is_string()) {
            return Err(format!("{place}description: Input should be a valid string"));
        }
        examine_schema(tool.get("input_schema"), &format!("{place}input_schema"))?;
        blocks::examine_mark(tool.get("cache_control"), &place)?;
    }
    Ok(names)
}

fn examine_schema(schema: Option<&Value>, place: &str) -> Result<(), String> {
    let schema = schema.ok_or_else(|| format!("{place}: Field required"))?;
    let schema = schema.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(format!("{place}.type: Input should be 'object'"));
    }
    if ["oneOf", "anyOf", "allOf"].iter().any(|word| schema.contains_key(*word)) {
        return Err(format!("{place}: does not support oneOf, allOf, or anyOf at the top level"));
    }
    if schema.get("properties").is_some_and(|properties| !properties.is_object()) {
        return Err(format!("{place}.properties: Input should be an object"));
    }
    let is_name_list = |list: &Value| list.as_array().is_some_and(|names| names.iter().all(Value::is_string));
    if schema.get("required").is_some_and(|required| !is_name_list(required)) {
        return Err(format!("{place}.required: Input should be a list of strings"));
    }
    Ok(())
}

fn is_always_thinking(body: &Map<String, Value>) -> bool {
    body.get("model").and_then(Value::as_str).is_some_and(|model| ALWAYS_THINKING.contains(&model))
}

fn examine_choice(body: &Map<String, Value>, names: &HashSet<&str>) -> Result<(), String> {
    let Some(choice) = body.get("tool_choice") else { return Ok(()) };
    let choice = choice.as_object().ok_or("tool_choice: Input should be an object")?;
    only(choice, &["type", "name", "disable_parallel_tool_use"], "tool_choice.")?;
    let kind = choice.get("type").ok_or("tool_choice.type: Field required")?;
    one_of(Some(kind), &["auto", "any", "tool", "none"], "tool_choice.type")?;
    if names.is_empty() {
        return Err("tool_choice: may only be specified while providing tools".to_owned());
    }
    if kind == "tool" && !choice.get("name").and_then(Value::as_str).is_some_and(|name| names.contains(name))
    {
        return Err("tool_choice.name: not found in tools".to_owned());
    }
    let is_forced = kind == "any" || kind == "tool";
    if is_forced && (is_always_thinking(body) || thinks(body)) {
        return Err("tool_choice: a forced tool use cannot be combined with thinking".to_owned());
    }
    Ok(())
}

fn thinks(body: &Map<String, Value>) -> bool {
    body.get("thinking")
        .is_some_and(|thinking| thinking["type"] == "enabled" || thinking["type"] == "adaptive")
}

fn examine_thinking(body: &Map<String, Value>) -> Result<(), String> {
    let Some(thinking) = body.get("thinking") else { return Ok(()) };
    let thinking = thinking.as_object().ok_or("thinking: Input should be an object")?;
    let kind = thinking.get("type").and_then(Value::as_str).unwrap_or_default();
    let allowed: &[&str] = match kind {
        "adaptive" => &["type", "display"],
        "enabled" => &["type", "budget_tokens", "display"],
        "disabled" | "between_tools" => &["type"],
        other => return Err(format!("thinking.type: unknown value {other:?}")),
    };
    only(thinking, allowed, "thinking.")?;
    one_of(thinking.get("display"), &["summarized", "omitted"], "thinking.display")?;
    if is_always_thinking(body) && (kind == "enabled" || kind == "disabled") {
        return Err(format!("thinking.type: {kind:?} is not supported by this model"));
    }
    if kind == "enabled" {
        let budget = thinking.get("budget_tokens").and_then(Value::as_u64).unwrap_or_default();
        let most = body.get("max_tokens").and_then(Value::as_u64).unwrap_or(u64::MAX);
        if budget < 1024 || budget >= most {
            return Err("thinking.budget_tokens: at least 1024 and less than max_tokens".to_owned());
        }
    }
    Ok(())
}

fn examine_options(body: &Map<String, Value>) -> Result<(), String> {
    if body.get("stream").is_some_and(|stream| !stream.is_boolean()) {
        return Err("stream: Input should be a valid boolean".to_owned());
    }
    one_of(body.get("service_tier"), &["auto", "standard_only"], "service_tier")?;
    one_of(body.get("speed"), &["standard", "fast"], "speed")?;
    if let Some(output) = body.get("output_config") {
        let output = output.as_object().ok_or("output_config: Input should be an object")?;
        only(output, &["effort", "format"], "output_config.")?;
        one_of(output.get("effort"), &["low", "medium", "high", "xhigh", "max"], "output_config.effort")?;
    }
    if let Some(metadata) = body.get("metadata") {
        only(metadata.as_object().ok_or("metadata: Input should be an object")?, &["user_id"], "metadata.")?;
    }
    if let Some(sequences) = body.get("stop_sequences") {
        let sequences = sequences.as_array().ok_or("stop_sequences: Input should be a valid list")?;
        if !sequences.iter().all(|one| one.as_str().is_some_and(|text| !text.trim().is_empty())) {
            return Err("stop_sequences: each stop sequence must contain non-whitespace".to_owned());
        }
    }
    Ok(())
}

fn examine_marks(body: &Value) -> Result<(), String> {
    let marks =
        ["system", "tools", "messages"].into_iter().map(|field| count_marks(&body[field])).sum::<usize>()
            + usize::from(body.get("cache_control").is_some_and(|mark| !mark.is_null()));
    blocks::examine_mark(body.get("cache_control"), "")?;
    if marks > MOST_MARKS {
        return Err(format!(
            "A maximum of {MOST_MARKS} blocks with cache_control may be provided. Found {marks}."
        ));
    }
    Ok(())
}

/// Marks on `value` and on the blocks in it; schemas, inputs and texts are not looked into.
fn count_marks(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count_marks).sum(),
        Value::Object(block) => {
            let own = block.get("cache_control").is_some_and(|mark| !mark.is_null());
            usize::from(own) + block.get("content").map_or(0, count_marks)
        }
        _ => 0,
    }
}
