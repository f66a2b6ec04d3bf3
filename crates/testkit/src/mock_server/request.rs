//! What the server reads of a request without judging it: enough to choose an answer, cheap on long conversations.

use serde_json::{Value, value::RawValue};

mod chat;
mod messages;

pub(super) use chat::read_chat;
pub(super) use messages::read_messages;

/// What a script may choose an answer by.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The model that is asked for.
    pub model: String,
    /// The system prompt, its blocks joined by newlines.
    pub system: String,
    /// The names of the tools on offer.
    pub tools: Vec<String>,
    /// The names of the fields of the tool `report`, where it is on offer.
    pub report_fields: Vec<String>,
    /// How many assistant messages the conversation holds.
    pub turns: usize,
    /// The texts and tool results of the last message, joined by newlines.
    pub last_message: String,
    /// The tool results of the last message.
    pub last_results: Vec<String>,
}

/// How an answer is to be sent.
pub(super) struct Wanted {
    pub(super) model: String,
    pub(super) stream: bool,
    /// Whether counts of tokens are to come with the stream. (The Messages API always tells them.)
    pub(super) counted: bool,
    /// Whether chunks may be padded.
    pub(super) padded: bool,
}

impl Asked {
    /// Whether this tool is on offer.
    #[must_use]
    pub fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }
}

/// The names of the fields that a schema describes.
fn fields_of(schema: &Value) -> Vec<String> {
    schema["properties"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

fn parse(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// The texts of a string or of a list of blocks, joined by newlines.
fn text_of(content: &Value) -> String {
    let (mut texts, mut results) = (Vec::new(), Vec::new());
    read_content(content, &mut texts, &mut results);
    texts.join("\n")
}

fn read_content(content: &Value, texts: &mut Vec<String>, results: &mut Vec<String>) {
    if let Some(text) = content.as_str() {
        texts.push(text.to_owned());
    }
    for block in content.as_array().into_iter().flatten() {
        if block["type"] == "tool_result" {
            let result = text_of(&block["content"]);
            texts.push(result.clone());
            results.push(result);
        } else if let Some(text) = block["text"].as_str() {
            texts.push(text.to_owned());
        }
    }
}
