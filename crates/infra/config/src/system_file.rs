//! `system_config.json`: the keys that this version honours, and those it knows to belong to later ones.

use std::collections::BTreeMap;

use domain::{
    permission::{Effect, PermissionMode},
    report::Severity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of better-llm. Every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SystemFile {
    /// The schema of this file.
    #[serde(rename = "$schema")]
    #[schemars(with = "String")]
    _schema: Option<String>,
    /// The numbers that keep a round finite.
    pub(crate) workflow_limits: WorkflowLimits,
    /// Reviews.
    pub(crate) review: Review,
    /// Model calls.
    pub(crate) performance: Performance,
    /// Seconds in which the person may step in after a report; 0 for never (default 5).
    #[schemars(with = "f64", range(min = 0, max = 86_400))]
    pub(crate) intervention_seconds: Option<f64>,
    /// Seconds that a question to the person stays open (default 600).
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0, "maximum" = 86_400))]
    pub(crate) question_timeout_seconds: Option<f64>,
    /// The engine's own check.
    pub(crate) verify: Verify,
    /// What the team may do by itself.
    pub(crate) permissions: Permissions,
    /// How commands are walled in.
    pub(crate) sandbox: Sandbox,
    /// Model back ends by name.
    pub(crate) providers: Providers,
    /// What the tokens of models cost, by the model's name; stands before the built-in prices (default none).
    #[schemars(with = "BTreeMap<String, PriceEntry>")]
    pub(crate) prices: Option<BTreeMap<String, PriceEntry>>,
    /// What people see.
    pub(crate) ui: Ui,
}

/// A day in seconds: no time that can be configured is longer.
pub(crate) const LONGEST_SECONDS: f64 = 86_400.0;

/// More tokens than any round takes.
pub(crate) const LARGEST_TOKENS: u64 = 1_000_000_000_000;

/// More US dollars than any round costs.
pub(crate) const LARGEST_COST_USD: f64 = 1_000_000.0;

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WorkflowLimits {
    /// Reviews of one subject that may ask for changes before the person is asked (default 3).
    #[schemars(with = "u32", range(min = 1, max = 1_000))]
    pub(crate) max_review_iterations: Option<u32>,
    /// Rounds of failed test, fix, test (default 3).
    #[schemars(with = "u32", range(min = 0, max = 1_000))]
    pub(crate) max_retry_cycles: Option<u32>,
    /// Failed coder runs in a row that may be tried again (default 2).
    #[schemars(with = "u32", range(min = 0, max = 1_000))]
    pub(crate) max_coder_retries: Option<u32>,
    /// The manager's turns in a round (default 50).
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub(crate) max_turns: Option<u32>,
    /// A worker's turns in a run (default 100).
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub(crate) max_worker_turns: Option<u32>,
    /// Messages of one conversation before old ones are cut (default 50).
    #[schemars(with = "u32", range(min = 4, max = 100_000))]
    pub(crate) max_messages: Option<u32>,
    /// Workers of one of the manager's turns that run at the same time (default 4).
    #[schemars(with = "u32", range(min = 1, max = 64))]
    pub(crate) max_parallel_workers: Option<u32>,
    /// Tokens of all models in a round, in and out; null for as many as it takes (default).
    #[schemars(range(min = 1, max = LARGEST_TOKENS))]
    pub(crate) max_tokens: Option<u64>,
    /// US dollars that a round may cost; null for what it takes (default). Every model then needs a price.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1_000_000))]
    pub(crate) max_cost_usd: Option<f64>,
    /// How often the same call may give the same result before the agent is told, and once more so often before its
    /// run ends (default 4).
    #[schemars(with = "u32", range(min = 2, max = 1_000))]
    pub(crate) loop_repeats: Option<u32>,
    /// Seconds that a whole round may take; null for as long as it takes (default).
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 86_400))]
    pub(crate) timeout_seconds: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Review {
    /// Open findings from this severity up force another review cycle (default `critical`).
    #[schemars(with = "String", extend("enum" = ["critical", "warning", "info"]))]
    pub(crate) force_on: Option<Severity>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Performance {
    /// Whether a failed model call is tried again (default true).
    #[schemars(with = "bool")]
    pub(crate) worker_retry_enabled: Option<bool>,
    /// How often a model call is tried at most, the first time included (default 3).
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub(crate) worker_retry_max_attempts: Option<u32>,
    /// Seconds before the second attempt (default 1).
    #[schemars(with = "f64", range(min = 0, max = 86_400))]
    pub(crate) worker_retry_base_delay: Option<f64>,
    /// The most seconds before an attempt, unless the server asks for more (default 30).
    #[schemars(with = "f64", range(min = 0, max = 86_400))]
    pub(crate) worker_retry_max_delay: Option<f64>,
    /// The part of a delay that chance decides, so that not all come back at once (default 0.1).
    #[schemars(with = "f64", range(min = 0, max = 1))]
    pub(crate) worker_retry_jitter: Option<f64>,
    /// Whether each delay is twice the one before; otherwise all are alike (default true).
    #[schemars(with = "bool")]
    pub(crate) worker_retry_exponential: Option<bool>,
    /// Seconds of silence in the middle of an answer before it counts as lost (default 90).
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0, "maximum" = 86_400))]
    pub(crate) idle_timeout_seconds: Option<f64>,
    /// Seconds to the first byte of an answer before it counts as lost (default 120).
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0, "maximum" = 86_400))]
    pub(crate) first_byte_timeout_seconds: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Verify {
    /// Test commands that the engine runs before a round may end as done (default none).
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) commands: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Permissions {
    /// How much the team may do by itself (default: `auto-edit` in the CLI).
    #[schemars(with = "String", extend("enum" = ["plan", "ask", "auto-edit", "full"]))]
    pub(crate) mode: Option<PermissionMode>,
    /// What is allowed, asked about or denied; `deny` beats `ask`, `ask` beats `allow` (default none).
    #[schemars(with = "Vec<RuleEntry>")]
    pub(crate) rules: Option<Vec<RuleEntry>>,
}

/// One rule about calls of a tool.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    /// What happens to the calls that the rule covers.
    #[schemars(with = "String", extend("enum" = ["allow", "ask", "deny"]))]
    pub(crate) effect: Effect,
    /// A tool's name; `*` for every tool.
    #[schemars(with = "NotBlank")]
    pub(crate) tool: String,
    /// Which calls: of a file tool a glob over paths of the workspace, of a command its words with `*` for more;
    /// without it every call of the tool.
    #[serde(default)]
    #[schemars(with = "NotBlank")]
    pub(crate) argument: Option<String>,
    /// The only agent that the rule is about; without it every agent.
    #[serde(default)]
    #[schemars(with = "NotBlank")]
    pub(crate) agent: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sandbox {
    /// The wall around commands; `auto` is the best level that works here (default).
    #[schemars(with = "String", extend("enum" = ["auto", "strict", "kernel", "none"]))]
    pub(crate) level: Option<SandboxChoice>,
    /// Hosts that commands may reach; `*` for every one (default none).
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) network: Option<Vec<String>>,
    /// Further folders: `DIR`, or `DIR:ro` to read only; relative ones begin at the workspace (default none).
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) add_dirs: Option<Vec<String>>,
    /// Variables of the environment that commands get, by name (default none).
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) pass_env: Option<Vec<String>>,
}

/// A sandbox level as people choose it, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxChoice {
    /// No wall.
    None,
    /// Landlock and seccomp.
    Kernel,
    /// The best level that works here; never `none`.
    Auto,
    /// Namespaces, a read-only view, seccomp.
    Strict,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Providers {
    /// The Messages API.
    pub(crate) anthropic: AnthropicEntry,
    /// Chat Completions: OpenAI, and servers of one's own that speak it.
    pub(crate) openai: OpenAiEntry,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AnthropicEntry {
    /// The endpoint, without `/v1`.
    #[schemars(with = "NotBlank")]
    pub(crate) base_url: Option<String>,
    /// Who answers where it cannot, in this order: `openai`, or a model as in `openai/fast` (default nobody).
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) fallback: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OpenAiEntry {
    /// The endpoint, with or without `/v1`. Servers of one's own need no key.
    #[schemars(with = "NotBlank")]
    pub(crate) base_url: Option<String>,
    /// Who answers where it cannot, in this order: `anthropic`, or a model as in `anthropic/fast` (default nobody).
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) fallback: Option<Vec<String>>,
}

/// US dollars for a million tokens of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceEntry {
    /// Input that no cache knew.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) input: f64,
    /// Output, thinking included.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) output: f64,
    /// Input read from the provider's cache (default: as `input`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64", range(min = 0, max = 1_000_000))]
    pub(crate) cache_read: Option<f64>,
    /// Input written to the provider's cache (default: 1.25 times `input`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64", range(min = 0, max = 1_000_000))]
    pub(crate) cache_write: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ui {
    /// The language (default: that of the locale).
    #[schemars(with = "String", extend("enum" = ["en", "ko"]))]
    pub(crate) lang: Option<crate::language::Language>,
}

// The schema of a text with something in it. No doc comment: it would describe every such key.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(crate) struct NotBlank(
    #[schemars(regex(pattern = r"\S"))]
    #[expect(dead_code, reason = "schema only")]
    String,
);

/// Keys, and values as `path=value`, that this version knows and cannot honour yet, with the feature they belong
/// to. A path stands for everything below it.
pub(crate) const LATER: [(&str, &str); 15] = [
    ("performance.enable_caching", "the prompt cache"),
    ("performance.cache_ttl_seconds", "the prompt cache"),
    ("performance.cache_max_size", "the prompt cache"),
    ("performance.enable_async_metrics", "metrics"),
    ("performance.metrics_buffer_size", "metrics"),
    ("performance.metrics_flush_interval", "metrics"),
    ("performance.enable_session_compression", "compressed records"),
    ("performance.enable_background_save", "saving in the background"),
    ("providers.claude-code", "the provider claude-code"),
    ("retention", "deleting old sessions"),
    ("ui.theme", "the terminal program"),
    ("ui.mouse", "the terminal program"),
    ("ui.animation", "the terminal program"),
    ("ui.glyphs", "the terminal program"),
    ("repl", "the REPL"),
];
