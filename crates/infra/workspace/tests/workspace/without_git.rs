//! Where there is no repository, or no git program.

use domain::{ports::WorkspacePort, workspace::CommitError};

use crate::fixture::{Fixture, changes, commit};

async fn check(fixture: &Fixture) {
    fixture.write("a.txt", "one\ntwo\n");
    fixture.write("b.bin", "\0one");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.checkpoint().await.unwrap(), start);
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), Vec::<String>::new());
    fixture.write("a.txt", "one\n둘\n");
    fixture.write("b.bin", "\0two");
    fixture.write("c.txt", "new\n");
    assert!(workspace.touched().await.unwrap());
    assert_eq!(changes(&workspace, &start).await, ["~a.txt", "~b.bin", "+c.txt"]);
    let diff = workspace.diff(Some(&start), Some("a.txt")).await.unwrap();
    assert_eq!(
        diff,
        "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+둘\n"
    );
    let binary = workspace.diff(Some(&start), Some("b.bin")).await.unwrap();
    assert_eq!(binary, "diff --git a/b.bin b/b.bin\nBinary or large files a/b.bin and b/b.bin differ\n");
    let middle = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "one\ntwo\n");
    fixture.remove("c.txt");
    assert_eq!(changes(&workspace, &start).await, ["~b.bin"]);
    assert_eq!(changes(&workspace, &middle).await, ["~a.txt", "-c.txt"]);
}

#[tokio::test]
async fn without_a_repository_states_are_kept_all_the_same() {
    let fixture = Fixture::plain();
    check(&fixture).await;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert!(matches!(commit(&workspace, &start, None).await, Err(CommitError::NoRepository)));
    let error = workspace.diff(None, None).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the workspace is not inside a git repository, so there is no HEAD to compare with");
}

#[tokio::test]
async fn without_a_git_program_states_are_kept_all_the_same() {
    let mut fixture = Fixture::committed(&[(".gitignore", "*.log\n")]);
    fixture.environment.insert("PATH".into(), "/nowhere".into());
    check(&fixture).await;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("x.log", "");
    assert!(!workspace.touched().await.unwrap());
    let error = commit(&workspace, &start, None).await.unwrap_err();
    assert!(error.to_string().contains("no git program was found on PATH"), "{error}");
}

#[tokio::test]
async fn texts_past_the_copies_are_compared_and_not_shown() {
    let mut fixture = Fixture::plain();
    fixture.bounds.copy_bytes = 4;
    fixture.write("long.txt", "12345\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("long.txt", "54321\n");
    assert_eq!(changes(&workspace, &start).await, ["~long.txt"]);
    assert!(workspace.diff(Some(&start), None).await.unwrap().contains("Binary or large files"));
    fixture.write("long.txt", "12345\n");
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
}
