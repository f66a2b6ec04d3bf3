//! A model that says what a script says, records what it was asked, and refuses what a real endpoint refuses.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    model::{ModelError, ModelErrorKind, ModelFacts, ModelRequest, ModelStream},
    ports::ModelPort,
    price::Price,
};

use crate::{
    violations::Violations,
    wait::{Gate, Level},
};

mod answer;
mod examine;
mod playback;

pub use answer::Answer;
use examine::Memory;
pub(crate) use examine::is_tool_name;
use playback::{Ids, Step};

/// What goes wrong with a request, whatever its answer would have been. The answer stays for the next request,
/// except after a delay.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The request is refused before anything streams.
    Refuse(ModelErrorKind),
    /// The stream fails with this after so many items.
    FailAfter(usize, ModelErrorKind),
    /// The stream goes silent after so many items, and stays so until it is dropped.
    StallAfter(usize),
    /// Not even the stream begins; the request waits until it is dropped.
    Hang,
    /// The answer begins only after this, by tokio's time.
    Delay(Duration),
    /// The answer begins only when the gate is opened.
    Hold(Gate),
}

/// A model that plays scripts. Which answer a request gets: of the first lane that takes it ([`Self::when`] and
/// [`Self::agent`], in the order they were added), the next one.
///
/// A request that breaks the rules of [`crate::pairing`], offers tools no provider takes, or edits a signed thought is
/// refused as [`ModelErrorKind::Rejected`] and reported as a violation; one without an answer left fails as
/// [`ModelErrorKind::Script`] and is reported, too.
#[derive(Debug)]
pub struct ScriptedModel {
    lanes: Mutex<Vec<Lane>>,
    faults: Mutex<BTreeMap<usize, Fault>>,
    requests: Mutex<Vec<ModelRequest>>,
    asked: Level,
    open: Level,
    ids: Ids,
    memory: Arc<Mutex<Memory>>,
    facts: ModelFacts,
    violations: Violations,
}

struct Lane {
    name: String,
    takes: Box<dyn Fn(&ModelRequest) -> bool + Send + Sync>,
    answers: VecDeque<Answer>,
    last: Option<Answer>,
    repeats_last: bool,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} answers left)", self.name, self.answers.len())
    }
}

impl Default for ScriptedModel {
    fn default() -> Self {
        Self {
            lanes: Mutex::default(),
            faults: Mutex::default(),
            requests: Mutex::default(),
            asked: Level::default(),
            open: Level::default(),
            ids: Ids::default(),
            memory: Arc::default(),
            facts: ModelFacts::default(),
            violations: Violations::watched_by("the scripted model"),
        }
    }
}

impl ScriptedModel {
    /// A model without answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives these answers to whoever asks, in order.
    #[must_use]
    pub fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::new().when("anyone", |_| true, answers)
    }

    /// Gives the n-th answer to the n-th request of this agent.
    #[must_use]
    pub fn agent(self, name: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let agent = name.to_owned();
        self.when(name, move |request| request.agent.as_str() == agent, answers)
    }

    /// Gives the n-th answer to the n-th request that `takes` accepts; `name` is for messages. Lanes that were
    /// added earlier choose first.
    #[must_use]
    pub fn when(
        self,
        name: &str,
        takes: impl Fn(&ModelRequest) -> bool + Send + Sync + 'static,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        let lane = Lane {
            name: name.to_owned(),
            takes: Box::new(takes),
            answers: answers.into_iter().collect(),
            last: None,
            repeats_last: false,
        };
        self.lanes.lock().unwrap().push(lane);
        self
    }

    /// Gives the last answer of the lane that was added last again and again (with call ids of their own).
    ///
    /// # Panics
    /// Where there is no lane.
    #[must_use]
    pub fn repeating_last(self) -> Self {
        self.lanes.lock().unwrap().last_mut().expect("a lane was added").repeats_last = true;
        self
    }

    /// Says that input and output may have so many tokens together.
    #[must_use]
    pub fn with_window(mut self, tokens: u64) -> Self {
        self.facts.context_window = Some(tokens);
        self
    }

    /// Says that an answer may have so many tokens.
    #[must_use]
    pub fn with_longest_answer(mut self, tokens: u64) -> Self {
        self.facts.max_output_tokens = Some(tokens);
        self
    }

    /// Says what the tokens cost. Without it: nobody knows.
    #[must_use]
    pub fn with_price(mut self, price: Price) -> Self {
        self.facts.price = Some(price);
        self
    }

    /// Makes the `nth` request (from 1, of all agents) go wrong.
    #[must_use]
    pub fn with_fault(self, nth: usize, fault: Fault) -> Self {
        self.set_fault(nth, fault);
        self
    }

    /// Makes the `nth` request (from 1, of all agents) go wrong.
    pub fn set_fault(&self, nth: usize, fault: Fault) {
        self.faults.lock().unwrap().insert(nth, fault);
    }

    /// Every request, in the order they came, refused ones too.
    #[must_use]
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests of one agent, in the order they came.
    #[must_use]
    pub fn requests_of(&self, agent: &str) -> Vec<ModelRequest> {
        self.requests().into_iter().filter(|request| request.agent.as_str() == agent).collect()
    }

    /// How many requests wait for their answer or stream it now. Zero when a cancelled story has let go.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.open.get()
    }

    /// Waits until exactly `count` requests are open.
    ///
    /// # Panics
    /// After [`crate::wait::BOUND`] of real time.
    pub async fn wait_for_open(&self, count: usize) {
        self.open.wait_until(&format!("{count} open requests"), |open| open == count).await;
    }

    /// Waits until at least `count` requests have come.
    ///
    /// # Panics
    /// After [`crate::wait::BOUND`] of real time.
    pub async fn wait_for_requests(&self, count: usize) {
        self.asked.wait_until(&format!("{count} requests"), |asked| asked >= count).await;
    }

    /// The answers that nobody asked for, by lane.
    #[must_use]
    pub fn answers_left(&self) -> Vec<(String, usize)> {
        let lanes = self.lanes.lock().unwrap();
        let left = lanes.iter().filter(|lane| !lane.answers.is_empty());
        left.map(|lane| (lane.name.clone(), lane.answers.len())).collect()
    }

    /// What was wrong with requests, for a test that provoked it.
    pub fn take_violations(&self) -> Vec<String> {
        self.violations.take()
    }

    /// The answer for a request; stays in its lane where `keep`.
    fn choose(&self, request: &ModelRequest, keep: bool) -> Result<Answer, ModelError> {
        let mut lanes = self.lanes.lock().unwrap();
        let Some(lane) = lanes.iter_mut().find(|lane| (lane.takes)(request)) else {
            let names: Vec<&str> = lanes.iter().map(|lane| lane.name.as_str()).collect();
            let what = format!("no script for agent {} among {}", request.agent, names.join(", "));
            drop(lanes);
            return Err(self.unscripted(what));
        };
        if lane.answers.is_empty() && lane.repeats_last {
            lane.answers.extend(lane.last.clone());
        }
        let answer = if keep { lane.answers.front().cloned() } else { lane.answers.pop_front() };
        let Some(answer) = answer else {
            let what = format!("the script of {} has no answer left for agent {}", lane.name, request.agent);
            drop(lanes);
            return Err(self.unscripted(what));
        };
        lane.last = Some(answer.clone());
        drop(lanes);
        Ok(answer.for_request(request))
    }

    fn unscripted(&self, what: String) -> ModelError {
        self.violations.report(what.clone());
        ModelError::new(ModelErrorKind::Script, what)
    }
}

#[async_trait]
impl ModelPort for ScriptedModel {
    fn provider(&self) -> &str {
        "script"
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        wanted.unwrap_or("scripted-model").to_owned()
    }

    fn facts(&self, _wanted: Option<&str>) -> ModelFacts {
        self.facts
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let open = self.open.enter();
        let nth = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len()
        };
        self.asked.raise();
        let examined = examine::examine(&request, &self.memory.lock().unwrap());
        if let Err(violation) = examined {
            let what = format!("request {nth} (of {}): {violation}", request.agent);
            self.violations.report(what.clone());
            return Err(ModelError::new(ModelErrorKind::Rejected, what));
        }
        let fault = self.faults.lock().unwrap().remove(&nth);
        match &fault {
            Some(Fault::Refuse(kind)) => return Err(ModelError::new(kind.clone(), "a fault on request")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
            Some(Fault::Hold(gate)) => gate.pass().await,
            Some(Fault::FailAfter(..) | Fault::StallAfter(_)) | None => {}
        }
        let spoils_answer = matches!(fault, Some(Fault::FailAfter(..) | Fault::StallAfter(_)));
        let answer = self.choose(&request, spoils_answer)?;
        if let Some(kind) = answer.refusal() {
            return Err(ModelError::new(kind, "a scripted refusal"));
        }
        let model = self.resolve(request.model.as_deref());
        let mut steps = playback::steps(&answer, &self.ids, model);
        match fault {
            Some(Fault::FailAfter(items, kind)) => playback::cut(&mut steps, items, Step::Fail(kind)),
            Some(Fault::StallAfter(items)) => playback::cut(&mut steps, items, Step::Stall),
            _ => {}
        }
        Ok(playback::play(steps, open, Arc::clone(&self.memory)))
    }
}

#[cfg(test)]
mod tests;
