//! What tools did in a round that was broken off, as far as its events tell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::BrokenRound;
use crate::{
    agent::AgentName,
    event::EventBody,
    evidence::{EffectTicket, Observations},
    id::CallId,
    tool::ToolStatus,
};

/// What a call touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// It runs this command.
    Command(String),
    /// It changes this file, relative to the workspace.
    Edit(String),
    /// It commits, which changes no file.
    Commit,
    /// Nothing that is watched.
    Nothing,
}

/// What was seen of the tools.
#[derive(Debug, Default)]
pub struct Seen {
    /// What they did, in order.
    pub observations: Observations,
    /// Files that file tools changed.
    pub edited: BTreeSet<String>,
    /// A command ran, or a commit was made.
    pub has_effects: bool,
    /// Calls that were denied: whose, and what they wanted.
    pub denied: Vec<(AgentName, String, Value)>,
}

impl BrokenRound {
    /// What was seen; `touch` knows what a call of an agent touches. What was under way counts as ended, and as having
    /// changed files where it can.
    #[must_use]
    pub fn seen(&self, touch: impl Fn(&AgentName, &str, &Value) -> Touch) -> Seen {
        let mut seen = Seen::default();
        let mut wanted: BTreeMap<&CallId, (&AgentName, &str, &Value)> = BTreeMap::new();
        let mut under_way: BTreeMap<&CallId, (EffectTicket, Touch)> = BTreeMap::new();
        for event in &self.events {
            let run = event.scope.run.as_ref();
            match (&event.body, run) {
                (EventBody::RunStarted { .. }, Some(run)) => {
                    seen.observations.run_began(run.run_id, &run.agent);
                }
                (EventBody::Message { message, .. }, Some(run)) => {
                    for (call, tool, input) in message.tool_uses() {
                        wanted.insert(call, (&run.agent, tool, input));
                    }
                }
                (EventBody::ToolStarted { call_id, tool, input }, run) => {
                    let touched = match run {
                        Some(run) => touch(&run.agent, tool, input),
                        None => verification(input),
                    };
                    let ticket = match (&touched, run) {
                        (Touch::Command(command), run) => {
                            let run = run.map(|run| run.run_id);
                            seen.observations.command_started(run, command)
                        }
                        (Touch::Edit(path), Some(run)) => {
                            seen.observations.edit_started(run.run_id, Some(path))
                        }
                        (Touch::Commit, Some(run)) => seen.observations.edit_started(run.run_id, None),
                        _ => continue,
                    };
                    under_way.insert(call_id, (ticket, touched));
                }
                (EventBody::ToolFinished { call_id, status, exit_code, changed, commit, .. }, _) => {
                    if *status == ToolStatus::Denied
                        && let Some((agent, tool, input)) = wanted.get(call_id)
                    {
                        seen.denied.push(((*agent).clone(), (*tool).to_owned(), (*input).clone()));
                    }
                    if let Some((ticket, touched)) = under_way.remove(call_id) {
                        seen.ended(ticket, touched, *status, *exit_code, *changed);
                    }
                    if let Some(commit) = commit {
                        seen.observations.committed(commit);
                        seen.has_effects = true;
                    }
                }
                (EventBody::Checkpoint { .. }, _) => seen.observations.state_kept(),
                _ => {}
            }
        }
        for (ticket, touched) in under_way.into_values() {
            let may_have_changed = touched != Touch::Commit;
            seen.ended(ticket, touched, ToolStatus::Interrupted, None, may_have_changed);
        }
        seen
    }
}

impl Seen {
    fn ended(
        &mut self,
        ticket: EffectTicket,
        touched: Touch,
        status: ToolStatus,
        exit_code: Option<i32>,
        has_changed: bool,
    ) {
        match touched {
            Touch::Command(_) => {
                self.has_effects = true;
                self.observations.command_ended(ticket, exit_code, has_changed);
            }
            Touch::Edit(path) => {
                self.observations.edit_ended(ticket, status == ToolStatus::Ok, has_changed);
                self.edited.extend(has_changed.then_some(path));
            }
            Touch::Commit => {
                self.observations.edit_ended(ticket, status == ToolStatus::Ok, has_changed);
            }
            Touch::Nothing => {}
        }
    }
}

/// The engine's own tests are commands.
fn verification(input: &Value) -> Touch {
    match input.get("command").and_then(Value::as_str) {
        Some(command) => Touch::Command(command.to_owned()),
        None => Touch::Nothing,
    }
}
