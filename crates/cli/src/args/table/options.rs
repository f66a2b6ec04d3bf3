//! Every option of this version, and the verbs it has an effect with.

use super::VerbId::{
    self, AgentsList, AgentsShow, ConfigCheck, ConfigPaths, ConfigSchema, ConfigShow, ConfigTrust, Demo,
    PermissionsExplain, Run, SessionFork, SessionUndo,
};

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionId {
    /// `--config`
    Config,
    /// `--provider`
    Provider,
    /// `--model`
    Model,
    /// `--effort`
    Effort,
    /// `--cwd`
    Cwd,
    /// `--resume`
    Resume,
    /// `--continue`
    Continue,
    /// `--worktree`
    Worktree,
    /// `--permission-mode`
    PermissionMode,
    /// `--sandbox`
    Sandbox,
    /// `--allow-network`
    AllowNetwork,
    /// `--add-dir`
    AddDir,
    /// `--pass-env`
    PassEnv,
    /// `--verify`
    Verify,
    /// `--max-turns`
    MaxTurns,
    /// `--max-tokens`
    MaxTokens,
    /// `--max-cost-usd`
    MaxCostUsd,
    /// `--timeout`
    Timeout,
    /// `--intervention`
    Intervention,
    /// `--context`
    Context,
    /// `--round`
    Round,
    /// `--output-format`
    OutputFormat,
    /// `--partial`
    Partial,
    /// `--input-format`
    InputFormat,
    /// `--json`
    Json,
    /// `--lang`
    Lang,
    /// `--verbose`
    Verbose,
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing.
    Nothing,
    /// A value, shown by this word in help texts.
    Value(&'static str),
    /// One of these words.
    OneOf {
        /// Those of this version.
        now: &'static [&'static str],
        /// Those of a later version.
        later: &'static [&'static str],
    },
}

/// An option's row.
#[derive(Debug)]
pub(crate) struct OptionRow {
    /// The option.
    pub(crate) id: OptionId,
    /// Its name, without the dashes.
    pub(crate) long: &'static str,
    /// Its letter.
    pub(crate) short: Option<char>,
    /// What it takes.
    pub(crate) takes: Takes,
    /// How often it may stand in one call; a switch may be repeated without harm.
    pub(crate) most: usize,
    /// The verbs it has an effect with.
    pub(crate) verbs: &'static [VerbId],
}

impl OptionRow {
    /// The option as one types it.
    pub(crate) fn typed(&self) -> String {
        format!("--{}", self.long)
    }
}

const ANY_NUMBER: usize = usize::MAX;
const EVERY: &[VerbId] = &[
    Run,
    Demo,
    AgentsList,
    AgentsShow,
    ConfigShow,
    ConfigCheck,
    ConfigSchema,
    ConfigPaths,
    ConfigTrust,
    PermissionsExplain,
    SessionUndo,
    SessionFork,
];
const WORK: &[VerbId] = &[Run, Demo];
const DATA: &[VerbId] = &[
    AgentsList,
    AgentsShow,
    ConfigShow,
    ConfigCheck,
    ConfigSchema,
    ConfigPaths,
    ConfigTrust,
    PermissionsExplain,
    SessionUndo,
    SessionFork,
];
const PLACED: &[VerbId] = &[
    Run,
    AgentsList,
    AgentsShow,
    ConfigShow,
    ConfigCheck,
    ConfigPaths,
    ConfigTrust,
    PermissionsExplain,
    SessionUndo,
    SessionFork,
];
const CONFIGURED: &[VerbId] =
    &[Run, AgentsList, AgentsShow, ConfigShow, ConfigCheck, ConfigPaths, PermissionsExplain];
const TEAM: &[VerbId] = &[Run, AgentsList, AgentsShow, ConfigShow];
const SETTING: &[VerbId] = &[Run, ConfigShow];
const ALLOWED: &[VerbId] = &[Run, ConfigShow, PermissionsExplain];

/// Every option, in the order of the help text.
pub(crate) const OPTIONS: [OptionRow; 29] = [
    row(OptionId::Config, "config", Takes::Value("FILE"), 2, CONFIGURED),
    row(OptionId::Cwd, "cwd", Takes::Value("DIR"), 1, PLACED).letter('C'),
    row(OptionId::Resume, "resume", Takes::Value("ID"), 1, &[Run]),
    row(OptionId::Continue, "continue", Takes::Nothing, ANY_NUMBER, &[Run]),
    row(OptionId::Worktree, "worktree", Takes::Nothing, ANY_NUMBER, &[Run]),
    row(OptionId::Provider, "provider", Takes::Value("NAME"), 1, TEAM),
    row(OptionId::Model, "model", Takes::Value("[AGENT=]MODEL"), ANY_NUMBER, TEAM),
    row(OptionId::Effort, "effort", Takes::OneOf { now: &["low", "medium", "high"], later: &[] }, 1, SETTING),
    row(
        OptionId::PermissionMode,
        "permission-mode",
        Takes::OneOf { now: &["plan", "ask", "auto-edit", "full"], later: &[] },
        1,
        ALLOWED,
    ),
    row(
        OptionId::Sandbox,
        "sandbox",
        Takes::OneOf { now: &["auto", "strict", "kernel", "none"], later: &[] },
        1,
        ALLOWED,
    ),
    row(OptionId::AllowNetwork, "allow-network", Takes::Nothing, ANY_NUMBER, ALLOWED),
    row(OptionId::AddDir, "add-dir", Takes::Value("DIR[:ro]"), ANY_NUMBER, ALLOWED),
    row(OptionId::PassEnv, "pass-env", Takes::Value("NAME"), ANY_NUMBER, ALLOWED),
    row(OptionId::Verify, "verify", Takes::Value("CMD"), ANY_NUMBER, SETTING),
    row(OptionId::MaxTurns, "max-turns", Takes::Value("N"), 1, SETTING),
    row(OptionId::MaxTokens, "max-tokens", Takes::Value("N"), 1, SETTING),
    row(OptionId::MaxCostUsd, "max-cost-usd", Takes::Value("USD"), 1, SETTING),
    row(OptionId::Timeout, "timeout", Takes::Value("SECONDS"), 1, SETTING),
    row(OptionId::Intervention, "intervention", Takes::Value("SECONDS"), 1, SETTING),
    row(OptionId::Context, "context", Takes::Value("FILE|-"), ANY_NUMBER, &[Run]),
    row(OptionId::Round, "round", Takes::Value("N"), 1, &[SessionUndo]),
    row(
        OptionId::OutputFormat,
        "output-format",
        Takes::OneOf { now: &["text", "json", "stream-json"], later: &[] },
        1,
        WORK,
    ),
    row(OptionId::Partial, "partial", Takes::Nothing, ANY_NUMBER, WORK),
    row(OptionId::InputFormat, "input-format", Takes::OneOf { now: &["stream-json"], later: &[] }, 1, &[Run]),
    row(OptionId::Json, "json", Takes::Nothing, ANY_NUMBER, DATA),
    row(OptionId::Lang, "lang", Takes::OneOf { now: &["en", "ko"], later: &[] }, 1, EVERY),
    row(OptionId::Verbose, "verbose", Takes::Nothing, ANY_NUMBER, EVERY).letter('v'),
    row(OptionId::Help, "help", Takes::Nothing, ANY_NUMBER, EVERY),
    row(OptionId::Version, "version", Takes::Nothing, ANY_NUMBER, EVERY),
];

/// Options of the contract that this version does not have yet.
pub(crate) const LATER_OPTIONS: [&str; 1] = ["record"];

/// Words of `--provider`; those with a colon take a file.
pub(crate) const PROVIDERS: [&str; 4] = ["anthropic", "openai", "offline", "script:"];

/// Words of `--provider` that this version does not have yet.
pub(crate) const LATER_PROVIDERS: [&str; 2] = ["claude-code", "replay:"];

const fn row(
    id: OptionId,
    long: &'static str,
    takes: Takes,
    most: usize,
    verbs: &'static [VerbId],
) -> OptionRow {
    OptionRow { id, long, short: None, takes, most, verbs }
}

impl OptionRow {
    const fn letter(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }
}
