//! What goes wrong on the way to an answer, in words for people and a kind for code.
//!
//! Branches on status, then `error_code`, then the error's type. On its message in one case only, where nothing else tells
//! the difference: a request that is longer than the model's window ([`TOO_LONG`]).

use domain::{
    model::{ModelError, ModelErrorKind},
    time::Timestamp,
};
use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};

use super::{answer::AnswerError, wire::ErrorEnvelope};
use crate::{
    http_failure::{kind_of_head, kind_of_status},
    over_http::{Place, retry_after},
};

/// Error codes of a 429 that more waiting does not mend.
const SPEND_LIMITS: [&str; 2] = ["enforced_spend_limit_reached", "contract_spend_limit_reached"];

/// How the words of an `invalid_request_error` begin where a shorter request would do: the input is longer than the
/// model's window, or leaves no room for the answer. The vendor documents neither a code nor a type for it; the words are
/// those that users of the service report (anthropics/claude-code#12186, docker/docker-agent#569). Should they change, the
/// request counts as refused.
const TOO_LONG: [&str; 2] = ["prompt is too long", "input length and `max_tokens` exceed context limit"];

/// An answer with another status than success, which came at `now`.
pub(super) fn refused(
    place: &Place,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> ModelError {
    let envelope: Option<ErrorEnvelope<'_>> = serde_json::from_slice(body).ok();
    let words = match &envelope {
        Some(envelope) => format!("{}: {}", envelope.error.kind, place.excerpt(&envelope.error.message)),
        None => place.excerpt_of(body),
    };
    let words = if words.is_empty() { "no explanation".to_owned() } else { words };
    let code = envelope.as_ref().and_then(|e| e.error.details.as_ref()?.error_code.as_ref());
    let kind = match &envelope {
        Some(envelope) if is_too_long(&envelope.error.kind, &envelope.error.message) => {
            ModelErrorKind::TooLong
        }
        _ => kind_of_refusal(status, headers, code.map(|code| &*code.0), now),
    };
    let hint = match (&kind, headers.get(LOCATION)) {
        (ModelErrorKind::Credentials, _) => "; check ANTHROPIC_API_KEY".to_owned(),
        (_, Some(to)) if status.is_redirection() => {
            let to = place.excerpt(&String::from_utf8_lossy(to.as_bytes()));
            format!("; redirects are not followed: if {to} is right, make it the base URL")
        }
        _ if status == StatusCode::NOT_FOUND => "; check the base URL and the model's name".to_owned(),
        _ => String::new(),
    };
    place.error(kind, &format!("HTTP {}, {words}{hint}", status.as_u16()))
}

/// Success, but no stream of events.
pub(super) fn no_stream(place: &Place, content_type: &str, body: &[u8]) -> ModelError {
    if let Ok(envelope) = serde_json::from_slice::<ErrorEnvelope<'_>>(body) {
        let words = format!("{}: {}", envelope.error.kind, place.excerpt(&envelope.error.message));
        return place.error(kind_of_error(&envelope.error.kind, &envelope.error.message), &words);
    }
    place.another_content(content_type, body)
}

/// A stream that gives no answer.
pub(super) fn lost(place: &Place, error: AnswerError) -> ModelError {
    let AnswerError::Server { kind, code, message, request_id } = error else {
        return place.caused(ModelErrorKind::Malformed, "the stream is not as the protocol says", error);
    };
    let place = Place { request_id: place.request_id.clone().or(request_id), ..place.clone() };
    let is_spend_limit = code.is_some_and(|code| SPEND_LIMITS.contains(&&*code));
    let error_kind = if is_spend_limit { ModelErrorKind::Rejected } else { kind_of_error(&kind, &message) };
    place.error(error_kind, &format!("the server gave up in the stream, {kind}: {}", place.excerpt(&message)))
}

fn kind_of_refusal(
    status: StatusCode,
    headers: &HeaderMap,
    code: Option<&str>,
    now: Timestamp,
) -> ModelErrorKind {
    if code.is_some_and(|code| SPEND_LIMITS.contains(&code)) {
        let kind = kind_of_status(status.as_u16(), None);
        return if kind.is_retryable() { ModelErrorKind::Rejected } else { kind };
    }
    kind_of_head(status, headers, retry_after(headers, now))
}

fn is_too_long(error_type: &str, message: &str) -> bool {
    let begins =
        |words: &str| message.get(..words.len()).is_some_and(|head| head.eq_ignore_ascii_case(words));
    error_type == "invalid_request_error" && TOO_LONG.into_iter().any(begins)
}

/// The kind of an error that came with a success's status.
fn kind_of_error(error_type: &str, message: &str) -> ModelErrorKind {
    match error_type {
        _ if is_too_long(error_type, message) => ModelErrorKind::TooLong,
        "authentication_error" | "permission_error" => ModelErrorKind::Credentials,
        "invalid_request_error" | "billing_error" | "not_found_error" | "request_too_large" => {
            ModelErrorKind::Rejected
        }
        "rate_limit_error" => ModelErrorKind::RateLimited { retry_after: None },
        _ => ModelErrorKind::Unavailable { retry_after: None },
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use domain::secret::{Redactor, Secret};

    use super::*;
    use crate::over_http::SHOWN;

    fn place() -> Place {
        let redactor = Arc::new(Redactor::new(Secret::new("sk-hush-hush").into_iter().collect()));
        Place { url: "https://api.test/v1/messages".into(), request_id: Some("req_1".into()), redactor }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn refused(status: u16, head: &[(&'static str, &'static str)], body: &str) -> (ModelErrorKind, String) {
        let error = super::refused(
            &place(),
            StatusCode::from_u16(status).unwrap(),
            &headers(head),
            body.as_bytes(),
            Timestamp::from_micros(0),
        );
        (error.kind, error.what)
    }

    #[test]
    fn a_refusal_says_where_what_and_the_servers_own_words() {
        let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let what = "https://api.test/v1/messages: HTTP 529, overloaded_error: Overloaded (request-id req_1)";
        assert_eq!(refused(529, &[], body), (ModelErrorKind::Unavailable { retry_after: None }, what.into()));

        let body =
            r#"{"type":"error","error":{"type":"authentication_error","message":"bad key sk-hush-hush"}}"#;
        let what = "https://api.test/v1/messages: HTTP 401, authentication_error: bad key [redacted:secret]; check \
                    ANTHROPIC_API_KEY (request-id req_1)";
        assert_eq!(refused(401, &[], body), (ModelErrorKind::Credentials, what.into()));

        let what = "https://api.test/v1/messages: HTTP 502, <h1>Bad  gateway</h1> (request-id req_1)";
        assert_eq!(
            refused(502, &[], "<h1>Bad\r\ngateway</h1>"),
            (ModelErrorKind::Unavailable { retry_after: None }, what.into())
        );

        let (kind, what) = refused(302, &[("location", "https://login.test")], "");
        assert_eq!(kind, ModelErrorKind::Rejected);
        assert!(what.contains("redirects are not followed: if https://login.test is right"), "{what}");
    }

    /// Spec O-8.
    #[test]
    fn no_half_of_a_key_is_left_where_a_servers_words_are_cut() {
        for skipped in 0..20 {
            let body = format!("{}sk-hush-hush 열쇠", "x".repeat(SHOWN - skipped));
            let (_, told) = refused(500, &[], &body);
            assert!(!told.contains("sk-") && !told.contains("hush"), "{told}");
        }
        let (_, told) = refused(302, &[("location", "https://login.test/?key=sk-hush-hush")], "");
        assert!(told.contains("https://login.test/?key=[redacted:secret] is right"), "{told}");
        let error = no_stream(&place(), "text/html", b"<p>sk-hush-hush");
        assert!(error.what.ends_with("<p>[redacted:secret] (request-id req_1)"), "{}", error.what);
    }

    #[test]
    fn a_spend_limit_or_a_server_that_says_no_is_not_retried() {
        let spent = r#"{"error":{"type":"rate_limit_error","message":"m",
            "details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        assert_eq!(refused(429, &[("retry-after", "3")], spent).0, ModelErrorKind::Rejected);
        assert_eq!(refused(503, &[("x-should-retry", "false")], "").0, ModelErrorKind::Rejected);
        let wait = ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3)) };
        assert_eq!(refused(429, &[("retry-after", "3")], "").0, wait);
    }

    /// Reliability 1.4: a server's word counts both ways; P35: but not for what contract 10 never tries again.
    #[test]
    fn a_server_that_says_yes_is_asked_again_except_where_that_cannot_help() {
        let yes = |status| refused(status, &[("x-should-retry", "true")], "").0;
        for status in [405, 422, 425] {
            assert_eq!(yes(status), ModelErrorKind::Unavailable { retry_after: None }, "{status}");
        }
        for status in [302, 400, 401, 402, 403, 404, 413] {
            assert!(!yes(status).is_retryable(), "{status}");
        }
        let spent = r#"{"error":{"type":"rate_limit_error","message":"m",
            "details":{"error_code":"contract_spend_limit_reached"}}}"#;
        assert_eq!(refused(429, &[("x-should-retry", "true")], spent).0, ModelErrorKind::Rejected);
    }

    /// P37. The one message that is looked at, and only in an error of its type.
    #[test]
    fn a_request_longer_than_the_window_is_told_from_one_that_is_wrong() {
        let check = |status: u16, kind: &str, message: &str, expected: ModelErrorKind| {
            let body = serde_json::json!({"type": "error", "error": {"type": kind, "message": message}});
            assert_eq!(refused(status, &[], &body.to_string()).0, expected, "{kind}: {message}");
            assert_eq!(no_stream(&place(), "application/json", body.to_string().as_bytes()).kind, expected);
            let (kind, message) = (kind.to_owned(), message.to_owned());
            let error = AnswerError::Server { kind, code: None, message, request_id: None };
            assert_eq!(lost(&place(), error).kind, expected);
        };
        let invalid = "invalid_request_error";
        check(400, invalid, "prompt is too long: 208310 tokens > 200000 maximum", ModelErrorKind::TooLong);
        check(400, invalid, "Prompt is too long", ModelErrorKind::TooLong);
        let no_room =
            "input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease it";
        check(400, invalid, no_room, ModelErrorKind::TooLong);

        check(400, invalid, "messages.0: the prompt is too long", ModelErrorKind::Rejected);
        check(400, invalid, "너무 길다", ModelErrorKind::Rejected);
        check(400, invalid, "prompt", ModelErrorKind::Rejected);
        check(403, "permission_error", "prompt is too long", ModelErrorKind::Credentials);
    }

    #[test]
    fn an_error_in_the_stream_has_the_kind_of_its_type() {
        let check = |kind: &str, code: Option<&str>, expected: ModelErrorKind| {
            let (message, code) = ("m".to_owned(), code.map(ToOwned::to_owned));
            let error = AnswerError::Server { kind: kind.into(), code, message, request_id: None };
            assert_eq!(lost(&place(), error).kind, expected, "{kind}");
        };
        check("overloaded_error", None, ModelErrorKind::Unavailable { retry_after: None });
        check("api_error", None, ModelErrorKind::Unavailable { retry_after: None });
        check("something_new", None, ModelErrorKind::Unavailable { retry_after: None });
        check("rate_limit_error", None, ModelErrorKind::RateLimited { retry_after: None });
        check("rate_limit_error", Some("enforced_spend_limit_reached"), ModelErrorKind::Rejected);
        check("invalid_request_error", None, ModelErrorKind::Rejected);
        check("authentication_error", None, ModelErrorKind::Credentials);
    }
}
