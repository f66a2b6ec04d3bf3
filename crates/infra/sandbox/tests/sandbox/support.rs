//! A workspace of its own with a sandbox around it, a home with a secret beside it, and a sink that can be waited on.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use better_llm_sandbox::{NetworkAccess, Requested, Sandbox, SandboxSettings};
use domain::{
    command::{CommandEnd, CommandRequest, CommandStatus},
    id::SessionId,
    permission::SandboxLevel,
    ports::{Cancelled, OutputSink, Processes, never_cancelled},
};
use testkit::MemoryArtifacts;
use tokio::sync::watch;

/// A state that has not come by then will not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const KEY: &str = "sk-canary-0001";
pub(crate) const SECRET: &str = "canary-secret";
pub(crate) const SESSION: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

pub(crate) struct Bench {
    pub(crate) root: tempfile::TempDir,
    pub(crate) workspace: PathBuf,
    pub(crate) home: PathBuf,
    /// Where the whole of long outputs went.
    pub(crate) artifacts: MemoryArtifacts,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// In a folder below another one than that of temporary files.
    pub(crate) fn within(folder: &Path) -> Self {
        let root = tempfile::tempdir_in(folder).expect("a temporary folder");
        let real = root.path().canonicalize().expect("its path");
        let (workspace, home) = (real.join("작업 공간"), real.join("home"));
        fs::create_dir(&workspace).expect("a workspace");
        fs::create_dir(&home).expect("a home");
        fs::write(home.join("secret"), SECRET).expect("a secret");
        Self { root, workspace, home, artifacts: MemoryArtifacts::new() }
    }

    pub(crate) fn settings(&self, requested: Requested) -> SandboxSettings {
        let variable = |name: &str, value: OsString| (name.into(), value);
        SandboxSettings {
            workspace: self.workspace.clone(),
            toolchains_of: self.workspace.clone(),
            requested,
            cache: self.home.join("cache"),
            session: SESSION.parse::<SessionId>().expect("a session id"),
            run_folder: self.root.path().join("state/run"),
            tidied: Arc::default(),
            helper: None,
            git_dirs: Vec::new(),
            protected: Vec::new(),
            own: Vec::new(),
            artifacts: std::sync::Arc::new(self.artifacts.clone()),
            redactor: std::sync::Arc::default(),
            environment: vec![
                variable("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
                variable("HOME", self.home.clone().into()),
                variable("LANG", "C.UTF-8".into()),
                variable("LC_TIME", "ko_KR.UTF-8".into()),
                variable("TERM", "dumb".into()),
                variable("ANTHROPIC_API_KEY", KEY.into()),
                variable("LD_PRELOAD", "/nowhere/canary.so".into()),
                variable("BASH_ENV", "/nowhere/canary.sh".into()),
            ],
            memory: None,
            network: NetworkAccess::Off,
            add_dirs: Vec::new(),
            pass_env: Vec::new(),
        }
    }

    /// A sandbox at a level; none, and a line that says so, where this machine has not got the level.
    pub(crate) async fn at(&self, level: SandboxLevel) -> Option<Sandbox> {
        self.with(self.settings(Requested::Level(level))).await
    }

    pub(crate) async fn with(&self, settings: SandboxSettings) -> Option<Sandbox> {
        let requested = settings.requested;
        let sandbox = Sandbox::new(settings);
        match sandbox.check().await {
            Ok(_) => Some(sandbox),
            // A machine that has the parts must have the level.
            Err(error) if has_parts(requested) => panic!("the sandbox does not work: {error:?}"),
            Err(error) => {
                testkit::requirement::skip(format_args!("{error:?}"));
                None
            }
        }
    }

    /// A folder of links to the programs of this system but for one.
    pub(crate) fn programs_without(&self, name: &str) -> PathBuf {
        let folder = self.home.join("programs");
        fs::create_dir(&folder).expect("a folder");
        for system in ["/usr/bin", "/usr/local/bin"] {
            for entry in fs::read_dir(system).into_iter().flatten().filter_map(Result::ok) {
                let place = folder.join(entry.file_name());
                if entry.file_name() != name && !place.exists() {
                    std::os::unix::fs::symlink(entry.path(), place).unwrap_or_default();
                }
            }
        }
        folder
    }

    /// The host's processes that live in a view of this bench's workspace: all there are of commands at `strict`.
    pub(crate) fn inside(&self) -> Vec<i32> {
        let name = self.root.path().file_name().expect("a name").to_string_lossy().into_owned();
        let own = fs::read_link("/proc/self/ns/mnt").expect("our own view");
        let is_inside = |pid: &i32| {
            let view = |what: &str| format!("/proc/{pid}/{what}");
            fs::read_link(view("ns/mnt")).is_ok_and(|view| view != own)
                && fs::read_to_string(view("mountinfo")).is_ok_and(|mounts| mounts.contains(&name))
        };
        let all = fs::read_dir("/proc")
            .expect("processes")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(is_inside).filter(|pid| is_running(*pid)).collect()
    }

    /// Nothing of commands at `strict` is left.
    pub(crate) fn is_empty(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.inside().is_empty() {
            assert!(Instant::now() < deadline, "processes {:?} are still there", self.inside());
            std::thread::yield_now();
        }
    }

    /// What the host calls processes that a command at `level` named: inside of a namespace they have other numbers.
    pub(crate) fn on_the_host(&self, level: SandboxLevel, named: &[i32]) -> Vec<i32> {
        if level != SandboxLevel::Strict {
            return named.to_vec();
        }
        let inside = self.inside();
        let find = |name: &i32| {
            let is_it = |pid: &&i32| {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                let line = status.lines().find(|line| line.starts_with("NSpid:")).unwrap_or_default();
                line.split_whitespace().last() == Some(&name.to_string())
            };
            *inside.iter().find(is_it).unwrap_or_else(|| panic!("no process {name} among {inside:?}"))
        };
        named.iter().map(find).collect()
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.home.join("secret")
    }
}

/// Whether this machine can have the level, found without the code under test.
fn has_parts(requested: Requested) -> bool {
    match requested {
        Requested::Level(SandboxLevel::Strict) => has_bubblewrap(),
        _ => landlock_abi() >= 4,
    }
}

fn has_bubblewrap() -> bool {
    let mut bubblewrap = std::process::Command::new("bwrap");
    bubblewrap.args(["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]);
    bubblewrap.output().is_ok_and(|output| output.status.success())
}

/// What a shell cannot do is done by Python here.
pub(crate) fn has_python() -> bool {
    let is_there = ["/usr/bin/python3", "/usr/local/bin/python3"].iter().any(|file| Path::new(file).exists());
    if !is_there {
        testkit::requirement::skip("no `python3`");
    }
    is_there
}

/// The kernel's own answer; negative where it has no Landlock.
#[expect(unsafe_code, reason = "the tests ask the kernel without the code under test")]
fn landlock_abi() -> i64 {
    const VERSION: u32 = 1;
    // SAFETY: with this flag the call reads nothing and only returns a number.
    unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, VERSION)
    }
}

/// Levels whose commands behave alike but for what they may touch.
pub(crate) const ALL: [SandboxLevel; 3] = [SandboxLevel::None, SandboxLevel::Kernel, SandboxLevel::Strict];
/// Levels that wall commands in.
pub(crate) const WALLED: [SandboxLevel; 2] = [SandboxLevel::Kernel, SandboxLevel::Strict];

pub(crate) fn request(command: &str) -> CommandRequest {
    CommandRequest { timeout: CommandRequest::LONGEST_TIMEOUT, ..CommandRequest::new(command) }
}

/// Runs a command that ends by itself.
pub(crate) async fn run(sandbox: &Sandbox, command: &str) -> CommandEnd {
    let end = sandbox.run(request(command), Arc::new(Sink::default()), never_cancelled());
    within(end).await.unwrap_or_else(|error| panic!("`{command}`: {error:?}"))
}

/// The status and the whole output of a command that ends by itself.
pub(crate) async fn result(sandbox: &Sandbox, command: &str) -> (CommandStatus, String) {
    let end = run(sandbox, command).await;
    assert_eq!(end.output.omitted_bytes, 0, "`{command}`");
    (end.status, end.output.head + &end.output.tail)
}

/// Waits for something that has to come.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

/// Keeps what it is shown, and can be waited on.
pub(crate) struct Sink(watch::Sender<String>);

impl Default for Sink {
    fn default() -> Self {
        Self(watch::Sender::new(String::new()))
    }
}

impl OutputSink for Sink {
    fn chunk(&self, text: &str) {
        self.0.send_modify(|shown| shown.push_str(text));
    }
}

impl Sink {
    pub(crate) fn shown(&self) -> String {
        self.0.borrow().clone()
    }

    /// Waits for a line that begins with `ready` and gives the rest of it, up to the next `ready`.
    pub(crate) async fn ready(&self) -> Vec<i32> {
        let mut shown = self.0.subscribe();
        let line = |text: &str| {
            let (before, _) = text.rsplit_once('\n')?;
            before.lines().find_map(|line| line.strip_prefix("ready").map(str::to_owned))
        };
        let text = within(shown.wait_for(|text| line(text).is_some())).await.expect("the sink lives").clone();
        let line = line(&text).unwrap_or_default();
        line.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect()
    }
}

/// A cancel that comes when the returned sender is used.
pub(crate) fn cancel() -> (tokio::sync::oneshot::Sender<()>, Cancelled) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    (sender, Box::pin(async move { receiver.await.expect("the test cancels") }))
}

/// Waits until a process runs no more. A zombie runs no more; who reaps it is init's business.
pub(crate) fn ends(pid: i32) {
    let deadline = Instant::now() + PATIENCE;
    while is_running(pid) {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::yield_now();
    }
}

pub(crate) fn is_running(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// A child of ours that nobody reaped.
pub(crate) fn is_zombie(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// Copies a program by another process: a copy that this one writes could not be executed while a neighbouring
/// test's child, forked meanwhile, still holds the descriptor.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg(from).arg(to).status().expect("cp");
    assert!(copied.success());
}

pub(crate) fn make_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("our own file");
}

/// An error and its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
