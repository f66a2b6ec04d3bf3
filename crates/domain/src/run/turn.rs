//! What follows from an answer: its calls, their results, and the next request or the end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    AgentRun, AnswerFacts, CallResult, Closing, Phase, RunEffect, RunEnd, RunFailure, RunRole, Standing,
    closing,
    doctor::{Asked, Diagnosis},
    open_calls::{Obstacles, OpenCall, OpenCalls},
};
use crate::{
    id::CallId,
    limits::{MALFORMED_IN_A_ROW, MOST_CALLS_IN_A_MESSAGE},
    message::{Message, Part, Role, StopReason},
    model::{InvalidInput, ModelAnswer},
    outcome::FailReason,
    tool::RejectedInput,
};

/// Whether an answer in prose is all that the model had to say.
#[derive(Debug, Clone, Copy)]
enum Prose {
    Whole,
    /// It was cut off, or ended for a reason that nobody knows.
    Cut,
}

/// An answer, as far as it is decided what follows from it.
#[derive(Debug)]
pub(super) struct Said {
    text: String,
    calls: Vec<WrittenCall>,
    stop_reason: StopReason,
    invalid_inputs: Vec<InvalidInput>,
    /// Its request followed one that was too long.
    pub(super) was_too_long: bool,
    /// What came of its calls already.
    pub(super) results: BTreeMap<CallId, CallResult>,
}

impl Said {
    pub(super) fn of(message: &Message, stop_reason: StopReason, invalid_inputs: Vec<InvalidInput>) -> Self {
        let calls = message.tool_uses().map(|(id, name, input)| (id.clone(), name.to_owned(), input.clone()));
        Self {
            text: message.text(),
            calls: calls.collect(),
            stop_reason,
            invalid_inputs,
            was_too_long: false,
            results: BTreeMap::new(),
        }
    }
}

/// A call as the model wrote it: id, tool, input.
type WrittenCall = (CallId, String, Value);

impl AgentRun {
    pub(super) fn take_answer(&mut self, answer: ModelAnswer, effects: &mut Vec<RunEffect>) {
        let was_too_long = std::mem::take(&mut self.was_too_long);
        self.conversation.counts(answer.usage.total());
        let facts = AnswerFacts {
            stop_reason: answer.stop_reason.clone(),
            usage: answer.usage,
            model: answer.model.clone(),
            invalid_inputs: answer.invalid_inputs.clone(),
        };
        let mut said = Said::of(&answer.message, answer.stop_reason, answer.invalid_inputs);
        said.was_too_long = was_too_long;
        self.join(answer.message, Some(facts), effects);
        if let Some((code, text)) = odd_stop(&said.stop_reason) {
            effects.push(RunEffect::Notice { code, text });
        }
        self.decide(said, effects);
    }

    /// What follows from an answer that has joined the conversation.
    pub(super) fn decide(&mut self, said: Said, effects: &mut Vec<RunEffect>) {
        let Said { text, calls, stop_reason, invalid_inputs, was_too_long, results } = said;
        match stop_reason {
            // What such an answer still asks for is not run.
            StopReason::Refusal => {
                self.fail(&calls, format!("the model declined to answer: {text}"), effects)
            }
            StopReason::ContextWindowExceeded => {
                self.was_too_long = was_too_long;
                self.shorten_after(&calls, effects);
            }
            _ if !calls.is_empty() => self.take_calls(calls, &invalid_inputs, results, effects),
            StopReason::PauseTurn => {
                if !text.trim().is_empty() {
                    self.said_so_far.push_str(&text);
                    self.said_so_far.push('\n');
                }
                self.next_turn(&[], effects);
            }
            StopReason::MaxTokens | StopReason::Other(_) => self.take_prose(text, Prose::Cut, effects),
            StopReason::EndTurn | StopReason::StopSequence | StopReason::ToolUse => {
                self.take_prose(text, Prose::Whole, effects);
            }
        }
    }

    /// An answer without a call: an ending for a manager who has done nothing yet, else asked about once. One that was
    /// cut off is no ending, and is gone on with once. Words of the person that the model has not seen keep the run
    /// going.
    fn take_prose(&mut self, text: String, prose: Prose, effects: &mut Vec<RunEffect>) {
        if self.has_unread_words() {
            self.said_so_far.clear();
            return self.next_turn(&[], effects);
        }
        let said = std::mem::take(&mut self.said_so_far) + &text;
        // After a cut the rest has to come; after a pause the answer may have been whole before it.
        let is_blank = if self.was_asked_to_go_on { text.trim().is_empty() } else { said.trim().is_empty() };
        match (self.role, prose) {
            (RunRole::Manager, Prose::Cut) if !self.standing.work_done => {
                if self.was_asked_to_go_on {
                    return self.end(RunEnd::EndedInProse(said), effects);
                }
                self.was_asked_to_go_on = true;
                self.said_so_far = said;
                self.next_turn(&[closing::GO_ON], effects);
            }
            // No words are no answer.
            (RunRole::Manager, Prose::Whole) if !self.standing.work_done && !is_blank => {
                self.end(RunEnd::Answered(said), effects);
            }
            (RunRole::Manager, _) if self.was_asked_to_close => {
                self.end(RunEnd::EndedInProse(said), effects);
            }
            (RunRole::Worker(_), _) if self.was_asked_to_close => self.end(RunEnd::Malformed(said), effects),
            (role, Prose::Whole) => {
                self.was_asked_to_close = true;
                self.next_turn(&[closing::reminder(role)], effects);
            }
            (role, Prose::Cut) => {
                self.was_asked_to_close = true;
                self.said_so_far = said + "\n";
                self.next_turn(&[closing::WAS_CUT, closing::reminder(role)], effects);
            }
        }
    }

    /// The model's window was full before its answer was over: what it still asked for is not run, and the conversation
    /// is cut to half, as where a request is too long.
    fn shorten_after(&mut self, calls: &[WrittenCall], effects: &mut Vec<RunEffect>) {
        let text = closing::WINDOW_FULL.to_owned();
        if self.was_too_long || !self.conversation.can_be_cut_to_half() {
            return self.fail(calls, text, effects);
        }
        let not_run = "not run: the answer was cut off, because the model's window was full";
        let results = calls.iter().map(|(id, _, _)| Part::ToolResult {
            id: id.clone(),
            content: not_run.to_owned(),
            is_error: true,
        });
        let told = Part::Text { text: closing::WAS_CUT.to_owned() };
        let parts = results.chain([told]).collect();
        self.join(Message { role: Role::User, parts }, None, effects);
        self.shorten(RunFailure { reason: FailReason::Provider, text }, effects);
    }

    fn take_calls(
        &mut self,
        calls: Vec<WrittenCall>,
        invalid: &[InvalidInput],
        mut results: BTreeMap<CallId, CallResult>,
        effects: &mut Vec<RunEffect>,
    ) {
        self.said_so_far.clear();
        let mut open = OpenCalls::default();
        for (at, (id, tool, input)) in calls.into_iter().enumerate() {
            let asked = Asked::new(&tool, &input);
            let unreadable = invalid.iter().find(|invalid| invalid.call == id);
            let result = if let Some(known) = results.remove(&id) {
                Some(known)
            } else if at >= MOST_CALLS_IN_A_MESSAGE {
                Some(refuse(&id, tool, CallResult::error(too_many_calls()), effects))
            } else if let Some(invalid) = unreadable {
                let rejected = RejectedInput(format!("{}. What came: {}", invalid.error, invalid.raw));
                Some(refuse(&id, tool, CallResult::malformed(&rejected), effects))
            } else if tool == closing::tool_name(self.role) {
                match Closing::parse(self.role, &input) {
                    Ok(closing) => open.close_by(&id, &tool, closing),
                    Err(rejected) => Some(refuse(&id, tool, CallResult::malformed(&rejected), effects)),
                }
            } else {
                effects.push(RunEffect::Call { call: id.clone(), tool, input });
                None
            };
            open.calls.push(OpenCall { id, asked, result });
        }
        self.phase = Phase::Tools(open);
        self.go_on_when_answered(effects);
    }

    /// When every call of the message is answered: the run ends if a closing call holds, else the model goes on.
    pub(super) fn go_on_when_answered(&mut self, effects: &mut Vec<RunEffect>) {
        let has_unread_words = self.has_unread_words();
        let Phase::Tools(open) = &mut self.phase else { return };
        if !open.is_answered() {
            return;
        }
        let Standing { holds_back, .. } = &self.standing;
        let closing = open.close(Obstacles { has_unread_words, holds_back: holds_back.as_deref() });
        for call in &open.calls {
            let Some(result) = &call.result else { continue };
            self.doctor.saw(&call.asked, result);
            count_malformed(&mut self.malformed_in_a_row, result);
        }
        if let Some(closing) = closing {
            return self.end(closing.into_end(), effects);
        }
        if self.malformed_in_a_row >= MALFORMED_IN_A_ROW {
            return self.end(RunEnd::Malformed(closing::too_many_malformed()), effects);
        }
        self.next_turn(&[], effects);
    }

    /// Asks the model again, with what there is to tell it in one message: the results of its calls, reminders, what
    /// the doctor found, the person's words. A run that goes in circles and was told so ends instead; while the person
    /// speaks, nothing is a circle.
    fn next_turn(&mut self, reminders: &[&str], effects: &mut Vec<RunEffect>) {
        let warning = match self.diagnosis() {
            Some(Diagnosis::Hopeless(repetition)) => {
                let text = repetition.verdict(self.doctor.repeats());
                return self.end(RunEnd::Failed(RunFailure { reason: FailReason::Loop, text }), effects);
            }
            Some(Diagnosis::Warn(repetition)) => Some(repetition),
            None => None,
        };
        let mut parts = match &mut self.phase {
            Phase::Tools(open) => open.take_results(),
            Phase::Fresh | Phase::Asking | Phase::Model | Phase::Ended => Vec::new(),
        };
        let advice = warning.as_ref().map(|warning| warning.advice(closing::tool_name(self.role)));
        let told = reminders.iter().map(|reminder| (*reminder).to_owned()).chain(advice);
        parts.extend(told.map(|text| Part::Text { text }));
        parts.extend(self.take_words());
        self.join(Message { role: Role::User, parts }, None, effects);
        if let Some(warning) = warning {
            let (pattern, count) = (warning.pattern.to_string(), warning.count);
            effects.push(RunEffect::LoopWarning { pattern, count });
        }
        self.request(effects);
    }

    fn diagnosis(&mut self) -> Option<Diagnosis> {
        if self.said.is_empty() {
            return self.doctor.turn_ended();
        }
        self.doctor.heard_the_person();
        None
    }

    /// Ends the run because of the model; what it still asked for is answered without being run.
    fn fail(&mut self, calls: &[WrittenCall], text: String, effects: &mut Vec<RunEffect>) {
        let mut open = OpenCalls::default();
        open.calls.extend(calls.iter().map(|(id, tool, input)| OpenCall {
            id: id.clone(),
            asked: Asked::new(tool, input),
            result: None,
        }));
        self.phase = Phase::Tools(open);
        self.end(RunEnd::Failed(RunFailure { reason: FailReason::Provider, text }), effects);
    }
}

/// Counts inputs in a row that did not fit. At the most there may be it stays: the run ends by it.
pub(super) const fn count_malformed(in_a_row: &mut u32, result: &CallResult) {
    if *in_a_row < MALFORMED_IN_A_ROW {
        *in_a_row = if result.is_malformed { *in_a_row + 1 } else { 0 };
    }
}

/// Answers a call of which nothing runs.
fn refuse(call: &CallId, tool: String, result: CallResult, effects: &mut Vec<RunEffect>) -> CallResult {
    effects.push(RunEffect::Rejected { call: call.clone(), tool, result: result.clone() });
    result
}

fn too_many_calls() -> String {
    format!(
        "not run: a message may hold {MOST_CALLS_IN_A_MESSAGE} calls at most. Read the results of the others, then call \
         this again where it is still needed"
    )
}

/// What to tell people of a stop reason that is not an everyday one.
fn odd_stop(reason: &StopReason) -> Option<(&'static str, String)> {
    match reason {
        StopReason::MaxTokens => {
            Some(("answer_cut", "the answer reached the model's token limit and was cut there".to_owned()))
        }
        StopReason::Other(word) => Some((
            "unknown_stop_reason",
            format!("the model stopped for a reason that is not known here: {word}"),
        )),
        _ => None,
    }
}
