//! Where everything that happens in a session goes: journal first, then to whoever listens (law 1).
//!
//! Secrets are taken out here, before anything is written or shown (law 10).

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

pub use domain::event::Published;
use domain::{
    context::BROKEN_SEAL,
    event::{Delta, DeltaBody, Event, EventBody, Scope, VERSION},
    id::SessionId,
    ports::{Clock, JournalError, JournalPort},
    secret::{RedactedEvent, Redactor},
};
use tokio::{
    sync::{Mutex, MutexGuard, broadcast},
    time::{Instant, timeout},
};

use crate::{event_stream::EventStream, logging, session::SessionStanding, telling::millis};

const BROKEN_SEAL_TEXT: &str = "a block that the provider seals held a secret; it is kept without it, so the provider \
                                may not take it back when the session is resumed";

/// The one writer of a session's events.
pub struct EventLog {
    session: SessionId,
    journal: Arc<dyn JournalPort>,
    clock: Arc<dyn Clock>,
    redactor: Arc<Redactor>,
    /// Held while an event is appended, so that journal order is number order.
    order: Mutex<Order>,
    /// The same number, for deltas, which never wait.
    last_seen: AtomicU64,
    /// The round under way; 0 between rounds.
    round: AtomicU32,
    published: broadcast::Sender<Published>,
    #[cfg(test)]
    planted: crate::simulator::Planted,
}

/// Where the log is.
struct Order {
    /// The last number given.
    last: u64,
    /// Taken by the journal, and not yet published: whoever appended it waits for the disk, or was dropped meanwhile.
    unpublished: Option<Arc<Event>>,
    /// What has its number and the journal has not taken: it is given that before anything else. As much as rounds say
    /// that are broken off or closed.
    unjournaled: VecDeque<Arc<Event>>,
}

impl EventLog {
    /// How long the disk has for the end of a round that nobody can wait for.
    const LAST_WAIT: Duration = Duration::from_millis(500);
    /// How many publications a listener may lag behind before it has to read the journal again. Deltas are lost
    /// then, events are not.
    const LAG: usize = 256;

    /// A log that goes on after event `last` (0: a new session).
    #[must_use]
    pub fn new(
        session: SessionId,
        last: u64,
        journal: Arc<dyn JournalPort>,
        clock: Arc<dyn Clock>,
        redactor: Arc<Redactor>,
    ) -> Self {
        Self {
            session,
            journal,
            clock,
            redactor,
            order: Mutex::new(Order { last, unpublished: None, unjournaled: VecDeque::new() }),
            last_seen: AtomicU64::new(last),
            round: AtomicU32::new(0),
            published: broadcast::Sender::new(Self::LAG),
            #[cfg(test)]
            planted: crate::simulator::Planted::default(),
        }
    }

    /// Makes a mistake on purpose.
    #[cfg(test)]
    pub(crate) const fn with(mut self, planted: crate::simulator::Planted) -> Self {
        self.planted = planted;
        self
    }

    /// What takes secrets out of everything that is written.
    pub(crate) const fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// Appends an event to the journal, without secrets, then publishes it. Where the contract says so, it is on disk
    /// before that. Where a block held a secret that its provider has sealed, a notice says so.
    ///
    /// # Errors
    /// Where the journal takes it no more, or cannot say that it is on disk. It is not published then.
    pub(crate) async fn append(&self, scope: &Scope, mut body: EventBody) -> Result<(), JournalError> {
        let RedactedEvent { broke_seal } = self.redactor.redact_event(&mut body);
        let mut order = self.order().await;
        #[cfg(test)]
        match self.planted.times(&body) {
            0 => return Ok(()),
            2 => self.append_redacted(&mut order, scope, body.clone()).await?,
            _ => {}
        }
        self.append_redacted(&mut order, scope, body).await?;
        if broke_seal {
            let (code, text) = (BROKEN_SEAL.to_owned(), BROKEN_SEAL_TEXT.to_owned());
            self.append_redacted(&mut order, scope, EventBody::Notice { code, text }).await?;
        }
        Ok(())
    }

    /// Appends what belongs to the past: the ends of what another program had left open. Listeners hear of the present
    /// only; who wants to know it reads the journal.
    ///
    /// # Errors
    /// As [`EventLog::append`].
    pub(crate) async fn append_to_the_past(
        &self,
        events: impl IntoIterator<Item = (Scope, EventBody)>,
    ) -> Result<(), JournalError> {
        let mut order = self.order().await;
        // All of them at once: they are said, even where nobody can wait until the journal has them.
        for (scope, mut body) in events {
            // Such events hold no block that a provider has sealed.
            let RedactedEvent { broke_seal: _ } = self.redactor.redact_event(&mut body);
            let event = Arc::new(self.event(order.last + 1, &scope, body));
            order.last = event.seq;
            logging::happened(&event);
            order.unjournaled.push_back(event);
        }
        self.last_seen.store(order.last, Ordering::Relaxed);
        self.catch_up(&mut order).await?;
        self.durable().await
    }

    async fn append_redacted(
        &self,
        order: &mut Order,
        scope: &Scope,
        body: EventBody,
    ) -> Result<(), JournalError> {
        self.catch_up(order).await?;
        let is_durable = body.must_be_durable();
        #[cfg(test)]
        let is_durable = is_durable && !self.planted.is(crate::simulator::Bug::DiskNotAwaited);
        let event = Arc::new(self.event(order.last + 1, scope, body));
        #[cfg(test)]
        if self.planted.is(crate::simulator::Bug::ToldBeforeAppended) {
            self.publish_event(Arc::clone(&event));
        }
        self.journal.append(Arc::clone(&event)).await?;
        order.last = event.seq;
        if is_durable {
            order.unpublished = Some(Arc::clone(&event));
            let on_disk = self.durable().await;
            order.unpublished = None;
            if on_disk.is_err() {
                // The journal takes nothing any more, so nothing else will have this number there.
                order.last -= 1;
                return on_disk;
            }
        }
        logging::happened(&event);
        self.publish_event(event);
        #[cfg(test)]
        if self.planted.is(crate::simulator::Bug::NumberSkipped) {
            order.last += 1;
        }
        Ok(())
    }

    /// Gives the journal what it had no time for, so that its numbers have no gap.
    async fn catch_up(&self, order: &mut Order) -> Result<(), JournalError> {
        while let Some(event) = order.unjournaled.front() {
            self.journal.append(Arc::clone(event)).await?;
            order.unjournaled.pop_front();
        }
        Ok(())
    }

    /// Says how a round ended that could not say so itself, whatever became of the journal: it has a moment to take the
    /// events, and they are published in any case. Nothing is said where the round's end had been appended already.
    pub(crate) async fn break_off(&self, said: impl IntoIterator<Item = (Scope, EventBody)>) {
        let mut order = self.order.lock().await;
        let waited = order.unpublished.take();
        if let Some(event) = &waited {
            self.publish_event(Arc::clone(event));
            if event.body.ends_round() {
                return;
            }
        }
        for (scope, mut body) in said {
            // What was sealed stays with its provider; these words hold none.
            let RedactedEvent { broke_seal: _ } = self.redactor.redact_event(&mut body);
            if waited.as_ref().is_some_and(|event| event.body == body) {
                continue;
            }
            let appending = self.append_redacted(&mut order, &scope, body.clone());
            let taken = timeout(Self::LAST_WAIT, appending).await;
            match (taken, order.unpublished.take()) {
                (Ok(Ok(())), _) => {}
                // It is in order, and may yet come to the disk.
                (_, Some(event)) => self.publish_event(event),
                (_, None) => {
                    order.last += 1;
                    let event = Arc::new(self.event(order.last, &scope, body));
                    order.unjournaled.push_back(Arc::clone(&event));
                    self.publish_event(event);
                }
            }
        }
    }

    /// The place of the next event. What was left unpublished by somebody who was dropped is published first.
    async fn order(&self) -> MutexGuard<'_, Order> {
        let mut order = self.order.lock().await;
        if let Some(event) = order.unpublished.take() {
            self.publish_event(event);
        }
        order
    }

    /// Waits until everything appended so far is on disk.
    pub(crate) async fn durable(&self) -> Result<(), JournalError> {
        #[cfg(test)]
        if self.planted.is(crate::simulator::Bug::StartNotAwaited) {
            return Ok(());
        }
        let began = Instant::now();
        self.journal.durable().await?;
        tracing::debug!(elapsed_ms = millis(began.elapsed()), "journal is on disk");
        Ok(())
    }

    /// Publishes a piece of something, from which [`crate::deltas`] has taken secrets. Lost where nobody listens.
    pub(crate) fn delta(&self, scope: &Scope, body: DeltaBody, index: u32, text: &str) {
        if self.published.receiver_count() == 0 || text.is_empty() {
            return;
        }
        self.publish(Published::Delta(Arc::new(Delta {
            v: VERSION,
            after_seq: self.last_seen.load(Ordering::Relaxed),
            ts: self.clock.now(),
            session_id: self.session,
            scope: scope.clone(),
            body,
            index,
            text: text.to_owned(),
        })));
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> EventStream {
        let live = self.published.subscribe();
        let last = self.last_seen.load(Ordering::Relaxed);
        EventStream::new(self.session, Arc::clone(&self.journal), live, last)
    }

    /// Listens to everything after event `after`; from now on where there is no such event yet.
    #[must_use]
    pub fn subscribe_after(&self, after: u64) -> EventStream {
        // Live first: what is published while the journal is read comes both ways, and is given out once.
        let live = self.published.subscribe();
        let last = self.last_seen.load(Ordering::Relaxed);
        let stream = EventStream::new(self.session, Arc::clone(&self.journal), live, after.min(last));
        if after < last { stream.refilling() } else { stream }
    }

    /// How far the session is.
    pub(crate) fn standing(&self) -> SessionStanding {
        let round = self.round.load(Ordering::Relaxed);
        let last_seq = self.last_seen.load(Ordering::Relaxed);
        SessionStanding { last_seq, round: (round > 0).then_some(round) }
    }

    /// Every event of the session so far, those included that the journal did not take.
    pub(crate) async fn read_all(&self) -> Result<Vec<Event>, JournalError> {
        let mut events = self.journal.read(self.session, 0).await?;
        let order = self.order.lock().await;
        events.extend(order.unjournaled.iter().map(|event| Event::clone(event)));
        Ok(events)
    }

    fn event(&self, seq: u64, scope: &Scope, body: EventBody) -> Event {
        Event { v: VERSION, seq, ts: self.clock.now(), session_id: self.session, scope: scope.clone(), body }
    }

    fn publish_event(&self, event: Arc<Event>) {
        self.last_seen.store(event.seq, Ordering::Relaxed);
        let under_way = event.scope.round.filter(|_| !event.body.ends_round());
        self.round.store(under_way.unwrap_or_default(), Ordering::Relaxed);
        self.publish(Published::Event(event));
    }

    fn publish(&self, published: Published) {
        // An error means that nobody listens, which is nobody's fault.
        drop(self.published.send(published));
    }
}
