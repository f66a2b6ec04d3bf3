//! O-24: workers of one message at the same time, over real HTTP and in a real folder.

use std::time::Duration;

use domain::outcome::{Ending, Signal as By};
use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{approved, bash, coded, finish, planned, results, write},
};

/// The manager sends these workers at once: worker, task, the folder that it may write.
pub(crate) fn sends(tasks: &[(&str, &str, Option<&str>)]) -> Turn {
    tasks.iter().fold(Turn::empty(), |turn, (worker, task, folder)| {
        let mut input = json!({ "task_description": task });
        if let Some(folder) = folder {
            input["writes"] = json!([format!("{folder}/**")]);
        }
        turn.and_call(&format!("execute_{worker}_task"), input)
    })
}

/// The server holds each answer open, so that the second request comes while the first one waits, or never.
#[tokio::test]
async fn requests_of_two_workers_are_under_way_at_the_same_time() {
    let world = World::new();
    let held = || Turn::text("생각 중").and_call("glob", json!({"pattern": "*"})).stalling_after(3);
    let script = Script::new()
        .agent("manager", [sends(&[("planner", "하나", None), ("planner", "둘", None)])])
        .agent("planner", [held(), held()]);
    let server = MockServer::start(script).await;
    let program = world.task(&server, &[]).await.start();
    server.wait_for_answers(2).await;
    program.signal(Signal::INT);
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::Cancelled(By::Interrupt));
    server.wait_for_connections(0).await;
}

/// Whoever is done first, the manager reads the results in the order of its calls.
#[tokio::test]
async fn results_stand_in_the_order_of_the_calls() {
    let world = World::new();
    let script = Script::new()
        .agent(
            "manager",
            [sends(&[("planner", "느리게", None), ("reviewer", "빠르게", None)]), finish("done")],
        )
        .agent("planner", [planned().after(Duration::from_millis(500))])
        .agent("reviewer", [approved()]);
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(said.ending(), Ending::Done);
    let manager = server.requests_of("manager").pop().expect("a last request");
    let agent = |result: &String| serde_json::from_str::<Value>(result).expect("a result")["agent"].clone();
    let agents: Vec<Value> = results(&manager.body).iter().map(agent).collect();
    assert_eq!(agents, [json!("planner"), json!("reviewer")]);
}

/// Law 7: two coders with a folder each, whose commands meet. Each is shown what it changed itself, and a claim to the
/// other's work does not hold.
#[tokio::test]
async fn two_coders_in_folders_of_their_own_are_told_apart() {
    let world = World::new();
    for folder in ["왼쪽", "오른쪽"] {
        world.write(&format!("{folder}/옛것"), "1\n");
    }
    // Neither command ends before the other has begun.
    let meets = |own: &str, other: &str| {
        bash(&format!("echo 왔다 > {own}/왔다; until [ -e {other}/왔다 ]; do sleep 0.02; done"))
    };
    let tasks = [("coder", "왼쪽을 고쳐 줘", Some("왼쪽")), ("coder", "오른쪽을 고쳐 줘", Some("오른쪽"))];
    let script = Script::new()
        .agent("manager", [sends(&tasks), finish("done")])
        .agent(
            "coder",
            [
                write("왼쪽/새것", "2\n"),
                meets("왼쪽", "오른쪽"),
                coded(&["왼쪽/새것"], &[]),
                write("오른쪽/새것", "2\n"),
                meets("오른쪽", "왼쪽"),
                coded(&["오른쪽/새것", "왼쪽/새것"], &[]),
            ],
        )
        .as_story();
    let server = MockServer::start(script).await;
    if !world.has_walls().await {
        return;
    }
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    let reports = said.reports_of("coder");
    assert_eq!(reports.len(), 2, "{:?}", said.ending());
    let beside =
        "commands of this run ran beside others (coder): what changed meanwhile counts for the round";
    for (evidence, ..) in &reports {
        assert_eq!(evidence.partial.as_deref(), Some(beside));
    }
    let mut files: Vec<_> = reports.iter().map(|(evidence, ..)| evidence.files_changed.clone()).collect();
    files.sort();
    assert_eq!(files, [["오른쪽/새것"], ["왼쪽/새것"]]);
    let open: Vec<_> = reports.iter().flat_map(|(_, refuted, open)| refuted.iter().chain(open)).collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].starts_with("files_changed: `왼쪽/새것` changed while others worked"), "{open:?}");
}

/// For people: runs of one agent have names of their own.
#[tokio::test]
async fn people_can_tell_two_runs_of_one_agent_apart() {
    let world = World::new();
    let slow = || planned().after(Duration::from_millis(300));
    let script = Script::new()
        .agent("manager", [sends(&[("planner", "하나", None), ("planner", "둘", None)]), finish("done")])
        .agent("planner", [slow(), slow()]);
    let server = MockServer::start(script).await;
    let ended = world.call(["해 줘"]).against(&server).run().await;
    let told = &ended.err;
    for line in ["│ planner · ", "│ planner (2) · ", "│ ✓ planner: ", "│ ✓ planner (2): "] {
        assert!(told.contains(line), "{line}: {told}");
    }
}
