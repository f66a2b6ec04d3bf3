//! Somebody at the terminal: calls and questions wait in line, one is shown at a time, and a line that was typed answers
//! it; in a window after reports the first key stops the clock; whatever else is typed is a message.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use better_llm::domain::{
    event::{Event, EventBody, InterventionAction},
    id::{CallId, QuestionId},
    session::Command,
    time::Timestamp,
};

use super::Act;
use crate::{
    render::style::Role,
    typed::{Heard, Shown, Typed},
    words::{Language, Lasting, Word, leave_answer, question_answer},
};

/// Who types, and what waits for them.
#[derive(Debug)]
pub(in super::super) struct Talk {
    typed: Typed,
    /// In order; the first is shown. Not bounded by itself: the engine bounds what waits.
    asked: VecDeque<Arc<Event>>,
    /// When the first was shown.
    shown_at: Option<Instant>,
    window: Option<Window>,
    /// When the engine was last told that somebody types.
    typing_told_at: Option<Instant>,
    /// Workers that have finished since the last window.
    finished: Vec<String>,
}

/// How often the engine is told that somebody types.
const TELLS_TYPING: Duration = Duration::from_secs(1);

/// The window after reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    /// Its clock runs.
    Runs,
    /// It stands still.
    Paused,
}

impl Talk {
    pub(super) fn start() -> io::Result<Self> {
        let mut typed = Typed::start()?;
        typed.heed_stops()?;
        Ok(Self {
            typed,
            asked: VecDeque::new(),
            shown_at: None,
            window: None,
            typing_told_at: None,
            finished: Vec::new(),
        })
    }

    pub(super) async fn next(&mut self) -> Heard {
        self.typed.next().await
    }

    pub(super) fn prompt(&self, language: Language) -> Option<String> {
        let before = match self.asked.front().map(|event| &event.body) {
            Some(EventBody::Question { .. }) => language.question_prompt(),
            Some(asked) => language.leave_prompt(&Lasting::of(asked)?),
            None if self.window.is_some() || self.has_begun_line() => language.window_prompt(),
            None => return None,
        };
        Some(format!("  {before}{}", self.typed.so_far()))
    }

    /// Whether a line is under way that the terminal does not show by itself.
    fn has_begun_line(&self) -> bool {
        self.typed.watches_keys() && self.typed.has_begun()
    }

    /// Keys are watched where something waits for an answer, and until a line that was begun meanwhile is ended.
    fn watch(&mut self) {
        if self.window.is_some() || !self.asked.is_empty() {
            self.typed.watch_keys();
        } else if !self.has_begun_line() {
            self.typed.watch_lines();
        }
    }

    pub(super) fn see(&mut self, event: &Arc<Event>, language: Language) -> Vec<Act> {
        let acts = self.take_note(event, language);
        self.watch();
        acts
    }

    fn take_note(&mut self, event: &Arc<Event>, language: Language) -> Vec<Act> {
        let show = || Act::Show(Arc::clone(event));
        match &event.body {
            EventBody::PermissionAsked { .. } | EventBody::Question { .. } => {
                self.asked.push_back(Arc::clone(event));
                if self.asked.len() == 1 { self.show_first(language) } else { Vec::new() }
            }
            EventBody::PermissionAnswered { .. } | EventBody::Answer { .. } => {
                let is_of = |asked: &Arc<Event>| is_answered_by(&asked.body, &event.body);
                let was_first = self.asked.front().is_some_and(is_of);
                self.asked.retain(|asked| !is_of(asked));
                let mut acts = vec![show()];
                if was_first {
                    acts.extend(self.show_first(language));
                }
                acts
            }
            EventBody::RunFinished { .. } => {
                let run = event.scope.run.as_ref().filter(|run| run.parent_run_id.is_some());
                self.finished.extend(run.map(|run| run.agent.to_string()));
                vec![show()]
            }
            EventBody::Intervention { action, deadline, .. } => {
                let left = deadline.map(|deadline| deadline.since(event.ts));
                let more = self.window(*action, left, language);
                std::iter::once(show()).chain(more).collect()
            }
            _ => vec![show()],
        }
    }

    fn window(
        &mut self,
        action: InterventionAction,
        left: Option<Duration>,
        language: Language,
    ) -> Option<Act> {
        match (action, left) {
            (InterventionAction::Opened, Some(left)) => {
                self.window = Some(Window::Runs);
                let finished = std::mem::take(&mut self.finished);
                Some(Act::Say(Role::Faint, language.window_runs(&finished, left)))
            }
            (InterventionAction::Opened, None) | (InterventionAction::Paused, _) => {
                self.window = Some(Window::Paused);
                self.finished.clear();
                Some(Act::Say(Role::Faint, language.window_paused(left)))
            }
            (
                InterventionAction::Continued | InterventionAction::Message | InterventionAction::Stopped,
                _,
            ) => {
                self.window = None;
                None
            }
        }
    }

    /// Shows what is first in line. What stands in the line under way was typed before somebody could see it.
    fn show_first(&mut self, language: Language) -> Vec<Act> {
        let Some(event) = self.asked.front() else { return Vec::new() };
        self.typed.watch_keys();
        self.typed.forget_line();
        (self.shown_at, self.typing_told_at) = (Some(Instant::now()), None);
        let mut acts = vec![Act::Show(Arc::clone(event))];
        acts.extend(Self::how_to_answer(event, language));
        acts
    }

    /// What may be answered.
    fn how_to_answer(event: &Event, language: Language) -> Option<Act> {
        let text = match &event.body {
            EventBody::Question { options, deadline, .. } => {
                language.question_options(!options.is_empty(), left(event.ts, *deadline))
            }
            asked => language.leave_options(&Lasting::of(asked)?),
        };
        Some(Act::Say(Role::Faint, format!("  {text}")))
    }

    pub(super) fn hear(&mut self, heard: Heard, language: Language) -> Vec<Act> {
        let acts = self.take(heard, language);
        self.watch();
        acts
    }

    fn take(&mut self, heard: Heard, language: Language) -> Vec<Act> {
        match heard {
            Heard::Keys(shown) => self.keys(shown),
            Heard::Line { text, at } => {
                let mut acts = self.end_of_line();
                acts.extend(self.line(text.trim(), at, language));
                acts
            }
            Heard::TooLong { most } => {
                let mut acts = self.end_of_line();
                acts.push(Act::Say(Role::Warning, language.typed_too_much(most)));
                acts
            }
            Heard::Resumed => vec![Act::EndPrompt],
            Heard::Ended { is_hung_up: true } => vec![Act::HangUp],
            Heard::Ended { is_hung_up: false } => {
                vec![Act::EndPrompt, Act::Say(Role::Warning, language.input_ended().to_owned()), Act::Leave]
            }
        }
    }

    /// Where we show the keys, nothing has ended the line on the screen.
    fn end_of_line(&self) -> Vec<Act> {
        if self.typed.watches_keys() { Vec::new() } else { vec![Act::EndPrompt] }
    }

    /// Who types wants to say something: the clock stops before the window closes over it, or a question is answered in
    /// their place.
    fn keys(&mut self, shown: Vec<Shown>) -> Vec<Act> {
        let mut acts = vec![Act::Echo(shown)];
        if self.asked.is_empty() && self.window == Some(Window::Runs) && self.typed.has_begun() {
            self.window = Some(Window::Paused);
            acts.push(Act::Tell(Command::Pause));
        } else if self.typing_told_at.is_none_or(|told_at| told_at.elapsed() >= TELLS_TYPING) {
            self.typing_told_at = Some(Instant::now());
            acts.push(Act::Tell(Command::Typing));
        }
        acts
    }

    fn line(&mut self, text: &str, at: Instant, language: Language) -> Vec<Act> {
        match Word::parse(text) {
            Some(Word::Stop) => return vec![Act::Tell(Command::Stop)],
            Some(Word::Pause) => return vec![Act::Tell(Command::Pause)],
            Some(Word::Continue) => return vec![Act::Tell(Command::Continue)],
            None => {}
        }
        if let Some(nearest) = Word::nearest(text) {
            return vec![Act::Say(Role::Warning, language.no_such_word(text, nearest))];
        }
        let was_seen = self.shown_at.is_none_or(|shown_at| shown_at <= at);
        match self.asked.front().filter(|_| was_seen).map(Arc::clone) {
            Some(asked) => self.answer(&asked, text, language),
            None if text.is_empty() && self.window.is_some() => vec![Act::Tell(Command::Continue)],
            None if text.is_empty() => Vec::new(),
            None => vec![Act::Tell(Command::Message(text.to_owned()))],
        }
    }

    /// Something was typed to what is first in line.
    fn answer(&mut self, asked: &Event, text: &str, language: Language) -> Vec<Act> {
        let answer = match &asked.body {
            EventBody::Question { question_id, asker, options, .. } => {
                let shown: Vec<_> = options.iter().map(|option| language.option(asker, option)).collect();
                question_answer(text, options, &shown)
                    .map(|text| Command::Answer { question: *question_id, text })
                    .map_err(|why| language.no_answer_to_question(why))
            }
            asked => leave(asked, text).ok_or_else(|| {
                let words = Lasting::of(asked).map(|lasting| language.no_answer(&lasting));
                words.unwrap_or_default().to_owned()
            }),
        };
        match answer {
            Ok(command) => {
                self.asked.pop_front();
                std::iter::once(Act::Tell(command)).chain(self.show_first(language)).collect()
            }
            Err(words) => std::iter::once(Act::Say(Role::Warning, words))
                .chain(Self::how_to_answer(asked, language))
                .collect(),
        }
    }
}

/// Leave, or a refusal, as it was typed to a call that wants it.
fn leave(asked: &EventBody, text: &str) -> Option<Command> {
    let EventBody::PermissionAsked { call_id, .. } = asked else { return None };
    let (decision, note) = leave_answer(text)?;
    let offered = Lasting::of(asked).is_some_and(|lasting| lasting.offers(decision));
    offered.then(|| Command::Permission { call: call_id.clone(), decision, note })
}

fn left(now: Timestamp, deadline: Timestamp) -> Duration {
    deadline.since(now)
}

/// The names of what waits and of what was answered, where they are the same.
fn is_answered_by(asked: &EventBody, answer: &EventBody) -> bool {
    let call = |body: &EventBody| -> Option<CallId> {
        match body {
            EventBody::PermissionAsked { call_id, .. } | EventBody::PermissionAnswered { call_id, .. } => {
                Some(call_id.clone())
            }
            _ => None,
        }
    };
    let question = |body: &EventBody| -> Option<QuestionId> {
        match body {
            EventBody::Question { question_id, .. } | EventBody::Answer { question_id, .. } => {
                Some(*question_id)
            }
            _ => None,
        }
    };
    match call(asked) {
        Some(asked) => Some(asked) == call(answer),
        None => question(asked).is_some() && question(asked) == question(answer),
    }
}
