//! The models of one session: each agent's, and what is to be said of them before the first round.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use config::{Language, Provider, Settings};
use domain::{
    agent::{AgentName, AgentSpec},
    model::Effort,
    ports::{Clock, ModelPort},
    secret::Redactor,
};
use llm::{
    Candidate, FallbackModel, OfflineLanguage, OfflineModel, PricedModel, Script, ScriptModel, is_stand_in,
};

use super::{Models, accounts::Adapter};
use crate::{error::StartError, prices};

/// How long a server of one's own is waited for that is asked which models it has. Later it is asked with the first
/// request, as long as that may take.
const LEARNING: Duration = Duration::from_secs(10);

/// The code of the notice that another vendor's model answers than the one that was named.
const OF_THE_SAME_GRADE: &str = "model_of_same_grade";
/// The code of the notice that a model takes no effort.
const EFFORT_UNUSED: &str = "effort_unused";

/// What a session's models are made from.
pub(crate) struct Asking<'a> {
    pub(crate) settings: &'a Settings,
    /// Where scripts are looked for.
    pub(crate) cwd: &'a Path,
    pub(crate) redactor: &'a Arc<Redactor>,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) effort: Option<Effort>,
    /// The requests that the session's agents have made before. A script starts anew with each session, and goes on with
    /// one that is taken up again.
    pub(crate) requests: &'a BTreeMap<AgentName, u64>,
}

/// The models of a session.
pub(crate) struct SessionModels {
    /// The manager's.
    first: Stack,
    others: Vec<Stack>,
    /// The place among the others, of agents that have another provider than the manager.
    of: BTreeMap<AgentName, usize>,
    /// What the person should know of them: code and text.
    pub(crate) notices: Vec<(String, String)>,
}

/// The model of a provider, ready for requests.
struct Stack {
    /// None: the embedding program's own.
    provider: Option<Provider>,
    model: Arc<dyn ModelPort>,
    /// Who may answer, in the order in which they are asked; at least one.
    candidates: Vec<Candidate>,
    /// Their adapters, as far as they speak to an endpoint: all of them where the first does.
    adapters: Vec<Adapter>,
}

impl SessionModels {
    /// Makes the models of a session's agents. A server of one's own is asked which models it has; nothing else is sent.
    ///
    /// # Errors
    /// Where an agent's provider or one that stands in for it lacks what it needs, or a model lacks a price under a limit
    /// of costs.
    pub(crate) async fn connect(models: &Models, asking: &Asking<'_>) -> Result<Self, StartError> {
        let first = Stack::of(&asking.settings.manager.name, models, asking)?;
        let mut made = Self { first, others: Vec::new(), of: BTreeMap::new(), notices: Vec::new() };
        for worker in &asking.settings.workers {
            made.add(&worker.name, models, asking)?;
        }
        made.learn().await;
        let asked = team(asking.settings).map(|agent| (agent, &made.stack(&agent.name).candidates[..]));
        prices::check(asked, asking.settings)?;
        made.notices = made.told(asking);
        Ok(made)
    }

    /// An agent's model.
    pub(crate) fn of(&self, agent: &AgentName) -> Arc<dyn ModelPort> {
        Arc::clone(&self.stack(agent).model)
    }

    fn stack(&self, agent: &AgentName) -> &Stack {
        self.of.get(agent).and_then(|at| self.others.get(*at)).unwrap_or(&self.first)
    }

    /// Finds or makes the model of a worker's provider.
    fn add(&mut self, worker: &AgentName, models: &Models, asking: &Asking<'_>) -> Result<(), StartError> {
        if self.first.provider.is_none() {
            return Ok(());
        }
        let provider = Some(asking.settings.provider_of(worker)?);
        if provider == self.first.provider {
            return Ok(());
        }
        let known = self.others.iter().position(|stack| stack.provider == provider);
        let at = known.unwrap_or(self.others.len());
        if known.is_none() {
            self.others.push(Stack::of(worker, models, asking)?);
        }
        self.of.insert(worker.clone(), at);
        Ok(())
    }

    /// Asks servers of one's own which models they have. One that does not say is asked again with the first request,
    /// which then tells what is wrong.
    async fn learn(&self) {
        let adapters = std::iter::once(&self.first).chain(&self.others).flat_map(|stack| &stack.adapters);
        for adapter in adapters {
            if let Adapter::OpenAi(model) = adapter
                && let Err(error) = model.learn(LEARNING).await
            {
                tracing::debug!(%error, "the endpoint does not list its models");
            }
        }
    }

    fn told(&self, asking: &Asking<'_>) -> Vec<(String, String)> {
        let mut said: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
        for agent in team(asking.settings) {
            let Some(adapter) = self.stack(&agent.name).adapters.first() else { continue };
            let (port, wanted) = (adapter.port(), agent.model.as_deref());
            let (provider, resolved) = (port.provider(), port.resolve(wanted));
            let mut say = |code, text| said.entry((code, text)).or_default().push(agent.name.as_str());
            if let Some(wanted) = wanted.filter(|wanted| is_stand_in(wanted, &resolved)) {
                let text =
                    format!("provider {provider} has no model {wanted}; {resolved} answers in its place");
                say(OF_THE_SAME_GRADE, text);
            }
            if asking.effort.is_some() && !adapter.takes_effort(wanted) {
                say(EFFORT_UNUSED, format!("{resolved} of provider {provider} takes no effort beside tools"));
            }
        }
        let told = said
            .into_iter()
            .map(|((code, text), agents)| (code.to_owned(), format!("{text} (for {})", agents.join(", "))));
        told.collect()
    }
}

/// Everybody of a session, the manager first.
fn team(settings: &Settings) -> impl Iterator<Item = &AgentSpec> {
    std::iter::once(&settings.manager).chain(&settings.workers)
}

fn priced(model: Arc<dyn ModelPort>, settings: &Settings) -> Arc<dyn ModelPort> {
    Arc::new(PricedModel::new(model, settings.prices.clone()))
}

impl Stack {
    /// The model of an agent's provider, or the embedding program's own.
    fn of(agent: &AgentName, models: &Models, asking: &Asking<'_>) -> Result<Self, StartError> {
        match models.given(asking) {
            Some(model) => Ok(Self::of_one(None, priced(model, asking.settings))),
            None => Self::new(asking.settings.provider_of(agent)?, models, asking),
        }
    }

    fn new(provider: Provider, models: &Models, asking: &Asking<'_>) -> Result<Self, StartError> {
        let fallbacks = asking.settings.fallbacks_of(&provider)?;
        let (model, adapter) = candidate(&provider, models, asking)?;
        let mut stack = Self::of_one(Some(provider), model);
        stack.adapters.extend(adapter);
        for fallback in fallbacks {
            let (model, adapter) = candidate(&fallback.provider, models, asking)?;
            stack.adapters.extend(adapter);
            stack.candidates.push(Candidate { model, name: fallback.model.map(Into::into) });
        }
        if let [first, others @ ..] = &stack.candidates[..]
            && !others.is_empty()
        {
            stack.model = Arc::new(FallbackModel::new(first.clone(), others.to_vec()));
        }
        Ok(stack)
    }

    fn of_one(provider: Option<Provider>, model: Arc<dyn ModelPort>) -> Self {
        let candidates = vec![Candidate { model: Arc::clone(&model), name: None }];
        Self { provider, model, candidates, adapters: Vec::new() }
    }
}

/// A provider's own model, without those that stand in.
fn candidate(
    provider: &Provider,
    models: &Models,
    asking: &Asking<'_>,
) -> Result<(Arc<dyn ModelPort>, Option<Adapter>), StartError> {
    let settings = asking.settings;
    let (account, adapter) = match provider.clone() {
        Provider::Anthropic { key, base_url } => models.anthropic(key, base_url, asking)?,
        Provider::OpenAi { key, base_url } => models.openai(key, base_url, asking)?,
        Provider::Offline => {
            let model = Arc::new(OfflineModel::new(match settings.lang {
                Language::En => OfflineLanguage::English,
                Language::Ko => OfflineLanguage::Korean,
            }));
            return Ok((priced(model, settings), None));
        }
        Provider::Script(file) => return Ok((priced(script(&file, models, asking)?, settings), None)),
    };
    Ok((priced(models.account(&account, &adapter, asking), settings), Some(adapter)))
}

/// A script is nobody's account: what it says of limits is said to its own session.
fn script(file: &Path, models: &Models, asking: &Asking<'_>) -> Result<Arc<dyn ModelPort>, StartError> {
    let path = asking.cwd.join(file);
    let text =
        fs::read_to_string(&path).map_err(|source| StartError::ScriptFile { path: path.clone(), source })?;
    let script = Arc::new(Script::parse(&path.display().to_string(), &text)?);
    let requests = asking.requests.iter().map(|(agent, count)| (agent.clone(), *count));
    let model = ScriptModel::new(script).after(requests).with_idle_timeout(asking.settings.idle_timeout);
    Ok(models.patient(Arc::new(model), Arc::default(), asking))
}
