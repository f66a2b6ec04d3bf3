//! The actor of a session: one task that owns the conversation, takes commands and runs one round after the other.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use domain::{
    context::Conversation,
    event::{EventBody, Restored, Scope},
    mention::Addressee,
    outcome::{Ending, Signal},
    past::{BrokenRound, Past},
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
    /// The round in which the session was broken off, and what the person said in it that nobody read.
    broken: Option<(BrokenRound, Vec<String>)>,
    rounds: u32,
    /// What is to be said before anything else, in order.
    unsaid: VecDeque<(Scope, EventBody)>,
    unsaved: Result<(), String>,
}

/// A session that is taken up again.
pub(super) struct Resumed {
    pub(super) past: Past,
    /// Rows of the journal that could not be read.
    pub(super) damaged: u64,
}

/// What a round is to do.
enum Work<'r> {
    /// Begin, with this request. A round that was broken off comes to its end before that.
    Begin { request: &'r Request, addressee: &'r Addressee, broken: Option<&'r (BrokenRound, Vec<String>)> },
    /// Go on with what was broken off.
    GoOn,
}

/// The code of the notice that rows of the journal could not be read.
const DAMAGED: &str = "journal_damaged";

impl Session {
    pub(super) fn new(parts: SessionParts, resumed: Option<Resumed>, log: Arc<EventLog>) -> Self {
        let beginning = beginning(&parts, resumed.as_ref());
        let mut past = resumed.map(|resumed| resumed.past).unwrap_or_default();
        let own = past.broken.as_ref().map_or(0, |broken| broken.own_unread);
        let said_in_it = past.unread.split_off(past.unread.len().saturating_sub(own));
        let person = Person::new(parts.presence);
        person.change(|queue| queue.take_back(past.unread));
        let memory = SessionMemory::new(past.bases, past.ledger, past.call_ids, past.accounts);
        Self {
            unsaid: beginning.into_iter().map(|body| (Scope::default(), body)).collect(),
            parts: Arc::new(RoundPorts {
                log: Arc::clone(&log),
                clock: parts.clock,
                ids: parts.ids,
                workspace: parts.workspace,
                claim: parts.claim,
                processes: parts.processes,
                servers: parts.servers,
                cwd: parts.cwd,
                sandbox: parts.sandbox,
                permissions: Permissions::new(parts.policy, parts.grants),
                person,
                limits: parts.limits,
                verify: parts.verify,
                #[cfg(test)]
                planted: parts.planted,
            }),
            team: Arc::new(parts.team),
            log,
            records: parts.records,
            memory: Arc::new(Mutex::new(memory)),
            conversation: past.conversation,
            broken: past.broken.map(|broken| (broken, said_in_it)),
            rounds: past.rounds,
            unsaved: Ok(()),
        }
    }

    /// Takes commands until nobody can send any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Sent>) -> Result<(), String> {
        while let Some((command, taken)) = commands.recv().await {
            let mut request = match command {
                Command::Start(request) => request,
                Command::GoOn => {
                    let broken = self.broken.take();
                    // An error means that the sender did not wait for the answer.
                    drop(taken.send(broken.as_ref().map(drop).ok_or(CommandRefused::NothingToGoOnWith)));
                    if let Some((broken, unread)) = broken {
                        self.go_on(broken, unread, &mut commands).await;
                    }
                    continue;
                }
                other => {
                    drop(taken.send(self.parts.heed(other)));
                    continue;
                }
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

    /// Runs a round.
    async fn round(&mut self, request: &Request, addressee: &Addressee, commands: &mut mpsc::Receiver<Sent>) {
        self.rounds += 1;
        let broken = self.broken.take();
        let (ports, team, memory) =
            (Arc::clone(&self.parts), Arc::clone(&self.team), Arc::clone(&self.memory));
        let round = RoundContext::new(self.rounds, ports, team, memory, StopSignal::default());
        self.unsaid.push_back((Scope::round(self.rounds), round_started(request, addressee)));
        let work = Work::Begin { request, addressee, broken: broken.as_ref() };
        self.see_to_the_end(&round, work, commands).await;
    }

    /// Goes on with the round in which the session was broken off.
    async fn go_on(&mut self, broken: BrokenRound, unread: Vec<String>, commands: &mut mpsc::Receiver<Sent>) {
        self.conversation = broken.conversation.clone();
        let (ports, team, memory) =
            (Arc::clone(&self.parts), Arc::clone(&self.team), Arc::clone(&self.memory));
        let round = RoundContext::going_on(broken, unread, ports, team, memory, StopSignal::default());
        self.see_to_the_end(&round, Work::GoOn, commands).await;
    }

    /// Does the work of a round, listening for what ends it.
    async fn see_to_the_end(
        &mut self,
        round: &RoundContext,
        work: Work<'_>,
        commands: &mut mpsc::Receiver<Sent>,
    ) {
        let stop = round.stop.clone();
        self.parts.person.change(PersonQueue::listen);
        let ended = {
            let running = std::panic::AssertUnwindSafe(self.do_work(round, work)).catch_unwind();
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
        let broken = match ended {
            Some(Ok(Ok(()))) => None,
            Some(Ok(Err(error))) => Some(Broken::Defect { text: with_causes(&error), chain: causes(&error) }),
            Some(Err(panic)) => Some(Broken::Defect { text: panic_text(&*panic), chain: Vec::new() }),
            None => Some(Broken::Overdue(stop.ending().unwrap_or(Ending::Interrupted))),
        };
        if let Some(broken) = broken {
            round.break_off(broken, std::mem::take(&mut self.unsaid)).await;
        }
        self.unsaved = stop.in_time_to_save(self.save()).await;
    }

    async fn do_work(&mut self, round: &RoundContext, work: Work<'_>) -> Result<(), JournalError> {
        if let Work::Begin { broken: Some((broken, unread)), .. } = work {
            round.close(broken, unread).await?;
        }
        while let Some((scope, body)) = self.unsaid.front() {
            self.log.append(scope, body.clone()).await?;
            self.unsaid.pop_front();
        }
        match work {
            Work::Begin { request, addressee, .. } => {
                Box::pin(round.run(request, addressee, &mut self.conversation)).await
            }
            Work::GoOn => Box::pin(round.go_on(&mut self.conversation)).await,
        }
    }

    /// Makes the record anew from the journal.
    async fn save(&self) -> Result<(), String> {
        let events = self.log.read_all().await.map_err(|error| with_causes(&error))?;
        #[cfg(test)]
        let events = self.parts.planted.short_of_one(events);
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

/// That a round begins, with what the person said.
fn round_started(request: &Request, addressee: &Addressee) -> EventBody {
    EventBody::RoundStarted {
        text: request.text.clone(),
        context: request.context.iter().map(|item| item.name.clone()).collect(),
        mentions: addressee.mentioned().cloned().collect(),
        data: request.data_text(),
    }
}

/// What a session says first, with its first round.
fn beginning(parts: &SessionParts, resumed: Option<&Resumed>) -> Vec<EventBody> {
    let cwd = parts.cwd.clone();
    let provider = parts.team.manager.model.provider().to_owned();
    let agents = parts.team.names();
    let (limits, sandbox) = (parts.limits.clone(), parts.sandbox.clone());
    let version = parts.version.clone();
    let first = match resumed {
        None => EventBody::SessionStarted { cwd, provider, agents, limits, sandbox, version },
        Some(Resumed { past, damaged }) => {
            let restored = Restored { rounds: past.finished_rounds, events: past.events, damaged: *damaged };
            EventBody::SessionResumed { cwd, provider, agents, limits, sandbox, version, restored }
        }
    };
    let damaged = resumed.map(|resumed| resumed.damaged).filter(|damaged| *damaged > 0);
    let damaged = damaged.map(|rows| EventBody::Notice { code: DAMAGED.to_owned(), text: damage(rows) });
    let notices = parts.notices.iter().cloned().map(|(code, text)| EventBody::Notice { code, text });
    std::iter::once(first).chain(notices).chain(damaged).collect()
}

fn damage(rows: u64) -> String {
    let events = if rows == 1 { "1 event".to_owned() } else { format!("{rows} events") };
    format!(
        "{events} of the journal could not be read and were left out: the team does not remember what stood there. What \
         it had done by then is in the files"
    )
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a defect of better-llm itself: {}", words.unwrap_or_else(|| "panic".to_owned()))
}
