//! Waiting for a state instead of sleeping, with a bound in real time.
//!
//! The bound is kept by a thread of its own, not by tokio's timers: under paused time a tokio timeout would be the
//! next timer to fire whenever the code under test is idle.

use std::{
    future::Future,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::sync::{oneshot, watch};

/// How long a test waits for a state before it fails, in real time.
pub const BOUND: Duration = Duration::from_secs(20);

/// Waits for `future`, at most [`BOUND`].
///
/// # Panics
/// When the bound has passed; the message names `what`.
pub async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    let (waiting, still_waiting) = mpsc::channel::<()>();
    let (too_late, late) = oneshot::channel::<()>();
    thread::spawn(move || {
        if still_waiting.recv_timeout(BOUND) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Nobody listens where the wait ended in this very moment.
            too_late.send(()).unwrap_or_default();
        }
    });
    let value = tokio::select! {
        biased;
        value = future => value,
        Ok(()) = late => panic!("waited {BOUND:?} for {what}"),
    };
    drop(waiting);
    value
}

/// A count that can be waited on.
#[derive(Debug, Clone)]
pub struct Level(watch::Sender<usize>);

impl Default for Level {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Level {
    /// Adds one.
    pub fn raise(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Adds one until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> Inside {
        self.raise();
        Inside(self.clone())
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until the count satisfies `reached`, at most [`BOUND`], and returns it.
    ///
    /// # Panics
    /// When the bound has passed; the message names `what`.
    pub async fn wait_until(&self, what: &str, reached: impl Fn(usize) -> bool) -> usize {
        let mut count = self.0.subscribe();
        let found = bounded(what, count.wait_for(|count| reached(*count))).await;
        *found.expect("the sender lives as long as `self`")
    }
}

/// One unit of a [`Level`], given back on drop.
#[derive(Debug)]
pub struct Inside(Level);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// A door that a test holds shut while it looks around. Clones are the same door.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A door that is shut.
    #[must_use]
    pub fn shut() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everyone pass, from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the door is open. Never returns where nobody opens it.
    pub async fn pass(&self) {
        let mut open = self.0.subscribe();
        open.wait_for(|open| *open).await.expect("the sender lives as long as `self`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_state_is_awaited_across_hours_of_paused_time() {
        let level = Level::default();
        let raised = level.clone();
        let later = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(7200)).await;
            raised.raise();
        });
        assert_eq!(level.wait_until("one", |count| count == 1).await, 1);
        later.await.unwrap();
    }

    #[tokio::test]
    async fn a_level_falls_when_its_guard_is_dropped() {
        let level = Level::default();
        let inside = level.enter();
        assert_eq!(level.get(), 1);
        drop(inside);
        assert_eq!(level.get(), 0);
    }

    #[tokio::test]
    async fn a_gate_holds_until_it_is_opened() {
        let gate = Gate::shut();
        let door = gate.clone();
        let mut passing = tokio::spawn(async move { door.pass().await });
        tokio::select! {
            biased;
            _ = &mut passing => panic!("the gate was shut"),
            () = tokio::task::yield_now() => gate.open(),
        }
        bounded("the gate", passing).await.unwrap();
    }
}
