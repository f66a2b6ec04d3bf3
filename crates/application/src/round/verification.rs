//! The test commands that were given to the engine (`--verify`): run before a round may end as done, whatever anybody
//! says about tests.

use std::sync::Arc;

use domain::{
    command::{CommandEnd, CommandRequest, CommandStatus, WholeOutput},
    event::EventBody,
    id::CallId,
    ports::{JournalError, OutputSink},
    text,
    tool::{ToolOutcome, ToolStatus},
};
use serde_json::json;
use tokio::time::Instant;

use super::RoundContext;
use crate::telling::{millis, with_causes};

impl RoundContext {
    /// Runs the test commands that were given to the engine, one after the other, all of them.
    pub(crate) async fn verify(&self) -> Result<(), JournalError> {
        if self.ports.verify.is_empty() {
            return Ok(());
        }
        if let Err((status, _)) = self.claim_workspace(&self.stop).await? {
            let denied = self.ports.verify.iter().filter(|_| status == ToolStatus::Denied);
            denied.for_each(|command| self.was_denied("better-llm", "verify", command));
            return Ok(());
        }
        // Where the round goes on, they are run anew: files may have changed meanwhile.
        let before = self.verified_before();
        for (index, command) in self.ports.verify.iter().enumerate() {
            if self.stop.ending().is_some() {
                break;
            }
            self.verify_with(
                &CallId::new(&format!("verify-{}-{}", self.number, before + index + 1)),
                command,
            )
            .await?;
        }
        Ok(())
    }

    async fn verify_with(&self, call: &CallId, command: &str) -> Result<(), JournalError> {
        let input = json!({ "command": command });
        self.append(EventBody::ToolStarted { call_id: call.clone(), tool: "verify".to_owned(), input })
            .await?;
        self.ports.log.durable().await?;
        let ticket = self.state().seen.command_started(None, command);
        let began = Instant::now();
        let request =
            CommandRequest { timeout: CommandRequest::LONGEST_TIMEOUT, ..CommandRequest::new(command) };
        let running = self.ports.processes.run(request, Arc::new(NoOutput), self.stop.cancelled());
        let ended = self.stop.in_grace(running).await;
        // What cannot be seen counts as changed: then no earlier run of a test says anything.
        let changed = self.stop.bound(self.ports.workspace.touched()).await.unwrap_or(true);
        let outcome = match ended {
            Some(Ok(end)) => verified(end),
            Some(Err(error)) => ToolOutcome::error(with_causes(&error)),
            None => ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled") },
        };
        self.state().seen.command_ended(ticket, outcome.exit_code, changed);
        let output = self.ports.log.redactor().redact(&outcome.output);
        self.append(EventBody::ToolFinished {
            call_id: call.clone(),
            status: outcome.status,
            output: text::bounded(&output, ToolOutcome::LONGEST),
            omitted_bytes: outcome.omitted_bytes,
            exit_code: outcome.exit_code,
            elapsed_ms: millis(began.elapsed()),
            changed,
            artifact: outcome.artifact,
            malformed: false,
            commit: None,
        })
        .await?;
        self.heed_protected_files().await
    }

    /// Whether the test commands that count passed, in the state of the files now.
    pub(crate) fn tests_passed(&self) -> Option<bool> {
        let state = self.state();
        if self.ports.verify.is_empty() {
            state.seen.tests_passed(state.machine.named_tests())
        } else {
            state.seen.tests_passed(&self.ports.verify)
        }
    }
}

/// A verification command's end as a tool's outcome.
fn verified(end: CommandEnd) -> ToolOutcome {
    let (status, exit_code) = match end.status {
        CommandStatus::Exited(code) => (ToolStatus::Ok, Some(code)),
        CommandStatus::Signalled(_) => (ToolStatus::Error, None),
        CommandStatus::TimedOut => (ToolStatus::Timeout, None),
        CommandStatus::Cancelled => (ToolStatus::Cancelled, None),
        CommandStatus::Refused => (ToolStatus::Denied, None),
    };
    let mut output = if end.output.tail.is_empty() {
        end.output.head
    } else {
        format!("{}\n[{} bytes left out]\n{}", end.output.head, end.output.omitted_bytes, end.output.tail)
    };
    if !end.restored.is_empty() {
        output.push_str(&format!(
            "\n[protected files were changed, and put back: {}]",
            end.restored.join(", ")
        ));
    }
    let artifact = match end.whole_output {
        WholeOutput::Kept(artifact) => Some(artifact.id),
        WholeOutput::Short | WholeOutput::Lost(_) => None,
    };
    let omitted_bytes = end.output.omitted_bytes;
    ToolOutcome { status, omitted_bytes, exit_code, artifact, ..ToolOutcome::ok(output) }
}

/// Verification shows its output when it is done.
struct NoOutput;

impl OutputSink for NoOutput {
    fn chunk(&self, _text: &str) {}
}
