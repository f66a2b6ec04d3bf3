use std::os::unix::fs::MetadataExt as _;

use domain::{ports::never_cancelled, tool::ToolStatus, workspace::Bases};
use serde_json::json;

use crate::testing::{Workspace, context_with};

#[tokio::test]
async fn it_says_what_it_did() {
    let workspace = Workspace::new();
    for (content, expected) in [
        ("한 줄\n둘", "created `새 폴더/글.md` (2 lines)"),
        ("하나\n", "replaced `새 폴더/글.md` (1 line; before: 2 lines)"),
        ("하나\n", "`새 폴더/글.md` already has exactly this content; nothing was changed"),
        ("", "replaced `새 폴더/글.md` (0 lines; before: 1 line)"),
    ] {
        let outcome = workspace.call("write", json!({"path": "새 폴더/글.md", "content": content})).await;
        assert_eq!((outcome.status, outcome.output.as_str()), (ToolStatus::Ok, expected));
        assert_eq!(workspace.bytes("새 폴더/글.md"), content.as_bytes());
    }
}

#[tokio::test]
async fn readers_of_the_old_file_keep_it_whole() {
    let workspace = Workspace::new();
    workspace.put("a", "old");
    let inode = |workspace: &Workspace| std::fs::metadata(workspace.path("a")).expect("a file").ino();
    let before = inode(&workspace);
    let reader = std::fs::File::open(workspace.path("a")).expect("a file");
    workspace.call("write", json!({"path": "a", "content": "new"})).await;
    assert_eq!(std::io::read_to_string(reader).expect("text"), "old");
    assert_ne!(inode(&workspace), before);
}

#[tokio::test]
async fn only_what_the_task_grants_is_written() {
    let workspace = Workspace::new();
    workspace.put("src/a", "old");
    workspace.put("other/a", "old");
    let before = workspace.everything();
    for (tool, input) in [
        ("write", json!({"path": "other/b", "content": "x"})),
        ("write", json!({"path": "src/../other/b", "content": "x"})),
        ("edit", json!({"path": "other/a", "old_string": "old", "new_string": "x"})),
    ] {
        let context = context_with(never_cancelled(), Bases::default(), Some(&["src/**"]));
        let outcome = workspace.call_in(tool, input, context).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{tool}");
        assert!(outcome.output.contains("(`src/**`)"), "{}", outcome.output);
    }
    assert_eq!(workspace.everything(), before);
    let context = context_with(never_cancelled(), Bases::default(), Some(&["src/**"]));
    let outcome = workspace.call_in("write", json!({"path": "src/a", "content": "x"}), context).await;
    assert_eq!(outcome.status, ToolStatus::Ok);
}

/// P06.
#[tokio::test]
async fn what_cannot_be_written_is_an_error() {
    let workspace = Workspace::new();
    workspace.put("read-only", "old");
    workspace.mode("read-only", 0o444);
    workspace.put("folder/a", "old");
    for (path, expected) in [
        (
            "read-only",
            "`read-only` is read-only: a person has to make it writable first, if it should change at all",
        ),
        ("folder", "`folder` is a folder: list it with `glob` (pattern `*`, path `folder`)"),
        ("folder/a/b", "`folder/a/b` is no folder, or passes something that is none"),
        (".", "`.` is a folder: list it with `glob` (pattern `*`, path `.`)"),
    ] {
        let outcome = workspace.call("write", json!({"path": path, "content": "new"})).await;
        assert_eq!((outcome.status, outcome.output.as_str()), (ToolStatus::Error, expected));
    }
    assert_eq!(workspace.bytes("read-only"), b"old");
}

#[tokio::test]
async fn a_call_that_was_cancelled_before_writes_nothing() {
    let workspace = Workspace::new();
    let context = context_with(Box::pin(std::future::ready(())), Bases::default(), None);
    let outcome = workspace.call_in("write", json!({"path": "a", "content": "x"}), context).await;
    assert_eq!(outcome.status, ToolStatus::Cancelled);
    assert!(!workspace.path("a").exists());
}

#[tokio::test]
async fn a_path_that_names_no_file_is_an_error() {
    let workspace = Workspace::new();
    for path in ["", "folder/"] {
        let outcome = workspace.call("write", json!({"path": path, "content": ""})).await;
        assert_eq!(outcome.status, ToolStatus::Error, "{path}");
    }
}
