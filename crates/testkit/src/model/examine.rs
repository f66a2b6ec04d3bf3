//! What a request may look like, by the rules of the strictest endpoint.

use std::collections::{HashMap, HashSet};

use domain::{
    message::{Message, Part},
    model::ModelRequest,
    tool::ToolSpec,
};

use crate::pairing;

/// What the model said and expects back unchanged.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Thoughts by their signature.
    thoughts: HashMap<String, String>,
    /// Parts of answers that were paused, without blank texts: a message that ends with them may stand last.
    paused: Vec<Vec<Part>>,
}

impl Memory {
    pub(super) fn keep(&mut self, message: &Message, paused: bool) {
        for part in &message.parts {
            if let Part::Thinking { text, signature: Some(signature) } = part {
                self.thoughts.insert(signature.clone(), text.clone());
            }
        }
        if paused {
            let said = message.parts.iter().filter(|part| !part.is_blank());
            self.paused.push(said.cloned().collect());
        }
    }

    fn recognise(&self, part: &Part) -> Result<(), String> {
        let Part::Thinking { text, signature: Some(signature) } = part else { return Ok(()) };
        match self.thoughts.get(signature) {
            Some(signed) if signed == text => Ok(()),
            Some(_) => Err(format!("the thought under signature {signature} was edited")),
            None => Err(format!("signature {signature} was not given here")),
        }
    }
}

/// Judges a request; the error says which rule it breaks.
pub(super) fn examine(request: &ModelRequest, memory: &Memory) -> Result<(), String> {
    let messages = || request.messages.iter().map(|sealed| &*sealed.message);
    let ends_with = |last: &Message, paused: &Vec<Part>| !paused.is_empty() && last.parts.ends_with(paused);
    let is_paused = |last: &Message| memory.paused.iter().any(|paused| ends_with(last, paused));
    if messages().next_back().is_some_and(is_paused) {
        pairing::check_history(messages())?;
    } else {
        pairing::check(messages())?;
    }
    for part in messages().flat_map(|message| &message.parts) {
        memory.recognise(part)?;
    }
    let mut names = HashSet::new();
    for tool in request.tools.iter() {
        examine_tool(tool)?;
        if !names.insert(&tool.name) {
            return Err(format!("tool `{}` is offered twice", tool.name));
        }
    }
    Ok(())
}

fn examine_tool(tool: &ToolSpec) -> Result<(), String> {
    if !is_tool_name(&tool.name) {
        return Err(format!("`{}` is no tool name (1 to 64 of a-z A-Z 0-9 _ -)", tool.name));
    }
    if tool.input_schema.get("type").and_then(|kind| kind.as_str()) != Some("object") {
        return Err(format!("the schema of tool `{}` is no object: {}", tool.name, tool.input_schema));
    }
    Ok(())
}

/// Whether every provider takes `name` as a tool's name.
pub(crate) fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
