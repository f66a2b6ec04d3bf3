//! Listening to a session: live, and from the journal where the listener could not keep up, or came late.

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
    /// The journal holds events that were not read yet, or may.
    is_behind: bool,
    /// What is being read of it. It stays here while nobody waits for it.
    refill: Option<Refill>,
    /// At most [`EventStream::PAGE`].
    refilled: VecDeque<Event>,
    /// The last event that was read there: pieces from before it are pieces of what is whole by now.
    refilled_to: u64,
}

type Refill = Pin<Box<dyn Future<Output = Result<Vec<Event>, JournalError>> + Send>>;

impl EventStream {
    /// How many events are read of the journal at once: a listener holds no more than these.
    const PAGE: usize = 256;

    /// Listens to what comes after event `last`.
    pub(crate) const fn new(
        session: SessionId,
        journal: Arc<dyn JournalPort>,
        live: broadcast::Receiver<Published>,
        last: u64,
    ) -> Self {
        Self {
            session,
            journal,
            live,
            last,
            is_behind: false,
            refill: None,
            refilled: VecDeque::new(),
            refilled_to: 0,
        }
    }

    /// The same, where some of that stands in the journal already.
    pub(crate) const fn refilling(mut self) -> Self {
        self.is_behind = true;
        self
    }

    /// The next publication; none when the session has ended. Safe to drop: whoever leaves the wait and takes it up
    /// again misses nothing.
    ///
    /// # Errors
    /// Where events have to be read from the journal and cannot be.
    pub async fn next(&mut self) -> Option<Result<Published, JournalError>> {
        loop {
            if let Some(event) = self.refilled.pop_front() {
                self.last = event.seq;
                return Some(Ok(Published::Event(Arc::new(event))));
            }
            if self.is_behind {
                if let Err(error) = self.read_on().await {
                    return Some(Err(error));
                }
                continue;
            }
            match self.live.recv().await {
                Ok(Published::Event(event)) if event.seq <= self.last => {}
                Ok(Published::Event(event)) => {
                    self.last = event.seq;
                    return Some(Ok(Published::Event(event)));
                }
                Ok(Published::Delta(delta)) if delta.after_seq < self.refilled_to => {}
                Ok(delta) => return Some(Ok(delta)),
                Err(broadcast::error::RecvError::Lagged(_)) => self.is_behind = true,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Reads the next page of what was missed.
    async fn read_on(&mut self) -> Result<(), JournalError> {
        let refill = self.refill.get_or_insert_with(|| {
            let (journal, session, last) = (Arc::clone(&self.journal), self.session, self.last);
            Box::pin(async move { journal.read_some(session, last, Self::PAGE).await })
        });
        let page = refill.await;
        self.refill = None;
        self.is_behind = page.as_ref().is_ok_and(|page| page.len() == Self::PAGE);
        let page = page?;
        self.refilled_to = page.last().map_or(self.refilled_to, |event| event.seq);
        self.refilled = page.into();
        Ok(())
    }
}
