//! What the unit tests of several modules need.

use std::sync::Arc;

use domain::{
    agent::AgentName,
    message::{Message, Part, Role, SealedMessage},
    model::ModelRequest,
    ports::Clock,
    time::Timestamp,
};

/// A clock that stands still.
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

/// A request of an agent with a conversation and nothing else.
pub(crate) fn request(agent: &str, messages: &[Arc<SealedMessage>]) -> ModelRequest {
    ModelRequest {
        agent: AgentName::try_from(agent.to_owned()).unwrap(),
        model: None,
        system: "".into(),
        tools: Arc::new([]),
        messages: messages.to_vec(),
        thinking: None,
        effort: None,
        max_tokens: None,
    }
}

/// A message of the user's side.
pub(crate) fn user(parts: Vec<Part>) -> Arc<SealedMessage> {
    SealedMessage::new(Message { role: Role::User, parts })
}

/// A message of the model.
pub(crate) fn assistant(parts: Vec<Part>) -> Arc<SealedMessage> {
    SealedMessage::new(Message { role: Role::Assistant, parts })
}

/// A text.
pub(crate) fn text(text: &str) -> Part {
    Part::Text { text: text.to_owned() }
}

/// The answer to a call.
pub(crate) fn result(id: &str, content: &str, is_error: bool) -> Part {
    Part::ToolResult { id: domain::id::CallId::new(id), content: content.to_owned(), is_error }
}
