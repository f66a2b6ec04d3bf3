//! Mistakes that a test plants in the product, to see that the simulator finds them: one for each invariant at least.
//!
//! Each stands at the place in the product where it would be made, and exists in no build but that of this crate's own
//! unit tests.

use std::sync::Arc;

use domain::{
    event::{Event, EventBody, RunScope},
    message::{Message, Part, SealedMessage, Usage},
};

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// An event is told before the journal has it.
    ToldBeforeAppended,
    /// The disk is not awaited for what must be durable.
    DiskNotAwaited,
    /// An event gets the number after the next.
    NumberSkipped,
    /// The record is made of all events but the last.
    RecordShort,
    /// A round's end is said twice.
    RoundEndsTwice,
    /// A round's end is not said.
    RoundEndForgotten,
    /// A run's end is not said.
    RunEndForgotten,
    /// A run names itself as its caller.
    ParentInvented,
    /// A tool that does not end is waited for.
    NoDeadline,
    /// A run's servers are not ended.
    ServersForgotten,
    /// A result is said twice.
    ResultTwice,
    /// A call that had begun when the program died is run again.
    StartedCallRunAgain,
    /// The disk is not awaited before a call with effects begins.
    StartNotAwaited,
    /// A call is run without leave.
    LeaveForgotten,
    /// A brief's `writes` are not handed on.
    GrantForgotten,
    /// The last result is not shown to the model.
    ResultForgotten,
    /// Results are shown in the order of their calls, backwards.
    ResultsReversed,
    /// Results join a conversation and not the journal.
    ResultsUnjournaled,
    /// It is not said that what a failed attempt has shown is void.
    VoidForgotten,
    /// What an answer took is not counted.
    UsageForgotten,
    /// Workers run side by side that may write the same paths.
    PathsMeet,
}

impl Bug {
    pub(crate) const ALL: [Self; 21] = [
        Self::ToldBeforeAppended,
        Self::DiskNotAwaited,
        Self::NumberSkipped,
        Self::RecordShort,
        Self::RoundEndsTwice,
        Self::RoundEndForgotten,
        Self::RunEndForgotten,
        Self::ParentInvented,
        Self::NoDeadline,
        Self::ServersForgotten,
        Self::ResultTwice,
        Self::StartedCallRunAgain,
        Self::StartNotAwaited,
        Self::LeaveForgotten,
        Self::GrantForgotten,
        Self::ResultForgotten,
        Self::ResultsReversed,
        Self::ResultsUnjournaled,
        Self::VoidForgotten,
        Self::UsageForgotten,
        Self::PathsMeet,
    ];
}

/// What a test planted: nothing, as a rule.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Planted(Option<Bug>);

impl Planted {
    /// Plants a mistake.
    pub(crate) const fn with(bug: Bug) -> Self {
        Self(Some(bug))
    }

    /// Whether this mistake is to be made.
    pub(crate) fn is(self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }

    /// How often an event is said.
    pub(crate) fn times(self, body: &EventBody) -> u8 {
        match (self.0, body) {
            (Some(Bug::RoundEndForgotten), EventBody::RoundFinished { .. })
            | (Some(Bug::RunEndForgotten), EventBody::RunFinished { .. })
            | (Some(Bug::VoidForgotten), EventBody::TextReplaced { .. }) => 0,
            (Some(Bug::ResultsUnjournaled), EventBody::Message { message, .. })
                if message.tool_results().next().is_some() =>
            {
                0
            }
            (Some(Bug::RoundEndsTwice), EventBody::RoundFinished { .. })
            | (Some(Bug::ResultTwice), EventBody::ToolFinished { .. }) => 2,
            _ => 1,
        }
    }

    /// What a model is shown of a conversation.
    pub(crate) fn spoil(self, messages: &mut [Arc<SealedMessage>]) {
        let Some(last) = messages.last_mut() else { return };
        let mut message = Message::clone(&last.message);
        match self.0 {
            Some(Bug::ResultForgotten) => {
                message.parts.retain(|part| !matches!(part, Part::ToolResult { .. }))
            }
            Some(Bug::ResultsReversed) => message.parts.reverse(),
            _ => return,
        }
        *last = SealedMessage::new(message);
    }

    /// What of a run's grant its tools are given.
    pub(crate) fn handed_on(self, writes: &Option<Arc<[String]>>) -> Option<Arc<[String]>> {
        writes.clone().filter(|_| !self.is(Bug::GrantForgotten))
    }

    /// What of an answer's tokens is counted.
    pub(crate) fn counted(self, usage: Usage) -> Usage {
        if self.is(Bug::UsageForgotten) { Usage::default() } else { usage }
    }

    /// Who called a run.
    pub(crate) fn called_by(self, run: RunScope) -> RunScope {
        if self.is(Bug::ParentInvented) { RunScope { parent_run_id: Some(run.run_id), ..run } } else { run }
    }

    /// What of a session's events its record is made of.
    pub(crate) fn short_of_one(self, mut events: Vec<Event>) -> Vec<Event> {
        if self.is(Bug::RecordShort) {
            events.pop();
        }
        events
    }
}
