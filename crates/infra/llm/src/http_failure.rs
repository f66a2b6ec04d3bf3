//! What an HTTP status means for whoever asked a model. Shared by all back ends, the scripted one included.

use std::time::Duration;

use domain::model::ModelErrorKind;
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};

/// The kind of failure that a status stands for (contract 10). `retry_after` is the server's own waiting time.
pub(crate) fn kind_of_status(status: u16, retry_after: Option<Duration>) -> ModelErrorKind {
    match status {
        401 | 403 => ModelErrorKind::Credentials,
        429 => ModelErrorKind::RateLimited { retry_after },
        408 | 409 | 500.. => ModelErrorKind::Unavailable { retry_after },
        _ => ModelErrorKind::Rejected,
    }
}

/// What no server's word makes worth another try (contract 10); 402 is a matter of money.
const NEVER_AGAIN: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::PAYMENT_REQUIRED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::PAYLOAD_TOO_LARGE,
];

/// The kind of an answer without success, by its status and what the server says itself about asking again.
pub(crate) fn kind_of_head(
    status: StatusCode,
    headers: &HeaderMap,
    retry_after: Option<Duration>,
) -> ModelErrorKind {
    let kind = kind_of_status(status.as_u16(), retry_after);
    match headers.get("x-should-retry").map(HeaderValue::as_bytes) {
        Some(b"false") if kind.is_retryable() => ModelErrorKind::Rejected,
        Some(b"true")
            if status.is_client_error() && !NEVER_AGAIN.contains(&status) && !kind.is_retryable() =>
        {
            ModelErrorKind::Unavailable { retry_after }
        }
        _ => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_the_kind_of_the_contract() {
        let check = |statuses: &[u16], kind: &ModelErrorKind| {
            for status in statuses {
                assert_eq!(&kind_of_status(*status, None), kind, "{status}");
            }
        };
        check(&[401, 403], &ModelErrorKind::Credentials);
        check(&[400, 402, 404, 405, 413, 422, 301, 302], &ModelErrorKind::Rejected);
        check(&[408, 409, 500, 502, 503, 504, 529], &ModelErrorKind::Unavailable { retry_after: None });
        let wait = Some(Duration::from_secs(3));
        assert_eq!(kind_of_status(529, wait), ModelErrorKind::Unavailable { retry_after: wait });
        assert_eq!(kind_of_status(429, wait), ModelErrorKind::RateLimited { retry_after: wait });
    }
}
