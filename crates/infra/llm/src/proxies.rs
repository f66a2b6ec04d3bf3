//! The proxies between us and a provider. They are told to us; nothing is looked up in the process or the system.

use std::fmt;

use domain::secret::Secret;
use reqwest::{NoProxy, Proxy, Url};

use crate::endpoint::{InvalidEndpoint, is_loopback};

/// The proxies of model calls. Calls to this machine itself never go through one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `https` endpoints (`HTTPS_PROXY`); may hold a user and a password.
    pub https: Option<Secret>,
    /// For `http` endpoints (`HTTP_PROXY`); may hold a user and a password.
    pub http: Option<Secret>,
    /// Hosts that are reached without one, as `NO_PROXY` lists them.
    pub exceptions: Option<String>,
}

/// A proxy that an endpoint is behind. It cannot be printed: its address may hold a password.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) proxy: Proxy,
    /// Whether the way to the proxy itself is encrypted.
    pub(crate) is_https: bool,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way(***)")
    }
}

impl Proxies {
    /// The proxy before an endpoint; none where it is reached directly.
    ///
    /// # Errors
    /// [`InvalidEndpoint::Proxy`] where the one that is meant cannot be used. Going without it would send requests
    /// where nobody wanted them to go.
    pub(crate) fn before(&self, endpoint: &Url) -> Result<Option<Way>, InvalidEndpoint> {
        let (variable, address) = match endpoint.scheme() {
            "https" => ("HTTPS_PROXY", &self.https),
            _ => ("HTTP_PROXY", &self.http),
        };
        let Some(address) = address.as_ref().filter(|_| !is_loopback(endpoint)) else { return Ok(None) };
        let invalid = |problem: String| InvalidEndpoint::Proxy { variable, problem };
        // `proxy:8080` is how many write it.
        let address = match address.reveal() {
            address if address.contains("://") => address.to_owned(),
            address => format!("http://{address}"),
        };
        let address = Url::parse(&address).map_err(|error| invalid(error.to_string()))?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(invalid(format!("`{}` is not http or https", address.scheme())));
        }
        let is_https = address.scheme() == "https";
        let proxy = Proxy::all(address).map_err(|error| invalid(error.without_url().to_string()))?;
        let exceptions = self.exceptions.as_deref().and_then(NoProxy::from_string);
        Ok(Some(Way { proxy: proxy.no_proxy(exceptions), is_https }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(proxy: &str, endpoint: &str) -> Result<bool, String> {
        let address = Secret::new(proxy);
        let proxies = Proxies { https: address.clone(), http: address, exceptions: None };
        let way = proxies.before(&Url::parse(endpoint).unwrap());
        way.map(|way| way.is_some()).map_err(|error| format!("{error} {error:?}"))
    }

    #[test]
    fn a_proxy_stands_before_everything_but_this_machine() {
        for proxy in ["http://proxy:8080", "proxy.example.com:8080", "https://me:hush@proxy"] {
            assert_eq!(before(proxy, "https://api.example.com"), Ok(true), "{proxy}");
            assert_eq!(before(proxy, "http://gateway"), Ok(true), "{proxy}");
            for here in ["http://127.0.0.1:1", "https://localhost", "http://[::1]:9", "http://a.localhost"] {
                assert_eq!(before(proxy, here), Ok(false), "{here}");
            }
        }
        assert_eq!(before("", "https://api.example.com"), Ok(false));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_and_its_password_not_shown() {
        for proxy in ["socks5://me:hush@proxy:1080", "http://me:hush@", "http://me:hush@proxy:99999"] {
            let error = before(proxy, "https://api.example.com").unwrap_err();
            assert!(error.starts_with("HTTPS_PROXY is no proxy that can be used:"), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        // What is not used does no harm.
        assert_eq!(before("socks5://proxy", "http://127.0.0.1"), Ok(false));
    }
}
