//! What a session's models cost, and whether a limit of costs can be kept with that.

use std::{collections::BTreeMap, fmt, sync::Arc};

use config::Settings;
use domain::{agent::AgentName, ports::ModelPort};
use llm::PricedModel;

use crate::error::StartError;

/// A model without a price, and who would be answered by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpricedModel {
    /// The model, as the provider names it.
    pub model: String,
    /// The agents; at least one.
    pub agents: Vec<AgentName>,
}

impl fmt::Display for UnpricedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agents: Vec<_> = self.agents.iter().map(AgentName::as_str).collect();
        write!(f, "`{}` ({})", self.model, agents.join(", "))
    }
}

/// Sets the person's prices before the model's own. Under a limit of costs every agent's model needs one.
pub(crate) fn priced(
    model: Arc<dyn ModelPort>,
    settings: &Settings,
) -> Result<Arc<dyn ModelPort>, StartError> {
    let model = PricedModel::new(model, settings.prices.clone());
    if settings.limits.max_cost_usd.is_some() {
        let mut unpriced: BTreeMap<String, Vec<AgentName>> = BTreeMap::new();
        for agent in std::iter::once(&settings.manager).chain(&settings.workers) {
            let wanted = agent.model.as_deref();
            if model.facts(wanted).price.is_none() {
                unpriced.entry(model.resolve(wanted)).or_default().push(agent.name.clone());
            }
        }
        if !unpriced.is_empty() {
            let models = unpriced.into_iter().map(|(model, agents)| UnpricedModel { model, agents });
            return Err(StartError::Unpriced { models: models.collect() });
        }
    }
    Ok(Arc::new(model))
}
