//! Sessions that are there already: found, taken up again, forked (O-22).
//!
//! What a session's journal means is `domain::past`'s business, and what is done with a round that was broken off is
//! decided by the command that the session is given next. Nothing here lists, searches or removes sessions.

use std::path::PathBuf;

use application::SessionHandle;
use domain::{
    event::{Event, EventBody},
    id::SessionId,
    past::Past,
    ports::JournalError,
    workspace::Checkpoint,
};
use storage::{ReadBack, Stretch};
use workspace::lock::LockError;

use super::Engine;
use crate::error::StartError;

/// The fewest characters of an id that name a session.
const SHORTEST_BEGINNING: usize = 6;
/// How many sessions are named at most where a beginning fits several.
const MOST_CANDIDATES: u32 = 8;

/// A session cannot be found, taken up or forked. Nothing has happened then.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is none of that id.
    #[error(
        "there is no session `{given}`: its id stands in its first event and in the name of its record; `--continue` goes \
         on with the latest session of a folder"
    )]
    Unknown {
        /// What was asked for.
        given: String,
    },
    /// More than one id begins like that.
    #[error("more than one session begins with `{given}`: {}; give more of the id", list(candidates))]
    Ambiguous {
        /// What was asked for.
        given: String,
        /// Some of them, newest first; at least two.
        candidates: Vec<SessionId>,
    },
    /// No session worked in this folder.
    #[error("no session worked in {}: begin one with a task, or name another folder with `--cwd`", workspace.display())]
    NoneHere {
        /// The folder.
        workspace: PathBuf,
    },
    /// The session worked in another folder.
    #[error("session {session} worked in {cwd}: go on with it there (`--cwd {cwd}`)")]
    OtherWorkspace {
        /// The session.
        session: SessionId,
        /// Where it worked last.
        cwd: String,
    },
    /// Another process, or another handle of this one, writes the session.
    #[error(
        "session {session} is at work already{}: wait for its end, or end it there; `session fork` makes another one of it",
        process(*pid)
    )]
    AtWork {
        /// The session.
        session: SessionId,
        /// The process, as far as it can be told.
        pid: Option<u32>,
    },
    /// It cannot be told whether somebody else writes the session.
    #[error("cannot lock session {session}")]
    Lock {
        /// The session.
        session: SessionId,
        /// Why.
        #[source]
        source: LockError,
    },
    /// The journal cannot be read or written. It is left as it is.
    #[error(transparent)]
    Journal(JournalError),
}

fn list(candidates: &[SessionId]) -> String {
    candidates.iter().map(SessionId::to_string).collect::<Vec<_>>().join(", ")
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" in process {pid}")).unwrap_or_default()
}

impl From<JournalError> for SessionError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::NoSession(session) => Self::Unknown { given: session.to_string() },
            store @ JournalError::Store { .. } => Self::Journal(store),
        }
    }
}

impl SessionError {
    /// The stable code in JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::NoneHere { .. } => "no_session",
            Self::Ambiguous { .. } => "ambiguous_session",
            Self::OtherWorkspace { .. } => "other_workspace",
            Self::AtWork { .. } => "session_open",
            Self::Lock { .. } => "session_lock",
            Self::Journal(_) => "journal",
        }
    }

    /// What a program exits with (contract 2): 16 not found, 17 not yet, 1 where our own data cannot be used.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown { .. }
            | Self::Ambiguous { .. }
            | Self::NoneHere { .. }
            | Self::OtherWorkspace { .. } => 16,
            Self::AtWork { .. } => 17,
            Self::Lock { .. } | Self::Journal(_) => 1,
        }
    }
}

/// A session that shares the beginning of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// The new session.
    pub session: SessionId,
    /// The one that it shares.
    pub forked_from: SessionId,
    /// The last event that is shared.
    pub seq: u64,
}

/// What was kept of the session's files, and where.
#[derive(Debug, Default)]
pub(super) struct Inheritance {
    /// Folders of states of sessions that it was forked from, the nearest first.
    pub(super) stores: Vec<PathBuf>,
    /// Said with its first event: code and text.
    pub(super) notices: Vec<(String, String)>,
}

impl Engine {
    /// The session whose id is `given` or begins with it; at least 6 characters, in any case.
    ///
    /// # Errors
    /// [`SessionError::Unknown`] where there is none, [`SessionError::Ambiguous`] where there are several.
    pub async fn find_session(&self, given: &str) -> Result<SessionId, SessionError> {
        let unknown = || SessionError::Unknown { given: given.to_owned() };
        let is_beginning = given.chars().count() >= SHORTEST_BEGINNING
            && given.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_beginning {
            return Err(unknown());
        }
        let found = self.journal.sessions_named(given, MOST_CANDIDATES).await?;
        let candidates: Vec<SessionId> = found.iter().map(|known| known.id).collect();
        match candidates[..] {
            [] => Err(unknown()),
            [session] => Ok(session),
            _ => Err(SessionError::Ambiguous { given: given.to_owned(), candidates }),
        }
    }

    /// The session of this workspace in which something happened last.
    ///
    /// # Errors
    /// [`SessionError::NoneHere`] where there is none.
    pub async fn latest_session(&self) -> Result<SessionId, SessionError> {
        let here = self.cwd.display().to_string();
        let latest = self.journal.sessions_in(here, 1).await?;
        let latest = latest.first().map(|known| known.id);
        latest.ok_or_else(|| SessionError::NoneHere { workspace: self.cwd.clone() })
    }

    /// Takes a session up again on the present tokio runtime, as its journal tells it. A round that was broken off
    /// ([`SessionHandle::broken_round`]) goes on with [`domain::session::Command::GoOn`]; any other command that begins a
    /// round closes it as interrupted. Nothing is written before that. Rows of the journal that cannot be read are left
    /// out, counted and said.
    ///
    /// # Errors
    /// [`StartError::Session`] where there is no such session, it worked in another folder, or somebody else writes it;
    /// otherwise as [`Engine::session`].
    pub async fn resume(&self, session: SessionId) -> Result<SessionHandle, StartError> {
        // Read under the lock: nobody adds anything behind our back.
        let lock = self.own(session)?;
        let back = self.journal.read_back(session, 0).await.map_err(SessionError::from)?;
        let mut past = Past::of(&back.events);
        // A row that cannot be read has its place, too.
        past.last_seq = past.last_seq.max(back.last_seq);
        let models = self.session_models(&past.requests).await?;
        let inheritance = self.inheritance(session, &back, &mut past);
        let ground = self.ground_of(session, &back.events).await?;
        let parts = self.parts(session, models, lock, ground, inheritance).await?;
        Ok(self.shared(parts, |parts| SessionHandle::resume(parts, past, back.damaged)))
    }

    /// Makes a new session that shares the journal of `session` up to its last event, and goes its own way from there.
    /// What the other one does later is its own.
    ///
    /// # Errors
    /// [`SessionError::Unknown`] where there is no such session, [`SessionError::Journal`] where the fork cannot be
    /// written.
    pub async fn fork(&self, session: SessionId) -> Result<Fork, SessionError> {
        let fork = SessionId::new(self.ids.next());
        let seq = self.journal.fork(session, fork, self.clock.now()).await?;
        Ok(Fork { session: fork, forked_from: session, seq })
    }

    /// Where the states of a session's workspace lie that it shares with those it was forked from.
    pub(super) fn stores_of_ancestors(&self, stretches: &[Stretch]) -> Vec<PathBuf> {
        let ancestors = stretches.iter().rev().skip(1);
        ancestors.map(|stretch| self.store(stretch.session)).collect()
    }

    /// What there is still of the files' earlier states. What is gone is compared with no more, and said.
    fn inheritance(&self, session: SessionId, back: &ReadBack, past: &mut Past) -> Inheritance {
        let stores = self.stores_of_ancestors(&back.stretches);
        let own = self.store(session);
        let is_gone = |state: &Checkpoint| {
            !std::iter::once(&own).chain(&stores).any(|store: &PathBuf| workspace::has_state(store, state))
        };
        let bases = [&mut past.bases.session, &mut past.bases.last_review];
        let lost = bases.into_iter().filter_map(|base| base.take_if(|state| is_gone(state))).count();
        let text = "what the files of this session were before is not kept any more: the newest sessions' states are, as \
                    far as there is room; `diff` and `commit` begin anew";
        let notices = (lost > 0).then(|| ("states_gone".to_owned(), text.to_owned()));
        Inheritance { stores, notices: notices.into_iter().collect() }
    }
}

/// Where a session worked last; none where its journal does not tell.
pub(super) fn cwd_of(events: &[Event]) -> Option<&str> {
    events.iter().rev().find_map(|event| match &event.body {
        EventBody::SessionStarted { cwd, .. } | EventBody::SessionResumed { cwd, .. } => Some(cwd.as_str()),
        _ => None,
    })
}
