//! Saying what happens in a round while it goes on, without the round ever waiting for whoever reads it.
//!
//! The round is followed by one listener, as fast as it goes; another one says what happened, as fast as it is read.
//! A slow reader makes the second one lag: it gets every event from the journal then, and loses deltas.

use std::time::Duration;

use better_llm::{
    EventStream, Published, SessionHandle,
    domain::{event::Event, outcome::Signal, ports::JournalError, session::Command},
};
use tokio::time::{Instant, timeout};

use super::{
    Signals,
    person::{Act, Person, Refused, WhyRefused},
};
use crate::{
    output::OutputError,
    render::style::Role,
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
    person: Person,
}

impl<'a, W: FnMut(&Event)> Saying<'a, W> {
    /// `watch` sees every event as it happens; `person` is asked, and heard.
    pub(super) fn new(
        session: &'a SessionHandle,
        writer: &'a Writer,
        printer: &'a mut Terminal,
        watch: W,
        person: Person,
    ) -> Self {
        let stage = Stage::UnderWay;
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
            person,
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
                input = self.person.next(), if self.stage == Stage::UnderWay => {
                    let acts = self.person.hear(input, self.printer.language());
                    self.perform(acts).await;
                }
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
        // Nobody can say anything any more, and the terminal is the person's own again.
        self.person = Person::Nobody;
    }

    /// Says what happened.
    async fn tell(&mut self, published: &Published) {
        match published {
            Published::Event(event) => {
                self.last_told = event.seq;
                self.is_telling = !event.body.ends_round();
                let acts = self.person.see(event, self.printer.language());
                self.perform(acts).await;
            }
            // A piece of something whose whole was said while we lagged.
            Published::Delta(delta) if delta.after_seq < self.last_told => {}
            Published::Delta(delta) => {
                if let Err(error) = self.printer.delta(delta) {
                    self.fall_silent(error).await;
                }
                self.renew_prompt();
            }
        }
    }

    /// Does what follows from what the person said or gets to see.
    async fn perform(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Tell(command) => self.command(command, None).await,
                Act::Carry { line, command } => self.command(command, Some(line)).await,
                Act::Show(event) => {
                    if let Err(error) = self.printer.event(&event) {
                        self.fall_silent(error).await;
                    }
                }
                Act::Say(role, text) => self.printer.aside(role, &text),
                Act::Echo(shown) => self.printer.echo(&shown),
                Act::EndPrompt => self.printer.end_prompt(),
                Act::Refuse(refused) => self.refuse(&refused).await,
                Act::Leave => {
                    self.person = Person::Nobody;
                    self.command(Command::Unattended, None).await;
                }
                Act::HangUp => {
                    self.is_hurried = true;
                    self.cancel(Signal::HangUp, Stage::Cancelled).await;
                }
            }
        }
        self.renew_prompt();
    }

    /// Shows again where something is typed, where something was said since.
    fn renew_prompt(&mut self) {
        if self.stage == Stage::UnderWay
            && let Some(prompt) = self.person.prompt(self.printer.language())
        {
            self.printer.renew_prompt(&prompt);
        }
    }

    /// Tells the session what the person said; where it does not take that now, they are told why.
    async fn command(&mut self, command: Command, line: Option<u64>) {
        match (self.session.send(command).await, line) {
            (Ok(()), _) => {}
            (Err(why), Some(line)) => self.refuse(&Refused { line, why: WhyRefused::NotNow(why) }).await,
            (Err(why), None) => {
                let text = self.printer.language().command_refused(&why);
                self.printer.aside(Role::Warning, &text);
            }
        }
    }

    /// Tells a program that a line of its said nothing that could be done.
    async fn refuse(&mut self, refused: &Refused) {
        if let Err(error) = self.printer.line_refused(refused.line, &refused.why) {
            self.fall_silent(error).await;
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
        self.person = Person::Nobody;
        // A session that has ended needs no cancelling, and one that ends takes no more words.
        let cancelling = self.session.send(Command::Cancel(signal));
        timeout(LAST_WORDS, cancelling).await.unwrap_or(Ok(())).unwrap_or_default();
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
