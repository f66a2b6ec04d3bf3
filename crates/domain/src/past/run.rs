//! A run of a round that was broken off, as its events tell of it.

use serde_json::Value;

use crate::{
    agent::WorkerKind,
    brief::Brief,
    context::Conversation,
    event::{CheckpointAt, Event, EventBody, RunScope},
    evidence::CheckedClaims,
    id::{CallId, QuestionId, RequestId},
    message::{Message, Role, Usage},
    outcome::{Ending, FailReason, LimitReason, PartialReason},
    report::Report,
    run::{AgentRun, Finish, FinishStatus, Pending, RunEnd, RunFailure, RunLimits, RunRole, TOO_LONG},
    time::Timestamp,
    tool::ToolStatus,
    workflow::CheckedReport,
    workspace::Checkpoint,
};

/// A run that began.
#[derive(Debug)]
pub struct PastRun {
    /// Whose.
    pub scope: RunScope,
    /// The manager's call that it answers; none: the manager's own run, or one that the person called.
    pub call: Option<CallId>,
    /// What it was told to do.
    pub brief: Brief,
    /// The workspace before its first effect, where that is known.
    pub base: Option<Checkpoint>,
    /// The workspace when its review began; none where it is none, or that was not kept.
    pub under_review: Option<Checkpoint>,
    /// What it handed in.
    pub report: Option<CheckedReport>,
    /// How it ended; none: it did not.
    pub end: Option<PastEnd>,
    /// When it began.
    pub(super) began: Timestamp,
    /// Its last request to a model.
    pub request: Option<RequestId>,
    /// The last question that it asked the person.
    pub question: Option<PastQuestion>,
    events: Vec<EventBody>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct PastEnd {
    /// The outcome.
    pub ending: Ending,
    /// Its requests.
    pub turns: u32,
    /// What it took, failed requests included.
    pub usage: Usage,
    /// Its last words, where they are no report.
    pub summary: String,
}

/// A question to the person, and what came of it.
#[derive(Debug, Clone)]
pub struct PastQuestion {
    /// Which.
    pub id: QuestionId,
    /// The answer, and who gave it; none: it waits.
    pub answer: Option<(String, String)>,
}

/// A call without a result, of a message that nothing follows.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenCall {
    /// The call.
    pub id: CallId,
    /// Its tool.
    pub tool: String,
    /// Its input.
    pub input: Value,
    /// Whether it was about to run, or ran.
    pub has_begun: bool,
}

impl PastRun {
    pub(super) fn new(scope: RunScope, call: Option<CallId>, brief: Brief, began: Timestamp) -> Self {
        Self {
            scope,
            call,
            brief,
            base: None,
            under_review: None,
            report: None,
            end: None,
            began,
            request: None,
            question: None,
            events: Vec::new(),
        }
    }

    /// Takes the next event of the run.
    pub(super) fn take(&mut self, event: &Event) {
        match &event.body {
            EventBody::RequestStarted { request_id, .. } => self.request = Some(*request_id),
            EventBody::Checkpoint { id, at: CheckpointAt::Run } => self.base = Some(Checkpoint::new(id)),
            EventBody::Checkpoint { id, at: CheckpointAt::Review } => {
                self.under_review = Some(Checkpoint::new(id));
            }
            EventBody::Question { question_id, .. } => {
                self.question = Some(PastQuestion { id: *question_id, answer: None });
            }
            EventBody::Answer { question_id, text, by } => {
                if let Some(question) = self.question.as_mut().filter(|asked| asked.id == *question_id) {
                    question.answer = Some((text.clone(), by.clone()));
                }
            }
            EventBody::Report { kind, report, evidence, claims_refuted, claims_unverified } => {
                self.report = Some(CheckedReport {
                    kind: *kind,
                    report: report.clone(),
                    evidence: evidence.clone(),
                    claims: CheckedClaims {
                        refuted: claims_refuted.clone(),
                        unverified: claims_unverified.clone(),
                    },
                });
            }
            EventBody::RunFinished { ending, turns, usage, summary, .. } => {
                let (ending, turns, usage) = (*ending, *turns, *usage);
                self.end = Some(PastEnd { ending, turns, usage, summary: summary.clone() });
            }
            _ => {}
        }
        self.events.push(event.body.clone());
    }

    /// Its machine, and what it was about to do; `conversation`: what it went on from.
    #[must_use]
    pub fn recall(
        &self,
        role: RunRole,
        limits: RunLimits,
        conversation: Conversation,
    ) -> (AgentRun, Pending) {
        AgentRun::recall(role, limits, conversation, &self.events)
    }

    /// How it ended, in the words of its machine; none: it did not.
    #[must_use]
    pub fn ended(&self, role: RunRole) -> Option<RunEnd> {
        let PastEnd { ending, summary, .. } = self.end.clone()?;
        let finished = |status| RunEnd::Finished(Finish { summary: summary.clone(), status });
        Some(match (role, ending) {
            (RunRole::Worker(kind), Ending::Done) => match self.parsed_report(kind) {
                Some(report) => RunEnd::Reported(report),
                None => RunEnd::Malformed("its report could not be read any more".to_owned()),
            },
            (RunRole::Manager, Ending::Done) => finished(FinishStatus::Done),
            (RunRole::Manager, Ending::Partial(PartialReason::ManagerPartial)) => {
                finished(FinishStatus::Partial)
            }
            (RunRole::Manager, Ending::Failed(FailReason::ManagerFailed)) => finished(FinishStatus::Failed),
            (_, Ending::Answered) => RunEnd::Answered(summary),
            (_, Ending::Partial(_)) => RunEnd::EndedInProse(summary),
            (_, Ending::Failed(FailReason::MalformedReport)) => RunEnd::Malformed(summary),
            (_, Ending::Failed(reason)) => RunEnd::Failed(RunFailure { reason, text: summary }),
            (_, Ending::Limit(LimitReason::Turns)) => RunEnd::OutOfTurns,
            (_, ending) => RunEnd::Stopped(ending),
        })
    }

    /// The report that it handed in, whether or not its end was written down.
    #[must_use]
    pub fn parsed_report(&self, kind: WorkerKind) -> Option<Report> {
        let report = self.report.as_ref()?;
        Report::parse(kind, &report.report).ok()
    }

    /// What its answered requests took, each with its answer, and its failed attempts without one. What a request took
    /// that failed for good stands in the run's end alone.
    pub fn taken(&self) -> impl Iterator<Item = (Usage, Option<&Message>)> {
        let said = self.events.iter().filter_map(|event| match event {
            EventBody::Message { message, usage: Some(usage), .. } => Some((*usage, Some(&**message))),
            EventBody::Retry { usage: Some(usage), .. } => Some((*usage, None)),
            _ => None,
        });
        let mut sum = Usage::default();
        said.clone().for_each(|(usage, _)| sum += usage);
        let rest = self.end.as_ref().map(|end| end.usage.minus(sum)).filter(|rest| rest.total() > 0);
        said.chain(rest.map(|rest| (rest, None)))
    }

    /// How often a model was asked; a request that was not answered and made again counts once.
    #[must_use]
    pub fn turns(&self) -> u32 {
        let mut is_asking = false;
        let asked = self.events.iter().filter(|event| match event {
            EventBody::RequestStarted { .. } => !std::mem::replace(&mut is_asking, true),
            EventBody::Message { message, .. } if message.role == Role::Assistant => {
                is_asking = false;
                false
            }
            EventBody::Notice { code, .. } if code == TOO_LONG => {
                is_asking = false;
                false
            }
            _ => false,
        });
        u32::try_from(asked.count()).unwrap_or(u32::MAX)
    }

    /// The calls that wait for a result: those of its last answer, where nothing follows it.
    #[must_use]
    pub fn open_calls(&self) -> Vec<OpenCall> {
        let is_message = |event: &EventBody| matches!(event, EventBody::Message { .. });
        let Some(at) = self.events.iter().rposition(is_message) else { return Vec::new() };
        let (Some(EventBody::Message { message, .. }), Some(after)) =
            (self.events.get(at), self.events.get(at + 1..))
        else {
            return Vec::new();
        };
        let begun = |call: &CallId| after.iter().any(|event| begins(event, call));
        let ended = |call: &CallId| after.iter().any(|event| ends(event, call));
        let calls = message.tool_uses().filter(|(id, _, _)| message.role == Role::Assistant && !ended(id));
        calls
            .map(|(id, tool, input)| OpenCall {
                id: id.clone(),
                tool: tool.to_owned(),
                input: input.clone(),
                has_begun: begun(id),
            })
            .collect()
    }

    /// The calls that had begun and came to no end of their own.
    pub(super) fn broken_calls(&self) -> impl Iterator<Item = (&Self, &CallId, &str, &Value)> {
        self.events.iter().filter_map(move |event| {
            let EventBody::ToolStarted { call_id, tool, input } = event else { return None };
            let ended = self.events.iter().any(|event| match event {
                EventBody::ToolFinished { call_id: ended, status, .. } => {
                    ended == call_id && *status != ToolStatus::Interrupted
                }
                _ => false,
            });
            (!ended).then_some((self, call_id, tool.as_str(), input))
        })
    }
}

fn begins(event: &EventBody, call: &CallId) -> bool {
    matches!(event, EventBody::ToolStarted { call_id, .. } if call_id == call)
}

pub(super) fn ends(event: &EventBody, call: &CallId) -> bool {
    matches!(event, EventBody::ToolFinished { call_id, .. } if call_id == call)
}
