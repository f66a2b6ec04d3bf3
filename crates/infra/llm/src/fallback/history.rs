//! A conversation without what only the model that wrote it can read.

use std::sync::Arc;

use domain::message::{Message, Part, SealedMessage};

/// The conversation for a model that did not write it: without sealed thinking and blocks of a provider, which belong to
/// the model they came from.
pub(super) fn without_seals(messages: Vec<Arc<SealedMessage>>) -> Vec<Arc<SealedMessage>> {
    let plain = |sealed: Arc<SealedMessage>| match sealed.message.parts.iter().any(is_sealed) {
        true => SealedMessage::new(unsealed(Message::clone(&sealed.message))),
        false => sealed,
    };
    messages.into_iter().map(plain).collect()
}

/// A message that goes back to another model than the one that wrote it. What was thought stays to be read by people.
pub(super) fn unsealed(message: Message) -> Message {
    let parts = message.parts.into_iter().filter_map(|part| match part {
        Part::Thinking { text, .. } => Some(Part::Thinking { text, signature: None }),
        Part::ProviderBlock { .. } => None,
        part => Some(part),
    });
    Message { parts: parts.collect(), ..message }
}

const fn is_sealed(part: &Part) -> bool {
    matches!(part, Part::Thinking { signature: Some(_), .. } | Part::ProviderBlock { .. })
}
