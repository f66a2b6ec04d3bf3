//! The body of a request, put together from bytes that were encoded once.
//!
//! A sealed message keeps the JSON of its content blocks (comma-separated, without the message around them), so a turn
//! costs its new messages and a copy of the rest. The cache marks move with every turn and are therefore spliced into
//! the body, never into what is kept. Order of the prefix on the provider's side: tools, system, messages.

use std::borrow::Cow;

use domain::{
    message::{Message, Part, Role, SealedMessage},
    model::ModelRequest,
    tool::ToolSpec,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    PROVIDER,
    catalog::{self, ThinkingSetting},
};

#[cfg(test)]
mod tests;

/// The provider keeps what stands before a marked block for the next request; at most four marks a request. We set
/// one after tools and system, one after the newest message and one where the request before had its newest: the
/// provider looks back over 20 blocks only, and a turn may have more.
const CACHE_MARK: &[u8] = br#","cache_control":{"type":"ephemeral"}"#;

/// Marks on messages.
const MARKED_MESSAGES: usize = 2;

#[derive(Serialize)]
struct Head<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingSetting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
}

#[derive(Serialize)]
struct OutputConfig {
    effort: &'static str,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a Value,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

/// The body of `request` to the model `name`; `prefix` comes from [`encode_prefix`].
pub(super) fn encode_body(request: &ModelRequest, name: &str, prefix: &[u8]) -> Vec<u8> {
    let entry = catalog::lookup(name);
    let max_tokens = entry.max_tokens_within(request.max_tokens);
    let thinking = entry.thinking(request.thinking, max_tokens);
    let head = Head {
        model: name,
        max_tokens,
        stream: true,
        thinking: thinking.filter(|setting| !setting.has_budget() || keeps_thoughts(&request.messages)),
        output_config: entry.effort(request.effort).map(|effort| OutputConfig { effort }),
    };
    let said = said(&request.messages);
    let mut body = Vec::with_capacity(expected_length(prefix, &said));
    write_json(&mut body, &head);
    body.pop();
    body.extend_from_slice(prefix);
    body.extend_from_slice(br#","messages":["#);
    write_messages(&mut body, &said);
    body.extend_from_slice(b"]}");
    body
}

/// Whether the newest calls come with the thought that led to them. A model that thinks within a budget refuses calls
/// without it; where another model made them, it goes on without thinking until they are answered.
fn keeps_thoughts(messages: &[std::sync::Arc<SealedMessage>]) -> bool {
    let newest =
        messages.iter().rev().map(|sealed| &sealed.message).find(|said| said.role == Role::Assistant);
    let is_thought = |part: &Part| match part {
        Part::Thinking { signature, .. } => signature.is_some(),
        Part::ProviderBlock { provider, .. } => provider == PROVIDER,
        Part::Text { .. } | Part::ToolUse { .. } | Part::ToolResult { .. } => false,
    };
    newest.is_none_or(|said| said.tool_uses().next().is_none() || said.parts.iter().any(is_thought))
}

/// System prompt and tools as the fields of a body, each with its comma before it.
pub(super) fn encode_prefix(system: &str, tools: &[ToolSpec]) -> Vec<u8> {
    let mut prefix = Vec::new();
    let has_system = !system.trim().is_empty();
    if has_system {
        prefix.extend_from_slice(br#","system":["#);
        write_json(&mut prefix, &Block::Text { text: system });
        mark_last_block(&mut prefix);
        prefix.push(b']');
    }
    if !tools.is_empty() {
        prefix.extend_from_slice(br#","tools":["#);
        for (at, tool) in tools.iter().enumerate() {
            if at > 0 {
                prefix.push(b',');
            }
            let (name, description) = (&*tool.name, &*tool.description);
            write_json(&mut prefix, &Tool { name, description, input_schema: &tool.input_schema });
        }
        if !has_system {
            mark_last_block(&mut prefix);
        }
        prefix.push(b']');
    }
    prefix
}

/// A message that says something on this wire, and its blocks.
struct Said<'m> {
    message: &'m Message,
    blocks: Cow<'m, [u8]>,
}

fn said(messages: &[std::sync::Arc<SealedMessage>]) -> Vec<Said<'_>> {
    let mut said = Vec::with_capacity(messages.len());
    for sealed in messages {
        let blocks = sealed.encoded(PROVIDER, encode_blocks);
        if !blocks.is_empty() {
            said.push(Said { message: &sealed.message, blocks });
        }
    }
    said
}

fn expected_length(prefix: &[u8], said: &[Said<'_>]) -> usize {
    const AROUND_A_MESSAGE: usize = 40;
    const HEAD_AND_MARKS: usize = 512;
    let messages: usize = said.iter().map(|said| said.blocks.len() + AROUND_A_MESSAGE).sum();
    HEAD_AND_MARKS + prefix.len() + messages
}

/// Writes the conversation, messages of one side in a row as one message.
fn write_messages(body: &mut Vec<u8>, said: &[Said<'_>]) {
    // Where the newest messages of the user's side end, the very newest last.
    let mut user_ends: [Option<usize>; MARKED_MESSAGES] = [None; MARKED_MESSAGES];
    for (at, side) in said.chunk_by(|a, b| a.message.role == b.message.role).enumerate() {
        if at > 0 {
            body.push(b',');
        }
        let role = side.first().map_or(Role::User, |said| said.message.role);
        body.extend_from_slice(match role {
            Role::User => br#"{"role":"user","content":["#.as_slice(),
            Role::Assistant => br#"{"role":"assistant","content":["#.as_slice(),
        });
        write_side(body, side);
        if role == Role::User {
            let [_, newest] = user_ends;
            user_ends = [newest, Some(body.len())];
        }
        body.extend_from_slice(b"]}");
    }
    // From the back, so that a mark does not move the places of those before it.
    for end in user_ends.into_iter().rev().flatten() {
        mark_block_ending_at(body, end);
    }
}

/// Writes the blocks of messages that follow each other on one side.
fn write_side(body: &mut Vec<u8>, side: &[Said<'_>]) {
    let answers_later = side.iter().skip(1).any(|said| said.message.tool_results().next().is_some());
    if answers_later {
        // Answers to calls stand before everything else of their message: this order has no kept bytes.
        let parts = side.iter().flat_map(|said| said.message.parts.iter().cloned()).collect();
        let role = side.first().map_or(Role::User, |said| said.message.role);
        body.extend_from_slice(&encode_blocks(&Message { role, parts }));
        return;
    }
    for (at, said) in side.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&said.blocks);
    }
}

/// The content blocks of a message, separated by commas; the answers to calls first.
///
/// What the provider would refuse is left out: blank texts, thinking without its signature (it came from elsewhere),
/// and blocks of other providers. So the result may be empty.
fn encode_blocks(message: &Message) -> Vec<u8> {
    let is_answer = |part: &&Part| matches!(part, Part::ToolResult { .. });
    let answers = message.parts.iter().filter(is_answer);
    let others = message.parts.iter().filter(|part| !is_answer(part));
    let mut blocks = Vec::new();
    for part in answers.chain(others) {
        let block = match part {
            Part::Text { text } if text.trim().is_empty() => continue,
            Part::Text { text } => Block::Text { text },
            Part::Thinking { signature: None, .. } => continue,
            Part::Thinking { text, signature: Some(signature) } => {
                Block::Thinking { thinking: text, signature }
            }
            Part::ToolUse { id, name, input } => Block::ToolUse { id: id.as_str(), name, input },
            Part::ToolResult { id, content, is_error } => {
                Block::ToolResult { tool_use_id: id.as_str(), content, is_error: *is_error }
            }
            Part::ProviderBlock { provider, raw } => {
                if provider == PROVIDER {
                    separate(&mut blocks);
                    blocks.extend_from_slice(raw.as_bytes());
                }
                continue;
            }
        };
        separate(&mut blocks);
        write_json(&mut blocks, &block);
    }
    blocks
}

fn separate(blocks: &mut Vec<u8>) {
    if !blocks.is_empty() {
        blocks.push(b',');
    }
}

fn mark_last_block(blocks: &mut Vec<u8>) {
    mark_block_ending_at(blocks, blocks.len());
}

/// Puts the cache mark into the object whose closing brace stands right before `end`.
fn mark_block_ending_at(bytes: &mut Vec<u8>, end: usize) {
    let brace = end.saturating_sub(1);
    bytes.splice(brace..brace, CACHE_MARK.iter().copied());
}

#[expect(clippy::expect_used, reason = "texts and JSON values can always be written to memory")]
fn write_json(bytes: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(bytes, value).expect("memory takes every text and JSON value");
}
