//! The back end `script:FILE`: plays a script of model answers (contract 9).
//!
//! Only the models' words come from the script; everything else that happens is real. Steps are counted per agent and
//! per [`ScriptModel`], so one object serves one session; where that goes on in another process, the new one is told what
//! was asked before ([`ScriptModel::after`]). Each attempt is a request: after a fault that is tried again the next step
//! answers. Recording scripts is not done here.

mod expectation;
mod format;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    agent::AgentName,
    id::CallId,
    message::{Message, Part, Role, StopReason, Usage},
    model::{InvalidInput, ModelAnswer, ModelError, ModelErrorKind, ModelItem, ModelRequest, ModelStream},
    ports::ModelPort,
};
use futures_util::stream;
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use self::format::{Fault, OnExhausted, Step};
pub use self::format::{InvalidScript, Script};
use crate::http_failure::kind_of_status;

/// What a stalled answer waits before it fails, as a real one would (contract 10).
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// An estimate for steps that give no usage: bytes of text per token.
const BYTES_PER_TOKEN: usize = 4;

/// Plays a script in one session.
#[derive(Debug)]
pub struct ScriptModel {
    script: Arc<Script>,
    provider: String,
    idle_timeout: Duration,
    /// Requests so far, by agent.
    requests: Mutex<HashMap<AgentName, usize>>,
}

/// A request's place in the script.
struct Turn<'a> {
    place: Place<'a>,
    step: &'a Step,
}

/// Where in which script, for messages and for ids of calls.
#[derive(Clone, Copy)]
struct Place<'a> {
    script: &'a str,
    agent: &'a AgentName,
    /// The agent's n-th request, from 1.
    request: usize,
    /// The step that answers it, from 0.
    step: usize,
}

impl Place<'_> {
    fn error(&self, kind: ModelErrorKind, problem: &str) -> ModelError {
        let Self { script, agent, step, .. } = self;
        ModelError::new(kind, format!("script {script}, agents.{agent}[{step}]: {problem}"))
    }
}

impl ScriptModel {
    /// A player at the beginning of a script.
    #[must_use]
    pub fn new(script: Arc<Script>) -> Self {
        let provider = format!("script:{}", script.name);
        Self { script, provider, idle_timeout: IDLE_TIMEOUT, requests: Mutex::default() }
    }

    /// Goes on after these requests of each agent, which the session has made before.
    #[must_use]
    pub fn after(self, requests: impl IntoIterator<Item = (AgentName, u64)>) -> Self {
        let requests = requests.into_iter();
        let requests = requests.map(|(agent, count)| (agent, usize::try_from(count).unwrap_or(usize::MAX)));
        Self { requests: Mutex::new(requests.collect()), ..self }
    }

    /// Gives up an answer that stalls after this time instead of the contract's.
    #[must_use]
    pub const fn with_idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// The step that answers the next request of an agent.
    fn next_turn<'a>(&'a self, agent: &'a AgentName) -> Result<Turn<'a>, ModelError> {
        let request = {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            let count = requests.entry(agent.clone()).or_default();
            *count = count.saturating_add(1);
            *count
        };
        let script = &*self.script;
        let steps = script.agents.get(agent).map_or([].as_slice(), Vec::as_slice);
        let at = match script.on_exhausted {
            OnExhausted::Error => request - 1,
            OnExhausted::RepeatLast => (request - 1).min(steps.len().saturating_sub(1)),
        };
        let place = Place { script: &script.name, agent, request, step: at };
        steps.get(at).map(|step| Turn { place, step }).ok_or_else(|| {
            let what = format!(
                "script {}: agent `{agent}` makes request {request}, but agents.{agent} has {} steps; add a step, or \
                 set on_exhausted to repeat_last",
                script.name,
                steps.len(),
            );
            ModelError::new(ModelErrorKind::Script, what)
        })
    }
}

#[async_trait]
impl ModelPort for ScriptModel {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        wanted.unwrap_or("script").to_owned()
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let Turn { place, step } = self.next_turn(&request.agent)?;
        if let Some(expect) = &step.expect {
            expect.check(&request, place)?;
        }
        if let Some(delay) = step.delay_ms {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        let (answer, deltas) = answer(&request, self.resolve(request.model.as_deref()), place, step);
        // What a failed answer took is known where the script says so.
        let usage = step.usage.map_or_else(Usage::default, Usage::from);
        let error = |kind, problem: &str| place.error(kind, problem).having_used(usage);
        let end = match &step.fault {
            None => End::Answer(answer),
            Some(Fault::Http { status, message, retry_after }) => {
                let kind = kind_of_status(*status, retry_after.map(Duration::from_secs_f64));
                let message = message.as_deref().unwrap_or("no explanation");
                return Err(error(kind, &format!("HTTP {status}, {message}")));
            }
            Some(Fault::Stall {}) => End::Stall(
                self.idle_timeout,
                error(ModelErrorKind::Silent, "the answer stalled: no byte came for too long"),
            ),
            Some(Fault::Cut {}) => {
                End::Failure(error(ModelErrorKind::Cut, "the stream ended before the answer did"))
            }
            Some(Fault::Malformed {}) => {
                End::Failure(error(ModelErrorKind::Malformed, "the stream is not as the protocol says"))
            }
        };
        Ok(play(deltas, end))
    }
}

/// What comes after the deltas.
enum End {
    Answer(ModelAnswer),
    Failure(ModelError),
    Stall(Duration, ModelError),
}

fn play(deltas: Vec<ModelItem>, end: End) -> ModelStream {
    let mut deltas = deltas.into_iter();
    Box::pin(stream::unfold(Some(end), move |end| {
        let delta = deltas.next();
        async move {
            let end = end?;
            if let Some(delta) = delta {
                return Some((Ok(delta), Some(end)));
            }
            Some(match end {
                End::Answer(answer) => (Ok(ModelItem::Answer(answer)), None),
                End::Failure(error) => (Err(error), None),
                End::Stall(idle_timeout, error) => {
                    tokio::time::sleep(idle_timeout).await;
                    (Err(error), None)
                }
            })
        }
    }))
}

/// The answer of a step and what of it is shown beforehand.
fn answer(
    request: &ModelRequest,
    model: String,
    place: Place<'_>,
    step: &Step,
) -> (ModelAnswer, Vec<ModelItem>) {
    let mut parts = Vec::new();
    let mut deltas = Vec::new();
    let mut invalid_inputs = Vec::new();
    if let Some(thinking) = &step.thinking {
        let index = part_index(&parts);
        deltas.extend(pieces(thinking, step).map(|text| ModelItem::ThinkingDelta { index, text }));
        parts.push(Part::Thinking { text: thinking.clone(), signature: None });
    }
    if let Some(text) = &step.text {
        let index = part_index(&parts);
        deltas.extend(pieces(text, step).map(|text| ModelItem::TextDelta { index, text }));
        parts.push(Part::Text { text: text.clone() });
    }
    for (at, call) in step.tool_calls.iter().enumerate() {
        let id = CallId::new(&format!("call_{}_{}_{}", place.agent, place.request, at + 1));
        let input = match &call.input {
            object @ Value::Object(_) => object.clone(),
            other => {
                let (call, raw) = (id.clone(), other.to_string());
                let error = "the input is JSON but not an object".to_owned();
                invalid_inputs.push(InvalidInput { call, raw, error });
                Value::Object(Map::new())
            }
        };
        parts.push(Part::ToolUse { id, name: call.name.clone(), input });
    }
    let stop_reason = if step.tool_calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
    let usage = step.usage.map_or_else(|| estimated_usage(request, &parts), Into::into);
    let message = Message { role: Role::Assistant, parts };
    (ModelAnswer { message, stop_reason, usage, model, invalid_inputs }, deltas)
}

fn part_index(parts: &[Part]) -> u32 {
    u32::try_from(parts.len()).unwrap_or(u32::MAX)
}

/// A text in the pieces that the step asks for; whole graphemes each.
fn pieces<'a>(text: &'a str, step: &Step) -> impl Iterator<Item = String> + use<'a> {
    let size = step.chunk_chars.map_or(usize::MAX, std::num::NonZeroUsize::get);
    let mut graphemes = text.graphemes(true);
    std::iter::from_fn(move || Some(graphemes.by_ref().take(size).collect::<String>()))
        .take_while(|piece| !piece.is_empty())
}

/// What a model might have counted: of prompt, texts and results, without the inputs of calls.
fn estimated_usage(request: &ModelRequest, answer: &[Part]) -> Usage {
    let tokens = |bytes: usize| bytes.div_ceil(BYTES_PER_TOKEN) as u64;
    let conversation: usize =
        request.messages.iter().map(|message| spoken_bytes(&message.message.parts)).sum();
    Usage {
        input_tokens: tokens(request.system.len() + conversation),
        output_tokens: tokens(spoken_bytes(answer)),
        ..Usage::default()
    }
}

fn spoken_bytes(parts: &[Part]) -> usize {
    let bytes = |part: &Part| match part {
        Part::Text { text } | Part::Thinking { text, .. } => text.len(),
        Part::ToolResult { content, .. } => content.len(),
        Part::ToolUse { name, .. } => name.len(),
        Part::ProviderBlock { raw, .. } => raw.len(),
    };
    parts.iter().map(bytes).sum()
}
