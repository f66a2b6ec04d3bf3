//! One agent's run, from brief to report, as a state machine.
//!
//! [`AgentRun::step`] takes what happened and says what to do next; it waits for nothing and touches nothing. The
//! driver in `application` performs the effects in the order given and feeds back what came of them. Whatever the
//! order of inputs, a run ends exactly once, never asks the model more often than its limit, answers each tool call
//! exactly once, never shows the model a call without its result, and ends where it goes in circles.
//!
//! It does not know what a tool does, who may call it, what time it is, or what a token costs.

use std::{mem, sync::Arc};

use crate::{
    agent::WorkerKind,
    context::{self, Conversation},
    message::{Message, Part, Role, SealedMessage},
    outcome::FailReason,
};

mod closing;
mod doctor;
mod effect;
mod end;
mod input;
mod open_calls;
mod recall;
#[cfg(test)]
mod tests;
mod turn;

use doctor::Doctor;
use open_calls::OpenCalls;

pub use closing::{Closing, FINISH, Finish, FinishStatus, REPORT};
pub use doctor::NOTHING_NEW;
pub use effect::{AnswerFacts, RunEffect};
pub use end::RunEnd;
pub use input::{CallResult, RunFailure, RunInput, Standing};
pub use recall::Pending;

/// The code of the notice that a conversation was too long for its model, and was cut.
pub(crate) const TOO_LONG: &str = "conversation_too_long";

/// The numbers of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Requests to the model.
    pub max_turns: u32,
    /// Messages of the conversation.
    pub max_messages: u32,
    /// How often a call may give the same result before the agent is told, and once more so often before its run ends;
    /// at least 2.
    pub loop_repeats: u32,
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
    /// The most tokens that the model takes; none where it is not known.
    window: Option<u64>,
    /// What the round had come to when it was last said.
    standing: Standing,
    doctor: Doctor,
    malformed_in_a_row: u32,
    was_asked_to_close: bool,
    was_asked_to_go_on: bool,
    /// What was said of an answer that is not over: it was cut off, or paused.
    said_so_far: String,
    /// The request under way follows one that was too long.
    was_too_long: bool,
    /// What the person said and no message holds yet. As much as whoever drives the run lets them say in one turn.
    said: Vec<String>,
    /// What the person said and a message holds that no model was shown yet.
    unshown: Vec<String>,
}

#[derive(Debug)]
enum Phase {
    /// Not begun.
    Fresh,
    /// The model is to be asked; what the person says now it is shown at once.
    Asking,
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
            window: None,
            standing: Standing::default(),
            doctor: Doctor::new(limits.loop_repeats),
            malformed_in_a_row: 0,
            was_asked_to_close: false,
            was_asked_to_go_on: false,
            said_so_far: String::new(),
            was_too_long: false,
            said: Vec::new(),
            unshown: Vec::new(),
        }
    }

    /// Cuts the conversation, too, when it fills 80 % of the model's window of so many tokens (contract 10).
    #[must_use]
    pub const fn within(mut self, window: Option<u64>) -> Self {
        self.window = window;
        self
    }

    /// The conversation so far.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// What the request that [`RunEffect::Request`] asks for shows the model, oldest first. It goes out with this: what
    /// the person says from here on waits for the next one.
    pub fn show(&mut self) -> Vec<Arc<SealedMessage>> {
        if matches!(self.phase, Phase::Asking) {
            self.phase = Phase::Model;
        }
        self.unshown.clear();
        self.conversation.messages().to_vec()
    }

    /// What the person said and no model was shown, in order: what is left of it when the run has ended, nobody read in
    /// it. Words that had joined the conversation stand in the next round's, too.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        self.unshown.iter().chain(&self.said).map(String::as_str)
    }

    /// Takes what [`AgentRun::unread`] names, when the run has ended: how many messages of it stand in the conversation,
    /// and those that stand nowhere, in order.
    pub fn take_unread(&mut self) -> (usize, Vec<String>) {
        (mem::take(&mut self.unshown).len(), mem::take(&mut self.said))
    }

    /// Whether a request that is too long for the model is cut and asked again; otherwise the run fails by it.
    #[must_use]
    pub fn can_be_shortened(&self) -> bool {
        !self.was_too_long && self.conversation.can_be_cut_to_half()
    }

    /// Gives the conversation back, for the next round.
    #[must_use]
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }

    /// The word for where it stands, as `docs/architecture.md` draws it. Decides nothing.
    #[must_use]
    pub const fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Fresh => "Fresh",
            Phase::Asking => "Asking",
            Phase::Model => "Model",
            Phase::Tools(_) => "Tools",
            Phase::Ended => "Ended",
        }
    }

    /// Requests made so far.
    #[must_use]
    pub const fn turns(&self) -> u32 {
        self.turns
    }

    /// Takes what happened, says what to do next. Inputs that do not fit the moment (a result nobody waits for, an
    /// answer after the end) change nothing; what the person says is kept at any moment.
    pub fn step(&mut self, input: RunInput) -> Vec<RunEffect> {
        let mut effects = Vec::new();
        match (&mut self.phase, input) {
            (_, RunInput::Said(text)) => self.hear(text, &mut effects),
            (Phase::Ended, _) => {}
            (phase, RunInput::Stop(ending)) => {
                // A request that nobody was shown did not go out.
                if matches!(phase, Phase::Asking) {
                    self.turns -= 1;
                }
                self.end(RunEnd::Stopped(ending), &mut effects);
            }
            (Phase::Fresh, RunInput::Begin(message)) => self.begin(message, &mut effects),
            (Phase::Asking | Phase::Model, RunInput::Answered { answer, standing }) => {
                self.standing = standing;
                self.take_answer(answer, &mut effects);
            }
            (Phase::Asking | Phase::Model, RunInput::TooLong(failure)) => self.shorten(failure, &mut effects),
            (Phase::Asking | Phase::Model, RunInput::RequestFailed(failure)) => {
                self.end(RunEnd::Failed(failure), &mut effects);
            }
            (Phase::Tools(open), RunInput::CallEnded { call, result, standing }) => {
                self.standing = standing;
                open.answer(&call, result);
                self.go_on_when_answered(&mut effects);
            }
            _ => {}
        }
        effects
    }

    fn begin(&mut self, mut message: Message, effects: &mut Vec<RunEffect>) {
        message.parts.extend(self.take_words());
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

    /// The person says something. Where a request is about to go out it says this, too; else the next one does.
    fn hear(&mut self, text: String, effects: &mut Vec<RunEffect>) {
        if text.trim().is_empty() {
            return;
        }
        self.said.push(text);
        if matches!(self.phase, Phase::Asking) {
            self.doctor.heard_the_person();
            self.join_words(effects);
        }
    }

    /// Whether the person said something that the next request will show and the last one did not. Where no turn is
    /// left nobody will read it, so it keeps no end up.
    fn has_unread_words(&self) -> bool {
        !self.said.is_empty() && self.turns < self.limits.max_turns
    }

    fn join_words(&mut self, effects: &mut Vec<RunEffect>) {
        let parts = self.take_words().collect();
        self.join(Message { role: Role::User, parts }, None, effects);
    }

    /// The words that wait, as parts of a message that is about to join.
    fn take_words(&mut self) -> impl Iterator<Item = Part> + use<> {
        let words = mem::take(&mut self.said);
        self.unshown.extend(words.iter().cloned());
        words.into_iter().map(|text| Part::Text { text: context::persons_words(&text) })
    }

    fn join(&mut self, message: Message, facts: Option<AnswerFacts>, effects: &mut Vec<RunEffect>) {
        let role = message.role;
        match (self.conversation.push(message), facts) {
            (Some(sealed), facts) => effects.push(RunEffect::Joined(sealed, facts)),
            // An answer without a word is told of, too: it was asked for, and paid.
            (None, facts @ Some(_)) => {
                effects
                    .push(RunEffect::Joined(SealedMessage::new(Message { role, parts: Vec::new() }), facts));
            }
            (None, None) => {}
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
        self.phase = Phase::Asking;
        effects.push(RunEffect::Request);
    }

    /// The model takes no conversation of this length: it is cut to half and asked about once more. A request that was
    /// refused counts as a turn, so that no endpoint makes us ask more often than the limit says.
    fn shorten(&mut self, failure: RunFailure, effects: &mut Vec<RunEffect>) {
        let cut = if self.was_too_long { None } else { self.conversation.cut_to_half() };
        let Some(cut) = cut else {
            let RunFailure { reason, text } = failure;
            let text = format!(
                "{text}; the conversation cannot be cut any further: give the task in smaller parts, or choose a model \
                 with a larger window (`--model`)"
            );
            return self.end(RunEnd::Failed(RunFailure { reason, text }), effects);
        };
        self.was_too_long = true;
        self.said_so_far.clear();
        effects.push(RunEffect::Cut(cut));
        let text = "the conversation was too long for the model and was cut to half".to_owned();
        effects.push(RunEffect::Notice { code: TOO_LONG, text });
        self.join_words(effects);
        self.request(effects);
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
