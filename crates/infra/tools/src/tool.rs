//! What all tools of this crate have in common: from a typed input to a port.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ports::{PreparedCall, ToolContext, ToolPort},
    schema::schema_of,
    tool::{Access, CallTarget, Preview, RejectedInput, ToolOutcome, ToolSpec, ToolStatus},
    workspace::Bases,
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::text::{beginning, missing_bytes};

/// The most characters of a text that says why an input does not fit.
const LONGEST_REJECTION: usize = 4_000;

/// A tool, written down once.
#[async_trait]
pub(crate) trait Tool: Send + Sync + 'static {
    /// What the model writes; refuses unknown fields.
    type Input: DeserializeOwned + JsonSchema;
    /// What is left to do once the input has been read.
    type Call: Send + Sync + 'static;

    /// The name models call.
    const NAME: &'static str;
    /// When and how to use it. Free of the words of any report schema (contract 4).
    const DESCRIPTION: &'static str;
    /// What it can touch.
    const ACCESS: Access;

    /// Checks what the types cannot say.
    fn check(&self, input: Self::Input) -> Result<Self::Call, Unfit>;

    /// What a call is about to do.
    fn target(call: &Self::Call) -> CallTarget;

    /// What it would change, for a person who is asked. A call that was previewed remembers what it saw, and does
    /// nothing where that has changed.
    async fn preview(&self, _call: &mut Self::Call, _bases: &Bases) -> Option<Preview> {
        None
    }

    /// Does it.
    async fn run(&self, call: Self::Call, context: ToolContext) -> ToolOutcome;
}

/// Why an input cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It does not fit the schema. Three in a row end a run (contract 4).
    Malformed(String),
    /// It fits the schema and means nothing, such as a pattern that is none: an ordinary error of the call.
    Meaningless(String),
}

/// A [`Tool`] as the port that the application knows.
pub(crate) struct Adapter<T> {
    tool: Arc<T>,
    spec: ToolSpec,
}

impl<T: Tool> Adapter<T> {
    /// Wraps a tool; its schema is made here, once.
    pub(crate) fn wrap(tool: T) -> Arc<dyn ToolPort> {
        let spec = ToolSpec {
            name: T::NAME.into(),
            description: T::DESCRIPTION.into(),
            input_schema: Arc::new(schema_of::<T::Input>()),
            access: T::ACCESS,
        };
        Arc::new(Self { tool: Arc::new(tool), spec })
    }
}

impl<T: Tool> ToolPort for Adapter<T> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn prepare(&self, input: &Value) -> Result<Box<dyn PreparedCall>, RejectedInput> {
        // The texts may quote what the model wrote, which may be long.
        let bounded = |text: &str| beginning(text, LONGEST_REJECTION).to_owned();
        match self.read(input) {
            Ok(call) => Ok(Box::new(Prepared { tool: Arc::clone(&self.tool), call })),
            Err(Unfit::Meaningless(text)) => Ok(Box::new(Meaningless(bounded(&text)))),
            Err(Unfit::Malformed(text)) => Err(RejectedInput(bounded(&text))),
        }
    }
}

impl<T: Tool> Adapter<T> {
    fn read(&self, input: &Value) -> Result<T::Call, Unfit> {
        if !input.is_object() {
            // Serde would take an array for a struct's fields in order; the schema does not.
            return Err(Unfit::Malformed(format!("the input of `{}` has to be a JSON object", T::NAME)));
        }
        let input = T::Input::deserialize(input).map_err(|error| Unfit::Malformed(error.to_string()))?;
        self.tool.check(input)
    }
}

struct Prepared<T: Tool> {
    tool: Arc<T>,
    call: T::Call,
}

#[async_trait]
impl<T: Tool> PreparedCall for Prepared<T> {
    fn target(&self) -> CallTarget {
        T::target(&self.call)
    }

    async fn preview(&mut self, bases: &Bases) -> Option<Preview> {
        self.tool.preview(&mut self.call, bases).await
    }

    async fn run(self: Box<Self>, context: ToolContext) -> ToolOutcome {
        bounded(self.tool.run(self.call, context).await)
    }
}

/// A call that does nothing but say why.
struct Meaningless(String);

#[async_trait]
impl PreparedCall for Meaningless {
    fn target(&self) -> CallTarget {
        CallTarget::None
    }

    async fn run(self: Box<Self>, _context: ToolContext) -> ToolOutcome {
        ToolOutcome::error(self.0)
    }
}

/// Errors quote paths and texts of the model, which may be long.
fn bounded(outcome: ToolOutcome) -> ToolOutcome {
    let shown = beginning(&outcome.output, ToolOutcome::LONGEST);
    let missing = missing_bytes(&outcome.output, shown);
    if missing == 0 {
        return outcome;
    }
    let omitted_bytes = outcome.omitted_bytes.saturating_add(missing);
    ToolOutcome { output: shown.to_owned(), omitted_bytes, ..outcome }
}

/// The outcome of a call that was cancelled and changed nothing.
pub(crate) fn cancelled() -> ToolOutcome {
    ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled; nothing was changed") }
}

/// An error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
