//! What an endpoint says of its models (`GET {base}/models`): names, in its own order, and windows where it tells them.
//!
//! It is asked once. Prices and capabilities are in no such list.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::model::{ModelError, ModelErrorKind};
use tokio::time::{Instant, timeout_at};

use super::{
    OpenAiModel,
    catalog::{self, Meant, Vendor},
    failure,
    wire::{ListedModel, ModelList},
};
use crate::over_http::Place;

/// The most bytes of a list of models.
const LARGEST_LIST: usize = 4 << 20;

/// The list, once it was asked for; at least one model.
#[derive(Debug, Default)]
pub(super) struct Models(Mutex<Option<Arc<[ListedModel]>>>);

impl Models {
    /// The name on the wire; none where the endpoint has to be asked first.
    pub(super) fn chosen(&self, meant: Meant<'_>) -> Option<String> {
        let wanted = match meant {
            Meant::Model(name) => return Some(name.to_owned()),
            Meant::Listed(name) => Some(name),
            Meant::First => None,
        };
        let list = self.list()?;
        let known = list.iter().find(|model| Some(model.id.as_str()) == wanted);
        known.or_else(|| list.first()).map(|model| model.id.clone())
    }

    /// How long a conversation with a model may be, where the endpoint says so.
    pub(super) fn window(&self, name: &str) -> Option<u64> {
        self.list()?.iter().find(|model| model.id == name)?.max_model_len
    }

    fn list(&self) -> Option<Arc<[ListedModel]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, list: &Arc<[ListedModel]>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(list));
    }
}

impl OpenAiModel {
    /// Learns what the endpoint says of its models, so that the name of the one that will answer, and with it window and
    /// price, are known before it is asked. The vendor's own endpoint is not asked: it tells neither.
    ///
    /// # Errors
    /// Where the endpoint does not tell within this time. It is asked again when a model has to be chosen.
    pub async fn learn(&self, within: Duration) -> Result<(), ModelError> {
        match self.vendor {
            Vendor::OpenAi => Ok(()),
            Vendor::Another => self.list(Instant::now() + within).await.map(|_| ()),
        }
    }

    /// The names of the endpoint's models, in its own order; at least one. Costs nothing but a request.
    ///
    /// # Errors
    /// Where it cannot be asked within this time, or has none.
    pub async fn models(&self, within: Duration) -> Result<Vec<String>, ModelError> {
        let list = self.list(Instant::now() + within).await?;
        Ok(list.iter().map(|model| model.id.clone()).collect())
    }

    /// The name on the wire of the model that is wanted. The endpoint is asked where it has to be.
    pub(super) async fn name(&self, wanted: Option<&str>, by: Instant) -> Result<String, ModelError> {
        let meant = catalog::meant(self.vendor, wanted);
        if let Some(name) = self.models.chosen(meant) {
            return Ok(name);
        }
        self.list(by).await?;
        Ok(self.models.chosen(meant).unwrap_or_default())
    }

    async fn list(&self, by: Instant) -> Result<Arc<[ListedModel]>, ModelError> {
        if let Some(known) = self.models.list() {
            return Ok(known);
        }
        let list = self.ask_for_list(by).await?;
        self.models.keep(&list);
        Ok(list)
    }

    async fn ask_for_list(&self, by: Instant) -> Result<Arc<[ListedModel]>, ModelError> {
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
        let named = list.data.into_iter().filter(|model| !model.id.trim().is_empty());
        let list: Arc<[ListedModel]> = named.collect();
        if list.is_empty() {
            let problem = "the endpoint lists no model: load one there, or name one with `--model`";
            return Err(place.error(ModelErrorKind::Rejected, problem));
        }
        Ok(list)
    }
}
