//! The actor of a session: one task that owns the conversation, takes commands and runs one round after the other.

use std::sync::{Arc, Mutex};

use domain::{
    context::Conversation,
    event::{EventBody, Scope},
    mention::Addressee,
    outcome::{Ending, Signal},
    person::PersonQueue,
    ports::{JournalError, RecordPort},
    record::SessionRecord,
    session::{Command, Request},
};
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::{CommandRefused, SessionParts};
use crate::{
    event_log::EventLog,
    person::{Permissions, Person},
    round::{Broken, RoundContext, RoundPorts, SessionMemory},
    stop::StopSignal,
    team::Team,
    telling::{causes, with_causes},
};

/// A command, and where its sender waits to hear that it was taken.
pub(super) type Sent = (Command, oneshot::Sender<Result<(), CommandRefused>>);

pub(super) struct Session {
    parts: Arc<RoundPorts>,
    team: Arc<Team>,
    log: Arc<EventLog>,
    records: Arc<dyn RecordPort>,
    memory: Arc<Mutex<SessionMemory>>,
    conversation: Conversation,
    rounds: u32,
    beginning: Option<Vec<EventBody>>,
    unsaved: Result<(), String>,
}

impl Session {
    pub(super) fn new(parts: SessionParts, log: Arc<EventLog>) -> Self {
        let started = EventBody::SessionStarted {
            cwd: parts.cwd.clone(),
            provider: parts.team.manager.model.provider().to_owned(),
            agents: parts.team.names(),
            limits: parts.limits.clone(),
            sandbox: parts.sandbox.clone(),
            version: parts.version,
        };
        let notices = parts.notices.into_iter().map(|(code, text)| EventBody::Notice { code, text });
        Self {
            beginning: Some(std::iter::once(started).chain(notices).collect()),
            parts: Arc::new(RoundPorts {
                log: Arc::clone(&log),
                clock: parts.clock,
                ids: parts.ids,
                workspace: parts.workspace,
                processes: parts.processes,
                servers: parts.servers,
                cwd: parts.cwd,
                sandbox: parts.sandbox,
                permissions: Permissions::new(parts.policy, parts.grants),
                person: Person::new(parts.presence),
                limits: parts.limits,
                verify: parts.verify,
            }),
            team: Arc::new(parts.team),
            log,
            records: parts.records,
            memory: Arc::default(),
            conversation: Conversation::default(),
            rounds: 0,
            unsaved: Ok(()),
        }
    }

    /// Takes commands until nobody can send any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Sent>) -> Result<(), String> {
        while let Some((command, taken)) = commands.recv().await {
            let Command::Start(mut request) = command else {
                if command == Command::GoOn {
                    drop(taken.send(Err(CommandRefused::NothingToGoOnWith)));
                    continue;
                }
                // An error means that the sender did not wait for the answer.
                drop(taken.send(self.parts.heed(command)));
                continue;
            };
            let addressee = match self.team.addressee(&request) {
                Ok(addressee) => addressee,
                Err(error) => {
                    drop(taken.send(Err(error.into())));
                    continue;
                }
            };
            drop(taken.send(Ok(())));
            // Data is read as a tool's result is, without secrets; what the person typed is theirs to say.
            for item in &mut request.context {
                self.log.redactor().redact_in(&mut item.text);
            }
            self.round(&request, &addressee, &mut commands).await;
        }
        self.unsaved
    }

    /// Runs a round, listening for what ends it.
    async fn round(&mut self, request: &Request, addressee: &Addressee, commands: &mut mpsc::Receiver<Sent>) {
        self.rounds += 1;
        let stop = StopSignal::default();
        let (ports, team, memory) =
            (Arc::clone(&self.parts), Arc::clone(&self.team), Arc::clone(&self.memory));
        let round = RoundContext::new(self.rounds, ports, team, memory, stop.clone());
        self.parts.person.change(PersonQueue::listen);
        let ended = {
            let running =
                std::panic::AssertUnwindSafe(self.run_round(&round, request, addressee)).catch_unwind();
            tokio::pin!(running);
            let overdue = stop.overdue();
            tokio::pin!(overdue);
            let mut is_heard = true;
            loop {
                tokio::select! {
                    biased;
                    ended = &mut running => break Some(ended),
                    () = &mut overdue => break None,
                    command = commands.recv(), if is_heard => match command {
                        Some((command, taken)) => drop(taken.send(round.heed(command))),
                        None => {
                            is_heard = false;
                            stop.trigger(Ending::Cancelled(Signal::Interrupt));
                        }
                    },
                }
            }
        };
        self.parts.person.change(PersonQueue::stop_listening);
        match ended {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                let (text, chain) = (with_causes(&error), causes(&error));
                round.break_off(Broken::Defect { text, chain }).await;
            }
            Some(Err(panic)) => {
                round.break_off(Broken::Defect { text: panic_text(&*panic), chain: Vec::new() }).await;
            }
            None => {
                let ending = stop.ending().unwrap_or(Ending::Interrupted);
                round.break_off(Broken::Overdue(ending)).await;
            }
        }
        self.unsaved = stop.in_time_to_save(self.save()).await;
    }

    async fn run_round(
        &mut self,
        round: &RoundContext,
        request: &Request,
        addressee: &Addressee,
    ) -> Result<(), JournalError> {
        for event in self.beginning.take().unwrap_or_default() {
            self.log.append(&Scope::default(), event).await?;
        }
        round.run(request, addressee, &mut self.conversation).await
    }

    /// Makes the record anew from the journal.
    async fn save(&self) -> Result<(), String> {
        let events = self.log.read_all().await.map_err(|error| with_causes(&error))?;
        let Some(record) = SessionRecord::from_events(&events) else { return Ok(()) };
        self.records.save(&record).await.map(drop).map_err(|error| with_causes(&error))
    }
}

impl RoundContext {
    /// Does what somebody says while the round is under way.
    fn heed(&self, command: Command) -> Result<(), CommandRefused> {
        match command {
            Command::Start(_) | Command::GoOn => return Err(CommandRefused::Busy),
            Command::Cancel(signal) => self.stop.ask(Ending::Cancelled(signal)),
            Command::Stop => self.stop.ask(Ending::Stopped),
            other => return self.ports.heed(other),
        }
        Ok(())
    }
}

impl RoundPorts {
    /// Does what somebody says to the team, whether or not a round is under way.
    fn heed(&self, command: Command) -> Result<(), CommandRefused> {
        Ok(self.person.change(|queue| queue.heed(command))?)
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a defect of better-llm itself: {}", words.unwrap_or_else(|| "panic".to_owned()))
}
