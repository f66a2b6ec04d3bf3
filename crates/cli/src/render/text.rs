//! Events as lines for people: who does what as it happens, and how it ended (spec O-4).
//!
//! [`Teller`] folds events and deltas into text and does nothing else. What agents do is progress (standard error);
//! the manager's last words are the answer (standard output).

mod account;
mod asked;
mod calls;
mod coded;
mod person;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use better_llm::Notice;
use domain::{
    event::{Delta, DeltaBody, Event, EventBody, RunScope},
    id::{RequestId, RunId, SessionId},
    message::{Message, Part, Role as Speaker},
    outcome::{Ending, FailReason, NeedReason},
    permission::SandboxState,
    terminal::Sanitized,
    workflow::NOTHING_SAID,
};

use self::calls::Calls;
use super::{
    report::{ReportEvent, report},
    screen::{Screen, Stream},
    style::{Markup, Role, Style},
};
use crate::words::Language;

/// What an event or a delta has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// For standard error.
    pub(crate) progress: Markup,
    /// For standard output, alone.
    pub(crate) answer: Option<Markup>,
}

/// Tells people what happens in a session.
#[derive(Debug)]
pub(crate) struct Teller {
    language: Language,
    style: Style,
    screen: Screen,
    calls: Calls,
    /// What has been shown of the answer that each run's model is giving; gone with the message.
    shown: HashMap<RunId, Shown>,
    known: Known,
}

/// What was said before and is needed to say something else in the person's language.
#[derive(Debug, Default)]
struct Known {
    /// What the configuration left out; its notices come as events.
    notices: Vec<Notice>,
    /// The wall around commands.
    sandbox: Option<SandboxState>,
    /// What becomes of the round in which a session that is taken up again had broken off.
    broken_off: Option<BrokenOff>,
}

/// A round in which a session had broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenOff {
    /// Its number.
    pub(crate) round: u32,
    /// Whether it goes on; otherwise it was closed as interrupted, and another one begins.
    pub(crate) goes_on: bool,
}

/// The pieces of one answer that have been shown, by part.
#[derive(Debug)]
struct Shown {
    request: RequestId,
    parts: HashMap<u32, String>,
}

impl Teller {
    /// Tells in this language from now on.
    pub(crate) const fn speak(&mut self, language: Language) {
        self.language = language;
    }

    /// Tells in `language` and `style`.
    pub(crate) fn new(language: Language, style: Style) -> Self {
        Self {
            language,
            style,
            screen: Screen::new(style),
            calls: Calls::default(),
            shown: HashMap::new(),
            known: Known::default(),
        }
    }

    /// Takes note of what the configuration left out.
    pub(crate) fn know(&mut self, notices: &[Notice]) {
        self.known.notices = notices.to_vec();
    }

    /// Takes note of what becomes of the round in which the session had broken off, if it had.
    pub(crate) const fn know_broken_off(&mut self, round: Option<BrokenOff>) {
        self.known.broken_off = round;
    }

    /// Tells a piece of something that is still being produced.
    pub(crate) fn delta(&mut self, delta: &Delta) -> Told {
        if let Some(run) = &delta.scope.run {
            match &delta.body {
                DeltaBody::TextDelta { request_id } => self.piece(run, *request_id, delta, Role::Prose),
                DeltaBody::ThinkingDelta { request_id } => self.piece(run, *request_id, delta, Role::Faint),
                DeltaBody::ToolOutput { call_id, .. } => {
                    self.calls.output(&mut self.screen, run, call_id, &delta.text);
                }
            }
        }
        Told { progress: self.screen.take(), answer: None }
    }

    /// Tells an event.
    pub(crate) fn event(&mut self, event: &Event) -> Told {
        let run = event.scope.run.as_ref();
        let answer = match &event.body {
            EventBody::RoundFinished {
                ending,
                result,
                total_turns,
                agents_used,
                usage,
                cost_usd,
                elapsed_ms,
                summary,
                ..
            } => {
                let whose = whose_summary(*ending, summary);
                let end = account::RoundEnd {
                    ending: *ending,
                    result,
                    turns: *total_turns,
                    agents: agents_used,
                    usage,
                    cost_usd: *cost_usd,
                    elapsed_ms: *elapsed_ms,
                    detail: if whose == Summary::Engines { summary.trim() } else { "" },
                };
                account::round_finished(&mut self.screen, self.language, &end);
                let summary = Sanitized::lines(summary.trim());
                (whose == Summary::Agents && !summary.is_empty()).then(|| Markup::from(summary).ended())
            }
            body => {
                self.tell(event.session_id, run, body);
                None
            }
        };
        Told { progress: self.screen.take(), answer }
    }

    fn piece(&mut self, run: &RunScope, request: RequestId, delta: &Delta, role: Role) {
        let shown = self.shown.entry(run.run_id).or_insert_with(|| Shown { request, parts: HashMap::new() });
        if shown.request != request {
            *shown = Shown { request, parts: HashMap::new() };
        }
        shown.parts.entry(delta.index).or_default().push_str(&delta.text);
        self.screen.stream(run, &Stream::Part(delta.index, role), &delta.text);
    }

    fn tell(&mut self, session: SessionId, run: Option<&RunScope>, body: &EventBody) {
        let language = self.language;
        match body {
            EventBody::SessionStarted { sandbox, .. } => {
                self.known.sandbox = Some(sandbox.clone());
                account::tell(&mut self.screen, language, run, body, &self.known.notices);
            }
            EventBody::SessionResumed { sandbox, restored, .. } => {
                self.known.sandbox = Some(sandbox.clone());
                account::tell(&mut self.screen, language, run, body, &self.known.notices);
                let restored = language.resumed(&session.to_string(), *restored, self.known.broken_off);
                self.screen.line(None, &[(Role::Faint, &restored)]);
            }
            EventBody::RunStarted { model, backend, .. } => {
                if let Some(run) = run {
                    self.screen.enter(run);
                    account::run_started(&mut self.screen, language, run, model, *backend);
                }
            }
            EventBody::RunFinished { ending, turns, usage, cost_usd, elapsed_ms, summary: _ } => {
                if let Some(run) = run {
                    let cost = account::Cost { usage, cost_usd: *cost_usd, elapsed_ms: *elapsed_ms };
                    account::run_finished(&mut self.screen, language, run, *ending, *turns, &cost);
                    self.screen.leave(run);
                    self.shown.remove(&run.run_id);
                }
            }
            EventBody::RequestStarted { attempt, .. } => {
                if *attempt > 1 {
                    self.faint(run, &format!("↻ {}", language.attempt(*attempt)));
                }
            }
            EventBody::Message { message, stop_reason, cached, .. } => {
                self.message(run, message);
                if let Some(reason) = stop_reason.as_ref().and_then(|reason| language.stop_reason(reason)) {
                    self.mark(run, Role::Warning, "!", &reason);
                }
                if *cached == Some(true) {
                    self.faint(run, language.cached());
                }
            }
            EventBody::TextReplaced { request_id } => {
                run.into_iter().for_each(|run| self.screen.forget_held(run));
                self.mark(run, Role::Warning, "↻", language.void());
                self.shown.retain(|_, shown| shown.request != *request_id);
            }
            EventBody::ToolStarted { call_id, tool, input } => {
                self.calls.started(&mut self.screen, run, call_id, tool, input);
            }
            EventBody::ToolFinished { call_id, status, output, omitted_bytes, exit_code, .. } => {
                let end = calls::CallEnd {
                    status: *status,
                    output,
                    omitted_bytes: *omitted_bytes,
                    exit_code: *exit_code,
                    sandbox: self.known.sandbox.as_ref(),
                };
                self.calls.finished(&mut self.screen, language, run, call_id, &end);
            }
            EventBody::Report { kind, report: handed_in, evidence, claims_refuted, claims_unverified } => {
                let event = ReportEvent {
                    kind: *kind,
                    report: handed_in,
                    evidence,
                    refuted: claims_refuted,
                    unverified: claims_unverified,
                };
                report(&mut self.screen, language, run, &event);
            }
            other => account::tell(&mut self.screen, language, run, other, &self.known.notices),
        }
    }

    /// A message: what of it has not been shown piece by piece.
    fn message(&mut self, run: Option<&RunScope>, message: &Message) {
        if message.role == Speaker::User {
            // A brief, results or a reminder; told by other events where a person should know.
            return;
        }
        let shown =
            run.and_then(|run| self.shown.remove(&run.run_id)).map(|shown| shown.parts).unwrap_or_default();
        for (index, part) in (0_u32..).zip(&message.parts) {
            let before = shown.get(&index).map_or("", String::as_str);
            match part {
                Part::Text { text } => self.rest_of_part(run, index, Role::Prose, text, before),
                Part::Thinking { text, .. } => self.rest_of_part(run, index, Role::Faint, text, before),
                Part::ToolUse { id, name, input } => self.calls.announced(id, name, input),
                Part::ToolResult { .. } | Part::ProviderBlock { .. } => {}
            }
        }
        run.into_iter().for_each(|run| self.screen.say_held(run));
        self.screen.close();
    }

    fn rest_of_part(&mut self, run: Option<&RunScope>, index: u32, role: Role, text: &str, before: &str) {
        let stream = Stream::Part(index, role);
        let rest = match text.strip_prefix(before) {
            Some(rest) if rest.trim().is_empty() => return,
            // Only the rest is missing, and it can be read where it is shown.
            Some(rest) if before.ends_with('\n') => rest,
            Some(rest) if run.is_some_and(|run| self.screen.goes_on(run, &stream)) => rest,
            // Deltas were lost, or others spoke in between: the whole, so that it can be read.
            _ => {
                self.screen.close();
                text
            }
        };
        if rest.trim().is_empty() {
            return;
        }
        match run {
            Some(run) => self.screen.stream(run, &stream, rest),
            None => self.screen.line(None, &[(role, rest)]),
        }
    }

    fn faint(&mut self, run: Option<&RunScope>, text: &str) {
        self.screen.line(run, &[(Role::Faint, text)]);
    }

    fn mark(&mut self, run: Option<&RunScope>, role: Role, sign: &str, text: &str) {
        self.screen.line(run, &[(role, &format!("{sign} {text}"))]);
    }

    /// A line of the program's own, outside of any run.
    pub(crate) fn aside(&mut self, role: Role, text: &str) -> Markup {
        self.screen.line(None, &[(role, text)]);
        self.screen.take()
    }

    /// How the text looks.
    pub(crate) const fn style(&self) -> Style {
        self.style
    }

    /// In which language.
    pub(crate) const fn language(&self) -> Language {
        self.language
    }
}

/// Whose words the summary of a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Summary {
    /// An agent's: the answer, which a program may read.
    Agents,
    /// Ours, about how it ended.
    Engines,
    /// Ours, and told before: as an error, or as the findings that are open.
    Told,
}

fn whose_summary(ending: Ending, summary: &str) -> Summary {
    match ending {
        Ending::Failed(FailReason::Provider | FailReason::Credentials | FailReason::Internal)
        | Ending::NeedsPerson(NeedReason::ReviewLimit) => Summary::Told,
        Ending::Limit(_) | Ending::Failed(FailReason::Loop | FailReason::MalformedReport) => Summary::Engines,
        _ if summary == NOTHING_SAID => Summary::Engines,
        _ => Summary::Agents,
    }
}
