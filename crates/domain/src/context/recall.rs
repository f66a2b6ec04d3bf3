//! A conversation as the events of its runs tell of it. Where events are missing it is still one that can be sent: every
//! call has a result, and no result is without its call.

use std::collections::BTreeMap;

use super::{Conversation, without_thinking};
use crate::{
    event::EventBody,
    id::CallId,
    message::{Message, Part, Role},
    tool::ToolStatus,
};

/// The code of the notice that the journal holds a sealed block without the secret that stood in it: its provider does
/// not take such a block back.
pub const BROKEN_SEAL: &str = "sealed_block_redacted";

/// What a model reads of a call that was under way when the program died.
pub const INTERRUPTED: &str = "interrupted: the program died while this ran; what it did is not known. Look before you \
                               do it again.";

/// What a model reads of a call that had not begun when the program died, and that nobody makes up for.
pub const NOT_RUN: &str = "interrupted: the program died before this ran";

/// What stands where the first words of a conversation cannot be read any more.
const LOST_BEGINNING: &str = "[The beginning of this conversation could not be read any more.]";

/// A conversation in the making, event by event.
#[derive(Debug, Default)]
pub struct Recollection {
    conversation: Conversation,
    /// The next message of the user's side is what a run begins with.
    is_beginning: bool,
    /// The calls of the last message.
    open: Vec<CallId>,
    begun: Vec<CallId>,
    results: BTreeMap<CallId, (String, bool)>,
}

impl Recollection {
    /// A run begins that goes on from `conversation`.
    #[must_use]
    pub fn going_on_from(conversation: Conversation) -> Self {
        Self { conversation, is_beginning: true, ..Self::default() }
    }

    /// Another run begins, which goes on from what was said so far.
    pub fn begin_run(&mut self) {
        self.answer_open_calls();
        self.is_beginning = true;
    }

    /// Takes what happened next in the run.
    pub fn take(&mut self, body: &EventBody) {
        match body {
            EventBody::Message { message, usage, .. } => match message.role {
                Role::Assistant => {
                    self.answer(message);
                    self.conversation.counts(usage.map_or(0, |usage| usage.total()));
                }
                Role::User => self.say(message),
            },
            EventBody::ToolStarted { call_id, .. } => self.begun.push(call_id.clone()),
            EventBody::ToolFinished { call_id, status, output, .. } => {
                self.results.insert(call_id.clone(), (output.clone(), *status != ToolStatus::Ok));
            }
            EventBody::ContextCut { kept, .. } if self.open.is_empty() => self.conversation.cut_again(*kept),
            EventBody::Notice { code, .. } if code == BROKEN_SEAL => self.conversation.drop_last_seals(),
            _ => {}
        }
    }

    /// Answers the calls of the last message that have no result yet: with what came of them, or as interrupted.
    pub fn answer_open_calls(&mut self) {
        if !self.open.is_empty() {
            self.say(&Message { role: Role::User, parts: Vec::new() });
        }
        self.begun.clear();
        self.results.clear();
    }

    /// The conversation so far.
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The conversation as it is.
    #[must_use]
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }

    fn answer(&mut self, message: &Message) {
        self.answer_open_calls();
        if self.conversation.messages().is_empty() {
            self.conversation.begin(Message::user(LOST_BEGINNING));
        }
        self.is_beginning = false;
        self.open = message.tool_uses().map(|(id, _, _)| id.clone()).collect();
        self.conversation.push(message.clone());
    }

    fn say(&mut self, message: &Message) {
        let open = std::mem::take(&mut self.open);
        let mut parts: Vec<Part> = open.into_iter().map(|call| self.result_of(call, message)).collect();
        parts.extend(message.parts.iter().filter(|part| !matches!(part, Part::ToolResult { .. })).cloned());
        let message = Message { role: Role::User, parts };
        if std::mem::take(&mut self.is_beginning) {
            self.conversation.begin(message);
        } else {
            self.conversation.push(message);
        }
    }

    fn result_of(&mut self, call: CallId, message: &Message) -> Part {
        let is_its = |part: &&Part| matches!(part, Part::ToolResult { id, .. } if *id == call);
        if let Some(part) = message.parts.iter().find(is_its) {
            return part.clone();
        }
        let lost = || if self.begun.contains(&call) { INTERRUPTED } else { NOT_RUN };
        let known = self.results.get(&call).cloned();
        let (content, is_error) = known.unwrap_or_else(|| (lost().to_owned(), true));
        Part::ToolResult { id: call, content, is_error }
    }
}

impl Conversation {
    /// Cuts the conversation as it was cut before: so that `kept` messages are left. A cut that does not fit what is
    /// there changes nothing.
    fn cut_again(&mut self, kept: u32) {
        let wanted = usize::try_from(kept).unwrap_or(usize::MAX);
        let fits = |start: &usize| {
            let tail = self.messages.get(*start..).unwrap_or_default();
            1 + tail.iter().filter_map(without_thinking).count() == wanted
        };
        let start = self.turn_starts().find(fits);
        if let Some(start) = start {
            self.cut_at(start);
        }
    }

    /// The last message keeps nothing of what its provider sealed.
    fn drop_last_seals(&mut self) {
        let Some(last) = self.messages.pop() else { return };
        self.messages.extend(without_thinking(&last));
    }
}
