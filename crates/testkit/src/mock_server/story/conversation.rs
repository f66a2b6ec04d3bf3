//! A conversation as a story reads it: what was said, which calls were made, and what came of them.

use serde::Deserialize;
use serde_json::Value;

/// The messages of a request.
#[derive(Debug, Default)]
pub(in crate::mock_server) struct Conversation {
    /// What was said to the model, oldest first; results of calls are not among it.
    pub(super) words: Vec<String>,
    /// What its calls came to, oldest first.
    pub(super) results: Vec<String>,
    /// Its calls, oldest first.
    pub(super) calls: Vec<Made>,
    /// How many of `words` came before the model first answered.
    opening: usize,
}

/// A call that the model made.
#[derive(Debug)]
pub(super) struct Made {
    id: String,
    pub(super) name: String,
    pub(super) input: Value,
    pub(super) answered: Answered,
    /// Whether it belongs to the model's last message.
    pub(super) is_last: bool,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Well,
    Failed,
    /// What it did is not known.
    Interrupted,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    role: String,
    #[serde(default)]
    content: Value,
}

impl Conversation {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// Where it is no JSON, or its messages are none.
    pub(in crate::mock_server) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let body: Body = serde_json::from_slice(body)?;
        let mut conversation = Self::default();
        let mut has_answered = false;
        for message in body.messages {
            if message.role == "assistant" {
                has_answered = true;
                conversation.take_answer(&message.content);
            } else {
                conversation.take_words(&message.content);
            }
            if !has_answered {
                conversation.opening = conversation.words.len();
            }
        }
        Ok(conversation)
    }

    /// Whether these words were said before the model first answered.
    pub(super) fn begins_with(&self, words: &str) -> bool {
        self.words.iter().take(self.opening).any(|said| said.contains(words))
    }

    fn take_answer(&mut self, content: &Value) {
        self.calls.iter_mut().for_each(|made| made.is_last = false);
        for block in content.as_array().into_iter().flatten().filter(|block| block["type"] == "tool_use") {
            self.calls.push(Made {
                id: block["id"].as_str().unwrap_or_default().to_owned(),
                name: block["name"].as_str().unwrap_or_default().to_owned(),
                input: block["input"].clone(),
                answered: Answered::Interrupted,
                is_last: true,
            });
        }
    }

    fn take_words(&mut self, content: &Value) {
        self.words.extend(content.as_str().map(str::to_owned));
        for block in content.as_array().into_iter().flatten() {
            if block["type"] == "tool_result" {
                self.take_result(block);
            } else if let Some(text) = block["text"].as_str() {
                self.words.push(text.to_owned());
            }
        }
    }

    fn take_result(&mut self, block: &Value) {
        let content = &block["content"];
        let pieces = content.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
        let text = content.as_str().map_or_else(|| pieces.collect(), str::to_owned);
        let answered = match block["is_error"] == true {
            true if text.to_lowercase().contains("interrupted") => Answered::Interrupted,
            true => Answered::Failed,
            false => Answered::Well,
        };
        // The newest call of that id: the rules refuse two, but not every server judges them.
        if let Some(made) = self.calls.iter_mut().rev().find(|made| block["tool_use_id"] == *made.id) {
            made.answered = answered;
        }
        self.results.push(text);
    }
}

impl Made {
    /// Whether it is this call of the script. What a closing call says may differ: it says what the run came to.
    pub(super) fn is_of(&self, name: &str, input: &Value) -> bool {
        self.name == name && (self.input == *input || super::CLOSING.contains(&name))
    }
}
