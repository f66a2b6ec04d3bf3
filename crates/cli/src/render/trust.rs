//! What `config trust` shows before anything is trusted: files, digests, what is hidden in them, what they change.

use better_llm::{Trust, TrustEffect, TrustState};
use domain::terminal::{Sanitized, marks};
use serde_json::Value;

use super::data::columns;
use crate::words::Language;

/// Characters of a digest that tell one content from another for a person.
const DIGEST: usize = 16;

/// The folder's configuration, as far as trust is concerned.
pub(crate) fn shown(trust: &Trust, language: Language) -> Sanitized {
    let mut text = format!("{}\n", language.trust_state(trust.state()));
    let rows = trust.items().iter().map(|item| {
        let digest: String = item.digest.chars().take(DIGEST).collect();
        [
            format!("  {}", Sanitized::name(&item.path)),
            format!("sha256 {digest}…"),
            language.bytes(item.content.len()),
        ]
    });
    text.push_str(columns(&rows.collect::<Vec<_>>()).as_str());
    for refused in trust.refused() {
        text.push_str(&format!("  ✗ {}\n", Sanitized::line(&language.untrustable(refused))));
    }
    for item in trust.items() {
        for mark in marks(&String::from_utf8_lossy(&item.content)) {
            let mark = Sanitized::line(&language.mark(&mark));
            text.push_str(&format!("  ! {}: {mark}\n", Sanitized::name(&item.path)));
        }
    }
    let effects: &[TrustEffect] = match trust.state() {
        TrustState::Nothing | TrustState::Trusted => &[],
        TrustState::Untrusted { would_widen } => would_widen,
        TrustState::Changed { changes, would_widen } => {
            for change in changes {
                text.push_str(&format!("  ~ {}\n", Sanitized::name(&language.trust_change(change))));
            }
            would_widen
        }
    };
    if !effects.is_empty() {
        text.push_str(&format!("{}\n", language.would_change()));
    }
    for effect in effects {
        let key = Sanitized::name(&effect.key);
        let [now, then] = [&effect.now, &effect.then].map(|value| value_in_words(value, language));
        text.push_str(&format!("  {key}: {now} → {then}\n"));
    }
    Sanitized::lines(&text)
}

fn value_in_words(value: &Value, language: Language) -> Sanitized {
    match value {
        Value::Null => Sanitized::line(language.value_none()),
        Value::String(text) => Sanitized::name(text),
        other => Sanitized::name(&other.to_string()),
    }
}
