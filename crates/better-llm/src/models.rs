//! Which model answers: the one stack of adapter and decorators that a session's agents share.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use config::{Language, Provider, ProxySettings, Settings};
use domain::{
    agent::AgentName,
    model::RetrySettings,
    ports::{Clock, ModelPort},
    secret::{Redactor, Secret},
};
use llm::{
    Account, Accounts, AnthropicModel, AnthropicSettings, Chance, Gate, OfflineLanguage, OfflineModel,
    PatientModel, Proxies, Script, ScriptModel,
};

use crate::{error::StartError, host::random_fraction};

/// The models of an engine's sessions, and what its sessions know together about the accounts behind them.
pub(crate) struct Models {
    /// A model of the embedding program, instead of a provider.
    given: Option<Arc<dyn ModelPort>>,
    accounts: Accounts,
    /// One for each account that was asked for: its HTTP client and connections serve all sessions.
    connected: Mutex<Vec<(Account, Arc<AnthropicModel>)>>,
    chance: Chance,
}

impl Models {
    pub(crate) fn new(given: Option<Arc<dyn ModelPort>>) -> Self {
        Self {
            given,
            accounts: Accounts::default(),
            connected: Mutex::default(),
            chance: Arc::new(random_fraction),
        }
    }

    /// Makes the model of a session whose agents have made these requests before. A script starts anew with each session,
    /// and goes on with one that is taken up again.
    pub(crate) fn connect(
        &self,
        settings: &Settings,
        cwd: &Path,
        redactor: &Arc<Redactor>,
        clock: &Arc<dyn Clock>,
        requests: &BTreeMap<AgentName, u64>,
    ) -> Result<Arc<dyn ModelPort>, StartError> {
        if let Some(model) = &self.given {
            let account = Account { provider: model.provider().to_owned(), base_url: None, key: None };
            return Ok(self.patient(Arc::clone(model), self.accounts.gate(&account), settings.retry));
        }
        Ok(match settings.provider()? {
            Provider::Anthropic { key, base_url } => {
                self.anthropic((key, base_url), settings, redactor, clock)?
            }
            Provider::Offline => Arc::new(OfflineModel::new(match settings.lang {
                Language::En => OfflineLanguage::English,
                Language::Ko => OfflineLanguage::Korean,
            })),
            Provider::Script(file) => {
                let path = cwd.join(file);
                let text = fs::read_to_string(&path)
                    .map_err(|source| StartError::ScriptFile { path: path.clone(), source })?;
                let script = Arc::new(Script::parse(&path.display().to_string(), &text)?);
                let requests = requests.iter().map(|(agent, count)| (agent.clone(), *count));
                let model = ScriptModel::new(script).after(requests).with_idle_timeout(settings.idle_timeout);
                // A script is nobody's account: what it says of limits is said to its own session.
                self.patient(Arc::new(model), Arc::default(), settings.retry)
            }
        })
    }

    fn anthropic(
        &self,
        (key, base_url): (Secret, Option<String>),
        settings: &Settings,
        redactor: &Arc<Redactor>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn ModelPort>, StartError> {
        let base_url = base_url.unwrap_or_else(|| AnthropicSettings::DEFAULT_BASE_URL.to_owned());
        let account = Account {
            provider: "anthropic".to_owned(),
            base_url: Some(base_url.clone()),
            key: Some(key.clone()),
        };
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        let known = connected.iter().find(|(known, _)| *known == account).map(|(_, model)| Arc::clone(model));
        let model = match known {
            Some(model) => model,
            None => {
                let asked = AnthropicSettings {
                    base_url,
                    first_byte_timeout: settings.first_byte_timeout,
                    idle_timeout: settings.idle_timeout,
                    proxies: proxies(&settings.proxy),
                    redactor: Arc::clone(redactor),
                    ..AnthropicSettings::new(key)
                };
                let model = Arc::new(AnthropicModel::new(asked, Arc::clone(clock))?);
                connected.push((account.clone(), Arc::clone(&model)));
                model
            }
        };
        Ok(self.patient(model, self.accounts.gate(&account), settings.retry))
    }

    fn patient(
        &self,
        model: Arc<dyn ModelPort>,
        gate: Arc<Gate>,
        settings: RetrySettings,
    ) -> Arc<dyn ModelPort> {
        Arc::new(PatientModel::new(model, gate, settings, Arc::clone(&self.chance)))
    }
}

fn proxies(settings: &ProxySettings) -> Proxies {
    let ProxySettings { https, http, exceptions } = settings.clone();
    Proxies { https, http, exceptions }
}
