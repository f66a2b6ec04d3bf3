//! Which of several models are out, and until when: decisions without waiting.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// For so long a model that is out is left alone, where it does not ask for longer.
pub(super) const REST: Duration = Duration::from_secs(300);

/// Until when models are left alone, by their place in the order. Bounded by the models there are.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<BTreeMap<usize, Instant>>);

impl Standing {
    /// The first of `count` models that is not out; the very first where all are.
    pub(super) fn present(&self, count: usize, now: Instant) -> usize {
        (0..count).find(|at| !self.rests(*at, now)).unwrap_or_default()
    }

    /// The model that a request which begins now is asked of, and whether all are out. One whose rest is over is tried by
    /// this request alone: others stay away until it has answered.
    pub(super) fn begin(&self, count: usize, now: Instant) -> (usize, bool) {
        let mut resting = self.resting();
        let rests = |at: &usize| resting.get(at).is_some_and(|until| now < *until);
        let present = (0..count).find(|at| !rests(at));
        let at = present.unwrap_or_default();
        if let Some(until) = resting.get_mut(&at) {
            *until = (*until).max(now + REST);
        }
        (at, present.is_none())
    }

    /// Whether a model is left alone.
    pub(super) fn rests(&self, at: usize, now: Instant) -> bool {
        self.resting().get(&at).is_some_and(|until| now < *until)
    }

    /// A model is out.
    pub(super) fn out(&self, at: usize, now: Instant, rest: Duration) {
        self.resting().insert(at, now.checked_add(rest).unwrap_or(now + REST));
    }

    /// A model has answered.
    pub(super) fn answered(&self, at: usize) {
        self.resting().remove(&at);
    }

    /// Locked for lines that do not panic.
    fn resting(&self) -> MutexGuard<'_, BTreeMap<usize, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
