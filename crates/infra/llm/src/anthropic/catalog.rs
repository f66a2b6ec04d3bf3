//! The models of the Messages API as of 2026-11-20: names, sizes, and which settings they take.
//!
//! A model that is not listed is sent under the name it was given. What they cost stands in [`super::prices`].

use domain::model::{Effort, ModelFacts};
use reqwest::Url;
use serde::Serialize;

use super::prices::price_of;
use crate::grade::{Family, Grade};

/// More output than this in one answer is a sign of trouble, and thinking counts as output.
const SENSIBLE_MAX_OUTPUT: u32 = 32_000;

/// What a model that thinks within a budget may spend on it; below every `max_output` of the table.
const THINKING_BUDGET: u32 = 16_000;

/// The least that such a model takes as its budget.
const LEAST_THINKING_BUDGET: u32 = 1_024;

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ThinkingStyle {
    /// Thinks always; `disabled` and `enabled` are refused.
    Always,
    /// Thinks unless `disabled`.
    UnlessDisabled,
    /// Thinks unless told to do so only between tool calls; `disabled` is refused.
    UnlessBetweenTools,
    /// Thinks where asked to.
    WhereAsked,
    /// Thinks where asked to, within a budget.
    WithinBudget,
    /// Nothing is known.
    Unknown,
}

/// A model that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ModelEntry {
    /// The name on the wire, without a date.
    id: &'static str,
    /// Tokens of input and output together.
    window: u32,
    /// Tokens of one answer.
    max_output: u32,
    thinking: ThinkingStyle,
    /// Whether `output_config.effort` is taken.
    effort: bool,
}

const fn entry(
    id: &'static str,
    window: u32,
    max_output: u32,
    thinking: ThinkingStyle,
    effort: bool,
) -> ModelEntry {
    ModelEntry { id, window, max_output, thinking, effort }
}

const MODELS: &[ModelEntry] = {
    use ThinkingStyle::{Always, UnlessBetweenTools, UnlessDisabled, WhereAsked, WithinBudget};
    &[
        entry("claude-fable-5-2", 1_000_000, 128_000, Always, true),
        entry("claude-mythos-5-2", 1_000_000, 128_000, Always, true),
        entry("claude-fable-5-1", 1_000_000, 64_000, Always, true),
        entry("claude-mythos-5-1", 1_000_000, 64_000, Always, true),
        entry("claude-fable-5", 1_000_000, 64_000, Always, true),
        entry("claude-mythos-5", 1_000_000, 64_000, Always, true),
        entry("claude-opus-5-5", 1_000_000, 128_000, Always, true),
        entry("claude-opus-5", 1_000_000, 64_000, UnlessDisabled, true),
        entry("claude-opus-4-8", 1_000_000, 64_000, WhereAsked, true),
        entry("claude-opus-4-7", 1_000_000, 64_000, WhereAsked, true),
        entry("claude-opus-4-6", 200_000, 64_000, WhereAsked, true),
        entry("claude-opus-4-5", 200_000, 32_000, WithinBudget, true),
        entry("claude-sonnet-5-5", 1_000_000, 128_000, UnlessBetweenTools, true),
        entry("claude-sonnet-5", 1_000_000, 64_000, UnlessDisabled, true),
        entry("claude-sonnet-4-6", 200_000, 32_000, WhereAsked, true),
        entry("claude-sonnet-4-5", 200_000, 32_000, WithinBudget, false),
        entry("claude-haiku-5-5", 1_000_000, 128_000, UnlessDisabled, true),
        entry("claude-haiku-4-5", 200_000, 32_000, WithinBudget, false),
    ]
};

/// A model of the vendor's that is newer than the table: it most likely thinks always.
const NEWER: ModelEntry = entry("", 200_000, 32_000, ThinkingStyle::Always, true);

/// Some model behind an endpoint that speaks the same protocol.
const FOREIGN: ModelEntry = entry("", 200_000, 32_000, ThinkingStyle::Unknown, true);

const STRONG: &str = "claude-opus-5-5";
const STANDARD: &str = "claude-sonnet-5-5";
const FAST: &str = "claude-haiku-5-5";

/// Names that stand for another: the three grades, families without a version, and families whose models were
/// withdrawn (the vendor's list: the 4.0 models on 2026-06-15, the 3 line before).
const ALIASES: &[(&str, &str)] = &[
    ("strong", STRONG),
    ("standard", STANDARD),
    ("fast", FAST),
    ("opus", STRONG),
    ("sonnet", STANDARD),
    ("haiku", FAST),
    ("claude-opus", STRONG),
    ("claude-sonnet", STANDARD),
    ("claude-haiku", FAST),
    ("claude-opus-4", STRONG),
    ("claude-opus-4-0", STRONG),
    ("claude-opus-4-1", STRONG),
    ("claude-sonnet-4", STANDARD),
    ("claude-sonnet-4-0", STANDARD),
    ("claude-haiku-4", FAST),
    ("claude-3-opus", STRONG),
    ("claude-3-7-sonnet", STANDARD),
    ("claude-3-5-sonnet", STANDARD),
    ("claude-3-sonnet", STANDARD),
    ("claude-3-5-haiku", FAST),
    ("claude-3-haiku", FAST),
];

/// Whose endpoint it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vendor {
    /// The protocol's own: it has its own models only.
    Anthropic,
    /// A gateway, or another one that speaks the protocol: it may have models of anybody.
    Another,
}

impl Vendor {
    pub(super) fn at(url: &Url) -> Self {
        match url.host_str() {
            Some("api.anthropic.com") => Self::Anthropic,
            _ => Self::Another,
        }
    }
}

/// The name on the wire for a name or alias; without one, the standard model's. The vendor's own endpoint answers for
/// another vendor's model by its own of the same grade.
pub(super) fn resolve(vendor: Vendor, wanted: Option<&str>) -> &str {
    let wanted = wanted.unwrap_or("standard");
    if let Some((_, id)) = ALIASES.iter().find(|(alias, _)| *alias == without_date(wanted)) {
        return id;
    }
    if vendor == Vendor::Another || Family::of(wanted) != Some(Family::Gpt) {
        return wanted;
    }
    match Grade::of(Family::Gpt, wanted) {
        Grade::Strong => STRONG,
        Grade::Standard => STANDARD,
        Grade::Fast => FAST,
    }
}

/// What is known of the model with this name on the wire.
pub(super) fn lookup(name: &str) -> ModelEntry {
    let bare = without_date(name);
    let listed = MODELS.iter().find(|entry| entry.id == bare).copied();
    listed.unwrap_or(if bare.starts_with("claude-") { NEWER } else { FOREIGN })
}

/// What is known before the model with this name on the wire is asked.
pub(super) fn facts(name: &str) -> ModelFacts {
    let bare = without_date(name);
    let listed = MODELS.iter().find(|entry| entry.id == bare);
    ModelFacts {
        context_window: listed.map(|entry| entry.window.into()),
        max_output_tokens: Some(lookup(name).max_tokens().into()),
        price: price_of(bare),
    }
}

/// `claude-haiku-4-5` of `claude-haiku-4-5-20251001`.
fn without_date(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((bare, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => name,
    }
}

/// The `thinking` of a request.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThinkingSetting {
    /// As much as the model finds right. Summarized: at the vendor's default the text between tool calls comes back
    /// empty, and nothing could be shown as it is produced (spec O-4).
    Adaptive {
        /// Always [`SUMMARIZED`].
        display: &'static str,
    },
    /// At most so much.
    Enabled {
        /// Tokens; less than `max_tokens`.
        budget_tokens: u32,
    },
    /// Not at all.
    Disabled,
    /// As little as a model allows that refuses `disabled`.
    BetweenTools,
}

impl ThinkingSetting {
    /// Whether it is thinking within a budget.
    pub(super) const fn has_budget(&self) -> bool {
        matches!(self, Self::Enabled { .. })
    }
}

const SUMMARIZED: &str = "summarized";

impl ModelEntry {
    /// The most tokens that an answer is given.
    pub(super) fn max_tokens(self) -> u32 {
        self.max_output.min(SENSIBLE_MAX_OUTPUT)
    }

    /// The `max_tokens` of a request: fewer where a budget leaves fewer.
    pub(super) fn max_tokens_within(self, budget: Option<u64>) -> u32 {
        let budget = budget.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
        self.max_tokens().min(budget.unwrap_or(u32::MAX)).max(1)
    }

    /// The `thinking` of a request with so many `max_tokens`; none where the model's default is what is wanted, or
    /// where a budget for thinking would leave nothing to answer with.
    pub(super) fn thinking(self, wanted: Option<bool>, max_tokens: u32) -> Option<ThinkingSetting> {
        let adaptive = Some(ThinkingSetting::Adaptive { display: SUMMARIZED });
        match (self.thinking, wanted) {
            (ThinkingStyle::Always, _) => adaptive,
            (ThinkingStyle::UnlessDisabled, Some(false)) => Some(ThinkingSetting::Disabled),
            (ThinkingStyle::UnlessBetweenTools, Some(false)) => Some(ThinkingSetting::BetweenTools),
            (ThinkingStyle::UnlessDisabled | ThinkingStyle::UnlessBetweenTools, _) => adaptive,
            (ThinkingStyle::WhereAsked, Some(true)) => adaptive,
            (ThinkingStyle::WithinBudget, Some(true)) => {
                let budget_tokens = THINKING_BUDGET.min(max_tokens / 2).max(LEAST_THINKING_BUDGET);
                (budget_tokens < max_tokens).then_some(ThinkingSetting::Enabled { budget_tokens })
            }
            (ThinkingStyle::Unknown, Some(true)) => adaptive,
            (ThinkingStyle::WhereAsked | ThinkingStyle::WithinBudget | ThinkingStyle::Unknown, _) => None,
        }
    }

    /// Whether it is told how much effort is wanted.
    pub(super) const fn takes_effort(self) -> bool {
        self.effort
    }

    /// The `output_config.effort` of a request; none where the model takes none.
    pub(super) fn effort(self, wanted: Option<Effort>) -> Option<&'static str> {
        wanted.filter(|_| self.effort).map(|effort| match effort {
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_withdrawn_families_resolve_to_listed_models() {
        let check = |wanted: Option<&str>, expected: &str| {
            assert_eq!(resolve(Vendor::Anthropic, wanted), expected, "{wanted:?}")
        };
        check(None, "claude-sonnet-5-5");
        check(Some("strong"), "claude-opus-5-5");
        check(Some("fast"), "claude-haiku-5-5");
        check(Some("claude-sonnet-4"), "claude-sonnet-5-5");
        check(Some("claude-sonnet-4-20250514"), "claude-sonnet-5-5");
        check(Some("claude-haiku-4-5-20251001"), "claude-haiku-4-5-20251001");
        check(Some("gateway/my-model"), "gateway/my-model");
        check(Some("gpt-6-luna"), "claude-haiku-5-5");
        check(Some("gpt-4o"), "claude-sonnet-5-5");
        assert_eq!(resolve(Vendor::Another, Some("gpt-4o")), "gpt-4o", "a gateway may have it");
        for (alias, id) in ALIASES {
            assert!(facts(id).context_window.is_some(), "{alias} stands for {id}, which is not listed");
        }
    }

    #[test]
    fn an_answer_may_be_long_but_not_endless_and_leaves_room_beside_thinking() {
        assert_eq!(lookup("claude-opus-5-5").max_tokens(), 32_000);
        for entry in MODELS {
            assert!(
                entry.max_tokens() > THINKING_BUDGET && entry.max_tokens() <= entry.max_output,
                "{}",
                entry.id
            );
        }
    }

    #[test]
    fn thinking_is_switched_only_as_the_model_allows() {
        let adaptive = || Some(ThinkingSetting::Adaptive { display: "summarized" });
        let check = |model: &str, expected: [Option<ThinkingSetting>; 3]| {
            let entry = lookup(model);
            let got = [None, Some(true), Some(false)].map(|wanted| entry.thinking(wanted, 32_000));
            assert_eq!(got, expected, "{model}");
        };
        check("claude-opus-5-5", [adaptive(), adaptive(), adaptive()]);
        check("claude-fable-5-1", [adaptive(), adaptive(), adaptive()]);
        check("claude-opus-9", [adaptive(), adaptive(), adaptive()]);
        check("claude-haiku-5-5", [adaptive(), adaptive(), Some(ThinkingSetting::Disabled)]);
        check("claude-sonnet-5-5", [adaptive(), adaptive(), Some(ThinkingSetting::BetweenTools)]);
        check("claude-opus-4-6", [None, adaptive(), None]);
        let budget = Some(ThinkingSetting::Enabled { budget_tokens: 16_000 });
        check("claude-haiku-4-5-20251001", [None, budget, None]);
        check("my-model", [None, adaptive(), None]);
    }

    #[test]
    fn a_budget_lowers_the_answer_and_the_thinking_in_it() {
        let check = |left: Option<u64>, max_tokens: u32, thinking: Option<u32>| {
            let entry = lookup("claude-haiku-4-5");
            let setting = thinking.map(|budget_tokens| ThinkingSetting::Enabled { budget_tokens });
            let most = entry.max_tokens_within(left);
            assert_eq!((most, entry.thinking(Some(true), most)), (max_tokens, setting), "{left:?}");
        };
        check(None, 32_000, Some(16_000));
        check(Some(1_000_000_000_000), 32_000, Some(16_000));
        check(Some(20_000), 20_000, Some(10_000));
        check(Some(1_500), 1_500, Some(1_024));
        check(Some(1_024), 1_024, None);
    }

    #[test]
    fn every_listed_model_has_a_price() {
        for entry in MODELS {
            assert!(facts(entry.id).price.is_some(), "{}", entry.id);
        }
        assert_eq!(facts("claude-haiku-4-5-20251001").price, price_of("claude-haiku-4-5"));
        assert_eq!((facts("claude-opus-9").price, facts("my-model").price), (None, None));
    }

    #[test]
    fn effort_is_sent_only_to_models_that_take_it() {
        assert_eq!(lookup("claude-opus-5-5").effort(Some(Effort::High)), Some("high"));
        assert_eq!(lookup("claude-opus-5-5").effort(None), None);
        assert_eq!(lookup("claude-haiku-4-5").effort(Some(Effort::Low)), None);
    }
}
