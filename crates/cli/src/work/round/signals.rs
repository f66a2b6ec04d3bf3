//! The signals that a person or a supervisor ends a round with. What they lead to while one is under way is decided by
//! [`super::saying`]; before that they end the program.

use better_llm::domain::outcome::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::render::start::StartFailure;

/// The signals that end a round.
pub(in crate::work) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    /// Ctrl+\, one key beside Ctrl+C, and the same to a round: without us it would end the program in the middle of things,
    /// and leave the terminal as it is.
    quit: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on; the program is not ended by them any more.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(in crate::work) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
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
            _ = self.quit.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hang_up.recv() => Signal::HangUp,
        }
    }
}
