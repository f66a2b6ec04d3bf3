//! Files, environment and flags become valid domain values, or located errors.
//!
//! [`Settings::load`] is the one way in. It reads no environment, no clock and no home folder of its own: what it
//! may know stands in the [`LoadRequest`]. It finds every problem before it gives up ([`ConfigError`]), and says
//! what it left out ([`Notice`]). It starts nothing, asks nobody and writes nothing. What a person decides about a
//! workspace is written by [`trust::Trust::grant`] and by [`WorkspaceGrants`].
//!
//! # Where values come from
//! Of each kind of file (system, agents) the first that is found counts: `--config`; the workspace's
//! `.better-llm/`; the workspace's `config/` where the file is ours by its `$schema` or its keys; the person's
//! config root; none, then the built-in values. Of each value: flag, environment (then the `.env` of the
//! workspace, then that of the config root), configuration, default.
//!
//! # Before a folder is trusted
//! A file that came with a workspace may only *narrow* what would hold without it, so it is laid over the
//! person's own file instead of hiding it. What that means key by key, what trust is bound to, and why, stands in
//! [`trust`].

mod agent_entry;
mod agent_file;
mod ambient;
mod dotenv;
mod draft;
mod env_file;
mod environment;
mod fallback;
mod files;
mod grants;
mod host;
mod json;
mod language;
mod limits;
mod loading;
mod log;
mod model_calls;
mod notice;
mod picker;
mod places;
mod problem;
mod prompt;
mod provider;
mod proxy;
mod reading;
mod request;
mod resolve;
mod rules;
mod schema;
mod secret_names;
mod settings;
mod shape;
mod source;
mod system_file;
mod team;
#[cfg(test)]
mod tests;
pub mod trust;
mod variables;
mod walls;
mod workspace_store;

pub use environment::{Environment, VARIABLES};
pub use fallback::Fallback;
pub use files::{FileKind, Origin, UsedFile};
pub use grants::WorkspaceGrants;
pub use language::Language;
pub use log::{LogFormat, LogLevel};
pub use notice::{Notice, VariableRule};
pub use places::Places;
pub use problem::{ConfigError, Fault, Problem, Spot};
pub use provider::{Credential, Provider, ProviderError};
pub use proxy::ProxySettings;
pub use request::{LoadRequest, Overrides};
pub use rules::SourcedRule;
pub use schema::{agent_config_schema, system_config_schema};
pub use settings::{Loaded, Settings};
pub use source::{Shown, Source};
pub use system_file::SandboxChoice;
pub use walls::AddedDir;
pub use workspace_store::StoreError;
