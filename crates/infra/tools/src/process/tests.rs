use domain::{
    command::{CommandStatus, ProcessError, ServerError, ServerId},
    tool::{CallTarget, ToolOutcome, ToolStatus},
    workspace::Bases,
};
use serde_json::{Value, json};

use crate::testing::{Workspace, context, context_with};

async fn check(workspace: &Workspace, input: Value, asked: &[&str], expected: &str) {
    let outcome = workspace.call("process", input.clone()).await;
    assert_eq!(outcome, ToolOutcome::ok(expected), "{input}");
    let run = context().run;
    let asked: Vec<String> = asked.iter().map(|asked| format!("{asked} {run}")).collect();
    assert_eq!(std::mem::take(&mut *workspace.servers.asked.lock().expect("a lock")), asked, "{input}");
}

/// O-2: id, state, new output, and what to do next.
#[tokio::test]
async fn a_server_is_started_read_and_stopped_for_the_run_that_asks() {
    let workspace = Workspace::new();
    let servers = &workspace.servers;
    servers.says(None, "듣는 중\n", 0);
    check(
        &workspace,
        json!({"op": "start", "command": "npm start"}),
        &["start npm start for", "read server-1 of"],
        "started `server-1`: npm start\n`server-1` is running. Go on with `read` for its output, `stop` when you are \
         done.\nNew output:\n듣는 중\n",
    )
    .await;
    servers.says(None, "", 0);
    check(
        &workspace,
        json!({"op": "read", "id": "server-1"}),
        &["read server-1 of"],
        "`server-1` is running. Go on with `read` for its output, `stop` when you are done.\n(no new output)",
    )
    .await;
    servers.says(Some(CommandStatus::Exited(1)), "port in use\n", 0);
    check(
        &workspace,
        json!({"op": "read", "id": "server-1"}),
        &["read server-1 of"],
        "`server-1` is no longer running: it ended with exit code 1. Look at its output, then `start` it anew.\nNew \
         output:\nport in use\n",
    )
    .await;
    servers.says(Some(CommandStatus::Cancelled), "bye\n", 0);
    check(
        &workspace,
        json!({"op": "stop", "id": "server-1"}),
        &["stop server-1 of"],
        "`server-1` was stopped\nNew output:\nbye\n",
    )
    .await;
    servers.says(Some(CommandStatus::Signalled(11)), "", 0);
    check(
        &workspace,
        json!({"op": "stop", "id": "server-1"}),
        &["stop server-1 of"],
        "`server-1` had ended by itself: it was ended by signal 11 (SIGSEGV)\n(no new output)",
    )
    .await;
}

#[tokio::test]
async fn what_was_left_out_of_its_output_is_counted() {
    let workspace = Workspace::new();
    let output = "소리\n".repeat(20_000);
    workspace.servers.says(None, &output, 1_000);
    let outcome = workspace.call("process", json!({"op": "read", "id": "server-1"})).await;
    assert!(outcome.output.chars().count() <= ToolOutcome::LONGEST);
    let (_, shown) =
        outcome.output.split_once("bytes left out here ...]\n").expect("it says what is missing");
    assert!(output.ends_with(shown) && shown.chars().count() > 20_000);
    assert_eq!(outcome.omitted_bytes, (output.len() - shown.len() + 1_000) as u64);
}

/// Contract 6: where there is no network, loopback included, a start says so.
#[tokio::test]
async fn what_cannot_be_done_says_what_to_do() {
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    for (error, status, says) in [
        (ServerError::Unknown(ServerId::new("server-9")), ToolStatus::Error, "there is no server `server-9`"),
        (ServerError::TooMany(8), ToolStatus::Error, "stop one first"),
        (ServerError::NoNetwork, ToolStatus::Denied, "`--sandbox strict`"),
        (
            ServerError::Process(ProcessError::Start { command: "x".to_owned(), source: missing }),
            ToolStatus::Error,
            "cannot start the shell for `x`: entity not found",
        ),
        (
            ServerError::Process(ProcessError::NoSandbox("no level works".to_owned())),
            ToolStatus::Denied,
            "no level works",
        ),
    ] {
        let workspace = Workspace::new();
        workspace.servers.fails(error);
        let outcome = workspace.call("process", json!({"op": "start", "command": "x"})).await;
        assert_eq!(outcome.status, status, "{}", outcome.output);
        assert!(outcome.output.contains(says), "{}", outcome.output);
    }
}

#[tokio::test]
async fn a_cancelled_call_starts_nothing() {
    let workspace = Workspace::new();
    let context = context_with(Box::pin(std::future::ready(())), Bases::default(), None);
    let outcome = workspace.call_in("process", json!({"op": "start", "command": "x"}), context).await;
    assert_eq!(outcome.status, ToolStatus::Cancelled);
    assert!(workspace.servers.asked.lock().expect("a lock").is_empty());
}

/// Only a start needs leave to run a command.
#[test]
fn a_start_is_about_its_command_and_the_others_about_nothing_new() {
    let tool = Workspace::new().toolbox().build("process").expect("a tool");
    for (input, target) in [
        (json!({"op": "start", "command": "npm start"}), CallTarget::Command("npm start".to_owned())),
        (json!({"op": "read", "id": "server-1"}), CallTarget::None),
        (json!({"op": "stop", "id": "server-1"}), CallTarget::None),
    ] {
        assert_eq!(tool.prepare(&input).expect("an input that fits").target(), target, "{input}");
    }
}

#[test]
fn an_operation_takes_what_it_needs_and_nothing_else() {
    let workspace = Workspace::new();
    for input in [
        json!({"op": "start"}),
        json!({"op": "start", "command": " "}),
        json!({"op": "start", "command": "a\0"}),
        json!({"op": "start", "command": "x", "id": "server-1"}),
        json!({"op": "read"}),
        json!({"op": "read", "id": "server-1", "command": "x"}),
        json!({"op": "stop"}),
        json!({"op": "restart", "id": "server-1"}),
    ] {
        workspace.rejection("process", input);
    }
}

/// A server is held to what its task may write, like a command.
#[tokio::test]
async fn a_server_is_held_to_what_its_task_may_write() {
    let workspace = Workspace::new();
    workspace.processes.holds.store(true, std::sync::atomic::Ordering::Relaxed);
    workspace.servers.says(Some(CommandStatus::Exited(1)), "log: Read-only file system\n", 0);
    let context = context_with(domain::ports::never_cancelled(), Bases::default(), Some(&["src/a/**"]));
    let run = context.run;
    let outcome = workspace.call_in("process", json!({"op": "start", "command": "serve"}), context).await;
    let asked = std::mem::take(&mut *workspace.servers.asked.lock().expect("a lock"));
    assert_eq!(
        asked,
        [format!("start serve for {run}, writing src/a/**"), format!("read server-1 of {run}")]
    );
    assert!(
        outcome.output.contains("commands of this task may write only `src/a/**` of the workspace"),
        "{}",
        outcome.output
    );
}
