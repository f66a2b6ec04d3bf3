//! A run under watch: every effect is held against the rules the moment it appears.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    context::{Cut, tests::check_pairing},
    event::EventBody,
    id::{RequestId, Ulid},
    report::Report,
    tool::ToolStatus,
};

/// How the content of a result begins whose input did not fit.
const MALFORMED: &str = "the input does not fit the tool's schema";

/// A run and what was seen of it.
pub(super) struct Watched {
    pub(super) run: AgentRun,
    role: RunRole,
    limits: RunLimits,
    window: Option<u64>,
    /// Calls that wait for a result, in the order they were asked for.
    pub(super) running: Vec<CallId>,
    /// What came of the calls that ended, by the first word about each.
    results: BTreeMap<CallId, CallResult>,
    /// Calls that were asked for or rejected.
    seen: BTreeSet<CallId>,
    pub(super) joined: Vec<Message>,
    first_words: Option<String>,
    task: Option<String>,
    requests: u32,
    is_paused: bool,
    /// An answer was cut off.
    was_cut: bool,
    work_done: bool,
    /// What the person said, and whether a model was shown it.
    said: Vec<(String, bool)>,
    /// Refusals of a length since the last answer.
    too_long: u32,
    was_warned: bool,
    pub(super) ends: Vec<RunEnd>,
    /// What the run went on from.
    before: Conversation,
    /// Its events, as its driver writes them down.
    events: Vec<EventBody>,
}

impl Watched {
    pub(super) fn new(
        role: RunRole,
        limits: RunLimits,
        window: Option<u64>,
        conversation: Conversation,
    ) -> Self {
        let first_words = conversation.messages().first().map(|first| first_part(&first.message));
        Self {
            run: AgentRun::new(role, limits, conversation.clone()).within(window),
            before: conversation,
            events: Vec::new(),
            window,
            role,
            limits,
            running: Vec::new(),
            results: BTreeMap::new(),
            seen: BTreeSet::new(),
            joined: Vec::new(),
            first_words,
            task: None,
            requests: 0,
            is_paused: false,
            was_cut: false,
            work_done: false,
            said: Vec::new(),
            too_long: 0,
            was_warned: false,
            ends: Vec::new(),
        }
    }

    pub(super) const fn waits_for_the_model(&self) -> bool {
        matches!(self.run.phase, Phase::Asking | Phase::Model)
    }

    pub(super) const fn has_begun(&self) -> bool {
        !matches!(self.run.phase, Phase::Fresh)
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Lets the request go out, where there is one: it shows all that the person said.
    pub(super) fn show(&mut self) -> Result<(), String> {
        if !matches!(self.run.phase, Phase::Asking) {
            return Ok(());
        }
        self.events.push(request_started());
        let shown: Vec<String> = self.run.show().iter().map(|message| message.message.text()).collect();
        for (words, was_shown) in &mut self.said {
            *was_shown = true;
            if !shown.iter().any(|text| text.contains(words.as_str())) {
                return Err(format!("`{words}` is not shown in {shown:?}"));
            }
        }
        Ok(())
    }

    fn unread(&self) -> Vec<&str> {
        self.said.iter().filter(|(_, was_shown)| !was_shown).map(|(words, _)| words.as_str()).collect()
    }

    /// Feeds an input and watches what comes of it.
    pub(super) fn step(&mut self, input: RunInput) -> Result<(), String> {
        self.look_at(&input);
        let had_ended = self.has_ended();
        let effects = self.run.step(input);
        if had_ended && !effects.is_empty() {
            return Err(format!("after the end: {effects:?}"));
        }
        let last = effects.len().saturating_sub(1);
        for (place, effect) in effects.into_iter().enumerate() {
            let must_be_last = matches!(effect, RunEffect::Request | RunEffect::End(_));
            if must_be_last && place != last {
                return Err(format!("{effect:?} is not the last effect of its step"));
            }
            self.watch(effect)?;
        }
        if self.run.turns() != self.requests {
            return Err(format!("{} turns: counted wrong", self.run.turns()));
        }
        if self.run.unread().ne(self.unread()) {
            return Err(format!(
                "{:?} is unread, not {:?}",
                self.unread(),
                self.run.unread().collect::<Vec<_>>()
            ));
        }
        Ok(())
    }

    /// The program dies, and another one goes on: with the run as its events tell of it. It wants done what waits to be
    /// done, and nothing else.
    pub(super) fn go_on_after_death(&mut self) -> Result<(), String> {
        if !self.has_begun() || self.has_ended() {
            return Ok(());
        }
        let waited_for_the_model = self.waits_for_the_model();
        let (run, pending) = AgentRun::recall(self.role, self.limits, self.before.clone(), &self.events);
        let before = std::mem::replace(&mut self.run, run.within(self.window));
        for words in &before.said {
            self.run.step(RunInput::Said(words.clone()));
        }
        let effects = self.run.go_on(pending, standing(self.work_done));
        let mut calls = Vec::new();
        let (mut asks, mut was_cut) = (false, false);
        for effect in effects {
            match effect {
                RunEffect::Call { call, .. } => calls.push(call),
                RunEffect::Request => asks = true,
                // The person's words had joined after the conversation was looked at.
                RunEffect::Cut(_) => {
                    was_cut = true;
                    self.watch(effect)?;
                }
                RunEffect::Joined(..) if !before.said.is_empty() => self.watch(effect)?,
                other => return Err(format!("{other:?} after the program died")),
            }
        }
        let texts = |run: &AgentRun| format!("{:?}", run.conversation().messages());
        let said_more = was_cut || !before.said.is_empty() && waited_for_the_model;
        if calls != self.running || asks != waited_for_the_model {
            return Err(format!("{calls:?} are called, not {:?}; asks: {asks}", self.running));
        }
        if self.run.turns() != before.turns() || (!said_more && texts(&self.run) != texts(&before)) {
            return Err(format!("{:?} is not {:?}", self.run, before));
        }
        Ok(())
    }

    fn look_at(&mut self, input: &RunInput) {
        match input {
            RunInput::Begin(message) if !self.has_begun() => {
                self.task = Some(message.text().trim().to_owned());
                let said = self.said.first().map(|(words, _)| context::persons_words(words));
                let first = Some(message.text()).filter(|text| !text.trim().is_empty()).or(said);
                self.first_words = self.first_words.take().or(first);
            }
            RunInput::Answered { answer, standing } if self.waits_for_the_model() => {
                self.too_long = 0;
                self.is_paused = answer.stop_reason == StopReason::PauseTurn;
                self.was_cut |= matches!(answer.stop_reason, StopReason::MaxTokens | StopReason::Other(_));
                self.work_done = standing.work_done;
            }
            RunInput::TooLong(_) if self.waits_for_the_model() => self.too_long += 1,
            // It never went out.
            RunInput::Stop(_) if matches!(self.run.phase, Phase::Asking) => self.requests -= 1,
            RunInput::Said(text) => self.said.push((text.clone(), false)),
            RunInput::CallEnded { call, result, standing } if self.running.contains(call) => {
                self.work_done = standing.work_done;
                self.running.retain(|running| running != call);
                self.results.insert(call.clone(), result.clone());
                self.events.push(call_finished(call, result));
            }
            _ => {}
        }
    }

    fn watch(&mut self, effect: RunEffect) -> Result<(), String> {
        match effect {
            RunEffect::Joined(sealed, facts) => {
                if facts.is_some() != (sealed.message.role == Role::Assistant) {
                    return Err(format!("facts {facts:?} beside {:?}", sealed.message));
                }
                self.joined.push(Message::clone(&sealed.message));
                self.events.push(joined(&sealed, facts));
                Ok(())
            }
            RunEffect::Call { call, tool, input } => {
                self.watch_call(&call, &tool)?;
                if tool == closing::tool_name(self.role) || !input.is_object() {
                    return Err(format!("{call} must not run: `{tool}` {input}"));
                }
                self.running.push(call);
                Ok(())
            }
            RunEffect::Rejected { call, tool, result } => {
                self.events.push(call_finished(&call, &result));
                self.watch_call(&call, &tool)
            }
            RunEffect::Request => self.watch_request(),
            RunEffect::End(end) => self.watch_end(end),
            RunEffect::LoopWarning { pattern, count } => {
                self.was_warned = true;
                self.events.push(EventBody::LoopWarning { pattern: pattern.clone(), count });
                let is_told =
                    self.joined.last().is_some_and(|message| message.text().contains(&count.to_string()));
                if is_told && count >= 2 {
                    Ok(())
                } else {
                    Err(format!("nobody told of {count} times {pattern}"))
                }
            }
            RunEffect::Cut(Cut { dropped, kept }) => {
                self.events.push(EventBody::ContextCut { dropped, kept });
                Ok(())
            }
            RunEffect::Notice { code, text } => {
                self.events.push(EventBody::Notice { code: code.to_owned(), text });
                Ok(())
            }
        }
    }

    /// A call is acted upon once, and only while it stands in the last message.
    fn watch_call(&mut self, call: &CallId, tool: &str) -> Result<(), String> {
        let last = self.joined.last().ok_or("a call before any message")?;
        let is_there = last.tool_uses().any(|(id, name, _)| id == call && name == tool);
        if is_there && self.seen.insert(call.clone()) {
            Ok(())
        } else {
            Err(format!("{call} is acted upon twice, or not asked for"))
        }
    }

    fn watch_request(&mut self) -> Result<(), String> {
        self.requests += 1;
        if self.too_long > 1 {
            return Err("a request that was too long twice is made again".to_owned());
        }
        let messages = self.run.conversation().messages();
        let allowed = self.limits.max_messages.max(Conversation::SMALLEST_LIMIT) as usize;
        if self.requests > self.limits.max_turns || messages.len() > allowed || !self.running.is_empty() {
            return Err(format!(
                "request {} of {} shows {} messages of {allowed}, with {:?} running",
                self.requests,
                self.limits.max_turns,
                messages.len(),
                self.running
            ));
        }
        check_pairing(messages)?;
        let is_users_turn = messages.last().is_some_and(|last| last.message.role == Role::User);
        if !is_users_turn && !self.is_paused {
            return Err("the model is asked to go on with an answer that it had ended".to_owned());
        }
        if Some(first_part(&messages[0].message)) != self.first_words {
            return Err("the first words are gone".to_owned());
        }
        let task = self.task.clone().unwrap_or_default();
        if !messages.iter().any(|message| message.message.text().contains(&task)) {
            return Err(format!("the task `{task}` is gone"));
        }
        match self.most_malformed_in_a_row() {
            in_a_row if in_a_row >= MALFORMED_IN_A_ROW => {
                Err(format!("{in_a_row} malformed inputs in a row"))
            }
            _ => self.check_results(),
        }
    }

    fn watch_end(&mut self, end: RunEnd) -> Result<(), String> {
        let is_managers = matches!(end, RunEnd::Finished(_) | RunEnd::Answered(_) | RunEnd::EndedInProse(_));
        let waits = !self.unread().is_empty() && self.requests < self.limits.max_turns;
        let fits = match (&end, self.role) {
            (
                RunEnd::Reported(_) | RunEnd::Finished(_) | RunEnd::Answered(_) | RunEnd::EndedInProse(_),
                _,
            ) if waits => false,
            (RunEnd::Failed(failure), _) if failure.reason == FailReason::Loop => self.was_warned,
            (RunEnd::Answered(_), _) if self.work_done => false,
            (RunEnd::EndedInProse(text), _) if !self.work_done => text.trim().is_empty() || self.was_cut,
            (RunEnd::Answered(text), _) if text.trim().is_empty() => false,
            (RunEnd::OutOfTurns, _) => self.requests == self.limits.max_turns,
            (RunEnd::Reported(report), RunRole::Worker(kind)) => {
                Report::parse(kind, &report_input(kind)).as_ref() == Ok(report)
            }
            (RunEnd::Reported(_), RunRole::Manager) => false,
            (_, RunRole::Worker(_)) => !is_managers,
            _ => true,
        };
        self.ends.push(end);
        if !fits || self.ends.len() != 1 {
            return Err(format!("{:?} of {:?} after {} requests", self.ends, self.role, self.requests));
        }
        self.running.clear();
        self.check_results()
    }

    /// Every message with calls is followed by one with exactly their results, in their order, each as it came.
    fn check_results(&self) -> Result<(), String> {
        for (index, message) in self.joined.iter().enumerate() {
            let calls: Vec<&CallId> = message.tool_uses().map(|(id, _, _)| id).collect();
            let next = self.joined.get(index + 1);
            let results: Vec<&CallId> = next.map(|next| next.tool_results().collect()).unwrap_or_default();
            if calls != results {
                return Err(format!("{results:?} answer {calls:?}"));
            }
        }
        let parts = self.joined.iter().flat_map(|message| &message.parts);
        parts
            .filter(|part| !self.is_as_it_came(part))
            .try_fold((), |(), part| Err(format!("{part:?} is made up")))
    }

    fn is_as_it_came(&self, part: &Part) -> bool {
        let Part::ToolResult { id, content, is_error } = part else { return true };
        match self.results.get(id) {
            Some(result) => *content == result.content && *is_error == result.is_error,
            None if *is_error => {
                let engines = [
                    "not accepted",
                    "not run",
                    "the run ended before",
                    "`report` was already",
                    "`finish` was already",
                ];
                engines.iter().any(|words| content.starts_with(words)) || content.starts_with(MALFORMED)
            }
            None => content == "accepted",
        }
    }

    fn most_malformed_in_a_row(&self) -> u32 {
        let (mut in_a_row, mut most) = (0, 0);
        for part in self.joined.iter().flat_map(|message| &message.parts) {
            if let Part::ToolResult { content, .. } = part {
                in_a_row = if content.starts_with(MALFORMED) { in_a_row + 1 } else { 0 };
                most = most.max(in_a_row);
            }
        }
        most
    }
}

fn request_started() -> EventBody {
    let (request_id, prefix_digest) = (RequestId::new(Ulid(0)), String::new());
    EventBody::RequestStarted { request_id, attempt: 1, prefix_digest }
}

fn joined(sealed: &SealedMessage, facts: Option<AnswerFacts>) -> EventBody {
    let message = Arc::clone(&sealed.message);
    let (stop_reason, usage, model, invalid_inputs) = match facts {
        Some(AnswerFacts { stop_reason, usage, model, invalid_inputs }) => {
            (Some(stop_reason), Some(usage), Some(model), invalid_inputs)
        }
        None => (None, None, None, Vec::new()),
    };
    EventBody::Message { message, stop_reason, usage, model, cached: None, invalid_inputs }
}

fn call_finished(call: &CallId, result: &CallResult) -> EventBody {
    EventBody::ToolFinished {
        call_id: call.clone(),
        status: if result.is_error { ToolStatus::Error } else { ToolStatus::Ok },
        output: result.content.clone(),
        omitted_bytes: 0,
        exit_code: None,
        elapsed_ms: 0,
        changed: result.changed,
        artifact: None,
        malformed: result.is_malformed,
        commit: None,
    }
}

fn first_part(message: &Message) -> String {
    match message.parts.first() {
        Some(Part::Text { text }) => text.clone(),
        other => format!("{other:?}"),
    }
}
