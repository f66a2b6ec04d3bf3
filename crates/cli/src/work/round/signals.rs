//! The signals that a person or a supervisor ends a round with. What they lead to is decided by [`super::saying`].

use better_llm::domain::outcome::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// The signals that end a round.
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on; the program is not ended by them any more.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal, and what a program that it ends exits with. Safe to drop.
    pub(super) async fn next(&mut self) -> (Signal, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => (Signal::Interrupt, 130),
            _ = self.terminate.recv() => (Signal::Terminate, 143),
            _ = self.hang_up.recv() => (Signal::HangUp, 129),
        }
    }
}
