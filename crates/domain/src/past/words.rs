//! What the person said without being asked, and whether a model was shown it.

use crate::{
    context::said_in,
    event::{Event, EventBody, InterventionAction},
    message::{Message, Part, Role},
};

/// Words that nobody has read, in order.
#[derive(Debug, Default)]
pub(super) struct Unread(Vec<String>);

impl Unread {
    /// Takes what happened in a round, and says how many words of the round itself stay unread. `manager`: what its
    /// manager's messages were, where it has one; else its workers read what was said before they began.
    pub(super) fn take<'e>(
        &mut self,
        events: &[&Event],
        manager: Option<impl Iterator<Item = &'e Message>>,
    ) -> usize {
        let mut before = self.0.len();
        let Some(messages) = manager else {
            let last_run =
                events.iter().rposition(|event| matches!(event.body, EventBody::RunStarted { .. }));
            let after = events.get(last_run.unwrap_or(0)..).unwrap_or_default();
            self.0.extend(after.iter().filter_map(|event| said(event)).map(str::to_owned));
            return self.0.len() - before;
        };
        self.0.extend(events.iter().filter_map(|event| said(event)).map(str::to_owned));
        for text in messages.filter(|message| message.role == Role::User).flat_map(words_in) {
            if let Some(at) = self.0.iter().position(|words| words.trim() == text) {
                self.0.remove(at);
                before -= usize::from(at < before);
            }
        }
        self.0.len() - before
    }

    pub(super) fn into_words(self) -> Vec<String> {
        self.0
    }
}

/// What was said before each run of a chain but the first.
pub(super) fn between_runs(events: &[Event]) -> Vec<Vec<String>> {
    let mut between: Vec<Vec<String>> = Vec::new();
    let mut since = Vec::new();
    let mut has_begun = false;
    for event in events {
        since.extend(said(event).map(str::to_owned));
        if matches!(event.body, EventBody::RunStarted { .. }) && std::mem::replace(&mut has_begun, true) {
            between.push(std::mem::take(&mut since));
        }
    }
    between
}

fn said(event: &Event) -> Option<&str> {
    match &event.body {
        EventBody::MessageQueued { text }
        | EventBody::Intervention { action: InterventionAction::Message, text: Some(text), .. } => Some(text),
        _ => None,
    }
}

fn words_in(message: &Message) -> impl Iterator<Item = &str> {
    message.parts.iter().filter_map(|part| match part {
        Part::Text { text } => said_in(text),
        _ => None,
    })
}
