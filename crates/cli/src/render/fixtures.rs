//! Events for tests: one of every kind, in an order that could have happened.

use std::sync::Arc;

use domain::{
    agent::{AgentName, WorkerKind},
    brief::Brief,
    event::{
        Backend, CheckpointAt, Decision, Delta, DeltaBody, Event, EventBody, InterventionAction, Restored,
        RoundResult, RunScope, Scope, VERSION,
    },
    evidence::{Evidence, ObservedCommand},
    id::{CallId, QuestionId, RequestId, RunId, SessionId, Ulid},
    limits::Limits,
    message::{Message, Part, Role, StopReason, Usage},
    outcome::{Ending, FailReason},
    permission::{SandboxLevel, SandboxState},
    report::{ReportedFinding, Severity, Verdict},
    review::{ClosedAs, ClosedFinding, FindingId},
    time::Timestamp,
    tool::ToolStatus,
};
use serde_json::json;

const MANAGER: u128 = 1;
const CODER: u128 = 2;
const REVIEWER: u128 = 3;
const SECOND_CODER: u128 = 4;

fn run_id(number: u128) -> RunId {
    RunId::new(Ulid(number))
}

pub(crate) fn request(number: u128) -> RequestId {
    RequestId::new(Ulid(number))
}

/// The manager's run.
pub(crate) fn manager() -> RunScope {
    RunScope { run_id: run_id(MANAGER), agent: AgentName::manager(), parent_run_id: None }
}

/// A coder's run, called by the manager.
pub(crate) fn coder() -> RunScope {
    worker("coder", CODER)
}

/// Another run of the coder's, called by the manager.
pub(crate) fn second_coder() -> RunScope {
    worker("coder", SECOND_CODER)
}

/// A reviewer's run, called by the manager.
pub(crate) fn reviewer() -> RunScope {
    worker("reviewer", REVIEWER)
}

fn worker(name: &str, number: u128) -> RunScope {
    let agent = AgentName::parse(name).unwrap();
    RunScope { run_id: run_id(number), agent, parent_run_id: Some(run_id(MANAGER)) }
}

/// An event of a run.
pub(crate) fn of(run: RunScope, body: EventBody) -> Event {
    event(Scope::run(1, run), body)
}

/// An event outside of runs.
pub(crate) fn event(scope: Scope, body: EventBody) -> Event {
    let session_id = SessionId::new(Ulid(9));
    Event { v: VERSION, seq: 1, ts: Timestamp::from_micros(0), session_id, scope, body }
}

/// A piece of something.
pub(crate) fn delta(run: RunScope, body: DeltaBody, index: u32, text: &str) -> Delta {
    Delta {
        v: VERSION,
        after_seq: 1,
        ts: Timestamp::from_micros(0),
        session_id: SessionId::new(Ulid(9)),
        scope: Scope::run(1, run),
        body,
        index,
        text: text.to_owned(),
    }
}

/// A message of an agent.
pub(crate) fn says(parts: Vec<Part>) -> EventBody {
    EventBody::Message {
        message: Arc::new(Message { role: Role::Assistant, parts }),
        stop_reason: Some(StopReason::EndTurn),
        usage: Some(usage()),
        model: Some("model-1".to_owned()),
        cached: None,
        invalid_inputs: Vec::new(),
    }
}

/// Prose.
pub(crate) fn text(text: &str) -> Part {
    Part::Text { text: text.to_owned() }
}

/// The end of a round.
pub(crate) fn round_finished(ending: Ending, summary: &str) -> Event {
    let body = EventBody::RoundFinished {
        ending,
        exit_code: ending.exit_code(),
        summary: summary.to_owned(),
        result: RoundResult {
            status: ending.record_status().to_owned(),
            tests_passed: Some(ending.is_success()),
            verified: ending.is_success(),
            files_changed: vec!["src/한글.rs".to_owned()],
        },
        total_turns: 3,
        agents_used: vec![AgentName::manager(), coder().agent],
        usage: usage(),
        cost_usd: Some(0.0123),
        elapsed_ms: 61_250,
    };
    event(Scope::round(1), body)
}

pub(crate) fn run_started(run: RunScope) -> Event {
    let brief =
        Brief { task_description: "Mend it.".to_owned(), context: None, done_when: Vec::new(), writes: None };
    of(
        run,
        EventBody::RunStarted { model: "model-1".to_owned(), backend: Backend::Native, brief, call_id: None },
    )
}

pub(crate) fn run_finished(run: RunScope, ending: Ending) -> Event {
    let body = EventBody::RunFinished {
        ending,
        turns: 1,
        usage: usage(),
        cost_usd: None,
        elapsed_ms: 940,
        summary: String::new(),
    };
    of(run, body)
}

pub(crate) fn tool_started(run: RunScope, call: &str, tool: &str, input: serde_json::Value) -> Event {
    of(run, EventBody::ToolStarted { call_id: CallId::new(call), tool: tool.to_owned(), input })
}

pub(crate) fn tool_finished(
    run: RunScope,
    call: &str,
    status: ToolStatus,
    output: &str,
    exit: Option<i32>,
) -> Event {
    let body = EventBody::ToolFinished {
        call_id: CallId::new(call),
        status,
        output: output.to_owned(),
        omitted_bytes: 0,
        exit_code: exit,
        elapsed_ms: 12,
        changed: false,
        artifact: None,
        malformed: false,
        commit: None,
    };
    of(run, body)
}

/// A reviewer's report that asks for a change, with a claim that does not hold and one that nobody checked.
pub(crate) fn review() -> Event {
    let report = json!({
        "summary": "Wrong below one.",
        "verdict": "request_changes",
        "findings": [{"severity": "critical", "file": "src/한글.rs", "line": 9, "message": "-0.50 is added"}],
    });
    let body = EventBody::Report {
        kind: WorkerKind::Reviewer,
        report,
        evidence: Evidence {
            files_changed: vec!["src/한글.rs".to_owned()],
            commands: vec![
                ObservedCommand { command: "make test".to_owned(), exit_code: Some(2) },
                ObservedCommand { command: "sleep 99".to_owned(), exit_code: None },
            ],
            partial: Some("too many files".to_owned()),
        },
        claims_refuted: vec!["`make test` passed".to_owned()],
        claims_unverified: vec!["a.rs changed".to_owned()],
    };
    of(reviewer(), body)
}

fn usage() -> Usage {
    Usage { input_tokens: 100, output_tokens: 20, cache_read_tokens: 5, cache_write_tokens: 0 }
}

fn kernel() -> SandboxState {
    SandboxState { level: SandboxLevel::Kernel, reason: "best level here".to_owned(), usable: true }
}

/// One event of every kind, at least.
pub(crate) fn every_kind() -> Vec<Event> {
    let mut events = session();
    events.extend(turns());
    events.extend(asides());
    events.push(review());
    let open = ReportedFinding {
        id: Some("R1".to_owned()),
        severity: Severity::Critical,
        file: Some("src/한글.rs".to_owned()),
        line: Some(9),
        message: "-0.50 is added".to_owned(),
    };
    let body = EventBody::ReviewCycle {
        cycle: 1,
        limit: 3,
        verdict: Verdict::RequestChanges,
        closed: vec![
            ClosedFinding { id: finding_id("F1"), state: ClosedAs::Fixed },
            ClosedFinding { id: finding_id("F2"), state: ClosedAs::Withdrawn },
        ],
        ignored: vec![ReportedFinding { id: Some("F3".to_owned()), ..open.clone() }],
        open_findings: vec![open],
        reopenable: Vec::new(),
    };
    events.push(of(manager(), body));
    events.push(run_finished(manager(), Ending::Done));
    events.push(round_finished(Ending::Failed(FailReason::Verification), "I believe that it works.\n"));
    events
}

fn finding_id(id: &str) -> FindingId {
    FindingId::parse(id).expect("an id of a finding")
}

fn session() -> Vec<Event> {
    let agents = vec![AgentName::manager(), coder().agent];
    let started = EventBody::SessionStarted {
        cwd: "/home/me/project".to_owned(),
        provider: "script".to_owned(),
        agents: agents.clone(),
        limits: Limits::default(),
        sandbox: kernel(),
        version: "0.1.0".to_owned(),
    };
    let resumed = EventBody::SessionResumed {
        cwd: "/home/me/project".to_owned(),
        provider: "script".to_owned(),
        agents,
        limits: Limits::default(),
        sandbox: SandboxState { level: SandboxLevel::None, reason: String::new(), usable: true },
        version: "0.1.0".to_owned(),
        restored: Restored { rounds: 2, events: 40, damaged: 0 },
    };
    let round = EventBody::RoundStarted {
        text: "Mend\n  the sign of 환불".to_owned(),
        context: vec!["notes.md".to_owned()],
        mentions: vec![coder().agent],
        data: "\n\n<context name=\"notes.md\">\na note\n</context>".to_owned(),
    };
    vec![event(Scope::default(), started), event(Scope::default(), resumed), event(Scope::round(1), round)]
}

fn turns() -> Vec<Event> {
    let request_started =
        EventBody::RequestStarted { request_id: request(1), attempt: 2, prefix_digest: "abc".to_owned() };
    let thinking = Part::Thinking { text: "Who should do it?".to_owned(), signature: None };
    vec![
        run_started(manager()),
        of(manager(), request_started),
        of(manager(), says(vec![thinking, text("I call the coder.\nIt knows \u{1b}[31mcolours.")])),
        of(manager(), EventBody::TextReplaced { request_id: request(1) }),
        tool_started(manager(), "c1", "execute_coder_task", json!({"task_description": "Mend it."})),
        run_started(coder()),
        tool_started(coder(), "c2", "bash", json!({"command": "make test"})),
        tool_finished(coder(), "c2", ToolStatus::Ok, "1 failed", Some(2)),
        tool_started(coder(), "c3", "write", json!({"path": "../x", "content": ""})),
        tool_finished(coder(), "c3", ToolStatus::Denied, "outside of\nthe workspace", None),
        run_finished(coder(), Ending::Done),
        tool_finished(manager(), "c1", ToolStatus::Ok, "{}", None),
    ]
}

fn asides() -> Vec<Event> {
    let run = |body| of(manager(), body);
    let window = |action, text: Option<&str>| {
        let text = text.map(str::to_owned);
        let next = Some("tester".to_owned());
        run(EventBody::Intervention { action, text, deadline: None, next })
    };
    vec![
        run(EventBody::PermissionAsked {
            call_id: CallId::new("c4"),
            tool: "write".to_owned(),
            input: json!({"path": "src/a.rs", "content": "b\n"}),
            diff: Some("-a\n+b\n".to_owned()),
            rule: "permission mode `ask` asks before every edit".to_owned(),
            options: vec![Decision::Once, Decision::Deny],
        }),
        run(EventBody::PermissionAnswered {
            call_id: CallId::new("c4"),
            decision: Decision::Deny,
            note: Some("not now".to_owned()),
            by: "person".to_owned(),
        }),
        run(EventBody::Retry {
            attempt: 2,
            max_attempts: 3,
            wait_ms: 1500,
            reason: "overloaded".to_owned(),
            code: "model_unavailable".to_owned(),
            usage: None,
        }),
        run(EventBody::Notice {
            code: "worker_timeout".to_owned(),
            text: "the coder's time is up".to_owned(),
        }),
        run(EventBody::Error {
            code: "model_unreachable".to_owned(),
            text: "cannot reach http://localhost:1".to_owned(),
            chain: vec!["connection refused".to_owned()],
        }),
        window(InterventionAction::Opened, None),
        window(InterventionAction::Message, Some("use tabs")),
        run(EventBody::Question {
            question_id: QuestionId::new(Ulid(5)),
            asker: "manager".to_owned(),
            text: "Which of the two?".to_owned(),
            options: vec!["this".to_owned(), "that".to_owned()],
            deadline: Timestamp::from_micros(0),
        }),
        run(EventBody::Answer {
            question_id: QuestionId::new(Ulid(5)),
            text: "this".to_owned(),
            by: "person".to_owned(),
        }),
        run(EventBody::MessageQueued { text: "and hurry".to_owned() }),
        run(EventBody::SettingChanged { key: "effort".to_owned(), value: json!("high") }),
        run(EventBody::ContextCut { dropped: 10, kept: 12 }),
        run(EventBody::LoopWarning { pattern: "read a.rs".to_owned(), count: 4 }),
        run(EventBody::Checkpoint { id: "abc".to_owned(), at: CheckpointAt::Begin }),
        run(EventBody::Undone {
            checkpoint: "abc".to_owned(),
            kept: "def".to_owned(),
            paths: vec!["src/a.rs".to_owned()],
        }),
        run(EventBody::LimitReached { limit: "max_turns".to_owned(), value: 50_u64.into() }),
    ]
}
