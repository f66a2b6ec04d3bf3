//! Where a provider listens, and the HTTP client that talks to it.
//!
//! TLS is rustls with ring and the platform's own certificates, handed over ready-made: nothing process-wide is
//! installed. Redirects are not followed, so that a key never travels to a host nobody named. Proxies are those that
//! the caller names ([`crate::Proxies`]), never those of the process or the system.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use domain::model::{ModelError, ModelErrorKind};
use reqwest::{Client, Url, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::OnceCell;

use crate::{
    proxies::{Proxies, Way},
    unreached::Names,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A provider cannot be talked to as configured.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The base URL is none.
    #[error("`{text}` is no base URL: {problem}; expected something like `{example}`")]
    BaseUrl {
        /// What was configured.
        text: String,
        /// What is wrong with it.
        problem: String,
        /// What one looks like.
        example: &'static str,
    },
    /// The key cannot stand in an HTTP header.
    #[error(
        "the API key of `{provider}` holds characters that no key has: check for line breaks or a wrong paste"
    )]
    ApiKey {
        /// Whose key.
        provider: &'static str,
    },
    /// The proxy that is meant cannot be used. Its address is not repeated: it may hold a password.
    #[error(
        "{variable} is no proxy that can be used: {problem}; expected something like `http://proxy:8080`"
    )]
    Proxy {
        /// The variable that names it.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// An address to which requests are posted.
pub(crate) struct Endpoint {
    url: Url,
    way: Option<Way>,
    client: OnceCell<Client>,
}

impl Endpoint {
    /// The address `path` under a base URL.
    ///
    /// # Errors
    /// [`InvalidEndpoint::BaseUrl`] where `base` is no plain `http` or `https` address, or ends with the version that
    /// belongs to the path; [`InvalidEndpoint::Proxy`] where the way there cannot be used.
    pub(crate) fn new(
        base: &str,
        path: &str,
        example: &'static str,
        proxies: &Proxies,
    ) -> Result<Self, InvalidEndpoint> {
        let invalid = |problem: String| InvalidEndpoint::BaseUrl { text: shown(base), problem, example };
        let mut url = Url::parse(base.trim()).map_err(|error| invalid(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!("`{}` is not http or https", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it holds a user or a password, which belong into the API key".into()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it holds a query or a fragment".into()));
        }
        let folder = url.path().trim_end_matches('/').to_owned();
        if folder.ends_with("/v1") {
            return Err(invalid("it ends with /v1, which is added by itself".into()));
        }
        url.set_path(&format!("{folder}{path}"));
        let way = proxies.before(&url)?;
        Ok(Self { url, way, client: OnceCell::new() })
    }

    /// The whole address.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The one client of this endpoint, built when it is first needed: reading the platform's certificates costs
    /// milliseconds.
    pub(crate) async fn client(&self) -> Result<&Client, ModelError> {
        self.client.get_or_try_init(|| async { self.build_client() }).await
    }

    fn build_client(&self) -> Result<Client, ModelError> {
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| {
            let what =
                format!("cannot set up the connection to {}: check the system's certificates", self.url);
            ModelError::caused(ModelErrorKind::Unreachable, what, source)
        };
        let tls = self.tls().map_err(|error| unusable(error.into()))?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .dns_resolver(Names)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("better-llm/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(Way { proxy, .. }) = &self.way {
            builder = builder.proxy(proxy.clone());
        }
        builder.build().map_err(|error| unusable(error.into()))
    }

    /// A plain `http` address needs no certificates, and finds none, unless the proxy before it does.
    fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?;
        let is_plain = self.url.scheme() == "http" && !self.way.as_ref().is_some_and(|way| way.is_https);
        let verified = if is_plain {
            versions.with_root_certificates(RootCertStore::empty())
        } else {
            versions.with_platform_verifier()?
        };
        Ok(verified.with_no_client_auth())
    }
}

impl fmt::Debug for Endpoint {
    /// The address alone: a client tells of its proxies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.url.as_str()).finish()
    }
}

/// A base URL as an error may show it: without what could be a password.
fn shown(base: &str) -> String {
    match base.rsplit_once('@') {
        Some((_, after)) => format!("…@{after}"),
        None => base.to_owned(),
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(base: &str) -> Result<String, String> {
        Endpoint::new(base, "/v1/messages", "https://api.example.com", &Proxies::default())
            .map(|endpoint| endpoint.url().to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_path_is_added_to_the_base_with_or_without_a_slash() {
        let expected = Ok("https://api.example.com/v1/messages".to_owned());
        assert_eq!(address("https://api.example.com"), expected);
        assert_eq!(address(" https://api.example.com/ "), expected);
        assert_eq!(
            address("http://127.0.0.1:8080/gateway/"),
            Ok("http://127.0.0.1:8080/gateway/v1/messages".to_owned())
        );
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_the_reason_and_an_example() {
        let check = |base: &str, problem: &str| {
            let error = address(base).unwrap_err();
            assert!(error.contains(problem) && error.ends_with("`https://api.example.com`"), "{error}");
        };
        check("api.example.com", "relative URL without a base");
        check("", "relative URL without a base");
        check("ftp://api.example.com", "`ftp` is not http or https");
        check("https://", "empty host");
        check("https://api.example.com/v1/", "ends with /v1");
        check("https://api.example.com?a=b", "query");
    }

    #[test]
    fn a_password_in_a_base_url_is_refused_and_not_shown() {
        let error = address("https://me:hush@api.example.com").unwrap_err();
        assert!(error.contains("`…@api.example.com`") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        let check =
            |url: &str, expected: bool| assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        check("http://localhost:1", true);
        check("http://mock.localhost", true);
        check("http://127.8.9.1", true);
        check("http://[::1]:9", true);
        check("http://[::ffff:127.0.0.1]", true);
        check("https://api.example.com", false);
        check("http://10.0.0.1", false);
        check("http://localhost.example.com", false);
    }

    #[tokio::test]
    async fn plain_http_and_https_clients_can_be_built_without_a_process_wide_provider() {
        for base in ["http://127.0.0.1:1", "http://llm.internal"] {
            let endpoint = Endpoint::new(base, "/v1/messages", "", &Proxies::default()).unwrap();
            assert!(endpoint.client().await.is_ok(), "{base}");
        }
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
