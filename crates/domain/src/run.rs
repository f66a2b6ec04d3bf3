//! One agent's run, from brief to report, as a state machine.
//!
//! [`AgentRun::step`] takes what happened and says what to do next; it waits for nothing and touches nothing. The
//! driver in `application` performs the effects in the order given and feeds back what came of them. Whatever the
//! order of inputs, a run ends exactly once, never asks the model more often than its limit, answers each tool call
//! exactly once, and never shows the model a call without its result.

use serde_json::Value;

use crate::{
    agent::WorkerKind,
    context::Conversation,
    id::CallId,
    limits::MALFORMED_IN_A_ROW,
    message::{Message, Role, StopReason, Usage},
    model::{InvalidInput, ModelAnswer},
    outcome::FailReason,
    tool::RejectedInput,
};

mod closing;
mod effect;
mod end;
mod input;
mod open_calls;
#[cfg(test)]
mod tests;

use open_calls::OpenCalls;

pub use closing::{Closing, FINISH, Finish, FinishStatus, REPORT};
pub use effect::{AnswerFacts, RunEffect};
pub use end::RunEnd;
pub use input::{CallResult, RunFailure, RunInput, Standing};

/// The numbers of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Requests to the model.
    pub max_turns: u32,
    /// Messages of the conversation.
    pub max_messages: u32,
}

/// Whose run it is, which decides how it may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRole {
    /// Ends by `finish`.
    Manager,
    /// Ends by `report`.
    Worker(WorkerKind),
}

/// A run.
#[derive(Debug)]
pub struct AgentRun {
    role: RunRole,
    limits: RunLimits,
    conversation: Conversation,
    phase: Phase,
    turns: u32,
    usage: Usage,
    /// The most tokens that the model takes; none where it is not known.
    window: Option<u64>,
    malformed_in_a_row: u32,
    was_asked_to_close: bool,
}

#[derive(Debug)]
enum Phase {
    /// Not begun.
    Fresh,
    /// The model has the word.
    Model,
    /// Tools have it.
    Tools(OpenCalls),
    /// Over.
    Ended,
}

impl AgentRun {
    /// A run that has not begun, with the conversation it goes on from (empty for a new one).
    #[must_use]
    pub fn new(role: RunRole, limits: RunLimits, conversation: Conversation) -> Self {
        Self {
            role,
            limits,
            conversation,
            phase: Phase::Fresh,
            turns: 0,
            usage: Usage::default(),
            window: None,
            malformed_in_a_row: 0,
            was_asked_to_close: false,
        }
    }

    /// Cuts the conversation, too, when it fills 80 % of the model's window of so many tokens (contract 10).
    #[must_use]
    pub const fn within(mut self, window: Option<u64>) -> Self {
        self.window = window;
        self
    }

    /// The conversation that a [`RunEffect::Request`] shows the model.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Gives the conversation back, for the next round.
    #[must_use]
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }

    /// Requests made so far.
    #[must_use]
    pub const fn turns(&self) -> u32 {
        self.turns
    }

    /// Tokens used so far.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes what happened, says what to do next. Inputs that do not fit the moment (a result nobody waits for, an
    /// answer after the end) change nothing.
    pub fn step(&mut self, input: RunInput) -> Vec<RunEffect> {
        let mut effects = Vec::new();
        match (&mut self.phase, input) {
            (Phase::Ended, _) => {}
            (_, RunInput::Stop(ending)) => self.end(RunEnd::Stopped(ending), &mut effects),
            (Phase::Fresh, RunInput::Begin(message)) => self.begin(message, &mut effects),
            (Phase::Model, RunInput::Answered { answer, standing }) => {
                self.take_answer(answer, standing.work_done, &mut effects);
            }
            (Phase::Model, RunInput::Said(text)) => self.join(Message::user(text), None, &mut effects),
            (Phase::Model, RunInput::RequestFailed(failure) | RunInput::TooLong(failure)) => {
                self.end(RunEnd::Failed(failure), &mut effects);
            }
            (Phase::Tools(open), RunInput::CallEnded { call, result }) => {
                open.answer(&call, result);
                self.go_on_when_answered(&mut effects);
            }
            _ => {}
        }
        effects
    }

    fn begin(&mut self, message: Message, effects: &mut Vec<RunEffect>) {
        match self.conversation.begin(message) {
            Some(sealed) => {
                effects.push(RunEffect::Joined(sealed, None));
                self.request(effects);
            }
            None => {
                let text = "the run was given nothing to do: its first message is blank".to_owned();
                self.end(RunEnd::Failed(RunFailure { reason: FailReason::Internal, text }), effects);
            }
        }
    }

    fn join(&mut self, message: Message, facts: Option<AnswerFacts>, effects: &mut Vec<RunEffect>) {
        if let Some(sealed) = self.conversation.push(message) {
            effects.push(RunEffect::Joined(sealed, facts));
        }
    }

    fn request(&mut self, effects: &mut Vec<RunEffect>) {
        if self.turns >= self.limits.max_turns {
            return self.end(RunEnd::OutOfTurns, effects);
        }
        let cut = if self.window.is_some_and(|window| self.conversation.fills(window)) {
            self.conversation.cut_to_half()
        } else {
            self.conversation.cut_if_longer_than(self.limits.max_messages)
        };
        if let Some(cut) = cut {
            effects.push(RunEffect::Cut(cut));
        }
        self.turns += 1;
        self.phase = Phase::Model;
        effects.push(RunEffect::Request);
    }

    fn take_answer(&mut self, answer: ModelAnswer, work_done: bool, effects: &mut Vec<RunEffect>) {
        self.usage += answer.usage;
        self.conversation.counts(answer.usage.total());
        let facts = AnswerFacts {
            stop_reason: answer.stop_reason.clone(),
            usage: answer.usage,
            model: answer.model.clone(),
        };
        let text = answer.message.text();
        let calls: Vec<(CallId, String, Value)> = answer
            .message
            .tool_uses()
            .map(|(id, name, input)| (id.clone(), name.to_owned(), input.clone()))
            .collect();
        self.join(answer.message, Some(facts), effects);
        if let Some((code, text)) = odd_stop(&answer.stop_reason) {
            effects.push(RunEffect::Notice { code, text });
        }
        match answer.stop_reason {
            // What such an answer still asks for is not run.
            StopReason::Refusal => {
                self.fail(&calls, format!("the model declined to answer: {text}"), effects)
            }
            StopReason::ContextWindowExceeded => {
                self.fail(&calls, "the conversation no longer fits the model's window".to_owned(), effects);
            }
            _ if !calls.is_empty() => self.take_calls(calls, &answer.invalid_inputs, effects),
            StopReason::PauseTurn => self.request(effects),
            _ => self.take_prose(text, work_done, effects),
        }
    }

    /// An answer without a call: an ending for a manager who has done nothing yet, else asked about once.
    fn take_prose(&mut self, text: String, work_done: bool, effects: &mut Vec<RunEffect>) {
        match self.role {
            // No words are no answer.
            RunRole::Manager if !work_done && !text.trim().is_empty() => {
                self.end(RunEnd::Answered(text), effects);
            }
            RunRole::Manager if self.was_asked_to_close => self.end(RunEnd::EndedInProse(text), effects),
            RunRole::Worker(_) if self.was_asked_to_close => self.end(RunEnd::Malformed(text), effects),
            role => {
                self.was_asked_to_close = true;
                self.join(Message::user(closing::reminder(role)), None, effects);
                self.request(effects);
            }
        }
    }

    fn take_calls(
        &mut self,
        calls: Vec<(CallId, String, Value)>,
        invalid: &[InvalidInput],
        effects: &mut Vec<RunEffect>,
    ) {
        let mut open = OpenCalls::default();
        for (call, tool, input) in calls {
            let unreadable = invalid.iter().find(|invalid| invalid.call == call);
            let answered = if let Some(invalid) = unreadable {
                let rejected = RejectedInput(format!("{}. What came: {}", invalid.error, invalid.raw));
                Some(reject(&call, tool, &rejected, effects))
            } else if tool == closing::tool_name(self.role) {
                match Closing::parse(self.role, &input) {
                    Ok(closing) => open.close_by(&call, &tool, closing),
                    Err(rejected) => Some(reject(&call, tool, &rejected, effects)),
                }
            } else {
                effects.push(RunEffect::Call { call: call.clone(), tool, input });
                None
            };
            open.calls.push((call, answered));
        }
        self.phase = Phase::Tools(open);
        self.go_on_when_answered(effects);
    }

    /// When every call of the message is answered: the run ends if a closing call holds, else the model goes on.
    fn go_on_when_answered(&mut self, effects: &mut Vec<RunEffect>) {
        let Phase::Tools(open) = &mut self.phase else { return };
        if !open.is_answered() {
            return;
        }
        let closing = open.close();
        for (_, result) in &open.calls {
            let is_malformed = result.as_ref().is_some_and(|result| result.is_malformed);
            self.malformed_in_a_row = if is_malformed { self.malformed_in_a_row + 1 } else { 0 };
            if self.malformed_in_a_row >= MALFORMED_IN_A_ROW {
                break;
            }
        }
        if let Some(closing) = closing {
            return self.end(closing.into_end(), effects);
        }
        if self.malformed_in_a_row >= MALFORMED_IN_A_ROW {
            let text = format!("{MALFORMED_IN_A_ROW} tool inputs in a row did not fit their schema");
            return self.end(RunEnd::Malformed(text), effects);
        }
        let results = Message { role: Role::User, parts: open.take_results() };
        self.join(results, None, effects);
        self.request(effects);
    }

    /// Ends the run because of the model; what it still asked for is answered without being run.
    fn fail(&mut self, calls: &[(CallId, String, Value)], text: String, effects: &mut Vec<RunEffect>) {
        let mut open = OpenCalls::default();
        open.calls.extend(calls.iter().map(|(call, _, _)| (call.clone(), None)));
        self.phase = Phase::Tools(open);
        self.end(RunEnd::Failed(RunFailure { reason: FailReason::Provider, text }), effects);
    }

    /// Ends the run, exactly once; calls that are still open are answered, so that the conversation stays whole.
    fn end(&mut self, end: RunEnd, effects: &mut Vec<RunEffect>) {
        if let Phase::Tools(open) = &mut self.phase {
            let results = Message { role: Role::User, parts: open.take_results() };
            self.join(results, None, effects);
        }
        self.phase = Phase::Ended;
        effects.push(RunEffect::End(end));
    }
}

/// Answers a call whose input does not fit; nothing runs.
fn reject(call: &CallId, tool: String, rejected: &RejectedInput, effects: &mut Vec<RunEffect>) -> CallResult {
    let result = CallResult::malformed(rejected);
    effects.push(RunEffect::Rejected { call: call.clone(), tool, text: result.content.clone() });
    result
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
