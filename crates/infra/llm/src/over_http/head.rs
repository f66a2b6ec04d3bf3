//! The head of an answer: what kind of answer it is, before anything of it is read.

use domain::model::{ModelError, ModelErrorKind};
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::time::{Instant, timeout_at};

use super::Place;

/// The most bytes of an answer that is no stream of events.
const LARGEST_ERROR_BODY: usize = 64 << 10;

/// What came back.
pub(crate) enum Head {
    /// A stream of events.
    Stream(Response),
    /// Another status than success, with the beginning of the body.
    Refused { status: StatusCode, headers: HeaderMap, body: Vec<u8> },
    /// Success, but no stream of events.
    NoStream {
        /// In small letters.
        content_type: String,
        /// The beginning of it.
        body: Vec<u8>,
    },
}

/// Sends a request and waits for the head of its answer, and for the body of one that is no stream, at most until `by`.
/// `id_header` names the request on the provider's side; it is kept in `place`.
///
/// # Errors
/// Where no head came.
pub(crate) async fn open(
    request: RequestBuilder,
    by: Instant,
    id_header: &str,
    place: &mut Place,
) -> Result<Head, ModelError> {
    let response = match timeout_at(by, request.send()).await {
        Ok(sent) => sent.map_err(|error| place.unsent(error))?,
        Err(_) => return Err(place.error(ModelErrorKind::Silent, "no answer came in time")),
    };
    let (status, headers) = (response.status(), response.headers());
    place.request_id = headers.get(id_header).and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
    tracing::debug!(status = status.as_u16(), request_id = place.request_id, "answered");
    if !status.is_success() {
        let headers = headers.clone();
        return Ok(Head::Refused { status, headers, body: read_bounded(response, by).await });
    }
    let content_type = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    let content_type = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    if !content_type.is_empty() && !content_type.starts_with("text/event-stream") {
        return Ok(Head::NoStream { content_type, body: read_bounded(response, by).await });
    }
    Ok(Head::Stream(response))
}

/// The beginning of a body: what came before `by` and within [`LARGEST_ERROR_BODY`].
async fn read_bounded(mut response: Response, by: Instant) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(by, response.chunk()).await {
        let room = LARGEST_ERROR_BODY.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if chunk.len() > room {
            break;
        }
    }
    body
}
