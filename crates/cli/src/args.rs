//! What the person typed, as a value: the door of the program. Nothing behind it reads an argument again.
//!
//! One table ([`table`]) holds every verb and option; the parser, the help texts and the list of what comes in
//! later versions read it. This module opens no file, reads no variable and starts nothing.

mod error;
mod operands;
mod parse;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod value;
mod verbs;

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use domain::{agent::AgentName, id::SessionId, model::Effort, permission::PermissionMode};

use self::table::VerbId;
pub(crate) use self::{
    error::{Known, Rejected, UsageError, VerbError, Wanted},
    parse::parse,
};
use crate::words::Language;

/// One call of the program.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Invocation {
    /// What is to be done.
    pub(crate) verb: Verb,
    /// How.
    pub(crate) options: Options,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Explain the program, or a part of it.
    Help(Topic),
    /// Say the version.
    Version,
    /// Run one task.
    Run(Task),
    /// Go on with the round in which a session was broken off (`--resume ID`, `--continue`, without a task).
    GoOn,
    /// Play the bundled demo.
    Demo,
    /// List the agents.
    AgentsList,
    /// Show one agent.
    AgentsShow(AgentName),
    /// Show the configuration in force.
    ConfigShow,
    /// Check the configuration.
    ConfigCheck,
    /// Print the schemas of the configuration files.
    ConfigSchema,
    /// Say where everything lies.
    ConfigPaths,
    /// Trust the workspace's configuration as it is.
    ConfigTrust,
    /// Say who may do what, and by which rule.
    PermissionsExplain(PermissionQuestion),
    /// Take back what a round did to the files.
    SessionUndo(UndoRequest),
    /// Make a session that shares another one's beginning. Its id, or the beginning of it.
    SessionFork(String),
}

/// What is to be explained.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PermissionQuestion {
    /// The agent; none: all of them.
    pub(crate) agent: Option<AgentName>,
    /// A tool and its path or command; none: every tool.
    pub(crate) call: Option<(String, String)>,
}

/// What is to be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UndoRequest {
    /// The session; none: the latest of the workspace.
    pub(crate) session: Option<SessionId>,
    /// Files and folders, as typed; none: everything.
    pub(crate) paths: Vec<String>,
}

/// What help is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The program.
    Program,
    /// Verbs that begin with this word.
    Group(&'static str),
    /// One verb.
    Verb(VerbId),
}

/// Where the task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// In the arguments.
    Text(String),
    /// On standard input (`-`).
    StandardInput,
}

/// The options of a call. What a verb does not take is empty: the parser refuses it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    /// Log to standard error at DEBUG, too.
    pub(crate) verbose: bool,
    /// System or agent configuration files, at most two.
    pub(crate) configs: Vec<PathBuf>,
    /// The model back end; none: the first that has credentials.
    pub(crate) provider: Option<Provider>,
    /// Models for all agents, or for one; no two for the same.
    pub(crate) models: Vec<ModelChoice>,
    /// Reasoning effort.
    pub(crate) effort: Option<Effort>,
    /// The workspace; none: here.
    pub(crate) cwd: Option<PathBuf>,
    /// The session to go on with; none: a new one.
    pub(crate) session: Option<EarlierSession>,
    /// A session that begins works in a worktree of its own.
    pub(crate) worktree: bool,
    /// What may be done without asking.
    pub(crate) permission_mode: Option<PermissionMode>,
    /// How commands are walled in.
    pub(crate) sandbox: Option<Sandbox>,
    /// Commands may reach the network.
    pub(crate) allow_network: bool,
    /// Further folders, as typed: `DIR` or `DIR:ro`.
    pub(crate) add_dirs: Vec<String>,
    /// Variables that commands get from the person's environment.
    pub(crate) pass_env: Vec<String>,
    /// Test commands that the engine itself runs.
    pub(crate) verify: Vec<String>,
    /// The manager's turns.
    pub(crate) max_turns: Option<NonZeroU32>,
    /// Tokens of all models in the round, in and out.
    pub(crate) max_tokens: Option<NonZeroU64>,
    /// What the round may cost, in US dollars; above 0.
    pub(crate) max_cost_usd: Option<f64>,
    /// The whole round.
    pub(crate) timeout: Option<Duration>,
    /// How long the person may step in after reports; zero: not at all.
    pub(crate) intervention: Option<Duration>,
    /// Data that goes with the task, in the order given.
    pub(crate) context: Vec<ContextSource>,
    /// The round of the session that is meant; none: the last.
    pub(crate) round: Option<NonZeroU32>,
    /// What is printed.
    pub(crate) output: OutputFormat,
    /// Commands come as lines of JSON on standard input.
    pub(crate) takes_commands: bool,
    /// Data as JSON, for verbs that print data.
    pub(crate) json: bool,
    /// The language of the program; none: as the environment says.
    pub(crate) language: Option<Language>,
}

/// A session that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EarlierSession {
    /// The latest of the workspace (`--continue`).
    Latest,
    /// The one of this id, or whose id begins like this (`--resume`).
    Named(String),
}

/// A model back end (`--provider`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provider {
    /// The Messages API.
    Anthropic,
    /// Chat Completions.
    OpenAi,
    /// No model at all.
    Offline,
    /// Scripted answers from a file.
    Script(PathBuf),
}

/// A model (`--model X`, `--model AGENT=X`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelChoice {
    /// For this agent; none: for all.
    pub(crate) agent: Option<AgentName>,
    /// A model's name or alias.
    pub(crate) model: String,
}

/// How commands are walled in (`--sandbox`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// The best level that works here.
    Auto,
    /// Namespaces of their own, without a network.
    Strict,
    /// Landlock and seccomp.
    Kernel,
    /// Nothing.
    None,
}

/// Where data for the task comes from (`--context`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContextSource {
    /// A file.
    File(PathBuf),
    /// Standard input (`-`).
    StandardInput,
}

/// What is printed (`--output-format`, `--partial`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// Lines for people.
    #[default]
    Text,
    /// The last event, alone.
    Json,
    /// Every event, one a line.
    StreamJson {
        /// Deltas, too.
        partial: bool,
    },
}
