//! The proxies of model calls (contract 3, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
//!
//! They come from the environment alone. Whether an address can be used is found out by whoever connects through it.

use domain::secret::Secret;
use serde_json::json;

use crate::{picker::Picker, problem::Problems, resolve::SystemSources, source::Source};

/// The proxies of model calls. Calls to this machine itself never go through one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// For `https` endpoints; it may hold a password.
    pub https: Option<Secret>,
    /// For `http` endpoints; it may hold a password.
    pub http: Option<Secret>,
    /// Hosts that are reached without one, as `NO_PROXY` lists them.
    pub exceptions: Option<String>,
}

impl SystemSources<'_> {
    /// The proxies. Their addresses are shown as set or not set.
    pub(crate) fn proxy(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> ProxySettings {
        // Small letters stand behind capitals, as the contract spells them.
        let mut find = |name: &'static str, other: &'static str, is_open: bool| {
            let found = self.variables.text(name, problems).or_else(|| self.variables.text(other, problems));
            let source = found.as_ref().map_or(Source::Default, |found| found.source.clone());
            let value = match &found {
                Some(found) if is_open => json!(found.value),
                Some(_) => json!("set"),
                None => json!("not set"),
            };
            picker.show(name, value, source);
            found.map(|found| found.value)
        };
        let https = find("HTTPS_PROXY", "https_proxy", false);
        let http = find("HTTP_PROXY", "http_proxy", false);
        let exceptions = find("NO_PROXY", "no_proxy", true);
        let secret = |address: Option<String>| address.and_then(|address| Secret::new(&address));
        ProxySettings { https: secret(https), http: secret(http), exceptions }
    }
}
