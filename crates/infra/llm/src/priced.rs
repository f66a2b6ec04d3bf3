//! Prices of the person's own, before those that a model knows of itself: a decorator around any model (contract 3,
//! `prices`).
//!
//! It changes no request and no answer.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use domain::{
    model::{ModelError, ModelFacts, ModelRequest, ModelStream},
    ports::ModelPort,
    price::Price,
};

/// A model whose tokens cost what the person says.
pub struct PricedModel {
    model: Arc<dyn ModelPort>,
    prices: BTreeMap<String, Price>,
}

impl PricedModel {
    /// Decorates `model`; `prices` go by the name that a request resolves to, else by the name that was asked for. An
    /// endpoint that answers by another model than the one it was asked for is charged as asked.
    #[must_use]
    pub fn new(model: Arc<dyn ModelPort>, prices: BTreeMap<String, Price>) -> Self {
        Self { model, prices }
    }
}

impl fmt::Debug for PricedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PricedModel").field("prices", &self.prices).finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelPort for PricedModel {
    fn provider(&self) -> &str {
        self.model.provider()
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        self.model.resolve(wanted)
    }

    fn facts(&self, wanted: Option<&str>) -> ModelFacts {
        let facts = self.model.facts(wanted);
        let own = self.prices.get(&self.resolve(wanted)).or_else(|| self.prices.get(wanted?));
        ModelFacts { price: own.copied().or(facts.price), ..facts }
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        self.model.stream(request).await
    }
}

#[cfg(test)]
mod tests {
    use domain::secret::Secret;

    use super::*;
    use crate::{AnthropicModel, AnthropicSettings, test_support::StoppedClock};

    #[test]
    fn the_persons_price_stands_before_the_built_in_one() {
        let own = Price::new(1, 2, 3, 4);
        let settings = AnthropicSettings::new(Secret::new("k").unwrap());
        let inner = AnthropicModel::new(settings, Arc::new(StoppedClock)).unwrap();
        let built_in = inner.facts(Some("strong"));
        let prices = ["claude-opus-5-5", "내-모델", "fast"].map(|model| (model.to_owned(), own));
        let model = PricedModel::new(Arc::new(inner), prices.into());
        for wanted in ["strong", "claude-opus-5-5", "내-모델", "fast"] {
            assert_eq!(model.facts(Some(wanted)).price, Some(own), "{wanted}");
        }
        assert_eq!(model.facts(Some("strong")), ModelFacts { price: Some(own), ..built_in });
        assert_eq!(model.facts(None).price, Some(Price::new(2_000, 10_000, 100, 2_500)));
        assert_eq!(model.facts(Some("남의-모델")).price, None);
    }
}
