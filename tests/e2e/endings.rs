//! O-16: whatever ends a run, its processes are gone, the session is saved, and the last line says how it ended.

use std::process::Stdio;

use domain::outcome::{Ending, Signal as By};
use rustix::process::Signal;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Marker, Running, World,
    turns::{ask, bash, one_worker, write},
};

/// A program whose coder runs a command that never ends, seen to be running.
async fn in_a_command(world: &World, server: &MockServer, marker: &Marker) -> Running {
    let mut program = world.task(server, &["--partial"]).await.start();
    program.until("the command's output", |line| line["text"] == "ready\n").await;
    assert!(marker.one_running().is_some(), "the command runs");
    program
}

fn endless(marker: &Marker) -> Script {
    one_worker("coder", [write("절반.sh", "echo\n"), bash(&marker.endless_command())])
}

async fn check(signal: Signal, by: By, code: i32) {
    let (world, marker) = (World::new(), Marker::new());
    let server = MockServer::start(endless(&marker)).await;
    let program = in_a_command(&world, &server, &marker).await;
    program.signal(signal);
    let ended = program.end().await;
    marker.check_gone();
    let said = ended.said();
    assert_eq!((ended.code(), said.ending()), (code, Ending::Cancelled(by)));
    assert_eq!(said.result().files_changed, ["절반.sh"]);
    let ends: Vec<_> = said.of_type("run_finished").iter().map(|run| run["outcome"].clone()).collect();
    assert_eq!(ends, ["cancelled", "cancelled"]);
    said.check_kept(&world).await;
    assert_eq!(ended.err, "");
    assert_eq!(World::leftovers(&world.outside().join("tmp")), Vec::<String>::new());
    server.wait_for_connections(0).await;
}

/// O-16: Ctrl+C.
#[tokio::test]
async fn an_interrupt_in_the_middle_of_a_command_leaves_no_process_and_a_saved_session() {
    check(Signal::INT, By::Interrupt, 130).await;
}

/// O-16.
#[tokio::test]
async fn a_termination_in_the_middle_of_a_command_leaves_no_process_and_a_saved_session() {
    check(Signal::TERM, By::Terminate, 143).await;
}

/// O-16.
#[tokio::test]
async fn a_lost_terminal_in_the_middle_of_a_command_leaves_no_process_and_a_saved_session() {
    check(Signal::HUP, By::HangUp, 129).await;
}

/// O-16: who interrupts twice does not wait for polite endings (where the first was not faster), and still leaves
/// nothing behind.
#[tokio::test]
async fn a_second_interrupt_ends_at_once() {
    let (world, marker) = (World::new(), Marker::new());
    let server = MockServer::start(endless(&marker)).await;
    let mut program = in_a_command(&world, &server, &marker).await;
    program.signal_until_the_end(Signal::INT).await;
    let ended = program.end().await;
    assert_eq!(ended.code(), 130);
    marker.check_gone();
}

/// O-16: a model that has gone silent, before its first byte or in the middle of an answer.
#[tokio::test]
async fn an_interrupt_while_the_model_stalls_ends_the_round() {
    for stalled in [Turn::silence(), Turn::text("음").stalling_after(2)] {
        let world = World::new();
        let script = Script::new().agent("manager", [ask("coder", "x")]).agent("coder", [stalled]);
        let server = MockServer::start(script).await;
        let program = world.task(&server, &[]).await.start();
        server.wait_for_requests(2).await;
        program.signal(Signal::INT);
        let said = program.end().await.said();
        assert_eq!(said.ending(), Ending::Cancelled(By::Interrupt));
        said.check_kept(&world).await;
        server.wait_for_connections(0).await;
    }
}

/// Reliability P51: `| head -1`.
#[tokio::test]
async fn a_reader_that_goes_away_ends_the_round_quietly() {
    let (world, marker) = (World::new(), Marker::new());
    let server = MockServer::start(endless(&marker)).await;
    let mut program = world.task(&server, &[]).await.start();
    program.until_type("session_started").await;
    let ended = program.stop_reading().end().await;
    marker.check_gone();
    assert_eq!((ended.code(), ended.err.as_str()), (130, ""));
    let events = world.journaled().await;
    assert_eq!(events.last().map(|event| event.body.ends_round()), Some(true));
}

/// O-16: a terminal that is closed takes nobody's messages with it.
#[tokio::test]
async fn a_reader_of_messages_that_goes_away_does_not_end_the_work() {
    let world = World::new();
    let server = MockServer::start(Script::new().agent("manager", [Turn::text("답")])).await;
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = world.call(["x"]).against(&server).stderr(Stdio::from(writer)).run().await;
    assert_eq!((ended.code(), ended.out.as_str()), (0, "답\n"));
}
