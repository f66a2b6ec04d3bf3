//! What a client has still to take.

use serde::Serialize;

/// Lines on their way to a client. Bounded by whoever fills it: nothing is added where there is no room.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// From so many bytes on there is no room for more; what is added last may be longer by itself.
    const FULL: usize = 256 << 10;

    /// Whether nothing waits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sent >= self.bytes.len()
    }

    /// Whether there is room.
    pub(crate) const fn has_room(&self) -> bool {
        self.bytes.len() - self.sent < Self::FULL
    }

    /// What waits.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// So many bytes of it were taken.
    pub(crate) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.is_empty() {
            self.sent = 0;
            self.bytes.clear();
            // One long line need not be paid for ever after.
            self.bytes.shrink_to(Self::FULL);
        }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, line: &impl Serialize) {
        let before = self.bytes.len();
        match serde_json::to_writer(&mut self.bytes, line) {
            Ok(()) => self.bytes.push(b'\n'),
            Err(error) => {
                // Everything that is said here has been JSON before, in the journal or as a constant shape.
                self.bytes.truncate(before);
                tracing::error!(%error, "cannot write a line for the socket");
            }
        }
    }
}
