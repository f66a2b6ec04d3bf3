//! Asks another model where one is out: a decorator around several (`providers.<name>.fallback`, docs/adr/0029).
//!
//! What counts as out is what was worth trying again and has been given up ([`ModelErrorKind::is_retryable`]): overload,
//! silence, no connection, a limit that takes too long. A key that is not accepted, a request that is refused or too long,
//! an answer that is nonsense are no outage: another model would hide what a person has to mend.
//!
//! Whoever is out is left alone for a while by all who share this decorator; then one request tries it again while the
//! others stay where they are. No attempt is repeated here: [`crate::PatientModel`] does that, around each one.
//!
//! [`ModelErrorKind::is_retryable`]: domain::model::ModelErrorKind::is_retryable

mod history;
mod standing;
#[cfg(test)]
mod tests;

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use domain::{
    model::{Answerer, ModelError, ModelErrorKind, ModelFacts, ModelItem, ModelRequest, ModelStream, Outage},
    ports::ModelPort,
};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use self::{
    history::{unsealed, without_seals},
    standing::{REST, Standing},
};

/// One of several models, in the order in which they are asked.
#[derive(Clone)]
pub struct Candidate {
    /// The model.
    pub model: Arc<dyn ModelPort>,
    /// The name under which it is asked; none: the one that the request names.
    pub name: Option<Arc<str>>,
}

impl Candidate {
    fn wanted<'w>(&'w self, wanted: Option<&'w str>) -> Option<&'w str> {
        self.name.as_deref().or(wanted)
    }
}

/// Several models, of which the first that is not out answers.
pub struct FallbackModel {
    first: Candidate,
    others: Arc<[Candidate]>,
    standing: Arc<Standing>,
}

impl FallbackModel {
    /// `first` is asked as long as it answers, `others` in their order where it is out.
    #[must_use]
    pub fn new(first: Candidate, others: Vec<Candidate>) -> Self {
        Self { first, others: others.into(), standing: Arc::default() }
    }

    fn candidate(&self, at: usize) -> &Candidate {
        candidate(&self.first, &self.others, at)
    }

    /// The one that a request would be asked of now.
    fn present(&self) -> &Candidate {
        self.candidate(self.standing.present(self.count(), Instant::now()))
    }

    fn count(&self) -> usize {
        self.others.len().saturating_add(1)
    }
}

fn candidate<'c>(first: &'c Candidate, others: &'c [Candidate], at: usize) -> &'c Candidate {
    at.checked_sub(1).and_then(|at| others.get(at)).unwrap_or(first)
}

impl fmt::Debug for FallbackModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackModel").field("candidates", &self.count()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelPort for FallbackModel {
    fn provider(&self) -> &str {
        self.first.model.provider()
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        let present = self.present();
        present.model.resolve(present.wanted(wanted))
    }

    fn facts(&self, wanted: Option<&str>) -> ModelFacts {
        let present = self.present();
        present.model.facts(present.wanted(wanted))
    }

    /// All errors come from the stream.
    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let (at, all_rest) = self.standing.begin(self.count(), Instant::now());
        let relay = Relay {
            first: self.first.clone(),
            others: Arc::clone(&self.others),
            standing: Arc::clone(&self.standing),
            request,
            at,
            all_rest,
            phase: Phase::Naming(None),
        };
        Ok(Box::pin(stream::unfold(Some(relay), |relay| async { Some(relay?.next().await) })))
    }
}

/// A request on its way from one model to the next.
struct Relay {
    first: Candidate,
    others: Arc<[Candidate]>,
    standing: Arc<Standing>,
    request: ModelRequest,
    at: usize,
    /// All were out when it began, so nobody is passed over.
    all_rest: bool,
    phase: Phase,
}

enum Phase {
    /// It is to be said who answers, and instead of whom.
    Naming(Option<Outage>),
    Asking,
    Answering(ModelStream),
}

type Item = Result<ModelItem, ModelError>;

impl Relay {
    /// The next item, and what follows it; nothing after an answer or an error.
    async fn next(mut self) -> (Item, Option<Self>) {
        loop {
            let failed = match &mut self.phase {
                Phase::Naming(outage) => {
                    let outage = outage.take();
                    let answerer = ModelItem::Answerer(Box::new(self.answerer_after(outage)));
                    self.phase = Phase::Asking;
                    return (Ok(answerer), Some(self));
                }
                Phase::Asking => match self.present().model.stream(self.request_for_present()).await {
                    Ok(stream) => {
                        self.phase = Phase::Answering(stream);
                        continue;
                    }
                    Err(error) => error,
                },
                Phase::Answering(stream) => match stream.next().await {
                    Some(Ok(ModelItem::Answer(mut answer))) => {
                        self.standing.answered(self.at);
                        if self.at > 0 {
                            answer.message = unsealed(answer.message);
                        }
                        return (Ok(ModelItem::Answer(answer)), None);
                    }
                    Some(Ok(item)) => return (Ok(item), Some(self)),
                    Some(Err(error)) => error,
                    None => {
                        ModelError::new(ModelErrorKind::Cut, "the model's stream ended before its answer did")
                    }
                },
            };
            if let Err(error) = self.go_on_after(failed) {
                return (Err(error), None);
            }
        }
    }

    fn present(&self) -> &Candidate {
        candidate(&self.first, &self.others, self.at)
    }

    /// Passes the request on where the model is out and there is another one.
    fn go_on_after(&mut self, error: ModelError) -> Result<(), ModelError> {
        if !error.kind.is_retryable() {
            return Err(error);
        }
        let (now, rest) = (Instant::now(), REST.max(error.kind.retry_after().unwrap_or_default()));
        self.standing.out(self.at, now, rest);
        let rests = |at: &usize| !self.all_rest && self.standing.rests(*at, now);
        let Some(next) = (self.at.saturating_add(1)..=self.others.len()).find(|at| !rests(at)) else {
            return Err(error);
        };
        let present = self.present();
        let outage = Outage {
            provider: present.model.provider().to_owned(),
            model: present.model.resolve(present.wanted(self.request.model.as_deref())),
            reason: with_causes(&error),
            code: error.kind.code(),
            usage: error.usage,
            rest,
        };
        self.at = next;
        self.phase = Phase::Naming(Some(outage));
        Ok(())
    }

    fn answerer_after(&self, outage: Option<Outage>) -> Answerer {
        let present = self.present();
        let wanted = present.wanted(self.request.model.as_deref());
        Answerer {
            provider: present.model.provider().to_owned(),
            model: present.model.resolve(wanted),
            facts: present.model.facts(wanted),
            outage,
        }
    }

    /// The request as the present model is asked. What another model has sealed is nothing to it.
    fn request_for_present(&self) -> ModelRequest {
        let mut request = self.request.clone();
        let present = self.present();
        if let Some(name) = &present.name {
            request.model = Some(Arc::clone(name));
        }
        if self.at > 0 {
            request.messages = without_seals(request.messages);
        }
        request
    }
}

/// An error with its causes, in one line.
fn with_causes(error: &ModelError) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
