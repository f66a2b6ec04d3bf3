//! The script's JSON (contract 9). Unknown fields are refused, with the place where they stand.

use std::{collections::BTreeMap, num::NonZeroUsize};

use domain::{agent::AgentName, message::Usage};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::expectation::Expectation;

/// A text that is no script.
#[derive(Debug, thiserror::Error)]
#[error("script {name}: cannot read `{path}`")]
pub struct InvalidScript {
    /// The file, or what stands for it.
    pub name: String,
    /// The JSON path; `.` is the whole.
    pub path: String,
    /// Why, with line and column.
    #[source]
    pub source: serde_json::Error,
}

/// What the models of a session say.
#[derive(Debug)]
pub struct Script {
    pub(super) name: String,
    pub(super) agents: BTreeMap<AgentName, Vec<Step>>,
    pub(super) on_exhausted: OnExhausted,
}

impl Script {
    /// Reads a script; `name` says in messages where it comes from: a path, or the name of a bundled one.
    ///
    /// # Errors
    /// [`InvalidScript`] at the first place that is not as contract 9 says.
    pub fn parse(name: &str, text: &str) -> Result<Self, InvalidScript> {
        let invalid = |path: String, source| InvalidScript { name: name.to_owned(), path, source };
        let mut json = serde_json::Deserializer::from_str(text);
        let file: ScriptFile = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid(error.path().to_string(), error.into_inner()))?;
        json.end().map_err(|error| invalid(".".into(), error))?;
        Ok(Self { name: name.to_owned(), agents: file.agents, on_exhausted: file.on_exhausted })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptFile {
    #[serde(rename = "v", deserialize_with = "version_one")]
    _version: (),
    agents: BTreeMap<AgentName, Vec<Step>>,
    #[serde(default)]
    on_exhausted: OnExhausted,
}

fn version_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match u64::deserialize(deserializer)? {
        1 => Ok(()),
        other => Err(de::Error::custom(format!("version {other} of scripts is not known, only 1"))),
    }
}

/// What happens at a request past an agent's last step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnExhausted {
    /// The request fails.
    #[default]
    Error,
    /// The last step is played again.
    RepeatLast,
}

/// One answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) thinking: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Vec<ToolCall>,
    #[serde(default)]
    pub(super) usage: Option<StepUsage>,
    /// Before anything of the step happens.
    #[serde(default)]
    pub(super) delay_ms: Option<u64>,
    /// Graphemes per delta; without it a text is one delta.
    #[serde(default)]
    pub(super) chunk_chars: Option<NonZeroUsize>,
    #[serde(default)]
    pub(super) expect: Option<Expectation>,
    #[serde(default)]
    pub(super) fault: Option<Fault>,
}

/// One tool call of an answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolCall {
    pub(super) name: String,
    /// Anything but an object is told as an input that could not be read, as of a real model.
    pub(super) input: Value,
}

/// Tokens, as in events.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepUsage {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    cache_read_tokens: u64,
    #[serde(default)]
    cache_write_tokens: u64,
}

impl From<StepUsage> for Usage {
    fn from(step: StepUsage) -> Self {
        let StepUsage { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = step;
        Self { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens }
    }
}

/// How a request fails. All but `http` play the step's text first.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Fault {
    /// The endpoint answers with a status.
    Http {
        status: u16,
        #[serde(default)]
        message: Option<String>,
        /// Seconds.
        #[serde(default, deserialize_with = "seconds")]
        retry_after: Option<f64>,
    },
    /// Nothing more comes, until the idle time is over.
    Stall {},
    /// The stream ends.
    Cut {},
    /// What comes is not the protocol.
    Malformed {},
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    /// Longer waits are no waits.
    const A_YEAR: f64 = 365.0 * 86_400.0;
    let seconds = Option::<f64>::deserialize(deserializer)?;
    match seconds {
        Some(seconds) if !(0.0..=A_YEAR).contains(&seconds) => {
            Err(de::Error::custom(format!("{seconds} is no number of seconds to wait")))
        }
        _ => Ok(seconds),
    }
}
