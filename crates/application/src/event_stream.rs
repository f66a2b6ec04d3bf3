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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{
        event::{DeltaBody, EventBody, Scope, VERSION},
        id::{RequestId, Ulid},
        secret::Redactor,
        time::Timestamp,
    };
    use testkit::{FakeClock, MemoryJournal, wait};

    use super::*;
    use crate::event_log::EventLog;

    fn session() -> SessionId {
        SessionId::new(Ulid::from_parts(1, 1))
    }

    fn body() -> EventBody {
        EventBody::Notice { code: "test".to_owned(), text: "가".to_owned() }
    }

    fn event(seq: u64) -> Event {
        let (v, ts, scope) = (VERSION, Timestamp::from_micros(seq), Scope::default());
        Event { v, seq, ts, session_id: session(), scope, body: body() }
    }

    /// A session with so many events.
    fn log(events: u64) -> EventLog {
        let journal = Arc::new(MemoryJournal::holding((1..=events).map(event)));
        EventLog::new(
            session(),
            events,
            journal,
            Arc::new(FakeClock::still()),
            Arc::new(Redactor::new(Vec::new())),
        )
    }

    async fn seqs(stream: &mut EventStream, count: u64) -> Vec<u64> {
        let mut seqs = Vec::new();
        for _ in 0..count {
            match wait::bounded("an event", stream.next()).await {
                Some(Ok(Published::Event(event))) => seqs.push(event.seq),
                other => panic!("no event: {other:?}"),
            }
        }
        seqs
    }

    /// Longer than a page and than the live queue, and more comes while it is read.
    #[tokio::test]
    async fn whoever_comes_late_hears_everything_after_their_place_once() {
        for after in [0, 1, 255, 256, 257, 999, 1_000] {
            let log = log(1_000);
            let mut stream = log.subscribe_after(after);
            let half = (1_000 - after) / 2;
            let mut heard = seqs(&mut stream, half).await;
            for _ in 0..300 {
                log.append(&Scope::default(), body()).await.unwrap();
            }
            heard.extend(seqs(&mut stream, 1_300 - after - half).await);
            assert_eq!(heard, (after + 1..=1_300).collect::<Vec<_>>());
            log.append(&Scope::default(), body()).await.unwrap();
            assert_eq!(seqs(&mut stream, 1).await, [1_301]);
            drop(log);
            assert!(stream.next().await.is_none(), "the session has ended");
        }
    }

    #[tokio::test]
    async fn a_place_that_is_still_to_come_is_now() {
        let log = log(3);
        let mut stream = log.subscribe_after(100);
        log.append(&Scope::default(), body()).await.unwrap();
        assert_eq!(seqs(&mut stream, 1).await, [4]);
    }

    /// Pieces of what the journal holds whole by now would only confuse.
    #[tokio::test]
    async fn pieces_from_before_what_was_read_again_are_left_out() {
        let log = log(1);
        let mut stream = log.subscribe_after(1);
        let request_id = RequestId::new(Ulid::from_parts(1, 1));
        let piece = |text| log.delta(&Scope::default(), DeltaBody::TextDelta { request_id }, 0, text);
        for _ in 0..200 {
            piece("옛");
            log.append(&Scope::default(), body()).await.unwrap();
        }
        assert_eq!(seqs(&mut stream, 200).await, (2..=201).collect::<Vec<_>>());
        piece("새");
        match stream.next().await {
            Some(Ok(Published::Delta(delta))) => assert_eq!(delta.text, "새"),
            other => panic!("{other:?}"),
        }
    }
}
