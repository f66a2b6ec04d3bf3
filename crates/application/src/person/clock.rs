//! Time that stands still while the person is asked (spec O-9): a worker is not to blame for how long they think.
//!
//! The times of a whole round and of a single command go on meanwhile: they are the person's own limits.

use std::time::Duration;

use tokio::time::Instant;

/// How long work has stood still.
#[derive(Debug, Default)]
pub(crate) struct StandingTime {
    /// Since when it stands still; none: it goes on.
    since: Option<Instant>,
    /// How long it stood still before that.
    before: Duration,
}

impl StandingTime {
    /// Notes whether work stands still from now on.
    pub(crate) fn note(&mut self, stands: bool) {
        match (self.since, stands) {
            (None, true) => self.since = Some(Instant::now()),
            (Some(since), false) => {
                self.before += since.elapsed();
                self.since = None;
            }
            _ => {}
        }
    }

    /// Whether work stands still now.
    pub(crate) const fn stands(&self) -> bool {
        self.since.is_some()
    }

    /// How long it did, all in all.
    pub(crate) fn total(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
