//! A session from outside: what it is made of, what it is told, how it is listened to. What it does is in `actor`.

use std::sync::Arc;

use domain::{
    id::{CallId, QuestionId, SessionId},
    limits::Limits,
    mention::MentionError,
    past::Past,
    permission::{Policy, SandboxState},
    person::{NotHeard, PersonQueue, Presence},
    ports::{
        ClaimPort, Clock, GrantPort, IdSource, JournalPort, Processes, RecordPort, Servers, WorkspacePort,
    },
    secret::Redactor,
    session::Command,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{event_log::EventLog, event_stream::EventStream, team::Team};

mod actor;
mod link;

use actor::{Resumed, Sent, Session};
pub use link::{SessionLink, SessionStanding};

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
    /// The right to write in them: taken before the session's first effect.
    pub claim: Arc<dyn ClaimPort>,
    /// What runs commands.
    pub processes: Arc<dyn Processes>,
    /// What keeps servers in the background.
    pub servers: Arc<dyn Servers>,
    /// What the simulator is to find.
    #[cfg(test)]
    pub(crate) planted: crate::simulator::Planted,
}

/// A command was not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CommandRefused {
    /// A round cannot begin while one is under way.
    #[error("a round is under way: wait for its end, or cancel it")]
    Busy,
    /// The last round of the session has come to its end, so there is none to go on with.
    #[error("no round was broken off: begin one with a task")]
    NothingToGoOnWith,
    /// A message came while no round was under way that could hear it, or when its work was over.
    #[error("no round is at work that could hear this: begin one with these words")]
    NobodyListens,
    /// As many messages wait as the manager can be left to read.
    #[error("{} messages wait for the manager: say more when it has read them", PersonQueue::MOST_UNREAD)]
    TooManyMessages,
    /// An answer to a question that does not wait, or not any more: it was answered, its time is up, its round is over.
    #[error("no question `{0}` waits for an answer (any more)")]
    NoQuestion(QuestionId),
    /// The same of a call that wants leave.
    #[error("no call `{0}` waits for leave (any more)")]
    NoCall(CallId),
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
            NotHeard::NoQuestion(question) => Self::NoQuestion(question),
            NotHeard::NoCall(call) => Self::NoCall(call),
        }
    }
}

/// The front end's side of a session. Dropping it ends the session and the round under way.
pub struct SessionHandle {
    id: SessionId,
    broken_round: Option<u32>,
    log: Arc<EventLog>,
    commands: mpsc::Sender<Sent>,
    actor: JoinHandle<Result<(), String>>,
}

impl SessionHandle {
    /// Commands wait in a queue of this length; a front end that sends more waits.
    const QUEUE: usize = 16;

    /// Starts a session on the present runtime. Its first event is appended with its first round.
    #[must_use]
    pub fn start(parts: SessionParts) -> Self {
        Self::spawn(parts, None)
    }

    /// Takes a session up again, from what its journal says of it. `damaged`: rows of the journal that could not be read
    /// and were left out. Its first event is appended with its first round, or when it goes on with a broken-off one
    /// ([`Command::GoOn`]).
    #[must_use]
    pub fn resume(parts: SessionParts, past: Past, damaged: u64) -> Self {
        Self::spawn(parts, Some(Resumed { past, damaged }))
    }

    fn spawn(parts: SessionParts, resumed: Option<Resumed>) -> Self {
        let (sender, commands) = mpsc::channel(Self::QUEUE);
        let (journal, clock) = (Arc::clone(&parts.journal), Arc::clone(&parts.clock));
        let last = resumed.as_ref().map_or(0, |resumed| resumed.past.last_seq);
        let log = EventLog::new(parts.id, last, journal, clock, Arc::clone(&parts.redactor));
        #[cfg(test)]
        let log = log.with(parts.planted);
        let log = Arc::new(log);
        let id = parts.id;
        let broken_round = resumed.as_ref().and_then(|resumed| Some(resumed.past.broken.as_ref()?.number));
        let actor = Session::new(parts, resumed, Arc::clone(&log));
        Self { id, broken_round, log, commands: sender, actor: tokio::spawn(actor.run(commands)) }
    }

    /// The number of the round that had been broken off when the session was taken up; none where there is nothing to go
    /// on with. [`Command::GoOn`] goes on with it, [`Command::Start`] closes it as interrupted and begins the next one.
    #[must_use]
    pub const fn broken_round(&self) -> Option<u32> {
        self.broken_round
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
    /// [`CommandRefused`] where a round cannot begin, a message cannot be heard, or an answer is to what does not wait.
    /// Whatever else comes at the wrong moment changes nothing: a cancel without a round.
    pub async fn send(&self, command: Command) -> Result<(), CommandRefused> {
        tell(&self.commands, command).await
    }

    /// The session for others than its owner: it can be listened to and told something, and is not kept alive.
    #[must_use]
    pub fn link(&self) -> SessionLink {
        SessionLink::new(self.id, Arc::downgrade(&self.log), self.commands.downgrade())
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

/// Gives the session's task a command, and waits until it has been taken.
async fn tell(commands: &mpsc::Sender<Sent>, command: Command) -> Result<(), CommandRefused> {
    let (taken, answer) = oneshot::channel();
    commands.send((command, taken)).await.map_err(|_| CommandRefused::Ended)?;
    answer.await.unwrap_or(Err(CommandRefused::Ended))
}
