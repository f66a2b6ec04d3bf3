//! One git process: argument vector, empty environment, bounded output, a deadline, and an end with its caller.
//!
//! Knows nothing of repositories; which one a call sees is said by the environment it is given.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use crate::settings::WorkspaceSettings;

/// The most bytes of a list (200,000 files of 300 bytes).
const LONGEST_LIST: usize = 64 << 20;
/// The most bytes of what git says about an error.
const LONGEST_COMPLAINT: usize = 16 << 10;
/// How long git may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Options of every call: whatever a configuration says, these hold.
const ALWAYS: [&str; 11] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=false",
    "core.sshCommand=false",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// The git program.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    program: PathBuf,
    path: OsString,
    deadline: Duration,
}

/// A git process did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// It did not start.
    #[error("cannot start {program}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// It was started and then lost sight of.
    #[error("cannot talk with `git {command}`")]
    Talk {
        command: String,
        #[source]
        source: io::Error,
    },
    /// It was not started, because it would have waited for something that is no file.
    #[error(
        "`git {command}` would wait for {place}, which is no regular file; remove it, or put a file in its place"
    )]
    Waits { command: String, place: String },
    /// It was stopped at its deadline.
    #[error("`git {command}` took longer than {seconds} s and was stopped")]
    Deadline { command: String, seconds: u64 },
    /// It wrote more than there can be.
    #[error("`git {command}` gave more than {LONGEST_LIST} bytes")]
    TooMuch { command: String },
    /// It failed.
    #[error("`git {command}` failed: {text}")]
    Failed { command: String, text: String },
}

impl Git {
    /// Looks for git on the `PATH` that was handed in. Folders inside the workspace and relative ones are passed
    /// over: a repository brings no git of its own.
    pub(crate) fn find(settings: &WorkspaceSettings) -> Option<Self> {
        let path = settings.variable("PATH")?;
        let folders = std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .filter(|folder| !folder.canonicalize().is_ok_and(|real| real.starts_with(&settings.root)))
            .collect::<Vec<_>>();
        let program = folders.iter().map(|folder| folder.join("git")).find(|program| is_program(program))?;
        let path = std::env::join_paths(folders).ok()?;
        Some(Self { program, path, deadline: settings.bounds.git })
    }

    /// Prepares a call in the folder `cwd`.
    pub(crate) fn call(&self, cwd: &Path) -> Call {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir(cwd).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", &self.path);
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_NO_LAZY_FETCH", "1"),
            // No protocol bears this name, so none is allowed, whatever a configuration says.
            ("GIT_ALLOW_PROTOCOL", "none"),
            ("GIT_EDITOR", "false"),
        ] {
            command.env(name, value);
        }
        command.arg("--no-pager");
        for option in ALWAYS {
            command.args(["-c", option]);
        }
        Call {
            command,
            program: self.program.display().to_string(),
            name: String::new(),
            input: Vec::new(),
            keep: LONGEST_LIST,
            deadline: self.deadline,
            reads: Vec::new(),
        }
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// A git process that has not started yet.
#[derive(Debug)]
pub(crate) struct Call {
    command: Command,
    program: String,
    /// The subcommand, for errors.
    name: String,
    input: Vec<u8>,
    /// The most bytes of output to keep.
    keep: usize,
    deadline: Duration,
    /// What it will read and might wait for.
    reads: Vec<PathBuf>,
}

/// What a git process gave.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    /// Bytes of output that were read and not kept.
    pub(crate) omitted: u64,
    stderr: Vec<u8>,
    name: String,
}

impl Call {
    /// Adds arguments; the first one ever is the subcommand.
    pub(crate) fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        for arg in args {
            if self.name.is_empty() {
                self.name = arg.as_ref().to_string_lossy().into_owned();
            }
            self.command.arg(arg);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable back.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Gives it another time than [`crate::Bounds::git`].
    pub(crate) const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Names places that git will read: where one of them is a pipe or the like, it is not started.
    pub(crate) fn reads(mut self, places: impl IntoIterator<Item = PathBuf>) -> Self {
        self.reads.extend(places);
        self
    }

    /// The first of the places that nobody should read.
    fn waits(&self) -> Option<GitError> {
        let place = self.reads.iter().find(|place| is_strange(place))?;
        Some(GitError::Waits { command: self.name.clone(), place: place.display().to_string() })
    }

    /// Keeps this many bytes of the output and counts the rest.
    pub(crate) fn keep(mut self, most: usize) -> Self {
        self.keep = most;
        self
    }

    /// Runs to the end, whatever the exit code. Dropping the future ends the process and its group, and lets git take
    /// back its locks before.
    pub(crate) async fn finish(mut self) -> Result<Output, GitError> {
        if let Some(waits) = self.waits() {
            return Err(waits);
        }
        self.command.stdin(if self.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        let child = self
            .command
            .spawn()
            .map_err(|source| GitError::Start { program: self.program.clone(), source })?;
        let mut leash = Leash::new(child);
        let talk = leash.talk(&self.input, self.keep);
        let Ok(said) = tokio::time::timeout(self.deadline, talk).await else {
            leash.end().await;
            let late = || GitError::Deadline { command: self.name.clone(), seconds: self.deadline.as_secs() };
            return Err(self.waits().unwrap_or_else(late));
        };
        let (status, stdout, stderr) =
            said.map_err(|source| GitError::Talk { command: self.name.clone(), source })?;
        let (stdout, omitted) = stdout;
        let code = status.code().unwrap_or(-1);
        Ok(Output { code, stdout, omitted, stderr: stderr.0, name: self.name })
    }

    /// Runs to the end and wants exit code 0 and the whole output.
    pub(crate) async fn succeed(self) -> Result<Vec<u8>, GitError> {
        let whole = self.finish().await?.success()?;
        if whole.omitted > 0 {
            return Err(GitError::TooMuch { command: whole.name });
        }
        Ok(whole.stdout)
    }

    /// As [`Call::succeed`], for one line of text.
    pub(crate) async fn line(self) -> Result<String, GitError> {
        let output = self.succeed().await?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }
}

impl Output {
    pub(crate) fn success(self) -> Result<Self, GitError> {
        if self.code == 0 { Ok(self) } else { Err(self.failure()) }
    }

    /// What git complained about.
    pub(crate) fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }

    pub(crate) fn failure(&self) -> GitError {
        let text = match self.complaint() {
            text if text.is_empty() => format!("exit code {}", self.code),
            text => text,
        };
        GitError::Failed { command: self.name.clone(), text }
    }
}

type Kept = (Vec<u8>, u64);

/// Reads to the end, keeps the first `most` bytes and counts the others.
async fn read_some(source: Option<impl AsyncRead + Unpin>, most: usize) -> io::Result<Kept> {
    let Some(mut source) = source else { return Ok(Kept::default()) };
    let mut kept = Vec::new();
    let mut head = (&mut source).take(most as u64);
    head.read_to_end(&mut kept).await?;
    let omitted = tokio::io::copy(&mut source, &mut tokio::io::sink()).await?;
    Ok((kept, omitted))
}

/// Whether opening this could wait for somebody: a pipe, a device, a socket. What is not there is nothing to wait for.
pub(crate) fn is_strange(place: &Path) -> bool {
    place.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir())
}

/// A git process and whatever it started, ended when dropped: a terminal signal lets git remove its lock files first.
struct Leash {
    /// None once it is known to have ended, or somebody else sees to that.
    child: Option<Child>,
    group: Option<Pid>,
}

impl Leash {
    fn new(child: Child) -> Self {
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Self { child: Some(child), group }
    }

    /// Feeds the process and hears it to its end.
    async fn talk(
        &mut self,
        input: &[u8],
        keep: usize,
    ) -> io::Result<(std::process::ExitStatus, Kept, Kept)> {
        let Some(child) = &mut self.child else { return Err(io::ErrorKind::NotFound.into()) };
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async move {
            let Some(mut stdin) = stdin else { return Ok(()) };
            match stdin.write_all(input).await {
                // Git ended before it read everything; its exit code says why.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                done => done,
            }
        };
        let ((), stdout, stderr) =
            tokio::try_join!(feed, read_some(stdout, keep), read_some(stderr, LONGEST_COMPLAINT))?;
        let status = child.wait().await?;
        self.child = None;
        Ok((status, stdout, stderr))
    }

    /// Ends it, and waits for that.
    async fn end(&mut self) {
        if let Some(child) = self.child.take() {
            end(child, self.group).await;
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        signal(self.group, Signal::TERM);
        // Without a runtime, what does not end by that ends with nobody: this process goes, too.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(end(child, self.group));
        }
    }
}

/// Takes `GRACE` at most, and what the kernel needs to end a process.
async fn end(mut child: Child, group: Option<Pid>) {
    signal(group, Signal::TERM);
    let has_ended = tokio::time::timeout(GRACE, child.wait()).await.is_ok();
    // Whatever it started has had its time, too.
    signal(group, Signal::KILL);
    if !has_ended && let Err(error) = child.wait().await {
        tracing::warn!(%error, "cannot collect a git process that was killed");
    }
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group
        && let Err(error) = kill_process_group(group, signal)
    {
        tracing::debug!(%error, "git had ended before it could be stopped");
    }
}
