//! The Messages API over HTTP and server-sent events (`POST {base}/v1/messages`, `anthropic-version: 2023-06-01`).
//!
//! One attempt per call: what failed is told by kind, retrying is not done here. Takes API keys only; a token of a
//! subscription belongs to the vendor's own program. Sampling parameters are never sent.

mod answer;
mod catalog;
mod failure;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod legible;
mod prefix;
mod prices;
mod reply;
mod request;
mod retry_after;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    model::{ModelError, ModelErrorKind, ModelFacts, ModelRequest, ModelStream},
    ports::{Clock, ModelPort},
    secret::{Redactor, Secret},
};
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{
    Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::time::{Instant, timeout_at};

use self::{failure::Place, prefix::PrefixCache, reply::Reply};
use crate::{
    endpoint::{Endpoint, InvalidEndpoint},
    proxies::Proxies,
};

/// The provider's name, and the name of its wire format.
const PROVIDER: &str = "anthropic";

const API_VERSION: &str = "2023-06-01";

/// The most bytes of an answer that is no stream of events.
const LARGEST_ERROR_BODY: usize = 64 << 10;

/// What [`AnthropicModel`] needs to know.
#[derive(Debug, Clone)]
pub struct AnthropicSettings {
    /// The address without `/v1`; a slash at its end does no harm.
    pub base_url: String,
    /// Sent as `x-api-key`.
    pub api_key: Secret,
    /// What takes secrets out of a server's words before they are cut and told.
    pub redactor: Arc<Redactor>,
    /// The most time from sending a request to the first byte of its answer's body.
    pub first_byte_timeout: Duration,
    /// The most time between two bytes of an answer; pings and comments count.
    pub idle_timeout: Duration,
    /// The proxies on the way.
    pub proxies: Proxies,
}

impl AnthropicSettings {
    /// The vendor's own address.
    pub const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

    /// Settings for the vendor's own address with the default times (contract 10).
    #[must_use]
    pub fn new(api_key: Secret) -> Self {
        Self {
            base_url: Self::DEFAULT_BASE_URL.to_owned(),
            redactor: Arc::new(Redactor::new(vec![api_key.clone()])),
            api_key,
            first_byte_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(90),
            proxies: Proxies::default(),
        }
    }
}

/// Models behind the Messages API. One HTTP client and its connections serve all agents.
pub struct AnthropicModel {
    endpoint: Endpoint,
    key_header: HeaderValue,
    settings: AnthropicSettings,
    prefixes: PrefixCache,
    clock: Arc<dyn Clock>,
}

impl AnthropicModel {
    /// Checks the settings; connects to nothing. `clock` is for dates that a server names without naming its own time.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] where the base URL is none, the key cannot be sent, or the proxy cannot be used.
    pub fn new(settings: AnthropicSettings, clock: Arc<dyn Clock>) -> Result<Self, InvalidEndpoint> {
        let endpoint = Endpoint::new(
            &settings.base_url,
            "/v1/messages",
            AnthropicSettings::DEFAULT_BASE_URL,
            &settings.proxies,
        )?;
        let mut key_header = HeaderValue::from_str(settings.api_key.reveal())
            .map_err(|_| InvalidEndpoint::ApiKey { provider: PROVIDER })?;
        key_header.set_sensitive(true);
        Ok(Self { endpoint, key_header, settings, prefixes: PrefixCache::default(), clock })
    }

    fn place(&self) -> Place {
        let redactor = Arc::clone(&self.settings.redactor);
        Place { url: self.endpoint.url().to_string(), request_id: None, redactor }
    }

    /// Sends a request and waits for the head of its answer.
    async fn send(&self, request: &ModelRequest, by: Instant) -> Result<Response, ModelError> {
        let name = catalog::resolve(request.model.as_deref());
        let body = request::encode_body(request, name, &self.prefixes.encoded(request));
        let client = self.endpoint.client().await?;
        let sending = client
            .post(self.endpoint.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("anthropic-version", API_VERSION)
            .header("x-api-key", self.key_header.clone())
            .body(body)
            .send();
        match timeout_at(by, sending).await {
            Ok(sent) => sent.map_err(|error| self.place().unsent(error)),
            Err(_) => Err(self.place().error(ModelErrorKind::Silent, "no answer came in time")),
        }
    }
}

impl fmt::Debug for AnthropicModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, settings, .. } = self;
        f.debug_struct("AnthropicModel")
            .field("endpoint", endpoint)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelPort for AnthropicModel {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        catalog::resolve(wanted).to_owned()
    }

    fn facts(&self, wanted: Option<&str>) -> ModelFacts {
        catalog::facts(catalog::resolve(wanted))
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let first_byte_by = Instant::now() + self.settings.first_byte_timeout;
        let response = self.send(&request, first_byte_by).await?;
        let id = response.headers().get("request-id").and_then(|id| id.to_str().ok());
        let place = Place { request_id: id.map(ToOwned::to_owned), ..self.place() };
        tracing::debug!(status = response.status().as_u16(), request_id = id, agent = %request.agent, "answered");

        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let now = self.clock.now();
            let body = read_bounded(response, first_byte_by).await;
            return Err(place.refused(status, &headers, &body, now));
        }
        let content_type = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
        let content_type = String::from_utf8_lossy(content_type).to_ascii_lowercase();
        if !content_type.is_empty() && !content_type.starts_with("text/event-stream") {
            let body = read_bounded(response, first_byte_by).await;
            return Err(place.no_stream(&content_type, &body));
        }
        let chunks = response.bytes_stream().map_err(|error| error.without_url().into()).boxed();
        Ok(Reply::new(chunks, first_byte_by, self.settings.idle_timeout, place).into_stream())
    }
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
