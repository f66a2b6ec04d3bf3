//! The models of the vendor's own endpoint as of 2026-11-20, and what is known of those of others: nothing.
//!
//! Sizes are those that public pages give for the vendor's list (the newest seen: of 2026-06-20). Prices are nobody's but
//! the person's (`prices` in system_config.json): this protocol tells none, and each endpoint has its own. A model that is
//! not listed is sent under the name it was given.

use domain::model::ModelFacts;
use reqwest::Url;

/// More output than this in one answer is a sign of trouble.
const SENSIBLE_MAX_OUTPUT: u64 = 32_000;

/// Whose endpoint it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vendor {
    /// The protocol's own.
    OpenAi,
    /// Another one that speaks it: it is asked for its models where none is named.
    Another,
}

impl Vendor {
    pub(super) fn at(url: &Url) -> Self {
        match url.host_str() {
            Some("api.openai.com") => Self::OpenAi,
            _ => Self::Another,
        }
    }
}

struct ModelEntry {
    /// The name on the wire, without a date.
    id: &'static str,
    /// Tokens of input and output together.
    window: u64,
    /// Tokens of one answer.
    max_output: u64,
}

const fn entry(id: &'static str, window: u64, max_output: u64) -> ModelEntry {
    ModelEntry { id, window, max_output }
}

const MODELS: &[ModelEntry] = &[
    entry("gpt-5.2", 400_000, 128_000),
    entry("gpt-5.1", 400_000, 128_000),
    entry("gpt-5", 400_000, 128_000),
    entry("gpt-5-mini", 400_000, 128_000),
    entry("gpt-5-nano", 400_000, 128_000),
    entry("gpt-4.1", 1_047_576, 32_768),
    entry("gpt-4.1-mini", 1_047_576, 32_768),
    entry("gpt-4o", 128_000, 16_384),
    entry("gpt-4o-mini", 128_000, 16_384),
    entry("o3", 200_000, 100_000),
    entry("o4-mini", 200_000, 100_000),
];

/// Names that stand for another: the three grades.
const ALIASES: &[(&str, &str)] = &[("strong", "gpt-5.2"), ("standard", "gpt-5.1"), ("fast", "gpt-5-mini")];

/// The name on the wire for a name or alias; none where the endpoint has to be asked.
pub(super) fn resolve(vendor: Vendor, wanted: Option<&str>) -> Option<&str> {
    let grade = ALIASES.iter().find(|(alias, _)| *alias == wanted.unwrap_or("standard"));
    match (grade, vendor) {
        (Some((_, id)), Vendor::OpenAi) => Some(id),
        (Some(_), Vendor::Another) => None,
        (None, _) => wanted,
    }
}

/// What is known of the model with this name on the wire; `window`: what its endpoint says of it.
pub(super) fn facts(vendor: Vendor, name: &str, window: Option<u64>) -> ModelFacts {
    let Some(entry) = lookup(vendor, name) else {
        return ModelFacts { context_window: window, ..ModelFacts::default() };
    };
    ModelFacts {
        context_window: Some(entry.window),
        max_output_tokens: Some(entry.max_output.min(SENSIBLE_MAX_OUTPUT)),
        price: None,
    }
}

/// The most tokens of an answer, where that is known or a budget says so. A server of one's own decides for itself.
pub(super) fn max_tokens(vendor: Vendor, name: &str, budget: Option<u64>) -> Option<u64> {
    let most = lookup(vendor, name).map(|entry| entry.max_output.min(SENSIBLE_MAX_OUTPUT));
    match (most, budget) {
        (Some(most), Some(budget)) => Some(most.min(budget).max(1)),
        (most, budget) => most.or(budget.map(|budget| budget.max(1))),
    }
}

fn lookup(vendor: Vendor, name: &str) -> Option<&'static ModelEntry> {
    let bare = without_date(name);
    MODELS.iter().find(|entry| vendor == Vendor::OpenAi && entry.id == bare)
}

/// `gpt-5-mini` of `gpt-5-mini-2025-08-07`.
fn without_date(name: &str) -> &str {
    let mut parts = name.rsplitn(4, '-');
    let date = [parts.next(), parts.next(), parts.next()];
    let is_number = |part: Option<&str>, digits| {
        part.is_some_and(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let [day, month, year] = date;
    match parts.next() {
        Some(bare) if is_number(day, 2) && is_number(month, 2) && is_number(year, 4) => bare,
        _ => name,
    }
}
