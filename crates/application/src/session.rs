//! A session: one conversation of a person with the team, an actor that owns its state.

use std::sync::{Arc, Mutex};

use domain::{
    context::Conversation,
    event::{EventBody, Scope},
    id::SessionId,
    limits::Limits,
    mention::{Addressee, MentionError},
    outcome::{Ending, Signal},
    permission::{Policy, SandboxState},
    person::{NotHeard, PersonQueue, Presence},
    ports::{
        Clock, GrantPort, IdSource, JournalError, JournalPort, Processes, RecordPort, Servers, WorkspacePort,
    },
    record::SessionRecord,
    secret::Redactor,
    session::{Command, Request},
};
use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    event_log::EventLog,
    event_stream::EventStream,
    leave::Permissions,
    person::Person,
    round_context::{RoundContext, RoundPorts, SessionMemory},
    round_end::Broken,
    stop::StopSignal,
    team::Team,
    telling::{causes, with_causes},
};

/// Everything a session is made of.
pub struct SessionParts {
    /// Its id.
    pub id: SessionId,
    /// Who works in it.
    pub team: Team,
    /// The workspace, as text for people.
    pub cwd: String,
    /// Our version.
    pub version: String,
    /// How much the team may do by itself.
    pub policy: Policy,
    /// Who is there to be asked, and how long they are waited for.
    pub presence: Presence,
    /// Where leave for good is kept; none: it holds for the session.
    pub grants: Option<Arc<dyn GrantPort>>,
    /// The wall around commands.
    pub sandbox: SandboxState,
    /// What keeps its rounds finite.
    pub limits: Limits,
    /// Test commands that the engine runs itself before a round may end as done.
    pub verify: Vec<String>,
    /// Said once at the beginning: configuration that was ignored, and the like. Code and text.
    pub notices: Vec<(String, String)>,
    /// What takes secrets out of tool results before a model reads them, and out of everything that is written.
    pub redactor: Arc<Redactor>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// The journal.
    pub journal: Arc<dyn JournalPort>,
    /// Where the finished record goes.
    pub records: Arc<dyn RecordPort>,
    /// The person's files.
    pub workspace: Arc<dyn WorkspacePort>,
    /// What runs commands.
    pub processes: Arc<dyn Processes>,
    /// What keeps servers in the background.
    pub servers: Arc<dyn Servers>,
}

/// A command was not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CommandRefused {
    /// A round cannot begin while one is under way.
    #[error("a round is under way: wait for its end, or cancel it")]
    Busy,
    /// A message came while no round was under way that could hear it, or when its work was over.
    #[error("no round is at work that could hear this: begin one with these words")]
    NobodyListens,
    /// As many messages wait as the manager can be left to read.
    #[error("{} messages wait for the manager: say more when it has read them", PersonQueue::MOST_UNREAD)]
    TooManyMessages,
    /// The message calls agents by name and cannot be given to anybody as it stands; no round has begun.
    #[error(transparent)]
    Mention(#[from] MentionError),
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

impl From<NotHeard> for CommandRefused {
    fn from(why: NotHeard) -> Self {
        match why {
            NotHeard::NobodyListens => Self::NobodyListens,
            NotHeard::TooMany => Self::TooManyMessages,
        }
    }
}

/// The front end's side of a session. Dropping it ends the session and the round under way.
pub struct SessionHandle {
    id: SessionId,
    log: Arc<EventLog>,
    commands: mpsc::Sender<(Command, oneshot::Sender<Result<(), CommandRefused>>)>,
    actor: JoinHandle<Result<(), String>>,
}

impl SessionHandle {
    /// Commands wait in a queue of this length; a front end that sends more waits.
    const QUEUE: usize = 16;

    /// Starts a session on the present runtime. Its first event is appended with its first round.
    #[must_use]
    pub fn start(parts: SessionParts) -> Self {
        let (sender, commands) = mpsc::channel(Self::QUEUE);
        let (journal, clock) = (Arc::clone(&parts.journal), Arc::clone(&parts.clock));
        let log = Arc::new(EventLog::new(parts.id, 0, journal, clock, Arc::clone(&parts.redactor)));
        let id = parts.id;
        let actor = Session::new(parts, Arc::clone(&log));
        Self { id, log, commands: sender, actor: tokio::spawn(actor.run(commands)) }
    }

    /// The session's id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Listens to everything that happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> EventStream {
        self.log.subscribe()
    }

    /// Tells the session something. Returns when the session has taken it, not when it is done.
    ///
    /// # Errors
    /// [`CommandRefused`] where a round cannot begin or a message cannot be heard. Whatever else comes at the wrong
    /// moment changes nothing: a cancel without a round, an answer to what does not wait.
    pub async fn send(&self, command: Command) -> Result<(), CommandRefused> {
        let (taken, answer) = oneshot::channel();
        self.commands.send((command, taken)).await.map_err(|_| CommandRefused::Ended)?;
        answer.await.unwrap_or(Err(CommandRefused::Ended))
    }

    /// Ends the session: a round under way is cancelled, the journal is on disk, the record is saved.
    ///
    /// # Errors
    /// What could not be saved, in words for people.
    pub async fn close(self) -> Result<(), String> {
        drop(self.commands);
        match self.actor.await {
            Ok(saved) => saved,
            Err(error) => Err(format!("the session's task did not end by itself: {error}")),
        }
    }
}

struct Session {
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
    fn new(parts: SessionParts, log: Arc<EventLog>) -> Self {
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
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<(Command, oneshot::Sender<Result<(), CommandRefused>>)>,
    ) -> Result<(), String> {
        while let Some((command, taken)) = commands.recv().await {
            let Command::Start(mut request) = command else {
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
    async fn round(
        &mut self,
        request: &Request,
        addressee: &Addressee,
        commands: &mut mpsc::Receiver<(Command, oneshot::Sender<Result<(), CommandRefused>>)>,
    ) {
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
            Command::Start(_) => return Err(CommandRefused::Busy),
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
