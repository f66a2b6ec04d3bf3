//! The tool `process`: a server in the background to test against, run by the `Servers` port.
//!
//! A server belongs to the agent's run and ends with it. Nothing here waits for a server to be ready: that shows in
//! what it says, or in the command that tries it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    command::{CommandStatus, ServerError, ServerId, ServerOutput, ServerRequest},
    id::RunId,
    ports::{Processes, Servers, ToolContext},
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    bash::{failure, named},
    held,
    output::head_and_tail,
    text::{beginning, one_line},
    tool::{Tool, Unfit, cancelled, with_causes},
};

/// Characters kept free for what is said about the server.
const ABOUT: usize = 2_000;
/// The most characters of a command or a name that are repeated.
const REPEATED: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Start,
    Read,
    Stop,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Start a server, read what it has said since the last look, or stop it.
    op: Operation,
    /// With `start`: a shell command that stays in the foreground, as `bash` would run it.
    #[serde(default)]
    #[schemars(length(min = 1))]
    command: Option<String>,
    /// With `read` and `stop`: the server's id, as `start` gave it.
    #[serde(default)]
    #[schemars(length(min = 1))]
    id: Option<String>,
}

/// What to do with which server.
pub(crate) enum Call {
    Start(String),
    Read(ServerId),
    Stop(ServerId),
}

/// Keeps servers.
pub(crate) struct Process {
    servers: Arc<dyn Servers>,
    processes: Arc<dyn Processes>,
}

impl Process {
    /// Keeps servers through that port; `processes` knows what they are held to.
    pub(crate) fn new(servers: Arc<dyn Servers>, processes: Arc<dyn Processes>) -> Self {
        Self { servers, processes }
    }

    async fn perform(
        &self,
        call: Call,
        run: RunId,
        writes: Option<Arc<[String]>>,
    ) -> Result<ToolOutcome, ServerError> {
        let granted = writes.clone();
        let told = async |about: &str, output: &ServerOutput| {
            let mut about = about.to_owned();
            if let Some(writes) = granted.as_deref()
                && matches!(output.status, Some(CommandStatus::Exited(code)) if code != 0)
                && held::complains([&output.output, ""])
                && self.processes.holds_to(writes).await
            {
                about.push('\n');
                about.push_str(&held::told(writes));
            }
            told(&about, output)
        };
        match call {
            Call::Start(command) => {
                let shown = one_line(beginning(&command, REPEATED));
                let id = self.servers.start(ServerRequest { command, run, writes }).await?;
                // It may have ended already, and then it has said why.
                let output = self.servers.read(run, &id).await?;
                let about = format!("started `{id}`: {shown}\n{}", state(&id, output.status));
                Ok(told(&about, &output).await)
            }
            Call::Read(id) => {
                let output = self.servers.read(run, &id).await?;
                Ok(told(&state(&id, output.status), &output).await)
            }
            Call::Stop(id) => {
                let output = self.servers.stop(run, &id).await?;
                let about = match output.status {
                    None | Some(CommandStatus::Cancelled) => format!("`{id}` was stopped"),
                    Some(status) => format!("`{id}` had ended by itself: {}", ending(status)),
                };
                Ok(told(&about, &output).await)
            }
        }
    }
}

#[async_trait]
impl Tool for Process {
    type Input = Input;
    type Call = Call;

    const NAME: &'static str = "process";
    const DESCRIPTION: &'static str = "Keep a server running in the background to test against: `start` it with a \
        command, `read` its new output, `stop` it. It ends with your work at the latest. For commands that end by \
        themselves use `bash`.";
    const ACCESS: Access = Access::Command;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        let malformed = |text: &str| Err(Unfit::Malformed(text.to_owned()));
        match (input.op, input.command, input.id) {
            (Operation::Start, Some(command), None) => {
                if command.trim().is_empty() || command.contains('\0') {
                    return malformed("`command` has to be a shell command, without NUL bytes");
                }
                Ok(Call::Start(command))
            }
            (Operation::Start, _, _) => {
                malformed("`start` takes a `command` and no `id`: the id is given back")
            }
            (Operation::Read, None, Some(id)) => Ok(Call::Read(ServerId::new(&id))),
            (Operation::Stop, None, Some(id)) => Ok(Call::Stop(ServerId::new(&id))),
            (Operation::Read | Operation::Stop, _, _) => {
                malformed("`read` and `stop` take the `id` that `start` gave, and no `command`")
            }
        }
    }

    /// Only a start runs anything new; the others reach what was started by a call that had leave.
    fn target(call: &Call) -> CallTarget {
        match call {
            Call::Start(command) => CallTarget::Command(command.clone()),
            Call::Read(_) | Call::Stop(_) => CallTarget::None,
        }
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let writes = context.command_writes();
        let done = tokio::select! {
            biased;
            // What was started meanwhile ends with the run.
            () = context.cancelled => return cancelled(),
            done = self.perform(call, context.run, writes) => done,
        };
        done.unwrap_or_else(|error| match error {
            ServerError::Process(error) => failure(&error),
            ServerError::Unknown(id) => {
                let id = ServerId::new(&one_line(beginning(id.as_str(), REPEATED)));
                ToolOutcome::error(with_causes(&ServerError::Unknown(id)))
            }
            ServerError::TooMany(_) => ToolOutcome::error(with_causes(&error)),
            ServerError::NoNetwork => ToolOutcome::denied(with_causes(&error)),
        })
    }
}

/// Whether a server runs, and what to do next.
fn state(id: &ServerId, status: Option<CommandStatus>) -> String {
    match status {
        None => format!("`{id}` is running. Go on with `read` for its output, `stop` when you are done."),
        Some(status) => {
            format!(
                "`{id}` is no longer running: {}. Look at its output, then `start` it anew.",
                ending(status)
            )
        }
    }
}

fn ending(status: CommandStatus) -> String {
    match status {
        CommandStatus::Exited(code) => format!("it ended with exit code {code}"),
        CommandStatus::Signalled(signal) => format!("it was ended by signal {}", named(signal)),
        CommandStatus::TimedOut => "it was stopped at its deadline".to_owned(),
        CommandStatus::Cancelled => "it was stopped".to_owned(),
        CommandStatus::Refused => "what it did to protected files was undone".to_owned(),
    }
}

/// What is said about the server, then what it has said itself since the last look.
fn told(about: &str, output: &ServerOutput) -> ToolOutcome {
    if output.output.is_empty() && output.omitted_bytes == 0 {
        return ToolOutcome::ok(format!("{about}\n(no new output)"));
    }
    // The oldest was left out by the port, so what is there is the end.
    let (text, omitted_bytes) =
        head_and_tail("", &output.output, output.omitted_bytes, ToolOutcome::LONGEST - ABOUT);
    ToolOutcome { omitted_bytes, ..ToolOutcome::ok(format!("{about}\nNew output:\n{text}")) }
}

#[cfg(test)]
mod tests;
