//! Requests of Chat Completions.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Asked, Wanted, fields_of, parse, text_of};

/// The body of a request as far as answering needs it. Messages are only skimmed.
#[derive(Deserialize)]
struct Skimmed<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(borrow, default)]
    tools: Vec<SkimmedTool<'a>>,
    #[serde(borrow, default)]
    messages: Vec<SkimmedMessage<'a>>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
    #[serde(default)]
    include_obfuscation: Option<bool>,
}

#[derive(Deserialize)]
struct SkimmedTool<'a> {
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SkimmedMessage<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

impl SkimmedMessage<'_> {
    fn text(&self) -> String {
        text_of(&self.content.map(parse).unwrap_or_default())
    }
}

/// Reads a body. All that was said since the model last spoke counts as the last message.
pub(in crate::mock_server) fn read_chat(body: &[u8]) -> Result<(Asked, Wanted), serde_json::Error> {
    let skimmed: Skimmed<'_> = serde_json::from_slice(body)?;
    let Skimmed { model, stream, stream_options: options, tools, messages } = skimmed;
    let model = model.as_deref().unwrap_or_default().to_owned();
    let report = tools.iter().find(|tool| tool.function.name == "report");
    let schema = report.and_then(|tool| tool.function.parameters).map(parse).unwrap_or_default();
    let is_system = |message: &&SkimmedMessage<'_>| ["system", "developer"].contains(&&*message.role);
    let system: Vec<String> = messages.iter().take_while(is_system).map(SkimmedMessage::text).collect();
    let spoke = messages.iter().rposition(|message| message.role == "assistant");
    let last = messages.get(spoke.map_or(system.len(), |at| at + 1)..).unwrap_or_default();
    let results = last.iter().filter(|message| message.role == "tool");
    let asked = Asked {
        model: model.clone(),
        system: system.join("\n"),
        tools: tools.iter().map(|tool| tool.function.name.clone().into_owned()).collect(),
        report_fields: fields_of(&schema),
        turns: messages.iter().filter(|message| message.role == "assistant").count(),
        last_message: last.iter().map(SkimmedMessage::text).collect::<Vec<_>>().join("\n"),
        last_results: results.map(SkimmedMessage::text).collect(),
    };
    let counted = options.as_ref().is_some_and(|options| options.include_usage);
    let padded = options.is_none_or(|options| options.include_obfuscation != Some(false));
    Ok((asked, Wanted { model, stream, counted, padded }))
}
