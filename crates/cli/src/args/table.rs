//! Every verb and option of this version, once. What they mean to a person stands in [`crate::words`].

mod options;

pub(crate) use self::options::{
    LATER_OPTIONS, LATER_PROVIDERS, OPTIONS, OptionId, OptionRow, PROVIDERS, Takes,
};
use super::table::VerbId::{
    AgentsList, AgentsShow, ConfigCheck, ConfigPaths, ConfigSchema, ConfigShow, ConfigTrust, Demo,
    PermissionsExplain, Run, SessionFork, SessionUndo,
};

/// A verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VerbId {
    /// `run TASK`, and a task without a verb.
    Run,
    /// `demo`
    Demo,
    /// `agents list`
    AgentsList,
    /// `agents show`
    AgentsShow,
    /// `config show`
    ConfigShow,
    /// `config check`
    ConfigCheck,
    /// `config schema`
    ConfigSchema,
    /// `config paths`
    ConfigPaths,
    /// `config trust`
    ConfigTrust,
    /// `permissions explain`
    PermissionsExplain,
    /// `session undo`
    SessionUndo,
    /// `session fork`
    SessionFork,
}

/// A verb's row.
#[derive(Debug)]
pub(crate) struct VerbRow {
    /// The verb.
    pub(crate) id: VerbId,
    /// The words that call it.
    pub(crate) path: &'static [&'static str],
    /// What follows the words, where something does, as help shows it; what need not stand there in brackets.
    pub(crate) operand: Option<&'static str>,
    /// What one could type after the program's name.
    pub(crate) example: &'static str,
}

/// Every verb, in the order of the help text.
pub(crate) const VERBS: [VerbRow; 12] = [
    VerbRow {
        id: Run,
        path: &["run"],
        operand: Some("TASK"),
        example: "run --verify 'make test' \"Let the parser accept empty lines\"",
    },
    VerbRow { id: Demo, path: &["demo"], operand: None, example: "demo" },
    VerbRow { id: AgentsList, path: &["agents", "list"], operand: None, example: "agents list --json" },
    VerbRow {
        id: AgentsShow,
        path: &["agents", "show"],
        operand: Some("AGENT"),
        example: "agents show coder",
    },
    VerbRow {
        id: ConfigShow,
        path: &["config", "show"],
        operand: None,
        example: "config show --cwd ~/project --json",
    },
    VerbRow {
        id: ConfigCheck,
        path: &["config", "check"],
        operand: None,
        example: "config check --config system_config.json",
    },
    VerbRow { id: ConfigSchema, path: &["config", "schema"], operand: None, example: "config schema" },
    VerbRow { id: ConfigPaths, path: &["config", "paths"], operand: None, example: "config paths --json" },
    VerbRow {
        id: ConfigTrust,
        path: &["config", "trust"],
        operand: None,
        example: "config trust --cwd ~/project",
    },
    VerbRow {
        id: PermissionsExplain,
        path: &["permissions", "explain"],
        operand: Some("[AGENT] [-- TOOL ARGUMENT]"),
        example: "permissions explain coder -- bash 'git push'",
    },
    VerbRow {
        id: SessionUndo,
        path: &["session", "undo"],
        operand: Some("[ID] [PATH...]"),
        example: "session undo --round 2 src/parser.rs",
    },
    VerbRow {
        id: SessionFork,
        path: &["session", "fork"],
        operand: Some("ID"),
        example: "session fork 01J9ZQ8W --json",
    },
];

/// Verbs of the contract that this version does not have yet.
pub(crate) const LATER_VERBS: [&[&str]; 16] = [
    &["task"],
    &["session", "list"],
    &["session", "show"],
    &["session", "search"],
    &["session", "export"],
    &["session", "import"],
    &["session", "delete"],
    &["session", "prune"],
    &["session", "stats"],
    &["repl"],
    &["stats"],
    &["init"],
    &["doctor"],
    &["completions"],
    &["agents", "new"],
    &["agents", "check"],
];

/// The row of a verb.
pub(crate) fn verb(id: VerbId) -> &'static VerbRow {
    // A verb without a row falls back to the first one; a test holds that there is none.
    const FIRST: &VerbRow = &VERBS[0];
    const ROWS: &[VerbRow] = &VERBS;
    ROWS.iter().find(|row| row.id == id).unwrap_or(FIRST)
}
