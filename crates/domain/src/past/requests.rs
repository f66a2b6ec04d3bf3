//! Requests of each agent that came to an end, so that a scripted back end knows which answer is next.

use std::collections::BTreeMap;

use crate::{
    agent::AgentName,
    event::{Event, EventBody},
    id::RunId,
    message::Role,
};

/// Counts attempts that were answered or failed. What was under way when the program died is not counted: it is asked
/// again.
pub(super) fn ended(events: &[Event]) -> BTreeMap<AgentName, u64> {
    let mut ended = BTreeMap::new();
    let mut open: BTreeMap<RunId, AgentName> = BTreeMap::new();
    for event in events {
        let Some(run) = &event.scope.run else { continue };
        let is_over = match &event.body {
            EventBody::RequestStarted { .. } => {
                open.insert(run.run_id, run.agent.clone());
                false
            }
            EventBody::Message { message, .. } => message.role == Role::Assistant,
            EventBody::Retry { .. }
            | EventBody::Error { .. }
            | EventBody::ContextCut { .. }
            | EventBody::RunFinished { .. } => true,
            _ => false,
        };
        if is_over && let Some(agent) = open.remove(&run.run_id) {
            *ended.entry(agent).or_default() += 1;
        }
    }
    ended
}
