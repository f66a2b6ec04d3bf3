//! Chat Completions over HTTP and server-sent events (`POST {base}/chat/completions`), as OpenAI, Ollama, vLLM, llama.cpp,
//! LM Studio, OpenRouter and others speak it.
//!
//! One attempt per call: what failed is told by kind, retrying is not done here. A key is sent where there is one. Sampling
//! parameters are never sent. The Responses API is not spoken.

mod answer;
mod calls;
mod catalog;
mod failure;
mod models;
mod request;
#[cfg(test)]
mod tests;
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
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use tokio::time::Instant;

pub(crate) use self::answer::Assembler;
use self::{
    catalog::Vendor,
    models::Models,
    request::{LengthField, Terms},
};
use crate::{
    endpoint::{Endpoint, InvalidEndpoint},
    over_http::{Head, Place, PrefixCache, Reply, open},
    proxies::Proxies,
};

/// The provider's name.
const PROVIDER: &str = "openai";

/// What [`OpenAiModel`] needs to know.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// The address, with or without `/v1` and a slash at its end.
    pub base_url: String,
    /// Sent as `Authorization: Bearer`; servers of one's own need none.
    pub api_key: Option<Secret>,
    /// What takes secrets out of a server's words before they are cut and told.
    pub redactor: Arc<Redactor>,
    /// The most time from sending a request to the first byte of its answer's body.
    pub first_byte_timeout: Duration,
    /// The most time between two bytes of an answer; comments count.
    pub idle_timeout: Duration,
    /// The proxies on the way.
    pub proxies: Proxies,
}

impl OpenAiSettings {
    /// The vendor's own address.
    pub const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

    /// Settings for the vendor's own address with the default times (contract 10).
    #[must_use]
    pub fn new(api_key: Option<Secret>) -> Self {
        Self {
            base_url: Self::DEFAULT_BASE_URL.to_owned(),
            redactor: Arc::new(Redactor::new(api_key.clone().into_iter().collect())),
            api_key,
            first_byte_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(90),
            proxies: Proxies::default(),
        }
    }
}

/// Models behind a Chat Completions endpoint. One HTTP client and its connections serve all agents.
pub struct OpenAiModel {
    endpoint: Endpoint,
    key_header: Option<HeaderValue>,
    settings: OpenAiSettings,
    vendor: Vendor,
    models: Models,
    prefixes: PrefixCache,
    clock: Arc<dyn Clock>,
}

impl OpenAiModel {
    /// Checks the settings; connects to nothing. `clock` is for dates that a server names without naming its own time.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] where the base URL is none, the key cannot be sent, or the proxy cannot be used.
    pub fn new(settings: OpenAiSettings, clock: Arc<dyn Clock>) -> Result<Self, InvalidEndpoint> {
        let base = settings.base_url.trim().trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let endpoint =
            Endpoint::new(base, "/v1/chat/completions", OpenAiSettings::DEFAULT_BASE_URL, &settings.proxies)?;
        let key_header = settings.api_key.as_ref().map(bearer).transpose()?;
        let vendor = Vendor::at(endpoint.url());
        Ok(Self {
            endpoint,
            key_header,
            settings,
            vendor,
            models: Models::default(),
            prefixes: PrefixCache::new(request::encode_prefix),
            clock,
        })
    }

    /// Whether the effort that a person asks for reaches the model that answers where `wanted` is named.
    #[must_use]
    pub fn takes_effort(&self, wanted: Option<&str>) -> bool {
        catalog::takes_effort(self.vendor, &self.resolve(wanted))
    }

    fn place(&self) -> Place {
        let redactor = Arc::clone(&self.settings.redactor);
        Place { url: self.endpoint.url().to_string(), request_id: None, redactor }
    }

    async fn build(&self, request: &ModelRequest, name: &str) -> Result<RequestBuilder, ModelError> {
        let length = match self.vendor {
            Vendor::OpenAi => LengthField::MaxCompletionTokens,
            Vendor::Another => LengthField::MaxTokens,
        };
        let terms = Terms {
            name,
            length,
            max_tokens: catalog::max_tokens(self.vendor, name, request.max_tokens),
            effort: catalog::effort(self.vendor, name, request.effort, !request.tools.is_empty()),
        };
        let body = request::encode_body(request, &self.prefixes.encoded(request), terms);
        let client = self.endpoint.client().await?;
        let asked = client.post(self.endpoint.url().clone()).header(CONTENT_TYPE, "application/json");
        Ok(self.with_key(asked).body(body))
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key_header {
            Some(key) => request.header(AUTHORIZATION, key.clone()),
            None => request,
        }
    }
}

fn bearer(key: &Secret) -> Result<HeaderValue, InvalidEndpoint> {
    let mut header = HeaderValue::from_str(&format!("Bearer {}", key.reveal()))
        .map_err(|_| InvalidEndpoint::ApiKey { provider: PROVIDER })?;
    header.set_sensitive(true);
    Ok(header)
}

impl fmt::Debug for OpenAiModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, settings, vendor, .. } = self;
        f.debug_struct("OpenAiModel")
            .field("endpoint", endpoint)
            .field("settings", settings)
            .field("vendor", vendor)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelPort for OpenAiModel {
    fn provider(&self) -> &str {
        PROVIDER
    }

    /// Where the endpoint has to be asked for its models first, the name as it was wanted.
    fn resolve(&self, wanted: Option<&str>) -> String {
        let name = self.models.chosen(catalog::meant(self.vendor, wanted));
        name.unwrap_or_else(|| wanted.unwrap_or("default").to_owned())
    }

    fn facts(&self, wanted: Option<&str>) -> ModelFacts {
        let name = self.resolve(wanted);
        catalog::facts(self.vendor, &name, self.models.window(&name))
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let first_byte_by = Instant::now() + self.settings.first_byte_timeout;
        let name = self.name(request.model.as_deref(), first_byte_by).await?;
        let mut place = self.place();
        let asked = self.build(&request, &name).await?;
        match open(asked, first_byte_by, "x-request-id", &mut place).await? {
            Head::Stream(response) => {
                let chunks = response.bytes_stream().map_err(|error| error.without_url().into()).boxed();
                let fold = Assembler::answering_as(name);
                Ok(Reply::new(fold, chunks, first_byte_by, self.settings.idle_timeout, place).into_stream())
            }
            Head::Refused { status, headers, body } => {
                Err(failure::refused(&place, status, &headers, &body, self.clock.now()))
            }
            Head::NoStream { content_type, body } => Err(failure::no_stream(&place, &content_type, &body)),
        }
    }
}
