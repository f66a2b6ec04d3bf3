//! Asks again where asking again may help: a decorator around any model (contract 10, spec O-23).
//!
//! This is the one layer that retries. It sends nothing twice that was answered, gives nothing of a failed attempt to
//! whoever asked but what had been shown already, and waits at the account's [`Gate`]. It cuts off no attempt: the
//! adapter's timers do.

mod delay;

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    model::{
        ModelError, ModelErrorKind, ModelFacts, ModelItem, ModelRequest, ModelStream, RetrySettings, Retrying,
    },
    ports::ModelPort,
};
use futures_util::Stream;
use tokio::time::Instant;

use self::delay::delay;
use crate::gate::{Gate, Place, Turn};

/// From the first moment of a request to the beginning of its last attempt (reliability 1.4).
const LONGEST: Duration = Duration::from_secs(600);

/// No server means a longer time than this.
const A_YEAR: Duration = Duration::from_secs(366 * 86_400);

/// Gives numbers from 0 up to 1, each as likely as any other.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A model that is asked again where an attempt failed and another may succeed.
pub struct PatientModel {
    model: Arc<dyn ModelPort>,
    gate: Arc<Gate>,
    settings: Arc<RetrySettings>,
    chance: Chance,
}

impl PatientModel {
    /// Decorates `model`, whose requests count for the account behind `gate`.
    #[must_use]
    pub fn new(model: Arc<dyn ModelPort>, gate: Arc<Gate>, settings: RetrySettings, chance: Chance) -> Self {
        Self { model, gate, settings: Arc::new(settings), chance }
    }
}

impl fmt::Debug for PatientModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatientModel").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelPort for PatientModel {
    fn provider(&self) -> &str {
        self.model.provider()
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        self.model.resolve(wanted)
    }

    fn facts(&self, wanted: Option<&str>) -> ModelFacts {
        self.model.facts(wanted)
    }

    /// Nothing is sent before the stream is read; all errors come from it.
    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let gives_up_at = Instant::now() + LONGEST;
        Ok(Box::pin(Patience {
            phase: Phase::at_gate(self.gate.arrive(gives_up_at)),
            attempt: 1,
            gives_up_at,
            model: Arc::clone(&self.model),
            settings: Arc::clone(&self.settings),
            chance: Arc::clone(&self.chance),
            request,
        }))
    }
}

/// A request and its attempts.
struct Patience {
    phase: Phase,
    attempt: u32,
    gives_up_at: Instant,
    model: Arc<dyn ModelPort>,
    settings: Arc<RetrySettings>,
    chance: Chance,
    request: ModelRequest,
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Phase {
    AtGate(Pending<(Place, Turn)>),
    Asking(Place, Pending<Result<ModelStream, ModelError>>),
    Answering(Place, ModelStream),
    Ended,
}

impl Phase {
    fn at_gate(mut place: Place) -> Self {
        Self::AtGate(Box::pin(async move {
            let turn = place.turn().await;
            (place, turn)
        }))
    }
}

type Item = Result<ModelItem, ModelError>;

impl Stream for Patience {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        loop {
            let item = match &mut self.phase {
                // The path of every delta: nothing but a look.
                Phase::Answering(place, stream) => match ready!(stream.as_mut().poll_next(context)) {
                    Some(Ok(item)) => {
                        place.answered();
                        if matches!(item, ModelItem::Answer(_)) {
                            self.phase = Phase::Ended;
                        }
                        Some(Ok(item))
                    }
                    Some(Err(error)) => Some(self.fail(error)),
                    None => Some(self.fail(ModelError::new(ModelErrorKind::Cut, UNFINISHED))),
                },
                Phase::AtGate(turn) => {
                    let (place, turn) = ready!(turn.as_mut().poll(context));
                    self.take_turn(place, &turn)
                }
                Phase::Asking(_, asking) => {
                    let asked = ready!(asking.as_mut().poll(context));
                    self.take_stream(asked)
                }
                Phase::Ended => return Poll::Ready(None),
            };
            if item.is_some() {
                return Poll::Ready(item);
            }
        }
    }
}

const UNFINISHED: &str = "the model's stream ended before its answer did";

impl Patience {
    fn take_turn(&mut self, place: Place, turn: &Turn) -> Option<Item> {
        match turn {
            Turn::Held(wait) => {
                self.phase = Phase::at_gate(place);
                Some(Ok(ModelItem::Held { wait: *wait }))
            }
            Turn::TooLong(wait) => {
                self.phase = Phase::Ended;
                Some(Err(self.held_too_long(*wait)))
            }
            Turn::Pass => {
                let (model, request) = (Arc::clone(&self.model), self.request.clone());
                self.phase = Phase::Asking(place, Box::pin(async move { model.stream(request).await }));
                let attempt = self.attempt;
                (attempt > 1).then_some(Ok(ModelItem::Attempt { attempt }))
            }
        }
    }

    fn take_stream(&mut self, asked: Result<ModelStream, ModelError>) -> Option<Item> {
        match asked {
            Err(error) => Some(self.fail(error)),
            Ok(stream) => {
                if let Phase::Asking(place, _) = std::mem::replace(&mut self.phase, Phase::Ended) {
                    place.taken();
                    self.phase = Phase::Answering(place, stream);
                }
                None
            }
        }
    }

    /// An attempt failed: its stream is dropped, the gate learns from it, and another one follows or none.
    fn fail(&mut self, error: ModelError) -> Item {
        let (Phase::Asking(mut place, _) | Phase::Answering(mut place, _)) =
            std::mem::replace(&mut self.phase, Phase::Ended)
        else {
            return Err(error);
        };
        let wait = delay(&self.settings, self.attempt, error.kind.retry_after(), (self.chance)());
        place.failed(&error.kind, wait);
        if !error.kind.is_retryable() {
            return Err(error);
        }
        let max_attempts = if self.settings.enabled { self.settings.max_attempts } else { 1 };
        if self.attempt >= max_attempts {
            return Err(self.given_up(error));
        }
        if Instant::now() + wait > self.gives_up_at {
            return Err(self.too_late(error));
        }
        self.attempt += 1;
        place.come_again(wait);
        self.phase = Phase::at_gate(place);
        Ok(ModelItem::Retrying(Retrying {
            attempt: self.attempt,
            max_attempts,
            wait,
            reason: with_causes(&error),
            code: error.kind.code(),
            usage: error.usage,
        }))
    }

    fn given_up(&self, mut error: ModelError) -> ModelError {
        if self.attempt > 1 {
            error.what.push_str(&format!("; given up after {} attempts", self.attempt));
        }
        error
    }

    /// The server's waiting time, where it named one, is longer than what is left; our own is no advice to a person.
    fn too_late(&self, mut error: ModelError) -> ModelError {
        let wait = error.kind.retry_after().unwrap_or_default();
        error.what.push_str(&format!(
            "; given up after {} of {} attempts: {}",
            self.attempt,
            self.settings.max_attempts,
            come_back(wait)
        ));
        error
    }

    fn held_too_long(&self, wait: Duration) -> ModelError {
        let what = format!(
            "{}: held back, because the account's limit is reached; nothing was sent: {}",
            self.model.provider(),
            come_back(wait)
        );
        ModelError::new(ModelErrorKind::RateLimited { retry_after: Some(wait) }, what)
    }
}

/// When it is worth asking again, after a request has waited for as long as it may.
fn come_back(wait: Duration) -> String {
    let longest = LONGEST.as_secs() / 60;
    if wait.is_zero() {
        return format!("a request is waited for no longer than {longest} minutes; try again later");
    }
    if wait > A_YEAR {
        return format!(
            "it wants to be left alone for more than a year: check the base URL and what stands before it; a request is \
             waited for no longer than {longest} minutes"
        );
    }
    format!("try again in {}; a request is waited for no longer than {longest} minutes", spelled(wait))
}

/// A duration in the largest unit that says it well enough, rounded up.
fn spelled(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let (amount, unit) = match seconds {
        0..=120 => (seconds, "second"),
        121..=7_200 => (seconds.div_ceil(60), "minute"),
        7_201..=172_800 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" })
}

/// An error with its causes, in one line.
fn with_causes(error: &ModelError) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
