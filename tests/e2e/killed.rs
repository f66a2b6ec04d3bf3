//! O-16: a program that is killed with -9 takes everything with it that its commands have started.

use std::{fs, path::PathBuf, time::Instant};

use rustix::process::{Pid, Signal, kill_process};
use testkit::{MockServer, requirement, wait::BOUND};

use crate::support::{
    Marker, Running, World,
    turns::{bash, one_worker},
};

/// A program whose coder runs `command` at a level, seen to be running.
async fn in_a_command(world: &World, server: &MockServer, level: &str) -> Running {
    let options =
        ["--output-format", "stream-json", "--partial", "--permission-mode", "full", "--sandbox", level, "x"];
    let mut program = world.call(options).against(server).start();
    program
        .until("the command's output", |line| {
            line["text"].as_str().is_some_and(|text| text.contains("ready"))
        })
        .await;
    program
}

/// A round without commands; false where this machine has not got the level.
async fn starts(world: &World, level: &str) -> bool {
    let ended = world.call(["--provider", "offline", "--sandbox", level, "x"]).run().await;
    assert!([0, 3].contains(&ended.code()), "{ended:?}");
    ended.code() == 0
}

async fn has(world: &World, level: &str) -> bool {
    let has = starts(world, level).await;
    if !has {
        requirement::skip(format_args!("no sandbox level `{level}` here"));
    }
    has
}

/// Everything that outlives a command elsewhere: besides the marker's own, a daemon that cut every tie.
fn endless(marker: &Marker) -> String {
    format!(
        "setsid -f env -i /bin/sh -c '(setsid -f {0})' </dev/null >/dev/null 2>&1; {1}",
        marker.sleep(),
        marker.endless_command()
    )
}

/// What of the world's sessions stands in folders: notes of what runs, temporary files of commands. A socket that nobody
/// listens at says nothing of anybody; the next program removes it.
fn traces(world: &World) -> Vec<PathBuf> {
    let below =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let temporary = below(world.own().join("cache/toolchains")).flat_map(|chains| below(chains.join("tmp")));
    let noted = below(world.own().join("state/run")).filter(|path| path.extension() != Some("sock".as_ref()));
    noted.chain(temporary).collect()
}

fn check_no_traces(world: &World) {
    let deadline = Instant::now() + BOUND;
    while let [trace, ..] = &traces(world)[..] {
        assert!(Instant::now() < deadline, "still there: {}", trace.display());
        std::thread::yield_now();
    }
}

/// The helper of the world's program.
fn helper(world: &World) -> Pid {
    let own = world.own().display().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut helpers = processes.filter(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("\0__helper\0") && line.contains(&own)
    });
    let helper = helpers.next().expect("the program has a helper");
    let pid = helper.file_name().to_str().and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    pid.expect("a process id")
}

/// O-16, P18.
#[tokio::test]
async fn nothing_survives_a_kill_9_of_the_program() {
    for level in ["strict", "kernel", "none"] {
        let (world, marker) = (World::new(), Marker::new());
        if !has(&world, level).await {
            continue;
        }
        let server = MockServer::start(one_worker("coder", [bash(&endless(&marker))])).await;
        let program = in_a_command(&world, &server, level).await;
        assert!(marker.one_running().is_some() && !traces(&world).is_empty(), "{level}");
        program.signal(Signal::KILL);
        program.end().await;
        marker.check_gone();
        // At `strict` the kernel ended everything; the folders are left to the next start.
        if level == "strict" {
            assert!(starts(&world, level).await);
        }
        check_no_traces(&world);
    }
}

/// O-16: the note in `state/run` does the work where nobody is left who could.
#[tokio::test]
async fn a_start_after_a_kill_9_of_program_and_helper_ends_what_is_left() {
    for level in ["kernel", "none"] {
        let (world, marker) = (World::new(), Marker::new());
        if !has(&world, level).await {
            continue;
        }
        let server = MockServer::start(one_worker("coder", [bash(&endless(&marker))])).await;
        let program = in_a_command(&world, &server, level).await;
        kill_process(helper(&world), Signal::KILL).expect("the helper is ours to end");
        program.signal(Signal::KILL);
        program.end().await;
        assert!(marker.one_running().is_some() && !traces(&world).is_empty(), "{level}");
        assert!(starts(&world, level).await);
        marker.check_gone();
        check_no_traces(&world);
    }
}

/// O-16: whoever runs beside the killed one is another session, and none of the next start's business.
#[tokio::test]
async fn a_start_ends_nothing_of_a_session_that_lives() {
    let (world, marker) = (World::new(), Marker::new());
    if !has(&world, "kernel").await {
        return;
    }
    let server = MockServer::start(one_worker("coder", [bash(&endless(&marker))])).await;
    let program = in_a_command(&world, &server, "kernel").await;
    let before = traces(&world);
    assert!(starts(&world, "kernel").await);
    assert!(marker.one_running().is_some());
    assert_eq!(traces(&world), before);
    program.signal(Signal::TERM);
    assert_eq!(program.end().await.code(), 143);
    marker.check_gone();
    check_no_traces(&world);
}

/// O-8: behind the wall a command finds the helper and cannot end it.
#[tokio::test]
async fn a_command_at_kernel_cannot_end_the_helper() {
    let (world, marker) = (World::new(), Marker::new());
    if !has(&world, "kernel").await {
        return;
    }
    let attack = "for p in /proc/[0-9]*; do grep -qzx __helper $p/cmdline && { kill -9 ${p#/proc/}; kill -STOP ${p#/proc/}; }; done 2>&1";
    let command = format!("{attack}; {}", endless(&marker));
    let server = MockServer::start(one_worker("coder", [bash(&command)])).await;
    let program = in_a_command(&world, &server, "kernel").await;
    helper(&world);
    program.signal(Signal::KILL);
    program.end().await;
    marker.check_gone();
    check_no_traces(&world);
}

/// A command that changed what nobody may change, and goes on.
fn attack(marker: &Marker) -> String {
    format!(
        "mv .git away; mkdir -p .git/hooks; echo evil > .git/config; echo evil > away/hooks/pre-commit; {}",
        marker.endless_command()
    )
}

/// What the next session says first about what was put back.
async fn told(world: &World, level: &str) -> Vec<String> {
    let options = ["--provider", "offline", "--sandbox", level, "--output-format", "stream-json", "x"];
    let ended = world.call(options).run().await;
    let notices = ended.said().of_type("notice").into_iter();
    notices.map(|notice| notice["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// O-8: contract 6 holds for a program that is killed, too.
#[tokio::test]
async fn what_a_command_at_kernel_had_changed_is_put_back_after_a_kill_9() {
    for kill_helper in [false, true] {
        let (world, marker) = (World::new(), Marker::new());
        if !has(&world, "kernel").await {
            return;
        }
        let config = world.read(".git/config");
        let server = MockServer::start(one_worker("coder", [bash(&attack(&marker))])).await;
        let program = in_a_command(&world, &server, "kernel").await;
        if kill_helper {
            kill_process(helper(&world), Signal::KILL).expect("the helper is ours to end");
        }
        program.signal(Signal::KILL);
        program.end().await;
        if !kill_helper {
            marker.check_gone();
            let deadline = Instant::now() + BOUND;
            let is_back =
                || fs::read_to_string(world.repository.join(".git/config")).is_ok_and(|now| now == config);
            while world.has("away") || !is_back() {
                assert!(Instant::now() < deadline, "it is not put back");
                std::thread::yield_now();
            }
            while traces(&world).iter().any(|trace| !trace.to_string_lossy().ends_with(".put-back")) {
                assert!(Instant::now() < deadline, "{:?}", traces(&world));
                std::thread::yield_now();
            }
        }
        let told = told(&world, "kernel").await;
        assert!(told.iter().any(|text| text.contains("put back: .git, .git/hooks/pre-commit")), "{told:?}");
        assert_eq!((world.read(".git/config"), world.has("away")), (config, false));
        assert!(!world.has(".git/hooks/pre-commit"));
        assert_eq!(world.commits(), ["첫 커밋"]);
        check_no_traces(&world);
        let again = starts_silently(&world).await;
        assert!(again, "it is said once");
    }
}

async fn starts_silently(world: &World) -> bool {
    told(world, "kernel").await.iter().all(|text| !text.contains("put back"))
}
