//! What goes wrong on the way to an answer, in words for people and a kind for code.
//!
//! Branches on the status, then on the error's `code` and `type`, never on its words, but for one case: a request that is
//! longer than the model's window, for which servers without a code have words only ([`TOO_LONG`]).

use domain::{
    model::{ModelError, ModelErrorKind},
    time::Timestamp,
};
use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};

use super::{
    answer::AnswerError,
    wire::{ErrorBody, ErrorEnvelope},
};
use crate::{
    http_failure::{kind_of_head, kind_of_status},
    over_http::{Place, retry_after},
};

/// Codes and types of a 429 that more waiting does not mend.
const OUT_OF_CREDIT: [&str; 3] = ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];

/// Codes and types of a request that is longer than the model's window.
const TOO_LONG_CODES: [&str; 2] = ["context_length_exceeded", "exceed_context_size_error"];

/// What the words of vLLM, LM Studio and older llama.cpp hold where a shorter request would do.
const TOO_LONG: [&str; 3] = ["maximum context length", "context size", "context length"];

/// An answer with another status than success, which came at `now`.
pub(super) fn refused(
    place: &Place,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> ModelError {
    let error = serde_json::from_slice::<ErrorEnvelope>(body).ok().map(|envelope| envelope.error);
    let words = match &error {
        Some(error) => words_of(place, error),
        None => place.excerpt_of(body),
    };
    let words = if words.is_empty() { "no explanation".to_owned() } else { words };
    let kind = match &error {
        Some(error) if status == StatusCode::BAD_REQUEST && is_too_long(error) => ModelErrorKind::TooLong,
        Some(error) if is_out_of_credit(error) => ModelErrorKind::Rejected,
        _ => kind_of_head(status, headers, retry_after(headers, now)),
    };
    let hint = match (&kind, headers.get(LOCATION)) {
        (ModelErrorKind::Credentials, _) => "; check OPENAI_API_KEY".to_owned(),
        (_, Some(to)) if status.is_redirection() => {
            let to = place.excerpt_of(to.as_bytes());
            format!("; redirects are not followed: if {to} is right, make it the base URL")
        }
        _ if status == StatusCode::NOT_FOUND => "; check the base URL and the model's name".to_owned(),
        _ => String::new(),
    };
    place.error(kind, &format!("HTTP {}, {words}{hint}", status.as_u16()))
}

/// Success, but no stream of events.
pub(super) fn no_stream(place: &Place, content_type: &str, body: &[u8]) -> ModelError {
    match serde_json::from_slice::<ErrorEnvelope>(body) {
        Ok(envelope) => place.error(kind_of_error(&envelope.error), &words_of(place, &envelope.error)),
        Err(_) => place.another_content(content_type, body),
    }
}

/// A stream that gives no answer.
pub(super) fn lost(place: &Place, error: AnswerError) -> ModelError {
    match error {
        AnswerError::Server(error) => {
            let words = format!("the server gave up in the stream, {}", words_of(place, &error));
            place.error(kind_of_error(&error), &words)
        }
        // As a server ends whose model ran out of room, or died: another try may go better.
        AnswerError::Empty => place.error(
            ModelErrorKind::Cut,
            "the answer ended without a word and without a call; if that happens again, the conversation may be too \
             long for the model as the server runs it",
        ),
        error => place.caused(ModelErrorKind::Malformed, "the stream is not as the protocol says", error),
    }
}

fn words_of(place: &Place, error: &ErrorBody) -> String {
    let kind = if error.kind.is_empty() { &error.code } else { &error.kind };
    let message = place.excerpt(&error.message);
    if kind.is_empty() { message } else { format!("{}: {message}", place.excerpt(kind)) }
}

/// The kind of an error that came with a success's status.
fn kind_of_error(error: &ErrorBody) -> ModelErrorKind {
    if is_too_long(error) {
        return ModelErrorKind::TooLong;
    }
    if is_out_of_credit(error) {
        return ModelErrorKind::Rejected;
    }
    if let Some(status) = error.status() {
        return kind_of_status(status, None);
    }
    match (&*error.code, &*error.kind) {
        ("rate_limit_exceeded", _) | (_, "rate_limit_error" | "tokens" | "requests") => {
            ModelErrorKind::RateLimited { retry_after: None }
        }
        ("invalid_api_key", _) | (_, "authentication_error" | "permission_error") => {
            ModelErrorKind::Credentials
        }
        ("model_not_found", _) | (_, "invalid_request_error" | "not_found_error") => ModelErrorKind::Rejected,
        _ => ModelErrorKind::Unavailable { retry_after: None },
    }
}

fn is_out_of_credit(error: &ErrorBody) -> bool {
    OUT_OF_CREDIT.iter().any(|word| error.code == *word || error.kind == *word)
}

fn is_too_long(error: &ErrorBody) -> bool {
    let has_code = TOO_LONG_CODES.iter().any(|word| error.code == *word || error.kind == *word);
    let is_of_the_request = error.status().is_none_or(|status| status == 400)
        && matches!(&*error.kind, "" | "invalid_request_error" | "BadRequestError");
    let message = error.message.to_ascii_lowercase();
    has_code || (is_of_the_request && TOO_LONG.iter().any(|words| message.contains(words)))
}
