//! What a session's models cost, and whether a limit of costs can be kept with that.

use std::{collections::BTreeMap, fmt};

use config::Settings;
use domain::agent::{AgentName, AgentSpec};
use llm::Candidate;

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

/// Whether every model that may answer an agent has a price, as a limit of costs needs it. Each agent comes with those who
/// may answer it.
///
/// # Errors
/// [`StartError::Unpriced`] with the models that have none.
pub(crate) fn check<'a>(
    agents: impl Iterator<Item = (&'a AgentSpec, &'a [Candidate])>,
    settings: &Settings,
) -> Result<(), StartError> {
    if settings.limits.max_cost_usd.is_none() {
        return Ok(());
    }
    let mut unpriced: BTreeMap<String, Vec<AgentName>> = BTreeMap::new();
    for (agent, candidates) in agents {
        for candidate in candidates {
            let wanted = candidate.name.as_deref().or(agent.model.as_deref());
            if candidate.model.facts(wanted).price.is_none() {
                unpriced.entry(candidate.model.resolve(wanted)).or_default().push(agent.name.clone());
            }
        }
    }
    if unpriced.is_empty() {
        return Ok(());
    }
    let models = unpriced.into_iter().map(|(model, agents)| UnpricedModel { model, agents });
    Err(StartError::Unpriced { models: models.collect() })
}
