//! Listening to a session beside other things. What is heard is [`EventStream`]'s business.

use std::{future::Future, pin::Pin};

use better_llm::{EventStream, Published, domain::ports::JournalError};

type Heard = Option<Result<Published, JournalError>>;

/// A listener whose wait can be left and taken up again: where a wait for [`EventStream::next`] is dropped while it
/// reads the journal, what it read is lost.
pub(super) struct Listener(Pin<Box<dyn Future<Output = (EventStream, Heard)>>>);

impl Listener {
    /// Listens to this stream.
    pub(super) fn new(events: EventStream) -> Self {
        Self(Box::pin(wait(events)))
    }

    /// The next publication; none when the session has ended. Safe to drop.
    ///
    /// # Errors
    /// Where the listener lagged and the journal cannot be read.
    pub(super) async fn next(&mut self) -> Heard {
        let (events, heard) = self.0.as_mut().await;
        *self = Self::new(events);
        heard
    }
}

async fn wait(mut events: EventStream) -> (EventStream, Heard) {
    let heard = events.next().await;
    (events, heard)
}
