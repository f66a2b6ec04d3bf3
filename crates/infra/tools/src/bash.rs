//! The tool `bash`: a shell command in the workspace, run by the `Processes` port.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    command::{CommandEnd, CommandRequest, CommandStatus, ProcessError, WholeOutput},
    permission::SandboxLevel,
    ports::{Processes, ToolContext},
    tool::{Access, CallTarget, ToolOutcome, ToolStatus},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    held,
    output::head_and_tail,
    text::beginning,
    tool::{Tool, Unfit, with_causes},
};

/// Characters kept free for how it ended.
const ENDING: usize = 2_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// A shell command; it starts in the workspace and its standard input is empty.
    #[schemars(length(min = 1))]
    command: String,
    /// When it is stopped.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 600))]
    timeout_seconds: u64,
}

const fn default_timeout() -> u64 {
    CommandRequest::DEFAULT_TIMEOUT.as_secs()
}

/// Runs commands.
pub(crate) struct Bash {
    processes: Arc<dyn Processes>,
}

impl Bash {
    /// Runs commands through that port.
    pub(crate) fn new(processes: Arc<dyn Processes>) -> Self {
        Self { processes }
    }
}

#[async_trait]
impl Tool for Bash {
    type Input = Input;
    type Call = CommandRequest;

    const NAME: &'static str = "bash";
    const DESCRIPTION: &'static str = "Run a shell command in the workspace and get its output and exit code. Each \
        command runs in a shell of its own, with empty standard input, and everything it started ends with it. Of \
        long output you get the beginning and the end.";
    const ACCESS: Access = Access::Command;

    fn check(&self, input: Input) -> Result<CommandRequest, Unfit> {
        let longest = CommandRequest::LONGEST_TIMEOUT;
        let timeout = Duration::from_secs(input.timeout_seconds);
        if timeout.is_zero() || timeout > longest {
            return Err(Unfit::Malformed(format!(
                "`timeout_seconds` has to be from 1 to {}",
                longest.as_secs()
            )));
        }
        if input.command.trim().is_empty() || input.command.contains('\0') {
            return Err(Unfit::Malformed(
                "`command` has to be a shell command, without NUL bytes".to_owned(),
            ));
        }
        Ok(CommandRequest { timeout, ..CommandRequest::new(input.command) })
    }

    fn target(call: &CommandRequest) -> CallTarget {
        CallTarget::Command(call.command.clone())
    }

    async fn run(&self, call: CommandRequest, context: ToolContext) -> ToolOutcome {
        let timeout = call.timeout;
        let writes = context.command_writes();
        let call = CommandRequest { run: Some(context.run), writes: writes.clone(), ..call };
        match self.processes.run(call, context.output, context.cancelled).await {
            Ok(end) => {
                let hint = self.hint(&end, writes.as_deref()).await;
                outcome(end, timeout, &hint)
            }
            Err(error) => failure(&error),
        }
    }
}

impl Bash {
    /// What a command that failed may have failed for, as far as that can be seen; empty where it cannot.
    async fn hint(&self, end: &CommandEnd, writes: Option<&[String]>) -> String {
        if !matches!(end.status, CommandStatus::Exited(code) if code != 0) {
            return String::new();
        }
        let output = [end.output.head.as_str(), end.output.tail.as_str()];
        if lacks_loopback(output) && self.processes.sandbox().await.level == SandboxLevel::Kernel {
            return NO_NETWORK.to_owned();
        }
        match writes {
            Some(writes) if held::complains(output) && self.processes.holds_to(writes).await => {
                held::told(writes)
            }
            _ => String::new(),
        }
    }
}

/// What contract 6 has failing loopback tests say at the level `kernel`.
const NO_NETWORK: &str = "at this sandbox level (`kernel`) commands have no network, loopback included, which may be \
    why it failed; a person who wants loopback starts with `--sandbox strict`";

/// Whether a command complains of a socket that it was refused, as far as that can be seen.
fn lacks_loopback(output: [&str; 2]) -> bool {
    const REFUSED: [&str; 3] = ["not permitted", "eperm", "permission denied"];
    const ABOUT: [&str; 8] =
        ["socket", "listen", "bind", "connect", "localhost", "127.0.0.1", "::1", "network"];
    let says = |words: &[&str], line: &str| words.iter().any(|word| line.contains(word));
    output.iter().flat_map(|text| text.lines()).any(|line| {
        let line = line.to_lowercase();
        says(&REFUSED, &line) && says(&ABOUT, &line)
    })
}

/// What came of a command; `hint`: what to say beside it, where there is something.
fn outcome(end: CommandEnd, timeout: Duration, hint: &str) -> ToolOutcome {
    let output = end.output;
    let (artifact, kept) = match end.whole_output {
        WholeOutput::Short => (None, None),
        WholeOutput::Kept(artifact) => {
            let kept = format!("a person finds the whole output in artifact {}", artifact.id);
            (Some(artifact.id), Some(kept))
        }
        WholeOutput::Lost(why) => (None, Some(format!("the whole output could not be kept: {why}"))),
    };
    let (mut text, omitted_bytes) =
        head_and_tail(&output.head, &output.tail, output.omitted_bytes, ToolOutcome::LONGEST - ENDING);
    let (status, exit_code, mut ending) = match end.status {
        CommandStatus::Exited(0) if text.is_empty() => (ToolStatus::Ok, Some(0), "(no output)".to_owned()),
        CommandStatus::Exited(0) => (ToolStatus::Ok, Some(0), String::new()),
        CommandStatus::Exited(code) => (ToolStatus::Ok, Some(code), format!("exit code {code}")),
        CommandStatus::Signalled(signal) => {
            (ToolStatus::Error, None, format!("ended by signal {}", named(signal)))
        }
        CommandStatus::TimedOut => (
            ToolStatus::Timeout,
            None,
            format!(
                "stopped after {} s, its time limit; the output so far is above. A longer one can be asked for with \
                 `timeout_seconds` (at most {}).",
                timeout.as_secs(),
                CommandRequest::LONGEST_TIMEOUT.as_secs()
            ),
        ),
        CommandStatus::Cancelled => (ToolStatus::Cancelled, None, "cancelled".to_owned()),
        CommandStatus::Refused => (ToolStatus::Denied, None, "denied".to_owned()),
    };
    if !end.restored.is_empty() {
        let separator = if ending.is_empty() { "" } else { "; " };
        ending = format!(
            "{ending}{separator}the command changed protected files, which only a person may do; they were put \
             back: {}",
            end.restored.join(", ")
        );
    }
    if !end.not_restored.is_empty() {
        let paths: Vec<_> = end.not_restored.iter().map(ToString::to_string).collect();
        ending = format!(
            "{ending}; protected files that it changed could not be put back, which a person has to do now: {}",
            paths.join("; ")
        );
    }
    if !hint.is_empty() {
        ending = format!("{ending}; {hint}");
    }
    // What is shown whole needs no artifact.
    let (artifact, kept) = if omitted_bytes == 0 { (None, None) } else { (artifact, kept) };
    if let Some(kept) = kept {
        let separator = if ending.is_empty() { "" } else { "; " };
        ending = format!("{ending}{separator}{kept}");
    }
    if !text.is_empty() && !text.ends_with('\n') && !ending.is_empty() {
        text.push('\n');
    }
    text.push_str(beginning(&ending, ENDING - 1));
    ToolOutcome { status, omitted_bytes, exit_code, artifact, ..ToolOutcome::ok(text) }
}

/// A signal's number and, where everyone uses it, its name.
pub(crate) fn named(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL, perhaps for want of memory",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return signal.to_string(),
    };
    format!("{signal} ({name})")
}

/// The outcome where a command could not be run.
pub(crate) fn failure(error: &ProcessError) -> ToolOutcome {
    let text = beginning(&with_causes(error), ToolOutcome::LONGEST).to_owned();
    match error {
        ProcessError::NoSandbox(_) | ProcessError::StillChanged(_) => ToolOutcome::denied(text),
        ProcessError::Start { .. } | ProcessError::Sandbox { .. } | ProcessError::Watch { .. } => {
            ToolOutcome::error(text)
        }
    }
}

#[cfg(test)]
mod tests;
