//! One event of every kind, with texts and numbers that are easily damaged on the way.

use domain::{
    agent::WorkerKind,
    brief::Brief,
    event::{Backend, CheckpointAt, Decision, InterventionAction, Restored, RoundResult, RunScope},
    evidence::{Evidence, ObservedCommand},
    id::{CallId, QuestionId, RequestId, RunId},
    limits::Limits,
    message::{Message, Part, Role, StopReason, Usage},
    model::InvalidInput,
    outcome::{Ending, FailReason},
    permission::{SandboxLevel, SandboxState},
    report::{ReportedFinding, Severity, Verdict},
    review::{ClosedAs, ClosedFinding, FindingId},
    tool::ToolStatus,
};
use serde_json::json;

use super::*;

const TEXT: &str = "줄1\r\n줄2\t\"\\ \u{0} 👩‍👩‍👧 مرحبا \u{feff}e\u{301}";

pub(super) fn started(session: SessionId, seq: u64, cwd: &str) -> Arc<Event> {
    let body = EventBody::SessionStarted {
        cwd: cwd.to_owned(),
        provider: "offline".to_owned(),
        agents: vec![AgentName::manager()],
        limits: Limits::default(),
        sandbox: sandbox(),
        version: "0.1.0".to_owned(),
    };
    event(session, seq, body)
}

fn sandbox() -> SandboxState {
    SandboxState { level: SandboxLevel::Kernel, reason: TEXT.to_owned(), usable: true }
}

fn ulid(number: u128) -> Ulid {
    Ulid::from_parts(1, number)
}

fn call() -> CallId {
    CallId::new("toolu_01")
}

fn usage() -> Usage {
    Usage { input_tokens: u64::MAX, output_tokens: 1, cache_read_tokens: 2, cache_write_tokens: 3 }
}

fn message() -> Arc<Message> {
    Arc::new(Message {
        role: Role::Assistant,
        parts: vec![
            Part::Text { text: TEXT.to_owned() },
            Part::Thinking { text: String::new(), signature: Some("c2VhbA==".to_owned()) },
            Part::ToolUse {
                id: call(),
                name: "edit".to_owned(),
                input: json!({"z": 1, "a": [0.1, -0.0, 1e300]}),
            },
            Part::ToolResult { id: call(), content: TEXT.to_owned(), is_error: true },
            Part::ProviderBlock {
                provider: "anthropic".to_owned(),
                raw: "{ \"b\":1,\"a\" : 1.0 }".to_owned(),
            },
        ],
    })
}

/// The events of a session, numbered from 1.
pub(super) fn every_kind(session: SessionId) -> Vec<Event> {
    let mut bodies = vec![started(session, 1, "/tmp/집").body.clone()];
    bodies.extend(people_and_rounds());
    bodies.extend(work());
    bodies.extend(ends());
    let run = RunScope {
        run_id: RunId::new(ulid(5)),
        agent: AgentName::parse("coder").unwrap(),
        parent_run_id: Some(RunId::new(ulid(4))),
    };
    let scopes = [Scope::default(), Scope::round(1), Scope::run(2, run)];
    let numbered = bodies.into_iter().zip(1..).zip(scopes.into_iter().cycle());
    numbered.map(|((body, seq), scope)| Event { scope, ..(*event(session, seq, body)).clone() }).collect()
}

fn people_and_rounds() -> Vec<EventBody> {
    let deadline = Timestamp::from_micros(1_700_000_000_123_456);
    vec![
        EventBody::SessionResumed {
            cwd: "/tmp/집".to_owned(),
            provider: "offline".to_owned(),
            agents: vec![],
            limits: Limits {
                timeout_seconds: Some(std::time::Duration::from_millis(1_500)),
                ..Limits::default()
            },
            sandbox: sandbox(),
            version: "0.1.0".to_owned(),
            restored: Restored { rounds: 1, events: 2, damaged: 3 },
        },
        EventBody::RoundStarted {
            text: TEXT.to_owned(),
            context: vec![TEXT.to_owned()],
            mentions: vec![],
            data: TEXT.to_owned(),
        },
        EventBody::Question {
            question_id: QuestionId::new(ulid(6)),
            asker: "manager".to_owned(),
            text: TEXT.to_owned(),
            options: vec!["예".to_owned()],
            deadline,
        },
        EventBody::Answer {
            question_id: QuestionId::new(ulid(6)),
            text: "예".to_owned(),
            by: "person".to_owned(),
        },
        EventBody::Intervention {
            action: InterventionAction::Opened,
            text: None,
            deadline: Some(deadline),
            next: Some("tester".to_owned()),
        },
        EventBody::MessageQueued { text: TEXT.to_owned() },
        EventBody::SettingChanged { key: "lang".to_owned(), value: json!("ko") },
        EventBody::PermissionAsked {
            call_id: call(),
            tool: "bash".to_owned(),
            input: json!({"command": TEXT}),
            diff: Some("-가\n+나\n".to_owned()),
            rule: "ask".to_owned(),
            options: vec![Decision::Once, Decision::Deny],
        },
        EventBody::PermissionAnswered {
            call_id: call(),
            decision: Decision::Session,
            note: Some(TEXT.to_owned()),
            by: "person".to_owned(),
        },
    ]
}

fn work() -> Vec<EventBody> {
    vec![
        EventBody::RunStarted {
            model: "fast".to_owned(),
            backend: Backend::Native,
            brief: Brief {
                task_description: TEXT.to_owned(),
                context: None,
                done_when: vec![TEXT.to_owned()],
                writes: Some(vec!["src/**".to_owned()]),
            },
            call_id: Some(call()),
        },
        EventBody::RequestStarted {
            request_id: RequestId::new(ulid(7)),
            attempt: 1,
            prefix_digest: "ab".to_owned(),
        },
        EventBody::Message {
            message: message(),
            stop_reason: Some(StopReason::Other("새로운".to_owned())),
            usage: Some(usage()),
            model: Some("m".to_owned()),
            cached: Some(false),
            invalid_inputs: vec![InvalidInput {
                call: call(),
                raw: "{\"가".to_owned(),
                error: TEXT.to_owned(),
            }],
        },
        EventBody::TextReplaced { request_id: RequestId::new(ulid(7)) },
        EventBody::ToolStarted {
            call_id: call(),
            tool: "write".to_owned(),
            input: json!({"path": "가.txt", "content": TEXT}),
        },
        EventBody::ToolFinished {
            call_id: call(),
            status: ToolStatus::Timeout,
            output: TEXT.repeat(1_000),
            omitted_bytes: u64::MAX,
            exit_code: Some(-1),
            elapsed_ms: 12,
            changed: true,
            artifact: Some("0a1b".to_owned()),
            malformed: true,
            commit: Some("0123abcd".to_owned()),
        },
        EventBody::Report {
            kind: WorkerKind::Coder,
            report: json!({"summary": TEXT, "files_changed": []}),
            evidence: Evidence {
                files_changed: vec!["가.txt".to_owned()],
                commands: vec![ObservedCommand { command: "true".to_owned(), exit_code: None }],
                partial: Some("많음".to_owned()),
            },
            claims_refuted: vec![TEXT.to_owned()],
            claims_unverified: vec![],
        },
        EventBody::ReviewCycle {
            cycle: 1,
            limit: 3,
            verdict: Verdict::RequestChanges,
            open_findings: vec![ReportedFinding {
                id: Some("F1".to_owned()),
                severity: Severity::Critical,
                file: Some("가.txt".to_owned()),
                line: Some(1),
                message: TEXT.to_owned(),
            }],
            closed: vec![ClosedFinding { id: FindingId::parse("F2").unwrap(), state: ClosedAs::Fixed }],
            ignored: vec![],
            reopenable: vec![FindingId::parse("F2").unwrap()],
        },
        EventBody::Retry {
            attempt: 1,
            max_attempts: 3,
            wait_ms: 1_000,
            reason: TEXT.to_owned(),
            code: "model_silent".to_owned(),
            usage: Some(usage()),
        },
        EventBody::Notice { code: "c".to_owned(), text: TEXT.to_owned() },
        EventBody::Error { code: "c".to_owned(), text: TEXT.to_owned(), chain: vec![TEXT.to_owned()] },
        EventBody::ContextCut { dropped: 10, kept: 5 },
        EventBody::LoopWarning { pattern: TEXT.to_owned(), count: 4 },
        EventBody::Checkpoint { id: "c1".to_owned(), at: CheckpointAt::End },
        EventBody::Undone {
            checkpoint: "c1".to_owned(),
            kept: "c2".to_owned(),
            paths: vec!["가.txt".to_owned()],
        },
        EventBody::LimitReached { limit: "turns".to_owned(), value: 50_u64.into() },
    ]
}

fn ends() -> Vec<EventBody> {
    vec![
        EventBody::RunFinished {
            ending: Ending::Failed(FailReason::Loop),
            turns: 3,
            usage: usage(),
            cost_usd: Some(0.1 + 0.2),
            elapsed_ms: 5,
            summary: TEXT.to_owned(),
        },
        EventBody::RoundFinished {
            ending: Ending::Done,
            exit_code: 0,
            summary: TEXT.to_owned(),
            result: RoundResult {
                status: "completed".to_owned(),
                tests_passed: None,
                verified: true,
                files_changed: vec!["가.txt".to_owned()],
            },
            total_turns: 9,
            agents_used: vec![AgentName::manager()],
            usage: usage(),
            cost_usd: Some(0.198_440_042_788_562_86),
            elapsed_ms: 6,
        },
    ]
}
