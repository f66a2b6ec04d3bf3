//! What passes between us and a model, in words that no provider owns.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::CallId;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person, or the engine on the person's side (tool results, reminders).
    User,
    /// The model.
    Assistant,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Prose. Never drives state (law 3).
    Text {
        /// The words.
        text: String,
    },
    /// What the model thought aloud. Goes back to the same model unchanged, with its signature.
    Thinking {
        /// The thought, empty where the provider withholds it.
        text: String,
        /// The provider's seal over it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// The model asks for a tool.
    ToolUse {
        /// Links the call with its result.
        id: CallId,
        /// The tool's name, as the model wrote it.
        name: String,
        /// An object; `{}` where what came could not be parsed (see [`crate::model::ModelAnswer::invalid_inputs`]).
        input: Value,
    },
    /// The engine answers a call.
    ToolResult {
        /// The call that is answered.
        id: CallId,
        /// What the model reads.
        content: String,
        /// Whether the call failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    /// A block that only its provider understands. Kept as the text it came as and sent back byte for byte.
    ProviderBlock {
        /// Whose it is, e.g. `anthropic`.
        provider: String,
        /// The block's JSON text.
        raw: String,
    },
}

impl Part {
    /// Whether it is prose that says nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text { text } if text.trim().is_empty())
    }
}

/// Tokens as the provider counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to the provider's cache.
    pub input_tokens: u64,
    /// Output tokens, thinking included.
    pub output_tokens: u64,
    /// Input tokens read from the provider's prompt cache.
    #[serde(default)]
    pub cache_read_tokens: u64,
    /// Input tokens written to the provider's prompt cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
}

impl Usage {
    /// All tokens, in and out.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.input_tokens
            .saturating_add(self.output_tokens)
            .saturating_add(self.cache_read_tokens)
            .saturating_add(self.cache_write_tokens)
    }

    /// What is left of this without `other`, kind by kind.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_sub(other.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_sub(other.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_sub(other.cache_write_tokens),
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self.cache_write_tokens.saturating_add(other.cache_write_tokens);
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It had said what it wanted.
    EndTurn,
    /// It waits for tool results.
    ToolUse,
    /// The answer reached the token limit of the request.
    MaxTokens,
    /// It wrote a stop sequence.
    StopSequence,
    /// The provider paused a long turn: the same conversation, sent again, goes on.
    PauseTurn,
    /// The model or the provider declined.
    Refusal,
    /// Input and output together no longer fit the model.
    ContextWindowExceeded,
    /// A reason this version does not know, as the provider wrote it.
    #[serde(untagged)]
    Other(String),
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// In the order they were written.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of the user's side with one text.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, parts: vec![Part::Text { text: text.into() }] }
    }

    /// The prose of the message: its texts, joined by newlines.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The calls of the message, in order: id, tool name, input.
    pub fn tool_uses(&self) -> impl Iterator<Item = (&CallId, &str, &Value)> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolUse { id, name, input } => Some((id, name.as_str(), input)),
            _ => None,
        })
    }

    /// The ids of the calls that the message answers, in order.
    pub fn tool_results(&self) -> impl Iterator<Item = &CallId> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolResult { id, .. } => Some(id),
            _ => None,
        })
    }
}

/// A message that will not change any more, with room for its encoding on a provider's wire.
///
/// A conversation is sent again with every turn. Whoever encodes a message keeps the bytes here, so that a
/// turn costs the new messages only.
#[derive(Debug)]
pub struct SealedMessage {
    /// The message, shared with the event that tells of it.
    pub message: Arc<Message>,
    encoded: OnceLock<(&'static str, Box<[u8]>)>,
}

impl SealedMessage {
    /// Seals a message.
    #[must_use]
    pub fn new(message: Message) -> Arc<Self> {
        Arc::new(Self { message: Arc::new(message), encoded: OnceLock::new() })
    }

    /// The message's bytes on `wire`, encoded at most once for the first wire that asks. A second wire in one
    /// conversation, where another provider stands in, encodes anew each time.
    pub fn encoded(&self, wire: &'static str, encode: impl Fn(&Message) -> Vec<u8>) -> Cow<'_, [u8]> {
        let (kept_for, bytes) = self.encoded.get_or_init(|| (wire, encode(&self.message).into_boxed_slice()));
        if *kept_for == wire { Cow::Borrowed(bytes) } else { Cow::Owned(encode(&self.message)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: [(&str, StopReason); 7] = [
        ("end_turn", StopReason::EndTurn),
        ("tool_use", StopReason::ToolUse),
        ("max_tokens", StopReason::MaxTokens),
        ("stop_sequence", StopReason::StopSequence),
        ("pause_turn", StopReason::PauseTurn),
        ("refusal", StopReason::Refusal),
        ("context_window_exceeded", StopReason::ContextWindowExceeded),
    ];

    /// A part of any kind, with text of any script.
    fn part() -> impl Strategy<Value = Part> {
        let text = || "\\PC{0,12}";
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        let input = prop::collection::vec((text(), leaf), 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()));
        prop_oneof![
            text().prop_map(|text| Part::Text { text }),
            (text(), prop::option::of(text()))
                .prop_map(|(text, signature)| Part::Thinking { text, signature }),
            (text(), text(), input).prop_map(|(id, name, input)| Part::ToolUse {
                id: CallId::new(&id),
                name,
                input
            }),
            (text(), text(), any::<bool>()).prop_map(|(id, content, is_error)| Part::ToolResult {
                id: CallId::new(&id),
                content,
                is_error
            }),
            (text(), text()).prop_map(|(provider, raw)| Part::ProviderBlock { provider, raw }),
        ]
    }

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn a_message_survives_its_json(
            role in prop_oneof![Just(Role::User), Just(Role::Assistant)],
            parts in prop::collection::vec(part(), 0..4),
        ) {
            let message = Message { role, parts };
            let json = serde_json::to_string(&message).expect("a message is an object");
            let read: Message = serde_json::from_str(&json).expect("it is a message");
            prop_assert_eq!(serde_json::to_string(&read).expect("a message is an object"), json);
            prop_assert_eq!(read, message);
        }

        #[test]
        fn a_stop_reason_of_any_word_survives_its_json(
            word in prop_oneof![prop::sample::select(&KNOWN[..]).prop_map(|known| known.0.to_owned()), "\\PC{0,12}"],
        ) {
            let read: StopReason = serde_json::from_value(Value::from(word.as_str())).expect("it is a word");
            let known = KNOWN.iter().find(|known| known.0 == word).map(|known| known.1.clone());
            prop_assert_eq!(&read, &known.unwrap_or_else(|| StopReason::Other(word.clone())));
            prop_assert_eq!(serde_json::to_value(&read).expect("a reason is a word"), Value::from(word));
        }
    }

    #[test]
    fn a_sealed_message_is_encoded_once_for_its_wire() {
        let sealed = SealedMessage::new(Message::user("한글"));
        let times = std::cell::Cell::new(0);
        let encode = |message: &Message| {
            times.set(times.get() + 1);
            message.text().into_bytes()
        };
        for _ in 0..3 {
            assert_eq!(sealed.encoded("anthropic", encode), "한글".as_bytes());
        }
        assert_eq!(times.get(), 1);
        assert_eq!(sealed.encoded("openai", encode), "한글".as_bytes());
        assert_eq!(times.get(), 2);
    }

    #[test]
    fn usage_never_overflows() {
        let most =
            Usage { input_tokens: u64::MAX, output_tokens: 1, cache_read_tokens: 2, cache_write_tokens: 3 };
        let mut sum = most;
        sum += most;
        assert_eq!(sum, Usage { output_tokens: 2, cache_read_tokens: 4, cache_write_tokens: 6, ..most });
    }
}
