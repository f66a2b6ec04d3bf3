//! One tool call: schema, permission, durable start, deadline, bounded result, journal (design 4.6).

use std::sync::{Arc, Mutex};

use domain::{
    event::{DeltaBody, EventBody},
    id::{CallId, RequestId},
    permission::PathRules,
    ports::{JournalError, OutputSink, PreparedCall, ToolContext},
    run::CallResult,
    text,
    tool::{Access, ToolOutcome, ToolStatus},
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
    telling::{millis, with_causes},
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
        let had_begun = self.had_begun(&call);
        #[cfg(test)]
        let had_begun = had_begun && !self.round.ports.planted.is(crate::simulator::Bug::StartedCallRunAgain);
        if had_begun {
            return self.interrupted(call, tool, &input).await;
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
            && let Err((status, text)) = self.round.claim_workspace(&self.stop).await?
        {
            if status == ToolStatus::Denied {
                self.was_denied(tool, &prepared.target());
            }
            return self.call_failed(call, status, text).await;
        }
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
        let effect = match access.has_effects() {
            true => Some(self.effect_begins(prepared.target()).await),
            false => None,
        };
        let began = Instant::now();
        let outcome = self.run_until_stopped(request, &call, prepared, paths).await;
        let elapsed_ms = millis(began.elapsed());
        let changed = match effect {
            Some(effect) => self.effect_ends(effect, &outcome).await?,
            None => false,
        };
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
            #[cfg(not(test))]
            writes: self.writes.clone(),
            #[cfg(test)]
            writes: self.round.ports.planted.handed_on(&self.writes),
            holds_commands: self.holds_commands,
            paths,
        });
        #[cfg(test)]
        if self.round.ports.planted.is(crate::simulator::Bug::NoDeadline) {
            return running.await;
        }
        let outcome = self.stop.in_grace(running).await;
        let cancelled = || ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled") };
        let outcome = outcome.unwrap_or_else(cancelled);
        output.finish();
        outcome
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
