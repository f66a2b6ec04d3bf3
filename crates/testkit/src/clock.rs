//! Time and ids that come out the same at every run.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{
    id::Ulid,
    ports::{Clock, IdSource},
    time::Timestamp,
};
use tokio::time::Instant;

/// 2026-01-01T00:00:00Z, where fake time begins.
const BEGINNING: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A wall clock that a test sets.
#[derive(Debug)]
pub struct FakeClock {
    now: Mutex<Timestamp>,
    step: Duration,
    follows: Option<Instant>,
}

impl FakeClock {
    /// Stands still at 2026-01-01T00:00:00Z until it is moved.
    #[must_use]
    pub fn still() -> Self {
        Self { now: Mutex::new(BEGINNING), step: Duration::ZERO, follows: None }
    }

    /// Goes on by `step` with every look, so that no two readings are the same.
    #[must_use]
    pub fn stepping(step: Duration) -> Self {
        Self { step, ..Self::still() }
    }

    /// Goes along with tokio's time, paused or not.
    #[must_use]
    pub fn following_runtime() -> Self {
        Self { follows: Some(Instant::now()), ..Self::still() }
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.plus(duration);
    }

    /// Puts the clock at `time`, backwards too.
    pub fn set(&self, time: Timestamp) {
        *self.now.lock().unwrap() = time;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let mut now = self.now.lock().unwrap();
        let read = *now;
        *now = now.plus(self.step);
        self.follows.map_or(read, |start| read.plus(start.elapsed()))
    }
}

/// Ids 1, 2, 3, ...; all of one millisecond.
#[derive(Debug, Default)]
pub struct SequentialIds {
    given: AtomicU64,
}

impl SequentialIds {
    /// Starts at 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts after `given`, for a second engine that must not meet the ids of the first.
    #[must_use]
    pub fn after(given: u64) -> Self {
        Self { given: AtomicU64::new(given) }
    }
}

impl IdSource for SequentialIds {
    fn next(&self) -> Ulid {
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        Ulid::from_parts(BEGINNING.as_micros() / 1000, u128::from(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_clock_moves_only_when_it_is_moved() {
        let clock = FakeClock::still();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.000000Z");
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:01.500000Z");
    }

    #[test]
    fn a_stepping_clock_gives_no_time_twice() {
        let clock = FakeClock::stepping(Duration::from_micros(1));
        assert!(clock.now() < clock.now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_following_clock_goes_along_with_paused_time() {
        let clock = FakeClock::following_runtime();
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now().since(before), Duration::from_secs(60));
    }

    #[test]
    fn ids_sort_in_the_order_they_were_given() {
        let ids = SequentialIds::new();
        let given: Vec<Ulid> = (0..100).map(|_| ids.next()).collect();
        assert!(given.is_sorted_by(|a, b| a < b));
        assert_eq!(SequentialIds::after(2).next(), given[2]);
    }
}
