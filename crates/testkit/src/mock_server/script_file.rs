//! Scripts as JSON files: the shape of `script:FILE` (contract 9) and a little more.
//!
//! More, all of it optional: `match` says per agent how its requests are told from others; `by_turn` chooses steps by
//! the length of the conversation; steps know `stop_reason`, `gap_ms`, `split_bytes`, `drip_ms` and a call's `id` or
//! `raw`; faults know `type`, `headers` and `after_events`, and there are more of them: `reset`, `ping`, `hang_up`,
//! `page`.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    request::Asked,
    script::Script,
    turn::{Pieces, Turn},
};

/// A file that is no script.
#[derive(Debug)]
pub struct InvalidScript(serde_json::Error);

impl fmt::Display for InvalidScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read the script")
    }
}

impl std::error::Error for InvalidScript {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Reads a script.
///
/// # Errors
/// Where the text is no JSON, or a field is unknown or of another type.
pub fn read_script(text: &str) -> Result<Script, InvalidScript> {
    let file: File = serde_json::from_str(text).map_err(InvalidScript)?;
    let File { v, agents, mut r#match, on_exhausted, by_turn } = file;
    if v != VERSION {
        return Err(invalid(format!("`v` is {v}, and only {VERSION} is known")));
    }
    let mut script = Script::new();
    for (name, steps) in agents {
        let steps =
            Vec::<Step>::deserialize(steps).map_err(|error| invalid(format!("agents.{name}: {error}")))?;
        let turns: Vec<Turn> = steps.into_iter().map(Step::into_turn).collect();
        script = match r#match.remove(&name) {
            None => script.agent(&name, turns),
            Some(conditions) => script.when(&name, move |asked| conditions.hold(asked), turns),
        };
    }
    if let Some(stranger) = r#match.keys().next() {
        return Err(invalid(format!("`match` names `{stranger}`, which `agents` does not")));
    }
    if matches!(on_exhausted, OnExhausted::RepeatLast) {
        script = script.repeating_last();
    }
    Ok(if by_turn { script.by_turn() } else { script })
}

const VERSION: u32 = 1;

fn invalid(problem: String) -> InvalidScript {
    InvalidScript(serde::de::Error::custom(problem))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u32,
    /// In the file's order, which is the order in which conditions are tried; each a list of [`Step`].
    agents: Map<String, Value>,
    #[serde(default)]
    r#match: BTreeMap<String, Conditions>,
    #[serde(default)]
    on_exhausted: OnExhausted,
    #[serde(default)]
    by_turn: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum OnExhausted {
    #[default]
    Error,
    RepeatLast,
}

/// All that are given have to hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    system_contains: Option<String>,
    offers_tool: Option<String>,
    last_message_contains: Option<String>,
}

impl Conditions {
    fn hold(&self, asked: &Asked) -> bool {
        let holds =
            |wanted: &Option<String>, found: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(found);
        holds(&self.system_contains, &|text| asked.system.contains(text))
            && holds(&self.offers_tool, &|tool| asked.offers(tool))
            && holds(&self.last_message_contains, &|text| asked.last_message.contains(text))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    text: Option<String>,
    thinking: Option<String>,
    #[serde(default)]
    tool_calls: Vec<Call>,
    usage: Option<domain::message::Usage>,
    stop_reason: Option<String>,
    delay_ms: Option<u64>,
    gap_ms: Option<u64>,
    chunk_chars: Option<usize>,
    split_bytes: Option<usize>,
    drip_ms: Option<u64>,
    expect: Option<Expect>,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    id: Option<String>,
    #[serde(default = "empty_object")]
    input: Value,
    /// Sent instead of `input`, JSON or not.
    raw: Option<String>,
}

fn empty_object() -> Value {
    Value::Object(Map::new())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    tool_result_contains: Option<String>,
    last_user_contains: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Fault {
    Http {
        status: u16,
        message: Option<String>,
        r#type: Option<String>,
        /// Seconds.
        retry_after: Option<f64>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    Stall {
        after_events: Option<usize>,
    },
    Cut {
        after_events: Option<usize>,
    },
    Reset {
        after_events: Option<usize>,
    },
    Ping {
        after_events: Option<usize>,
        every_ms: u64,
    },
    HangUp {},
    Page {
        status: u16,
        html: String,
    },
    Malformed {},
}

impl Step {
    fn into_turn(self) -> Turn {
        let mut turn = Turn::empty();
        if let Some(thinking) = &self.thinking {
            turn = turn.and_thinking(thinking);
        }
        if let Some(text) = &self.text {
            turn = turn.and_text(text);
        }
        for call in &self.tool_calls {
            turn = match (&call.raw, &call.id) {
                (Some(raw), _) => turn.and_raw_call(&call.name, raw),
                (None, Some(id)) => turn.and_call_named(id, &call.name, call.input.clone()),
                (None, None) => turn.and_call(&call.name, call.input.clone()),
            };
        }
        if let Some(fault) = self.fault {
            turn = fault.spoil(turn);
        }
        turn.usage = self.usage;
        turn.stop_reason = self.stop_reason;
        turn.chunk_chars = self.chunk_chars.filter(|characters| *characters > 0);
        turn.before = self.delay_ms.map(Duration::from_millis);
        turn.between = self.gap_ms.map(Duration::from_millis);
        if let Some(size) = self.split_bytes.filter(|size| *size > 0) {
            turn.pieces = Pieces::Bytes(size);
        }
        if let Some(every) = self.drip_ms {
            turn = turn.dripping(Duration::from_millis(every));
        }
        if let Some(expect) = self.expect {
            turn.expectation.tool_result = expect.tool_result_contains;
            turn.expectation.last_user = expect.last_user_contains;
        }
        turn
    }
}

impl Fault {
    /// Stalls and cuts tell everything but the end of the answer where nothing else is said, as `script:FILE` does.
    fn spoil(self, turn: Turn) -> Turn {
        match self {
            Self::Http { status, message, r#type, retry_after, headers } => {
                let kind = r#type.unwrap_or_else(|| kind_of_status(status).to_owned());
                let mut error =
                    Turn::error(status, &kind, message.as_deref().unwrap_or("a scripted failure"));
                if let Some(seconds) = retry_after {
                    error = error.with_header("retry-after", &seconds.to_string());
                }
                headers.iter().fold(error, |error, (name, value)| error.with_header(name, value))
            }
            Self::Stall { after_events } => turn.stalling_after(after_events.unwrap_or(usize::MAX)),
            Self::Cut { after_events } => turn.cut_after(after_events.unwrap_or(usize::MAX)),
            Self::Reset { after_events } => turn.reset_after(after_events.unwrap_or(usize::MAX)),
            Self::Ping { after_events, every_ms } => {
                turn.pinging_after(after_events.unwrap_or(usize::MAX), Duration::from_millis(every_ms))
            }
            Self::HangUp {} => Turn::hang_up(),
            Self::Page { status, html } => Turn::page(status, &html),
            Self::Malformed {} => Turn::bytes(*b"event: message_start\ndata: {\"type\": \"message_st\n\n"),
        }
    }
}

/// Section 8 of the protocol page.
fn kind_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(system: &str, tool: &str) -> Asked {
        Asked { system: system.to_owned(), tools: vec![tool.to_owned()], ..Asked::default() }
    }

    #[test]
    fn a_script_file_gives_each_agent_its_steps() {
        let text = r#"{"v": 1, "agents": {
            "manager": [{"text": "안녕", "tool_calls": [{"name": "finish", "input": {}}], "delay_ms": 5}],
            "coder": [{"fault": {"kind": "http", "status": 429, "retry_after": 2, "headers": {"x-should-retry": "true"}}},
                      {"fault": {"kind": "ping", "after_events": 1, "every_ms": 5}}, {"fault": {"kind": "reset"}},
                      {"fault": {"kind": "page", "status": 200, "html": "x"}}, {"fault": {"kind": "hang_up"}},
                      {"text": "x", "drip_ms": 5}],
            "other": [{"text": "x", "fault": {"kind": "cut"}}]
        }, "match": {"other": {"system_contains": "안내", "offers_tool": "bash"}}, "on_exhausted": "repeat_last"}"#;
        let mut script = read_script(text).unwrap();
        let mut lane = |asked: &Asked| {
            let chosen = script.choose(asked, b"");
            assert!(chosen.turn.is_ok());
            chosen.lane
        };
        for (system, tool, expected) in [
            ("You lead.", "finish", "manager"),
            ("You are the coder.", "report", "coder"),
            ("안내원 coder", "bash", "other"),
            ("안내원 coder", "read", "coder"),
        ] {
            assert_eq!(lane(&asked(system, tool)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_file_that_is_no_script_says_what_is_wrong() {
        let check = |text: &str, problem: &str| {
            let invalid = read_script(text).expect_err("it is no script");
            let source = std::error::Error::source(&invalid).map(ToString::to_string).unwrap_or_default();
            assert!(source.contains(problem), "{source:?} does not say {problem:?}");
        };
        check("{", "EOF");
        check(r#"{"v": 2, "agents": {}}"#, "`v` is 2");
        check(r#"{"v": 1, "agents": {"coder": [{"txt": "x"}]}}"#, "agents.coder: unknown field `txt`");
        check(r#"{"v": 1, "agents": {}, "match": {"coder": {}}}"#, "`match` names `coder`");
    }
}
