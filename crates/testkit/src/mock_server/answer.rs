//! One request, from its head to the answer: key, version, body, rules, script.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http_body_util::{BodyExt, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{
    COUNT_TOKENS, MESSAGES, MODELS,
    delivery::{self, Body, HungUp},
    record::{Log, Recorded},
    request::{Asked, Skimmed},
    rules::{self, Purpose, Said},
    script::{Chosen, Script},
    turn::{Ending, Expectation, HttpError, Instead, Turn},
    wire::{Answer, Ids},
};
use crate::wait::{Inside, Level};

const LARGEST_BODY: usize = 32 * 1024 * 1024;
const DEFAULT_MODELS: [&str; 3] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"];

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) key: String,
    pub(super) models: Option<Vec<String>>,
    /// Whether requests are judged and recorded whole.
    pub(super) strict: bool,
    pub(super) script: Mutex<Script>,
    pub(super) said: Mutex<Said>,
    pub(super) ids: Ids,
    pub(super) log: Log,
    pub(super) connections: Level,
    pub(super) accepted: Level,
    pub(super) answering: Level,
}

/// A request that gets an error: status, `error.type`, message.
struct Refusal {
    status: u16,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }
}

/// Answers a request, or hangs up where the script says so; `reset` says how.
pub(super) async fn answer(
    shared: Arc<Shared>,
    connection: usize,
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Body>, HungUp> {
    let answering = shared.answering.enter();
    let (head, body) = request.into_parts();
    let mut recorded = Recorded {
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: Value::Null,
        refused: None,
        agent: None,
        connection,
    };
    let refusal = match take(&shared, &mut recorded, body).await {
        Ok(Taken::Turn(turn, skimmed)) => {
            shared.log.add(recorded);
            reset.store(matches!(turn.ending, Ending::Reset(_)), Ordering::Relaxed);
            return play(&shared, &turn, skimmed, answering).await;
        }
        Ok(Taken::Value(value)) => {
            shared.log.add(recorded);
            return Ok(respond(&shared, 200, "application/json", delivery::whole(value.to_string())));
        }
        Err(refusal) => refusal,
    };
    recorded.refused = Some(refusal.message.clone());
    let is_head = recorded.method == Method::HEAD;
    shared.log.add(recorded);
    let Refusal { status, kind, message } = refusal;
    let error = HttpError { status, kind: kind.to_owned(), message, code: None, headers: Vec::new() };
    Ok(respond_error(&shared, &error, is_head))
}

/// What a request that was taken gets.
enum Taken {
    Turn(Box<Turn>, Wanted),
    Value(Value),
}

/// How a turn is to be sent.
struct Wanted {
    model: String,
    stream: bool,
}

async fn take(shared: &Shared, recorded: &mut Recorded, body: Incoming) -> Result<Taken, Refusal> {
    let not_found = || Refusal::new(404, "not_found_error", "Not Found");
    match (&recorded.method, recorded.path.as_str()) {
        (&Method::POST, MESSAGES | COUNT_TOKENS) | (&Method::GET, MODELS) => {}
        (_, MESSAGES | COUNT_TOKENS | MODELS) => {
            return Err(Refusal::new(405, "invalid_request_error", "Method Not Allowed"));
        }
        _ => return Err(not_found()),
    }
    check_key(shared, &recorded.headers)?;
    let version = version(&recorded.headers)?;
    if recorded.path == MODELS {
        return Ok(Taken::Value(models(shared)));
    }
    let too_large = || Refusal::new(413, "request_too_large", "Request exceeds the maximum size");
    let bytes = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| too_large())?.to_bytes();
    let not_json = |error| Refusal::invalid(format!("The request body is not valid JSON: {error}"));
    if shared.strict {
        recorded.body = serde_json::from_slice(&bytes).map_err(not_json)?;
        let purpose = if recorded.path == MESSAGES { Purpose::Answer } else { Purpose::Count };
        let said = shared.said.lock().unwrap_or_else(PoisonError::into_inner);
        let request = rules::Request { body: &recorded.body, version, purpose, said: &said };
        rules::examine(&request).map_err(Refusal::invalid)?;
    }
    if recorded.path == COUNT_TOKENS {
        return Ok(Taken::Value(json!({"input_tokens": bytes.len() / 4})));
    }
    let skimmed: Skimmed<'_> = serde_json::from_slice(&bytes).map_err(not_json)?;
    let asked = Asked::read(&skimmed);
    if shared.models.as_ref().is_some_and(|models| !models.contains(&asked.model)) {
        return Err(Refusal::new(404, "not_found_error", format!("model: {}", asked.model)));
    }
    let Chosen { lane, turn } =
        shared.script.lock().unwrap_or_else(PoisonError::into_inner).choose(&asked, &bytes);
    recorded.agent = lane;
    let turn = turn.map_err(|problem| Refusal::invalid(format!("mock script: {problem}")))?;
    check_expectation(&turn.expectation, &asked)?;
    Ok(Taken::Turn(Box::new(turn), Wanted { model: asked.model, stream: skimmed.stream }))
}

fn check_key(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let problem = match (text("x-api-key"), bearer) {
        (Some(key), _) if key == shared.key => return Ok(()),
        (Some(_), _) => "invalid x-api-key",
        (None, Some(key)) if key == shared.key => return Ok(()),
        (None, Some(_)) => "Invalid bearer token",
        (None, None) => "x-api-key header is required",
    };
    Err(Refusal::new(401, "authentication_error", problem))
}

fn version(headers: &HeaderMap) -> Result<&'static str, Refusal> {
    let Some(version) = headers.get("anthropic-version") else {
        return Err(Refusal::invalid("anthropic-version: header is required"));
    };
    let known = rules::VERSIONS.into_iter().find(|known| version == *known);
    known.ok_or_else(|| Refusal::invalid(format!("anthropic-version: {version:?} is not a valid version")))
}

fn models(shared: &Shared) -> Value {
    let names = shared.models.clone().unwrap_or_else(|| DEFAULT_MODELS.map(str::to_owned).to_vec());
    let model = |name: &String| json!({"id": name, "type": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"});
    let data: Vec<Value> = names.iter().map(model).collect();
    json!({"data": data, "has_more": false, "first_id": names.first(), "last_id": names.last()})
}

fn check_expectation(expectation: &Expectation, asked: &Asked) -> Result<(), Refusal> {
    if let Some(wanted) = &expectation.tool_result
        && !asked.last_results.iter().any(|result| result.contains(wanted))
    {
        let results = asked.last_results.join("\n");
        return Err(Refusal::invalid(format!(
            "mock script: expected a tool result with {wanted:?}, got {results:?}"
        )));
    }
    if let Some(wanted) = &expectation.last_user
        && !asked.last_message.contains(wanted)
    {
        let last = &asked.last_message;
        return Err(Refusal::invalid(format!(
            "mock script: expected {wanted:?} in the last message, got {last:?}"
        )));
    }
    Ok(())
}

async fn play(
    shared: &Shared,
    turn: &Turn,
    wanted: Wanted,
    answering: Inside,
) -> Result<Response<Body>, HungUp> {
    if let Some(delay) = turn.before {
        tokio::time::sleep(delay).await;
    }
    match &turn.instead {
        Some(Instead::HangUp) => return Err(HungUp),
        Some(Instead::Silence) => std::future::pending().await,
        Some(Instead::Error(error)) => return Ok(respond_error(shared, error, false)),
        Some(Instead::Page { status, html }) => {
            return Ok(respond(shared, *status, "text/html; charset=utf-8", delivery::whole(html.clone())));
        }
        Some(Instead::Bytes(bytes)) => {
            return Ok(respond(shared, 200, EVENT_STREAM, delivery::raw(turn, bytes, answering)));
        }
        None => {}
    }
    let answer = Answer::new(turn, &shared.ids, &wanted.model);
    remember(shared, turn, &answer);
    Ok(if wanted.stream {
        respond(shared, 200, EVENT_STREAM, delivery::events(turn, &answer.events(), answering))
    } else {
        respond(shared, 200, "application/json", delivery::message(turn, &answer.message(), answering))
    })
}

const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// Keeps what the rules have to recognise when it comes back.
fn remember(shared: &Shared, turn: &Turn, answer: &Answer<'_>) {
    let raw = turn.blocks.iter().filter_map(|block| match block {
        super::turn::Block::Raw(block) => Some(block.clone()),
        _ => None,
    });
    let mut said = shared.said.lock().unwrap_or_else(PoisonError::into_inner);
    said.blocks.extend(raw);
    if answer.is_paused() {
        said.paused.push(answer.content());
    }
}

fn respond(shared: &Shared, status: u16, content_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("scripts name real statuses");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.parse().expect("a content type of ours"));
    headers.insert("request-id", shared.ids.next("req").parse().expect("an id of ours"));
    response
}

fn respond_error(shared: &Shared, error: &HttpError, without_body: bool) -> Response<Body> {
    let mut body = json!({
        "type": "error",
        "error": {"type": error.kind, "message": error.message},
        "request_id": shared.ids.next("req"),
    });
    if let Some(code) = &error.code {
        body["error"]["details"] = json!({"error_code": code});
    }
    let id = body["request_id"].as_str().unwrap_or_default().to_owned();
    let bytes = if without_body { String::new() } else { body.to_string() };
    let mut response = respond(shared, error.status, "application/json", delivery::whole(bytes));
    let headers = response.headers_mut();
    headers.insert("request-id", id.parse().expect("an id of ours"));
    for (name, value) in &error.headers {
        let name: hyper::header::HeaderName = name.parse().expect("a script's header name");
        headers.insert(name, value.parse().expect("a script's header value"));
    }
    response
}
