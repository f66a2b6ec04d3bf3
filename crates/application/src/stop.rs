//! Ending something from outside, with the reason why.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use domain::{outcome::Ending, ports::Cancelled, workspace::WorkspaceError};
use tokio_util::sync::CancellationToken;

/// How long a look at the files may go on after a stop.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// A signal that ends a round, a run or a call, and everything below it. The first reason given stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopSignal {
    token: CancellationToken,
    ending: Arc<OnceLock<Ending>>,
    parent: Option<Arc<StopSignal>>,
}

impl StopSignal {
    /// A signal for something that belongs to this one's owner: it stops with it, and may stop before.
    pub(crate) fn child(&self) -> Self {
        Self { token: self.token.child_token(), ending: Arc::default(), parent: Some(Arc::new(self.clone())) }
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

    /// Looks at the files, not much longer than until this stops: what hangs there holds no end up.
    pub(crate) async fn bound<T>(
        &self,
        look: impl Future<Output = Result<T, WorkspaceError>>,
    ) -> Result<T, WorkspaceError> {
        let late = async {
            self.stopped().await;
            tokio::time::sleep(LAST_LOOK).await;
        };
        tokio::select! {
            biased;
            seen = look => seen,
            () = late => Err(WorkspaceError {
                doing: "look at the files before the end".to_owned(),
                source: format!("it took more than {} s after the stop", LAST_LOOK.as_secs()).into(),
            }),
        }
    }

    /// The same as a port takes it.
    pub(crate) fn cancelled(&self) -> Cancelled {
        Box::pin(self.token.clone().cancelled_owned())
    }
}
