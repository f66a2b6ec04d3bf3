//! The clock, the ids and the chance of a real run.

use std::{sync::Mutex, sync::PoisonError, time::SystemTime};

use domain::{
    id::Ulid,
    ports::{Clock, IdSource},
    time::Timestamp,
};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// ULIDs from the system's clock and random numbers. Within a millisecond, and where the clock goes back, they go
/// on counting, so that a later id always sorts after an earlier one.
#[derive(Debug, Default)]
pub struct RandomIds {
    last: Mutex<u128>,
}

impl IdSource for RandomIds {
    fn next(&self) -> Ulid {
        let milliseconds = Timestamp::from(SystemTime::now()).as_micros() / 1000;
        let fresh = Ulid::from_parts(milliseconds, random()).0;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same_millisecond = fresh >> RANDOM_BITS <= *last >> RANDOM_BITS;
        *last = if is_same_millisecond { *last + 1 } else { fresh };
        Ulid(*last)
    }
}

/// The bits of a ULID below its milliseconds.
const RANDOM_BITS: u32 = 80;

fn random() -> u128 {
    let mut bytes = [0; 16];
    // Where the system has no random numbers, ids still count up within the process; they are no secrets.
    if getrandom::fill(&mut bytes).is_err() {
        return u128::from(std::process::id());
    }
    u128::from_le_bytes(bytes)
}

/// A number from 0 up to 1, each as likely as any other. Where the system has no random numbers it is always the middle.
pub(crate) fn random_fraction() -> f64 {
    let mut bytes = [0; 4];
    if getrandom::fill(&mut bytes).is_err() {
        return 0.5;
    }
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow() {
        let ids = RandomIds::default();
        let given: Vec<Ulid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(given.windows(2).all(|pair| pair[0] < pair[1]));
        assert_ne!(RandomIds::default().next(), RandomIds::default().next());
    }

    #[test]
    fn chance_is_spread_from_0_up_to_1() {
        let given: Vec<f64> = (0..1_000).map(|_| random_fraction()).collect();
        assert!(given.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        assert!(
            given.iter().any(|fraction| *fraction < 0.25) && given.iter().any(|fraction| *fraction > 0.75)
        );
    }
}
