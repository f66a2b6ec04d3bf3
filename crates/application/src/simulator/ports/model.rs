//! The model of a simulated team: the scripted model's rules around answers that chance writes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    agent::AgentName,
    event::{Event, EventBody},
    message::{Message, Part, Usage},
    model::{ModelError, ModelErrorKind, ModelFacts, ModelItem, ModelRequest, ModelStream, Retrying},
    ports::ModelPort,
};
use futures_util::{StreamExt, stream};
use testkit::{Answer, ScriptedModel, wait::Inside};

use super::super::{brain, faults::Fault, trace::RequestSeen, world::World};

/// A model whose provider is out of order at times. What it signed it knows for ever.
pub(in crate::simulator) struct SimulatedModel {
    world: Arc<World>,
    scripted: ScriptedModel,
}

/// How a result begins that nobody lived to see.
const INTERRUPTED: &str = "interrupted: ";

/// What comes of a request beside its answer.
enum Turn {
    Item(Box<ModelItem>),
    Wait(Duration),
    Fail(ModelErrorKind),
}

impl Turn {
    fn item(item: ModelItem) -> Self {
        Self::Item(Box::new(item))
    }
}

impl SimulatedModel {
    pub(in crate::simulator) fn new(world: &Arc<World>) -> Self {
        // Weakly: the world outlives it, and does not own it.
        let told = Arc::downgrade(world);
        let answer = Answer::computed(move |request| match told.upgrade() {
            Some(world) => brain::answer(&world, request),
            None => Answer::empty(),
        });
        let scripted = ScriptedModel::answering([answer]).repeating_last();
        Self { world: Arc::clone(world), scripted }
    }

    /// What was wrong with requests.
    pub(in crate::simulator) fn take_violations(&self) -> Vec<String> {
        self.scripted.take_violations()
    }

    fn refusal(&self) -> Option<ModelErrorKind> {
        let world = &self.world;
        let kinds = [
            ModelErrorKind::Rejected,
            ModelErrorKind::Unreachable,
            ModelErrorKind::Unavailable { retry_after: None },
            ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3)) },
        ];
        if world.brings(Fault::ModelForbids) {
            return Some(ModelErrorKind::Credentials);
        }
        if world.brings(Fault::ModelTooLong) {
            return Some(ModelErrorKind::TooLong);
        }
        world.brings(Fault::ModelRefuses).then(|| world.dice.pick(&kinds).clone())
    }

    /// What happens before the answer, and where its stream breaks.
    fn turns(&self) -> VecDeque<Turn> {
        let (world, mut turns) = (&self.world, VecDeque::new());
        if world.brings(Fault::ModelHolds) {
            let wait = world.dice.millis(1, 20_000);
            turns.push_back(Turn::item(ModelItem::Held { wait }));
            turns.push_back(Turn::Wait(wait));
        }
        let mut attempt = 1;
        while attempt < 4 && world.brings(Fault::ModelRetries) {
            if world.dice.percent(50) {
                let text = "half of an ans".to_owned();
                turns.push_back(Turn::item(ModelItem::TextDelta { index: 0, text }));
            }
            let wait = world.dice.millis(1, 30_000);
            let retrying = Retrying {
                attempt: attempt + 1,
                max_attempts: 4,
                wait,
                reason: "529 overloaded".to_owned(),
                code: ModelErrorKind::Unavailable { retry_after: None }.code(),
                usage: usage(world),
            };
            turns.push_back(Turn::item(ModelItem::Retrying(retrying)));
            turns.push_back(Turn::Wait(wait));
            attempt += 1;
            turns.push_back(Turn::item(ModelItem::Attempt { attempt }));
        }
        if world.brings(Fault::ModelDawdles) {
            turns.push_back(Turn::Wait(world.dice.millis(1_000, 110_000)));
        }
        if world.brings(Fault::ModelFallsSilent) {
            // The port itself gives up after its idle time.
            turns.push_back(Turn::Wait(Duration::from_secs(90)));
            turns.push_back(Turn::Fail(ModelErrorKind::Silent));
        } else if world.brings(Fault::ModelCuts) {
            let text = "cut in the mid".to_owned();
            turns.push_back(Turn::item(ModelItem::TextDelta { index: 0, text }));
            turns.push_back(Turn::Fail(ModelErrorKind::Cut));
        } else if world.brings(Fault::ModelGarbles) {
            turns.push_back(Turn::Fail(ModelErrorKind::Malformed));
        }
        turns
    }

    fn saw(&self, request: &ModelRequest) {
        let messages: Vec<Arc<Message>> =
            request.messages.iter().map(|sealed| Arc::clone(&sealed.message)).collect();
        let journal = self.world.journal();
        let unjournaled = journal.look(|events, _| unjournaled(events, &request.agent, &messages));
        self.world.trace().requests.push(RequestSeen { agent: request.agent.clone(), messages, unjournaled });
    }
}

/// What messages to an agent show that the journal does not hold.
fn unjournaled(journal: &[Arc<Event>], agent: &AgentName, messages: &[Arc<Message>]) -> Vec<String> {
    let (mut journaled, mut results) = (Vec::new(), Vec::new());
    for event in journal {
        let is_of_agent = event.scope.run.as_ref().is_some_and(|run| run.agent == *agent);
        match &event.body {
            EventBody::Message { message, .. } if is_of_agent => journaled.extend(&message.parts),
            EventBody::ToolFinished { call_id, output, .. } if is_of_agent => results.push((call_id, output)),
            _ => {}
        }
    }
    // A call's result is in the journal when its end is, whether or not its program lived to join the results.
    let is_journaled = |part: &Part| match part {
        Part::ToolResult { id, content, .. } if results.contains(&(id, content)) => true,
        // Where its end was not written either, the engine says so in its own words.
        Part::ToolResult { id, content, is_error: true } if content.starts_with(INTERRUPTED) => {
            !results.iter().any(|(ended, _)| *ended == id)
        }
        part => journaled.contains(&part),
    };
    // The first message holds what the engine itself says of messages that were cut.
    let shown = messages.iter().skip(1).flat_map(|message| &message.parts);
    shown.filter(|part| !is_journaled(part)).map(|part| format!("{part:?}")).collect()
}

/// What an attempt takes.
pub(in crate::simulator) fn usage(world: &World) -> Usage {
    if world.dice.percent(5) {
        return Usage::default();
    }
    let (input_tokens, output_tokens) = (world.dice.between(50, 3_000), world.dice.between(1, 600));
    Usage { input_tokens, output_tokens, cache_read_tokens: world.dice.below(500), cache_write_tokens: 0 }
}

#[async_trait]
impl ModelPort for SimulatedModel {
    fn provider(&self) -> &str {
        "script"
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        self.scripted.resolve(wanted)
    }

    fn facts(&self, _wanted: Option<&str>) -> ModelFacts {
        self.world.plan.facts
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let world = &self.world;
        self.saw(&request);
        world.step().await;
        if let Some(kind) = self.refusal() {
            return Err(ModelError::new(kind, "a simulated fault"));
        }
        let open = world.streams.enter();
        let turns = self.turns();
        let answer = self.scripted.stream(request).await?;
        Ok(play(Arc::clone(world), open, turns, answer))
    }
}

/// Plays what comes before the answer, then the answer.
fn play(world: Arc<World>, open: Inside, turns: VecDeque<Turn>, answer: ModelStream) -> ModelStream {
    Box::pin(stream::unfold(Some((world, open, turns, answer)), |playing| async move {
        let (world, open, mut turns, mut answer) = playing?;
        loop {
            world.step().await;
            let item = match turns.pop_front() {
                Some(Turn::Wait(time)) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Some(Turn::Item(item)) => *item,
                Some(Turn::Fail(kind)) => {
                    let taken = usage(&world);
                    world.reports(taken);
                    return Some((Err(ModelError::new(kind, "a simulated fault").having_used(taken)), None));
                }
                None => match answer.next().await? {
                    Ok(item) => item,
                    Err(error) => return Some((Err(error), None)),
                },
            };
            match &item {
                ModelItem::Retrying(retrying) => world.reports(retrying.usage),
                ModelItem::Answer(answer) => world.reports(answer.usage),
                _ => {}
            }
            return Some((Ok(item), Some((world, open, turns, answer))));
        }
    }))
}
