//! What the server reads of a request without judging it: enough to choose an answer, cheap on long conversations.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The body of a request as far as answering needs it. Messages are only skimmed.
#[derive(Deserialize)]
pub(super) struct Skimmed<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(borrow, default)]
    system: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tools: Vec<SkimmedTool<'a>>,
    #[serde(borrow, default)]
    messages: Vec<SkimmedMessage<'a>>,
}

#[derive(Deserialize)]
struct SkimmedTool<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    input_schema: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SkimmedMessage<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

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

impl Asked {
    pub(super) fn read(skimmed: &Skimmed<'_>) -> Self {
        let parse = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap_or_default();
        let report = skimmed.tools.iter().find(|tool| tool.name == "report");
        let schema = report.and_then(|tool| tool.input_schema).map(parse).unwrap_or_default();
        let fields = schema["properties"].as_object().map(|fields| fields.keys().cloned().collect());
        let last = skimmed.messages.last().and_then(|message| message.content).map(parse).unwrap_or_default();
        let mut last_results = Vec::new();
        let mut last_texts = Vec::new();
        read_content(&last, &mut last_texts, &mut last_results);
        Self {
            model: skimmed.model.as_deref().unwrap_or_default().to_owned(),
            system: text_of(&skimmed.system.map(parse).unwrap_or_default()),
            tools: skimmed.tools.iter().map(|tool| tool.name.clone().into_owned()).collect(),
            report_fields: fields.unwrap_or_default(),
            turns: skimmed.messages.iter().filter(|message| message.role == "assistant").count(),
            last_message: last_texts.join("\n"),
            last_results,
        }
    }

    /// Whether this tool is on offer.
    #[must_use]
    pub fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }
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
