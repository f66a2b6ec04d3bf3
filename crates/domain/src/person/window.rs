//! The window between reports and the manager who is about to read them, in which the person can step in.

use std::collections::VecDeque;

/// A window. It closes once, whatever comes.
#[derive(Debug, Default)]
pub struct Window {
    phase: Phase,
    /// What happened and was not yet fetched: a pause and an end at most.
    steps: VecDeque<WindowStep>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// Its clock runs.
    #[default]
    Running,
    /// Its clock stands still; only the outer bound is left.
    Paused,
    /// Over.
    Closed,
}

/// What happened to a window after it opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowStep {
    /// The person wants time.
    Paused,
    /// It closed: by the person, its deadline, or because nobody is there any more.
    Continued,
    /// It closed with these words for the manager.
    Said(String),
}

impl Window {
    /// Whether the person can still do something in it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase != Phase::Closed
    }

    /// Whether its clock stands still.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.phase == Phase::Paused
    }

    /// What happened next.
    pub fn next_step(&mut self) -> Option<WindowStep> {
        self.steps.pop_front()
    }

    /// The time is up: that of the pause where `was_paused`, else that of the window. A late one changes nothing.
    pub fn time_is_up(&mut self, was_paused: bool) {
        if self.is_paused() == was_paused {
            self.close(WindowStep::Continued);
        }
    }

    /// What the person said in it, where nobody fetched that.
    pub(super) fn into_words(self) -> Option<String> {
        self.steps.into_iter().find_map(|step| match step {
            WindowStep::Said(text) => Some(text),
            WindowStep::Paused | WindowStep::Continued => None,
        })
    }

    pub(super) fn pause(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Paused;
            self.steps.push_back(WindowStep::Paused);
        }
    }

    pub(super) fn go_on(&mut self) {
        self.close(WindowStep::Continued);
    }

    pub(super) fn say(&mut self, text: String) {
        self.close(WindowStep::Said(text));
    }

    fn close(&mut self, step: WindowStep) {
        if self.is_open() {
            self.phase = Phase::Closed;
            self.steps.push_back(step);
        }
    }
}
