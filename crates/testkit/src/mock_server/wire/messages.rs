//! The Anthropic Messages API: heads of requests, and answers as one message or as the events of a stream.

use hyper::{HeaderMap, header::AUTHORIZATION};
use serde_json::{Value, json};

use super::{Answer, Filled, Piece, Refusal, Step, Told};
use crate::mock_server::{
    rules,
    turn::{Ending, HttpError, Input},
};

const MODELS: [&str; 3] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"];

/// Checks the key, and gives the version that the client speaks.
pub(in crate::mock_server) fn check_head(
    key: Option<&str>,
    headers: &HeaderMap,
) -> Result<&'static str, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let problem = match (text("x-api-key"), bearer) {
        _ if key.is_none() => None,
        (Some(given), _) if Some(given) == key => None,
        (Some(_), _) => Some("invalid x-api-key"),
        (None, Some(given)) if Some(given) == key => None,
        (None, Some(_)) => Some("Invalid bearer token"),
        (None, None) => Some("x-api-key header is required"),
    };
    if let Some(problem) = problem {
        return Err(Refusal::new(401, "authentication_error", problem));
    }
    let Some(version) = headers.get("anthropic-version") else {
        return Err(Refusal::invalid("anthropic-version: header is required"));
    };
    let known = rules::VERSIONS.into_iter().find(|known| version == *known);
    known.ok_or_else(|| Refusal::invalid(format!("anthropic-version: {version:?} is not a valid version")))
}

/// The list of models; of `names` where the server knows these only.
pub(in crate::mock_server) fn models(names: Option<&[String]>) -> Value {
    let names = names.map_or_else(|| MODELS.map(str::to_owned).to_vec(), <[String]>::to_vec);
    let model = |name: &String| json!({"id": name, "type": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"});
    let data: Vec<Value> = names.iter().map(model).collect();
    json!({"data": data, "has_more": false, "first_id": names.first(), "last_id": names.last()})
}

/// The error of a request that is longer than the model's window.
pub(in crate::mock_server) fn too_long() -> HttpError {
    let message = "prompt is too long: 208310 tokens > 200000 maximum".to_owned();
    HttpError {
        status: 400,
        kind: "invalid_request_error".to_owned(),
        message,
        code: None,
        headers: Vec::new(),
    }
}

/// The body of an error answer to the request `id`.
pub(in crate::mock_server) fn error_body(error: &HttpError, id: &str) -> Value {
    let mut body = json!({
        "type": "error",
        "error": {"type": error.kind, "message": error.message},
        "request_id": id,
    });
    if let Some(code) = &error.code {
        body["error"]["details"] = json!({"error_code": code});
    }
    body
}

/// The content as the client is to send it back.
pub(in crate::mock_server) fn content(answer: &Answer<'_>) -> Value {
    answer.blocks.iter().map(whole).collect()
}

/// The answer where no stream was asked for.
pub(in crate::mock_server) fn message(answer: &Answer<'_>) -> Value {
    let mut message = head(answer, content(answer), json!(answer.stop_reason), answer.usage.output_tokens);
    message["stop_sequence"] = json!(answer.turn.stop_sequence);
    if let Some(details) = stop_details(answer) {
        message["stop_details"] = details;
    }
    message
}

/// The answer as a stream.
pub(in crate::mock_server) fn told(answer: &Answer<'_>) -> Told {
    let steps: Vec<Vec<String>> = answer.steps().iter().map(|step| vec![event_of(answer, step)]).collect();
    let failure = match &answer.turn.ending {
        Ending::Error { kind, message, .. } => {
            vec![event("error", &json!({"type": "error", "error": {"type": kind, "message": message}}))]
        }
        _ => Vec::new(),
    };
    Told {
        most_of_a_failure: steps.len().saturating_sub(1),
        steps,
        failure,
        ping: "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        unknown: "event: news_from_tomorrow\ndata: {\"type\": \"news_from_tomorrow\", \"index\": 0}\n\n",
    }
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn event_of(answer: &Answer<'_>, step: &Step) -> String {
    let (name, fields) = match step {
        Step::Begin => ("message_start", json!({"message": head(answer, json!([]), Value::Null, 1)})),
        Step::Open(number) => {
            let start = match &answer.blocks[*number] {
                Filled::Text(_) => json!({"type": "text", "text": ""}),
                Filled::Thinking { .. } => json!({"type": "thinking", "thinking": "", "signature": ""}),
                Filled::Call { id, name, .. } => {
                    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
                }
                Filled::Whole(block) => block.clone(),
            };
            ("content_block_start", json!({"index": number, "content_block": start}))
        }
        Step::Piece(number, piece) => {
            let delta = match piece {
                Piece::Text(text) => json!({"type": "text_delta", "text": text}),
                Piece::Thought(text) => json!({"type": "thinking_delta", "thinking": text}),
                Piece::Seal(signature) => json!({"type": "signature_delta", "signature": signature}),
                Piece::Input(text) => json!({"type": "input_json_delta", "partial_json": text}),
            };
            ("content_block_delta", json!({"index": number, "delta": delta}))
        }
        Step::Close(number) => ("content_block_stop", json!({"index": number})),
        Step::End => {
            let mut end =
                json!({"stop_reason": answer.stop_reason, "stop_sequence": answer.turn.stop_sequence});
            if let Some(details) = stop_details(answer) {
                end["stop_details"] = details;
            }
            let usage = json!({
                "input_tokens": answer.usage.input_tokens,
                "cache_creation_input_tokens": answer.usage.cache_write_tokens,
                "cache_read_input_tokens": answer.usage.cache_read_tokens,
                "output_tokens": answer.usage.output_tokens,
            });
            ("message_delta", json!({"delta": end, "usage": usage}))
        }
        Step::Over => ("message_stop", json!({})),
    };
    let mut data = json!({"type": name});
    if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
        data.extend(fields);
    }
    event(name, &data)
}

fn head(answer: &Answer<'_>, content: Value, stop_reason: Value, output_tokens: u64) -> Value {
    json!({
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": answer.usage.input_tokens,
            "cache_creation_input_tokens": answer.usage.cache_write_tokens,
            "cache_read_input_tokens": answer.usage.cache_read_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": answer.usage.cache_write_tokens,
                "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    })
}

fn stop_details(answer: &Answer<'_>) -> Option<Value> {
    (answer.stop_reason == "refusal")
        .then(|| json!({"type": "refusal", "category": null, "explanation": "a scripted refusal"}))
}

fn whole(block: &Filled) -> Value {
    match block {
        Filled::Text(text) => json!({"type": "text", "text": text}),
        Filled::Thinking { text, signature } => {
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Filled::Call { id, name, input } => {
            let input = match input {
                Input::Json(input) => input.clone(),
                Input::Raw(raw) => serde_json::from_str(raw).unwrap_or_else(|_| json!(raw)),
                Input::Nothing => json!({}),
            };
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
        Filled::Whole(block) => block.clone(),
    }
}
