//! `agent_config.json`: the team (spec O-12).

use domain::agent::WorkerKind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::system_file::NotBlank;

/// The team: everyone whom the manager may call.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentFile {
    /// The schema of this file.
    #[serde(rename = "$schema", default)]
    #[schemars(with = "String")]
    _schema: Option<String>,
    /// The workers, in the order in which the manager is told of them.
    #[schemars(length(min = 1))]
    pub(crate) agents: Vec<AgentEntry>,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentEntry {
    /// A letter, then letters, digits, `_` or `-`; unique.
    #[schemars(with = "NotBlank")]
    pub(crate) name: String,
    /// What it is for, in a few words.
    #[schemars(with = "NotBlank")]
    pub(crate) role: String,
    /// What its report and its limits are; the built-in names imply it, other names mean `general`.
    #[serde(default)]
    #[schemars(
        with = "String",
        extend("enum" = ["planner", "coder", "reviewer", "tester", "committer", "general"])
    )]
    pub(crate) kind: Option<WorkerKind>,
    /// The prompt, relative to the folder above `config/`; the built-in names have a built-in one.
    #[serde(default)]
    #[schemars(with = "NotBlank")]
    pub(crate) system_prompt_file: Option<String>,
    /// The tools it may use.
    #[serde(default)]
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) tools: Option<Vec<String>>,
    /// Another word for `tools`.
    #[serde(default)]
    #[schemars(with = "Vec<NotBlank>")]
    pub(crate) allowed_tools: Option<Vec<String>>,
    /// The model's name or alias; without it the provider's standard one.
    #[serde(default)]
    #[schemars(with = "NotBlank")]
    pub(crate) model: Option<String>,
    /// The model back end: `anthropic`, `openai`, `offline` or `script:FILE`; without it the session's.
    #[serde(default)]
    #[schemars(with = "NotBlank")]
    pub(crate) provider: Option<String>,
    /// Whether the model is asked to think before it answers.
    #[serde(default)]
    #[schemars(with = "bool")]
    pub(crate) thinking: Option<bool>,
    /// Seconds that one run may take.
    #[serde(default)]
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0, "maximum" = 86_400))]
    pub(crate) timeout_seconds: Option<f64>,
    /// Said to the manager beside the role.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(crate) description: Option<String>,
}

/// Values, as `path=value`, that belong to later versions; a list's index is left out of the path.
pub(crate) const LATER: [(&str, &str); 2] = [
    ("agents[].provider=claude-code", "the provider claude-code"),
    ("agents[].provider=replay", "replaying"),
];
