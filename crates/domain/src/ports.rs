//! What the application needs from the world. Adapters live in `infra`, fakes in `testkit`.
//!
//! Ports speak domain words only. Each says what it promises about order, durability and cancellation.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    agent::AgentName,
    artifact::{Artifact, ArtifactError},
    command::{
        CommandEnd, CommandRequest, NotRestored, ProcessError, ServerError, ServerId, ServerOutput,
        ServerRequest, WallNotice,
    },
    event::Event,
    id::{CallId, RunId, SessionId, Ulid},
    model::{ModelError, ModelFacts, ModelRequest, ModelStream},
    permission::{PathRules, Rule, SandboxState},
    record::SessionRecord,
    time::Timestamp,
    tool::{CallTarget, Preview, RejectedInput, ToolOutcome, ToolSpec},
    workspace::{
        Bases, Changes, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, UndoError, UndoPlan,
        Undone, WorkspaceError,
    },
};

/// Resolves when whoever waits should stop. Never resolves where nobody cancels.
pub type Cancelled = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A [`Cancelled`] that never comes.
#[must_use]
pub fn never_cancelled() -> Cancelled {
    Box::pin(std::future::pending())
}

/// The wall clock. Durations are measured by the runtime's own timers, never by this.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Where ids come from.
pub trait IdSource: Send + Sync {
    /// A ULID that was not given before and sorts after those given earlier.
    fn next(&self) -> Ulid;
}

/// A model.
#[async_trait]
pub trait ModelPort: Send + Sync {
    /// The provider's name, as `--provider` spells it.
    fn provider(&self) -> &str;

    /// The name of the model that answers where a request names `wanted` (an alias, a full name, nothing).
    fn resolve(&self, wanted: Option<&str>) -> String;

    /// What is known of the model that answers where a request names `wanted`.
    fn facts(&self, _wanted: Option<&str>) -> ModelFacts {
        ModelFacts::default()
    }

    /// Asks for one answer. Dropping the future or the stream cancels the request.
    ///
    /// The stream ends after its [`crate::model::ModelItem::Answer`] or its first error.
    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError>;
}

/// Takes a tool's output while it is produced.
pub trait OutputSink: Send + Sync {
    /// More output. Called in order; returns at once, may drop.
    fn chunk(&self, text: &str);
}

/// What a tool call may know of its surroundings.
pub struct ToolContext {
    /// The agent that calls.
    pub agent: AgentName,
    /// Its run.
    pub run: RunId,
    /// The call.
    pub call: CallId,
    /// Takes output while it is produced.
    pub output: Arc<dyn OutputSink>,
    /// Resolves when the call should end early. The tool then ends what it started and returns
    /// [`crate::tool::ToolStatus::Cancelled`]; a moment later its future is dropped.
    pub cancelled: Cancelled,
    /// Earlier states of the workspace to compare with.
    pub bases: Bases,
    /// The globs the run may write with file tools; none: the whole workspace.
    pub writes: Option<Arc<[String]>>,
    /// Whether its commands are held to `writes`, too: other runs are at work beside it.
    pub holds_commands: bool,
    /// What rules forbid the agent to read and write. Held against the path that a file really has, once it is
    /// open: a link does not lead round a rule.
    pub paths: PathRules,
}

impl ToolContext {
    /// The globs that commands of the call are held to; none: they may write the whole workspace.
    #[must_use]
    pub fn command_writes(&self) -> Option<Arc<[String]>> {
        self.writes.clone().filter(|_| self.holds_commands)
    }
}

/// A tool.
pub trait ToolPort: Send + Sync {
    /// What models see. The same value at every call.
    fn spec(&self) -> &ToolSpec;

    /// Reads an input once; what comes out can only be run.
    ///
    /// # Errors
    /// [`RejectedInput`] where the input does not fit the schema. Nothing has happened then.
    fn prepare(&self, input: &Value) -> Result<Box<dyn PreparedCall>, RejectedInput>;
}

/// A call whose input has been read.
#[async_trait]
pub trait PreparedCall: Send {
    /// What it is about to do.
    fn target(&self) -> CallTarget;

    /// What it would change, for a person who is asked; none where there is nothing to show.
    /// A call that was previewed does that or nothing, whatever has changed since.
    async fn preview(&mut self, _bases: &Bases) -> Option<Preview> {
        None
    }

    /// Does it. Failures are outcomes, written for the model to read.
    async fn run(self: Box<Self>, context: ToolContext) -> ToolOutcome;
}

/// Runs commands and always gets them back.
#[async_trait]
pub trait Processes: Send + Sync {
    /// The wall that is in force; the first call may probe for it, later ones give the same answer.
    async fn sandbox(&self) -> SandboxState;

    /// Runs a shell command to its end, its deadline or `cancelled`, whichever comes first, and leaves no process
    /// of its group behind. Dropping the future kills the group, too.
    async fn run(
        &self,
        request: CommandRequest,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError>;

    /// Whether commands and servers are kept from writing anything in the workspace and the folders added to it but
    /// what these globs name ([`CommandRequest::writes`]). The answer for the same globs stays the same.
    async fn holds_to(&self, _writes: &[String]) -> bool {
        false
    }

    /// What commands or servers of the session changed of protected files, and nobody has put back so far. It is
    /// tried once more before it is said.
    async fn still_changed(&self) -> Vec<NotRestored> {
        Vec::new()
    }

    /// What came to light with the commands so far and the person should hear. Each is given once.
    async fn notices(&self) -> Vec<WallNotice> {
        Vec::new()
    }
}

/// Commands in the background, each belonging to a run.
#[async_trait]
pub trait Servers: Send + Sync {
    /// Starts one, at the sandbox level in force. It runs until it ends, is stopped, or its run ends.
    async fn start(&self, request: ServerRequest) -> Result<ServerId, ServerError>;

    /// What it has said since the last look, and whether it still runs.
    async fn read(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError>;

    /// Ends it, everything it started included, and gives what it had said since the last look.
    async fn stop(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError>;

    /// Ends every server of a run, and what else was kept for the run. Returns when nothing of it is left. All are told to
    /// end before anything is waited for: whoever cannot wait drops the future once it was polled.
    async fn end_run(&self, run: RunId);
}

/// The person's files, as they are and as they were.
#[async_trait]
pub trait WorkspacePort: Send + Sync {
    /// Keeps the present state so that later ones can be compared with it. Cheap where nothing changed since the
    /// last one (the same checkpoint comes back).
    async fn checkpoint(&self) -> Result<Checkpoint, WorkspaceError>;

    /// Whether any file that git does not ignore was created, changed or deleted since the last call (or the last
    /// checkpoint). Looks at stat data only, in this process; an engine commit is no change.
    async fn touched(&self) -> Result<bool, WorkspaceError>;

    /// The files that differ between `from` and now.
    async fn changes_since(&self, from: &Checkpoint) -> Result<Changes, WorkspaceError>;

    /// Those of `paths` that no checkpoint sees: ignored by git, outside the workspace, past a bound.
    async fn overlooked(&self, paths: &[String]) -> Result<Vec<String>, WorkspaceError>;

    /// Those of `folders` (the workspace itself: `.`) that git takes for repositories though they hold no `.git`. A
    /// workspace that cannot tell names none.
    async fn bare_repositories(&self, _folders: Vec<String>) -> Result<Vec<String>, WorkspaceError> {
        Ok(Vec::new())
    }

    /// Files that differed from git's HEAD when `at` was taken; empty outside of git.
    async fn dirty_at(&self, at: &Checkpoint) -> Result<Vec<String>, WorkspaceError>;

    /// A unified diff from `from` to now, of one path or of everything; text files only, binary ones named.
    /// None: from git's HEAD.
    async fn diff(&self, from: Option<&Checkpoint>, path: Option<&str>) -> Result<String, WorkspaceError>;

    /// What [`WorkspacePort::commit`] would take now. Changes nothing, and does not look for what would be refused in
    /// the contents.
    async fn commit_plan(&self, request: &CommitRequest) -> Result<CommitPlan, CommitError>;

    /// Commits, as the engine: no hook, no editor, no signing, no push.
    async fn commit(&self, request: CommitRequest) -> Result<CommitDone, CommitError>;

    /// What it would take to bring back what changed between `begin` and `end` (none: between `begin` and now), of
    /// `paths` (files or folders) or of everything. Touches no file of the person's.
    async fn undo_plan(
        &self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError>;

    /// Does what a plan says: keeps the present state, then puts files back, each one whole or not at all. `HEAD` and
    /// commits stay; the person's index shows no more of the round than the commits that were made.
    ///
    /// # Errors
    /// Where any of it is refused, or the files are not as the plan was made for, nothing is touched.
    async fn undo(&self, plan: &UndoPlan) -> Result<Undone, UndoError>;
}

/// Why the journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store refused: disk full, read-only, locked, damaged.
    #[error("cannot {doing} the journal {place}")]
    Store {
        /// `open`, `write`, `read`.
        doing: &'static str,
        /// The database file.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such session.
    #[error("no session {0} in the journal")]
    NoSession(SessionId),
}

/// The append-only list of a session's events.
#[async_trait]
pub trait JournalPort: Send + Sync {
    /// Takes an event. Events of one session come in the order of their `seq`; when this returns, the event is
    /// ordered, not yet durable. Waits only while the bounded queue is full. Dropping the future before it
    /// returns may leave the event untaken, never half taken.
    ///
    /// # Errors
    /// Where an earlier write failed: the journal takes nothing any more.
    async fn append(&self, event: Arc<Event>) -> Result<(), JournalError>;

    /// Waits until everything appended before is on disk (committed with fsync).
    async fn durable(&self) -> Result<(), JournalError>;

    /// The events of a session after `after` (0: all), in order, those appended a moment ago included.
    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<Event>, JournalError>;

    /// The first of them, at most `most`: fewer only where there are no more. For readers who must not hold a whole
    /// session.
    async fn read_some(
        &self,
        session: SessionId,
        after: u64,
        most: usize,
    ) -> Result<Vec<Event>, JournalError> {
        let mut events = self.read(session, after).await?;
        events.truncate(most);
        Ok(events)
    }
}

/// The right to write in the workspace: one session has it at a time (contract 3).
#[async_trait]
pub trait ClaimPort: Send + Sync {
    /// Takes it for the session, or finds that the session has it. It is given back when the port is dropped, or when the
    /// process dies. Dropping the future leaves it untaken or taken.
    ///
    /// # Errors
    /// [`ClaimError::Held`] where another session has it; nothing is waited for, unless the adapter was told to.
    async fn claim(&self) -> Result<(), ClaimError>;
}

/// The workspace cannot be written in.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another session has the right.
    #[error(
        "{holder} is at work in {}: wait for its end, or work in a worktree of your own (`--worktree`)",
        folder.as_deref().unwrap_or("this workspace")
    )]
    Held {
        /// Who.
        holder: Holder,
        /// Where it works, if that is a folder around this workspace or inside it.
        folder: Option<String>,
    },
    /// It cannot be told whether another session has it.
    #[error("cannot take the lock {place} of the workspace")]
    Lock {
        /// The file.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Who may write in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The session; none where its note cannot be read.
    pub session: Option<SessionId>,
    /// Its process.
    pub pid: Option<u32>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.session {
            Some(session) => write!(f, "session {session}")?,
            None => write!(f, "another session")?,
        }
        self.pid.map_or(Ok(()), |pid| write!(f, " (process {pid})"))
    }
}

/// Where outputs go that are too large for the journal.
pub trait ArtifactPort: Send + Sync + std::fmt::Debug {
    /// Begins an artifact. Nothing is on disk before the first write.
    fn begin(&self) -> Box<dyn ArtifactWriter>;
}

/// An artifact in the making. Dropped before it is kept, it leaves nothing behind.
pub trait ArtifactWriter: Send {
    /// Adds bytes; those past [`Artifact::LARGEST`] are counted only. Blocks as long as a write to a file does.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError>;

    /// Gives it its name.
    fn keep(self: Box<Self>) -> Result<Artifact, ArtifactError>;
}

/// Where the leave goes that a person gives for good (`always`): their own configuration for this workspace.
pub trait GrantPort: Send + Sync {
    /// Keeps a rule. It is on disk when this returns, and counts in sessions that begin later. Blocks as long as a
    /// write to a file does, and seconds at most where another process keeps a rule, too.
    fn keep(&self, rule: &Rule) -> Result<(), GrantError>;
}

/// A rule could not be kept; it counts for the session nevertheless.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the rule in {place}")]
pub struct GrantError {
    /// The file.
    pub place: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where finished records go.
#[async_trait]
pub trait RecordPort: Send + Sync {
    /// Writes or replaces a session's record, whole or not at all. Returns the file's path.
    async fn save(&self, record: &SessionRecord) -> Result<String, RecordError>;
}

/// A record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the session record {place}")]
pub struct RecordError {
    /// The file.
    pub place: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
