//! What an HTTP status means for whoever asked a model. Shared by all back ends, the scripted one included.

use std::time::Duration;

use domain::model::ModelErrorKind;

/// The kind of failure that a status stands for (contract 10). `retry_after` is the server's own waiting time.
pub(crate) fn kind_of_status(status: u16, retry_after: Option<Duration>) -> ModelErrorKind {
    match status {
        401 | 403 => ModelErrorKind::Credentials,
        429 => ModelErrorKind::RateLimited { retry_after },
        408 | 409 | 500.. => ModelErrorKind::Unavailable { retry_after },
        _ => ModelErrorKind::Rejected,
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
