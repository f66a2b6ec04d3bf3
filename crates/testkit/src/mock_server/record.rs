//! What the server was asked, for tests to assert.

use std::sync::Mutex;

use hyper::{HeaderMap, Method};
use serde_json::Value;

use crate::wait::Level;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The headers, keys included: this is a test's own server.
    pub headers: HeaderMap,
    /// The body; null where it was no JSON, or where bodies are not kept.
    pub body: Value,
    /// Why the request was refused, in the words of the answer; none where a scripted turn answered it (scripted
    /// errors are answers).
    pub refused: Option<String>,
    /// The lane of the script that answered it.
    pub agent: Option<String>,
    /// The connection it came on, from 1.
    pub connection: usize,
}

impl Recorded {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether it asked for an answer of a model.
    #[must_use]
    pub fn is_message(&self) -> bool {
        [super::MESSAGES, super::CHAT].contains(&self.path.as_str())
    }
}

/// Every request so far. Grows without bound: it lives as long as a test.
#[derive(Debug, Default)]
pub(super) struct Log {
    requests: Mutex<Vec<Recorded>>,
    pub(super) messages: Level,
}

impl Log {
    pub(super) fn add(&self, request: Recorded) {
        let is_message = request.is_message();
        self.requests.lock().unwrap().push(request);
        if is_message {
            self.messages.raise();
        }
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }
}
