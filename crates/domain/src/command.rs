//! Running a shell command: what is asked of the ports `Processes` and `Servers`, and what they give back.

use std::{fmt, sync::Arc, time::Duration};

use crate::{artifact::Artifact, id::RunId};

/// A shell command to run in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRequest {
    /// Given to `bash -c` where there is a bash, else to `sh -c`. Standard input is empty.
    pub command: String,
    /// The process group is stopped (TERM, 2 s, KILL) when this has passed.
    pub timeout: Duration,
    /// The run that asks. At sandbox level `strict` all commands and servers of one run share a network of their
    /// own; a command without a run is alone in its.
    pub run: Option<RunId>,
    /// The globs of the workspace that its run may write; none: all of it. Where
    /// [`crate::ports::Processes::holds_to`] says that commands can be held to them, this one is; else it is as free as any.
    pub writes: Option<Arc<[String]>>,
}

impl CommandRequest {
    /// The timeout where a call names none (contract 4, `bash`).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
    /// The longest timeout a call may name (contract 4, `bash`).
    pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

    /// A command of no run, with the default timeout.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), timeout: Self::DEFAULT_TIMEOUT, run: None, writes: None }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandStatus {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that we did not send.
    Signalled(i32),
    /// We stopped it at its deadline.
    TimedOut,
    /// We stopped it because the call was cancelled.
    Cancelled,
    /// We undid what it did to protected files; the text of the outcome names them (contract 6, `kernel`).
    Refused,
}

/// A command's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEnd {
    /// How it ended.
    pub status: CommandStatus,
    /// Standard output and standard error in the order they arrived.
    pub output: BoundedOutput,
    /// From start to end.
    pub elapsed: Duration,
    /// Protected files that it changed and that were put back.
    pub restored: Vec<String>,
    /// Protected files that it changed and that could not be put back.
    pub not_restored: Vec<NotRestored>,
    /// Where the whole output is, where it is more than a model is shown.
    pub whole_output: WholeOutput,
}

/// A protected path that a command changed and that could not be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRestored {
    /// The whole path, as text for people.
    pub path: String,
    /// Nothing stood there before.
    pub is_new: bool,
    /// Why it stays changed.
    pub why: String,
}

impl fmt::Display for NotRestored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, is_new, why } = self;
        if *is_new { write!(f, "{path} (new): {why}") } else { write!(f, "{path}: {why}") }
    }
}

/// What a person should hear of the wall around commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WallNotice {
    /// The word of the `notice` event.
    pub code: &'static str,
    /// In English.
    pub text: String,
}

/// What became of a command's whole output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WholeOutput {
    /// It is short enough to be shown.
    #[default]
    Short,
    /// It was kept, up to the artifact's own bound.
    Kept(Artifact),
    /// It could not be kept; why.
    Lost(String),
}

/// Output of any size in bounded space: its head and its tail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoundedOutput {
    /// The first bytes, at most [`BoundedOutput::SIDE`]. Invalid UTF-8 has become U+FFFD.
    pub head: String,
    /// The last bytes, at most [`BoundedOutput::SIDE`]; empty where everything fits the head.
    pub tail: String,
    /// Bytes between the two.
    pub omitted_bytes: u64,
}

impl BoundedOutput {
    /// The most bytes of head, and of tail (contract 4).
    pub const SIDE: usize = 64 * 1024;
}

/// A command could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The shell did not start.
    #[error("cannot start the shell for `{command}`")]
    Start {
        /// The command.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The sandbox could not be set up. Nothing ran.
    #[error("cannot set up the {level} sandbox: {step}")]
    Sandbox {
        /// The level.
        level: &'static str,
        /// The step that failed.
        step: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No level works here and none was asked for.
    #[error("{0}")]
    NoSandbox(String),
    /// What an earlier command changed could not be put back so far, so none runs.
    #[error(
        "no command runs while protected files stay as an earlier one changed them: {}; a person has to put them back",
        listed(.0)
    )]
    StillChanged(Vec<NotRestored>),
    /// The process was started and then lost sight of.
    #[error("cannot watch `{command}`")]
    Watch {
        /// The command.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn listed(paths: &[NotRestored]) -> String {
    paths.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A command that stays in the background until its run ends, to be tested against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRequest {
    /// Given to the shell like [`CommandRequest::command`].
    pub command: String,
    /// The run that it belongs to, and ends with.
    pub run: RunId,
    /// What its run may write, like [`CommandRequest::writes`].
    pub writes: Option<Arc<[String]>>,
}

/// What a run calls one of its servers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerId(String);

impl ServerId {
    /// Wraps a name, whether there is such a server or not.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a server has said since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOutput {
    /// How it ended; none while it runs.
    pub status: Option<CommandStatus>,
    /// The new output, both streams in the order they arrived; the oldest of it is left out first. Invalid UTF-8
    /// has become U+FFFD.
    pub output: String,
    /// New bytes that were left out.
    pub omitted_bytes: u64,
}

impl ServerOutput {
    /// The most bytes of output that are kept between two looks.
    pub const KEPT: usize = 64 * 1024;
}

/// A server could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The run has no server of that name.
    #[error("there is no server `{0}` in this run: start one first, and name it as its start did")]
    Unknown(ServerId),
    /// The run has as many as it may.
    #[error("{0} servers run already, more are not allowed at a time: stop one first")]
    TooMany(usize),
    /// The sandbox gives commands no network, loopback included, so nobody could reach it. Nothing was started.
    #[error(
        "at this sandbox level there is no network, not even loopback, so nothing could reach a server, tests that \
         use loopback included; a person who wants servers starts with `--sandbox strict`, where those of one run and \
         its commands reach each other, or with `--allow-network`"
    )]
    NoNetwork,
    /// It could not be started or watched.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl ServerError {
    /// The most servers that one run may have at a time.
    pub const MOST: usize = 8;
}
