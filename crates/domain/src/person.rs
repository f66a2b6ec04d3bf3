//! What waits for the person, and what they say, as one queue.
//!
//! A call that wants leave, a question, the window after reports: each waits here until the person answers, its
//! deadline passes, or nobody is there any more, whichever comes first; then it is settled, once. Several wait side by
//! side, and any of them may be answered. What the person says without being asked waits here for the manager.
//!
//! It knows no time: who asks keeps the deadline. It writes nothing down: who asks says what came of it.

use std::{collections::VecDeque, mem, time::Duration};

use crate::{
    id::{CallId, QuestionId},
    session::Command,
};

#[cfg(test)]
mod tests;
mod waits;
mod window;

pub use waits::{LeaveAnswer, Matter, Settled, Waits};
pub use window::{Window, WindowStep};

/// Who is there to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nobody: leave is denied at once, a question ends the round at once, no window opens.
    Nobody,
    /// A person.
    Present {
        /// How long leave, a question and a paused window wait for them.
        question_timeout: Duration,
        /// How long they may step in after reports; zero: only where they asked for a pause.
        intervention: Duration,
    },
}

/// Why words of the person were not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotHeard {
    /// No round is under way whose manager could read them.
    NobodyListens,
    /// The manager has [`PersonQueue::MOST_UNREAD`] messages to read.
    TooMany,
    /// No question of that id waits, or not any more.
    NoQuestion(QuestionId),
    /// No call of that id waits for leave, or not any more.
    NoCall(CallId),
}

/// Everything that waits for the person, and what they said that nobody has read yet.
#[derive(Debug, Default)]
pub struct PersonQueue {
    is_attended: bool,
    is_listening: bool,
    leaves: Waits<CallId>,
    questions: Waits<QuestionId>,
    window: Option<Window>,
    wishes_pause: bool,
    /// How often the person was seen typing; it begins anew one day.
    typed: u64,
    /// Said, and not yet written down.
    unwritten: VecDeque<String>,
    /// Written down, and not yet read by the manager.
    unread: VecDeque<String>,
    /// The same, from before a round in which the manager has no word.
    set_aside: VecDeque<String>,
}

impl PersonQueue {
    /// As many messages wait for the manager at most; more are refused.
    pub const MOST_UNREAD: usize = 64;

    /// An empty queue; `is_attended`: a person is there.
    #[must_use]
    pub fn new(is_attended: bool) -> Self {
        Self { is_attended, ..Self::default() }
    }

    /// Whether a person is there.
    #[must_use]
    pub const fn is_attended(&self) -> bool {
        self.is_attended
    }

    /// Does what the person says. What is not between them and the team changes nothing.
    ///
    /// # Errors
    /// As [`Self::say`], and where an answer is to what does not wait.
    pub fn heed(&mut self, command: Command) -> Result<(), NotHeard> {
        match command {
            Command::Permission { call, decision, note } => {
                if !self.answer(&call, LeaveAnswer { decision, note }) {
                    return Err(NotHeard::NoCall(call));
                }
            }
            // Blank words are no answer.
            Command::Answer { text, .. } if text.trim().is_empty() => {}
            Command::Answer { question, text } => {
                if !self.answer(&question, text) {
                    return Err(NotHeard::NoQuestion(question));
                }
            }
            Command::Message(text) => return self.say(text),
            Command::Pause => self.pause(),
            Command::Continue => self.go_on(),
            Command::Typing => self.typed = self.typed.wrapping_add(1),
            Command::Unattended => self.unattended(),
            Command::Start(_) | Command::GoOn | Command::Cancel(_) | Command::Stop => {}
        }
        Ok(())
    }

    /// Changes whenever the person is seen typing: whoever keeps a deadline of theirs begins it anew.
    #[must_use]
    pub const fn typed(&self) -> u64 {
        self.typed
    }

    /// Whether work stands still for the person: something is open.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        let has_window = self.window.as_ref().is_some_and(Window::is_open);
        has_window || self.leaves.is_any_open() || self.questions.is_any_open()
    }

    /// Lets `matter` wait. Where nobody is there it is settled at once.
    pub fn ask<M: Matter>(&mut self, matter: M) {
        let settled = (!self.is_attended).then_some(Settled::Unattended);
        M::waits(self).insert(matter, settled);
    }

    /// The person answers; false where that does not wait, or not any more. Nothing happens then.
    pub fn answer<M: Matter>(&mut self, matter: &M, answer: M::Answer) -> bool {
        M::waits(self).settle(matter, Settled::Answered(answer))
    }

    /// The deadline of `matter` has passed.
    pub fn time_is_up<M: Matter>(&mut self, matter: &M) {
        M::waits(self).settle(matter, Settled::Late);
    }

    /// Fetches what came of `matter`; none while it waits.
    pub fn fetch<M: Matter>(&mut self, matter: &M) -> Option<Settled<M::Answer>> {
        M::waits(self).fetch(matter)
    }

    /// Whoever asked does not wait any more, and nobody may answer.
    pub fn withdraw<M: Matter>(&mut self, matter: &M) {
        M::waits(self).remove(matter);
    }

    /// Nobody is there any more: what waits is settled, and what will be asked is not asked.
    pub fn unattended(&mut self) {
        self.is_attended = false;
        self.wishes_pause = false;
        self.leaves.settle_all(|| Settled::Unattended);
        self.questions.settle_all(|| Settled::Unattended);
        if let Some(window) = &mut self.window {
            window.go_on();
        }
    }

    /// Opens the window after reports where there is one: a person is there, and it has a length or a pause was wished
    /// for. Whether it opened.
    pub fn open_window(&mut self, has_length: bool) -> bool {
        if !self.is_attended || !(has_length || self.wishes_pause) {
            return false;
        }
        let mut window = Window::default();
        if mem::take(&mut self.wishes_pause) {
            window.pause();
        }
        self.close_window();
        self.window = Some(window);
        true
    }

    /// The window that is open, or closed and not yet taken away.
    #[must_use]
    pub const fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// The same, to tell it that its time is up, or to fetch what happened to it.
    pub const fn window_mut(&mut self) -> Option<&mut Window> {
        self.window.as_mut()
    }

    /// Takes the window away. What the person said in it and nobody fetched waits like everything else they say.
    pub fn close_window(&mut self) {
        self.unwritten.extend(self.window.take().and_then(Window::into_words));
    }

    /// The person wants to step in: the clock of the window stands still, or the next one opens like that.
    pub fn pause(&mut self) {
        match &mut self.window {
            Some(window) if window.is_open() => window.pause(),
            _ => self.wishes_pause = self.is_attended,
        }
    }

    /// The person wants to go on.
    pub fn go_on(&mut self) {
        self.wishes_pause = false;
        if let Some(window) = &mut self.window {
            window.go_on();
        }
    }

    /// The person says something to the manager: the open window takes it, else it waits. Blank words say nothing.
    ///
    /// # Errors
    /// [`NotHeard`] where nothing can be done with it.
    pub fn say(&mut self, text: String) -> Result<(), NotHeard> {
        if text.trim().is_empty() {
            return Ok(());
        }
        if !self.is_listening {
            return Err(NotHeard::NobodyListens);
        }
        let waiting = self.unwritten.len() + self.unread();
        match &mut self.window {
            Some(window) if window.is_open() => window.say(text),
            _ if waiting >= Self::MOST_UNREAD => {
                return Err(NotHeard::TooMany);
            }
            _ => self.unwritten.push_back(text),
        }
        Ok(())
    }

    /// A round begins that takes the person's words.
    pub const fn listen(&mut self) {
        self.is_listening = true;
    }

    /// The round takes none any more. What was wished of its windows is forgotten; what was said stays.
    pub fn stop_listening(&mut self) {
        self.is_listening = false;
        self.wishes_pause = false;
        self.set_aside.append(&mut self.unread);
        mem::swap(&mut self.set_aside, &mut self.unread);
    }

    /// The round is one of workers: what waits for the manager goes on waiting until it is over. How much that is.
    pub fn set_aside(&mut self) -> usize {
        self.set_aside.append(&mut self.unread);
        self.set_aside.len()
    }

    /// Whether the person's words are taken.
    #[must_use]
    pub const fn is_listening(&self) -> bool {
        self.is_listening
    }

    /// The oldest words that have to be written down before the manager reads them.
    #[must_use]
    pub fn unwritten(&self) -> Option<&str> {
        self.unwritten.front().map(String::as_str)
    }

    /// The oldest of them have been written down.
    pub fn written(&mut self) {
        self.unread.extend(self.unwritten.pop_front());
    }

    /// How many messages the manager has not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.set_aside.len() + self.unread.len()
    }

    /// The manager reads this next: it was written down already.
    pub fn hand_over(&mut self, text: String) {
        self.unread.push_back(text);
    }

    /// The manager was given these and did not read them.
    pub fn take_back(&mut self, words: Vec<String>) {
        let later = mem::replace(&mut self.unread, words.into());
        self.unread.extend(later);
    }

    /// What the manager, or the next worker of a round without one, reads now, in the order it was said.
    pub fn read(&mut self) -> Vec<String> {
        mem::take(&mut self.unread).into()
    }
}
