//! How messages follow each other and how calls and results pair.

use std::{collections::HashSet, mem};

use serde_json::Value;

use super::{
    Purpose, Request,
    blocks::{self, Side},
};

/// Judges all messages. Those of one side in a row count as one, as the service merges them.
pub(super) fn examine(messages: &[Value], request: &Request<'_>) -> Result<(), String> {
    let mut walk = Walk::default();
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages.{index}.");
        let fields = message.as_object().ok_or_else(|| format!("{place}: Input should be an object"))?;
        super::only(fields, &["role", "content"], &place)?;
        let content = fields.get("content").ok_or_else(|| format!("{place}content: Field required"))?;
        match fields.get("role").and_then(Value::as_str) {
            Some("user") => walk.enter(Side::User, &place)?,
            Some("assistant") => walk.enter(Side::Assistant, &place)?,
            // A word of the operator in the middle; stands outside of the two sides.
            Some("system") => continue,
            _ => return Err(format!("{place}role: Input should be 'user', 'assistant' or 'system'")),
        }
        walk.content(content, &place, request)?;
    }
    let Some(last) = walk.side else {
        return Err("messages: at least one user message is required".to_owned());
    };
    walk.all_answered("messages: at the end")?;
    let last_content = &messages[messages.len() - 1]["content"];
    let may_end_so = last == Side::User || request.said.paused.contains(last_content);
    if request.purpose == Purpose::Answer && !may_end_so {
        return Err("This model does not support assistant message prefill. \
                    The conversation must end with a user message."
            .to_owned());
    }
    Ok(())
}

#[derive(Default)]
struct Walk<'a> {
    side: Option<Side>,
    called: HashSet<&'a str>,
    /// Calls of the last assistant message without a result so far.
    open: Vec<&'a str>,
    results_are_over: bool,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, side: Side, place: &str) -> Result<(), String> {
        if self.side.is_none() && side == Side::Assistant {
            return Err("messages: first message must use the \"user\" role".to_owned());
        }
        if self.side.replace(side) != Some(side) {
            self.results_are_over = false;
            if side == Side::Assistant {
                self.all_answered(place)?;
            }
        }
        Ok(())
    }

    fn content(&mut self, content: &'a Value, place: &str, request: &Request<'_>) -> Result<(), String> {
        let side = self.side.unwrap_or(Side::User);
        match content {
            Value::String(text) if text.trim().is_empty() => {
                Err(format!("{place}content: messages must have non-empty content"))
            }
            Value::String(_) => {
                self.results_are_over = true;
                Ok(())
            }
            Value::Array(blocks) if blocks.is_empty() => {
                Err(format!("{place}content: messages must have non-empty content"))
            }
            Value::Array(blocks) => blocks.iter().enumerate().try_for_each(|(index, block)| {
                let place = format!("{place}content.{index}.");
                blocks::examine(block, side, &place, request)?;
                self.pair(block, &place)
            }),
            _ => Err(format!("{place}content: Input should be a string or a list")),
        }
    }

    fn pair(&mut self, block: &'a Value, place: &str) -> Result<(), String> {
        match block["type"].as_str() {
            Some("tool_use") => {
                let id = block["id"].as_str().unwrap_or_default();
                if !self.called.insert(id) {
                    return Err(format!("{place}id: `tool_use` ids must be unique: {id}"));
                }
                self.open.push(id);
            }
            Some("tool_result") => {
                let id = block["tool_use_id"].as_str().unwrap_or_default();
                let Some(at) = self.open.iter().position(|open| *open == id) else {
                    return Err(format!(
                        "{place}tool_use_id: unexpected `tool_use_id` {id}: each `tool_result` must have one \
                         `tool_use` in the previous message"
                    ));
                };
                if self.results_are_over {
                    return Err(format!("{place}: `tool_result` blocks must come first in a user message"));
                }
                self.open.remove(at);
            }
            _ => self.results_are_over = self.side == Some(Side::User),
        }
        Ok(())
    }

    fn all_answered(&mut self, place: &str) -> Result<(), String> {
        let open = mem::take(&mut self.open);
        if open.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {}",
            open.join(", ")
        ))
    }
}
