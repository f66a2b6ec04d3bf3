//! The tool calls of an answer while they grow. Servers number them as they like; see the parser rules of
//! `protocols/openai-chat.md`, section 4.

use domain::{id::CallId, message::Part, model::InvalidInput};
use serde_json::{Map, Value};

use super::{answer::AnswerError, wire::CallPiece};
use crate::over_http::{LARGEST_TOOL_INPUT, MOST_BLOCKS, read_input};

/// Calls in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    /// The slot's number on the wire; none where the server gives none.
    index: Option<u32>,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there are calls, and each has an input that can be read.
    pub(super) fn are_whole(&self) -> bool {
        let is_whole = |call: &Call| serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok();
        !self.is_empty() && self.0.iter().all(is_whole)
    }

    /// Adds a piece. Whether it carried anything.
    pub(super) fn take(&mut self, piece: &CallPiece<'_>) -> Result<bool, AnswerError> {
        let id = piece.id.as_ref().map_or("", |id| &*id.0);
        let function = piece.function.as_ref();
        let name = function.and_then(|function| function.name.as_ref()).map_or("", |name| &*name.0);
        let arguments = function.and_then(|function| function.arguments).map(text_of).unwrap_or_default();
        let call = self.slot(piece.index, id)?;
        let is_new = call.name.is_empty() && !name.is_empty();
        if call.id.is_empty() {
            call.id.push_str(id);
        }
        if is_new {
            call.name.push_str(name);
        }
        call.grow(&arguments)?;
        Ok(is_new || !arguments.is_empty())
    }

    /// The call that a piece belongs to: that of its number, unless another id says that it is a new one; without a
    /// number the last one, or a new one where an id comes.
    fn slot(&mut self, index: Option<u32>, id: &str) -> Result<&mut Call, AnswerError> {
        let is_same = |call: &Call| id.is_empty() || call.id.is_empty() || call.id == id;
        let known = match index {
            Some(_) => self.0.iter().rposition(|call| call.index == index && is_same(call)),
            None => self.0.len().checked_sub(1).filter(|last| self.0.get(*last).is_some_and(is_same)),
        };
        let at = match known {
            Some(at) => at,
            None if self.0.len() >= MOST_BLOCKS => {
                return Err(AnswerError::TooMuch { what: "tool calls", limit: MOST_BLOCKS });
            }
            None => {
                let (id, name, arguments) = (String::new(), String::new(), String::new());
                self.0.push(Call { index, id, name, arguments });
                self.0.len() - 1
            }
        };
        self.0.get_mut(at).ok_or(AnswerError::TooMuch { what: "tool calls", limit: MOST_BLOCKS })
    }

    /// The finished parts; `cut` where the answer ended for want of room, in the middle of the last of them.
    pub(super) fn finish(self, cut: bool) -> (Vec<Part>, Vec<InvalidInput>) {
        let newest = self.0.len().checked_sub(1);
        let (mut parts, mut invalid_inputs) = (Vec::with_capacity(self.0.len()), Vec::new());
        for (at, Call { id, name, arguments, .. }) in self.0.into_iter().enumerate() {
            let id = if id.is_empty() { CallId::new(&format!("call_{}", at + 1)) } else { CallId::new(&id) };
            let input = match read_input(&id, &arguments, cut && Some(at) == newest) {
                Ok(input) => input,
                Err(invalid) => {
                    invalid_inputs.push(invalid);
                    Map::new()
                }
            };
            parts.push(Part::ToolUse { id, name, input: Value::Object(input) });
        }
        (parts, invalid_inputs)
    }
}

impl Call {
    fn grow(&mut self, piece: &str) -> Result<(), AnswerError> {
        let bytes = self.arguments.len().saturating_add(piece.len());
        if bytes > LARGEST_TOOL_INPUT {
            return Err(AnswerError::TooMuch { what: "bytes of tool input", limit: LARGEST_TOOL_INPUT });
        }
        // Some servers repeat the whole input at the end.
        let is_repeated = !piece.is_empty()
            && self.arguments == piece
            && serde_json::from_str::<Map<String, Value>>(piece).is_ok();
        if !is_repeated {
            self.arguments.push_str(piece);
        }
        Ok(())
    }
}

/// The text of `arguments`: a JSON text as a rule, and where a server gives an object, the object's own JSON.
fn text_of(raw: &serde_json::value::RawValue) -> String {
    match serde_json::from_str::<Option<String>>(raw.get()) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) => raw.get().to_owned(),
    }
}
