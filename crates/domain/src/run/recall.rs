//! A run that goes on after its program has died: its state from its events, and what was about to happen.
//!
//! What stands in the events happened, whatever the limits are by now; only what they leave open is decided anew.

use std::{collections::BTreeMap, mem, sync::Arc};

use super::{
    AgentRun, CallResult, Closing, Phase, RunEffect, RunEnd, RunFailure, RunLimits, RunRole, Standing,
    TOO_LONG, closing,
    doctor::{Asked, Diagnosis, Repetition},
    turn::{Said, count_malformed},
};
use crate::{
    context::{Conversation, Recollection, said_in},
    event::EventBody,
    id::CallId,
    limits::MALFORMED_IN_A_ROW,
    message::{Message, Part, Role, StopReason},
    model::InvalidInput,
    outcome::FailReason,
    tool::ToolStatus,
};

/// What a run was about to do when its program died.
#[derive(Debug)]
pub struct Pending(Next);

#[derive(Debug)]
enum Next {
    /// Begin: nothing was said in it yet.
    Begin,
    /// See what follows from the model's answer.
    Decide { answer: Answer, results: BTreeMap<CallId, CallResult> },
    /// Cut the conversation, which fills the model's window, and ask.
    Shorten,
    /// Ask the model, after a warning that nobody was told of.
    Ask(Option<Repetition>),
    /// End.
    End(RunEnd),
}

/// An answer as its event keeps it.
#[derive(Debug)]
struct Answer {
    message: Arc<Message>,
    stop_reason: StopReason,
    invalid_inputs: Vec<InvalidInput>,
    /// Its request followed one that was too long.
    was_too_long: bool,
}

impl Pending {
    /// Whether nothing was said in the run yet, so that it begins as any other does.
    #[must_use]
    pub const fn is_beginning(&self) -> bool {
        matches!(self.0, Next::Begin)
    }
}

impl AgentRun {
    /// A run as its events tell of it, with what it was about to do. `conversation`: what it went on from. The window of
    /// the model is that of [`AgentRun::within`].
    #[must_use]
    pub fn recall<'e>(
        role: RunRole,
        limits: RunLimits,
        conversation: Conversation,
        events: impl IntoIterator<Item = &'e EventBody>,
    ) -> (Self, Pending) {
        let mut memory = Memory::new(Self::new(role, limits, Conversation::default()), conversation);
        events.into_iter().for_each(|event| memory.take(event));
        memory.into_run()
    }

    /// Goes on with what was about to happen. Nothing where the run has to begin: that is for
    /// [`RunInput::Begin`](super::RunInput::Begin).
    pub fn go_on(&mut self, Pending(next): Pending, standing: Standing) -> Vec<RunEffect> {
        let mut effects = Vec::new();
        self.standing = standing;
        match next {
            Next::Begin => {}
            Next::Decide { answer, results } => {
                let Answer { message, stop_reason, invalid_inputs, was_too_long } = answer;
                let mut said = Said::of(&message, stop_reason, invalid_inputs);
                (said.was_too_long, said.results) = (was_too_long, results);
                self.decide(said, &mut effects);
            }
            Next::Shorten => {
                let text = closing::WINDOW_FULL.to_owned();
                self.shorten(RunFailure { reason: FailReason::Provider, text }, &mut effects);
            }
            Next::Ask(warning) => {
                if let Some(warning) = warning {
                    let (pattern, count) = (warning.pattern.to_string(), warning.count);
                    effects.push(RunEffect::LoopWarning { pattern, count });
                }
                if !self.said.is_empty() {
                    self.doctor.heard_the_person();
                    self.join_words(&mut effects);
                }
                self.request(&mut effects);
            }
            Next::End(end) => self.end(end, &mut effects),
        }
        effects
    }
}

/// A run in the making, event by event.
struct Memory {
    run: AgentRun,
    talk: Recollection,
    has_begun: bool,
    /// A request went out, and nothing came of it so far.
    is_asking: bool,
    was_too_long: bool,
    /// The last answer filled the window, and the conversation was not cut so far.
    has_to_shorten: bool,
    /// What the model said last, and nothing follows from so far.
    answer: Option<Answer>,
    results: BTreeMap<CallId, CallResult>,
    /// What the run was told last, and nobody else.
    warning: Option<Repetition>,
    /// How the run ends by what happened last.
    end: Option<RunEnd>,
}

impl Memory {
    fn new(run: AgentRun, conversation: Conversation) -> Self {
        Self {
            run,
            talk: Recollection::going_on_from(conversation),
            has_begun: false,
            is_asking: false,
            was_too_long: false,
            has_to_shorten: false,
            answer: None,
            results: BTreeMap::new(),
            warning: None,
            end: None,
        }
    }

    fn take(&mut self, event: &EventBody) {
        match event {
            EventBody::RequestStarted { .. } => {
                // One that was not answered is made again, and counts once.
                self.run.turns = self.run.turns.saturating_add(u32::from(!self.is_asking));
                self.run.unshown.clear();
                (self.is_asking, self.has_to_shorten, self.warning, self.end) = (true, false, None, None);
            }
            EventBody::Message { message, stop_reason, invalid_inputs, .. } => match message.role {
                Role::Assistant => {
                    let answer = Answer {
                        message: Arc::clone(message),
                        stop_reason: stop_reason.clone().unwrap_or(StopReason::EndTurn),
                        invalid_inputs: invalid_inputs.clone(),
                        was_too_long: mem::take(&mut self.was_too_long),
                    };
                    self.answered(answer);
                }
                Role::User => self.told(message),
            },
            EventBody::ToolFinished { call_id, status, output, malformed, changed, .. } => {
                let result = CallResult {
                    content: output.clone(),
                    is_error: *status != ToolStatus::Ok,
                    is_malformed: *malformed,
                    changed: *changed,
                };
                self.results.insert(call_id.clone(), result);
            }
            EventBody::ContextCut { .. } => self.has_to_shorten = false,
            // What was too long was cut, and is asked anew.
            EventBody::Notice { code, .. } if code == TOO_LONG => {
                (self.is_asking, self.was_too_long) = (false, true);
                self.run.said_so_far.clear();
            }
            EventBody::LoopWarning { .. } => self.warning = None,
            _ => {}
        }
        self.talk.take(event);
    }

    fn answered(&mut self, answer: Answer) {
        (self.is_asking, self.has_begun, self.end) = (false, true, None);
        if let Some(before) = self.answer.replace(answer) {
            self.went_on_at_once(&before);
        }
    }

    /// The engine, or the person, said something.
    fn told(&mut self, message: &Message) {
        let words = texts(message).filter_map(said_in);
        let words: Vec<String> = words.map(str::to_owned).collect();
        let has_words = !words.is_empty();
        self.run.unshown.extend(words);
        if !mem::replace(&mut self.has_begun, true) {
            return;
        }
        match self.answer.take() {
            Some(answer) => self.decided(&answer, message, has_words),
            None if has_words => self.run.doctor.heard_the_person(),
            None => {}
        }
        self.results.clear();
    }

    /// The model was asked again without being told anything: it had paused.
    fn went_on_at_once(&mut self, answer: &Answer) {
        let text = answer.message.text();
        if !text.trim().is_empty() {
            self.run.said_so_far.push_str(&text);
            self.run.said_so_far.push('\n');
        }
        self.turn_ended(false);
    }

    /// What followed from an answer, as far as the next message of the user's side tells.
    fn decided(&mut self, answer: &Answer, message: &Message, has_words: bool) {
        let text = answer.message.text();
        let has_calls = answer.message.tool_uses().next().is_some();
        match answer.stop_reason {
            StopReason::Refusal => {
                let text = format!("the model declined to answer: {text}");
                self.end = Some(RunEnd::Failed(RunFailure { reason: FailReason::Provider, text }));
            }
            StopReason::ContextWindowExceeded => {
                self.has_to_shorten = true;
            }
            _ if has_calls => self.calls_ended(answer, message, has_words),
            _ => {
                self.was_reminded(&text, message);
                self.turn_ended(has_words);
            }
        }
    }

    fn calls_ended(&mut self, answer: &Answer, message: &Message, has_words: bool) {
        let run = &mut self.run;
        run.said_so_far.clear();
        let mut closing = None;
        for (id, tool, input) in answer.message.tool_uses() {
            let Some((content, is_error)) = result_in(message, id) else { continue };
            let known = self.results.get(id);
            let result = CallResult {
                content: content.to_owned(),
                is_error,
                is_malformed: known.is_some_and(|known| known.is_malformed),
                changed: known.is_some_and(|known| known.changed),
            };
            run.doctor.saw(&Asked::new(tool, input), &result);
            count_malformed(&mut run.malformed_in_a_row, &result);
            if tool == closing::tool_name(run.role) && !is_error {
                closing = Closing::parse(run.role, input).ok();
            }
        }
        if let Some(closing) = closing {
            self.end = Some(closing.into_end());
        } else if run.malformed_in_a_row >= MALFORMED_IN_A_ROW {
            self.end = Some(RunEnd::Malformed(closing::too_many_malformed()));
        } else {
            self.turn_ended(has_words);
        }
    }

    /// What the engine answered prose with, as far as it matters for the next answer.
    fn was_reminded(&mut self, text: &str, message: &Message) {
        let run = &mut self.run;
        let said = mem::take(&mut run.said_so_far) + text;
        let is_told = |words: &str| texts(message).any(|text| text == words);
        if is_told(closing::GO_ON) {
            run.was_asked_to_go_on = true;
            run.said_so_far = said;
        } else if is_told(closing::reminder(run.role)) {
            run.was_asked_to_close = true;
            run.said_so_far = if is_told(closing::WAS_CUT) { said + "\n" } else { String::new() };
        }
    }

    fn turn_ended(&mut self, has_words: bool) {
        if has_words {
            return self.run.doctor.heard_the_person();
        }
        match self.run.doctor.turn_ended() {
            Some(Diagnosis::Hopeless(repetition)) => {
                let text = repetition.verdict(self.run.doctor.repeats());
                self.end = Some(RunEnd::Failed(RunFailure { reason: FailReason::Loop, text }));
            }
            Some(Diagnosis::Warn(repetition)) => self.warning = Some(repetition),
            None => {}
        }
    }

    fn into_run(self) -> (AgentRun, Pending) {
        let Self { mut run, talk, has_begun, is_asking, was_too_long, has_to_shorten, .. } = self;
        run.conversation = talk.into_conversation();
        run.was_too_long = was_too_long;
        if is_asking {
            // It is asked again, and counted then.
            run.turns = run.turns.saturating_sub(1);
        }
        if !has_begun {
            return (run, Pending(Next::Begin));
        }
        run.phase = Phase::Model;
        let next = match (self.end, self.answer) {
            (Some(end), _) => Next::End(end),
            (None, Some(answer)) => Next::Decide { answer, results: self.results },
            (None, None) if has_to_shorten => Next::Shorten,
            (None, None) => Next::Ask(self.warning),
        };
        (run, Pending(next))
    }
}

fn texts(message: &Message) -> impl Iterator<Item = &str> {
    message.parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    })
}

fn result_in<'m>(message: &'m Message, call: &CallId) -> Option<(&'m str, bool)> {
    message.parts.iter().find_map(|part| match part {
        Part::ToolResult { id, content, is_error } if id == call => Some((content.as_str(), *is_error)),
        _ => None,
    })
}
