//! Saying what happens in a round while it goes on, without the round ever waiting for whoever reads it.
//!
//! The round is followed by one listener, as fast as it goes; another one says what happened, as fast as it is read.
//! A slow reader makes the second one lag: it gets every event from the journal then, and loses deltas.

use better_llm::{
    Published, SessionHandle,
    domain::{event::Event, outcome::Signal, ports::JournalError, session::Command},
};
use tokio::time::Instant;

use super::{Listener, Signals};
use crate::{
    output::OutputError,
    render::style::Role,
    work::{PATIENCE, Terminal},
    writer::Writer,
};

/// How the watching of a round ended.
pub(super) enum Watched {
    /// With the round.
    ToTheEnd(Result<(), OutputError>),
    /// By a second signal: the person does not want to wait for the end. What to exit with.
    Abandoned(u8),
}

/// How far the round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    UnderWay,
    /// On its way to its end, since somebody wants so.
    Cancelled,
    /// What has not been said yet may still be, until then where somebody wants the end.
    Ended(Option<Instant>),
}

/// A round whose events are being said.
pub(super) struct Saying<'a, W> {
    session: &'a SessionHandle,
    writer: &'a Writer,
    printer: &'a mut Terminal,
    watch: W,
    stage: Stage,
    said: Result<(), OutputError>,
    /// Whether there may be something left to say.
    is_telling: bool,
    /// The number of the last event that was said.
    last_told: u64,
}

impl<'a, W: FnMut(&Event)> Saying<'a, W> {
    /// `watch` sees every event as it happens.
    pub(super) fn new(
        session: &'a SessionHandle,
        writer: &'a Writer,
        printer: &'a mut Terminal,
        watch: W,
    ) -> Self {
        let stage = Stage::UnderWay;
        Self { session, writer, printer, watch, stage, said: Ok(()), is_telling: true, last_told: 0 }
    }

    /// Says events until the round has ended and its reader has taken everything, or has stopped to take anything.
    /// A signal cancels the round; a second one abandons it. A round that has ended does not wait after a signal.
    pub(super) async fn until_the_end(
        mut self,
        followed: &mut Listener,
        told: &mut Listener,
        signals: &mut Signals,
    ) -> Watched {
        let writer = self.writer;
        loop {
            let has_ended = matches!(self.stage, Stage::Ended(_));
            tokio::select! {
                biased;
                (signal, code) = signals.next() => match self.stage {
                    Stage::UnderWay => self.cancel(signal).await,
                    Stage::Cancelled => return Watched::Abandoned(code),
                    Stage::Ended(_) => return self.give_up(),
                },
                error = writer.failed() => self.fall_silent(error).await,
                published = followed.next(), if !has_ended => match published {
                    Some(Ok(published)) => self.follow(&published),
                    Some(Err(error)) => return self.lose(&error).await,
                    None => self.end(),
                },
                published = next_to_say(writer, told), if self.is_telling => match published {
                    Some(Ok(published)) => self.tell(&published).await,
                    Some(Err(error)) => return self.lose(&error).await,
                    None => self.is_telling = false,
                },
                () = writer.drained(), if has_ended && !self.is_telling => return Watched::ToTheEnd(self.said),
                () = too_long(self.stage, writer) => return self.give_up(),
            }
        }
    }

    /// Sees what happens.
    fn follow(&mut self, published: &Published) {
        if let Published::Event(event) = published {
            (self.watch)(event);
            self.printer.heed(event);
            if event.body.ends_round() {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let is_wanted = self.stage == Stage::Cancelled;
        self.stage = Stage::Ended(is_wanted.then(|| Instant::now() + PATIENCE));
    }

    /// Says what happened.
    async fn tell(&mut self, published: &Published) {
        let spoken = match published {
            Published::Event(event) => {
                self.last_told = event.seq;
                self.is_telling = !event.body.ends_round();
                self.printer.event(event)
            }
            // A piece of something whose whole was said while we lagged.
            Published::Delta(delta) if delta.after_seq < self.last_told => Ok(()),
            Published::Delta(delta) => self.printer.delta(delta),
        };
        if let Err(error) = spoken {
            self.fall_silent(error).await;
        }
    }

    /// Nobody reads what we say any more, so nobody wants the round to go on.
    async fn fall_silent(&mut self, error: OutputError) {
        self.said = Err(error);
        self.is_telling = false;
        if self.stage == Stage::UnderWay {
            self.cancel(Signal::Interrupt).await;
        }
    }

    /// The session cannot be followed any more.
    async fn lose(mut self, error: &JournalError) -> Watched {
        let text = self.printer.language().unfollowed(&error.to_string());
        self.printer.aside(Role::Bad, &text);
        self.cancel(Signal::Interrupt).await;
        Watched::ToTheEnd(self.said)
    }

    /// The reader takes nothing any more, and nothing else is left to wait for.
    fn give_up(self) -> Watched {
        self.writer.give_up();
        Watched::ToTheEnd(self.said)
    }

    async fn cancel(&mut self, signal: Signal) {
        self.stage = Stage::Cancelled;
        // A session that has ended needs no cancelling.
        self.session.send(Command::Cancel(signal)).await.unwrap_or_default();
    }
}

/// The next publication, once there is room for it. Safe to drop.
async fn next_to_say(writer: &Writer, told: &mut Listener) -> Option<Result<Published, JournalError>> {
    writer.room().await;
    told.next().await
}

/// Waits until a round that has ended has waited long enough for its reader. Safe to drop.
async fn too_long(stage: Stage, writer: &Writer) {
    match stage {
        Stage::UnderWay | Stage::Cancelled => std::future::pending().await,
        Stage::Ended(None) => writer.stuck(PATIENCE).await,
        Stage::Ended(Some(deadline)) => tokio::time::sleep_until(deadline).await,
    }
}
