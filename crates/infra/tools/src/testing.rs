//! A workspace in a temporary folder, and ports that remember what they were asked.

use std::{
    collections::VecDeque,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    agent::AgentName,
    command::{
        BoundedOutput, CommandEnd, CommandRequest, CommandStatus, ProcessError, ServerError, ServerId,
        ServerOutput, ServerRequest, WholeOutput,
    },
    id::{CallId, RunId, Ulid},
    permission::{Effect, PathRules, Rule, SandboxLevel, SandboxState},
    ports::{
        Cancelled, IdSource, OutputSink, Processes, Servers, ToolContext, WorkspacePort, never_cancelled,
    },
    tool::ToolOutcome,
    workspace::{
        Bases, Changes, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, UndoError, UndoPlan,
        Undone, WorkspaceError,
    },
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    AddedRoot, ToolDeps, Toolbox,
    confined::{Confined, Place},
};

pub(crate) fn place(path: &str) -> Place {
    path.split('/')
        .filter(|name| !name.is_empty())
        .fold(Place::workspace(), |at, name| at.child(name.as_ref()))
}

/// A folder to work in. Beside it stands `outside/secret.txt`, which no tool may reach.
pub(crate) struct Workspace {
    folder: Arc<TempDir>,
    root: PathBuf,
    pub(crate) protected: Vec<PathBuf>,
    pub(crate) added: Vec<AddedRoot>,
    pub(crate) port: Arc<FakeWorkspace>,
    pub(crate) processes: Arc<FakeProcesses>,
    pub(crate) servers: Arc<FakeServers>,
    pub(crate) ids: Arc<FakeIds>,
}

pub(crate) const SECRET: &str = "the secret outside\n";

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("repo");
        for other in ["repo", "repo-evil", "outside"] {
            std::fs::create_dir(folder.path().join(other)).expect("a folder");
        }
        std::fs::write(folder.path().join("outside/secret.txt"), SECRET).expect("a file");
        std::fs::write(folder.path().join("repo-evil/secret.txt"), SECRET).expect("a file");
        Self {
            root,
            folder: Arc::new(folder),
            protected: Vec::new(),
            added: Vec::new(),
            port: Arc::default(),
            processes: Arc::default(),
            servers: Arc::default(),
            ids: Arc::default(),
        }
    }

    /// A workspace that is a folder of this one.
    pub(crate) fn inner(&self, path: &str) -> Self {
        Self {
            root: self.root.join(path),
            folder: Arc::clone(&self.folder),
            protected: Vec::new(),
            added: Vec::new(),
            port: Arc::default(),
            processes: Arc::default(),
            servers: Arc::default(),
            ids: Arc::default(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    pub(crate) fn link(&self, path: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.path(path)).expect("a link");
    }

    pub(crate) fn mode(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.path(path), std::fs::Permissions::from_mode(mode)).expect("a mode");
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.path(path)).expect("a file")
    }

    pub(crate) fn files(&self) -> Confined {
        Confined::open_roots(&self.root, &self.added, &self.protected).expect("the workspace opens")
    }

    /// Everything that is in the workspace's folder and beside it, with contents, to see that nothing changed.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut seen = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let kind = std::fs::symlink_metadata(&path).expect("an entry").file_type();
                if kind.is_dir() {
                    folders.push(path.clone());
                }
                let content = if kind.is_file() { std::fs::read(&path).expect("a file") } else { Vec::new() };
                seen.push((path, content));
            }
        }
        seen.sort();
        seen
    }

    pub(crate) fn toolbox(&self) -> Toolbox {
        Toolbox::open(ToolDeps {
            root: self.root.clone(),
            added: self.added.clone(),
            protected: self.protected.clone(),
            processes: self.processes.clone(),
            servers: self.servers.clone(),
            workspace: self.port.clone(),
            ids: Arc::clone(&self.ids) as _,
        })
        .expect("the workspace opens")
    }

    pub(crate) async fn call(&self, tool: &str, input: Value) -> ToolOutcome {
        self.call_in(tool, input, context()).await
    }

    pub(crate) async fn call_in(&self, tool: &str, input: Value, context: ToolContext) -> ToolOutcome {
        let tool = self.toolbox().build(tool).expect("a known tool");
        tool.prepare(&input).expect("an input that fits").run(context).await
    }

    pub(crate) fn rejection(&self, tool: &str, input: Value) -> String {
        let tool = self.toolbox().build(tool).expect("a known tool");
        tool.prepare(&input).err().expect("an input that does not fit").0
    }
}

pub(crate) fn context() -> ToolContext {
    context_with(never_cancelled(), Bases::default(), None)
}

/// A call whose agent may not do with `tool` what `argument` covers.
pub(crate) fn forbidden(tool: &str, argument: &str) -> ToolContext {
    ToolContext { paths: rules(tool, argument), ..context() }
}

/// A rule that denies.
pub(crate) fn rules(tool: &str, argument: &str) -> PathRules {
    let argument = Some(argument.to_owned());
    let rule = Rule { effect: Effect::Deny, tool: tool.to_owned(), argument, agent: None };
    PathRules::of(&AgentName::parse("coder").expect("a name"), &[rule])
}

pub(crate) fn context_with(cancelled: Cancelled, bases: Bases, writes: Option<&[&str]>) -> ToolContext {
    ToolContext {
        agent: AgentName::parse("coder").expect("a name"),
        run: RunId::new(Ulid(u128::MAX)),
        call: CallId::new("call-1"),
        output: Arc::new(NoSink),
        cancelled,
        bases,
        writes: writes.map(|globs| globs.iter().map(|&glob| glob.to_owned()).collect()),
        holds_commands: true,
        paths: PathRules::default(),
    }
}

/// Ids 1, 2, 3, ...
#[derive(Default)]
pub(crate) struct FakeIds(AtomicU64);

impl IdSource for FakeIds {
    fn next(&self) -> Ulid {
        Ulid(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

struct NoSink;

impl OutputSink for NoSink {
    fn chunk(&self, _text: &str) {}
}

/// Answers with what a test put in, and remembers the requests.
#[derive(Default)]
pub(crate) struct FakeProcesses {
    pub(crate) requests: Mutex<Vec<CommandRequest>>,
    pub(crate) answer: Mutex<Option<Result<CommandEnd, ProcessError>>>,
    /// None: the level `none`.
    pub(crate) level: Mutex<Option<SandboxLevel>>,
    /// Whether commands are held to whatever a task may write.
    pub(crate) holds: AtomicBool,
}

impl FakeProcesses {
    pub(crate) fn ends(&self, status: CommandStatus, output: BoundedOutput, restored: &[&str]) {
        let restored = restored.iter().map(|&path| path.to_owned()).collect();
        let end = CommandEnd {
            status,
            output,
            elapsed: Duration::from_millis(1),
            restored,
            not_restored: Vec::new(),
            whole_output: WholeOutput::Short,
        };
        *self.answer.lock().expect("a lock") = Some(Ok(end));
    }
}

#[async_trait]
impl Processes for FakeProcesses {
    async fn sandbox(&self) -> SandboxState {
        let level = self.level.lock().expect("a lock").unwrap_or(SandboxLevel::None);
        SandboxState { level, reason: "a test".to_owned(), usable: true }
    }

    async fn holds_to(&self, _writes: &[String]) -> bool {
        self.holds.load(Ordering::Relaxed)
    }

    async fn run(
        &self,
        request: CommandRequest,
        _output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError> {
        self.requests.lock().expect("a lock").push(request);
        let answer = self.answer.lock().expect("a lock").take();
        match answer {
            Some(answer) => answer,
            None => {
                cancelled.await;
                Ok(CommandEnd {
                    status: CommandStatus::Cancelled,
                    output: BoundedOutput::default(),
                    elapsed: Duration::ZERO,
                    restored: Vec::new(),
                    not_restored: Vec::new(),
                    whole_output: WholeOutput::Short,
                })
            }
        }
    }
}

/// Answers with what a test put in, and remembers what it was asked. Every start gives `server-1`.
#[derive(Default)]
pub(crate) struct FakeServers {
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) answers: Mutex<VecDeque<Result<ServerOutput, ServerError>>>,
}

impl FakeServers {
    pub(crate) fn says(&self, status: Option<CommandStatus>, output: &str, omitted_bytes: u64) {
        let output = ServerOutput { status, output: output.to_owned(), omitted_bytes };
        self.answers.lock().expect("a lock").push_back(Ok(output));
    }

    pub(crate) fn fails(&self, error: ServerError) {
        self.answers.lock().expect("a lock").push_back(Err(error));
    }

    fn answer(&self, asked: String) -> Result<ServerOutput, ServerError> {
        self.asked.lock().expect("a lock").push(asked);
        self.answers.lock().expect("a lock").pop_front().expect("an answer")
    }
}

#[async_trait]
impl Servers for FakeServers {
    async fn start(&self, request: ServerRequest) -> Result<ServerId, ServerError> {
        let held = request.writes.map(|writes| format!(", writing {}", writes.join(" "))).unwrap_or_default();
        let asked = format!("start {} for {}{held}", request.command, request.run);
        self.asked.lock().expect("a lock").push(asked);
        let mut answers = self.answers.lock().expect("a lock");
        match answers.pop_front_if(|answer| answer.is_err()) {
            Some(Err(error)) => Err(error),
            _ => Ok(ServerId::new("server-1")),
        }
    }

    async fn read(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.answer(format!("read {server} of {run}"))
    }

    async fn stop(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.answer(format!("stop {server} of {run}"))
    }

    async fn end_run(&self, run: RunId) {
        self.asked.lock().expect("a lock").push(format!("end {run}"));
    }
}

/// Answers with what a test put in, and remembers the requests.
#[derive(Default)]
pub(crate) struct FakeWorkspace {
    pub(crate) diffs: Mutex<Vec<(Option<Checkpoint>, Option<String>)>>,
    pub(crate) diff: Mutex<String>,
    pub(crate) commits: Mutex<Vec<CommitRequest>>,
    pub(crate) commit: Mutex<Option<Result<CommitDone, CommitError>>>,
    pub(crate) plan: Mutex<Option<Result<CommitPlan, CommitError>>>,
}

#[async_trait]
impl WorkspacePort for FakeWorkspace {
    async fn checkpoint(&self) -> Result<Checkpoint, WorkspaceError> {
        Ok(Checkpoint::new("now"))
    }

    async fn touched(&self) -> Result<bool, WorkspaceError> {
        Ok(false)
    }

    async fn changes_since(&self, _from: &Checkpoint) -> Result<Changes, WorkspaceError> {
        Ok(Changes::default())
    }

    async fn overlooked(&self, _paths: &[String]) -> Result<Vec<String>, WorkspaceError> {
        Ok(Vec::new())
    }

    async fn dirty_at(&self, _at: &Checkpoint) -> Result<Vec<String>, WorkspaceError> {
        Ok(Vec::new())
    }

    async fn diff(&self, from: Option<&Checkpoint>, path: Option<&str>) -> Result<String, WorkspaceError> {
        self.diffs.lock().expect("a lock").push((from.cloned(), path.map(str::to_owned)));
        Ok(self.diff.lock().expect("a lock").clone())
    }

    async fn commit_plan(&self, _request: &CommitRequest) -> Result<CommitPlan, CommitError> {
        self.plan.lock().expect("a lock").take().unwrap_or(Err(CommitError::NoRepository))
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitDone, CommitError> {
        self.commits.lock().expect("a lock").push(request);
        self.commit.lock().expect("a lock").take().unwrap_or(Err(CommitError::NoRepository))
    }

    /// No tool undoes.
    async fn undo_plan(
        &self,
        begin: &Checkpoint,
        _end: Option<&Checkpoint>,
        _paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError> {
        let doing = format!("undo to {}", begin.as_str());
        Err(WorkspaceError { doing, source: "no tool does that".into() })
    }

    async fn undo(&self, _plan: &UndoPlan) -> Result<Undone, UndoError> {
        Err(UndoError::Nothing)
    }
}
