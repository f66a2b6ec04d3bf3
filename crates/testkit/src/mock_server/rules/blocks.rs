//! The shape of single blocks.

use serde_json::{Map, Value};

use super::{NEWER_VERSION, Request, only};
use crate::{mock_server::seal, model::is_tool_name};

const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Whose message a block stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    User,
    Assistant,
}

/// A prompt is a string or a list of texts.
pub(super) fn examine_system(system: Option<&Value>) -> Result<(), String> {
    match system {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => blocks.iter().enumerate().try_for_each(|(index, block)| {
            let place = format!("system.{index}.");
            let block = block.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
            match kind(block) {
                "text" => examine_text(block, &place),
                other => Err(format!("{place}type: Input should be 'text', not {other:?}")),
            }
        }),
        Some(_) => Err("system: Input should be a string or a list".to_owned()),
    }
}

/// Judges a block by itself; how calls and results pair is judged elsewhere.
pub(super) fn examine(block: &Value, side: Side, place: &str, request: &Request<'_>) -> Result<(), String> {
    let fields = block.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
    examine_mark(fields.get("cache_control"), place)?;
    match (kind(fields), side) {
        ("text", _) => {
            let cites =
                fields.get("citations").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
            if cites && side == Side::User && request.version == NEWER_VERSION {
                return Err(format!("{place}citations: not supported on user text"));
            }
            examine_text(fields, place)
        }
        ("image", Side::User) => examine_image(fields, place),
        ("document" | "search_result", Side::User) => Ok(()),
        ("document", Side::Assistant) if request.version != NEWER_VERSION => Ok(()),
        ("tool_result", Side::User) => examine_result(fields, place),
        ("tool_use", Side::Assistant) => examine_call(fields, place),
        ("thinking", Side::Assistant) => examine_thought(fields, place),
        ("redacted_thinking", Side::Assistant) => {
            only(fields, &["type", "data"], place)?;
            let data = fields.get("data").and_then(Value::as_str).unwrap_or_default();
            if seal::is_genuine(data, "") { Ok(()) } else { Err(format!("{place}data: Invalid data")) }
        }
        (_, Side::Assistant) if was_said(block, request) => Ok(()),
        (other, _) => Err(format!(
            "{place}type: Input tag {other:?} does not match any of the expected tags, or the block was edited"
        )),
    }
}

/// Whether the server said this block itself, apart from a mark that the client put on it.
fn was_said(block: &Value, request: &Request<'_>) -> bool {
    let mut unmarked = block.clone();
    if let Some(fields) = unmarked.as_object_mut() {
        fields.shift_remove("cache_control");
    }
    request.said.blocks.contains(&unmarked)
}

fn kind(block: &Map<String, Value>) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn text<'a>(block: &'a Map<String, Value>, field: &str, place: &str) -> Result<&'a str, String> {
    let value = block.get(field).ok_or_else(|| format!("{place}{field}: Field required"))?;
    value.as_str().ok_or_else(|| format!("{place}{field}: Input should be a valid string"))
}

fn examine_text(block: &Map<String, Value>, place: &str) -> Result<(), String> {
    only(block, &["type", "text", "cache_control", "citations"], place)?;
    examine_mark(block.get("cache_control"), place)?;
    if text(block, "text", place)?.trim().is_empty() {
        return Err(format!("{place}text: text content blocks must contain non-whitespace text"));
    }
    Ok(())
}

fn examine_image(block: &Map<String, Value>, place: &str) -> Result<(), String> {
    only(block, &["type", "source", "cache_control"], place)?;
    let source = block.get("source").and_then(Value::as_object);
    let source = source.ok_or_else(|| format!("{place}source: Field required"))?;
    match kind(source) {
        "base64" => {
            let media = text(source, "media_type", place)?;
            if !IMAGE_TYPES.contains(&media) {
                return Err(format!(
                    "{place}source.media_type: Input should be one of {}",
                    IMAGE_TYPES.join(", ")
                ));
            }
            if text(source, "data", place)?.is_empty() {
                return Err(format!("{place}source.data: image cannot be empty"));
            }
            Ok(())
        }
        "url" | "file" => Ok(()),
        other => Err(format!("{place}source.type: unknown source {other:?}")),
    }
}

fn examine_result(block: &Map<String, Value>, place: &str) -> Result<(), String> {
    only(block, &["type", "tool_use_id", "content", "is_error", "cache_control"], place)?;
    text(block, "tool_use_id", place)?;
    if block.get("is_error").is_some_and(|is_error| !is_error.is_boolean()) {
        return Err(format!("{place}is_error: Input should be a valid boolean"));
    }
    match block.get("content") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(items)) => items.iter().enumerate().try_for_each(|(index, item)| {
            let place = format!("{place}content.{index}.");
            let item = item.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
            match kind(item) {
                "text" => examine_text(item, &place),
                "image" => examine_image(item, &place),
                "document" | "search_result" => Ok(()),
                other => Err(format!("{place}type: {other:?} cannot stand in a tool_result")),
            }
        }),
        Some(_) => Err(format!("{place}content: Input should be a string or a list")),
    }
}

fn examine_call(block: &Map<String, Value>, place: &str) -> Result<(), String> {
    only(block, &["type", "id", "name", "input", "cache_control", "caller", "toolset_name"], place)?;
    let id = text(block, "id", place)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return Err(format!("{place}id: String should match pattern '^[a-zA-Z0-9_-]+$', not {id:?}"));
    }
    let name = text(block, "name", place)?;
    if !is_tool_name(name) {
        return Err(format!(
            "{place}name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$', not {name:?}"
        ));
    }
    if !block.get("input").is_some_and(Value::is_object) {
        return Err(format!("{place}input: Input should be an object"));
    }
    Ok(())
}

fn examine_thought(block: &Map<String, Value>, place: &str) -> Result<(), String> {
    only(block, &["type", "thinking", "signature"], place)?;
    let (thought, signature) = (text(block, "thinking", place)?, text(block, "signature", place)?);
    if seal::is_genuine(signature, thought) {
        return Ok(());
    }
    Err(format!(
        "{place}signature: Invalid `signature` in `thinking` block (missing, foreign, or the thought was edited)"
    ))
}

/// A mark is `{"type": "ephemeral", "ttl"?: "5m" | "1h"}`.
pub(super) fn examine_mark(mark: Option<&Value>, place: &str) -> Result<(), String> {
    let Some(mark) = mark.filter(|mark| !mark.is_null()) else { return Ok(()) };
    let place = format!("{place}cache_control");
    let mark = mark.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
    only(mark, &["type", "ttl"], &format!("{place}."))?;
    if kind(mark) != "ephemeral" {
        return Err(format!("{place}.type: Input should be 'ephemeral'"));
    }
    super::one_of(mark.get("ttl"), &["5m", "1h"], &format!("{place}.ttl"))
}
