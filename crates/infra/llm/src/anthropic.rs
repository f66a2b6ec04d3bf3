//! The Messages API over HTTP and server-sent events (`POST {base}/v1/messages`, `anthropic-version: 2023-06-01`).
//!
//! One attempt per call: what failed is told by kind, retrying is not done here. Takes API keys only; a token of a
//! subscription belongs to the vendor's own program. Sampling parameters are never sent.

mod answer;
mod catalog;
mod failure;
mod prices;
mod request;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    model::{ModelError, ModelFacts, ModelRequest, ModelStream},
    ports::{Clock, ModelPort},
    secret::{Redactor, Secret},
};
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{
    RequestBuilder,
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::time::Instant;

pub(crate) use self::answer::Assembler;
use self::catalog::Vendor;
use crate::{
    endpoint::{Endpoint, InvalidEndpoint},
    over_http::{Head, Place, PrefixCache, Reply, open},
    proxies::Proxies,
};

/// The provider's name, and the name of its wire format.
const PROVIDER: &str = "anthropic";

const API_VERSION: &str = "2023-06-01";

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
    vendor: Vendor,
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
        let vendor = Vendor::at(endpoint.url());
        let prefixes = PrefixCache::new(request::encode_prefix);
        Ok(Self { endpoint, key_header, settings, vendor, prefixes, clock })
    }

    /// Whether the effort that a person asks for reaches the model that answers where `wanted` is named.
    #[must_use]
    pub fn takes_effort(&self, wanted: Option<&str>) -> bool {
        catalog::lookup(catalog::resolve(self.vendor, wanted)).takes_effort()
    }

    fn place(&self) -> Place {
        let redactor = Arc::clone(&self.settings.redactor);
        Place { url: self.endpoint.url().to_string(), request_id: None, redactor }
    }

    async fn build(&self, request: &ModelRequest) -> Result<RequestBuilder, ModelError> {
        let name = catalog::resolve(self.vendor, request.model.as_deref());
        let body = request::encode_body(request, name, &self.prefixes.encoded(request));
        let client = self.endpoint.client().await?;
        Ok(client
            .post(self.endpoint.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("anthropic-version", API_VERSION)
            .header("x-api-key", self.key_header.clone())
            .body(body))
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
        catalog::resolve(self.vendor, wanted).to_owned()
    }

    fn facts(&self, wanted: Option<&str>) -> ModelFacts {
        catalog::facts(catalog::resolve(self.vendor, wanted))
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let first_byte_by = Instant::now() + self.settings.first_byte_timeout;
        let mut place = self.place();
        let asked = self.build(&request).await?;
        match open(asked, first_byte_by, "request-id", &mut place).await? {
            Head::Stream(response) => {
                let chunks = response.bytes_stream().map_err(|error| error.without_url().into()).boxed();
                let (fold, idle) = (Assembler::default(), self.settings.idle_timeout);
                Ok(Reply::new(fold, chunks, first_byte_by, idle, place).into_stream())
            }
            Head::Refused { status, headers, body } => {
                Err(failure::refused(&place, status, &headers, &body, self.clock.now()))
            }
            Head::NoStream { content_type, body } => Err(failure::no_stream(&place, &content_type, &body)),
        }
    }
}
