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
    result: String,
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

/// A message of either protocol.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    role: String,
    #[serde(default)]
    content: Value,
    /// Chat Completions: what the model called.
    #[serde(default)]
    tool_calls: Vec<Value>,
    /// Chat Completions: which call a message of the role `tool` answers.
    #[serde(default)]
    tool_call_id: String,
}

/// How a result over Chat Completions says that the call failed: that protocol has no field for it.
const FAILED: &str = "[the call failed] ";

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
            match message.role.as_str() {
                "assistant" => {
                    has_answered = true;
                    conversation.take_answer(&message);
                }
                "tool" => {
                    let text = message.content.as_str().unwrap_or_default();
                    let failed = text.strip_prefix(FAILED);
                    conversation.take_result(&message.tool_call_id, failed.unwrap_or(text), failed.is_some());
                }
                "system" | "developer" => {}
                _ => conversation.take_words(&message.content),
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

    /// Whether the call is an edit, and the model saw its new text in the file when it last read that.
    pub(super) fn has_read_edited(&self, name: &str, input: &Value) -> bool {
        let reads = |made: &&Made| {
            (&*made.name, made.answered) == ("read", Answered::Well) && made.input["path"] == input["path"]
        };
        let read = self.calls.iter().rev().find(reads).map_or("", |made| &made.result);
        // Each line is shown behind its number and a tab.
        let shown = read.lines().map(|line| line.split_once('\t').map_or(line, |(_, text)| text));
        let shown: String = shown.flat_map(|line| [line, "\n"]).collect();
        name == "edit" && input["new_string"].as_str().is_some_and(|new| shown.contains(new))
    }

    fn take_answer(&mut self, message: &Message) {
        self.calls.iter_mut().for_each(|made| made.is_last = false);
        let blocks = message.content.as_array().into_iter().flatten();
        for block in blocks.filter(|block| block["type"] == "tool_use") {
            self.take_call(&block["id"], &block["name"], block["input"].clone());
        }
        for call in &message.tool_calls {
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            let input = serde_json::from_str(arguments).unwrap_or_default();
            self.take_call(&call["id"], &call["function"]["name"], input);
        }
    }

    fn take_call(&mut self, id: &Value, name: &Value, input: Value) {
        self.calls.push(Made {
            id: id.as_str().unwrap_or_default().to_owned(),
            name: name.as_str().unwrap_or_default().to_owned(),
            input,
            answered: Answered::Interrupted,
            result: String::new(),
            is_last: true,
        });
    }

    fn take_words(&mut self, content: &Value) {
        self.words.extend(content.as_str().map(str::to_owned));
        for block in content.as_array().into_iter().flatten() {
            if block["type"] == "tool_result" {
                let content = &block["content"];
                let pieces =
                    content.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
                let text = content.as_str().map_or_else(|| pieces.collect(), str::to_owned);
                let id = block["tool_use_id"].as_str().unwrap_or_default();
                self.take_result(id, &text, block["is_error"] == true);
            } else if let Some(text) = block["text"].as_str() {
                self.words.push(text.to_owned());
            }
        }
    }

    fn take_result(&mut self, id: &str, text: &str, is_error: bool) {
        let answered = match is_error {
            true if text.starts_with("interrupted") => Answered::Interrupted,
            true => Answered::Failed,
            false => Answered::Well,
        };
        // The newest call of that id: the rules refuse two, but not every server judges them.
        if let Some(made) = self.calls.iter_mut().rev().find(|made| made.id == id) {
            made.answered = answered;
            text.clone_into(&mut made.result);
        }
        self.results.push(text.to_owned());
    }
}

impl Made {
    /// Whether it is this call of the script. What a closing call says may differ: it says what the run came to.
    pub(super) fn is_of(&self, name: &str, input: &Value) -> bool {
        self.name == name && (self.input == *input || super::CLOSING.contains(&name))
    }
}
