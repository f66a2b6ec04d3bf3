//! `session undo`: which round of which session is taken back, and what the journal remembers of it (O-29).
//!
//! What happens to files is the workspace's business ([`domain::ports::WorkspacePort::undo`]). Nothing here asks the
//! person: a front end shows [`Undo::plan`] and applies it if they agree. A session that is open in a program is left
//! to that program, because it alone writes the session's journal.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::{
    event::{CheckpointAt, Event, EventBody, Scope, VERSION as EVENT_VERSION},
    id::SessionId,
    ports::{ClaimError, ClaimPort, Clock, Holder, JournalError, JournalPort, WorkspacePort},
    secret::{RedactedEvent, Redactor},
    workspace::{Checkpoint, UndoError as Refusal, UndoFile, UndoPlan, Undone, WorkspaceError},
};
use storage::{ReadBack, SqliteJournal};
use workspace::{StatesLost, Workspace, WorkspaceClaim, lock::Lock};

use super::{
    Engine,
    sessions::{SessionError, cwd_of},
};

/// A round that can be taken back, and how.
pub struct Undo {
    session: SessionId,
    round: Round,
    plan: UndoPlan,
    workspace: Workspace,
    /// Held until this is dropped: no session writes between the plan and what comes of it.
    _claim: WorkspaceClaim,
    /// The same of the session's journal.
    _own: Lock,
    journal: Arc<SqliteJournal>,
    clock: Arc<dyn Clock>,
    redactor: Arc<Redactor>,
    last_seq: u64,
    /// Whether the person has agreed to lose what they did since, where that cannot be told apart.
    is_agreed: bool,
}

/// What the journal knows of the states around a round.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Round {
    number: u32,
    begin: Checkpoint,
    /// None: the round was cut off.
    end: Option<Checkpoint>,
    was_undone: bool,
    /// The session in whose journal the last of it stands: another one where this one was forked from it later.
    of: SessionId,
}

impl Round {
    fn changed_something(&self) -> bool {
        self.end.as_ref() != Some(&self.begin)
    }
}

/// A round is not taken back. No file was touched, except where [`Refusal::Stopped`] says so.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No session worked in this folder.
    #[error("no session worked in {}: name one with `session undo ID`, or its folder with `--cwd`", workspace.display())]
    NoSession {
        /// The folder.
        workspace: PathBuf,
    },
    /// The session worked in another folder.
    #[error("session {session} worked in {cwd}: undo it there (`--cwd`)")]
    OtherWorkspace {
        /// The session.
        session: SessionId,
        /// Where it worked.
        cwd: String,
    },
    /// The session has no such round, or the round changed nothing.
    #[error(
        "round {round} of session {session} changed no file; without `--round` the last one that did is meant"
    )]
    NoRound {
        /// The session.
        session: SessionId,
        /// The round.
        round: u32,
    },
    /// No round of the session changed anything that is not undone yet.
    #[error("there is nothing to undo in session {0}: no round of it changed a file, or all are undone")]
    NothingChanged(SessionId),
    /// The round is one of the session that this one was forked from, whose journal has to hear of it.
    #[error(
        "round {round} of session {session} is one of session {of}, which it was forked from: `session undo {of}`"
    )]
    Shared {
        /// The fork.
        session: SessionId,
        /// The round.
        round: u32,
        /// Whose round it is.
        of: SessionId,
    },
    /// A path leads out of the workspace, or is empty.
    #[error("`{0}` names nothing in the workspace: paths are relative to it, and stay in it")]
    Outside(String),
    /// The round changed nothing at some of the paths.
    #[error("round {round} of session {session} changed nothing at {}", paths.join(", "))]
    Unchanged {
        /// The session.
        session: SessionId,
        /// The round.
        round: u32,
        /// The paths at which it changed nothing.
        paths: Vec<String>,
    },
    /// The round came to no end, and nobody has agreed to lose what the person did since.
    #[error(
        "round {round} of session {session} was cut off: what you did to these files since cannot be told from its \
         work, so nothing was undone"
    )]
    CutOff {
        /// The session.
        session: SessionId,
        /// The round.
        round: u32,
    },
    /// A program has the session open.
    #[error("session {0} is open in a program: close it and try again")]
    Open(SessionId),
    /// Another session has the right to write here.
    #[error(
        "{holder} is at work in {}: close it, or wait for its end",
        folder.as_deref().unwrap_or("this workspace")
    )]
    AtWork {
        /// Who.
        holder: Holder,
        /// Where it works, if that is a folder around this workspace or inside it.
        folder: Option<String>,
    },
    /// Whether another session writes here cannot be told.
    #[error("nothing was undone, because another session could be at work in this workspace")]
    Unlocked(#[source] ClaimError),
    /// The session cannot be found, or not be kept from others meanwhile.
    #[error(transparent)]
    Session(SessionError),
    /// What undo needs was removed.
    #[error(
        "the earlier states of the files of session {0} are not kept any more: the newest sessions' are, as far as \
         there is room"
    )]
    Gone(SessionId),
    /// What undo needs cannot be read, because `.git` or parts of it or of our own folder are gone.
    #[error("what the files of session {session} were before cannot be read any more; nothing was undone")]
    Lost {
        /// The session.
        session: SessionId,
        /// What is gone.
        #[source]
        source: WorkspaceError,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The workspace could not be looked at.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The workspace refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The round was undone, and the journal could not take that.
    #[error("the files are put back, but the journal of session {session} could not take it")]
    Unrecorded {
        /// The session.
        session: SessionId,
        /// What was done.
        done: Box<Undone>,
        /// Why.
        #[source]
        source: JournalError,
    },
}

impl UndoError {
    /// The stable code in JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSession { .. } => "no_session",
            Self::OtherWorkspace { .. } => "other_workspace",
            Self::NoRound { .. } => "no_round",
            Self::Shared { .. } => "round_shared",
            Self::Outside(_) => "path_outside",
            Self::Unchanged { .. } => "path_unchanged",
            Self::CutOff { .. } => "round_cut_off",
            Self::NothingChanged(_) | Self::Refused(Refusal::Nothing) => "nothing_to_undo",
            Self::Open(_) => "session_open",
            Self::AtWork { .. } => "session_at_work",
            Self::Unlocked(_) => "workspace_not_locked",
            Self::Session(error) => error.code(),
            Self::Gone(_) => "states_gone",
            Self::Lost { .. } => "states_lost",
            Self::Journal(_) | Self::Unrecorded { .. } => "journal",
            Self::Workspace(_) | Self::Refused(Refusal::Workspace(_)) => "workspace",
            Self::Refused(Refusal::Refused(_)) => "undo_refused",
            Self::Refused(Refusal::Outdated) => "undo_outdated",
            Self::Refused(Refusal::Stopped { .. }) => "undo_stopped",
        }
    }
}

impl From<SessionError> for UndoError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NoneHere { workspace } => Self::NoSession { workspace },
            SessionError::AtWork { session, .. } => Self::Open(session),
            SessionError::Journal(error) => Self::Journal(error),
            other => Self::Session(other),
        }
    }
}

impl From<ClaimError> for UndoError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Held { holder, folder } => Self::AtWork { holder, folder },
            error @ ClaimError::Lock { .. } => Self::Unlocked(error),
        }
    }
}

impl Engine {
    /// What it would take to undo a round: of `session`, or of the latest session of this workspace; the `round` that
    /// is named, or the last one that changed something and is not undone. `paths` limit it to files and folders.
    /// Touches no file of the person's.
    ///
    /// # Errors
    /// [`UndoError`] where there is no such round, it changed nothing at one of the paths, its states are gone, a program
    /// has the session open, or another session has the right to write here.
    pub async fn undo_plan(
        &self,
        session: Option<SessionId>,
        round: Option<u32>,
        paths: Option<&[String]>,
    ) -> Result<Undo, UndoError> {
        let outside = paths.unwrap_or_default().iter().find(|path| !workspace::is_inside(&self.cwd, path));
        if let Some(path) = outside {
            return Err(UndoError::Outside(path.clone()));
        }
        let here = self.cwd.display().to_string();
        let session = match session {
            Some(session) => session,
            None => self.latest_session().await?,
        };
        let own = self.own(session)?;
        let back = self.journal.read_back(session, 0).await?;
        if let Some(cwd) = cwd_of(&back.events).filter(|cwd| *cwd != here) {
            return Err(UndoError::OtherWorkspace { session, cwd: cwd.to_owned() });
        }
        let claim = self.claim(session, &self.cwd, Duration::ZERO);
        claim.claim().await?;
        let rounds = rounds(&back);
        refuse_shared(session, &rounds, round)?;
        if !self.store(session).join("states").is_dir() {
            return Err(UndoError::Gone(session));
        }
        let mut settings = self.workspace_settings(session, &self.cwd);
        settings.ancestors = self.stores_of_ancestors(&back.stretches);
        let workspace = Workspace::open(settings);
        let (round, plan) = choose(&workspace, session, rounds, round, paths).await?;
        Ok(Undo {
            session,
            round,
            plan,
            workspace,
            _claim: claim,
            _own: own,
            journal: Arc::clone(&self.journal),
            clock: Arc::clone(&self.clock),
            redactor: Arc::clone(&self.redactor),
            last_seq: back.last_seq,
            is_agreed: false,
        })
    }
}

/// Refuses a round that belongs to a session that this one was forked from. Where none is named, the last one that changed
/// something is meant.
fn refuse_shared(session: SessionId, rounds: &[Round], wanted: Option<u32>) -> Result<(), UndoError> {
    let is_meant = |round: &&Round| match wanted {
        Some(number) => round.number == number,
        None => round.changed_something() && !round.was_undone,
    };
    match rounds.iter().rev().find(is_meant) {
        Some(round) if round.of != session => {
            Err(UndoError::Shared { session, round: round.number, of: round.of })
        }
        _ => Ok(()),
    }
}

/// The round that is meant, and its plan. Rounds that are undone already are passed over where none is named.
async fn choose(
    workspace: &Workspace,
    session: SessionId,
    rounds: Vec<Round>,
    wanted: Option<u32>,
    paths: Option<&[String]>,
) -> Result<(Round, UndoPlan), UndoError> {
    let is_meant = |round: &Round| match wanted {
        Some(number) => round.number == number,
        None => round.changed_something(),
    };
    for round in rounds.into_iter().rev().filter(|round| round.of == session).filter(is_meant) {
        let plan = workspace.undo_plan(&round.begin, round.end.as_ref(), paths).await;
        let plan = plan.map_err(|source| match source.source.is::<StatesLost>() {
            true => UndoError::Lost { session, source },
            false => UndoError::Workspace(source),
        })?;
        if wanted.is_some() || !round.was_undone || !plan.files.is_empty() {
            if !plan.unchanged.is_empty() {
                return Err(UndoError::Unchanged { session, round: round.number, paths: plan.unchanged });
            }
            return Ok((round, plan));
        }
    }
    Err(wanted.map_or(UndoError::NothingChanged(session), |round| UndoError::NoRound { session, round }))
}

/// The rounds before which a state was kept, in order.
fn rounds(back: &ReadBack) -> Vec<Round> {
    let mut rounds = Vec::<Round>::new();
    for event in &back.events {
        let stretch = back.stretches.iter().find(|stretch| event.seq <= stretch.last_seq);
        let of = stretch.map_or(event.session_id, |stretch| stretch.session);
        rounds
            .iter_mut()
            .filter(|round| Some(round.number) == event.scope.round)
            .for_each(|round| round.of = of);
        let known = |round: &&mut Round| Some(round.number) == event.scope.round;
        match (&event.body, event.scope.round) {
            (EventBody::Checkpoint { id, at: CheckpointAt::Begin }, Some(number))
                if rounds.iter().all(|round| round.number != number) =>
            {
                let begin = Checkpoint::new(id);
                rounds.push(Round { number, begin, end: None, was_undone: false, of });
            }
            (EventBody::Checkpoint { id, at: CheckpointAt::End }, Some(_)) => {
                if let Some(round) = rounds.iter_mut().find(known) {
                    round.end = Some(Checkpoint::new(id));
                }
            }
            (EventBody::Undone { checkpoint, .. }, _) => {
                let undone = rounds.iter_mut().filter(|round| round.begin.as_str() == checkpoint);
                undone.for_each(|round| round.was_undone = true);
            }
            _ => {}
        }
    }
    rounds
}

impl Undo {
    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The round, from 1.
    #[must_use]
    pub const fn round(&self) -> u32 {
        self.round.number
    }

    /// What would happen. The diff is for the person to see before they agree.
    #[must_use]
    pub const fn plan(&self) -> &UndoPlan {
        &self.plan
    }

    /// Whether the round came to no end, so that what the person did since cannot be told from its work.
    #[must_use]
    pub const fn is_cut_off(&self) -> bool {
        self.round.end.is_none()
    }

    /// Whether [`Undo::apply`] wants [`Undo::agreed`] first: what the person did since cannot be told from the round's
    /// work, and they have not named the files that may go back.
    #[must_use]
    pub const fn needs_agreement(&self) -> bool {
        self.is_cut_off() && self.plan.paths.is_none() && !self.is_agreed
    }

    /// The person has seen the plan, knows that their own edits may be in it, and agrees.
    #[must_use]
    pub fn agreed(self) -> Self {
        Self { is_agreed: true, ..self }
    }

    /// Why it is not applied while [`Undo::needs_agreement`].
    #[must_use]
    pub const fn cut_off(&self) -> UndoError {
        UndoError::CutOff { session: self.session, round: self.round.number }
    }

    /// Puts the files back and writes `undone` to the session's journal.
    ///
    /// # Errors
    /// Where a file is refused, an agreement is missing, or the files are not as the plan was made for, nothing is
    /// touched.
    pub async fn apply(self) -> Result<Undone, UndoError> {
        if self.needs_agreement() && !self.plan.files.is_empty() {
            return Err(self.cut_off());
        }
        match self.workspace.undo(&self.plan).await {
            Ok(done) => match self.remember(&done.kept, &done.files).await {
                Ok(()) => Ok(done),
                Err(source) => {
                    Err(UndoError::Unrecorded { session: self.session, done: Box::new(done), source })
                }
            },
            Err(error) => {
                if let Refusal::Stopped { kept, done, .. } = &error
                    && let Err(error) = self.remember(kept, done).await
                {
                    tracing::error!(%error, "the journal could not take an undo that stopped in its middle");
                }
                Err(error.into())
            }
        }
    }

    async fn remember(&self, kept: &Checkpoint, files: &[UndoFile]) -> Result<(), JournalError> {
        let mut body = EventBody::Undone {
            checkpoint: self.plan.begin.as_str().to_owned(),
            kept: kept.as_str().to_owned(),
            paths: files.iter().map(|file| file.path.clone()).collect(),
        };
        let RedactedEvent { broke_seal: _ } = self.redactor.redact_event(&mut body);
        let event = Event {
            v: EVENT_VERSION,
            seq: self.last_seq.saturating_add(1),
            ts: self.clock.now(),
            session_id: self.session,
            scope: Scope::default(),
            body,
        };
        self.journal.append(Arc::new(event)).await?;
        self.journal.durable().await
    }
}
