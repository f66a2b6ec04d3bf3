//! Which model answers: the one adapter that a session's agents share.

use std::{fs, path::Path, sync::Arc};

use config::{Language, Provider, ProxySettings, Settings};
use domain::{ports::ModelPort, secret::Redactor};
use llm::{AnthropicModel, AnthropicSettings, OfflineLanguage, OfflineModel, Proxies, Script, ScriptModel};

use crate::error::StartError;

/// Makes the model of a session. A script starts anew with each session.
pub(crate) fn connect(
    settings: &Settings,
    cwd: &Path,
    redactor: &Arc<Redactor>,
) -> Result<Arc<dyn ModelPort>, StartError> {
    Ok(match settings.provider()? {
        Provider::Anthropic { key, base_url } => {
            let usual = AnthropicSettings::new(key);
            Arc::new(AnthropicModel::new(AnthropicSettings {
                base_url: base_url.unwrap_or_else(|| usual.base_url.clone()),
                first_byte_timeout: settings.first_byte_timeout,
                idle_timeout: settings.idle_timeout,
                proxies: proxies(&settings.proxy),
                redactor: Arc::clone(redactor),
                ..usual
            })?)
        }
        Provider::Offline => Arc::new(OfflineModel::new(match settings.lang {
            Language::En => OfflineLanguage::English,
            Language::Ko => OfflineLanguage::Korean,
        })),
        Provider::Script(file) => {
            let path = cwd.join(file);
            let text = fs::read_to_string(&path)
                .map_err(|source| StartError::ScriptFile { path: path.clone(), source })?;
            let script = Script::parse(&path.display().to_string(), &text)?;
            Arc::new(ScriptModel::new(Arc::new(script)))
        }
    })
}

fn proxies(settings: &ProxySettings) -> Proxies {
    let ProxySettings { https, http, exceptions } = settings.clone();
    Proxies { https, http, exceptions }
}
