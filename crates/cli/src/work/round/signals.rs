//! The signals that a person or a supervisor ends a round with. What they lead to while one is under way is decided by
//! [`super::saying`]; before that they end the program.

use better_llm::domain::outcome::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::{render::start::StartFailure, surroundings::ignores};

/// The signals that end a round.
pub(in crate::work) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    /// Ctrl+\, one key beside Ctrl+C, and the same to a round: without us it would end the program in the middle of things,
    /// and leave the terminal as it is.
    quit: Option<tokio::signal::unix::Signal>,
    terminate: tokio::signal::unix::Signal,
    hang_up: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Listens from now on; the program is not ended by them any more. Who started it so that it lives on without a
    /// terminal (`nohup`) is obeyed: SIGHUP and SIGQUIT stay ignored where they were. SIGINT does not: a shell that starts
    /// something with `&` in a script ignores it for all of them, and whoever sends it to this program means it.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(in crate::work) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: unless_ignored(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: unless_ignored(SignalKind::hangup())?,
        })
    }

    /// Does what comes before a round. A signal ends it.
    ///
    /// # Errors
    /// What went wrong, or the signal.
    pub(in crate::work) async fn or_before<T>(
        &mut self,
        doing: impl Future<Output = Result<T, StartFailure>>,
    ) -> Result<T, StartFailure> {
        tokio::select! {
            biased;
            signal = self.next() => Err(StartFailure::signalled(signal)),
            done = doing => done,
        }
    }

    /// The next signal. Safe to drop.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = received(&mut self.quit) => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = received(&mut self.hang_up) => Signal::HangUp,
        }
    }
}

fn unless_ignored(kind: SignalKind) -> std::io::Result<Option<tokio::signal::unix::Signal>> {
    if ignores(kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

/// Waits for a signal; for ever where it is ignored. Safe to drop.
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
