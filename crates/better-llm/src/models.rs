//! Which model answers: the one stack of adapter and decorators that a session's agents share.

use std::{fs, path::Path, sync::Arc};

use config::{Language, Provider, ProxySettings, RetryValues, Settings};
use domain::{
    ports::{Clock, ModelPort},
    secret::Redactor,
};
use llm::{
    Account, Accounts, AnthropicModel, AnthropicSettings, Chance, Gate, OfflineLanguage, OfflineModel,
    PatientModel, Proxies, RetrySettings, Script, ScriptModel,
};

use crate::{error::StartError, host::random_fraction};

/// The models of an engine's sessions, and what its sessions know together about the accounts behind them.
pub(crate) struct Models {
    /// A model of the embedding program, instead of a provider.
    given: Option<Arc<dyn ModelPort>>,
    accounts: Accounts,
    chance: Chance,
}

impl Models {
    pub(crate) fn new(given: Option<Arc<dyn ModelPort>>) -> Self {
        Self { given, accounts: Accounts::default(), chance: Arc::new(random_fraction) }
    }

    /// Makes the model of a session. A script starts anew with each session.
    pub(crate) fn connect(
        &self,
        settings: &Settings,
        cwd: &Path,
        redactor: &Arc<Redactor>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn ModelPort>, StartError> {
        if let Some(model) = &self.given {
            let account = Account { provider: model.provider().to_owned(), base_url: None, key: None };
            return Ok(self.patient(Arc::clone(model), self.accounts.gate(&account), settings.retry));
        }
        Ok(match settings.provider()? {
            Provider::Anthropic { key, base_url } => {
                let usual = AnthropicSettings::new(key.clone());
                let base_url = base_url.unwrap_or_else(|| usual.base_url.clone());
                let account = Account {
                    provider: "anthropic".to_owned(),
                    base_url: Some(base_url.clone()),
                    key: Some(key),
                };
                let asked = AnthropicSettings {
                    base_url,
                    first_byte_timeout: settings.first_byte_timeout,
                    idle_timeout: settings.idle_timeout,
                    proxies: proxies(&settings.proxy),
                    redactor: Arc::clone(redactor),
                    ..usual
                };
                let model = AnthropicModel::new(asked, Arc::clone(clock))?;
                self.patient(Arc::new(model), self.accounts.gate(&account), settings.retry)
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
                let model = ScriptModel::new(script).with_idle_timeout(settings.idle_timeout);
                // A script is nobody's account: what it says of limits is said to its own session.
                self.patient(Arc::new(model), Arc::default(), settings.retry)
            }
        })
    }

    fn patient(
        &self,
        model: Arc<dyn ModelPort>,
        gate: Arc<Gate>,
        settings: RetryValues,
    ) -> Arc<dyn ModelPort> {
        let RetryValues { enabled, max_attempts, base_delay, max_delay, jitter, exponential } = settings;
        let settings = RetrySettings { enabled, max_attempts, base_delay, max_delay, jitter, exponential };
        Arc::new(PatientModel::new(model, gate, settings, Arc::clone(&self.chance)))
    }
}

fn proxies(settings: &ProxySettings) -> Proxies {
    let ProxySettings { https, http, exceptions } = settings.clone();
    Proxies { https, http, exceptions }
}
