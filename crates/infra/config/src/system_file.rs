//! `system_config.json`: the keys that this version honours, and those it knows to belong to later ones.

use domain::permission::{Effect, PermissionMode};
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
    /// Model calls.
    pub(crate) performance: Performance,
    /// The engine's own check.
    pub(crate) verify: Verify,
    /// What the team may do by itself.
    pub(crate) permissions: Permissions,
    /// How commands are walled in.
    pub(crate) sandbox: Sandbox,
    /// Model back ends by name.
    pub(crate) providers: Providers,
    /// What people see.
    pub(crate) ui: Ui,
}

/// A day in seconds: no time that can be configured is longer.
pub(crate) const LONGEST_SECONDS: f64 = 86_400.0;

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
    /// Seconds that a whole round may take; null for as long as it takes (default).
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 86_400))]
    pub(crate) timeout_seconds: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Performance {
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
    pub(crate) anthropic: Provider,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Provider {
    /// The endpoint, without `/v1`.
    #[schemars(with = "NotBlank")]
    pub(crate) base_url: Option<String>,
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
pub(crate) const LATER: [(&str, &str); 31] = [
    ("workflow_limits.max_parallel_workers", "parallel workers"),
    ("workflow_limits.max_tokens", "token limits"),
    ("workflow_limits.max_cost_usd", "cost limits"),
    ("workflow_limits.loop_repeats", "loop detection"),
    ("review.force_on", "the review threshold"),
    ("performance.enable_caching", "the prompt cache"),
    ("performance.cache_ttl_seconds", "the prompt cache"),
    ("performance.cache_max_size", "the prompt cache"),
    ("performance.worker_retry_enabled", "configurable retries"),
    ("performance.worker_retry_max_attempts", "configurable retries"),
    ("performance.worker_retry_base_delay", "configurable retries"),
    ("performance.worker_retry_max_delay", "configurable retries"),
    ("performance.worker_retry_jitter", "configurable retries"),
    ("performance.worker_retry_exponential", "configurable retries"),
    ("performance.enable_async_metrics", "metrics"),
    ("performance.metrics_buffer_size", "metrics"),
    ("performance.metrics_flush_interval", "metrics"),
    ("performance.enable_session_compression", "compressed records"),
    ("performance.enable_background_save", "saving in the background"),
    ("intervention_seconds", "the intervention window"),
    ("question_timeout_seconds", "questions with a deadline"),
    ("providers.anthropic.fallback", "fallback providers"),
    ("providers.openai", "the provider openai"),
    ("providers.claude-code", "the provider claude-code"),
    ("prices", "costs"),
    ("retention", "deleting old sessions"),
    ("ui.theme", "the terminal program"),
    ("ui.mouse", "the terminal program"),
    ("ui.animation", "the terminal program"),
    ("ui.glyphs", "the terminal program"),
    ("repl", "the REPL"),
];
