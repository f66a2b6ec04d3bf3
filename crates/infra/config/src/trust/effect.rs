//! What trusting a folder would change.

use serde_json::{Value, json};

use crate::settings::Settings;

/// A setting that would be another one.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustEffect {
    /// The setting, as `config show` names it.
    pub key: String,
    /// What it is now; null where it is not there.
    pub now: Value,
    /// What it would be; null where it would not be there.
    pub then: Value,
}

/// The settings in which two outcomes differ.
pub(crate) fn effects(now: &Settings, then: &Settings) -> Vec<TrustEffect> {
    let (now, then) = (entries(now), entries(then));
    let gone =
        now.iter().filter(|(key, value)| !then.iter().any(|(other, _)| other == key) && !value.is_null());
    let gone =
        gone.map(|(key, value)| TrustEffect { key: key.clone(), now: value.clone(), then: Value::Null });
    let other = then.iter().filter_map(|(key, value)| {
        let before = now.iter().find(|(other, _)| other == key).map_or(&Value::Null, |(_, value)| value);
        (before != value).then(|| TrustEffect { key: key.clone(), now: before.clone(), then: value.clone() })
    });
    other.chain(gone).collect()
}

/// Every setting with a key that does not depend on the others.
fn entries(settings: &Settings) -> Vec<(String, Value)> {
    let shown = settings.shown().iter().filter(|shown| !shown.key.starts_with("permissions.rules"));
    let shown = shown.map(|shown| (shown.key.clone(), shown.value.clone()));
    // A rule's number says where it stands, not which it is.
    let rules = settings
        .rules
        .iter()
        .map(|sourced| (format!("permissions.rules: {}", sourced.rule), json!(sourced.rule.effect)));
    let workers = settings.workers.iter().flat_map(|worker| {
        let entry = |key: &str, value| (format!("agents.{}.{key}", worker.name), value);
        [entry("kind", json!(worker.kind)), entry("thinking", json!(worker.thinking))]
    });
    let named = settings.places.named();
    let places = named.map(|(name, path)| (format!("paths.{name}"), json!(path.display().to_string())));
    shown.chain(workers).chain(rules).chain(places).collect()
}
