//! Unified diffs.

use std::{fs, os::unix::fs::PermissionsExt};

use domain::ports::WorkspacePort;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_diff_shows_all_changes_or_those_of_one_path() {
    let fixture = Fixture::committed(&[("src/가.rs", "하나\n둘\n"), ("b.txt", "b\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("src/가.rs", "하나\n셋\n");
    fixture.write("new.txt", "n\n");
    fixture.remove("b.txt");
    let of_source = "--- a/src/가.rs\n+++ b/src/가.rs\n@@ -1,2 +1,2 @@\n 하나\n-둘\n+셋\n";
    let whole = workspace.diff(Some(&start), None).await.unwrap();
    assert!(
        whole.contains("deleted file mode 100644\n") && whole.contains("new file mode 100644\n"),
        "{whole}"
    );
    assert!(whole.ends_with(of_source), "{whole}");
    for path in ["src/가.rs", "src", "./src/", fixture.root.join("src").to_str().unwrap()] {
        let part = workspace.diff(Some(&start), Some(path)).await.unwrap();
        assert!(
            part.starts_with("diff --git a/src/가.rs b/src/가.rs\n") && part.ends_with(of_source),
            "{part}"
        );
    }
    assert_eq!(workspace.diff(Some(&start), Some(".")).await.unwrap(), whole);
    assert_eq!(workspace.diff(Some(&start), Some("c.txt")).await.unwrap(), "");
    let error = workspace.diff(Some(&start), Some("../x")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot show the differences of ../x");
}

#[tokio::test]
async fn a_diff_from_head_holds_what_was_dirty_before() {
    let fixture = Fixture::committed(&[("a.txt", "a\n"), ("b.txt", "b\n")]);
    fixture.write("a.txt", "A\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("b.txt", "B\n");
    let from_head = workspace.diff(None, None).await.unwrap();
    assert!(from_head.contains("+A\n") && from_head.contains("+B\n"), "{from_head}");
    assert!(!workspace.diff(Some(&start), None).await.unwrap().contains("+A\n"));
}

#[tokio::test]
async fn binary_files_are_named_only() {
    let fixture = Fixture::committed(&[("a.bin", "\0a")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.bin", "\0b");
    let diff = workspace.diff(Some(&start), None).await.unwrap();
    assert!(diff.ends_with("Binary files a/a.bin and b/a.bin differ\n"), "{diff}");
}

#[tokio::test]
async fn what_is_cut_of_a_diff_is_counted_and_said() {
    let mut fixture = Fixture::committed(&[("a.txt", "")]);
    fixture.bounds.diff_bytes = 1_000;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "한글 줄\n".repeat(1_000));
    let diff = workspace.diff(Some(&start), None).await.unwrap();
    let (shown, note) = diff.split_once("\n[cut here: ").unwrap();
    assert!(shown.len() <= 1_000 && shown.ends_with("+한글 줄\n"), "{shown}");
    let omitted = note.split(' ').next().unwrap().parse::<usize>().unwrap();
    let whole = fixture.git(&["diff", "a.txt"]).len();
    assert_eq!(shown.len() + omitted, whole);
}

#[tokio::test]
async fn line_ends_that_git_converts_are_no_difference() {
    let fixture =
        Fixture::committed(&[(".gitattributes", "*.bat text eol=crlf\n"), ("a.bat", "one\r\ntwo\r\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), Vec::<String>::new());
    fixture.write("a.bat", "one\r\n2\r\n");
    let diff = workspace.diff(Some(&start), None).await.unwrap();
    assert!(diff.ends_with("@@ -1,2 +1,2 @@\n one\n-two\n+2\n"), "{diff}");
    fixture.write("a.bat", "one\r\ntwo\r\n");
    assert_eq!(workspace.diff(Some(&start), None).await.unwrap(), "");
}

/// Outside of git the diff is ours, in git's format: what git would say of the same files.
#[tokio::test]
async fn a_diff_without_git_reads_as_gits_own() {
    let (with, without) = (Fixture::repository(), Fixture::plain());
    let mut diffs = Vec::new();
    for fixture in [&with, &without] {
        fixture.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
        fixture.write("gone.txt", "g\n");
        fixture.write("run.sh", "#!/bin/sh\n");
        fixture.write("no-end.txt", "x");
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        fixture.write("a.txt", "1\n2\n3\n4\nfive\n6\n7\n8\n9\nten\n");
        fixture.write("no-end.txt", "y");
        fixture.write("새 파일.txt", "가\n나\n");
        fixture.remove("gone.txt");
        fs::set_permissions(fixture.root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let diff = workspace.diff(Some(&start), None).await.unwrap();
        let lines = diff.lines().filter(|line| !line.starts_with("index "));
        diffs.push(lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>());
    }
    assert_eq!(diffs[1], diffs[0]);
}
