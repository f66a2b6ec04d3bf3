//! `touched` and `overlooked`: noticing changes by stat data.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use domain::ports::WorkspacePort;

use crate::fixture::{Fixture, commit};

/// Whether `act` is noticed in a repository that ignores `target/` and `*.log`, tracks `kept.log` all the same,
/// and holds `a.txt`.
async fn check(act: impl FnOnce(&Fixture), expected: bool) {
    let fixture = Fixture::committed(&[
        (".gitignore", "target/\n*.log\n"),
        ("a.txt", "one\n"),
        ("kept.log", "kept\n"),
        ("src/한글.rs", "fn main() {}\n"),
    ]);
    let workspace = fixture.workspace();
    workspace.checkpoint().await.unwrap();
    assert!(!workspace.touched().await.unwrap(), "nothing happened yet");
    act(&fixture);
    assert_eq!(workspace.touched().await.unwrap(), expected);
    assert!(!workspace.touched().await.unwrap(), "nothing happened since the last call");
}

#[tokio::test]
async fn creating_changing_and_deleting_is_noticed() {
    check(|fixture| fixture.write("new/deep/b.txt", "b"), true).await;
    check(|fixture| fixture.write("a.txt", "two and more\n"), true).await;
    check(|fixture| fixture.remove("src/한글.rs"), true).await;
    check(|fixture| fixture.write(".hidden", "x"), true).await;
    check(|fixture| symlink("a.txt", fixture.root.join("link")).unwrap(), true).await;
}

#[tokio::test]
async fn what_git_ignores_is_no_change_unless_git_tracks_it() {
    check(|fixture| fixture.write("target/debug/x", "x"), false).await;
    check(|fixture| fixture.write("build.log", "x"), false).await;
    check(|fixture| fixture.write("kept.log", "changed"), true).await;
    check(|fixture| fixture.remove("kept.log"), true).await;
}

#[tokio::test]
async fn what_happens_in_the_git_folder_is_no_change() {
    let stage = |fixture: &Fixture| {
        fixture.git(&["config", "x.y", "z"]);
        fixture.git(&["add", "a.txt"]);
        fixture.git(&["branch", "other"]);
    };
    check(stage, false).await;
}

#[tokio::test]
async fn an_edit_of_the_same_size_with_the_old_time_is_noticed() {
    let edit = |fixture: &Fixture| {
        let path = fixture.root.join("a.txt");
        let before = fs::metadata(&path).unwrap();
        fs::write(&path, "two\n").unwrap();
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(before.modified().unwrap())
            .unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mtime_nsec(), before.mtime_nsec());
    };
    check(edit, true).await;
}

#[tokio::test]
async fn a_hundred_edits_within_a_tick_are_all_noticed() {
    let fixture = Fixture::committed(&[("a.txt", "00")]);
    let workspace = fixture.workspace();
    workspace.checkpoint().await.unwrap();
    for number in 1..100 {
        fixture.write("a.txt", format!("{number:02}"));
        assert!(workspace.touched().await.unwrap(), "edit {number}");
    }
}

#[tokio::test]
async fn restoring_the_content_leaves_no_difference() {
    let fixture = Fixture::committed(&[("a.txt", "one\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "other");
    fixture.write("a.txt", "one\n");
    assert_eq!(crate::fixture::changes(&workspace, &start).await, Vec::<String>::new());
    assert_eq!(workspace.checkpoint().await.unwrap(), start);
}

#[tokio::test]
async fn the_engines_own_commit_is_no_change() {
    let fixture = Fixture::committed(&[("a.txt", "one\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "two\n");
    assert!(workspace.touched().await.unwrap());
    commit(&workspace, &start, None).await.unwrap();
    assert!(!workspace.touched().await.unwrap());
}

#[tokio::test]
async fn without_a_checkpoint_the_first_call_begins_the_watch_and_starts_no_process() {
    let mut fixture = Fixture::committed(&[(".gitignore", "*.log\n"), ("a.txt", "one\n")]);
    fixture.environment.insert("PATH".into(), "/nowhere".into());
    let workspace = fixture.workspace();
    assert!(!workspace.touched().await.unwrap());
    fixture.write("x.log", "");
    assert!(!workspace.touched().await.unwrap());
    fixture.write("b.txt", "");
    assert!(workspace.touched().await.unwrap());
    assert!(!fixture.store().exists());
}

#[tokio::test]
async fn looking_at_a_diff_before_any_checkpoint_invents_and_loses_no_change() {
    for edit in [false, true] {
        let fixture = Fixture::committed(&[("a.txt", "one\n")]);
        let workspace = fixture.workspace();
        assert!(!workspace.touched().await.unwrap());
        if edit {
            fixture.write("a.txt", "two\n");
        }
        workspace.diff(None, None).await.unwrap();
        assert_eq!(workspace.touched().await.unwrap(), edit);
    }
}

#[tokio::test]
async fn a_change_seen_while_comparing_is_still_told_by_touched() {
    let fixture = Fixture::committed(&[("a.txt", "one\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "two\n");
    workspace.changes_since(&start).await.unwrap();
    assert!(workspace.touched().await.unwrap());
}

#[tokio::test]
async fn making_a_file_runnable_is_a_change() {
    let fixture = Fixture::committed(&[("run.sh", "#!/bin/sh\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fs::set_permissions(fixture.root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(workspace.touched().await.unwrap());
    assert_eq!(crate::fixture::changes(&workspace, &start).await, ["~run.sh"]);
}

#[tokio::test]
async fn ignoring_a_file_does_not_make_it_look_deleted() {
    let fixture = Fixture::committed(&[("a.txt", "one\n")]);
    fixture.write("notes.md", "mine\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".gitignore", "notes.md\n");
    assert_eq!(crate::fixture::changes(&workspace, &start).await, ["+.gitignore"]);
    fixture.write("notes.md", "changed\n");
    assert_eq!(crate::fixture::changes(&workspace, &start).await, ["+.gitignore", "~notes.md"]);
}

#[tokio::test]
async fn rules_that_are_taken_back_count_at_once_and_new_ones_hide_nothing() {
    let fixture = Fixture::committed(&[(".gitignore", "a.log\n"), ("sub/x.txt", "")]);
    fixture.write("a.log", "");
    fixture.write("sub/b.log", "");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert!(!workspace.touched().await.unwrap());
    fixture.write(".gitignore", "c.log\n");
    assert_eq!(crate::fixture::changes(&workspace, &start).await, ["~.gitignore", "+a.log"]);
    fixture.write("c.log", "");
    assert_eq!(crate::fixture::changes(&workspace, &start).await, ["~.gitignore", "+a.log", "+c.log"]);
}

#[tokio::test]
async fn rules_count_nearest_first_with_the_persons_own_last() {
    let mut fixture = Fixture::committed(&[
        (".gitignore", "*.tmp\n/only-top\n"),
        ("sub/.gitignore", "!keep.tmp\nlocal\n"),
        ("nested/x", ""),
    ]);
    fs::write(fixture.base().join("home/excludes"), "*.swp\n!/only-top\n").unwrap();
    fixture.git(&["config", "--global", "core.excludesFile", "~/excludes"]);
    fixture.write(".git/info/exclude", "secret.txt\n");
    fixture.bounds.depth = 4;
    let workspace = fixture.workspace();
    workspace.checkpoint().await.unwrap();
    let paths = [
        "a.tmp",
        "sub/a.tmp",
        "sub/keep.tmp",
        "sub/deep/keep.tmp",
        "sub/local",
        "local",
        "only-top",
        "sub/only-top",
        "x.swp",
        "secret.txt",
        "sub/secret.txt",
        "../out",
        "/etc/passwd",
        ".git/config",
        "a.rs",
    ];
    let paths = paths.map(str::to_owned);
    let overlooked = workspace.overlooked(&paths).await.unwrap();
    let expected = [
        "a.tmp",
        "sub/a.tmp",
        "sub/local",
        "only-top",
        "x.swp",
        "secret.txt",
        "sub/secret.txt",
        "../out",
        "/etc/passwd",
        ".git/config",
    ];
    assert_eq!(overlooked, expected);
    // What a path is said to be before it exists, it is when it does; and git says the same.
    for path in paths.iter().filter(|path| !path.starts_with(['.', '/'])) {
        fixture.write(path, "");
        let ignored = fixture.try_git(&fixture.root, &["check-ignore", "--quiet", path]).status.success();
        assert_eq!(workspace.touched().await.unwrap(), !ignored, "{path}");
        assert_eq!(expected.contains(&path.as_str()), ignored, "{path}");
        let again = workspace.overlooked(std::slice::from_ref(path)).await.unwrap();
        assert_eq!(!again.is_empty(), ignored, "{path}");
    }
}
