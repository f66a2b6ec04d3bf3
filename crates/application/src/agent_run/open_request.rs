//! One request to a model while it is under way: its text as it comes, attempts that fail, waits, silence.
//!
//! The model behind the port tries again by itself; this says so. What failed attempts took may leave no room for
//! another one; what comes of the answer is the run's business.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use domain::{
    event::{DeltaBody, EventBody},
    id::RequestId,
    message::Usage,
    model::{Answerer, ModelAnswer, ModelError, ModelErrorKind, ModelItem, ModelRequest, Outage, Retrying},
    outcome::Ending,
    ports::JournalError,
};
use futures_util::StreamExt;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{RunContext, spending::Room};
use crate::{deltas::Deltas, telling::millis};

/// A request that has shown nothing for so long is spoken of.
const QUIET: Duration = Duration::from_secs(30);

const QUIET_CODE: &str = "model_quiet";
const QUIET_TEXT: &str = "the model has shown nothing for 30 seconds: it may be thinking, or writing a long call; a \
                          connection without a sign of life is given up after performance.first_byte_timeout_seconds \
                          or idle_timeout_seconds, an answer that does not grow after 10 minutes";
const HELD_CODE: &str = "request_held";
const FALLBACK_CODE: &str = "fallback_used";

/// How a request ended.
pub(crate) enum RequestEnd {
    Answered(ModelAnswer),
    Failed(ModelError),
    Stopped(Ending),
}

/// A request under way.
pub(crate) struct OpenRequest<'o, 'r> {
    run: &'r RunContext<'r>,
    id: RequestId,
    prefix_digest: String,
    room: &'o mut Room<'r>,
    deltas: Deltas,
    /// Something of the present attempt was shown.
    has_shown: bool,
    was_held: bool,
    quiet: Quiet,
    /// The newest attempt.
    attempt: u32,
    /// The attempts of models that answered before the present one was asked: each model counts its own.
    earlier: u32,
}

impl<'o, 'r> OpenRequest<'o, 'r> {
    /// Nothing has been sent yet.
    pub(crate) fn new(
        run: &'r RunContext<'r>,
        id: RequestId,
        prefix_digest: String,
        room: &'o mut Room<'r>,
    ) -> Self {
        let deltas = Deltas::new(&run.round.ports.log, &run.scope);
        let (has_shown, was_held) = (false, false);
        let (attempt, earlier) = (1, 0);
        let quiet = Quiet::new();
        Self { run, id, prefix_digest, room, deltas, has_shown, was_held, quiet, attempt, earlier }
    }

    /// Asks for the answer, and says what happens meanwhile. A stop is heeded at every wait but those for the journal.
    pub(crate) async fn answer(&mut self, request: ModelRequest) -> Result<RequestEnd, JournalError> {
        self.started(1).await?;
        let mut stopped = pin!(self.run.stop.stopped());
        let opened = tokio::select! {
            biased;
            ending = &mut stopped => return Ok(RequestEnd::Stopped(ending)),
            opened = self.run.member.model.stream(request) => opened,
        };
        let mut stream = match opened {
            Ok(stream) => stream,
            Err(error) => return self.failed(error).await,
        };
        loop {
            let item = tokio::select! {
                biased;
                ending = &mut stopped => return Ok(RequestEnd::Stopped(ending)),
                item = stream.next() => item,
                () = self.quiet.passed() => {
                    self.notice(QUIET_CODE, QUIET_TEXT.to_owned()).await?;
                    continue;
                }
            };
            match item {
                Some(Ok(ModelItem::Answer(answer))) => {
                    self.deltas.finish();
                    return Ok(RequestEnd::Answered(answer));
                }
                Some(Ok(item)) => self.take(item).await?,
                Some(Err(error)) => return self.failed(error).await,
                None => {
                    let what = "the model's stream ended before its answer did";
                    return self.failed(ModelError::new(ModelErrorKind::Cut, what)).await;
                }
            }
        }
    }

    async fn take(&mut self, item: ModelItem) -> Result<(), JournalError> {
        match item {
            ModelItem::TextDelta { index, text } => {
                self.show(DeltaBody::TextDelta { request_id: self.id }, index, &text);
            }
            ModelItem::ThinkingDelta { index, text } => {
                self.show(DeltaBody::ThinkingDelta { request_id: self.id }, index, &text);
            }
            ModelItem::Held { wait } => {
                self.quiet.begins_after(wait);
                if !std::mem::replace(&mut self.was_held, true) {
                    self.notice(HELD_CODE, held(wait)).await?;
                }
            }
            ModelItem::Retrying(retrying) => self.retrying(retrying).await?,
            ModelItem::Attempt { attempt } => {
                self.quiet = Quiet::new();
                self.started(self.earlier.saturating_add(attempt)).await?;
            }
            ModelItem::Answerer(answerer) => self.answered_by(*answerer).await?,
            // The stream's reader keeps it.
            ModelItem::Answer(_) => {}
        }
        Ok(())
    }

    fn show(&mut self, body: DeltaBody, index: u32, text: &str) {
        self.has_shown = true;
        self.quiet.begins_after(Duration::ZERO);
        self.deltas.part(body, index, text);
    }

    async fn started(&mut self, attempt: u32) -> Result<(), JournalError> {
        self.attempt = attempt;
        let prefix_digest = self.prefix_digest.clone();
        self.run.append(EventBody::RequestStarted { request_id: self.id, attempt, prefix_digest }).await
    }

    async fn retrying(&mut self, retrying: Retrying) -> Result<(), JournalError> {
        let Retrying { attempt, max_attempts, wait, reason, code, usage } = retrying;
        let counted = |attempts: u32| self.earlier.saturating_add(attempts);
        let (attempt, max_attempts) = (counted(attempt), counted(max_attempts));
        self.quiet.begins_after(wait);
        let (wait_ms, code) = (millis(wait), code.to_owned());
        let took = (usage != Usage::default()).then_some(usage);
        let said = EventBody::Retry { attempt, max_attempts, wait_ms, reason, code, usage: took };
        self.run.append(said).await?;
        self.void().await?;
        // The stop that follows is heeded at the next wait.
        if let Err(trip) = self.run.attempt_failed(self.room, usage) {
            self.run.round.out_of_room(trip).await?;
        }
        Ok(())
    }

    /// Says who answers in whose place, and counts by the price of who does.
    async fn answered_by(&mut self, answerer: Answerer) -> Result<(), JournalError> {
        let Answerer { facts, outage, .. } = &answerer;
        let failed =
            outage.as_ref().map_or(Ok(()), |outage| self.run.attempt_failed(self.room, outage.usage));
        let room = self.run.answered_by(self.room, *facts);
        if let Some(outage) = outage {
            self.notice(FALLBACK_CODE, instead(&answerer, outage)).await?;
            self.void().await?;
            self.quiet = Quiet::new();
            self.was_held = false;
            self.earlier = self.attempt;
        }
        // The stop that follows is heeded at the next wait.
        if let Err(trip) = failed.and(room) {
            self.run.round.out_of_room(trip).await?;
        } else if outage.is_some() {
            self.started(self.attempt.saturating_add(1)).await?;
        }
        Ok(())
    }

    async fn failed(&mut self, error: ModelError) -> Result<RequestEnd, JournalError> {
        self.void().await?;
        Ok(RequestEnd::Failed(error))
    }

    /// What the attempt has shown does not count, and what was kept back of it is not shown any more.
    async fn void(&mut self) -> Result<(), JournalError> {
        self.deltas = Deltas::new(&self.run.round.ports.log, &self.run.scope);
        if std::mem::take(&mut self.has_shown) {
            self.run.append(EventBody::TextReplaced { request_id: self.id }).await?;
        }
        Ok(())
    }

    async fn notice(&self, code: &str, text: String) -> Result<(), JournalError> {
        self.run.append(EventBody::Notice { code: code.to_owned(), text }).await
    }
}

/// Who answers in whose place, and why.
fn instead(answerer: &Answerer, outage: &Outage) -> String {
    let Answerer { provider, model, .. } = answerer;
    let minutes = outage.rest.as_secs().div_ceil(60).max(1);
    format!(
        "{model} of provider {provider} answers instead of {} of provider {}, which is asked again in {minutes} min: {}",
        outage.model, outage.provider, outage.reason
    )
}

fn held(wait: Duration) -> String {
    let why = "requests of this account are held back: its limit is reached, its endpoint is overloaded, or too many \
               were tried again";
    match wait.as_millis().div_ceil(1_000) {
        0 => format!("{why}; this one goes out when those before it were let through"),
        seconds => format!("{why}; this one goes out in about {seconds} s"),
    }
}

/// How long an attempt has shown nothing. Told once.
struct Quiet {
    due: Instant,
    timer: Pin<Box<Sleep>>,
    was_told: bool,
}

impl Quiet {
    fn new() -> Self {
        let due = Instant::now() + QUIET;
        Self { due, timer: Box::pin(sleep_until(due)), was_told: false }
    }

    /// Something was shown or said; silence counts when so much time more is over. The timer is set anew only when it
    /// rings, so that this costs a look at the clock.
    fn begins_after(&mut self, wait: Duration) {
        let now = Instant::now();
        self.due = now.checked_add(wait.saturating_add(QUIET)).unwrap_or(now + QUIET);
    }

    /// Waits until nothing has been shown for [`QUIET`]; never a second time.
    async fn passed(&mut self) {
        if self.was_told {
            std::future::pending::<()>().await;
        }
        loop {
            self.timer.as_mut().await;
            if self.due <= Instant::now() {
                break;
            }
            self.timer.as_mut().reset(self.due);
        }
        self.was_told = true;
    }
}
