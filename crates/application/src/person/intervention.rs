//! The window between the reports of a manager's turn and the manager who is about to read them (spec O-9).
//!
//! One for each turn, after its last report, and only where a person is there. It closes by what they do or by its
//! deadline; a pause has one, too (law 5).

use std::time::Duration;

use domain::{
    agent::AgentName,
    event::{EventBody, InterventionAction},
    person::{PersonQueue, Window, WindowStep},
    ports::JournalError,
};

use super::Person;
use crate::{agent_run::RunContext, round::RoundContext, stop::StopSignal};

/// A window that is taken away when this is dropped.
struct OpenWindow<'p>(&'p Person);

impl<'p> OpenWindow<'p> {
    /// Opens it where there is one; whether it is paused from the beginning.
    fn open(person: &'p Person) -> Option<(Self, bool)> {
        let has_length = !person.intervention().is_zero();
        let is_paused = person.change(|queue| {
            queue.open_window(has_length).then(|| queue.window().is_some_and(Window::is_paused))
        })?;
        Some((Self(person), is_paused))
    }

    /// What happens to it next, at most until its time is up.
    async fn next_step(&self, is_paused: bool, time: Duration) -> WindowStep {
        let next = |queue: &mut PersonQueue| queue.window_mut()?.next_step();
        tokio::select! {
            biased;
            step = self.0.until(next) => return step,
            () = self.0.quiet_for(time) => {}
        }
        self.0.change(|queue| queue.window_mut().map(|window| window.time_is_up(is_paused)));
        self.0.until(next).await
    }
}

impl Drop for OpenWindow<'_> {
    fn drop(&mut self) {
        self.0.change(PersonQueue::close_window);
    }
}

impl RunContext<'_> {
    /// Lets the person step in where reports came in since the manager's last request. What they say it reads next.
    pub(crate) async fn intervene(&self) -> Result<(), JournalError> {
        let has_reports = self.is_manager() && std::mem::take(&mut self.round.state().has_new_reports);
        if !has_reports {
            return Ok(());
        }
        self.round.let_step_in(&self.stop, self.agent()).await
    }
}

impl RoundContext {
    /// Lets the person step in before `next` goes on, who reads what they say; not where the work is stopped.
    pub(crate) async fn let_step_in(&self, stop: &StopSignal, next: &AgentName) -> Result<(), JournalError> {
        if stop.ending().is_some() {
            return Ok(());
        }
        let person = &self.ports.person;
        let Some((window, mut is_paused)) = OpenWindow::open(person) else { return Ok(()) };
        let mut time = person.intervention();
        let deadline = (!is_paused).then(|| self.ports.clock.now().plus(time));
        let next = Some(next.to_string());
        let opened =
            EventBody::Intervention { action: InterventionAction::Opened, text: None, deadline, next };
        self.append(opened).await?;
        loop {
            let step = tokio::select! {
                biased;
                _ = stop.stopped() => None,
                step = window.next_step(is_paused, time) => Some(step),
            };
            let (action, text) = match step {
                None => (InterventionAction::Stopped, None),
                Some(WindowStep::Paused) => (InterventionAction::Paused, None),
                Some(WindowStep::Continued) => (InterventionAction::Continued, None),
                Some(WindowStep::Said(text)) => (InterventionAction::Message, Some(text)),
            };
            is_paused = action == InterventionAction::Paused;
            time = person.question_timeout();
            let deadline = is_paused.then(|| self.ports.clock.now().plus(time));
            let happened = EventBody::Intervention { action, text: text.clone(), deadline, next: None };
            self.append(happened).await?;
            if let Some(text) = text {
                person.change(|queue| queue.hand_over(text));
            }
            if !is_paused {
                return Ok(());
            }
        }
    }
}
