//! Contract 3: events and commands of a session for other processes, over its owner's socket. The owner is the built
//! program; the client is this test, or a program in another language.

mod commands;
mod owner;
mod watching;

use std::{os::unix::fs::FileTypeExt, path::PathBuf, process::Stdio};

use better_llm::{Attached, EngineBuilder};
use domain::{event::Published, id::SessionId};
use serde_json::Value;
use testkit::{MockServer, Script, wait};

use crate::support::{Running, World};

/// The sockets of a world.
fn sockets(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.own().join("state/run")).into_iter().flatten().flatten();
    let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    sockets.map(|entry| entry.path()).collect()
}

/// A program at work on a task, as the owner of a session. Where `is_attended`, a pipe is there to answer over.
async fn owner(world: &World, script: Script, is_attended: bool, more: &[&str]) -> (MockServer, Running) {
    let server = MockServer::start(script).await;
    let call = world.task(&server, more).await;
    let call = match is_attended {
        true => call.args(["--input-format", "stream-json"]).stdin(Stdio::piped()),
        false => call,
    };
    (server, call.start())
}

fn session_of(event: &Value) -> SessionId {
    event["session_id"].as_str().and_then(|id| id.parse().ok()).expect("a session")
}

/// Attaches to a session of the world's program, as another program would.
async fn attach(world: &World, session: SessionId, after: u64, deltas: bool) -> Attached {
    let variables = [("BETTER_LLM_HOME".into(), world.own().into())];
    let engine =
        EngineBuilder::new(&world.repository).environment(variables).build().await.expect("an engine");
    engine.attach(session, after, deltas).await.expect("it is at work")
}

/// The next event as JSON; none at the session's end.
async fn next(attached: &mut Attached) -> Option<Value> {
    loop {
        let next = wait::bounded("an event", attached.events().next()).await?;
        if let Published::Event(event) = next.expect("the owner lives") {
            return Some(serde_json::to_value(&*event).expect("JSON"));
        }
    }
}

/// The events to the session's end.
async fn to_the_end(attached: &mut Attached) -> Vec<Value> {
    let mut events = Vec::new();
    while let Some(event) = next(attached).await {
        events.push(event);
    }
    events
}
