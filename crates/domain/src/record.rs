//! The finished record of a session (contract 7): the source document's fields and a little more, made from the
//! journal alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    agent::AgentName,
    event::{Event, EventBody, VERSION},
    id::SessionId,
    message::{Message, Usage},
    outcome::Ending,
    time::Timestamp,
};

/// The record of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// [`crate::event::VERSION`].
    pub v: u32,
    /// The session.
    pub session_id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its last round ended.
    pub completed_at: Timestamp,
    /// What the person said first.
    pub user_request: String,
    /// Turns of all rounds, workers included.
    pub total_turns: u32,
    /// Who worked, in order of first appearance.
    pub agents_used: Vec<AgentName>,
    /// Every message of every run, in journal order.
    pub messages: Vec<RecordedMessage>,
    /// Of the last round.
    pub result: RecordedResult,
    /// Every round.
    pub rounds: Vec<RecordedRound>,
    /// Tokens of all rounds.
    pub usage: Usage,
    /// Money of those rounds whose every model had a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Files that the rounds changed, sorted.
    pub files_changed: Vec<String>,
}

impl SessionRecord {
    /// Folds a session's events into its record. `None` where no round has begun.
    ///
    /// A round without an end (the process died in it) is recorded as [`Ending::Interrupted`].
    #[must_use]
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut fold: Option<Self> = None;
        let mut created_at = None;
        for event in events {
            let created_at = *created_at.get_or_insert(event.ts);
            if let EventBody::RoundStarted { text, .. } = &event.body {
                let record = fold.get_or_insert_with(|| Self::begun(event, created_at, text));
                record.begin_round(event, text);
            } else if let Some(record) = &mut fold {
                record.add(event);
            }
        }
        if let Some(record) = &mut fold {
            record.files_changed.sort();
            record.files_changed.dedup();
        }
        fold
    }

    fn begun(event: &Event, created_at: Timestamp, text: &str) -> Self {
        Self {
            v: VERSION,
            session_id: event.session_id,
            created_at,
            completed_at: event.ts,
            user_request: text.to_owned(),
            total_turns: 0,
            agents_used: Vec::new(),
            messages: Vec::new(),
            result: RecordedResult {
                status: Ending::Interrupted.record_status().to_owned(),
                tests_passed: None,
            },
            rounds: Vec::new(),
            usage: Usage::default(),
            cost_usd: None,
            files_changed: Vec::new(),
        }
    }

    fn begin_round(&mut self, event: &Event, text: &str) {
        self.result =
            RecordedResult { status: Ending::Interrupted.record_status().to_owned(), tests_passed: None };
        self.rounds.push(RecordedRound {
            round: event.scope.round.unwrap_or_default(),
            text: text.to_owned(),
            ending: Ending::Interrupted,
            summary: String::new(),
            tests_passed: None,
            verified: false,
            files_changed: Vec::new(),
        });
    }

    fn add(&mut self, event: &Event) {
        self.completed_at = event.ts;
        match &event.body {
            EventBody::Message { message, .. } => {
                if let Some(run) = &event.scope.run {
                    let (agent, message) = (run.agent.clone(), Arc::clone(message));
                    self.messages.push(RecordedMessage { agent, timestamp: event.ts, message });
                }
            }
            EventBody::RoundFinished {
                ending,
                summary,
                result,
                total_turns,
                agents_used,
                usage,
                cost_usd,
                ..
            } => {
                self.total_turns += total_turns;
                self.usage += *usage;
                self.cost_usd = match (self.cost_usd, cost_usd) {
                    (Some(before), Some(cost)) => Some(before + cost),
                    (before, cost) => before.or(*cost),
                };
                for agent in agents_used {
                    if !self.agents_used.contains(agent) {
                        self.agents_used.push(agent.clone());
                    }
                }
                self.files_changed.extend(result.files_changed.iter().cloned());
                self.result =
                    RecordedResult { status: result.status.clone(), tests_passed: result.tests_passed };
                if let Some(round) = self.rounds.last_mut() {
                    round.ending = *ending;
                    round.summary.clone_from(summary);
                    round.tests_passed = result.tests_passed;
                    round.verified = result.verified;
                    round.files_changed.clone_from(&result.files_changed);
                }
            }
            _ => {}
        }
    }
}

/// A message and who it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedMessage {
    /// Whose conversation it joined.
    pub agent: AgentName,
    /// When.
    pub timestamp: Timestamp,
    /// The message.
    #[serde(flatten)]
    pub message: Arc<Message>,
}

/// How a round came out, in the source document's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedResult {
    /// [`Ending::record_status`].
    pub status: String,
    /// Whether the tests passed; none: nothing shows it.
    pub tests_passed: Option<bool>,
}

/// A round of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedRound {
    /// From 1.
    pub round: u32,
    /// What the person said.
    pub text: String,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// The manager's last words.
    pub summary: String,
    /// Whether the tests passed.
    pub tests_passed: Option<bool>,
    /// Whether every claim was checked and held.
    pub verified: bool,
    /// Files that differ from the round's start.
    pub files_changed: Vec<String>,
}
