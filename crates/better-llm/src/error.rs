//! Why a session could not begin. Nothing has happened then.

use std::{io, path::PathBuf, sync::Arc};

use config::{ConfigError, ProviderError};
use domain::id::SessionId;
use llm::{InvalidEndpoint, InvalidScript};
use sandbox::SandboxError;
use serde_json::json;
use workspace::WorktreeError;

use crate::{engine::SessionError, prices::UnpricedModel};

/// Why a session could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The workspace is no folder that can be opened.
    #[error("cannot use {} as the workspace: name an existing folder with `--cwd`", path.display())]
    Workspace {
        /// The folder that was asked for.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration is wrong somewhere.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no model to ask.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The endpoint's address is none.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// The script of answers cannot be read.
    #[error("cannot read the script {}", path.display())]
    ScriptFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The script of answers is no script.
    #[error(transparent)]
    Script(#[from] InvalidScript),
    /// A limit of costs, and models that nobody knows the price of.
    #[error(
        "a limit of costs needs a price for every model, and there is none for {}: set it in `prices` of \
         system_config.json, in US dollars for a million tokens, as in {}, or leave out the limit (`--max-cost-usd`, \
         `workflow_limits.max_cost_usd`)",
        list(models),
        price_example(models)
    )]
    Unpriced {
        /// The models; at least one.
        models: Vec<UnpricedModel>,
    },
    /// The session to be taken up cannot be, or a new one cannot be kept from others.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is no worktree to work in.
    #[error(transparent)]
    Worktree(#[from] WorktreeError),
    /// A session that goes on works in no worktree of its own.
    #[error(
        "session {session} works in {cwd} and has no worktree: leave out `--worktree`, or begin another session"
    )]
    NoWorktree {
        /// The session.
        session: SessionId,
        /// Where it works.
        cwd: String,
    },
    /// The sandbox level that was named cannot be had.
    #[error(transparent)]
    Sandbox(Arc<SandboxError>),
    /// The tools cannot open the workspace.
    #[error(transparent)]
    Tools(#[from] tools::OpenError),
    /// The demo's folder could not be made.
    #[error("cannot make the demo in {}", path.display())]
    Demo {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn list(models: &[UnpricedModel]) -> String {
    models.iter().map(UnpricedModel::to_string).collect::<Vec<_>>().join(", ")
}

/// What to write into the configuration for the first of the models; the figures are placeholders.
pub(crate) fn price_example(models: &[UnpricedModel]) -> String {
    let model = models.first().map_or("MODEL", |unpriced| unpriced.model.as_str());
    json!({ "prices": { model: { "input": 1, "output": 5 } } }).to_string()
}

impl StartError {
    /// For a [`StartError::Unpriced`]: what to write into system_config.json, with figures to be replaced.
    #[must_use]
    pub fn price_example(&self) -> Option<String> {
        match self {
            Self::Unpriced { models } => Some(price_example(models)),
            _ => None,
        }
    }

    /// The stable code in events and JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Workspace { .. } => "workspace",
            Self::Config(_) => "configuration",
            Self::Provider(error) if error.is_credentials() => "no_credentials",
            Self::Provider(_) => "provider",
            Self::Endpoint(_) => "endpoint",
            Self::ScriptFile { .. } | Self::Script(_) => "script",
            Self::Unpriced { .. } => "unpriced_model",
            Self::Session(error) => error.code(),
            Self::Worktree(_) | Self::NoWorktree { .. } => "worktree",
            Self::Sandbox(_) => "sandbox",
            Self::Tools(_) => "tools",
            Self::Demo { .. } => "demo",
        }
    }

    /// What a program that could not begin exits with (contract 2): 2 usage, 3 configuration, 4 no credentials; for a
    /// session that is there already, 16 not found, 17 not yet, 1 where our own data cannot be used.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Provider(error) if error.is_credentials() => 4,
            Self::Session(error) => error.exit_code(),
            Self::Worktree(WorktreeError::Git { .. } | WorktreeError::File { .. }) => 3,
            Self::Provider(_) | Self::Workspace { .. } | Self::Worktree(_) | Self::NoWorktree { .. } => 2,
            _ => 3,
        }
    }
}
