//! One tool call: schema, permission, durable start, deadline, bounded result, journal (design 4.6).

use std::sync::{Arc, Mutex};

use domain::{
    event::{CheckpointAt, DeltaBody, EventBody},
    id::{CallId, RequestId},
    permission::PathRules,
    ports::{JournalError, OutputSink, PreparedCall, ToolContext},
    run::CallResult,
    text,
    tool::{Access, CallTarget, ToolOutcome, ToolStatus},
    workflow::RoundInput,
    workspace::WorkspaceError,
};
use serde_json::Value;
use tokio::time::Instant;

use super::RunContext;
use crate::{
    coordination::CoordinationCall,
    deltas::Deltas,
    locking::lock,
    person::{Permit, Wanting},
    stop::StopSignal,
    telling::{causes, millis, with_causes},
};

impl RunContext<'_> {
    /// Runs a call and answers it, whatever happens.
    pub(crate) async fn call(
        &self,
        request: RequestId,
        call: CallId,
        tool: &str,
        input: Value,
    ) -> Result<CallResult, JournalError> {
        if self.is_manager() {
            match CoordinationCall::parse(tool, &input, self.round.team.worker_specs()) {
                Some(Ok(coordination)) => return self.coordinate(call, tool, input, coordination).await,
                Some(Err(rejected)) => {
                    let result = CallResult::malformed(&rejected);
                    self.call_finished(call, ToolStatus::Error, &result).await?;
                    return Ok(result);
                }
                None => {}
            }
        }
        let Some(port) = self.member.tool(tool) else {
            let text = format!("there is no tool `{tool}` for you. Yours are: {}", self.tool_names());
            return self.call_failed(call, ToolStatus::Error, text).await;
        };
        let access = port.spec().access;
        let mut prepared = match port.prepare(&input) {
            Ok(prepared) => prepared,
            Err(rejected) => {
                let result = CallResult::malformed(&rejected);
                self.call_finished(call, ToolStatus::Error, &result).await?;
                return Ok(result);
            }
        };
        let wanting = Wanting { call: &call, tool, input: &input, access };
        let paths = match self.permit(&wanting, &mut *prepared).await? {
            Permit::Granted(paths) => paths,
            Permit::Refused(refusal) => {
                self.was_denied(tool, &prepared.target());
                return self.call_failed(call, ToolStatus::Denied, refusal).await;
            }
        };
        if access.has_effects()
            && let Err(error) = self.ensure_base().await?
        {
            let text = format!(
                "nothing was done, because the workspace cannot be observed: {}",
                with_causes(&error)
            );
            return self.call_failed(call, ToolStatus::Error, text).await;
        }
        self.append(EventBody::ToolStarted { call_id: call.clone(), tool: tool.to_owned(), input }).await?;
        if access.has_effects() {
            self.round.ports.log.durable().await?;
        }
        self.perform(request, call, access, (prepared, paths)).await
    }

    async fn perform(
        &self,
        request: RequestId,
        call: CallId,
        access: Access,
        (prepared, paths): (Box<dyn PreparedCall>, PathRules),
    ) -> Result<CallResult, JournalError> {
        let (ticket, edited) = match (access, prepared.target()) {
            (Access::Command, CallTarget::Command(command)) => {
                (Some(self.round.state().seen.command_started(Some(self.id), &command)), None)
            }
            (Access::Edit, CallTarget::Path(path)) => (None, Some(path)),
            _ => (None, None),
        };
        let began = Instant::now();
        let outcome = self.run_until_stopped(request, &call, prepared, paths).await;
        let elapsed_ms = millis(began.elapsed());
        let (changed, blind) = match access.has_effects() {
            true => self.observe_changes().await,
            false => (false, None),
        };
        {
            let mut state = self.round.state();
            match ticket {
                Some(ticket) => state.seen.command_ended(ticket, outcome.exit_code, changed),
                None if changed => state.seen.files_changed(),
                None => {}
            }
            if changed {
                state.edited.extend(edited);
            }
            if let Some(commit) = &outcome.commit {
                state.seen.committed(commit);
            }
        }
        if let Some(error) = blind {
            self.append(EventBody::Error {
                code: "workspace_unobserved".to_owned(),
                text: error.to_string(),
                chain: causes(&error),
            })
            .await?;
        }
        if changed {
            self.round.observe(RoundInput::FilesChanged);
        }
        if ticket.is_some() || outcome.commit.is_some() {
            self.round.observe(RoundInput::EffectSeen);
        }
        // Before it is cut, so that no half of a secret is left (law 10).
        let output = self.round.ports.log.redactor().redact(&outcome.output);
        let output = text::bounded(&output, ToolOutcome::LONGEST);
        let is_error = outcome.status != ToolStatus::Ok;
        self.append(EventBody::ToolFinished {
            call_id: call,
            status: outcome.status,
            output: output.clone(),
            omitted_bytes: outcome.omitted_bytes,
            exit_code: outcome.exit_code,
            elapsed_ms,
            changed,
            artifact: outcome.artifact,
            malformed: false,
            commit: outcome.commit,
        })
        .await?;
        if access == Access::Command {
            self.round.heed_protected_files().await?;
        }
        Ok(CallResult { content: output, is_error, is_malformed: false, changed })
    }

    /// Runs the call; when the run stops, the tool gets a moment to end what it started, then it is dropped.
    async fn run_until_stopped(
        &self,
        request: RequestId,
        call: &CallId,
        prepared: Box<dyn PreparedCall>,
        paths: PathRules,
    ) -> ToolOutcome {
        let stop: StopSignal = self.stop.child();
        let body = DeltaBody::ToolOutput { request_id: request, call_id: call.clone() };
        let deltas = Mutex::new(Deltas::new(&self.round.ports.log, &self.scope));
        let output = Arc::new(LiveOutput { deltas, body });
        let running = prepared.run(ToolContext {
            agent: self.agent().clone(),
            run: self.id,
            call: call.clone(),
            output: Arc::clone(&output) as _,
            cancelled: stop.cancelled(),
            bases: self.round.bases(),
            writes: self.writes.clone(),
            paths,
        });
        let outcome = self.stop.in_grace(running).await;
        let cancelled = || ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled") };
        let outcome = outcome.unwrap_or_else(cancelled);
        output.finish();
        outcome
    }

    /// Keeps the workspace as it is before the first effect of the run, the round and the session. The round's is
    /// what undoing it goes back to.
    async fn ensure_base(&self) -> Result<Result<(), WorkspaceError>, JournalError> {
        let taken = self
            .base
            .get_or_try_init(|| async {
                let began = Instant::now();
                let checkpoint = self.stop.bound(self.round.ports.workspace.checkpoint()).await?;
                let elapsed_ms = millis(began.elapsed());
                tracing::debug!(agent = self.agent().as_str(), elapsed_ms, "checkpoint taken");
                Ok(checkpoint)
            })
            .await;
        match taken {
            Ok(checkpoint) if self.round.take_base(checkpoint) => {
                self.round.say_checkpoint(checkpoint, CheckpointAt::Begin).await.map(Ok)
            }
            Ok(_) => Ok(Ok(())),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Whether files changed since the last look. Where that cannot be seen, they count as changed.
    async fn observe_changes(&self) -> (bool, Option<WorkspaceError>) {
        match self.stop.bound(self.round.ports.workspace.touched()).await {
            Ok(changed) => (changed, None),
            Err(error) => (true, Some(error)),
        }
    }

    /// The end of a call that ran nothing, and what the model reads of it.
    async fn call_failed(
        &self,
        call: CallId,
        status: ToolStatus,
        text: String,
    ) -> Result<CallResult, JournalError> {
        let result = CallResult::error(text);
        self.call_finished(call, status, &result).await?;
        Ok(result)
    }

    /// The end of a call that ran nothing.
    pub(crate) async fn call_finished(
        &self,
        call: CallId,
        status: ToolStatus,
        result: &CallResult,
    ) -> Result<(), JournalError> {
        self.append(EventBody::ToolFinished {
            call_id: call,
            status,
            output: result.content.clone(),
            omitted_bytes: 0,
            exit_code: None,
            elapsed_ms: 0,
            changed: result.changed,
            artifact: None,
            malformed: result.is_malformed,
            commit: None,
        })
        .await
    }

    fn tool_names(&self) -> String {
        self.member.prefix().tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>().join(", ")
    }
}

/// Publishes a tool's output while it is produced.
struct LiveOutput {
    /// Held for lines, by whoever produces.
    deltas: Mutex<Deltas>,
    body: DeltaBody,
}

impl LiveOutput {
    fn finish(&self) {
        lock(&self.deltas).finish();
    }
}

impl OutputSink for LiveOutput {
    fn chunk(&self, text: &str) {
        lock(&self.deltas).output(&self.body, text);
    }
}
