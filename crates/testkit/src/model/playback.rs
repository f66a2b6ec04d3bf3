//! From an answer to the items of a stream.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{
    id::CallId,
    message::{Message, Part, Role, StopReason},
    model::{InvalidInput, ModelAnswer, ModelError, ModelErrorKind, ModelItem, ModelStream},
};
use futures_util::stream;
use serde_json::{Map, Value};

use super::{
    answer::{Answer, Ending, Piece},
    examine::Memory,
};
use crate::wait::Inside;

/// Numbers for calls and signatures.
#[derive(Debug, Default)]
pub(super) struct Ids(AtomicU64);

impl Ids {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// One step of a stream.
pub(super) enum Step {
    Item(ModelItem),
    Wait(Duration),
    Stall,
    Fail(ModelErrorKind),
}

/// The steps of an answer, its call ids and signatures filled in.
pub(super) fn steps(answer: &Answer, ids: &Ids, model: String) -> VecDeque<Step> {
    let mut steps: VecDeque<Step> = answer.before.into_iter().map(Step::Wait).collect();
    let (mut parts, mut invalid_inputs) = (Vec::new(), Vec::new());
    for (piece, index) in answer.pieces.iter().zip(0u32..) {
        let part = part(piece, ids, &mut invalid_inputs);
        let items: Vec<ModelItem> = match &part {
            Part::Text { text } => {
                let delta = |text| ModelItem::TextDelta { index, text };
                chunks(text, answer.chunk_chars).into_iter().map(delta).collect()
            }
            Part::Thinking { text, .. } => {
                let delta = |text| ModelItem::ThinkingDelta { index, text };
                chunks(text, answer.chunk_chars).into_iter().map(delta).collect()
            }
            Part::ToolUse { .. } | Part::ToolResult { .. } | Part::ProviderBlock { .. } => Vec::new(),
        };
        for item in items {
            steps.push_back(Step::Item(item));
            steps.extend(answer.between.map(Step::Wait));
        }
        parts.push(part);
    }
    let calls = parts.iter().any(|part| matches!(part, Part::ToolUse { .. }));
    let derived = if calls { StopReason::ToolUse } else { StopReason::EndTurn };
    steps.push_back(match &answer.ending {
        Ending::Whole => Step::Item(ModelItem::Answer(ModelAnswer {
            message: Message { role: Role::Assistant, parts },
            stop_reason: answer.stop_reason.clone().unwrap_or(derived),
            usage: answer.usage,
            model: answer.model.clone().unwrap_or(model),
            invalid_inputs,
        })),
        Ending::Failed(kind) | Ending::Refused(kind) => Step::Fail(kind.clone()),
        Ending::Stalled => Step::Stall,
    });
    steps
}

fn part(piece: &Piece, ids: &Ids, invalid_inputs: &mut Vec<InvalidInput>) -> Part {
    let new_call = || CallId::new(&format!("call_{}", ids.next()));
    match piece {
        Piece::Text(text) => Part::Text { text: text.clone() },
        Piece::Thinking { text, signature } => {
            let signature = signature.clone().unwrap_or_else(|| format!("signature_{}", ids.next()));
            Part::Thinking { text: text.clone(), signature: Some(signature) }
        }
        Piece::Call { id, name, input } => {
            let id = id.clone().unwrap_or_else(new_call);
            Part::ToolUse { id, name: name.clone(), input: input.clone() }
        }
        Piece::BrokenCall { name, raw } => {
            let id = new_call();
            let error = match serde_json::from_str::<Value>(raw) {
                Ok(_) => "it is no object".to_owned(),
                Err(error) => error.to_string(),
            };
            invalid_inputs.push(InvalidInput { call: id.clone(), raw: raw.clone(), error });
            Part::ToolUse { id, name: name.clone(), input: Value::Object(Map::new()) }
        }
        Piece::Block { provider, raw } => {
            Part::ProviderBlock { provider: provider.clone(), raw: raw.clone() }
        }
    }
}

fn chunks(text: &str, characters: Option<usize>) -> Vec<String> {
    let Some(size) = characters else {
        return if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    };
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|chunk| chunk.iter().collect()).collect()
}

/// Lets only the first `items` items through, and ends with `end`.
pub(super) fn cut(steps: &mut VecDeque<Step>, items: usize, end: Step) {
    let mut left = items;
    let kept = steps.iter().take_while(|step| match step {
        Step::Item(_) if left == 0 => false,
        Step::Item(_) => {
            left -= 1;
            true
        }
        Step::Wait(_) => true,
        Step::Stall | Step::Fail(_) => false,
    });
    let kept = kept.count();
    steps.truncate(kept);
    steps.push_back(end);
}

/// Plays the steps; `open` falls when the stream ends or is dropped.
pub(super) fn play(steps: VecDeque<Step>, open: Inside, memory: Arc<Mutex<Memory>>) -> ModelStream {
    Box::pin(stream::unfold(Some((steps, open, memory)), |playing| async move {
        let (mut steps, open, memory) = playing?;
        loop {
            match steps.pop_front()? {
                Step::Wait(delay) => tokio::time::sleep(delay).await,
                Step::Stall => std::future::pending().await,
                Step::Fail(kind) => return Some((Err(ModelError::new(kind, "a fault on request")), None)),
                Step::Item(ModelItem::Answer(answer)) => {
                    let paused = answer.stop_reason == StopReason::PauseTurn;
                    memory.lock().unwrap().keep(&answer.message, paused);
                    return Some((Ok(ModelItem::Answer(answer)), None));
                }
                Step::Item(item) => return Some((Ok(item), Some((steps, open, memory)))),
            }
        }
    }))
}
