//! The adapters of accounts: each account's connections are made once and serve whoever shares it.

use std::sync::{Arc, PoisonError};

use config::ProxySettings;
use domain::{ports::ModelPort, secret::Secret};
use llm::{
    Account, AnthropicModel, AnthropicSettings, Gate, OpenAiModel, OpenAiSettings, PatientModel, Proxies,
};

use super::{Models, session::Asking};
use crate::error::StartError;

/// An adapter that speaks to an account.
#[derive(Clone)]
pub(super) enum Adapter {
    Anthropic(Arc<AnthropicModel>),
    OpenAi(Arc<OpenAiModel>),
}

impl Adapter {
    pub(super) fn port(&self) -> Arc<dyn ModelPort> {
        match self {
            Self::Anthropic(model) => Arc::clone(model) as _,
            Self::OpenAi(model) => Arc::clone(model) as _,
        }
    }

    /// Whether the effort that a person asks for reaches the model.
    pub(super) fn takes_effort(&self, wanted: Option<&str>) -> bool {
        match self {
            Self::Anthropic(model) => model.takes_effort(wanted),
            Self::OpenAi(model) => model.takes_effort(wanted),
        }
    }
}

impl Models {
    /// The Messages API, with the account that it is.
    pub(super) fn anthropic(
        &self,
        key: Secret,
        base_url: Option<String>,
        asking: &Asking<'_>,
    ) -> Result<(Account, Adapter), StartError> {
        let base_url = base_url.unwrap_or_else(|| AnthropicSettings::DEFAULT_BASE_URL.to_owned());
        let account = Account {
            provider: "anthropic".to_owned(),
            base_url: Some(base_url.clone()),
            key: Some(key.clone()),
        };
        self.connected(account, || {
            let settings = AnthropicSettings {
                base_url,
                first_byte_timeout: asking.settings.first_byte_timeout,
                idle_timeout: asking.settings.idle_timeout,
                proxies: proxies(&asking.settings.proxy),
                redactor: Arc::clone(asking.redactor),
                ..AnthropicSettings::new(key)
            };
            Ok(Adapter::Anthropic(Arc::new(AnthropicModel::new(settings, Arc::clone(asking.clock))?)))
        })
    }

    /// Chat Completions, with the account that it is.
    pub(super) fn openai(
        &self,
        key: Option<Secret>,
        base_url: Option<String>,
        asking: &Asking<'_>,
    ) -> Result<(Account, Adapter), StartError> {
        let base_url = base_url.unwrap_or_else(|| OpenAiSettings::DEFAULT_BASE_URL.to_owned());
        let account =
            Account { provider: "openai".to_owned(), base_url: Some(base_url.clone()), key: key.clone() };
        self.connected(account, || {
            let settings = OpenAiSettings {
                base_url,
                first_byte_timeout: asking.settings.first_byte_timeout,
                idle_timeout: asking.settings.idle_timeout,
                proxies: proxies(&asking.settings.proxy),
                redactor: Arc::clone(asking.redactor),
                ..OpenAiSettings::new(key)
            };
            Ok(Adapter::OpenAi(Arc::new(OpenAiModel::new(settings, Arc::clone(asking.clock))?)))
        })
    }

    /// An account's adapter behind what belongs to the account: its gate, and retries.
    pub(super) fn account(
        &self,
        account: &Account,
        adapter: &Adapter,
        asking: &Asking<'_>,
    ) -> Arc<dyn ModelPort> {
        self.patient(adapter.port(), self.accounts.gate(account), asking)
    }

    /// The embedding program's own model.
    pub(super) fn given(&self, asking: &Asking<'_>) -> Option<Arc<dyn ModelPort>> {
        let model = self.given.as_ref()?;
        let account = Account { provider: model.provider().to_owned(), base_url: None, key: None };
        Some(self.patient(Arc::clone(model), self.accounts.gate(&account), asking))
    }

    pub(super) fn patient(
        &self,
        model: Arc<dyn ModelPort>,
        gate: Arc<Gate>,
        asking: &Asking<'_>,
    ) -> Arc<dyn ModelPort> {
        Arc::new(PatientModel::new(model, gate, asking.settings.retry, Arc::clone(&self.chance)))
    }

    fn connected(
        &self,
        account: Account,
        connect: impl FnOnce() -> Result<Adapter, StartError>,
    ) -> Result<(Account, Adapter), StartError> {
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, adapter)) = connected.iter().find(|(known, _)| *known == account) {
            return Ok((account, adapter.clone()));
        }
        let adapter = connect()?;
        connected.push((account.clone(), adapter.clone()));
        Ok((account, adapter))
    }
}

fn proxies(settings: &ProxySettings) -> Proxies {
    let ProxySettings { https, http, exceptions } = settings.clone();
    Proxies { https, http, exceptions }
}
