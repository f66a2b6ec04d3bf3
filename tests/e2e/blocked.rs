//! Law 5, reliability P49: whoever reads what is said may be slow or may stop; the round never waits for it, and the
//! program ends all the same.

use std::{io::PipeReader, process::Stdio};

use domain::outcome::{Ending, LimitReason, Signal as By};
use rustix::process::Signal;
use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Ended, World, check_recorded,
    turns::{bash, coded, finish, one_worker},
};

/// More than a pipe and every queue on the way to it hold, in pieces.
fn flood() -> Turn {
    Turn::text(&"환불을 더하는 중입니다 👨‍👩‍👧\n".repeat(20_000))
        .and_call("glob", json!({ "pattern": "*" }))
        .in_chunks(100)
}

/// The manager says more than anybody reads, and then its model says nothing any more.
fn flood_and_silence() -> Script {
    Script::new().agent("manager", [flood(), Turn::silence()])
}

/// The round ended so, and is kept as a whole.
async fn check_ending(world: &World, ended: &Ended, code: i32, ending: Ending) {
    let events = world.journaled().await;
    let last = serde_json::to_value(events.last()).expect("JSON");
    assert_eq!((ended.code(), &last["exit_code"]), (code, &json!(code)), "{last}");
    let expected = serde_json::to_value(ending).expect("JSON");
    for field in ["outcome", "reason"] {
        assert_eq!(last.get(field), expected.get(field), "{last}");
    }
    check_recorded(world, &events);
}

async fn check_signal(signal: Signal, by: By, code: i32) {
    let world = World::new();
    let server = MockServer::start(flood_and_silence()).await;
    let program = world.task(&server, &["--partial"]).await.start();
    server.wait_for_requests(2).await;
    program.signal(signal);
    let ended = program.end_unread().await;
    check_ending(&world, &ended, code, Ending::Cancelled(by)).await;
    assert!(!ended.out.contains("round_finished"), "the pipe was full");
    server.wait_for_connections(0).await;
}

/// O-16.
#[tokio::test]
async fn a_termination_ends_a_round_whose_output_nobody_reads() {
    check_signal(Signal::TERM, By::Terminate, 143).await;
}

/// O-16.
#[tokio::test]
async fn an_interrupt_ends_a_round_whose_output_nobody_reads() {
    check_signal(Signal::INT, By::Interrupt, 130).await;
}

/// O-16.
#[tokio::test]
async fn a_lost_terminal_ends_a_round_whose_output_nobody_reads() {
    check_signal(Signal::HUP, By::HangUp, 129).await;
}

/// O-15.
#[tokio::test]
async fn a_round_whose_output_nobody_reads_ends_at_its_time_limit() {
    let world = World::new();
    let server = MockServer::start(flood_and_silence()).await;
    let ended = world.task(&server, &["--partial", "--timeout", "3"]).await.start().end_unread().await;
    check_ending(&world, &ended, 8, Ending::Limit(LimitReason::Time)).await;
}

#[tokio::test]
async fn a_round_whose_output_nobody_reads_comes_to_its_own_end() {
    let world = World::new();
    let server = MockServer::start(Script::new().agent("manager", [flood(), finish("done")])).await;
    let ended = world.task(&server, &["--partial"]).await.start().end_unread().await;
    check_ending(&world, &ended, 0, Ending::Done).await;
}

/// A pipe as standard error, whose reader reads nothing.
fn unread() -> (PipeReader, Stdio) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    (reader, Stdio::from(writer))
}

/// O-15.
#[tokio::test]
async fn messages_that_nobody_reads_stop_no_time_limit() {
    let (world, (reader, writer)) = (World::new(), unread());
    let server = MockServer::start(flood_and_silence()).await;
    let ended = world.call(["--timeout", "3", "x"]).against(&server).stderr(writer).run().await;
    check_ending(&world, &ended, 8, Ending::Limit(LimitReason::Time)).await;
    drop(reader);
}

/// The log has a writer of its own.
#[tokio::test]
async fn a_log_that_nobody_reads_keeps_no_event_from_its_reader() {
    let (world, (reader, writer)) = (World::new(), unread());
    let many = (0..100).map(|number| bash(&format!("echo {number}"))).chain([coded(&[], &[])]);
    let server = MockServer::start(one_worker("coder", many)).await;
    let config = json!({ "workflow_limits": { "max_worker_turns": 200, "max_messages": 1000 } });
    let config = world.write_outside("system_config.json", &config.to_string()).display().to_string();
    let call = world.task(&server, &["-v", "--config", &config]).await;
    let said = call.stderr(writer).run().await.said();
    assert_eq!(said.calls_of("coder").len(), 100);
    drop(reader);
}

/// O-4: while nobody reads, the round goes on; who reads again gets every event from the journal, in order.
#[tokio::test]
async fn a_slow_reader_gets_every_event() {
    let world = World::new();
    let command = "echo 첫 줄; until [ -e 봤다 ]; do sleep 0.02; done; rm 봤다";
    let manager = [
        flood(),
        flood(),
        Turn::call("execute_coder_task", json!({ "task_description": "x" })),
        finish("done"),
    ];
    let script =
        Script::new().agent("manager", manager).agent("coder", [bash(command), coded(&[], &[command])]);
    let server = MockServer::start(script).await;
    let mut program = world.task(&server, &["--partial"]).await.start();
    server.wait_for_requests(4).await;
    program.until("the command", |line| line["type"] == "tool_started" && line["tool"] == "bash").await;
    world.write("봤다", "");
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::Done);
    said.check_kept(&world).await;
}
