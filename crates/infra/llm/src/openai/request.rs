//! The body of a request, put together from bytes that were encoded once.
//!
//! A sealed message keeps the JSON of its wire messages (comma-separated), so a turn costs its new messages and a copy of
//! the rest. The forms are the oldest ones that every server takes: one leading `system` message, texts as plain strings,
//! each tool result as a message of its own.

use std::sync::Arc;

use domain::{
    message::{Message, Part, Role, SealedMessage},
    model::ModelRequest,
    tool::ToolSpec,
};
use serde::Serialize;
use serde_json::Value;

/// The name of this wire in a sealed message.
const WIRE: &str = "openai";

/// How a tool result says that the call failed: the protocol has no field for it.
const FAILED: &str = "[the call failed] ";

/// By which name an endpoint wants to be told how long an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LengthField {
    /// `max_completion_tokens`: the vendor's own endpoint, whose reasoning models refuse the other.
    MaxCompletionTokens,
    /// `max_tokens`: everywhere else; Ollama and older servers read nothing else.
    MaxTokens,
}

#[derive(Serialize)]
struct Head<'a> {
    model: &'a str,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
}

/// What a model of an endpoint takes beside the conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'n> {
    /// Its name on the wire.
    pub(super) name: &'n str,
    /// How it is told how long its answer may be.
    pub(super) length: LengthField,
    /// The most tokens of its answer.
    pub(super) max_tokens: Option<u64>,
    /// How much it is to think.
    pub(super) effort: Option<&'static str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: ToolFunction<'a>,
}

#[derive(Serialize)]
struct ToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: String,
}

#[derive(Serialize)]
struct ToolAnswer<'a> {
    role: &'static str,
    tool_call_id: &'a str,
    content: &'a str,
}

/// The body of `request`; `prefix` comes from [`encode_prefix`].
pub(super) fn encode_body(request: &ModelRequest, prefix: &[u8], terms: Terms<'_>) -> Vec<u8> {
    let limit = |field| if terms.length == field { terms.max_tokens } else { None };
    let head = Head {
        model: terms.name,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        max_completion_tokens: limit(LengthField::MaxCompletionTokens),
        max_tokens: limit(LengthField::MaxTokens),
        reasoning_effort: terms.effort,
    };
    let mut body = Vec::with_capacity(512 + prefix.len());
    write_json(&mut body, &head);
    body.pop();
    body.extend_from_slice(prefix);
    let is_first = prefix.ends_with(b"[");
    write_messages(&mut body, &request.messages, is_first);
    body.extend_from_slice(b"]}");
    body
}

/// Tools, and the beginning of the conversation with the system prompt, as the fields of a body, the first with its comma
/// before it. The list of messages stays open.
pub(super) fn encode_prefix(system: &str, tools: &[ToolSpec]) -> Vec<u8> {
    let mut prefix = Vec::new();
    if !tools.is_empty() {
        prefix.extend_from_slice(br#","tools":["#);
        for (at, tool) in tools.iter().enumerate() {
            if at > 0 {
                prefix.push(b',');
            }
            let (name, description, parameters) = (&*tool.name, &*tool.description, &*tool.input_schema);
            let function = ToolFunction { name, description, parameters };
            write_json(&mut prefix, &Tool { kind: "function", function });
        }
        // llama.cpp takes it from the chat template else.
        prefix.extend_from_slice(br#"],"parallel_tool_calls":true"#);
    }
    prefix.extend_from_slice(br#","messages":["#);
    if !system.trim().is_empty() {
        let said = Said { role: "system", content: Some(system), tool_calls: Vec::new() };
        write_json(&mut prefix, &said);
    }
    prefix
}

fn write_messages(body: &mut Vec<u8>, messages: &[Arc<SealedMessage>], mut is_first: bool) {
    for sealed in messages {
        let encoded = sealed.encoded(WIRE, encode_message);
        if encoded.is_empty() {
            continue;
        }
        if !std::mem::replace(&mut is_first, false) {
            body.push(b',');
        }
        body.extend_from_slice(&encoded);
    }
}

/// The wire messages of a message, separated by commas: the answers to calls first, each for itself. Thinking and blocks
/// of other providers are left out; so the result may be empty.
fn encode_message(message: &Message) -> Vec<u8> {
    let mut encoded = Vec::new();
    for part in &message.parts {
        if let Part::ToolResult { id, content, is_error } = part {
            let failed = is_error.then(|| format!("{FAILED}{content}"));
            let content = failed.as_deref().unwrap_or(content);
            separate(&mut encoded);
            write_json(&mut encoded, &ToolAnswer { role: "tool", tool_call_id: id.as_str(), content });
        }
    }
    let text = text_of(message);
    let tool_calls: Vec<ToolCall<'_>> = message
        .tool_uses()
        .map(|(id, name, input)| ToolCall {
            id: id.as_str(),
            kind: "function",
            function: CalledFunction { name, arguments: input.to_string() },
        })
        .collect();
    if !text.is_empty() || !tool_calls.is_empty() {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        separate(&mut encoded);
        write_json(
            &mut encoded,
            &Said { role, content: Some(&*text).filter(|text| !text.is_empty()), tool_calls },
        );
    }
    encoded
}

/// The texts of a message as one, with an empty line between them.
fn text_of(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match part {
        Part::Text { text } if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

fn separate(encoded: &mut Vec<u8>) {
    if !encoded.is_empty() {
        encoded.push(b',');
    }
}

#[expect(clippy::expect_used, reason = "texts and JSON values can always be written to memory")]
fn write_json(bytes: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(bytes, value).expect("memory takes every text and JSON value");
}
