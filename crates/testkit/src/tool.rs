//! A tool whose every move a test decides.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    agent::AgentName,
    id::{CallId, RunId},
    ports::{Cancelled, PreparedCall, ToolContext, ToolPort},
    tool::{Access, CallTarget, Preview, RejectedInput, ToolOutcome, ToolSpec, ToolStatus},
    workspace::Bases,
};
use serde_json::{Value, json};

use crate::wait::{Gate, Level};

/// A tool whose every move a test decides. Without further words it takes any object and answers `done`.
///
/// Clones share their history, so a test keeps one and hands over another.
#[derive(Clone)]
pub struct FakeTool {
    spec: ToolSpec,
    conduct: Conduct,
    history: Arc<History>,
}

/// A call that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeCall {
    /// The input, as it was prepared.
    pub input: Value,
    /// Who called.
    pub agent: AgentName,
    /// Its run.
    pub run: RunId,
    /// The call.
    pub call: CallId,
    /// The states it could compare with.
    pub bases: Bases,
    /// The globs it could write.
    pub writes: Option<Arc<[String]>>,
}

#[derive(Clone)]
struct Conduct {
    rejects: Option<String>,
    preview: Option<Preview>,
    target: Arc<dyn Fn(&Value) -> CallTarget + Send + Sync>,
    output: Vec<String>,
    wait: Wait,
    answer: Arc<dyn Fn(&Value) -> ToolOutcome + Send + Sync>,
}

#[derive(Clone)]
enum Wait {
    Nothing,
    Delay(Duration),
    Gate(Gate),
    Cancelled,
    /// Waits for ever and hears no cancellation.
    Deaf,
}

#[derive(Default)]
struct History {
    calls: Mutex<Vec<FakeCall>>,
    abandoned: Mutex<Vec<CallId>>,
    running: Level,
    most_running: Mutex<usize>,
}

impl FakeTool {
    /// A tool of this name that touches what `access` says.
    #[must_use]
    pub fn new(name: &str, access: Access) -> Self {
        let spec = ToolSpec {
            name: name.into(),
            description: format!("The fake tool `{name}`.").into(),
            input_schema: Arc::new(json!({"type": "object"})),
            access,
        };
        let conduct = Conduct {
            rejects: None,
            preview: None,
            target: Arc::new(|_| CallTarget::None),
            output: Vec::new(),
            wait: Wait::Nothing,
            answer: Arc::new(|_| ToolOutcome::ok("done")),
        };
        Self { spec, conduct, history: Arc::default() }
    }

    /// Shows this schema to models. It is not checked: see [`FakeTool::rejecting`].
    #[must_use]
    pub fn with_schema(mut self, schema: Value) -> Self {
        self.spec.input_schema = Arc::new(schema);
        self
    }

    /// Rejects every input with `reason`.
    #[must_use]
    pub fn rejecting(mut self, reason: &str) -> Self {
        self.conduct.rejects = Some(reason.to_owned());
        self
    }

    /// Shows this to a person who is asked.
    #[must_use]
    pub fn showing(mut self, preview: Preview) -> Self {
        self.conduct.preview = Some(preview);
        self
    }

    /// Says what a call is about to do.
    #[must_use]
    pub fn targeting(mut self, target: impl Fn(&Value) -> CallTarget + Send + Sync + 'static) -> Self {
        self.conduct.target = Arc::new(target);
        self
    }

    /// Streams these chunks as soon as it runs.
    #[must_use]
    pub fn saying(mut self, chunks: &[&str]) -> Self {
        self.conduct.output = chunks.iter().map(|chunk| (*chunk).to_owned()).collect();
        self
    }

    /// Ends every call with `outcome`.
    #[must_use]
    pub fn returning(self, outcome: ToolOutcome) -> Self {
        self.answering(move |_| outcome.clone())
    }

    /// Ends the n-th call with the n-th outcome; the last one stays.
    ///
    /// # Panics
    /// Where there is no outcome.
    #[must_use]
    pub fn returning_each(self, outcomes: impl IntoIterator<Item = ToolOutcome>) -> Self {
        let mut outcomes: VecDeque<ToolOutcome> = outcomes.into_iter().collect();
        let mut last = outcomes.pop_front().expect("at least one outcome");
        outcomes.push_front(last.clone());
        let next = Mutex::new(move || {
            last = outcomes.pop_front().unwrap_or_else(|| last.clone());
            last.clone()
        });
        self.answering(move |_| (next.lock().unwrap())())
    }

    /// Computes the outcome from the input, after the wait; it may do things, such as change a
    /// [`crate::FakeWorkspace`].
    #[must_use]
    pub fn answering(mut self, answer: impl Fn(&Value) -> ToolOutcome + Send + Sync + 'static) -> Self {
        self.conduct.answer = Arc::new(answer);
        self
    }

    /// Takes this long, by tokio's time. A cancellation ends it early.
    #[must_use]
    pub fn taking(mut self, delay: Duration) -> Self {
        self.conduct.wait = Wait::Delay(delay);
        self
    }

    /// Waits at the gate. A cancellation ends the wait.
    #[must_use]
    pub fn waiting_at(mut self, gate: &Gate) -> Self {
        self.conduct.wait = Wait::Gate(gate.clone());
        self
    }

    /// Ends only when it is cancelled.
    #[must_use]
    pub fn blocking_until_cancelled(mut self) -> Self {
        self.conduct.wait = Wait::Cancelled;
        self
    }

    /// Never ends and hears no cancellation: only dropping its future ends it.
    #[must_use]
    pub fn never_ending(mut self) -> Self {
        self.conduct.wait = Wait::Deaf;
        self
    }

    /// The calls that ran, in the order they started.
    #[must_use]
    pub fn calls(&self) -> Vec<FakeCall> {
        self.history.calls.lock().unwrap().clone()
    }

    /// How many calls run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.history.running.get()
    }

    /// The most calls that ever ran at one time.
    #[must_use]
    pub fn most_running(&self) -> usize {
        *self.history.most_running.lock().unwrap()
    }

    /// Calls whose future was dropped before it had an outcome.
    #[must_use]
    pub fn abandoned(&self) -> Vec<CallId> {
        self.history.abandoned.lock().unwrap().clone()
    }

    /// Waits until exactly `count` calls run.
    ///
    /// # Panics
    /// After [`crate::wait::BOUND`] of real time.
    pub async fn wait_for_running(&self, count: usize) {
        let what = format!("{count} running calls of {}", self.spec.name);
        self.history.running.wait_until(&what, |running| running == count).await;
    }
}

impl ToolPort for FakeTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn prepare(&self, input: &Value) -> Result<Box<dyn PreparedCall>, RejectedInput> {
        if let Some(reason) = &self.conduct.rejects {
            return Err(RejectedInput(reason.clone()));
        }
        if !input.is_object() {
            return Err(RejectedInput(format!("the input of `{}` is no object: {input}", self.spec.name)));
        }
        let (conduct, history) = (self.conduct.clone(), Arc::clone(&self.history));
        Ok(Box::new(PreparedFake { input: input.clone(), conduct, history }))
    }
}

struct PreparedFake {
    input: Value,
    conduct: Conduct,
    history: Arc<History>,
}

#[async_trait]
impl PreparedCall for PreparedFake {
    fn target(&self) -> CallTarget {
        (self.conduct.target)(&self.input)
    }

    async fn preview(&mut self, _bases: &Bases) -> Option<Preview> {
        self.conduct.preview.clone()
    }

    async fn run(self: Box<Self>, context: ToolContext) -> ToolOutcome {
        let Self { input, conduct, history } = *self;
        let ToolContext { agent, run, call, output, cancelled, bases, writes, .. } = context;
        history.calls.lock().unwrap().push(FakeCall {
            input: input.clone(),
            agent,
            run,
            call: call.clone(),
            bases,
            writes,
        });
        let running = history.running.enter();
        // Declared after `running`, so that a call is noted as abandoned before it counts as over.
        let mut unfinished = Unfinished { call: Some(call), history: Arc::clone(&history) };
        {
            let mut most = history.most_running.lock().unwrap();
            *most = history.running.get().max(*most);
        }
        for chunk in &conduct.output {
            output.chunk(chunk);
        }
        let outcome = if conduct.wait.ends_by_itself(cancelled).await {
            (conduct.answer)(&input)
        } else {
            ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled") }
        };
        unfinished.call = None;
        drop(running);
        outcome
    }
}

impl Wait {
    /// False where a cancellation came first.
    async fn ends_by_itself(self, cancelled: Cancelled) -> bool {
        if matches!(self, Self::Deaf) {
            return std::future::pending().await;
        }
        let wait = async {
            match self {
                Self::Nothing => {}
                Self::Delay(delay) => tokio::time::sleep(delay).await,
                Self::Gate(gate) => gate.pass().await,
                Self::Cancelled | Self::Deaf => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancelled => false,
            () = wait => true,
        }
    }
}

/// Notes a call as abandoned where it is dropped before its end.
struct Unfinished {
    call: Option<CallId>,
    history: Arc<History>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.history.abandoned.lock().unwrap().push(call);
        }
    }
}

#[cfg(test)]
mod tests;
