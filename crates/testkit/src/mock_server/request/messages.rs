//! Requests of the Messages API.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Asked, Wanted, fields_of, parse, read_content, text_of};

/// The body of a request as far as answering needs it. Messages are only skimmed.
#[derive(Deserialize)]
struct Skimmed<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    stream: bool,
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

/// Reads a body.
pub(in crate::mock_server) fn read_messages(body: &[u8]) -> Result<(Asked, Wanted), serde_json::Error> {
    let skimmed: Skimmed<'_> = serde_json::from_slice(body)?;
    let report = skimmed.tools.iter().find(|tool| tool.name == "report");
    let schema = report.and_then(|tool| tool.input_schema).map(parse).unwrap_or_default();
    let last = skimmed.messages.last().and_then(|message| message.content).map(parse).unwrap_or_default();
    let (mut last_texts, mut last_results) = (Vec::new(), Vec::new());
    read_content(&last, &mut last_texts, &mut last_results);
    let model = skimmed.model.as_deref().unwrap_or_default().to_owned();
    let asked = Asked {
        model: model.clone(),
        system: text_of(&skimmed.system.map(parse).unwrap_or_default()),
        tools: skimmed.tools.iter().map(|tool| tool.name.clone().into_owned()).collect(),
        report_fields: fields_of(&schema),
        turns: skimmed.messages.iter().filter(|message| message.role == "assistant").count(),
        last_message: last_texts.join("\n"),
        last_results,
    };
    Ok((asked, Wanted { model, stream: skimmed.stream, counted: true, padded: false }))
}
