//! What other processes of the user see of an engine's sessions, and what they tell them: the engine's side of its socket.
//!
//! The socket is made with the first session. Where it cannot be, sessions work without, and say so.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use application::{CommandRefused, EventStream, SessionHandle, SessionLink, SessionStanding};
use async_trait::async_trait;
use domain::{event::Published, id::SessionId, ports::JournalError, session::Command};
use socket::{
    AttachError, Attached, Doing, Happenings, Owned, Owner, Refusal, Server, SessionState, SocketError,
};
use tokio::sync::OnceCell;

use super::Engine;

/// The code of the notice that there is no socket.
const UNREACHABLE: &str = "socket_unavailable";

/// An engine's socket, and the sessions that it shows.
pub(super) struct Sharing {
    /// Where sockets lie; none: this engine has none.
    folder: Option<PathBuf>,
    sessions: Arc<Sessions>,
    server: OnceCell<Result<Server, SocketError>>,
}

impl Sharing {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, sessions: Arc::default(), server: OnceCell::new() }
    }

    /// Makes the socket where there is none yet. Gives the notice, code and text, that there can be none.
    pub(super) async fn begin(&self) -> Option<(String, String)> {
        let folder = self.folder.as_ref()?;
        let starting = async || Server::start(folder, Arc::clone(&self.sessions) as _).await;
        let error = self.server.get_or_init(starting).await.as_ref().err()?;
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(" ({cause})"));
        Some((
            UNREACHABLE.to_owned(),
            format!("other programs cannot watch or command this session: {error}{cause}"),
        ))
    }

    /// Shows a session for as long as it lives.
    pub(super) fn show(&self, session: &SessionHandle, cwd: String) {
        self.sessions.living().push(Shown { link: session.link(), cwd });
    }

    /// Gives those who watch a moment for the last events.
    pub(super) async fn close(self) {
        if let Some(Ok(server)) = self.server.into_inner() {
            server.close().await;
        }
    }
}

/// The sessions of an engine, as far as they live.
#[derive(Default)]
struct Sessions(Mutex<Vec<Shown>>);

struct Shown {
    link: SessionLink,
    cwd: String,
}

impl Sessions {
    fn living(&self) -> MutexGuard<'_, Vec<Shown>> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|shown| shown.link.standing().is_some());
        sessions
    }

    fn link(&self, session: SessionId) -> Option<SessionLink> {
        self.living().iter().find(|shown| shown.link.id() == session).map(|shown| shown.link.clone())
    }
}

#[async_trait]
impl Owned for Sessions {
    fn sessions(&self) -> Vec<SessionState> {
        self.living().iter().filter_map(Shown::state).collect()
    }

    fn watch(&self, session: SessionId, after: u64) -> Option<Box<dyn Happenings>> {
        let events = self.link(session)?.events_after(after)?;
        Some(Box::new(Events(events)))
    }

    async fn tell(&self, session: SessionId, command: Command) -> Result<(), Refusal> {
        let told = match self.link(session) {
            Some(link) => link.send(command).await,
            None => Err(CommandRefused::Ended),
        };
        told.map_err(|why| Refusal { code: code(&why).to_owned(), text: why.to_string() })
    }
}

impl Shown {
    fn state(&self) -> Option<SessionState> {
        let SessionStanding { last_seq, round } = self.link.standing()?;
        let doing = round.map_or(Doing::Idle, |round| Doing::Round { round });
        Some(SessionState { session_id: self.link.id(), cwd: self.cwd.clone(), last_seq, doing })
    }
}

/// The stable code of a refusal.
const fn code(why: &CommandRefused) -> &'static str {
    match why {
        CommandRefused::Busy => "busy",
        CommandRefused::NothingToGoOnWith => "nothing_to_go_on_with",
        CommandRefused::NobodyListens => "nobody_listens",
        CommandRefused::TooManyMessages => "too_many_messages",
        CommandRefused::NoQuestion(_) => "no_question",
        CommandRefused::NoCall(_) => "no_call",
        CommandRefused::Mention(_) => "mention",
        CommandRefused::Ended => "no_such_session",
    }
}

struct Events(EventStream);

#[async_trait]
impl Happenings for Events {
    async fn next(&mut self) -> Option<Result<Published, JournalError>> {
        self.0.next().await
    }
}

impl Engine {
    /// Every process of the user that has sessions at work, with what they do. Those of this engine are among them.
    pub async fn at_work(&self) -> Vec<Owner> {
        socket::owners(&self.settings.places.run()).await
    }

    /// Attaches to a session that another process owns, or this one: everything after event `after` (0: all), with deltas
    /// where `deltas`, and a way to tell it something. The owner's person stays who they are: an answer counts as theirs.
    ///
    /// # Errors
    /// [`AttachError::NotAtWork`] where no process owns it, and what went wrong on the way.
    pub async fn attach(
        &self,
        session: SessionId,
        after: u64,
        deltas: bool,
    ) -> Result<Attached, AttachError> {
        socket::attach(&self.settings.places.run(), session, after, deltas).await
    }
}
