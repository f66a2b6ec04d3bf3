use domain::workspace::{ChangeKind, RefusedFile, UndoRefusal};

use super::*;

fn change(path: &str, kind: ChangeKind) -> FileChange {
    FileChange { path: path.to_owned(), kind }
}

fn request(since: &Checkpoint) -> CommitRequest {
    CommitRequest { message: "Mend".to_owned(), paths: None, since: Some(since.clone()) }
}

#[tokio::test]
async fn changes_are_those_since_the_checkpoint() {
    let workspace = FakeWorkspace::with_files([("a", "1"), ("b", "1"), ("c", "1")]).ignoring("target/");
    let before = workspace.checkpoint().await.unwrap();
    workspace.write("a", "2");
    workspace.remove("b");
    workspace.write("새 파일", "1");
    workspace.write("target/x", "1");
    let changes = workspace.changes_since(&before).await.unwrap();
    let expected = [
        change("a", ChangeKind::Modified),
        change("b", ChangeKind::Deleted),
        change("새 파일", ChangeKind::Created),
    ];
    assert_eq!(changes, Changes { files: expected.to_vec(), partial: None });
    assert_eq!(
        workspace.changes_since(&workspace.checkpoint().await.unwrap()).await.unwrap(),
        Changes::default()
    );
}

#[tokio::test]
async fn what_no_checkpoint_sees_is_named() {
    let workspace = FakeWorkspace::new().ignoring("target/");
    let paths = ["src/a", "target/x", "../b", "/etc/c", "..d"].map(str::to_owned);
    assert_eq!(workspace.overlooked(&paths).await.unwrap(), ["target/x", "../b", "/etc/c"]);
}

#[tokio::test]
async fn a_checkpoint_without_changes_is_the_last_one() {
    let workspace = FakeWorkspace::with_files([("a", "1")]);
    let first = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.checkpoint().await.unwrap(), first);
    workspace.write("a", "2");
    assert_ne!(workspace.checkpoint().await.unwrap(), first);
}

#[tokio::test]
async fn a_touch_is_seen_once_and_a_commit_is_none() {
    let workspace = FakeWorkspace::with_files([("a", "1")]);
    let before = workspace.checkpoint().await.unwrap();
    workspace.write("a", "2");
    assert!(workspace.touched().await.unwrap());
    workspace.commit(request(&before)).await.unwrap();
    assert!(!workspace.touched().await.unwrap());
}

#[tokio::test]
async fn a_commit_leaves_out_what_the_person_had_changed_before() {
    let workspace = FakeWorkspace::with_files([("mine", "1"), ("ours", "1")]);
    workspace.write("mine", "2");
    let before = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&before).await.unwrap(), ["mine"]);
    workspace.write("mine", "3");
    workspace.write("ours", "2");
    let done = workspace.commit(request(&before)).await.unwrap();
    assert_eq!((done.paths, done.left_out), (vec!["ours".to_owned()], vec!["mine".to_owned()]));
    assert_eq!(workspace.commits()[0].message, "Mend");
    let again = workspace.commit(request(&before)).await;
    assert!(matches!(again, Err(CommitError::Nothing(_))), "{again:?}");
}

#[tokio::test]
async fn a_commit_is_refused_for_its_reason() {
    let workspace = FakeWorkspace::with_files([("a", "1")]);
    let before = workspace.checkpoint().await.unwrap();
    workspace.write("a", "2");
    let blank = CommitRequest { message: " ".to_owned(), ..request(&before) };
    assert!(matches!(workspace.commit(blank).await, Err(CommitError::NoMessage)));
    let foreign = CommitRequest { paths: Some(vec!["b".to_owned()]), ..request(&before) };
    assert!(matches!(workspace.commit(foreign).await, Err(CommitError::NotOurs(paths)) if paths == ["b"]));
    let workspace = workspace.without_author();
    assert!(matches!(workspace.commit(request(&before)).await, Err(CommitError::NoAuthor)));
    let workspace = workspace.in_the_middle_of("rebase");
    assert!(matches!(workspace.commit(request(&before)).await, Err(CommitError::InProgress("rebase"))));
    let workspace = workspace.outside_of_git();
    assert!(matches!(workspace.commit(request(&before)).await, Err(CommitError::NoRepository)));
    assert_eq!(workspace.commits(), []);
}

#[tokio::test]
async fn a_diff_shows_what_changed_between_the_same_lines() {
    let workspace = FakeWorkspace::with_files([("a", "하나\n둘\n셋\n"), ("gone", "x")]);
    workspace.write("a", "하나\n2\n셋\n");
    workspace.remove("gone");
    workspace.write("picture", [0u8, 159, 146, 150]);
    let expected = "--- a/a\n+++ b/a\n@@ -2,1 +2,1 @@\n-둘\n+2\n\
                    --- a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n\\ No newline at end of file\n\
                    Binary files /dev/null and b/picture differ\n";
    assert_eq!(workspace.diff(None, None).await.unwrap(), expected);
    assert_eq!(workspace.diff(None, Some("other")).await.unwrap(), "");
}

#[tokio::test]
async fn a_call_fails_on_request() {
    let workspace = FakeWorkspace::new();
    workspace.fail(WorkspaceCall::Checkpoint, "the disk is gone");
    assert!(workspace.checkpoint().await.is_err());
    workspace.mend(WorkspaceCall::Checkpoint);
    let checkpoint = workspace.checkpoint().await.unwrap();
    workspace.look_only_partly("too many files");
    let partial = workspace.changes_since(&checkpoint).await.unwrap().partial;
    assert_eq!(partial.as_deref(), Some("too many files"));
    assert!(workspace.changes_since(&Checkpoint::new("elsewhere")).await.is_err());
}

#[tokio::test]
async fn an_undo_brings_back_what_a_round_changed_and_refuses_what_was_edited_since() {
    let workspace = FakeWorkspace::with_files([("a", "1\n"), ("b", "1\n")]);
    let begin = workspace.checkpoint().await.unwrap();
    workspace.write("a", "2\n");
    workspace.remove("b");
    workspace.write("c", "new\n");
    let end = workspace.checkpoint().await.unwrap();
    workspace.write("c", "the person's\n");
    let plan = workspace.undo_plan(&begin, Some(&end), None).await.unwrap();
    let refused = [RefusedFile { path: "c".to_owned(), why: UndoRefusal::EditedSince }];
    assert_eq!(plan.refused, refused);
    assert!(matches!(workspace.undo(&plan).await, Err(UndoError::Refused(_))));
    let paths = ["a".to_owned(), "b".to_owned()];
    let plan = workspace.undo_plan(&begin, Some(&end), Some(&paths)).await.unwrap();
    workspace.write("a", "3\n");
    assert!(matches!(workspace.undo(&plan).await, Err(UndoError::Outdated)));
    workspace.write("a", "2\n");
    let done = workspace.undo(&plan).await.unwrap();
    assert_eq!(done.files, plan.files);
    assert_eq!((workspace.read("a"), workspace.read("b")), (Some("1\n".into()), Some("1\n".into())));
    let plan = workspace.undo_plan(&done.kept, Some(&done.now), None).await.unwrap();
    workspace.undo(&plan).await.unwrap();
    assert_eq!((workspace.read("a"), workspace.read("b")), (Some("2\n".into()), None));
}
