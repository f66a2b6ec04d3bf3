//! How messages follow each other, and how calls and their results pair.

use serde_json::{Map, Value};

use super::{Refusal, examine_name, invalid_type, list, missing, object, one_of, only, text};

const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

/// The longest id of a call.
const LONGEST_ID: usize = 40;

/// Judges all messages.
pub(super) fn examine(messages: &[Value]) -> Result<(), Refusal> {
    // Calls of the last assistant message without a result so far; none at all where it made none.
    let mut open: Option<Vec<&str>> = None;
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages[{index}]");
        let fields = object(message, &place)?;
        let inside = format!("{place}.");
        let role = text(fields, "role", &inside)?;
        if role == "tool" {
            let id = examine_result(fields, &inside)?;
            match &mut open {
                Some(open) if open.contains(&id) => open.retain(|known| *known != id),
                _ => return Err(stray(&inside)),
            }
            continue;
        }
        all_answered(open.take().as_deref(), &inside)?;
        match role {
            "assistant" => open = examine_answer(fields, &inside)?,
            "system" | "developer" | "user" => {
                only(fields, &["role", "content", "name"], &inside)?;
                let content = fields.get("content").ok_or_else(|| missing(&format!("{inside}content")))?;
                examine_content(content, role == "user", &inside)?;
            }
            _ => one_of(fields.get("role"), &ROLES, &format!("{inside}role"))?,
        }
    }
    all_answered(open.as_deref(), "messages")
}

fn stray(inside: &str) -> Refusal {
    let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                   'tool_calls'.";
    Refusal::invalid(message).of(format!("{inside}role"))
}

fn all_answered(open: Option<&[&str]>, param: &str) -> Result<(), Refusal> {
    match open {
        Some(open) if !open.is_empty() => {
            let message = format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
                 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                open.join(", ")
            );
            Err(Refusal::invalid(message).of(param.trim_end_matches('.')))
        }
        _ => Ok(()),
    }
}

/// Gives the id of the call that a result answers.
fn examine_result<'v>(fields: &'v Map<String, Value>, inside: &str) -> Result<&'v str, Refusal> {
    only(fields, &["role", "content", "tool_call_id"], inside)?;
    let content = fields.get("content").ok_or_else(|| missing(&format!("{inside}content")))?;
    examine_content(content, false, inside)?;
    text(fields, "tool_call_id", inside)
}

/// Gives the ids of the calls, where there are any.
fn examine_answer<'v>(fields: &'v Map<String, Value>, inside: &str) -> Result<Option<Vec<&'v str>>, Refusal> {
    only(fields, &["role", "content", "tool_calls", "refusal", "name", "audio"], inside)?;
    let content = fields.get("content").filter(|content| !content.is_null());
    if let Some(content) = content {
        examine_content(content, false, inside)?;
    }
    let Some(calls) = fields.get("tool_calls") else {
        return if content.is_some() || fields.get("refusal").is_some_and(Value::is_string) {
            Ok(None)
        } else {
            let message = "Invalid value for 'content': expected a string, got null.";
            Err(Refusal::invalid(message).of(format!("{inside}content")))
        };
    };
    let mut ids = Vec::new();
    for (number, call) in list(calls, &format!("{inside}tool_calls"))?.iter().enumerate() {
        let place = format!("{inside}tool_calls[{number}]");
        let id = examine_call(object(call, &place)?, &format!("{place}."))?;
        if ids.contains(&id) {
            return Err(
                Refusal::invalid(format!("Duplicate tool call id: '{id}'.")).of(format!("{place}.id"))
            );
        }
        ids.push(id);
    }
    Ok(Some(ids))
}

/// Gives the call's id.
fn examine_call<'v>(call: &'v Map<String, Value>, inside: &str) -> Result<&'v str, Refusal> {
    only(call, &["id", "type", "function"], inside)?;
    let id = text(call, "id", inside)?;
    if id.is_empty() || id.len() > LONGEST_ID {
        let param = format!("{inside}id");
        let message = format!(
            "Invalid '{param}': string too long. Expected a string with maximum length {LONGEST_ID}, but got a \
             string with length {} instead.",
            id.len()
        );
        return Err(Refusal::invalid(message).of(param).coded("string_above_max_length"));
    }
    text(call, "type", inside)?;
    one_of(call.get("type"), &["function"], &format!("{inside}type"))?;
    let place = format!("{inside}function");
    let function = object(call.get("function").ok_or_else(|| missing(&place))?, &place)?;
    let inside = format!("{place}.");
    only(function, &["name", "arguments"], &inside)?;
    examine_name(function, &inside)?;
    text(function, "arguments", &inside)?;
    Ok(id)
}

/// A text, or a list of parts: texts, and for people images.
fn examine_content(content: &Value, may_show: bool, inside: &str) -> Result<(), Refusal> {
    let param = format!("{inside}content");
    let parts = match content {
        Value::String(_) => return Ok(()),
        Value::Array(_) => list(content, &param)?,
        Value::Null => {
            let message = "Invalid value for 'content': expected a string, got null.";
            return Err(Refusal::invalid(message).of(param));
        }
        other => return Err(invalid_type(&param, "a string or an array", other)),
    };
    let kinds: &[&str] =
        if may_show { &["text", "image_url", "input_audio", "file"] } else { &["text", "refusal"] };
    for (number, part) in parts.iter().enumerate() {
        let place = format!("{param}[{number}]");
        let part = object(part, &place)?;
        one_of(Some(part.get("type").unwrap_or(&Value::Null)), kinds, &format!("{place}.type"))?;
        if part["type"] == "text" {
            text(part, "text", &format!("{place}."))?;
        }
    }
    Ok(())
}
