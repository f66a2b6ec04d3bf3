//! A wall clock that somebody sets while the session is under way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{ports::Clock, time::Timestamp};
use testkit::FakeClock;

use super::super::{faults::Fault, world::World};
use crate::locking::lock;

/// Goes along with the runtime's time, and jumps.
pub(in crate::simulator) struct SimulatedClock {
    world: Arc<World>,
    runtime: FakeClock,
    /// How far it was set forth.
    forth: Mutex<Duration>,
    /// How far it was set back.
    back: Mutex<Duration>,
}

impl SimulatedClock {
    /// Begins at the time it has on the present runtime.
    pub(in crate::simulator) fn new(world: &Arc<World>) -> Self {
        let runtime = FakeClock::following_runtime();
        Self { world: Arc::clone(world), runtime, forth: Mutex::default(), back: Mutex::default() }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let jump = || self.world.dice.millis(1, 7_200_000);
        if self.world.brings(Fault::ClockForth) {
            *lock(&self.forth) += jump();
        }
        if self.world.brings(Fault::ClockBack) {
            *lock(&self.back) += jump();
        }
        let forth = self.runtime.now().plus(*lock(&self.forth)).as_micros();
        let back = u64::try_from(lock(&self.back).as_micros()).unwrap_or(u64::MAX);
        Timestamp::from_micros(forth.saturating_sub(back))
    }
}
