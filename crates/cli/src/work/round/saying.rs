//! Saying what happens in a round while it goes on, without the round ever waiting for whoever reads it.
//!
//! The round is followed by one listener, as fast as it goes; another one says what happened, as fast as it is read.
//! A slow reader makes the second one lag: it gets every event from the journal then, and loses deltas.

use std::{sync::Arc, time::Duration};

use better_llm::{
    EventStream, Published, SessionHandle,
    domain::{
        event::{Decision, Event, EventBody},
        outcome::Signal,
        ports::JournalError,
        session::Command,
    },
};
use tokio::time::{Instant, timeout};

use super::{
    Signals,
    asking::{Asking, NO, Next},
};
use crate::{
    output::OutputError,
    render::style::Role,
    words::leave_answer,
    work::{PATIENCE, Terminal},
    writer::Writer,
};

/// How the watching of a round ended.
pub(super) struct Watched {
    /// Whether everything was said.
    pub(super) said: Result<(), OutputError>,
    /// What is left to do has little time.
    pub(super) is_hurried: bool,
}

/// How long the last words may take, where somebody wants the end at once.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the session has for its end after a second signal. It keeps to less by itself; this is for faults of ours.
const ABANDONED: Duration = Duration::from_secs(5);

/// How far the round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    UnderWay,
    /// On its way to its end, since somebody wants so.
    Cancelled,
    /// The same, at once: until then.
    Hurried(Instant),
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
    is_hurried: bool,
    /// Events were missed for good.
    is_lost: bool,
    said: Result<(), OutputError>,
    /// Whether there may be something left to say.
    is_telling: bool,
    /// The number of the last event that was said.
    last_told: u64,
    /// None: nobody is there to be asked.
    asking: Option<Asking>,
}

impl<'a, W: FnMut(&Event)> Saying<'a, W> {
    /// `watch` sees every event as it happens; a person who attends is asked for leave.
    pub(super) fn new(
        session: &'a SessionHandle,
        writer: &'a Writer,
        printer: &'a mut Terminal,
        watch: W,
        is_attended: bool,
    ) -> Self {
        let stage = Stage::UnderWay;
        let asking = is_attended.then(Asking::default);
        Self {
            session,
            writer,
            printer,
            watch,
            stage,
            is_hurried: false,
            is_lost: false,
            said: Ok(()),
            is_telling: true,
            last_told: 0,
            asking,
        }
    }

    /// Says events until the round has ended and its reader has taken everything, or has stopped to take anything.
    /// A signal cancels the round, and a second one hurries its end; whatever comes, the end is said. After a signal no
    /// reader is waited for who takes nothing.
    pub(super) async fn until_the_end(
        mut self,
        followed: &mut EventStream,
        told: &mut EventStream,
        signals: &mut Signals,
    ) -> Watched {
        let writer = self.writer;
        loop {
            let has_ended = matches!(self.stage, Stage::Ended(_));
            tokio::select! {
                biased;
                signal = signals.next() => self.heed(signal).await,
                error = writer.failed() => self.fall_silent(error).await,
                published = followed.next(), if !has_ended => match published {
                    Some(Ok(published)) => self.follow(&published),
                    Some(Err(error)) => self.lose(&error).await,
                    None => self.end(),
                },
                published = next_to_say(writer, told), if self.is_telling => match published {
                    Some(Ok(published)) => self.tell(&published).await,
                    Some(Err(error)) => self.lose(&error).await,
                    None => self.is_telling = false,
                },
                typed = typed(&mut self.asking), if self.is_asking() => self.answer(typed).await,
                () = writer.drained(), if has_ended && !self.is_telling => return self.watched(),
                () = too_long(self.stage, writer) => {
                    writer.give_up();
                    return self.watched();
                }
            }
        }
    }

    fn watched(self) -> Watched {
        Watched { said: self.said, is_hurried: self.is_hurried }
    }

    /// Somebody outside wants the end.
    async fn heed(&mut self, signal: Signal) {
        self.is_hurried |= signal != Signal::Interrupt || self.stage != Stage::UnderWay;
        match self.stage {
            Stage::UnderWay => self.cancel(signal, Stage::Cancelled).await,
            Stage::Cancelled => self.cancel(signal, Stage::Hurried(Instant::now() + ABANDONED)).await,
            Stage::Hurried(_) => {}
            Stage::Ended(until) => {
                let soon = Instant::now() + LAST_WORDS;
                self.stage = Stage::Ended(Some(until.map_or(soon, |until| until.min(soon))));
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
        let patience = match self.stage {
            Stage::UnderWay => None,
            Stage::Cancelled if !self.is_hurried => Some(PATIENCE),
            Stage::Cancelled | Stage::Hurried(_) => Some(LAST_WORDS),
            Stage::Ended(_) => return,
        };
        self.stage = Stage::Ended(patience.map(|patience| Instant::now() + patience));
    }

    /// Says what happened.
    async fn tell(&mut self, published: &Published) {
        let spoken = match published {
            Published::Event(event) => {
                self.last_told = event.seq;
                self.is_telling = !event.body.ends_round();
                match (&event.body, &mut self.asking) {
                    (EventBody::PermissionAsked { .. }, Some(asking)) => {
                        let is_first = asking.take(Arc::clone(event));
                        return if is_first {
                            self.ask_next().await
                        };
                    }
                    (EventBody::PermissionAnswered { call_id, .. }, Some(asking)) => {
                        let was_front = asking.forget(call_id);
                        let spoken = self.printer.event(event);
                        if was_front {
                            self.ask_next().await;
                        }
                        spoken
                    }
                    _ => self.printer.event(event),
                }
            }
            // A piece of something whose whole was said while we lagged.
            Published::Delta(delta) if delta.after_seq < self.last_told => Ok(()),
            Published::Delta(delta) => self.printer.delta(delta),
        };
        if let Err(error) = spoken {
            self.fall_silent(error).await;
        } else if self.is_asking() {
            self.printer.renew_prompt();
        }
    }

    /// Whether the person is being asked, and may yet answer.
    fn is_asking(&self) -> bool {
        self.stage == Stage::UnderWay && self.asking.as_ref().is_some_and(Asking::is_waiting)
    }

    /// Shows the call in front, and where its answer is typed.
    async fn ask_next(&mut self) {
        while self.is_asking() {
            let Some((event, next)) = self.asking.as_mut().and_then(Asking::begin) else { return };
            if let Err(error) = self.printer.event(&event) {
                return self.fall_silent(error).await;
            }
            match next {
                Next::Show => return self.ask_leave(),
                Next::Deny(None) => self.decide(NO).await,
                Next::Deny(Some(error)) => {
                    let text = self.printer.language().unreadable_input("-");
                    self.printer.aside(Role::Bad, &format!("{text}: {error}"));
                    self.decide(NO).await;
                }
            }
        }
    }

    /// Says what may be answered.
    fn ask_leave(&mut self) {
        if let Some(lasting) = self.asking.as_ref().and_then(Asking::lasting) {
            self.printer.ask_leave(&lasting);
        }
    }

    /// Something was typed, or the input has ended.
    async fn answer(&mut self, typed: Option<String>) {
        let answer = typed.as_deref().map(leave_answer);
        if typed.is_some() {
            self.printer.end_prompt();
        }
        match answer {
            Some(Some(answer)) => {
                self.decide(answer).await;
                self.ask_next().await;
            }
            Some(None) => {
                let text = self.printer.language().no_answer();
                self.printer.aside(Role::Warning, text);
                self.ask_leave();
            }
            None => {
                let text = self.printer.language().input_ended();
                self.printer.aside(Role::Warning, text);
                self.decide(NO).await;
                self.ask_next().await;
            }
        }
    }

    /// Tells the engine what the person decided about the call in front.
    async fn decide(&mut self, (decision, note): (Decision, Option<String>)) {
        if let Some(call) = self.asking.as_mut().and_then(Asking::answered) {
            // A session that has ended waits for no answer.
            self.session.send(Command::Permission { call, decision, note }).await.unwrap_or_default();
        }
    }

    /// Nobody reads what we say any more, so nobody wants the round to go on.
    async fn fall_silent(&mut self, error: OutputError) {
        self.said = Err(error);
        self.is_telling = false;
        if self.stage == Stage::UnderWay {
            self.cancel(Signal::Interrupt, Stage::Cancelled).await;
        }
    }

    /// Events were missed and cannot be read again. Nobody can see any more what the round does, so it ends; its end is
    /// still said.
    async fn lose(&mut self, error: &JournalError) {
        if std::mem::replace(&mut self.is_lost, true) {
            return;
        }
        let text = self.printer.language().unfollowed(&error.to_string());
        self.printer.alarm(&text);
        if self.stage == Stage::UnderWay {
            self.cancel(Signal::Interrupt, Stage::Cancelled).await;
        }
    }

    async fn cancel(&mut self, signal: Signal, stage: Stage) {
        self.stage = stage;
        self.asking = None;
        // A session that has ended needs no cancelling, and one that ends takes no more words.
        let cancelling = self.session.send(Command::Cancel(signal));
        timeout(LAST_WORDS, cancelling).await.unwrap_or(Ok(())).unwrap_or_default();
    }
}

/// The next line that the person types; never one where nobody is asked. Safe to drop.
async fn typed(asking: &mut Option<Asking>) -> Option<String> {
    match asking {
        Some(asking) => asking.typed().await,
        None => std::future::pending().await,
    }
}

/// The next publication, once there is room for it. Safe to drop.
async fn next_to_say(writer: &Writer, told: &mut EventStream) -> Option<Result<Published, JournalError>> {
    writer.room().await;
    told.next().await
}

/// Waits until a round that has ended has waited long enough for its reader. Safe to drop.
async fn too_long(stage: Stage, writer: &Writer) {
    match stage {
        Stage::UnderWay | Stage::Cancelled => std::future::pending().await,
        Stage::Hurried(deadline) => tokio::time::sleep_until(deadline).await,
        Stage::Ended(None) => writer.stuck(PATIENCE).await,
        Stage::Ended(Some(deadline)) => tokio::time::sleep_until(deadline).await,
    }
}
