//! Chat Completions: heads of requests, and answers as one object or as the chunks of a stream.
//!
//! Blocks that only the Messages API knows are left out; what is told of thoughts, and how, is the flavour's business.

use hyper::{HeaderMap, header::AUTHORIZATION};
use serde_json::{Map, Value, json};

use super::{
    Answer, Filled, Piece, Refusal, Step, Told,
    flavour::{Calls, Codes, Failure, Flavour, Reasoning, UsageForm},
    written,
};
use crate::mock_server::turn::{Ending, HttpError, Input};

const MODELS: [&str; 2] = ["gpt-4.1", "gpt-4.1-mini"];

/// A second of 2026: the moment of every answer.
const CREATED: u64 = 1_795_160_445;

/// Checks the key. A server without one still refuses an empty header, as local ones do.
pub(in crate::mock_server) fn check_head(key: Option<&str>, headers: &HeaderMap) -> Result<(), Refusal> {
    let refusal = |message: &str| Refusal::new(401, "invalid_request_error", message);
    let given = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let bearer = given.map(|value| value.strip_prefix("Bearer ").unwrap_or_default().trim());
    match (key, bearer) {
        (_, Some("")) => Err(refusal("The Authorization header holds no key.")),
        (None, _) => Ok(()),
        (Some(_), None) => Err(refusal(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using \
             Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )),
        (Some(key), Some(given)) if key == given => Ok(()),
        (Some(_), Some(given)) => {
            let shown: String = given.chars().take(4).collect();
            Err(refusal(&format!("Incorrect API key provided: {shown}***.")).coded("invalid_api_key"))
        }
    }
}

/// The list of models; of `names` where the server knows these only.
pub(in crate::mock_server) fn models(names: Option<&[String]>) -> Value {
    let names = names.map_or_else(|| MODELS.map(str::to_owned).to_vec(), <[String]>::to_vec);
    let model =
        |name: &String| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "mock"});
    json!({"object": "list", "data": names.iter().map(model).collect::<Vec<_>>()})
}

/// A model that the server does not know.
pub(in crate::mock_server) fn unknown_model(name: &str) -> Refusal {
    let message = format!("The model `{name}` does not exist or you do not have access to it.");
    Refusal::new(404, "invalid_request_error", message).coded("model_not_found")
}

/// The error of a request that is longer than the model's window.
pub(in crate::mock_server) fn too_long() -> HttpError {
    let message =
        "This model's maximum context length is 200000 tokens. However, your messages resulted in 208310 \
                   tokens. Please reduce the length of the messages."
            .to_owned();
    let (kind, code) = ("invalid_request_error".to_owned(), Some("context_length_exceeded".to_owned()));
    HttpError { status: 400, kind, message, code, headers: Vec::new() }
}

/// The body of an error answer.
pub(in crate::mock_server) fn error_body(error: &HttpError, param: Option<&str>, codes: Codes) -> Value {
    json!({"error": {"message": error.message, "type": error.kind, "param": param, "code": code(error.code.as_deref(), error.status, codes)}})
}

fn code(word: Option<&str>, status: u16, codes: Codes) -> Value {
    match codes {
        Codes::Words => json!(word),
        Codes::Numbers => json!(status),
        Codes::NumbersAsText => json!(status.to_string()),
    }
}

/// The answer where no stream was asked for.
pub(in crate::mock_server) fn completion(answer: &Answer<'_>, flavour: Flavour) -> Value {
    let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for block in &answer.blocks {
        match block {
            Filled::Text(piece) => text.push_str(piece),
            Filled::Thinking { text: piece, .. } => thought.push_str(piece),
            Filled::Call { id, name, input } => calls.push(json!({
                "id": id, "type": "function", "function": {"name": name, "arguments": written(input)},
            })),
            Filled::Whole(_) => {}
        }
    }
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    if let (Some(message), false) = (message.as_object_mut(), thought.is_empty()) {
        message.extend(reasoning(&thought, flavour.reasoning));
    }
    let reason = finish_reason(answer, flavour);
    json!({
        "id": answer.id, "object": "chat.completion", "created": CREATED, "model": answer.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
        "usage": usage(answer, answer.usage.output_tokens),
    })
}

/// The answer as a stream; `counted` where the client asked for counts of tokens, `padded` unless it wants no padding.
pub(in crate::mock_server) fn told(
    answer: &Answer<'_>,
    flavour: Flavour,
    counted: bool,
    padded: bool,
) -> Told {
    let flavour = Flavour { padded: flavour.padded && padded, ..flavour };
    let teller = Teller { answer, flavour, counted };
    let steps: Vec<Vec<String>> = answer.steps().iter().map(|step| teller.tell(step)).collect();
    let failure = match &answer.turn.ending {
        Ending::Error { kind, message, .. } => teller.failure(kind, message),
        _ => Vec::new(),
    };
    Told {
        // What has a `finish_reason` may end without `[DONE]`.
        most_of_a_failure: steps.len().saturating_sub(if flavour.finishes_with_content { 3 } else { 2 }),
        steps,
        failure,
        ping: ": ping\n\n",
        unknown: "data: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"news_from_tomorrow\":[{\"index\":0}]}\n\n",
    }
}

struct Teller<'a> {
    answer: &'a Answer<'a>,
    flavour: Flavour,
    /// Whether the client asked for counts.
    counted: bool,
}

impl Teller<'_> {
    fn tell(&self, step: &Step) -> Vec<String> {
        let deltas = match step {
            Step::Begin => vec![json!({"role": "assistant", "content": "", "refusal": null})],
            Step::Open(number) => self.open(*number),
            Step::Piece(number, piece) => self.piece(*number, piece),
            Step::Close(number) => self.close(*number),
            Step::End => return self.end(),
            Step::Over if self.flavour.done => return vec!["data: [DONE]\n\n".to_owned()],
            Step::Over => Vec::new(),
        };
        let is_last =
            |step: &Step| matches!(step, Step::Close(number) if number + 1 == self.answer.blocks.len());
        let mut chunks: Vec<String> = deltas.into_iter().map(|delta| self.chunk(delta, None)).collect();
        if self.flavour.finishes_with_content && is_last(step) {
            let reason = finish_reason(self.answer, self.flavour);
            chunks.push(self.chunk(json!({"content": ""}), Some(reason)));
        }
        chunks
    }

    fn open(&self, number: usize) -> Vec<Value> {
        let Filled::Call { id, name, .. } = &self.answer.blocks[number] else { return Vec::new() };
        let mut call = json!({
            "index": self.index(number), "id": id, "type": "function",
            "function": {"name": name, "arguments": ""},
        });
        match self.flavour.calls {
            Calls::Whole | Calls::WholeAtZero | Calls::WholeObjects => return Vec::new(),
            Calls::PiecesWithoutId => call["id"] = json!(""),
            Calls::Pieces | Calls::PiecesWithType | Calls::PiecesFromOne | Calls::Repeated => {}
        }
        vec![json!({"tool_calls": [call]})]
    }

    fn piece(&self, number: usize, piece: &Piece) -> Vec<Value> {
        let function = match piece {
            Piece::Text(text) => return vec![json!({"content": text})],
            Piece::Thought(text) => {
                let fields = reasoning(text, self.flavour.reasoning);
                return if fields.is_empty() { Vec::new() } else { vec![Value::Object(fields)] };
            }
            Piece::Seal(_) => return Vec::new(),
            Piece::Input(text) if text.is_empty() => return Vec::new(),
            Piece::Input(text) => json!({"arguments": text}),
        };
        let mut call = json!({"index": self.index(number), "function": function});
        match self.flavour.calls {
            Calls::Whole | Calls::WholeAtZero | Calls::WholeObjects => return Vec::new(),
            Calls::PiecesWithType => call["type"] = json!("function"),
            Calls::PiecesWithoutId => call["function"]["name"] = json!(""),
            Calls::Pieces | Calls::PiecesFromOne | Calls::Repeated => {}
        }
        vec![json!({"tool_calls": [call]})]
    }

    fn close(&self, number: usize) -> Vec<Value> {
        let Filled::Call { id, name, input } = &self.answer.blocks[number] else { return Vec::new() };
        let text = written(input);
        let mut call = json!({"index": self.index(number), "id": id, "type": "function",
            "function": {"name": name, "arguments": text}});
        match self.flavour.calls {
            Calls::Whole | Calls::WholeAtZero => {}
            Calls::WholeObjects => {
                if let Input::Json(input) = input {
                    call["function"]["arguments"] = input.clone();
                }
                call["index"] = Value::Null;
            }
            Calls::Repeated if !text.is_empty() => {}
            _ => return Vec::new(),
        }
        vec![json!({"tool_calls": [call]})]
    }

    /// The number of a call among the calls, as the flavour counts.
    fn index(&self, number: usize) -> usize {
        let calls = self.answer.blocks.iter().take(number);
        let place = calls.filter(|block| matches!(block, Filled::Call { .. })).count();
        match self.flavour.calls {
            Calls::WholeAtZero => 0,
            Calls::PiecesFromOne => place + 1,
            _ => place,
        }
    }

    fn end(&self) -> Vec<String> {
        let reason = finish_reason(self.answer, self.flavour);
        let counts = usage(self.answer, self.answer.usage.output_tokens);
        let own = |choices: Value| {
            let mut chunk = self.bare(choices);
            chunk["usage"] = counts.clone();
            line(&chunk)
        };
        let mut chunks = Vec::new();
        let is_told = self.flavour.finishes_with_content && !self.answer.blocks.is_empty();
        if !is_told {
            chunks.push(self.chunk(json!({}), Some(reason)));
        }
        match self.flavour.usage {
            UsageForm::OwnChunk | UsageForm::EveryChunk if self.counted => chunks.push(own(json!([]))),
            UsageForm::OwnChunkWithChoice if self.counted => {
                chunks.push(own(json!([{"index": 0, "delta": {}}])));
            }
            _ => {}
        }
        chunks
    }

    fn chunk(&self, delta: Value, reason: Option<String>) -> String {
        let mut choice = json!({"index": 0, "delta": delta});
        if self.flavour.nulls {
            choice["logprobs"] = Value::Null;
        }
        if reason.is_some() || self.flavour.nulls {
            choice["finish_reason"] = json!(reason);
        }
        let mut chunk = self.bare(json!([choice]));
        let whole = usage(self.answer, self.answer.usage.output_tokens);
        match self.flavour.usage {
            UsageForm::EveryChunk if self.counted => chunk["usage"] = usage(self.answer, 1),
            UsageForm::LastChunk if reason.is_some() => chunk["usage"] = whole,
            UsageForm::OwnChunk if self.counted && self.flavour.nulls => chunk["usage"] = Value::Null,
            _ => {}
        }
        if self.flavour.padded {
            chunk["obfuscation"] = json!("aB3");
        }
        let comment = if self.flavour.comments { ": OPENROUTER PROCESSING\n\n" } else { "" };
        format!("{comment}{}", line(&chunk))
    }

    fn bare(&self, choices: Value) -> Value {
        json!({
            "id": self.answer.id, "object": "chat.completion.chunk", "created": CREATED,
            "model": self.answer.model, "choices": choices,
        })
    }

    fn failure(&self, kind: &str, message: &str) -> Vec<String> {
        let code = code(None, 500, self.flavour.codes);
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        let chunk = json!({ "error": error });
        match self.flavour.failure {
            Failure::Chunk => vec![line(&chunk)],
            Failure::ChunkAndDone => vec![line(&chunk), "data: [DONE]\n\n".to_owned()],
            Failure::ChunkWithChoice => {
                let mut chunk =
                    self.bare(json!([{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]));
                chunk["error"] = error;
                vec![line(&chunk)]
            }
            Failure::Field => vec![format!("error: {error}\n\n")],
            Failure::Object => vec![line(&json!({"object": "error", "message": message}))],
            Failure::Nothing => Vec::new(),
        }
    }
}

fn line(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn reasoning(text: &str, place: Reasoning) -> Map<String, Value> {
    let names: &[&str] = match place {
        Reasoning::ReasoningContent => &["reasoning_content"],
        Reasoning::Reasoning => &["reasoning"],
        Reasoning::Both => &["reasoning", "reasoning_content"],
        Reasoning::Hidden => &[],
    };
    names.iter().map(|name| ((*name).to_owned(), json!(text))).collect()
}

/// The script's words in those of this protocol; others as they are.
fn finish_reason(answer: &Answer<'_>, flavour: Flavour) -> String {
    let reason = match answer.stop_reason.as_str() {
        "tool_use" if flavour.stops_with_calls => "stop",
        "tool_use" => "tool_calls",
        "end_turn" | "stop_sequence" | "pause_turn" => "stop",
        "max_tokens" => "length",
        "refusal" => "content_filter",
        other => other,
    };
    reason.to_owned()
}

/// The counts, of which the prompt's hold what came from the cache and went into it.
fn usage(answer: &Answer<'_>, output_tokens: u64) -> Value {
    let counts = &answer.usage;
    let prompt = counts.input_tokens + counts.cache_read_tokens + counts.cache_write_tokens;
    json!({
        "prompt_tokens": prompt, "completion_tokens": output_tokens, "total_tokens": prompt + output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": counts.cache_read_tokens, "cache_write_tokens": counts.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": 0},
    })
}
