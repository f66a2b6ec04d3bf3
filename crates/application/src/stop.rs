//! Ending something from outside, with the reason why, and how long what ends may take for it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    outcome::{Ending, LimitReason, Signal},
    ports::Cancelled,
    workspace::WorkspaceError,
};
use futures_util::future::try_join;
use tokio_util::sync::CancellationToken;

/// How long a look at the files may go on after a stop.
const LAST_LOOK: Duration = Duration::from_secs(5);
/// How long what was started may take to end by itself after a stop, before it is dropped.
const GRACE: Duration = Duration::from_secs(5);
/// What a round has for its end, all in all, where a person waits for it.
const ASKED: Duration = Duration::from_secs(10);
/// The same where the machine or the terminal goes away: the program is gone within five seconds (reliability 1.5).
const TAKEN_AWAY: Duration = Duration::from_secs(2);
/// The same where nobody asked for it: a limit, an end that the round's own rules brought.
const BY_ITSELF: Duration = Duration::from_secs(60);
/// What is left of it once somebody has asked twice.
const HURRIED: Duration = Duration::from_secs(1);

/// How long the disk has for the session's record after a round.
const SAVE: Duration = Duration::from_secs(10);
/// The same where the end has to be quick.
const QUICK_SAVE: Duration = Duration::from_millis(500);

/// A signal that ends a round, a run or a call, and everything below it. The first reason given stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopSignal {
    token: CancellationToken,
    ending: Arc<OnceLock<Ending>>,
    parent: Option<Arc<StopSignal>>,
    haste: Arc<Haste>,
}

/// Whether a round's end has to be quick. Shared by everything in the round.
#[derive(Debug, Default)]
struct Haste {
    /// Somebody asked for the end.
    is_asked: AtomicBool,
    /// Polite endings are not waited for any more.
    token: CancellationToken,
}

impl StopSignal {
    /// A signal for something that belongs to this one's owner: it stops with it, and may stop before.
    pub(crate) fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
            ending: Arc::default(),
            parent: Some(Arc::new(self.clone())),
            haste: Arc::clone(&self.haste),
        }
    }

    /// Somebody asks for the end, because of `ending`. Who asks again does not want to wait for a polite one, and where
    /// the machine goes away there is no time for one that is under way for another reason.
    pub(crate) fn ask(&self, ending: Ending) {
        let is_late = self.ending().is_some() && is_taken_away(ending);
        self.trigger(ending);
        if self.haste.is_asked.swap(true, Ordering::Relaxed) || is_late {
            self.haste.token.cancel();
        }
    }

    /// Stops, because of `ending`.
    pub(crate) fn trigger(&self, ending: Ending) {
        // The first reason stands: an error here means that there is one.
        if self.ending.set(ending).is_ok() {
            self.token.cancel();
        }
    }

    /// Why it stopped; none while it did not.
    pub(crate) fn ending(&self) -> Option<Ending> {
        if !self.token.is_cancelled() {
            return None;
        }
        let own = self.ending.get().copied();
        own.or_else(|| self.parent.as_ref().and_then(|parent| parent.ending()))
    }

    /// Waits until it stops.
    pub(crate) async fn stopped(&self) -> Ending {
        self.token.cancelled().await;
        // A cancelled token always has a reason, its own or an ancestor's, because only `trigger` cancels.
        self.ending().unwrap_or(Ending::Interrupted)
    }

    /// Whether polite endings are not waited for any more.
    pub(crate) fn is_hurried(&self) -> bool {
        self.haste.token.is_cancelled()
    }

    /// Waits until a round that stops has had all the time there is for its end. When that runs out, the end is hurried
    /// first; a moment later this resolves.
    pub(crate) async fn overdue(&self) {
        let patience = match self.stopped().await {
            ending if is_taken_away(ending) => TAKEN_AWAY,
            Ending::Cancelled(Signal::Interrupt) | Ending::Stopped => ASKED,
            _ => BY_ITSELF,
        };
        drop(tokio::time::timeout(patience, self.haste.token.cancelled()).await);
        self.haste.token.cancel();
        tokio::time::sleep(HURRIED).await;
    }

    /// Does `work`. Where it is not done when `time_is_up`, `say` says so and everything stops with `limit/time`; the work
    /// is waited for, because it ends by itself.
    pub(crate) async fn in_time<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>>,
        time_is_up: impl Future<Output = ()>,
        say: impl Future<Output = Result<(), E>>,
    ) -> Result<T, E> {
        tokio::pin!(work);
        tokio::select! {
            biased;
            end = &mut work => return end,
            () = time_is_up => {}
        }
        let stopping = async {
            // What ends already reaches no limit any more.
            if self.ending().is_none() {
                say.await?;
                self.trigger(Ending::Limit(LimitReason::Time));
            }
            Ok(())
        };
        // Side by side: the work may hold the journal in this moment.
        let ((), end) = try_join(stopping, work).await?;
        Ok(end)
    }

    /// Waits for what ends by itself after a stop, for a moment only; none where it has to be dropped.
    pub(crate) async fn in_grace<T>(&self, ending: impl Future<Output = T>) -> Option<T> {
        let over = async {
            self.stopped().await;
            drop(tokio::time::timeout(GRACE, self.haste.token.cancelled()).await);
        };
        tokio::select! {
            biased;
            ended = ending => Some(ended),
            () = over => None,
        }
    }

    /// Saves the session after a round, within the time that its end left.
    ///
    /// # Errors
    /// What could not be saved, in words for people.
    pub(crate) async fn in_time_to_save(
        &self,
        saving: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        let is_short = self.is_hurried() || self.ending().is_some_and(is_taken_away);
        let patience = if is_short { QUICK_SAVE } else { SAVE };
        let late =
            |_| Err(format!("the disk took more than {} ms for the session's record", patience.as_millis()));
        tokio::time::timeout(patience, saving).await.unwrap_or_else(late)
    }

    /// Looks at the files, not much longer than until this stops: what hangs there holds no end up.
    pub(crate) async fn bound<T>(
        &self,
        look: impl Future<Output = Result<T, WorkspaceError>>,
    ) -> Result<T, WorkspaceError> {
        let late = async {
            self.stopped().await;
            tokio::time::timeout(LAST_LOOK, self.haste.token.cancelled()).await
        };
        tokio::select! {
            biased;
            seen = look => seen,
            hurried = late => Err(WorkspaceError {
                doing: "look at the files before the end".to_owned(),
                source: match hurried {
                    Ok(()) => "the end had to be quick".into(),
                    Err(_) => format!("it took more than {} s after the stop", LAST_LOOK.as_secs()).into(),
                },
            }),
        }
    }

    /// The same as a port takes it.
    pub(crate) fn cancelled(&self) -> Cancelled {
        Box::pin(self.token.clone().cancelled_owned())
    }
}

const fn is_taken_away(ending: Ending) -> bool {
    matches!(ending, Ending::Cancelled(Signal::Terminate | Signal::HangUp))
}
