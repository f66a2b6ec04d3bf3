//! Work on files that may take long, away from the threads that serve everyone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{ports::Cancelled, tool::ToolOutcome};

use crate::tool::cancelled as cancelled_outcome;

/// Whether the work should end early. Looked at between files and between pieces of a file.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether to end now.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Stops the work when nobody waits for it any more.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// What becomes of the result of work that was cancelled meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effects {
    /// It only looked: the call is `cancelled`.
    None,
    /// It changed something or did not: the call says which.
    Possible,
}

/// Runs `work` on a thread that may block. Where `cancelled` comes first, `work` is told to stop and awaited; work
/// that had not begun by then does not begin.
pub(crate) async fn off_thread(
    mut cancelled: Cancelled,
    effects: Effects,
    work: impl FnOnce(&Stop) -> ToolOutcome + Send + 'static,
) -> ToolOutcome {
    tokio::select! {
        biased;
        () = &mut cancelled => return cancelled_outcome(),
        () = std::future::ready(()) => {}
    }
    let stop = Stop::default();
    let guard = StopOnDrop(stop.clone());
    let mut working = tokio::task::spawn_blocking(move || work(&stop));
    let result = tokio::select! {
        result = &mut working => result,
        () = &mut cancelled => {
            guard.0.set();
            let result = working.await;
            if effects == Effects::None {
                return cancelled_outcome();
            }
            result
        }
    };
    result.unwrap_or_else(|error| ToolOutcome::error(format!("the tool itself failed: {error}")))
}

/// Looks at files on a thread that may block, for someone who waits; none where the look itself failed.
pub(crate) async fn look_off_thread<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
    look: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Option<T> {
    let looked = tokio::task::spawn_blocking(look).await;
    let looked = looked.map_err(|error| tracing::error!(%error, "a look at files failed")).ok()?;
    // The call itself will say so.
    looked.map_err(|error| tracing::debug!(%error, "there is nothing to preview")).ok()
}

#[cfg(test)]
mod tests {
    use domain::{ports::never_cancelled, tool::ToolStatus};

    use super::*;

    fn waits_for_stop(stop: &Stop) -> ToolOutcome {
        while !stop.is_set() {
            std::thread::yield_now();
        }
        ToolOutcome::ok("stopped")
    }

    #[tokio::test]
    async fn a_cancelled_look_is_told_to_stop_and_is_awaited() {
        let (cancel, cancelled) = tokio::sync::oneshot::channel::<()>();
        let cancelled = Box::pin(async { drop(cancelled.await) });
        let outcome = off_thread(cancelled, Effects::None, move |stop| {
            cancel.send(()).expect("someone waits");
            waits_for_stop(stop)
        })
        .await;
        assert_eq!(outcome.status, ToolStatus::Cancelled);
    }

    #[tokio::test]
    async fn a_cancelled_change_says_what_became_of_it() {
        let (cancel, cancelled) = tokio::sync::oneshot::channel::<()>();
        let cancelled = Box::pin(async { drop(cancelled.await) });
        let outcome = off_thread(cancelled, Effects::Possible, move |stop| {
            cancel.send(()).expect("someone waits");
            waits_for_stop(stop)
        })
        .await;
        assert_eq!(outcome, ToolOutcome::ok("stopped"));
    }

    #[tokio::test]
    async fn work_that_was_cancelled_before_does_not_begin() {
        let outcome =
            off_thread(Box::pin(std::future::ready(())), Effects::Possible, |_| ToolOutcome::ok("ran")).await;
        assert_eq!(outcome.status, ToolStatus::Cancelled);
    }

    #[tokio::test]
    async fn dropping_the_wait_stops_the_work() {
        let (started, has_started) = tokio::sync::oneshot::channel::<()>();
        let (ended, has_ended) = tokio::sync::oneshot::channel::<()>();
        let waiting = off_thread(never_cancelled(), Effects::None, move |stop| {
            started.send(()).expect("someone waits");
            let outcome = waits_for_stop(stop);
            ended.send(()).expect("someone waits");
            outcome
        });
        tokio::select! {
            outcome = waiting => panic!("ended by itself: {outcome:?}"),
            started = has_started => started.expect("it started"),
        }
        has_ended.await.expect("the work ended after its wait was dropped");
    }
}
