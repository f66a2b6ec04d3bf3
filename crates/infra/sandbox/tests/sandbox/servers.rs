//! Servers: kept by name for a run, read in pieces, and gone with it.

use std::{fs, time::Duration};

use better_llm_sandbox::{NetworkAccess, Requested, Sandbox};
use domain::{
    command::{CommandStatus, ServerError, ServerId, ServerOutput, ServerRequest},
    id::RunId,
    permission::SandboxLevel,
    ports::Servers,
};

use crate::{
    protected::{git, repository},
    support::{ALL, Bench, ends, is_running, run, within},
};

fn run_of(letter: char) -> RunId {
    format!("01ARZ3NDEKTSV4RRFFQ69G5FA{letter}").parse().expect("a run id")
}

/// A sandbox in which a server can be reached.
async fn open(bench: &Bench, level: SandboxLevel) -> Option<Sandbox> {
    let mut settings = bench.settings(Requested::Level(level));
    settings.network = NetworkAccess::Open;
    bench.with(settings).await
}

async fn try_start(sandbox: &Sandbox, run: RunId, command: &str) -> Result<ServerId, ServerError> {
    within(sandbox.start(ServerRequest { command: command.to_owned(), run, writes: None })).await
}

async fn start(sandbox: &Sandbox, run: RunId, command: &str) -> ServerId {
    try_start(sandbox, run, command).await.unwrap_or_else(|error| panic!("`{command}`: {error:?}"))
}

/// Reads until `wanted`, and gives all that was read.
async fn read_until(
    sandbox: &Sandbox,
    run: RunId,
    server: &ServerId,
    wanted: impl Fn(&ServerOutput) -> bool,
) -> ServerOutput {
    let mut all = ServerOutput { status: None, output: String::new(), omitted_bytes: 0 };
    let reading = async {
        loop {
            let new = sandbox.read(run, server).await.expect("it is there");
            all.status = new.status;
            all.output.push_str(&new.output);
            all.omitted_bytes += new.omitted_bytes;
            if wanted(&all) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    within(reading).await;
    all
}

/// The numbers behind `ready`, as the host has them.
async fn ready(
    sandbox: &Sandbox,
    bench: &Bench,
    level: SandboxLevel,
    run: RunId,
    server: &ServerId,
) -> Vec<i32> {
    let said = read_until(sandbox, run, server, |all| all.output.ends_with('\n')).await.output;
    let numbers = said.trim().strip_prefix("ready").expect("it is ready").split_whitespace();
    let numbers: Vec<i32> = numbers.map(|pid| pid.parse().expect("a process id")).collect();
    bench.on_the_host(level, &numbers)
}

const ENDLESS: &str = "setsid sleep 600 & sleep 600 & echo ready $$ $!; wait";

#[tokio::test]
async fn a_server_is_read_in_pieces_until_it_ends() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = open(&bench, level).await else { continue };
        let own = run_of('A');
        let command = "echo 안녕; until [ -e go ]; do :; done; echo bye >&2; exit 3";
        let server = start(&sandbox, own, command).await;
        assert_eq!(server.as_str(), "server-1");
        let hello = read_until(&sandbox, own, &server, |all| all.output.ends_with('\n')).await;
        assert_eq!(hello, ServerOutput { status: None, output: "안녕\n".to_owned(), omitted_bytes: 0 });
        fs::write(bench.workspace.join("go"), "").expect("a file");
        let bye = read_until(&sandbox, own, &server, |all| all.status.is_some()).await;
        let ended = Some(CommandStatus::Exited(3));
        assert_eq!(bye, ServerOutput { status: ended, output: "bye\n".to_owned(), omitted_bytes: 0 });
        let nothing = ServerOutput { status: ended, output: String::new(), omitted_bytes: 0 };
        assert_eq!(sandbox.read(own, &server).await.expect("it is known"), nothing);
        assert_eq!(sandbox.stop(own, &server).await.expect("it is known"), nothing);
        let other = sandbox.read(run_of('B'), &server).await;
        assert!(matches!(other, Err(ServerError::Unknown(_))), "{other:?}");
    }
}

/// P18
#[tokio::test]
async fn a_stopped_server_takes_everything_along_and_its_last_words_are_read() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = open(&bench, level).await else { continue };
        let own = run_of('A');
        let command = format!("trap 'echo bye; exit 0' TERM; {ENDLESS}");
        let server = start(&sandbox, own, &command).await;
        let processes = ready(&sandbox, &bench, level, own, &server).await;
        let end = within(sandbox.stop(own, &server)).await.expect("it is known");
        assert_eq!((end.status, end.output.as_str()), (Some(CommandStatus::Cancelled), "bye\n"), "{level:?}");
        assert_eq!(processes.len(), 2);
        processes.into_iter().for_each(ends);
    }
}

#[tokio::test]
async fn a_server_that_ignores_polite_signals_is_killed_after_two_seconds() {
    let bench = Bench::new();
    let Some(sandbox) = open(&bench, SandboxLevel::None).await else { return };
    let own = run_of('A');
    let server = start(&sandbox, own, "trap '' TERM; sleep 600 & echo ready $$ $!; wait; wait").await;
    let processes = ready(&sandbox, &bench, SandboxLevel::None, own, &server).await;
    // From here on timers come due as soon as nothing else is to do.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let end = sandbox.stop(own, &server).await.expect("it is known");
    assert!(begun.elapsed() >= Duration::from_secs(2));
    tokio::time::resume();
    assert_eq!(end.status, Some(CommandStatus::Cancelled));
    processes.into_iter().for_each(ends);
}

#[tokio::test]
async fn a_runs_servers_end_with_it_and_those_of_others_go_on() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = open(&bench, level).await else { continue };
        let (one, other) = (run_of('A'), run_of('B'));
        let mut servers: Vec<Vec<i32>> = Vec::new();
        for (run, which) in [(one, "server-1"), (one, "server-2"), (other, "server-1")] {
            let server = start(&sandbox, run, ENDLESS).await;
            assert_eq!(server.as_str(), which);
            let mut processes = ready(&sandbox, &bench, level, run, &server).await;
            if level == SandboxLevel::Strict {
                // Each has numbers of its own inside, and they are all the same.
                processes = bench.inside();
                processes.retain(|pid| !servers.concat().contains(pid));
            }
            servers.push(processes);
        }
        let going_on = servers.pop().expect("three of them");
        let ended = servers.concat();
        within(sandbox.end_run(one)).await;
        assert!(ended.iter().all(|pid| !is_running(*pid)), "{level:?}");
        assert!(going_on.iter().all(|pid| is_running(*pid)), "{level:?}");
        let forgotten = sandbox.read(one, &ServerId::new("server-1")).await;
        assert!(matches!(forgotten, Err(ServerError::Unknown(_))), "{forgotten:?}");
        within(sandbox.end_run(one)).await;
        within(sandbox.end_run(other)).await;
        assert!(going_on.iter().all(|pid| !is_running(*pid)), "{level:?}");
    }
}

/// O-16
#[tokio::test]
async fn servers_end_with_the_sandbox_at_once() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = open(&bench, level).await else { continue };
        let server = start(&sandbox, run_of('A'), ENDLESS).await;
        let processes = ready(&sandbox, &bench, level, run_of('A'), &server).await;
        drop(sandbox);
        // No await in between: whoever leaves the runtime right now leaves nothing behind.
        assert!(processes.iter().all(|pid| !is_running(*pid)), "{level:?}");
        let notes = fs::read_dir(bench.root.path().join("state/run")).expect("the folder").count();
        assert_eq!(notes, 0, "{level:?}");
    }
}

#[tokio::test]
async fn a_run_has_eight_servers_at_most_and_those_that_ended_make_room() {
    let bench = Bench::new();
    let Some(sandbox) = open(&bench, SandboxLevel::None).await else { return };
    let own = run_of('A');
    for _ in 0..ServerError::MOST {
        start(&sandbox, own, "sleep 600").await;
    }
    let more = try_start(&sandbox, own, "sleep 600").await;
    assert!(matches!(more, Err(ServerError::TooMany(8))), "{more:?}");
    // Another run has room of its own.
    start(&sandbox, run_of('B'), "sleep 600").await;
    within(sandbox.stop(own, &ServerId::new("server-3"))).await.expect("it runs");
    assert_eq!(start(&sandbox, own, "sleep 600").await.as_str(), "server-9");
    let forgotten = sandbox.read(own, &ServerId::new("server-3")).await;
    assert!(matches!(forgotten, Err(ServerError::Unknown(_))), "{forgotten:?}");
}

#[tokio::test]
async fn of_a_flood_the_newest_is_kept_and_the_rest_counted() {
    let bench = Bench::new();
    let Some(sandbox) = open(&bench, SandboxLevel::None).await else { return };
    let own = run_of('A');
    let server = start(&sandbox, own, "for i in $(seq 60000); do echo 줄 $i; done").await;
    let whole: String = (1..=60_000).map(|number| format!("줄 {number}\n")).collect();
    // Looked at only once, after its end.
    let ended = async {
        while fs::read_to_string("/proc/self/stat").is_ok() {
            tokio::task::yield_now().await;
            let look = sandbox.read(own, &server).await.expect("it is known");
            if look.status.is_some() {
                return look;
            }
            assert!(look.output.len() <= ServerOutput::KEPT);
            assert!(whole.contains(&look.output));
        }
        unreachable!("this process lives")
    };
    let last = within(ended).await;
    assert_eq!(last.status, Some(CommandStatus::Exited(0)));
    assert!(whole.ends_with(&last.output));
}

/// Contract 6: `process start` says that there is no network at `kernel`, and what a person can do.
#[tokio::test]
async fn a_server_that_nobody_could_reach_is_not_started() {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return };
    let refused = try_start(&sandbox, run_of('A'), "touch started").await;
    let Err(error @ ServerError::NoNetwork) = refused else { panic!("{refused:?}") };
    let said = error.to_string();
    assert!(said.contains("`--sandbox strict`") && said.contains("`--allow-network`"), "{said}");
    assert!(!bench.workspace.join("started").exists());
}

/// Contract 6: what is compared before and after a command is compared while a server runs, too.
#[tokio::test]
async fn what_a_server_does_to_protected_files_is_put_back_at_the_next_commands_end_and_at_its_own() {
    let bench = repository();
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Kernel));
    settings.git_dirs = vec![bench.workspace.join(".git")];
    settings.network = NetworkAccess::Open;
    let Some(sandbox) = bench.with(settings).await else { return };
    let config = bench.workspace.join(".git/config");
    let before = fs::read_to_string(&config).expect("settings");
    let own = run_of('A');
    let command = "for round in 1 2; do \
        until [ -e go$round ]; do :; done; git config core.pager evil; echo done; done; sleep 600";
    let server = start(&sandbox, own, command).await;
    let changed = async |round: &str| {
        fs::write(bench.workspace.join(round), "").expect("a file");
        read_until(&sandbox, own, &server, |all| all.output == "done\n").await;
        assert_ne!(fs::read_to_string(&config).expect("settings"), before);
    };

    changed("go1").await;
    let end = run(&sandbox, "true").await;
    assert_eq!((end.status, end.restored), (CommandStatus::Refused, vec![".git/config".to_owned()]));
    assert_eq!(fs::read_to_string(&config).expect("settings"), before);

    changed("go2").await;
    let end = within(sandbox.stop(own, &server)).await.expect("it runs");
    assert_eq!(end.status, Some(CommandStatus::Refused));
    assert!(end.output.contains("have been put back: .git/config"), "{}", end.output);
    assert_eq!(fs::read_to_string(&config).expect("settings"), before);
    git(&bench, &["status"]);
}
