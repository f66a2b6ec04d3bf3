//! What a launch costs: CPU and wall time of `:` at each level, beside a bare spawn of the same shell.
//!
//! `cargo run --release -p better-llm-sandbox --example launch_cost [ROUNDS]`. Figures of one sitting compare with
//! each other only; read the ratios. The repository is a git dir with the files a fresh one has.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on says why and ends"
)]

use std::{
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

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(5_u32);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().canonicalize().expect("its path");
    for workspace in ["plain", "repository"] {
        fs::create_dir(root.join(workspace)).expect("a workspace");
    }
    fill_git_dir(&root.join("repository/.git"));
    let none = sandbox(&root, "plain", SandboxLevel::None);
    let kernel = sandbox(&root, "plain", SandboxLevel::Kernel);
    let guarded = sandbox(&root, "repository", SandboxLevel::Kernel);

    let names = ["bare spawn", "none", "kernel", "kernel, in a repository"];
    let mut costs = [Cost::default(); 4];
    for _ in 0..rounds {
        for (cost, which) in costs.iter_mut().zip([None, Some(&none), Some(&kernel), Some(&guarded)]) {
            let (cpu, wall) = (cpu(), Instant::now());
            for _ in 0..LAUNCHES {
                match which {
                    None => bare(&root.join("plain")),
                    Some(sandbox) => launch(sandbox).await,
                }
            }
            cost.cpu += self::cpu() - cpu;
            cost.wall += wall.elapsed();
        }
    }
    let launches = f64::from(rounds * LAUNCHES);
    let base = costs.first().copied().unwrap_or_default();
    println!("{:26} {:>9} {:>9} {:>7} {:>7}", "a launch", "CPU us", "wall us", "CPU", "wall");
    for (name, cost) in names.iter().zip(costs) {
        println!(
            "{name:26} {:9.0} {:9.0} {:6.2}x {:6.2}x",
            cost.cpu.as_secs_f64() * 1e6 / launches,
            cost.wall.as_secs_f64() * 1e6 / launches,
            cost.cpu.as_secs_f64() / base.cpu.as_secs_f64(),
            cost.wall.as_secs_f64() / base.wall.as_secs_f64(),
        );
    }
}

fn sandbox(root: &Path, workspace: &str, level: SandboxLevel) -> Sandbox {
    Sandbox::new(SandboxSettings {
        workspace: root.join(workspace),
        requested: Requested::Level(level),
        cache: root.join("cache").join(level.as_str()),
        session: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a session id"),
        run_folder: root.join("run"),
        helper: None,
        git_dirs: Vec::new(),
        protected: Vec::new(),
        own: Vec::new(),
        artifacts: std::sync::Arc::new(testkit::MemoryArtifacts::new()),
        redactor: std::sync::Arc::default(),
        environment: vec![("PATH".into(), PATH.into()), ("HOME".into(), root.into())],
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
fn bare(workspace: &Path) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut child = Command::new("/usr/bin/bash")
        .args(["-c", ":"])
        .current_dir(workspace)
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().expect("a descriptor"))
        .stderr(writer)
        .spawn()
        .expect("bash");
    let mut output = Vec::new();
    reader.read_to_end(&mut output).expect("its output");
    assert!(child.wait().expect("its end").success());
}

async fn launch(sandbox: &Sandbox) {
    let request = CommandRequest::new(":");
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
