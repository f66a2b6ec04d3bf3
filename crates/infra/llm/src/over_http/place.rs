//! Where a request went, and what went wrong there, in words for people.

use std::{error::Error, sync::Arc};

use domain::{
    model::{ModelError, ModelErrorKind},
    secret::Redactor,
};

use crate::{text::excerpt, unreached::why};

/// What of a server's words is shown, in bytes.
pub(crate) const SHOWN: usize = 2_048;

/// Where a request went, for messages.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The endpoint.
    pub(crate) url: String,
    /// The provider's name for the request, from the answer's head.
    pub(crate) request_id: Option<String>,
    /// What takes out of messages the secrets that a server repeats.
    pub(crate) redactor: Arc<Redactor>,
}

impl Place {
    /// `problem` at this place.
    pub(crate) fn error(&self, kind: ModelErrorKind, problem: &str) -> ModelError {
        ModelError::new(kind, self.told(problem))
    }

    /// `problem` at this place, with its cause.
    pub(crate) fn caused(
        &self,
        kind: ModelErrorKind,
        problem: &str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ModelError {
        ModelError::caused(kind, self.told(problem), source)
    }

    fn told(&self, problem: &str) -> String {
        let request = self.request_id.as_ref().map(|id| format!(" (request-id {id})")).unwrap_or_default();
        self.redactor.redact(&format!("{}: {problem}{request}", self.url)).into_owned()
    }

    /// The beginning of a server's words. A secret is taken out before they are cut, so that no half of it is left.
    pub(crate) fn excerpt(&self, words: &str) -> String {
        excerpt(&self.redactor.redact(words), SHOWN)
    }

    /// The beginning of a body of any kind.
    pub(crate) fn excerpt_of(&self, body: &[u8]) -> String {
        self.excerpt(&String::from_utf8_lossy(body))
    }

    /// No answer's head came.
    pub(crate) fn unsent(&self, error: reqwest::Error) -> ModelError {
        let error = error.without_url();
        if error.is_connect() {
            let problem = format!("cannot connect: {}", why(&error));
            self.caused(ModelErrorKind::Unreachable, &problem, error)
        } else {
            self.caused(ModelErrorKind::Cut, "the connection broke before an answer came", error)
        }
    }

    /// Success, but neither a stream of events nor an error of the provider's.
    pub(crate) fn another_content(&self, content_type: &str, body: &[u8]) -> ModelError {
        let content_type = excerpt(content_type, 100);
        let body = self.excerpt_of(body);
        let problem = format!(
            "answered with `{content_type}` instead of a stream of events; check the base URL: {body}"
        );
        self.error(ModelErrorKind::Malformed, &problem)
    }
}
