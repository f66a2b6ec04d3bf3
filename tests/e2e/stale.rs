//! P12: what a run has not seen it does not overwrite, and what its task does not name its commands do not write.

use domain::tool::ToolStatus;
use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{bash, coded, finish, one_worker, planned, write},
};

fn read(path: &str) -> Turn {
    Turn::call("read", json!({"path": path}))
}

fn edit(path: &str, old: &str, new: &str) -> Turn {
    Turn::call("edit", json!({"path": path, "old_string": old, "new_string": new}))
}

/// P12: a formatter is somebody else, too.
#[tokio::test]
async fn a_file_that_a_command_changed_is_read_before_it_is_overwritten() {
    let world = World::new();
    world.write("코드.rs", "fn  f( ) {}\n");
    let script = one_worker(
        "coder",
        [
            read("코드.rs"),
            bash("printf 'fn f() {}\\n' > 코드.rs"),
            write("코드.rs", "fn  g( ) {}\n"),
            edit("코드.rs", "f()", "g()"),
            coded(&["코드.rs"], &[]),
        ],
    );
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    let calls = said.calls_of("coder");
    let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses[2..4], [ToolStatus::Error, ToolStatus::Ok], "{calls:?}");
    assert!(calls[2].output.contains("by a command or somebody outside"), "{}", calls[2].output);
    assert!(calls[2].output.ends_with("\n     1\tfn f() {}"), "{}", calls[2].output);
    assert_eq!(world.read("코드.rs"), "fn g() {}\n");
}

/// P12: behind a wall the commands of a task beside another write what the task names, and the model is told why others
/// failed; those of a task alone may write what a build writes.
#[tokio::test]
async fn commands_of_a_task_beside_another_write_what_the_task_names() {
    for is_alone in [false, true] {
        let world = World::new();
        world.write("안/a", "옛것\n");
        world.write("밖/b", "옛것\n");
        let task = json!({"task_description": "고쳐 줘", "writes": ["안/**"]});
        let call = Turn::call("execute_coder_task", task);
        let both = json!({"task_description": "계획해 줘"});
        let call = if is_alone { call } else { call.and_call("execute_planner_task", both) };
        let script = Script::new()
            .agent("manager", [call, finish("done")])
            .agent("planner", [planned()])
            .agent("coder", [bash("echo 새것 > 안/a"), bash("echo 새것 > 밖/b"), coded(&["안/a"], &[])]);
        let server = MockServer::start(script).await;
        if !world.has_walls().await {
            return;
        }
        let said = world.task(&server, &[]).await.run().await.said();
        server.assert_nothing_refused();
        let calls = said.calls_of("coder");
        assert_eq!(world.read("안/a"), "새것\n", "{calls:?}");
        assert_eq!(world.read("밖/b"), if is_alone { "새것\n" } else { "옛것\n" }, "{calls:?}");
        let told = "commands of this task may write only `안/**` of the workspace";
        assert_eq!(calls[1].output.contains(told), !is_alone, "{}", calls[1].output);
    }
}
