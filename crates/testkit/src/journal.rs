//! A journal in memory that checks the order of what it is given and knows what would survive a crash.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    event::Event,
    id::SessionId,
    ports::{JournalError, JournalPort},
};

use crate::{
    violations::Violations,
    wait::{Gate, Level},
};

/// A journal in memory. An event out of its session's order is refused and reported as a violation.
#[derive(Debug)]
pub struct MemoryJournal {
    state: Mutex<State>,
    appended: Level,
    /// How many appends have come to a shut gate.
    held: Level,
    violations: Violations,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their arrival, all sessions.
    events: Vec<Arc<Event>>,
    last: HashMap<SessionId, u64>,
    /// How many of `events` are on disk.
    on_disk: usize,
    durable_points: Vec<usize>,
    appends_tried: usize,
    waits_for_disk: usize,
    fail_from: Option<usize>,
    fail_durable_from: Option<usize>,
    hold_from: Option<(usize, Gate)>,
    hold_durable: Option<Gate>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            appended: Level::default(),
            held: Level::default(),
            violations: Violations::watched_by("the journal"),
        }
    }
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A journal that already holds `events` on disk, as a resumed session finds it.
    ///
    /// # Panics
    /// Where the events of a session are not 1, 2, 3, ...
    #[must_use]
    pub fn holding(events: impl IntoIterator<Item = Event>) -> Self {
        let journal = Self::new();
        for event in events {
            journal.take(Arc::new(event)).expect("a journal begins in order");
        }
        journal.settle();
        journal
    }

    /// A journal of which rows were lost: it holds `events` on disk, and goes on after the last of them.
    #[must_use]
    pub fn with_what_is_left(events: impl IntoIterator<Item = Event>) -> Self {
        let journal = Self::new();
        {
            let mut state = journal.state.lock().unwrap();
            for event in events {
                state.last.insert(event.session_id, event.seq);
                state.events.push(Arc::new(event));
            }
        }
        journal.settle();
        journal
    }

    /// Makes the `nth` append (from 1, of all sessions) and everything after it fail, as on a full disk.
    pub fn fail_from(&self, nth: usize) {
        self.state.lock().unwrap().fail_from = Some(nth);
    }

    /// Makes the `nth` wait for the disk (from 1), every later one and every later append fail. What was not on
    /// disk yet is lost.
    pub fn fail_durable_from(&self, nth: usize) {
        self.state.lock().unwrap().fail_durable_from = Some(nth);
    }

    /// Makes the `nth` append (from 1) and those after it wait until the gate is opened, as on a full queue.
    pub fn hold_from(&self, nth: usize) -> Gate {
        let gate = Gate::shut();
        self.state.lock().unwrap().hold_from = Some((nth, gate.clone()));
        gate
    }

    /// Waits until an append is held by [`Self::hold_from`].
    ///
    /// # Panics
    /// After [`crate::wait::BOUND`] of real time.
    pub async fn wait_until_held(&self) {
        self.held.wait_until("an append to be held", |held| held > 0).await;
    }

    /// Makes every wait for the disk wait until the gate is opened.
    pub fn hold_durable(&self) -> Gate {
        let gate = Gate::shut();
        self.state.lock().unwrap().hold_durable = Some(gate.clone());
        gate
    }

    /// Everything that was appended, in order, all sessions.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.state.lock().unwrap().events.clone()
    }

    /// Looks at everything that was appended, in order, and at how many of it are on disk, without a copy.
    pub fn look<T>(&self, look: impl FnOnce(&[Arc<Event>], usize) -> T) -> T {
        let state = self.state.lock().unwrap();
        look(&state.events, state.on_disk)
    }

    /// What would be there after the machine lost its power now.
    #[must_use]
    pub fn events_on_disk(&self) -> Vec<Arc<Event>> {
        let state = self.state.lock().unwrap();
        state.events[..state.on_disk].to_vec()
    }

    /// How many events (of all sessions) were on disk after each wait for it, in order.
    #[must_use]
    pub fn durable_points(&self) -> Vec<usize> {
        self.state.lock().unwrap().durable_points.clone()
    }

    /// Waits until an event satisfies `wanted`, and returns the first that does.
    ///
    /// # Panics
    /// After [`crate::wait::BOUND`] of real time; the message names `what`.
    pub async fn wait_for(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Arc<Event> {
        let find = || self.events().into_iter().find(|event| wanted(event));
        self.appended.wait_until(what, |_| find().is_some()).await;
        find().expect("events are never taken back")
    }

    /// What was out of order, for a test that provoked it.
    pub fn take_violations(&self) -> Vec<String> {
        self.violations.take()
    }

    fn take(&self, event: Arc<Event>) -> Result<(), JournalError> {
        {
            let mut state = self.state.lock().unwrap();
            let last = state.last.entry(event.session_id).or_default();
            if event.seq != *last + 1 {
                let violation = format!(
                    "seq {} after {last} in session {}: {:?}",
                    event.seq, event.session_id, event.body
                );
                drop(state);
                self.violations.report(violation.clone());
                return Err(refusal("write", violation));
            }
            *last = event.seq;
            state.events.push(event);
        }
        self.appended.raise();
        Ok(())
    }

    fn settle(&self) {
        let mut state = self.state.lock().unwrap();
        state.on_disk = state.events.len();
    }
}

fn refusal(doing: &'static str, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> JournalError {
    JournalError::Store { doing, place: "in memory".to_owned(), source: reason.into() }
}

#[async_trait]
impl JournalPort for MemoryJournal {
    async fn append(&self, event: Arc<Event>) -> Result<(), JournalError> {
        let (nth, gate) = {
            let mut state = self.state.lock().unwrap();
            state.appends_tried += 1;
            let nth = state.appends_tried;
            let gate =
                state.hold_from.as_ref().filter(|(from, _)| nth >= *from).map(|(_, gate)| gate.clone());
            (nth, gate)
        };
        if let Some(gate) = gate {
            self.held.raise();
            gate.pass().await;
        }
        if self.state.lock().unwrap().fail_from.is_some_and(|from| nth >= from) {
            return Err(refusal("write", "no space left (a fault on request)"));
        }
        self.take(event)
    }

    async fn durable(&self) -> Result<(), JournalError> {
        let gate = self.state.lock().unwrap().hold_durable.clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        let mut state = self.state.lock().unwrap();
        state.waits_for_disk += 1;
        if state.fail_durable_from.is_some_and(|from| state.waits_for_disk >= from) {
            state.fail_from = Some(0);
        }
        let already_failed = state.fail_from.is_some_and(|from| state.appends_tried >= from);
        if already_failed {
            return Err(refusal("write", "no space left (a fault on request)"));
        }
        state.on_disk = state.events.len();
        let on_disk = state.on_disk;
        state.durable_points.push(on_disk);
        Ok(())
    }

    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<Event>, JournalError> {
        let state = self.state.lock().unwrap();
        if !state.last.contains_key(&session) {
            return Err(JournalError::NoSession(session));
        }
        let of_session = state.events.iter().filter(|event| event.session_id == session && event.seq > after);
        Ok(of_session.map(|event| Event::clone(event)).collect())
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        event::{EventBody, Scope, VERSION},
        id::Ulid,
        time::Timestamp,
    };

    use super::*;

    fn event(session: u128, seq: u64) -> Event {
        Event {
            v: VERSION,
            seq,
            ts: Timestamp::from_micros(seq),
            session_id: SessionId::new(Ulid::from_parts(1, session)),
            scope: Scope::default(),
            body: EventBody::MessageQueued { text: format!("{session}/{seq}") },
        }
    }

    async fn append(journal: &MemoryJournal, session: u128, seq: u64) -> Result<(), String> {
        journal.append(Arc::new(event(session, seq))).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn events_of_a_session_are_read_in_order_after_a_number() {
        let journal = MemoryJournal::new();
        for (session, seq) in [(1, 1), (2, 1), (1, 2), (1, 3)] {
            append(&journal, session, seq).await.unwrap();
        }
        let session = event(1, 1).session_id;
        assert_eq!(journal.read(session, 1).await.unwrap(), [event(1, 2), event(1, 3)]);
        let unknown = journal.read(event(9, 1).session_id, 0).await;
        assert!(matches!(unknown, Err(JournalError::NoSession(_))), "{unknown:?}");
    }

    #[tokio::test]
    async fn a_gap_or_a_repetition_is_refused_and_reported() {
        let journal = MemoryJournal::new();
        append(&journal, 1, 1).await.unwrap();
        append(&journal, 1, 3).await.unwrap_err();
        append(&journal, 1, 1).await.unwrap_err();
        assert_eq!(journal.take_violations().len(), 2);
        assert_eq!(journal.events().len(), 1);
    }

    #[tokio::test]
    async fn a_journal_that_lost_rows_goes_on_after_its_last_one() {
        let journal = MemoryJournal::with_what_is_left([event(1, 1), event(1, 4)]);
        append(&journal, 1, 5).await.unwrap();
        let seen = journal.look(|events, on_disk| (events.iter().map(|event| event.seq).collect(), on_disk));
        assert_eq!(seen, (vec![1, 4, 5], 2));
    }

    #[tokio::test]
    async fn only_what_was_awaited_survives() {
        let journal = MemoryJournal::holding([event(1, 1)]);
        append(&journal, 1, 2).await.unwrap();
        journal.durable().await.unwrap();
        append(&journal, 1, 3).await.unwrap();
        assert_eq!(journal.events_on_disk().len(), 2);
        assert_eq!(journal.durable_points(), [2]);
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_is_taken_any_more() {
        let journal = MemoryJournal::new();
        journal.fail_from(2);
        append(&journal, 1, 1).await.unwrap();
        journal.durable().await.unwrap();
        append(&journal, 1, 2).await.unwrap_err();
        append(&journal, 1, 2).await.unwrap_err();
        journal.durable().await.unwrap_err();
        assert_eq!(journal.events_on_disk().len(), 1);
    }

    #[tokio::test]
    async fn a_disk_that_fails_ends_the_journal() {
        let journal = MemoryJournal::new();
        journal.fail_durable_from(1);
        append(&journal, 1, 1).await.unwrap();
        journal.durable().await.unwrap_err();
        append(&journal, 1, 2).await.unwrap_err();
        assert_eq!(journal.events_on_disk(), []);
    }

    #[tokio::test]
    async fn an_append_that_is_dropped_while_it_waits_leaves_nothing() {
        let journal = MemoryJournal::new();
        let gate = journal.hold_from(1);
        tokio::select! {
            biased;
            _ = append(&journal, 1, 1) => panic!("the gate was shut"),
            () = tokio::task::yield_now() => {}
        }
        gate.open();
        append(&journal, 1, 1).await.unwrap();
        assert_eq!(journal.events().len(), 1);
    }

    #[tokio::test]
    async fn a_test_can_wait_for_an_event() {
        let journal = Arc::new(MemoryJournal::new());
        let writer = Arc::clone(&journal);
        let writing = tokio::spawn(async move {
            append(&writer, 1, 1).await.unwrap();
            append(&writer, 1, 2).await.unwrap();
        });
        let second = journal.wait_for("the second event", |event| event.seq == 2).await;
        assert_eq!(*second, event(1, 2));
        writing.await.unwrap();
    }
}
