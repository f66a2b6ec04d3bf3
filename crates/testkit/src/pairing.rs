//! The rules by which a conversation may be sent to a model, over domain messages.
//!
//! They are those of the strictest provider (Anthropic Messages, section 2 of its protocol page): a conversation
//! that passes here is taken everywhere. Messages of one side that follow each other count as one message, as the
//! services merge them. Signatures of thoughts are not judged here: only who gave them knows them.

use std::collections::HashSet;

use domain::{
    id::CallId,
    message::{Message, Part, Role},
};

/// Checks a conversation that is about to be sent: the rules of [`check_history`], and the user speaks last.
///
/// # Errors
/// The first rule that is broken, and where (`messages[2].parts[0]: ...`).
pub fn check<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Result<(), String> {
    let messages: Vec<&Message> = messages.into_iter().collect();
    check_history(messages.iter().copied())?;
    match messages.last() {
        Some(last) if last.role == Role::User => Ok(()),
        _ => Err("the last message is the assistant's: there is nothing to answer".to_owned()),
    }
}

/// Checks what holds for a conversation whoever spoke last (a paused turn is sent again as it is):
///
/// - it is not empty, the user speaks first, no message is empty, no text is blank;
/// - calls, thoughts and provider blocks are the assistant's, results the user's;
/// - every call has an id of its own and an object as input;
/// - the user's next message begins with one result for each call, and no result is without its call.
///
/// # Errors
/// The first rule that is broken, and where.
pub fn check_history<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Result<(), String> {
    let mut walk = Walk::default();
    for (index, message) in messages.into_iter().enumerate() {
        walk.enter(index, message)?;
        for (place, part) in message.parts.iter().enumerate() {
            walk.part(message.role, part)
                .map_err(|rule| format!("messages[{index}].parts[{place}]: {rule}"))?;
        }
    }
    if walk.speaker.is_none() {
        return Err("the conversation is empty".to_owned());
    }
    walk.all_answered().map_err(|rule| format!("at the end: {rule}"))
}

/// What has to be known of the messages before a part to judge it.
#[derive(Default)]
struct Walk<'a> {
    speaker: Option<Role>,
    called: HashSet<&'a CallId>,
    /// Calls of the assistant's last message that have no result yet, in order.
    open: Vec<&'a CallId>,
    /// Whether the user's present message already said something other than results.
    results_are_over: bool,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, index: usize, message: &Message) -> Result<(), String> {
        if message.parts.is_empty() {
            return Err(format!("messages[{index}]: it is empty"));
        }
        if self.speaker.is_none() && message.role == Role::Assistant {
            return Err("messages[0]: the first message must be the user's".to_owned());
        }
        if self.speaker != Some(message.role) {
            if message.role == Role::Assistant {
                self.all_answered().map_err(|rule| format!("messages[{index}]: {rule}"))?;
            }
            self.results_are_over = false;
            self.speaker = Some(message.role);
        }
        Ok(())
    }

    fn part(&mut self, role: Role, part: &'a Part) -> Result<(), String> {
        match (part, role) {
            (Part::ToolResult { id, .. }, Role::User) => return self.result(id),
            (Part::ToolUse { id, input, .. }, Role::Assistant) => self.call(id, input.is_object())?,
            (Part::Text { text }, _) if text.trim().is_empty() => return Err("a text is blank".to_owned()),
            (Part::ToolUse { .. }, Role::User) => return Err("a call in a user message".to_owned()),
            (Part::ToolResult { .. }, Role::Assistant) => {
                return Err("a result in an assistant message".to_owned());
            }
            (Part::Thinking { .. } | Part::ProviderBlock { .. }, Role::User) => {
                return Err("a thought or a provider's block in a user message".to_owned());
            }
            (Part::Text { .. } | Part::Thinking { .. } | Part::ProviderBlock { .. }, _) => {}
        }
        self.results_are_over = role == Role::User;
        Ok(())
    }

    fn call(&mut self, id: &'a CallId, has_object: bool) -> Result<(), String> {
        if !has_object {
            return Err(format!("the input of call {id} is no object"));
        }
        if !self.called.insert(id) {
            return Err(format!("call {id} is there twice"));
        }
        self.open.push(id);
        Ok(())
    }

    fn result(&mut self, id: &CallId) -> Result<(), String> {
        let Some(place) = self.open.iter().position(|open| *open == id) else {
            return Err(format!("result {id} answers no call of the message before, or answers it again"));
        };
        if self.results_are_over {
            return Err(format!("result {id} comes after other parts: results come first"));
        }
        self.open.remove(place);
        Ok(())
    }

    fn all_answered(&self) -> Result<(), String> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open: Vec<&str> = self.open.iter().map(|id| id.as_str()).collect();
        Err(format!("calls without a result in the next message: {}", open.join(", ")))
    }
}

#[cfg(test)]
mod tests;
