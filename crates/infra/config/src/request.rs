//! What [`crate::Settings::load`] may know: everything comes in here, nothing is looked up.

use std::path::{Path, PathBuf};

use domain::permission::PermissionMode;

use crate::{environment::Environment, language::Language, system_file::SandboxChoice};

/// Everything that [`crate::Settings::load`] may know.
pub struct LoadRequest<'r> {
    /// The environment.
    pub environment: &'r Environment,
    /// The person's home folder, absolute; none where there is none.
    pub home: Option<&'r Path>,
    /// The workspace, absolute.
    pub cwd: &'r Path,
    /// The files of `--config`: at most one system and one agent configuration.
    pub config_files: &'r [PathBuf],
    /// What flags say.
    pub flags: &'r Overrides,
    /// The permission mode where nobody says anything: the front end's own.
    pub default_mode: PermissionMode,
    /// The tools that agents may be given.
    pub known_tools: &'r [&'r str],
    /// The built-in prompts: the agent's name (`manager`, `planner`, ...) and the text.
    pub embedded_prompts: &'r [(&'r str, &'r str)],
    /// Whether git tracks a file. Asked only about a workspace's `.env` that holds a credential.
    pub is_tracked: &'r dyn Fn(&Path) -> bool,
}

/// The flags that stand above configuration and environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--provider`, as it was written.
    pub provider: Option<String>,
    /// `--model X`.
    pub model: Option<String>,
    /// `--model AGENT=X`, in order.
    pub agent_models: Vec<(String, String)>,
    /// `--permission-mode`.
    pub permission_mode: Option<PermissionMode>,
    /// `--sandbox`.
    pub sandbox: Option<SandboxChoice>,
    /// `--allow-network`: commands reach every host.
    pub allow_network: bool,
    /// `--add-dir DIR[:ro]`, as they were written; any replace the configured ones.
    pub add_dirs: Vec<String>,
    /// `--pass-env NAME`; any replace the configured ones.
    pub pass_env: Vec<String>,
    /// `--verify`; any replace the configured ones.
    pub verify: Vec<String>,
    /// `--max-turns`; at least 1.
    pub max_turns: Option<u32>,
    /// `--max-tokens`; at least 1.
    pub max_tokens: Option<u64>,
    /// `--max-cost-usd` in US dollars; above 0.
    pub max_cost_usd: Option<f64>,
    /// `--timeout` in seconds; above 0.
    pub timeout_seconds: Option<f64>,
    /// `--intervention` in seconds; 0 for never.
    pub intervention_seconds: Option<f64>,
    /// `--lang`.
    pub lang: Option<Language>,
}
