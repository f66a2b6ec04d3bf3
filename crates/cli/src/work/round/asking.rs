//! Asking the person at the terminal for leave: calls wait in line, one is shown at a time, and a line that was typed
//! answers it.
//!
//! What may be asked, how long an answer is waited for and what it means is the engine's business. A person who says
//! nothing says no; so does the end of the input.

use std::{collections::VecDeque, io, sync::Arc};

use better_llm::domain::{
    event::{Decision, Event, EventBody},
    id::CallId,
};

use crate::{typed::Typed, words::Lasting};

/// The calls that wait for leave, in order.
///
/// Not bounded by itself: each of them is a call under way, and the engine bounds those.
#[derive(Debug, Default)]
pub(super) struct Asking {
    waiting: VecDeque<Arc<Event>>,
    /// Started with the first call that waits: who is never asked keeps the terminal's input.
    typed: Option<Typed>,
    has_input_ended: bool,
}

/// What is to be done about the call in front.
#[derive(Debug)]
pub(super) enum Next {
    /// Show where its answer is typed.
    Show,
    /// Say no, for nobody can say anything any more; why, where that was not said yet.
    Deny(Option<io::Error>),
}

impl Asking {
    /// Takes a call that waits. Says whether it is in front.
    pub(super) fn take(&mut self, event: Arc<Event>) -> bool {
        self.waiting.push_back(event);
        self.waiting.len() == 1
    }

    /// Whether the person is being asked.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The call in front, now that it is its turn, and what is to be done about it. What was typed before is
    /// forgotten: it cannot have been meant for a question that nobody had seen.
    pub(super) fn begin(&mut self) -> Option<(Arc<Event>, Next)> {
        let event = Arc::clone(self.waiting.front()?);
        if self.has_input_ended {
            return Some((event, Next::Deny(None)));
        }
        let next = match &mut self.typed {
            Some(typed) => {
                typed.forget();
                Next::Show
            }
            None => match Typed::start() {
                Ok(typed) => {
                    self.typed = Some(typed);
                    Next::Show
                }
                Err(error) => {
                    self.has_input_ended = true;
                    Next::Deny(Some(error))
                }
            },
        };
        Some((event, next))
    }

    /// What leave that lasts would allow, of the call in front.
    pub(super) fn lasting(&self) -> Option<Lasting<'_>> {
        Lasting::of(&self.waiting.front()?.body)
    }

    /// The next line that was typed; none when the input has ended. Safe to drop.
    pub(super) async fn typed(&mut self) -> Option<String> {
        let line = match &mut self.typed {
            Some(typed) => typed.next().await,
            None => std::future::pending().await,
        };
        self.has_input_ended = line.is_none();
        line
    }

    /// The call in front has its answer.
    pub(super) fn answered(&mut self) -> Option<CallId> {
        self.waiting.pop_front().as_deref().and_then(call_of).cloned()
    }

    /// A call does not wait any more, whoever decided. Says whether it was in front.
    pub(super) fn forget(&mut self, call: &CallId) -> bool {
        let was_front = self.waiting.front().and_then(|event| call_of(event)) == Some(call);
        self.waiting.retain(|event| call_of(event) != Some(call));
        was_front
    }
}

/// The call that an event asks leave for.
fn call_of(event: &Event) -> Option<&CallId> {
    match &event.body {
        EventBody::PermissionAsked { call_id, .. } => Some(call_id),
        _ => None,
    }
}

/// A no without a word.
pub(super) const NO: (Decision, Option<String>) = (Decision::Deny, None);
