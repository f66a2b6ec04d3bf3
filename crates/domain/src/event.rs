//! The journal's words: everything that happens in a session, as one JSON object a line (contract 5).
//!
//! The same objects go to the journal, to `--output-format stream-json` and to every front end. Deltas are
//! published but never journaled; what they add up to is a [`EventBody::Message`] or [`EventBody::ToolFinished`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    agent::{AgentName, WorkerKind},
    brief::Brief,
    evidence::Evidence,
    id::{CallId, QuestionId, RequestId, RunId, SessionId},
    limits::{LimitValue, Limits},
    message::{Message, StopReason, Usage},
    model::InvalidInput,
    outcome::Ending,
    permission::SandboxState,
    report::{ReportedFinding, Verdict},
    review::{ClosedFinding, FindingId},
    time::Timestamp,
    tool::ToolStatus,
};

mod delta;

pub use delta::{Delta, DeltaBody, Published};

/// The version of the event format.
pub const VERSION: u32 = 1;

/// Something that happened, in its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// [`VERSION`].
    pub v: u32,
    /// The place in the session's journal: 1, 2, 3, ... without gaps.
    pub seq: u64,
    /// When it was appended.
    pub ts: Timestamp,
    /// The session.
    pub session_id: SessionId,
    /// Where in the session it happened.
    #[serde(flatten)]
    pub scope: Scope,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// Where in a session something happens: outside of any round, in a round, or in an agent's run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ScopeWire", into = "ScopeWire")]
pub struct Scope {
    /// The round, from 1.
    pub round: Option<u32>,
    /// The run.
    pub run: Option<RunScope>,
}

/// [`Scope`] on the wire. A flattened `Option<RunScope>` would read a damaged run as none.
#[derive(Clone, Serialize, Deserialize)]
struct ScopeWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    round: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
}

impl From<Scope> for ScopeWire {
    fn from(Scope { round, run }: Scope) -> Self {
        match run {
            Some(RunScope { run_id, agent, parent_run_id }) => {
                Self { round, run_id: Some(run_id), agent: Some(agent), parent_run_id }
            }
            None => Self { round, run_id: None, agent: None, parent_run_id: None },
        }
    }
}

/// A line that names half of a run.
#[derive(Debug, thiserror::Error)]
#[error(
    "an event of a run has `run_id` and `agent`; one outside of runs has neither, and no `parent_run_id`"
)]
struct HalfARun;

impl TryFrom<ScopeWire> for Scope {
    type Error = HalfARun;

    fn try_from(wire: ScopeWire) -> Result<Self, HalfARun> {
        let run = match (wire.run_id, wire.agent, wire.parent_run_id) {
            (Some(run_id), Some(agent), parent_run_id) => Some(RunScope { run_id, agent, parent_run_id }),
            (None, None, None) => None,
            _ => return Err(HalfARun),
        };
        Ok(Self { round: wire.round, run })
    }
}

impl Scope {
    /// A place in a round, outside of any run.
    #[must_use]
    pub const fn round(round: u32) -> Self {
        Self { round: Some(round), run: None }
    }

    /// A place in a run.
    #[must_use]
    pub const fn run(round: u32, run: RunScope) -> Self {
        Self { round: Some(round), run: Some(run) }
    }
}

/// Whose run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunScope {
    /// The run.
    pub run_id: RunId,
    /// The agent that runs.
    pub agent: AgentName,
    /// The run that called it; none for the manager's, and for workers that the person called directly.
    pub parent_run_id: Option<RunId>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are named and described by contract 5, variant by variant")]
pub enum EventBody {
    /// A session began.
    SessionStarted {
        cwd: String,
        provider: String,
        agents: Vec<AgentName>,
        limits: Limits,
        sandbox: SandboxState,
        version: String,
    },
    /// A session that had ended goes on.
    SessionResumed {
        cwd: String,
        provider: String,
        agents: Vec<AgentName>,
        limits: Limits,
        sandbox: SandboxState,
        version: String,
        restored: Restored,
    },
    /// The person said something; a round began. `data`: what `context` names, as agents read it.
    RoundStarted {
        text: String,
        context: Vec<String>,
        mentions: Vec<AgentName>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        data: String,
    },
    /// An agent began to work. `call_id`: the call of the manager's that its report answers.
    RunStarted {
        model: String,
        backend: Backend,
        brief: Brief,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call_id: Option<CallId>,
    },
    /// A request goes to a model.
    RequestStarted { request_id: RequestId, attempt: u32, prefix_digest: String },
    /// A message joined a run's conversation. `invalid_inputs`: the calls in it whose input could not be read.
    Message {
        #[serde(flatten)]
        message: Arc<Message>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_reason: Option<StopReason>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cached: Option<bool>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        invalid_inputs: Vec<InvalidInput>,
    },
    /// What a failed attempt had shown is void.
    TextReplaced { request_id: RequestId },
    /// A tool call is about to run.
    ToolStarted { call_id: CallId, tool: String, input: Value },
    /// A tool call ended. `changed`: files of the workspace differ from before it. `artifact`: what holds the whole
    /// output. `malformed`: its input did not fit the tool's schema, and nothing was done. `commit`: the full id of the
    /// commit that it made.
    ToolFinished {
        call_id: CallId,
        status: ToolStatus,
        output: String,
        omitted_bytes: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        elapsed_ms: u64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        changed: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artifact: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        malformed: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    /// A call waits for the person's leave.
    PermissionAsked {
        call_id: CallId,
        tool: String,
        input: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diff: Option<String>,
        rule: String,
        options: Vec<Decision>,
    },
    /// The person, or a rule in their place, decided.
    PermissionAnswered {
        call_id: CallId,
        decision: Decision,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        by: String,
    },
    /// A worker handed in its report; the engine laid its evidence beside it.
    Report {
        kind: WorkerKind,
        report: Value,
        evidence: Evidence,
        claims_refuted: Vec<String>,
        claims_unverified: Vec<String>,
    },
    /// A review ended with a verdict, or a person ended the reviews. `closed`: what that settled. `ignored`: settled
    /// findings that were said again without new evidence. `reopenable`: settled findings whose file has changed since:
    /// said again, they are open again.
    ReviewCycle {
        cycle: u32,
        limit: u32,
        verdict: Verdict,
        open_findings: Vec<ReportedFinding>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        closed: Vec<ClosedFinding>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ignored: Vec<ReportedFinding>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reopenable: Vec<FindingId>,
    },
    /// A request failed and will be tried again. `code`: of what went wrong, as in an `error`; empty in older journals.
    /// `usage`: what the failed attempt took, where the provider said so.
    Retry {
        attempt: u32,
        max_attempts: u32,
        wait_ms: u64,
        reason: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        code: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// Something worth knowing.
    Notice { code: String, text: String },
    /// Something failed.
    Error { code: String, text: String, chain: Vec<String> },
    /// What happens to the window in which the person can step in, before the manager reads reports. `deadline`: when it
    /// closes by itself. `next`: who has the word after it.
    Intervention {
        action: InterventionAction,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// The person is asked.
    Question {
        question_id: QuestionId,
        asker: String,
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        deadline: Timestamp,
    },
    /// What came of a question that waited for the person: their answer, or what was taken in their place; an empty
    /// `text` where nobody answered. `by`: `person`, `deadline`, `engine`.
    Answer { question_id: QuestionId, text: String, by: String },
    /// The person said something while the team was at work; the manager reads it next.
    MessageQueued { text: String },
    /// A setting changed in the middle of a session.
    SettingChanged { key: String, value: Value },
    /// Old messages were cut from a run's conversation.
    ContextCut { dropped: u32, kept: u32 },
    /// The same thing happens again and again.
    LoopWarning { pattern: String, count: u32 },
    /// A state of the workspace was kept: the one that `session undo` goes back to, the one before a run's first effect,
    /// the one that a review is about, or the one that a round left.
    Checkpoint {
        id: String,
        #[serde(default, skip_serializing_if = "CheckpointAt::is_begin")]
        at: CheckpointAt,
    },
    /// A round was undone. `checkpoint`: the state that came back. `kept`: the state before, to undo the undoing.
    Undone { checkpoint: String, kept: String, paths: Vec<String> },
    /// A limit was reached.
    LimitReached { limit: String, value: LimitValue },
    /// A run ended. `summary`: its last words, or what ended it, where that is no report.
    RunFinished {
        #[serde(flatten)]
        ending: Ending,
        turns: u32,
        usage: Usage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost_usd: Option<f64>,
        elapsed_ms: u64,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        summary: String,
    },
    /// A round ended. The last event of every round.
    RoundFinished {
        #[serde(flatten)]
        ending: Ending,
        exit_code: u8,
        summary: String,
        result: RoundResult,
        total_turns: u32,
        agents_used: Vec<AgentName>,
        usage: Usage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost_usd: Option<f64>,
        elapsed_ms: u64,
    },
}

impl EventBody {
    /// Whether a round ends with this event.
    #[must_use]
    pub const fn ends_round(&self) -> bool {
        matches!(self, Self::RoundFinished { .. })
    }

    /// Whether the world may go on only after this event is on disk (contract 3): the person's message, an
    /// answered permission, terminal events. A tool with effects is the tool runner's own business, because only
    /// it knows the tool.
    #[must_use]
    pub const fn must_be_durable(&self) -> bool {
        matches!(
            self,
            Self::RoundStarted { .. }
                | Self::PermissionAnswered { .. }
                | Self::RunFinished { .. }
                | Self::RoundFinished { .. }
        )
    }
}

/// What a resumed session brought along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Finished rounds.
    pub rounds: u32,
    /// Events read.
    pub events: u64,
    /// Rows of the journal that could not be read and were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `skip_serializing_if` hands over a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Who drives an agent's turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// Our own loop over a model.
    Native,
    /// A whole agent behind a protocol.
    External,
}

/// A decision about a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes, this call.
    Once,
    /// Yes, and the like for the rest of the session.
    Session,
    /// Yes, and the like from now on.
    Always,
    /// No.
    Deny,
}

/// When in a round a state of the workspace was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointAt {
    /// Before its first effect.
    #[default]
    Begin,
    /// Before the first effect of a run of it, where that is not its own first.
    Run,
    /// When the review of a run began: what the next review compares with, once this one has reported.
    Review,
    /// After its last effect.
    End,
}

impl CheckpointAt {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's `skip_serializing_if` hands over a reference"
    )]
    fn is_begin(&self) -> bool {
        *self == Self::Begin
    }
}

/// What happened to an intervention window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterventionAction {
    /// It opened.
    Opened,
    /// The run goes on.
    Continued,
    /// Its clock stands still; how long a question stays open is its bound.
    Paused,
    /// The person said something.
    Message,
    /// The round was ended in it, by the person or by a limit.
    Stopped,
}

/// What the engine saw of a round's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundResult {
    /// [`Ending::record_status`].
    pub status: String,
    /// Whether the test commands passed in the final state; none: no run of one counts.
    pub tests_passed: Option<bool>,
    /// Whether every claim was checked and held.
    pub verified: bool,
    /// The files that differ from the round's start, relative to the workspace, sorted.
    pub files_changed: Vec<String>,
}
