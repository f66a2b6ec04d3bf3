//! What a launch costs: CPU and wall time of `:` at each level, beside its limit: a bare spawn of the same shell, at
//! `strict` by a bare bubblewrap.
//!
//! `cargo run --release -p better-llm-sandbox --example launch_cost [ROUNDS]`. Figures of one sitting compare with
//! each other only; read the ratios. The repository is a git dir with the files a fresh one has. The CPU time of what
//! runs inside of a process namespace is not counted, of bubblewrap's own limit neither.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on says why and ends"
)]

use std::{
    ffi::OsString,
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use better_llm_sandbox::{NetworkAccess, Requested, Sandbox, SandboxSettings};
use domain::{
    command::{CommandRequest, CommandStatus},
    id::RunId,
    permission::SandboxLevel,
    ports::{OutputSink, Processes, never_cancelled},
};

const LAUNCHES: u32 = 200;
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

struct Unseen;

impl OutputSink for Unseen {
    fn chunk(&self, _text: &str) {}
}

/// Time of one kind of launch, over all rounds.
#[derive(Default, Clone, Copy)]
struct Cost {
    cpu: Duration,
    wall: Duration,
}

/// One row of the table.
struct Row {
    name: &'static str,
    /// The row that it is held against.
    limit: usize,
    launch: Launch,
    cost: Cost,
}

enum Launch {
    Bare(Vec<OsString>),
    At(Box<Sandbox>, Option<RunId>),
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(5_u32);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().canonicalize().expect("its path");
    for workspace in ["plain", "repository"] {
        fs::create_dir(root.join(workspace)).expect("a workspace");
    }
    fill_git_dir(&root.join("repository/.git"));
    let mut rows = rows(&root).await;
    for _ in 0..rounds {
        for row in &mut rows {
            let (cpu, wall) = (cpu(), Instant::now());
            for _ in 0..LAUNCHES {
                match &row.launch {
                    Launch::Bare(words) => bare(&root.join("plain"), words),
                    Launch::At(sandbox, run) => launch(sandbox, *run).await,
                }
            }
            row.cost.cpu += self::cpu() - cpu;
            row.cost.wall += wall.elapsed();
        }
    }
    let launches = f64::from(rounds * LAUNCHES);
    let per_launch = |time: Duration| time.as_secs_f64() * 1e3 / launches;
    println!(
        "| a launch | CPU ms | limit | ratio | wall ms | limit | ratio |\n|---|---|---|---|---|---|---|"
    );
    for Row { name, limit, cost, .. } in &rows {
        let limit = rows.get(*limit).map(|row| row.cost).unwrap_or_default();
        let [cpu, cpu_limit, wall, wall_limit] = [cost.cpu, limit.cpu, cost.wall, limit.wall].map(per_launch);
        let [cpu_ratio, wall_ratio] = [cpu / cpu_limit, wall / wall_limit];
        println!(
            "| {name} | {cpu:.2} | {cpu_limit:.2} | {cpu_ratio:.1} | {wall:.2} | {wall_limit:.2} | {wall_ratio:.1} |"
        );
    }
}

/// The levels that this machine has, behind their limits.
async fn rows(root: &Path) -> Vec<Row> {
    let words = |text: &str| text.split_whitespace().map(OsString::from).collect::<Vec<_>>();
    let shell = words("/usr/bin/bash -c :");
    let mut bubblewrap = words(
        "bwrap --unshare-all --die-with-parent --cap-drop ALL --ro-bind /usr /usr --symlink usr/bin /bin --symlink \
         usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --bind",
    );
    let plain = root.join("plain").into_os_string();
    bubblewrap.extend([plain.clone(), plain.clone(), "--chdir".into(), plain]);
    bubblewrap.extend(shell.clone());
    let run = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().ok();
    let mut rows = Vec::new();
    let row = |name, limit, launch| Row { name, limit, launch, cost: Cost::default() };
    rows.push(row("bash alone", 0, Launch::Bare(shell)));
    if Command::new("bwrap").arg("--version").output().is_ok() {
        rows.push(row("bubblewrap alone", 1, Launch::Bare(bubblewrap)));
    }
    for (name, limit, workspace, level, run) in [
        ("`none`", 0, "plain", SandboxLevel::None, None),
        ("`kernel`", 0, "plain", SandboxLevel::Kernel, None),
        ("`kernel`, in a repository", 0, "repository", SandboxLevel::Kernel, None),
        ("`strict`", 1, "plain", SandboxLevel::Strict, run),
        ("`strict`, in a repository", 1, "repository", SandboxLevel::Strict, run),
        ("`strict`, a network for each command", 1, "plain", SandboxLevel::Strict, None),
    ] {
        let sandbox = sandbox(root, workspace, level);
        match sandbox.check().await {
            Ok(_) => rows.push(row(name, limit, Launch::At(Box::new(sandbox), run))),
            Err(error) => println!("{name}: {error}"),
        }
    }
    rows
}

fn sandbox(root: &Path, workspace: &str, level: SandboxLevel) -> Sandbox {
    Sandbox::new(SandboxSettings {
        workspace: root.join(workspace),
        toolchains_of: root.join(workspace),
        requested: Requested::Level(level),
        cache: root.join("cache").join(level.as_str()),
        session: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a session id"),
        run_folder: root.join("run").join(workspace),
        tidied: Arc::default(),
        helper: None,
        git_dirs: Vec::new(),
        protected: Vec::new(),
        own: Vec::new(),
        artifacts: std::sync::Arc::new(testkit::MemoryArtifacts::new()),
        redactor: std::sync::Arc::default(),
        environment: vec![("PATH".into(), PATH.into()), ("HOME".into(), root.into())],
        memory: None,
        network: NetworkAccess::Off,
        add_dirs: Vec::new(),
        pass_env: Vec::new(),
    })
}

fn fill_git_dir(git: &Path) {
    for folder in ["hooks", "info", "objects", "refs/heads", "refs/tags", "refs/remotes/origin"] {
        fs::create_dir_all(git.join(folder)).expect("a folder");
    }
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    fs::write(git.join("config"), "[core]\n\tbare = false\n").expect("a file");
    fs::write(git.join("info/exclude"), "# none\n").expect("a file");
    for number in 0..14 {
        fs::write(git.join(format!("hooks/{number}.sample")), "#!/bin/sh\n".repeat(200)).expect("a hook");
    }
    for name in ["heads/main", "heads/work", "remotes/origin/main"] {
        fs::write(git.join("refs").join(name), "0123456789012345678901234567890123456789\n").expect("a ref");
    }
}

/// The least a program can do: the standard library's spawn, the output read to its end, the child reaped.
fn bare(workspace: &Path, words: &[OsString]) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let (program, arguments) = words.split_first().expect("a program");
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(workspace)
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().expect("a descriptor"))
        .stderr(writer)
        .spawn()
        .expect("it starts");
    let mut output = Vec::new();
    reader.read_to_end(&mut output).expect("its output");
    assert!(child.wait().expect("its end").success());
}

async fn launch(sandbox: &Sandbox, run: Option<RunId>) {
    let request = CommandRequest { run, ..CommandRequest::new(":") };
    let end = sandbox.run(request, Arc::new(Unseen), never_cancelled()).await.expect("it runs");
    assert_eq!(end.status, CommandStatus::Exited(0));
}

/// CPU time of this process and of the children it has reaped.
fn cpu() -> Duration {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN]
        .into_iter()
        .map(|who| {
            let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
            #[expect(unsafe_code, reason = "no safe wrapper reads the usage of children")]
            // SAFETY: the call fills the structure, of which every pattern of bits is valid.
            let usage = unsafe {
                libc::getrusage(who, usage.as_mut_ptr());
                usage.assume_init()
            };
            [usage.ru_utime, usage.ru_stime]
                .into_iter()
                .map(|time| {
                    let micros = time.tv_sec * 1_000_000 + time.tv_usec;
                    Duration::from_micros(micros.unsigned_abs())
                })
                .sum::<Duration>()
        })
        .sum()
}
