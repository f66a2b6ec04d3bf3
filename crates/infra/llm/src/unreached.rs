//! Why no connection came about, as far as the errors below tell by their types (never by their words).

use std::{error::Error, io};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// No address is known for a name.
#[derive(Debug, thiserror::Error)]
#[error("no address is found for `{name}`")]
struct UnknownName {
    name: String,
    #[source]
    source: io::Error,
}

/// Asks the system for addresses, and says so where it knows none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            // The port is not known here; whoever asks puts it in.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map(Iterator::collect::<Vec<_>>);
            match found {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(source) => Err(UnknownName { name, source }.into()),
            }
        })
    }
}

/// What kept a connection from coming about, and what to look at.
pub(crate) fn why(error: &reqwest::Error) -> &'static str {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(why) = known(cause) {
            return why;
        }
        next = cause.source();
    }
    if error.is_timeout() {
        return "no connection came about in time; check the network, the base URL and HTTPS_PROXY";
    }
    "check the network, the base URL and HTTPS_PROXY"
}

fn known(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    if cause.is::<UnknownName>() {
        return Some("its name has no address (DNS); check the base URL's spelling and the network");
    }
    if cause.is::<rustls::Error>() {
        return Some(
            "no trusted encrypted connection (TLS); check the base URL, the server's certificate and the system's \
             certificates and clock",
        );
    }
    let failure = cause.downcast_ref::<io::Error>()?;
    // What an error of the system's carries stands beside its causes, not among them.
    let carried = failure.get_ref().and_then(|carried| known(carried));
    carried.or_else(|| match failure.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some("the connection is refused: nobody listens there; check the base URL and HTTPS_PROXY")
        }
        io::ErrorKind::ConnectionReset => {
            Some("the connection is reset; check the network, the base URL and HTTPS_PROXY")
        }
        _ => None,
    })
}
