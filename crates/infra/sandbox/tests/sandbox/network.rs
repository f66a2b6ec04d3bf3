//! Who reaches whom: the commands and servers of one run each other, and nobody else anybody.

use std::{net::TcpStream, sync::Arc};

use better_llm_sandbox::Sandbox;
use domain::{
    command::{CommandRequest, CommandStatus},
    id::RunId,
    permission::SandboxLevel,
    ports::{Processes, Servers, never_cancelled},
};

use crate::support::{Bench, Sink, cancel, has_python, request, within};

const PORT: u16 = 47_113;

fn run_of(letter: char) -> RunId {
    format!("01ARZ3NDEKTSV4RRFFQ69G5FA{letter}").parse().expect("a run id")
}

/// Whether a command of `run` reaches the port that the server listens on.
async fn is_reached(sandbox: &Sandbox, run: Option<RunId>) -> bool {
    let command = format!("exec bash -c 'read -r line < /dev/tcp/127.0.0.1/{PORT} && [ \"$line\" = hello ]'");
    let request = CommandRequest { run, ..request(&command) };
    let end = within(sandbox.run(request, Arc::new(Sink::default()), never_cancelled())).await;
    match end.expect("it runs").status {
        CommandStatus::Exited(0) => true,
        CommandStatus::Exited(1) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_commands_of_one_run_share_a_loopback_that_nobody_else_reaches() {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Strict).await else { return };
    if !has_python() {
        return;
    }
    let sink = Arc::new(Sink::default());
    let serve = "exec python3 -uc 'import socket\n\
        server = socket.create_server((\"127.0.0.1\", PORT))\n\
        print(\"ready\")\n\
        while True: server.accept()[0].sendall(b\"hello\\n\")'";
    let serving =
        CommandRequest { run: Some(run_of('A')), ..request(&serve.replace("PORT", &PORT.to_string())) };
    let (now, cancelled) = cancel();
    let server = sandbox.run(serving, Arc::clone(&sink) as _, cancelled);
    let others = async {
        sink.ready().await;
        let reached = [
            is_reached(&sandbox, Some(run_of('A'))).await,
            is_reached(&sandbox, Some(run_of('B'))).await,
            is_reached(&sandbox, None).await,
            TcpStream::connect(("127.0.0.1", PORT)).is_ok(),
        ];
        sandbox.end_run(run_of('A')).await;
        // The run has another network now, if it goes on at all.
        let after = is_reached(&sandbox, Some(run_of('A'))).await;
        now.send(()).expect("the server runs");
        (reached, after)
    };
    let (end, (reached, after)) = within(async { tokio::join!(server, others) }).await;
    assert_eq!(end.expect("it runs").status, CommandStatus::Cancelled);
    assert_eq!((reached, after), ([true, false, false, false], false));
}
