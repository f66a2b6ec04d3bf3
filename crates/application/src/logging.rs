//! What the log says of a session (`--verbose`, `LOG_LEVEL`): that things happen, how long they took, what they cost.
//!
//! Names, ids, counts and durations only. What anybody said, wrote or ran stands in the journal and nowhere else. Events
//! come here as they are journaled, without secrets. Names that a model chose are quoted, so that they stay one word on
//! a terminal.

use domain::event::{Event, EventBody};
use tracing::{debug, info};

/// Logs an event that was appended.
pub(crate) fn happened(event: &Event) {
    let run = event.scope.run.as_ref();
    let agent = run.map_or("", |run| run.agent.as_str());
    let session = &event.session_id;
    match &event.body {
        EventBody::SessionStarted { provider, sandbox, .. } => {
            info!(%session, ?provider, sandbox = sandbox.level.as_str(), usable = sandbox.usable, "session started");
        }
        EventBody::RoundStarted { .. } => info!(round = event.scope.round, "round started"),
        EventBody::RunStarted { model, .. } => info!(agent, ?model, "run started"),
        EventBody::RequestStarted { request_id, attempt, .. } => {
            debug!(agent, request = %request_id, attempt, "request started");
        }
        EventBody::ToolStarted { call_id, tool, .. } => {
            debug!(agent, call = ?call_id.as_str(), ?tool, "tool call started");
        }
        EventBody::ToolFinished {
            call_id, status, exit_code, omitted_bytes, elapsed_ms, changed, ..
        } => {
            debug!(
                agent,
                call = ?call_id.as_str(),
                ?status,
                exit_code,
                omitted_bytes,
                changed,
                elapsed_ms,
                "tool call ended"
            );
        }
        EventBody::Report { evidence, claims_refuted, claims_unverified, .. } => {
            let (files, commands) = (evidence.files_changed.len(), evidence.commands.len());
            let (refuted, unverified) = (claims_refuted.len(), claims_unverified.len());
            debug!(agent, files, commands, refuted, unverified, "report checked");
        }
        EventBody::ContextCut { dropped, kept } => debug!(agent, dropped, kept, "conversation cut"),
        EventBody::LimitReached { limit, value } => info!(agent, ?limit, %value, "limit reached"),
        EventBody::Notice { code, .. } => info!(agent, ?code, "notice"),
        EventBody::Error { code, .. } => info!(agent, ?code, "error"),
        EventBody::RunFinished { ending, turns, usage, elapsed_ms, .. } => {
            let (input, output) = (usage.input_tokens, usage.output_tokens);
            let (outcome, reason) = (ending.outcome(), ending.reason());
            info!(agent, outcome, reason, turns, input, output, elapsed_ms, "run ended");
        }
        EventBody::RoundFinished { ending, exit_code, total_turns, usage, elapsed_ms, .. } => {
            let (input, output) = (usage.input_tokens, usage.output_tokens);
            let (outcome, reason, turns) = (ending.outcome(), ending.reason(), total_turns);
            info!(outcome, reason, exit_code, turns, input, output, elapsed_ms, "round ended");
        }
        _ => {}
    }
}
