//! What lies beyond a bound is said, never silently left out.

use domain::ports::WorkspacePort;

use crate::fixture::{Fixture, changes, commit, marks};

#[tokio::test]
async fn large_files_are_compared_by_size_and_times_and_that_is_said() {
    for fixture in [Fixture::committed(&[("small", "1\n"), ("big", "0123456789\n")]), Fixture::plain()] {
        let mut fixture = fixture;
        fixture.bounds.file_bytes = 8;
        fixture.write("big", "0123456789\n");
        fixture.write("grows", "1\n");
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
        fixture.write("big", "9876543210\n");
        fixture.write("new big", "0123456789\n");
        fixture.write("grows", "0123456789\n");
        let found = workspace.changes_since(&start).await.unwrap();
        assert_eq!(marks(&found), ["~big", "~grows", "+new big"]);
        let partial = found.partial.unwrap();
        assert!(
            partial.starts_with("compared by size and times only") && partial.ends_with(": big"),
            "{partial}"
        );
        let diff = workspace.diff(Some(&start), None).await.unwrap();
        for path in ["big", "new big"] {
            assert!(diff.contains(&format!("files a/{path} and b/{path} differ\n")), "{diff}");
        }
        let middle = workspace.checkpoint().await.unwrap();
        fixture.remove("big");
        fixture.write("grows", "1\n");
        fixture.remove("new big");
        assert_eq!(changes(&workspace, &middle).await, ["-big", "~grows", "-new big"]);
        assert_eq!(changes(&workspace, &start).await, ["-big"]);
    }
}

#[tokio::test]
async fn a_file_that_grew_is_not_shown_with_an_older_content() {
    let mut fixture = Fixture::committed(&[("a.txt", "one\n")]);
    fixture.bounds.file_bytes = 8;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "two\n");
    workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "three and four\n");
    let expected = "diff --git a/a.txt b/a.txt\nBinary or large files a/a.txt and b/a.txt differ\n";
    assert_eq!(workspace.diff(Some(&start), None).await.unwrap(), expected);
    assert_eq!(workspace.diff(None, None).await.unwrap(), expected);
    assert_eq!(changes(&workspace, &start).await, ["~a.txt"]);
}

#[tokio::test]
async fn a_large_file_that_was_dirty_before_stays_the_persons() {
    let mut fixture = Fixture::committed(&[("big", "0123456789\n"), ("clean big", "0123456789\n")]);
    fixture.bounds.file_bytes = 8;
    fixture.write("big", "the person's\n");
    fixture.write("new big", "the person's\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), ["big", "new big"]);
    for path in ["big", "clean big", "new big"] {
        fixture.write(path, "the session's\n");
    }
    let from_head = workspace.diff(None, Some("clean big")).await.unwrap();
    assert!(from_head.ends_with("files a/clean big and b/clean big differ\n"), "{from_head}");
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(done.paths, ["clean big"]);
    assert_eq!(done.left_out, ["big", "new big"]);
}

#[tokio::test]
async fn files_past_the_count_are_said_to_be_missing() {
    let mut fixture = Fixture::committed(&[("seed", "")]);
    for number in 0..20 {
        fixture.write(&format!("f{number:02}"), "1\n");
    }
    fixture.bounds.files = 10;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("f03", "2\n");
    fixture.write("f15", "2\n");
    let found = workspace.changes_since(&start).await.unwrap();
    assert_eq!(marks(&found), ["~f03"]);
    assert_eq!(found.partial.as_deref(), Some("only the first 10 files were looked at"));
    let paths = ["f03", "f15"].map(str::to_owned);
    assert_eq!(workspace.overlooked(&paths).await.unwrap(), ["f15"]);
}

#[tokio::test]
async fn folders_past_the_depth_are_said_to_be_missing() {
    let mut fixture = Fixture::committed(&[("a/b/c/d", "")]);
    fixture.bounds.depth = 2;
    fixture.write("x/y/z/w", "");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("x/y/z/w", "2");
    fixture.write("a/b/c/d", "2");
    let found = workspace.changes_since(&start).await.unwrap();
    assert_eq!(marks(&found), ["~a/b/c/d"], "tracked files are looked at by name");
    assert_eq!(found.partial.as_deref(), Some("2 folders deeper than 2 were left out"));
}

#[tokio::test]
async fn a_walk_past_its_time_says_so_and_invents_no_change() {
    let mut fixture = Fixture::committed(&[("a", "1\n"), ("b", "1\n")]);
    fixture.bounds.walk = std::time::Duration::ZERO;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let found = workspace.changes_since(&start).await.unwrap();
    assert_eq!(marks(&found), Vec::<String>::new());
    assert_eq!(found.partial.as_deref(), Some("looking at the files was cut off after 0 s"));
}

#[tokio::test]
async fn new_content_past_the_total_is_compared_by_times() {
    let mut fixture = Fixture::committed(&[("seed", "")]);
    fixture.bounds.checkpoint_bytes = 8;
    for name in ["a", "b", "c"] {
        fixture.write(name, "12345\n");
    }
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a", "54321\n");
    assert_eq!(changes(&workspace, &start).await, ["~a"]);
    fixture.write("c", "54321\n");
    assert_eq!(marks(&workspace.changes_since(&start).await.unwrap()), ["~a", "~c"]);
}

#[tokio::test]
async fn a_git_that_hangs_is_ended_at_its_deadline() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let mut fixture = Fixture::committed(&[("seed", "")]);
    let bin = fixture.base().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("git"), "#!/bin/sh\nexec /bin/sleep 600\n").unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    fixture.environment.insert("PATH".into(), bin.into());
    fixture.bounds.git = std::time::Duration::from_millis(50);
    let error = fixture.workspace().checkpoint().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "`git config` took longer than 0 s and was stopped");
}
