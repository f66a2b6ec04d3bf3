//! Reliability 1.5, P49, P51: whatever ends a round from outside, at whatever moment, there is one end that is said and
//! kept, and nothing is left running.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use domain::outcome::{Ending, FailReason, Signal as By};
use rustix::process::Signal;
use serde_json::json;
use testkit::{MockServer, Script, Turn, requirement};

use crate::support::{
    Marker, Running, World,
    turns::{ask, bash, coded, finish, one_worker, write},
};

const SIGNALS: [(Signal, By, i32); 3] =
    [(Signal::INT, By::Interrupt, 130), (Signal::TERM, By::Terminate, 143), (Signal::HUP, By::HangUp, 129)];

/// What a round is doing when its end comes.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Streaming,
    InACommand,
    Verifying,
    Retrying,
}

impl Moment {
    const ALL: [Self; 4] = [Self::Streaming, Self::InACommand, Self::Verifying, Self::Retrying];

    fn script(self, marker: &Marker) -> Script {
        match self {
            Self::Streaming => Script::new()
                .agent("manager", [Turn::text("천천히 생각합니다").in_chunks(3).stalling_after(4)]),
            Self::InACommand => {
                one_worker("coder", [write("절반.sh", "echo\n"), bash(&marker.endless_command())])
            }
            Self::Verifying => Script::new().agent("manager", [finish("done")]),
            Self::Retrying => {
                let busy = Turn::error(429, "rate_limit_error", "천천히").with_header("retry-after", "25");
                Script::new().agent("manager", [busy])
            }
        }
    }

    /// A program at this moment, seen to be there.
    async fn reach(self, world: &World, server: &MockServer, marker: &Marker) -> Running {
        // The program's own command line names no command of the marker's.
        world.write("검증.sh", &marker.endless_command());
        let flags = if matches!(self, Self::Verifying) { &["--verify", "sh 검증.sh"][..] } else { &[] };
        let call = world.task(server, &["--partial"]).await.args(flags);
        let mut program = call.start();
        match self {
            Self::Streaming => drop(program.until_type("text_delta").await),
            Self::InACommand => {
                drop(program.until("the command's output", |line| line["text"] == "ready\n").await);
            }
            Self::Verifying => {
                drop(program.until("the test command", |line| line["tool"] == "verify").await);
                marker.until_running();
            }
            Self::Retrying => drop(program.until_type("retry").await),
        }
        program
    }
}

/// P49: each signal at each moment.
#[tokio::test]
async fn a_signal_at_any_moment_is_the_one_end_of_the_round() {
    for moment in Moment::ALL {
        for (signal, by, code) in SIGNALS {
            let (world, marker) = (World::new(), Marker::new());
            let server = MockServer::start(moment.script(&marker)).await;
            let program = moment.reach(&world, &server, &marker).await;
            program.signal(signal);
            let ended = program.end().await;
            marker.check_gone();
            let said = ended.said();
            assert_eq!((ended.code(), said.ending()), (code, Ending::Cancelled(by)), "{moment:?}");
            assert_eq!(ended.err, "", "{moment:?}");
            said.check_kept(&world).await;
            server.wait_for_connections(0).await;
        }
    }
}

/// P49: who signals again and again gets the end at once, and still one that is said and kept.
#[tokio::test]
async fn a_second_signal_at_any_moment_is_quick_and_still_says_the_end() {
    for moment in Moment::ALL {
        for (signal, by, code) in SIGNALS {
            let (world, marker) = (World::new(), Marker::new());
            let server = MockServer::start(moment.script(&marker)).await;
            let mut program = moment.reach(&world, &server, &marker).await;
            program.signal_until_the_end(signal).await;
            let ended = program.end().await;
            marker.check_gone();
            let said = ended.said();
            assert_eq!((ended.code(), said.ending()), (code, Ending::Cancelled(by)), "{moment:?}");
            said.check_kept(&world).await;
        }
    }
}

/// P49: a call waits for leave at a terminal, and the terminal is told to end or goes away.
#[tokio::test]
async fn a_signal_while_leave_is_asked_ends_the_round() {
    for (signal, by, code) in SIGNALS {
        let world = World::new();
        let server = MockServer::start(one_worker("coder", [bash("touch 하나.txt"), coded(&[], &[])])).await;
        let flags = ["--permission-mode", "ask", "--sandbox", "none", "x"];
        let mut program = world.call(flags).against(&server).at_terminal();
        program.until("then a note if you like: ", 1).await;
        if signal == Signal::HUP {
            assert_eq!(program.go_away().await, Some(code));
        } else {
            program.signal(signal);
            assert_eq!(program.end().await.0, Some(code));
        }
        let events = world.journaled().await;
        let ends: Vec<_> = events.iter().filter(|event| event.body.ends_round()).collect();
        let [end] = &ends[..] else { panic!("{ends:?}") };
        let end = serde_json::to_value(&end.body).expect("JSON");
        let expected = serde_json::to_value(Ending::Cancelled(by)).expect("JSON");
        assert_eq!((&end["outcome"], &end["reason"]), (&expected["outcome"], &expected["reason"]));
        assert!(!world.has("하나.txt"));
    }
}

/// Reliability 1.5: what was started to live on without a terminal (`nohup`) does; other signals end it as ever.
#[tokio::test]
async fn who_was_told_to_ignore_the_end_of_the_terminal_lives_on() {
    let (world, marker) = (World::new(), Marker::new());
    let server = MockServer::start(Moment::InACommand.script(&marker)).await;
    let script = "trap '' HUP QUIT INT; exec better-llm-cli --output-format stream-json --partial --sandbox none \
         --permission-mode full x";
    let mut program = world.script(script).against(&server).start();
    program.until("the command's output", |line| line["text"] == "ready\n").await;
    program.signal(Signal::HUP);
    program.signal(Signal::QUIT);
    program.signal(Signal::INT);
    let ended = program.end().await;
    marker.check_gone();
    assert_eq!(ended.said().ending(), Ending::Cancelled(By::Interrupt));
}

/// Contract 5: the one line of a program that was ended before its round began.
fn check_never_began(ended: &crate::support::Ended, code: i32) {
    let line = ended.line();
    assert_eq!(
        (&line["type"], &line["code"], &line["exit_code"], &line["chain"]),
        (&json!("error"), &json!("cancelled"), &json!(code), &json!([])),
        "{line}"
    );
    assert_eq!((ended.code(), ended.err.as_str()), (code, ""));
}

/// P49: the task is awaited on standard input, which somebody holds open.
#[tokio::test]
async fn a_signal_before_there_is_a_task_exits_with_its_own_line() {
    for (signal, _, code) in SIGNALS {
        let world = World::new();
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let call = world.call(["--output-format", "json", "-"]).stdin(Stdio::from(reader));
        let program = call.start();
        program.until_listening(signal).await;
        program.signal(signal);
        check_never_began(&program.end().await, code);
        assert!(!world.journal().exists(), "nothing was begun");
    }
    let world = World::new();
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let program = world.call(["--lang", "ko", "--context", "-", "x"]).stdin(Stdio::from(reader)).start();
    program.until_listening(Signal::TERM).await;
    program.signal(Signal::TERM);
    let ended = program.end().await;
    assert_eq!((ended.code(), ended.out.as_str()), (143, ""));
    assert!(ended.err.contains("라운드를 시작하기 전에 종료되었습니다 (SIGTERM)"), "{}", ended.err);
}

/// A folder before all others of the search path, with shells that never do what they are told.
fn deaf_shells(world: &World, marker: &Marker) -> std::ffi::OsString {
    let folder = world.outside().join("프로그램");
    fs::create_dir(&folder).expect("a folder");
    for name in ["sh", "bash"] {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{}\n", marker.sleep())).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("an executable");
    }
    let rest = std::env::var_os("PATH").expect("a path");
    let folders = std::iter::once(folder).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).expect("a path")
}

/// P49: the sandbox is being probed.
#[tokio::test]
async fn a_signal_while_the_sandbox_is_probed_exits_with_its_own_line() {
    let (world, marker) = (World::new(), Marker::new());
    if !world.has_walls().await {
        return;
    }
    let server = MockServer::start(Script::new()).await;
    let path = deaf_shells(&world, &marker);
    let flags = ["--output-format", "json", "--sandbox", "kernel", "x"];
    let program = world.call(flags).against(&server).env("PATH", path).start();
    marker.until_running();
    program.signal(Signal::TERM);
    check_never_began(&program.end().await, 143);
    marker.check_gone();
}

/// P51: streams that are closed from the beginning are nobody's fault.
#[tokio::test]
async fn closed_streams_are_quiet() {
    for (redirections, out) in [(">&-", ""), ("2>&-", "답\n"), ("<&-", "답\n"), (">&- 2>&- <&-", "")] {
        let world = World::new();
        let server = MockServer::start(Script::new().agent("manager", [Turn::text("답")])).await;
        let ended = world.call(["x"]).against(&server).redirected(redirections).run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (0, out), "{redirections}: {}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
    }
}

/// P51: a program that writes to a pipe that nobody reads ends by itself only if the signal for that ends it.
#[tokio::test]
async fn commands_are_ended_by_a_broken_pipe() {
    let world = World::new();
    let command = "yes 반복 | head -1; grep SigIgn /proc/self/status";
    let server = MockServer::start(one_worker("coder", [bash(command), coded(&[], &[command])])).await;
    let said = world.task(&server, &[]).await.run().await.said();
    let output = said.calls_of("coder").remove(0).output;
    let mask = output.split("SigIgn:").nth(1).and_then(|rest| rest.split_whitespace().next());
    let mask = mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).expect("a mask");
    assert!(output.contains("반복\n") && mask & (1 << (Signal::PIPE.as_raw() - 1)) == 0, "{output}");
}

/// A disk of one megabyte, mounted by root; gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir_all(&folder).expect("a folder");
        let mounting =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&folder).output();
        mounting.is_ok_and(|mounted| mounted.status.success()).then_some(Self(folder))
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("가득")).expect("a file");
        while file.write_all(&[0; 4096]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).output());
    }
}

/// Law 4, law 9: the disk is full in the middle of a round. What was changed is known, what could not be kept is said.
#[tokio::test]
async fn a_full_disk_ends_the_round_as_our_own_failure() {
    let (world, marker) = (World::new(), Marker::new());
    let Some(disk) = SmallDisk::mount(world.own().join("data")) else {
        return requirement::skip("no small disk can be mounted here");
    };
    let wait = format!("{}; echo ready; until [ -e 가득 ]; do sleep 0.02; done; rm 가득", marker.mark());
    let script = one_worker("coder", [write("절반.sh", "echo\n"), bash(&wait), coded(&[], &[])]);
    let server = MockServer::start(script).await;
    let mut program = world.task(&server, &["--partial"]).await.start();
    program.until("the command", |line| line["text"] == "ready\n").await;
    disk.fill();
    world.write("가득", "");
    let ended = program.end().await;
    marker.check_gone();
    let said = ended.said();
    assert_eq!((ended.code(), said.ending()), (1, Ending::Failed(FailReason::Internal)), "{}", ended.err);
    assert_eq!(said.result().files_changed, ["절반.sh"]);
    assert_eq!(said.the("error")["code"], "internal");
    assert_eq!(ended.err.matches("the session could not be saved").count(), 1, "said once: {}", ended.err);
    assert!(ended.err.contains("the disk is full: free some space"), "{}", ended.err);
    server.wait_for_connections(0).await;
}

/// Where standard output takes nothing, the round is cancelled, and its end in the journal is the exit code.
#[tokio::test]
async fn an_output_on_a_full_disk_cancels_the_round_with_one_answer() {
    let world = World::new();
    let server = MockServer::start(Script::new().agent("manager", [Turn::silence()])).await;
    let ended = world.task(&server, &[]).await.redirected("> /dev/full").run().await;
    assert!(ended.err.contains("standard output cannot be written"), "{}", ended.err);
    let events = world.journaled().await;
    let end = events.iter().find(|event| event.body.ends_round()).expect("an end");
    let end = serde_json::to_value(&end.body).expect("JSON");
    assert_eq!((&end["reason"], &end["exit_code"]), (&json!("sigint"), &json!(ended.code())), "{end}");
}

/// The manager is told nothing of a worker that an end cut off, and no further request is made.
#[tokio::test]
async fn nothing_is_asked_of_a_model_after_the_end() {
    let (world, marker) = (World::new(), Marker::new());
    let script = Script::new()
        .agent("manager", [ask("coder", "해 줘"), finish("done")])
        .agent("coder", [bash(&marker.endless_command())]);
    let server = MockServer::start(script).await;
    let mut program = world.task(&server, &["--partial"]).await.start();
    program.until("the command's output", |line| line["text"] == "ready\n").await;
    program.signal_until_the_end(Signal::INT).await;
    assert_eq!(program.end().await.code(), 130);
    assert_eq!(server.requests().len(), 2);
}
