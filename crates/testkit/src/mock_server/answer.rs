//! One request, from its head to the answer: key, version, body, rules, script.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http_body_util::{BodyExt, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::{
    CHAT, COUNT_TOKENS, MESSAGES, MODELS, chat_rules,
    delivery::{self, Body, HungUp},
    record::{Log, Recorded},
    request::{self, Asked, Wanted},
    rules::{self, Purpose, Said},
    script::{Chosen, Script},
    turn::{Ending, Expectation, HttpError, Instead, Turn},
    wire::{Answer, Filled, Ids, Refusal, Wire, chat, flavour::Flavour, messages},
};
use crate::wait::{Inside, Level};

const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    /// None where no key is asked for.
    pub(super) key: Option<String>,
    pub(super) flavour: Flavour,
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
    let wire = Wire::of(&recorded.path, &recorded.headers);
    let refusal = match take(&shared, wire, &mut recorded, body).await {
        Ok(Taken::Turn(turn, wanted)) => {
            shared.log.add(recorded);
            reset.store(matches!(turn.ending, Ending::Reset(_)), Ordering::Relaxed);
            return play(&shared, wire, &turn, wanted, answering).await;
        }
        Ok(Taken::Value(value)) => {
            shared.log.add(recorded);
            return Ok(respond(&shared, wire, 200, "application/json", delivery::whole(value.to_string())));
        }
        Err(refusal) => refusal,
    };
    recorded.refused = Some(refusal.message.clone());
    let is_head = recorded.method == Method::HEAD;
    shared.log.add(recorded);
    let Refusal { status, kind, message, param, code } = refusal;
    let (kind, code) = (kind.to_owned(), code.map(str::to_owned));
    let error = HttpError { status, kind, message, code, headers: Vec::new() };
    Ok(respond_error(&shared, wire, &error, param.as_deref(), is_head))
}

/// What a request that was taken gets.
enum Taken {
    Turn(Box<Turn>, Wanted),
    Value(Value),
}

async fn take(
    shared: &Shared,
    wire: Wire,
    recorded: &mut Recorded,
    body: Incoming,
) -> Result<Taken, Refusal> {
    if let Some(refusal) = lost(wire, &recorded.method, &recorded.path) {
        return Err(refusal);
    }
    let version = match wire {
        Wire::Messages => messages::check_head(shared.key.as_deref(), &recorded.headers)?,
        Wire::Chat => {
            chat::check_head(shared.key.as_deref(), &recorded.headers)?;
            ""
        }
    };
    if recorded.path == MODELS {
        return Ok(Taken::Value(match wire {
            Wire::Messages => messages::models(shared.models.as_deref()),
            Wire::Chat => chat::models(shared.models.as_deref()),
        }));
    }
    let bytes = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| too_large())?.to_bytes();
    if shared.strict {
        recorded.body = serde_json::from_slice(&bytes).map_err(not_json)?;
        judge(shared, wire, recorded, version)?;
    }
    if recorded.path == COUNT_TOKENS {
        return Ok(Taken::Value(json!({"input_tokens": bytes.len() / 4})));
    }
    let (asked, wanted) = match wire {
        Wire::Messages => request::read_messages(&bytes),
        Wire::Chat => request::read_chat(&bytes),
    }
    .map_err(not_json)?;
    if shared.models.as_ref().is_some_and(|models| !models.contains(&asked.model)) {
        return Err(match wire {
            Wire::Messages => Refusal::new(404, "not_found_error", format!("model: {}", asked.model)),
            Wire::Chat => chat::unknown_model(&asked.model),
        });
    }
    let Chosen { lane, turn } =
        shared.script.lock().unwrap_or_else(PoisonError::into_inner).choose(&asked, &bytes);
    recorded.agent = lane;
    let turn = turn.map_err(|problem| Refusal::invalid(format!("mock script: {problem}")))?;
    check_expectation(&turn.expectation, &asked)?;
    Ok(Taken::Turn(Box::new(turn), wanted))
}

/// The refusal of a path that nobody serves, or not so.
fn lost(wire: Wire, method: &Method, path: &str) -> Option<Refusal> {
    match (method, path) {
        (&Method::POST, MESSAGES | COUNT_TOKENS | CHAT) | (&Method::GET, MODELS) => None,
        (_, MESSAGES | COUNT_TOKENS | CHAT | MODELS) => Some(match wire {
            Wire::Messages => Refusal::new(405, "invalid_request_error", "Method Not Allowed"),
            Wire::Chat => {
                let message = format!("Not allowed to {method} on {path}.");
                Refusal::new(405, "invalid_request_error", message).coded("method_not_supported")
            }
        }),
        _ => Some(match wire {
            Wire::Messages => Refusal::new(404, "not_found_error", "Not Found"),
            Wire::Chat => {
                Refusal::new(404, "invalid_request_error", format!("Invalid URL ({method} {path})"))
            }
        }),
    }
}

fn too_large() -> Refusal {
    Refusal::new(413, "request_too_large", "Request exceeds the maximum size")
}

fn not_json(error: serde_json::Error) -> Refusal {
    Refusal::invalid(format!("The request body is not valid JSON: {error}"))
}

/// Refuses what the service refuses.
fn judge(shared: &Shared, wire: Wire, recorded: &Recorded, version: &str) -> Result<(), Refusal> {
    match wire {
        Wire::Messages => {
            let purpose = if recorded.path == MESSAGES { Purpose::Answer } else { Purpose::Count };
            let said = shared.said.lock().unwrap_or_else(PoisonError::into_inner);
            let request = rules::Request { body: &recorded.body, version, purpose, said: &said };
            rules::examine(&request).map_err(Refusal::invalid)
        }
        Wire::Chat => chat_rules::examine(&recorded.body),
    }
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
    wire: Wire,
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
        Some(Instead::Error(error)) => {
            return Ok(respond_error(shared, wire, error, None, false));
        }
        Some(Instead::TooLong) => {
            return Ok(match wire {
                Wire::Messages => respond_error(shared, wire, &messages::too_long(), None, false),
                Wire::Chat => respond_error(shared, wire, &chat::too_long(), Some("messages"), false),
            });
        }
        Some(Instead::Page { status, html }) => {
            let page = delivery::whole(html.clone());
            return Ok(respond(shared, wire, *status, "text/html; charset=utf-8", page));
        }
        Some(Instead::Bytes(bytes)) => {
            return Ok(respond(shared, wire, 200, EVENT_STREAM, delivery::raw(turn, bytes, answering)));
        }
        None => {}
    }
    let answer = Answer::new(turn, &shared.ids, &wanted.model, wire);
    remember(shared, &answer);
    let Wanted { stream, counted, padded, .. } = wanted;
    Ok(if stream {
        let told = match wire {
            Wire::Messages => messages::told(&answer),
            Wire::Chat => chat::told(&answer, shared.flavour, counted, padded),
        };
        respond(shared, wire, 200, EVENT_STREAM, delivery::events(turn, &told, answering))
    } else {
        let message = match wire {
            Wire::Messages => messages::message(&answer),
            Wire::Chat => chat::completion(&answer, shared.flavour),
        };
        respond(shared, wire, 200, "application/json", delivery::message(turn, &message, answering))
    })
}

const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// Keeps what the rules of the Messages API have to recognise when it comes back.
fn remember(shared: &Shared, answer: &Answer<'_>) {
    let whole = answer.blocks.iter().filter_map(|block| match block {
        Filled::Whole(block) => Some(block.clone()),
        _ => None,
    });
    let mut said = shared.said.lock().unwrap_or_else(PoisonError::into_inner);
    said.blocks.extend(whole);
    if answer.stop_reason == "pause_turn" {
        said.paused.push(messages::content(answer));
    }
}

fn respond(shared: &Shared, wire: Wire, status: u16, content_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("scripts name real statuses");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.parse().expect("a content type of ours"));
    headers.insert(wire.id_header(), shared.ids.next("req").parse().expect("an id of ours"));
    response
}

fn respond_error(
    shared: &Shared,
    wire: Wire,
    error: &HttpError,
    param: Option<&str>,
    without_body: bool,
) -> Response<Body> {
    let id = shared.ids.next("req");
    let body = match wire {
        Wire::Messages => messages::error_body(error, &id),
        Wire::Chat => chat::error_body(error, param, shared.flavour.codes),
    };
    let bytes = if without_body { String::new() } else { body.to_string() };
    let mut response = respond(shared, wire, error.status, "application/json", delivery::whole(bytes));
    let headers = response.headers_mut();
    headers.insert(wire.id_header(), id.parse().expect("an id of ours"));
    for (name, value) in &error.headers {
        let name: hyper::header::HeaderName = name.parse().expect("a script's header name");
        headers.insert(name, value.parse().expect("a script's header value"));
    }
    response
}
