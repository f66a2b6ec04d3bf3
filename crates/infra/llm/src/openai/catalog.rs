//! The models of the vendor's own endpoint as of 2026-11-20, and what is known of those of others: nothing.
//!
//! Sizes, what a model takes as `reasoning_effort`, and when it goes: the vendor's model pages and its list of shutdowns
//! (`developers.openai.com/api/docs/models/...`, `.../deprecations`), and where a page could not be read, what others
//! repeat of it. Models that take no function tools over this protocol (`gpt-6-astra`, `gpt-6.1-sol`: they refuse
//! `reasoning_effort: none`) are no grade of ours. Prices are nobody's but the person's (`prices` in system_config.json):
//! this protocol tells none, and each endpoint has its own. A model that is not listed is sent under the name it was
//! given.

use domain::model::{Effort, ModelFacts};
use reqwest::Url;

use crate::grade::{Family, Grade};

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

/// When a model takes `reasoning_effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reasoning {
    /// It does not reason, and refuses the field.
    Never,
    /// With and without tools.
    Always,
    /// Without tools; beside them it refuses the field, and reasons not.
    WithoutTools,
    /// Without tools; beside them it answers only where the field says `none`.
    NoneBesideTools,
}

#[derive(Debug)]
struct ModelEntry {
    /// The name on the wire, without a date.
    id: &'static str,
    /// Tokens of input and output together.
    window: u64,
    /// Tokens of one answer.
    max_output: u64,
    reasoning: Reasoning,
}

const fn entry(id: &'static str, window: u64, max_output: u64, reasoning: Reasoning) -> ModelEntry {
    ModelEntry { id, window, max_output, reasoning }
}

const MODELS: &[ModelEntry] = {
    use Reasoning::{Always, Never, NoneBesideTools, WithoutTools};
    &[
        entry("gpt-6-sol", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-6-luna", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-5.6", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-5.6-sol", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-5.6-terra", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-5.6-luna", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-5.5", 1_050_000, 128_000, NoneBesideTools),
        entry("gpt-5.4", 1_050_000, 128_000, WithoutTools),
        entry("gpt-5.4-mini", 400_000, 128_000, WithoutTools),
        entry("gpt-5.4-nano", 400_000, 128_000, WithoutTools),
        entry("gpt-5.2", 400_000, 128_000, WithoutTools),
        // Until 2027-04-01.
        entry("gpt-5.1", 400_000, 128_000, Always),
        // Until 2026-12-11.
        entry("gpt-5", 400_000, 128_000, Always),
        entry("gpt-5-mini", 400_000, 128_000, Always),
        entry("gpt-5-nano", 400_000, 128_000, Always),
        entry("o3", 200_000, 100_000, Always),
        // Until 2027-01-14.
        entry("gpt-4.1", 1_047_576, 32_768, Never),
        entry("gpt-4.1-mini", 1_047_576, 32_768, Never),
        entry("gpt-4o", 128_000, 16_384, Never),
        entry("gpt-4o-mini", 128_000, 16_384, Never),
    ]
};

const STRONG: &str = "gpt-6-sol";
/// Beside tools the vendor offers two sizes.
const STANDARD: &str = STRONG;
const FAST: &str = "gpt-6-luna";

/// Models that were shut down (the last of them on 2026-10-23), with the grade that the vendor names in their place.
const WITHDRAWN: &[(&str, &str)] = &[
    ("gpt-4", STRONG),
    ("gpt-4-turbo", STRONG),
    ("gpt-4.5-preview", STRONG),
    ("gpt-3.5-turbo", FAST),
    ("gpt-4.1-nano", FAST),
    ("chatgpt-4o-latest", STANDARD),
    ("gpt-5-chat-latest", STANDARD),
    ("gpt-5-codex", STANDARD),
    ("gpt-5.1-chat-latest", STANDARD),
    ("gpt-5.1-codex", STANDARD),
    ("gpt-5.1-codex-max", STRONG),
    ("gpt-5.1-codex-mini", FAST),
    ("gpt-5.2-codex", STANDARD),
    ("o1", STRONG),
    ("o1-preview", STRONG),
    ("o1-pro", STRONG),
    ("o1-mini", STANDARD),
    ("o3-mini", STANDARD),
    ("o4-mini", STANDARD),
];

/// What a name stands for at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant<'w> {
    /// This name on the wire.
    Model(&'w str),
    /// This one where the endpoint lists it, else whatever it lists first.
    Listed(&'w str),
    /// Whatever the endpoint lists first.
    First,
}

/// What a name or alias stands for.
pub(super) fn meant(vendor: Vendor, wanted: Option<&str>) -> Meant<'_> {
    let wanted = wanted.unwrap_or("standard");
    let grade = Grade::named(wanted);
    match vendor {
        Vendor::OpenAi => {
            let withdrawn = || WITHDRAWN.iter().find(|(id, _)| *id == without_date(wanted));
            let foreign =
                || (Family::of(wanted) == Some(Family::Claude)).then(|| Grade::of(Family::Claude, wanted));
            match grade.or_else(foreign) {
                Some(Grade::Strong) => Meant::Model(STRONG),
                Some(Grade::Standard) => Meant::Model(STANDARD),
                Some(Grade::Fast) => Meant::Model(FAST),
                None => Meant::Model(withdrawn().map_or(wanted, |(_, instead)| instead)),
            }
        }
        Vendor::Another if grade.is_some() => Meant::First,
        Vendor::Another if Family::of(wanted).is_some() => Meant::Listed(wanted),
        Vendor::Another => Meant::Model(wanted),
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

/// The `reasoning_effort` of a request to the model with this name on the wire. Servers of one's own are told what the
/// person wants: what their models take is theirs to say.
pub(super) fn effort(
    vendor: Vendor,
    name: &str,
    wanted: Option<Effort>,
    has_tools: bool,
) -> Option<&'static str> {
    let wanted = wanted.map(|effort| match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    });
    match (reasoning(vendor, name), has_tools) {
        (Reasoning::Never, _) | (Reasoning::WithoutTools, true) => None,
        (Reasoning::NoneBesideTools, true) => Some("none"),
        (Reasoning::Always, _) | (Reasoning::WithoutTools | Reasoning::NoneBesideTools, false) => wanted,
    }
}

/// Whether the effort that a person wants reaches the model beside tools.
pub(super) fn takes_effort(vendor: Vendor, name: &str) -> bool {
    reasoning(vendor, name) == Reasoning::Always
}

fn reasoning(vendor: Vendor, name: &str) -> Reasoning {
    match (vendor, lookup(vendor, name)) {
        (Vendor::Another, _) => Reasoning::Always,
        (Vendor::OpenAi, Some(entry)) => entry.reasoning,
        // Newer than the table, most likely.
        (Vendor::OpenAi, None) if name.starts_with("gpt-") && !name.starts_with("gpt-4") => {
            Reasoning::NoneBesideTools
        }
        (Vendor::OpenAi, None) => Reasoning::Never,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_vendor_and_of_others_stand_for_its_models() {
        let check = |wanted: Option<&str>, expected: &str| {
            assert_eq!(meant(Vendor::OpenAi, wanted), Meant::Model(expected), "{wanted:?}");
        };
        check(None, "gpt-6-sol");
        check(Some("strong"), "gpt-6-sol");
        check(Some("fast"), "gpt-6-luna");
        check(Some("claude-sonnet-4-20250514"), "gpt-6-sol");
        check(Some("claude-haiku-5-5"), "gpt-6-luna");
        check(Some("haiku"), "gpt-6-luna");
        check(Some("gpt-4-turbo-2024-04-09"), "gpt-6-sol");
        check(Some("gpt-4o"), "gpt-4o");
        check(Some("gpt-4.1-2025-04-14"), "gpt-4.1-2025-04-14");
        check(Some("ft:gpt-4o:내-회사"), "ft:gpt-4o:내-회사");
        for (id, instead) in WITHDRAWN {
            assert!(
                lookup(Vendor::OpenAi, instead).is_some(),
                "{id} stands for {instead}, which is not listed"
            );
            assert!(lookup(Vendor::OpenAi, id).is_none(), "{id} is listed and withdrawn");
        }
    }

    #[test]
    fn a_server_of_ones_own_is_asked_what_it_has_where_the_name_may_not_be_its_own() {
        let check = |wanted: Option<&str>, expected: Meant<'_>| {
            assert_eq!(meant(Vendor::Another, wanted), expected, "{wanted:?}");
        };
        check(None, Meant::First);
        check(Some("strong"), Meant::First);
        check(Some("claude-sonnet-4"), Meant::Listed("claude-sonnet-4"));
        check(Some("gpt-4o"), Meant::Listed("gpt-4o"));
        check(Some("qwen3:8b"), Meant::Model("qwen3:8b"));
        check(Some("anthropic/claude-sonnet-4"), Meant::Model("anthropic/claude-sonnet-4"));
    }

    /// `gpt-4o` refuses the field, and the newest models refuse tools unless it says `none`.
    #[test]
    fn effort_is_sent_only_as_the_model_takes_it() {
        let check = |vendor, name: &str, expected: [Option<&str>; 3]| {
            let high = Some(Effort::High);
            let got = [(high, true), (high, false), (None, true)]
                .map(|(wanted, has_tools)| effort(vendor, name, wanted, has_tools));
            assert_eq!(got, expected, "{name}");
        };
        check(Vendor::OpenAi, "gpt-5.1", [Some("high"), Some("high"), None]);
        check(Vendor::OpenAi, "gpt-4o-2024-11-20", [None; 3]);
        check(Vendor::OpenAi, "gpt-5.4-mini", [None, Some("high"), None]);
        check(Vendor::OpenAi, "gpt-6-luna", [Some("none"), Some("high"), Some("none")]);
        check(Vendor::OpenAi, "gpt-9", [Some("none"), Some("high"), Some("none")]);
        check(Vendor::OpenAi, "ft:gpt-4o:x", [None; 3]);
        check(Vendor::Another, "qwen3", [Some("high"), Some("high"), None]);
        assert!(takes_effort(Vendor::Another, "qwen3") && !takes_effort(Vendor::OpenAi, "gpt-6-sol"));
    }
}
