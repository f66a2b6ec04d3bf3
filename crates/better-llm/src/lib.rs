//! better-llm as a library: a team of language-model agents that finishes software work and can prove it.
//!
//! [`EngineBuilder`] takes everything a run may know — the environment, the home folder, the clock — and reads the
//! configuration; [`Engine::session`] starts a session; [`SessionHandle`] takes commands and gives events. Nothing is
//! process-wide: two engines in one program never meet. `examples/embed.rs` is the whole of it on one page.
//!
//! This is the only place that names adapters. Front ends translate keys and flags into commands, and events into
//! screens and lines; whatever they can do, a program that embeds this library can do, too.

pub mod demo;

mod engine;
mod error;
mod explain;
mod host;
mod models;
mod prices;
mod prompts;

pub use application::{CommandRefused, EventStream, Published, SessionHandle};
pub use config::{
    AddedDir, ConfigError, Credential, Environment, Fallback, Fault, FileKind, Language, LogFormat, LogLevel,
    Notice, Origin, Overrides, Places, Problem, Provider, ProviderError, ProxySettings, SandboxChoice,
    Settings, Shown, Source, SourcedRule, Spot, StoreError, UsedFile, VARIABLES, VariableRule,
    WorkspaceGrants, agent_config_schema, system_config_schema,
    trust::{
        RefusedItem, Trust, TrustChange, TrustChangeKind, TrustEffect, TrustError, TrustItem, TrustState,
        Widening,
    },
};
pub use domain;
pub use engine::{ClearError, Engine, EngineBuilder, Fork, SessionError, Undo, UndoError};
pub use error::StartError;
pub use explain::{
    AgentPermissions, ExplainError, ExplainedRule, Explanation, PermissionDecision, ToolPermission,
};
pub use host::{RandomIds, SystemClock};
pub use llm::{InvalidEndpoint, InvalidScript};
pub use prices::UnpricedModel;
pub use sandbox::{Helper, SandboxError, run_helper_if_asked};
pub use socket::{AttachError, Attached, Doing, Owner, Refusal, SessionState, SocketError, Watching};
pub use tools::{NAMES as TOOL_NAMES, OpenError};
pub use workspace::{Cleared, Unsaved, WorktreeError, lock::LockError};

/// Our version, as events and `--version` name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
