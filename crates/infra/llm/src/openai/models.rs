//! The models of an endpoint that was given none by name: the first of its own list (`GET {base}/models`).

use std::sync::{Mutex, PoisonError};

use domain::model::{ModelError, ModelErrorKind};
use tokio::time::{Instant, timeout_at};

use super::{OpenAiModel, failure, wire::ModelList};
use crate::over_http::Place;

/// The most bytes of a list of models.
const LARGEST_LIST: usize = 4 << 20;

/// What the endpoint listed first, once it was asked.
#[derive(Debug, Default)]
pub(super) struct Models(Mutex<Option<Listed>>);

#[derive(Debug, Clone)]
struct Listed {
    id: String,
    window: Option<u64>,
}

impl Models {
    /// The name of the first one.
    pub(super) fn first(&self) -> Option<String> {
        self.listed().map(|listed| listed.id)
    }

    /// How long a conversation with it may be, where the endpoint says so.
    pub(super) fn window(&self) -> Option<u64> {
        self.listed().and_then(|listed| listed.window)
    }

    fn listed(&self) -> Option<Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, listed: Listed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
    }
}

impl OpenAiModel {
    /// The model that answers where none is named. The endpoint is asked once.
    ///
    /// # Errors
    /// Where it cannot be asked, or has none.
    pub(super) async fn listed_model(&self, by: Instant) -> Result<String, ModelError> {
        if let Some(known) = self.models.first() {
            return Ok(known);
        }
        let mut url = self.endpoint.url().clone();
        let folder = url.path().trim_end_matches("/chat/completions").to_owned();
        url.set_path(&format!("{folder}/models"));
        let place = Place { url: url.to_string(), ..self.place() };
        let asked = self.with_key(self.endpoint.client().await?.get(url));
        let late = || place.error(ModelErrorKind::Silent, "the list of models did not come in time");
        let response = timeout_at(by, asked.send()).await.map_err(|_| late())?;
        let mut response = response.map_err(|error| place.unsent(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) =
            timeout_at(by, response.chunk()).await.map_err(|_| late())?.map_err(|error| {
                place.caused(ModelErrorKind::Cut, "the list of models broke off", error.without_url())
            })?
        {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_LIST {
                return Err(place.error(ModelErrorKind::Malformed, "the list of models has no end"));
            }
        }
        if !status.is_success() {
            return Err(failure::refused(&place, status, &headers, &body, self.clock.now()));
        }
        let list: ModelList = serde_json::from_slice(&body).map_err(|source| {
            place.caused(ModelErrorKind::Malformed, "this is no list of models; check the base URL", source)
        })?;
        let first = list.data.into_iter().find(|model| !model.id.trim().is_empty());
        let Some(first) = first else {
            let problem = "the endpoint lists no model: load one there, or name one with `--model`";
            return Err(place.error(ModelErrorKind::Rejected, problem));
        };
        self.models.keep(Listed { id: first.id.clone(), window: first.max_model_len });
        Ok(first.id)
    }
}
