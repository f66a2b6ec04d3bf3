//! The wire, read and written without a network. What servers do differently stands in `quirks`.

use domain::{
    id::CallId,
    message::{Message, Part, Role, StopReason, Usage},
    model::{ModelAnswer, ModelItem},
};
use serde_json::{Value, json};

use super::{answer::AnswerError, *};
use crate::{
    over_http::Fold,
    sse::{SseLimits, SseParser},
    test_support::{assistant, request, result, text, user},
};

mod quirks;
mod requests;

/// Reads a body that arrives in pieces of `size` bytes; what is shown, and the answer or why there is none.
pub(super) fn read_in_pieces(body: &[u8], size: usize) -> (Vec<String>, Result<ModelAnswer, AnswerError>) {
    let mut parser = SseParser::new(SseLimits::CONTRACT);
    let mut fold = Assembler::answering_as("asked".to_owned());
    let (mut shown, mut answer) = (Vec::new(), None);
    for piece in body.chunks(size) {
        let fed: Result<(), AnswerError> = parser.feed(piece, |event| {
            if answer.is_none() {
                match fold.take(event)? {
                    Some(ModelItem::Answer(whole)) => answer = Some(whole),
                    Some(item) => shown.push(format!("{item:?}")),
                    None => {}
                }
            }
            Ok(())
        });
        if let Err(error) = fed {
            return (shown, Err(error));
        }
    }
    let answer = answer.or_else(|| fold.at_the_end());
    (shown, answer.ok_or(AnswerError::Empty))
}

/// A body of these chunks, without an end.
pub(super) fn body(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

pub(super) fn read(body: &str) -> Result<ModelAnswer, AnswerError> {
    read_in_pieces(body.as_bytes(), usize::MAX).1
}

pub(super) fn delta(delta: Value) -> Value {
    json!({"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

pub(super) fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

pub(super) fn call(id: &str, name: &str, input: Value) -> Part {
    Part::ToolUse { id: CallId::new(id), name: name.to_owned(), input }
}

/// `protocols/openai-chat.md`, section 2.
const TWO_CALLS: &str = include_str!("../../fixtures/openai_two_calls.sse");

#[test]
fn an_answer_with_two_calls_is_put_together_whatever_the_split() {
    let (shown, answer) = read_in_pieces(TWO_CALLS.as_bytes(), usize::MAX);
    let expected = ModelAnswer {
        message: Message {
            role: Role::Assistant,
            parts: vec![
                text("Check 날씨 ☀️"),
                call("call_a", "get_weather", json!({"city": "Paris"})),
                call("call_b", "get_weather", json!({"city": "Rome", "days": 3})),
            ],
        },
        stop_reason: StopReason::ToolUse,
        usage: Usage { input_tokens: 13, output_tokens: 19, cache_read_tokens: 32, cache_write_tokens: 0 },
        model: "m".to_owned(),
        invalid_inputs: Vec::new(),
    };
    assert_eq!(answer.unwrap(), expected);
    for size in 1..200 {
        let (pieces, answer) = read_in_pieces(TWO_CALLS.as_bytes(), size);
        assert_eq!((pieces, answer.unwrap()), (shown.clone(), expected.clone()), "{size}");
    }
}
