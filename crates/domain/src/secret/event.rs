//! Taking secrets out of events, on their way into the journal.
//!
//! Every field is named, so that whoever adds one decides whether it can hold a text. Ids, names of agents and words
//! of closed sets cannot.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use super::Redactor;
use crate::{
    brief::Brief,
    event::{EventBody, RoundResult},
    evidence::{Evidence, ObservedCommand},
    message::{Message, Part, StopReason},
    model::InvalidInput,
    report::ReportedFinding,
};

/// What became of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct RedactedEvent {
    /// A block that its provider has sealed (thinking with a signature, a block of the provider's own) held a secret.
    /// It is not what the provider sealed any more, and the provider may not take it back.
    pub broke_seal: bool,
}

impl Redactor {
    /// Takes secrets out of every text of an event.
    pub fn redact_event(&self, event: &mut EventBody) -> RedactedEvent {
        let mut became = RedactedEvent::default();
        match event {
            EventBody::SessionStarted { cwd, provider, agents: _, limits: _, sandbox, version: _ }
            | EventBody::SessionResumed {
                cwd,
                provider,
                agents: _,
                limits: _,
                sandbox,
                version: _,
                restored: _,
            } => {
                self.redact_all([cwd, provider, &mut sandbox.reason]);
            }
            EventBody::RoundStarted { text, context, mentions: _, data } => {
                self.redact_all([text, data]);
                self.redact_all(context);
            }
            EventBody::RunStarted { model, backend: _, brief, call_id: _ } => {
                self.redact_in(model);
                self.redact_brief(brief);
            }
            EventBody::Message { message, stop_reason, usage: _, model, cached: _, invalid_inputs } => {
                became.broke_seal = self.redact_message(message);
                self.redact_all(model);
                for InvalidInput { call: _, raw, error } in invalid_inputs {
                    self.redact_all([raw, error]);
                }
                if let Some(StopReason::Other(reason)) = stop_reason {
                    self.redact_in(reason);
                }
            }
            EventBody::ToolStarted { call_id: _, tool, input } => {
                self.redact_in(tool);
                self.redact_value(input);
            }
            EventBody::ToolFinished {
                call_id: _,
                status: _,
                output,
                omitted_bytes: _,
                exit_code: _,
                elapsed_ms: _,
                changed: _,
                artifact: _,
                malformed: _,
                commit: _,
            } => {
                self.redact_in(output);
            }
            EventBody::PermissionAsked { call_id: _, tool, input, diff, rule, options: _ } => {
                self.redact_all([tool, rule]);
                self.redact_all(diff);
                self.redact_value(input);
            }
            EventBody::PermissionAnswered { call_id: _, decision: _, note, by } => {
                self.redact_all(note);
                self.redact_in(by);
            }
            EventBody::Report { kind: _, report, evidence, claims_refuted, claims_unverified } => {
                self.redact_value(report);
                self.redact_evidence(evidence);
                self.redact_all(claims_refuted.iter_mut().chain(claims_unverified));
            }
            EventBody::ReviewCycle {
                cycle: _,
                limit: _,
                verdict: _,
                open_findings,
                closed: _,
                ignored,
                reopenable: _,
            } => {
                let findings = open_findings.iter_mut().chain(ignored);
                findings.for_each(|finding| self.redact_finding(finding));
            }
            EventBody::Intervention { action: _, text, deadline: _, next } => {
                self.redact_all(text.iter_mut().chain(next));
            }
            EventBody::Question { question_id: _, asker: _, text, options, deadline: _ } => {
                self.redact_in(text);
                self.redact_all(options);
            }
            EventBody::Error { code: _, text, chain } => {
                self.redact_in(text);
                self.redact_all(chain);
            }
            EventBody::SettingChanged { key: _, value } => {
                self.redact_value(value);
            }
            EventBody::Undone { checkpoint: _, kept: _, paths } => self.redact_all(paths),
            EventBody::RoundFinished {
                ending: _,
                exit_code: _,
                summary,
                result: RoundResult { status: _, tests_passed: _, verified: _, files_changed },
                total_turns: _,
                agents_used: _,
                usage: _,
                cost_usd: _,
                elapsed_ms: _,
            } => {
                self.redact_in(summary);
                self.redact_all(files_changed);
            }
            EventBody::Answer { question_id: _, text, by: _ }
            | EventBody::MessageQueued { text }
            | EventBody::Notice { code: _, text }
            | EventBody::LoopWarning { pattern: text, count: _ }
            | EventBody::Retry { attempt: _, max_attempts: _, wait_ms: _, code: _, usage: _, reason: text }
            | EventBody::RunFinished {
                ending: _,
                turns: _,
                usage: _,
                cost_usd: _,
                elapsed_ms: _,
                summary: text,
            } => {
                self.redact_in(text);
            }
            EventBody::RequestStarted { request_id: _, attempt: _, prefix_digest: _ }
            | EventBody::TextReplaced { request_id: _ }
            | EventBody::ContextCut { dropped: _, kept: _ }
            | EventBody::Checkpoint { id: _, at: _ }
            | EventBody::LimitReached { limit: _, value: _ } => {}
        }
        became
    }

    fn redact_all<'t>(&self, texts: impl IntoIterator<Item = &'t mut String>) {
        for text in texts {
            self.redact_in(text);
        }
    }

    fn redact_brief(&self, Brief { task_description, context, done_when, writes }: &mut Brief) {
        self.redact_in(task_description);
        self.redact_all(context.iter_mut().chain(done_when).chain(writes.iter_mut().flatten()));
    }

    fn redact_evidence(&self, Evidence { files_changed, commands, partial }: &mut Evidence) {
        self.redact_all(files_changed.iter_mut().chain(partial));
        self.redact_all(commands.iter_mut().map(|ObservedCommand { command, exit_code: _ }| command));
    }

    fn redact_finding(&self, finding: &mut ReportedFinding) {
        let ReportedFinding { id, severity: _, file, line: _, message } = finding;
        self.redact_all(id.iter_mut().chain(file).chain([message]));
    }

    /// Whether a sealed part was changed. Messages are shared and large: nothing is copied where nothing changes.
    fn redact_message(&self, message: &mut Arc<Message>) -> bool {
        if message.parts.iter().all(|part| self.is_clean_part(part)) {
            return false;
        }
        let Message { role: _, parts } = Arc::make_mut(message);
        parts.iter_mut().fold(false, |broke_seal, part| self.redact_part(part) | broke_seal)
    }

    fn is_clean_part(&self, part: &Part) -> bool {
        let is_clean = |text: &str| self.is_clean(text.as_bytes());
        match part {
            Part::Text { text } | Part::ProviderBlock { provider: _, raw: text } => is_clean(text),
            Part::Thinking { text, signature } => is_clean(text) && signature.as_deref().is_none_or(is_clean),
            Part::ToolUse { id: _, name, input } => is_clean(name) && self.is_clean_value(input),
            Part::ToolResult { id: _, content, is_error: _ } => is_clean(content),
        }
    }

    fn is_clean_value(&self, value: &Value) -> bool {
        let is_clean = |text: &str| self.is_clean(text.as_bytes());
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::String(text) => is_clean(text),
            Value::Array(values) => values.iter().all(|value| self.is_clean_value(value)),
            Value::Object(fields) => {
                fields.iter().all(|(name, value)| is_clean(name) && self.is_clean_value(value))
            }
        }
    }

    /// Whether a seal was broken.
    fn redact_part(&self, part: &mut Part) -> bool {
        match part {
            Part::Text { text } => {
                self.redact_in(text);
                false
            }
            Part::Thinking { text, signature } => {
                let is_sealed = signature.is_some();
                let changed =
                    self.redact_in(text) | signature.as_mut().is_some_and(|seal| self.redact_in(seal));
                is_sealed && changed
            }
            Part::ToolUse { id: _, name, input } => {
                self.redact_in(name);
                self.redact_value(input);
                false
            }
            Part::ToolResult { id: _, content, is_error: _ } => {
                self.redact_in(content);
                false
            }
            Part::ProviderBlock { provider: _, raw } => match self.redact_json(raw) {
                Cow::Borrowed(_) => false,
                Cow::Owned(redacted) => {
                    *raw = redacted;
                    true
                }
            },
        }
    }
}
