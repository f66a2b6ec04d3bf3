//! The one source of chance in a simulation. The same seed gives the same throws.

use std::{sync::Mutex, time::Duration};

use crate::locking::lock;

/// Throws in the order they are asked for (SplitMix64: <https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug)]
pub(super) struct Dice(Mutex<u64>);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    fn throw(&self) -> u64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0, below `end`.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.throw() % end.max(1)
    }

    /// A number from `first` to `last`.
    pub(super) fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// Whether something happens that does so many times in a thousand.
    pub(super) fn permille(&self, often: u64) -> bool {
        self.below(1_000) < often
    }

    /// Whether something happens that does so many times in a hundred.
    pub(super) fn percent(&self, often: u64) -> bool {
        self.below(100) < often
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&self, things: &'a [T]) -> &'a T {
        &things[self.index(things.len())]
    }

    /// A place in a list of this length.
    pub(super) fn index(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// A time between two, in milliseconds.
    pub(super) fn millis(&self, shortest: u64, longest: u64) -> Duration {
        Duration::from_millis(self.between(shortest, longest))
    }
}
