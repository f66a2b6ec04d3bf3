//! Calls that a person was shown: what they see, and that only that is done.

use domain::{
    tool::{Preview, ToolOutcome, ToolStatus},
    workspace::Bases,
};
use serde_json::{Value, json};

use crate::testing::{Workspace, context};

/// Previews a call, lets `meanwhile` happen, and runs it.
async fn shown_then_run(
    workspace: &Workspace,
    (tool, input): (&str, Value),
    meanwhile: impl FnOnce(),
) -> (Option<String>, ToolOutcome) {
    let tool = workspace.toolbox().build(tool).expect("a known tool");
    let mut prepared = tool.prepare(&input).expect("an input that fits");
    let shown = prepared.preview(&Bases::default()).await;
    meanwhile();
    (shown.map(|shown| shown.text), prepared.run(context()).await)
}

fn write(path: &str, content: &str) -> (&'static str, Value) {
    ("write", json!({"path": path, "content": content}))
}

fn edit(path: &str, old: &str, new: &str) -> (&'static str, Value) {
    ("edit", json!({"path": path, "old_string": old, "new_string": new}))
}

#[tokio::test]
async fn a_person_sees_the_diff_of_what_is_then_done() {
    let workspace = Workspace::new();
    workspace.put("글.txt", "하나\r\n둘\r\n");
    let before = workspace.everything();
    let tool = workspace.toolbox().build("edit").expect("a tool");
    let (_, input) = edit("./글.txt", "둘", "두울");
    let mut prepared = tool.prepare(&input).expect("an input that fits");
    let expected = "--- a/글.txt\n+++ b/글.txt\n@@ -1,2 +1,2 @@\n 하나\r\n-둘\r\n+두울\r\n";
    assert_eq!(prepared.preview(&Bases::default()).await, Some(Preview::whole(expected)));
    assert_eq!(workspace.everything(), before, "a preview changes nothing");
    assert_eq!(prepared.run(context()).await.status, ToolStatus::Ok);
    assert_eq!(workspace.bytes("글.txt"), "하나\r\n두울\r\n".as_bytes());

    let (shown, outcome) = shown_then_run(&workspace, write("새/글.txt", "셋\n"), || {}).await;
    assert_eq!(shown.as_deref(), Some("--- /dev/null\n+++ b/새/글.txt\n@@ -0,0 +1 @@\n+셋\n"));
    assert_eq!(outcome.status, ToolStatus::Ok);
}

/// What changed while the person was deciding is not overwritten, whatever way it changed.
#[tokio::test]
async fn a_file_that_changed_while_the_person_was_deciding_is_left_alone() {
    let large = "a".repeat(9 * 1024 * 1024);
    for (call, before, after) in [
        (write("a", "ours"), Some("old"), Some("theirs")),
        (write("a", "ours"), None, Some("theirs")),
        (write("a", "ours"), Some("old"), None),
        (write("a", "ours"), Some(large.as_str()), Some("theirs")),
        (edit("a", "old", "ours"), Some("old"), Some("old and theirs")),
        // Nothing could be shown, so nothing is done, even where it could be by now.
        (edit("a", "old", "ours"), Some("other"), Some("old")),
        (edit("a", "old", "ours"), None, Some("old")),
    ] {
        let workspace = Workspace::new();
        if let Some(before) = before {
            workspace.put("a", before);
        }
        let (_, outcome) = shown_then_run(&workspace, call.clone(), || match after {
            Some(after) => workspace.put("a", after),
            None => std::fs::remove_file(workspace.path("a")).expect("removed"),
        })
        .await;
        assert_eq!(outcome.status, ToolStatus::Error, "{call:?} {}", outcome.output);
        assert!(outcome.output.contains("while the person was deciding"), "{call:?} {}", outcome.output);
        let now = std::fs::read_to_string(workspace.path("a")).ok();
        assert_eq!(now.as_deref(), after, "{call:?}");
    }
}

/// The same content is the same file, even where it was written anew.
#[tokio::test]
async fn a_file_that_holds_what_was_shown_is_written() {
    let workspace = Workspace::new();
    workspace.put("a", "old");
    let (_, outcome) =
        shown_then_run(&workspace, edit("a", "old", "new"), || workspace.put("a", "old")).await;
    assert_eq!(outcome.status, ToolStatus::Ok, "{}", outcome.output);
}

/// What cannot be done has nothing to be shown, and says why when it runs.
#[tokio::test]
async fn what_cannot_be_done_shows_nothing() {
    let workspace = Workspace::new();
    workspace.put("a", "text");
    for (call, status) in [
        (write(".git/config", "x"), ToolStatus::Denied),
        (write("../outside/a", "x"), ToolStatus::Denied),
        (edit("a", "missing", "x"), ToolStatus::Error),
        (edit("missing", "a", "x"), ToolStatus::Error),
        (("bash", json!({"command": "true"})), ToolStatus::Ok),
        (("read", json!({"path": "a"})), ToolStatus::Ok),
    ] {
        workspace.processes.ends(
            domain::command::CommandStatus::Exited(0),
            domain::command::BoundedOutput::default(),
            &[],
        );
        let (shown, outcome) = shown_then_run(&workspace, call.clone(), || {}).await;
        assert_eq!((shown, outcome.status), (None, status), "{call:?} {}", outcome.output);
        assert!(!outcome.output.contains("deciding"), "{call:?} {}", outcome.output);
    }
}
