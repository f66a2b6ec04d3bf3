//! Listening to a session: live, and from the journal where the listener could not keep up.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use domain::{
    event::Event,
    id::SessionId,
    ports::{JournalError, JournalPort},
};
use tokio::sync::broadcast;

use crate::event_log::Published;

/// A listener's end: every event in order, without gaps; deltas as long as the listener keeps up.
pub struct EventStream {
    session: SessionId,
    journal: Arc<dyn JournalPort>,
    live: broadcast::Receiver<Published>,
    /// The last event that was given out.
    last: u64,
    /// What is being read of the journal. It stays here while nobody waits for it.
    refill: Option<Refill>,
    refilled: VecDeque<Event>,
}

type Refill = Pin<Box<dyn Future<Output = Result<Vec<Event>, JournalError>> + Send>>;

impl EventStream {
    /// Listens to what comes after event `last`.
    pub(crate) const fn new(
        session: SessionId,
        journal: Arc<dyn JournalPort>,
        live: broadcast::Receiver<Published>,
        last: u64,
    ) -> Self {
        Self { session, journal, live, last, refill: None, refilled: VecDeque::new() }
    }

    /// The next publication; none when the session has ended. Safe to drop: whoever leaves the wait and takes it up
    /// again misses nothing.
    ///
    /// # Errors
    /// Where the listener lagged and the journal cannot be read.
    pub async fn next(&mut self) -> Option<Result<Published, JournalError>> {
        loop {
            if let Some(event) = self.refilled.pop_front() {
                self.last = event.seq;
                return Some(Ok(Published::Event(Arc::new(event))));
            }
            if let Some(refill) = &mut self.refill {
                let missed = refill.await;
                self.refill = None;
                match missed {
                    Ok(missed) => self.refilled = missed.into(),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            }
            match self.live.recv().await {
                Ok(Published::Event(event)) if event.seq <= self.last => {}
                Ok(Published::Event(event)) => {
                    self.last = event.seq;
                    return Some(Ok(Published::Event(event)));
                }
                Ok(delta) => return Some(Ok(delta)),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let (journal, session, last) = (Arc::clone(&self.journal), self.session, self.last);
                    self.refill = Some(Box::pin(async move { journal.read(session, last).await }));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
