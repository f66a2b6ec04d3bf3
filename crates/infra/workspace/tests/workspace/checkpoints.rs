//! Checkpoints in git repositories, and what differs from them.

use std::{fs, os::unix::fs::symlink};

use domain::ports::WorkspacePort;

use crate::fixture::{Fixture, changes};

#[tokio::test]
async fn changes_are_sorted_and_told_apart() {
    let fixture = Fixture::committed(&[("b.txt", "b\n"), ("c.txt", "c\n"), ("d/e.txt", "e\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("z.txt", "new\n");
    fixture.write("a.txt", "new\n");
    fixture.write("b.txt", "B\n");
    fixture.remove("c.txt");
    fs::rename(fixture.root.join("d"), fixture.root.join("f")).unwrap();
    let expected = ["+a.txt", "~b.txt", "-c.txt", "-d/e.txt", "+f/e.txt", "+z.txt"];
    let found = changes(&workspace, &start).await;
    assert_eq!(found, expected);
    let middle = workspace.checkpoint().await.unwrap();
    fixture.remove("a.txt");
    assert_eq!(changes(&workspace, &middle).await, ["-a.txt"]);
}

/// Another worker may be writing it at this moment, or a program died before it could rename it.
#[tokio::test]
async fn a_file_that_is_about_to_be_renamed_is_no_file_of_the_workspace() {
    for fixture in [Fixture::committed(&[("a.txt", "a\n")]), Fixture::plain()] {
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        fixture.write("d/.better-llm-12-0123456789abcdef.tmp", "half");
        fixture.write("d/.better-llm-notes.tmp", "the person's");
        assert!(workspace.touched().await.unwrap());
        assert_eq!(changes(&workspace, &start).await, ["+d/.better-llm-notes.tmp"]);
    }
}

#[tokio::test]
async fn the_same_checkpoint_comes_back_where_nothing_changed() {
    let fixture = Fixture::committed(&[("a.txt", "a\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.checkpoint().await.unwrap(), start);
    fixture.write("a.txt", "b\n");
    let next = workspace.checkpoint().await.unwrap();
    assert_ne!(next, start);
    assert_eq!(workspace.checkpoint().await.unwrap(), next);
}

#[tokio::test]
async fn a_checkpoint_without_changes_starts_no_process() {
    let mut fixture = Fixture::committed(&[("a.txt", "a\n")]);
    let bin = fixture.base().join("bin");
    fs::create_dir(&bin).unwrap();
    let real =
        ["/usr/local/bin/git", "/usr/bin/git"].into_iter().find(|git| fs::exists(git).unwrap()).unwrap();
    symlink(real, bin.join("git")).unwrap();
    fixture.environment.insert("PATH".into(), bin.clone().into_os_string());
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fs::remove_file(bin.join("git")).unwrap();
    assert_eq!(workspace.checkpoint().await.unwrap(), start);
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
    fixture.write("a.txt", "b\n");
    assert!(workspace.checkpoint().await.is_err(), "now git is needed");
}

#[tokio::test]
async fn the_persons_repository_is_unchanged_byte_for_byte() {
    let fixture = Fixture::committed(&[("a.txt", "a\n"), ("b.txt", "b\n")]);
    fixture.write("stashed.txt", "s\n");
    fixture.git(&["stash", "push", "--quiet", "--include-untracked"]);
    fixture.write("a.txt", "staged\n");
    fixture.git(&["add", "a.txt"]);
    fixture.write("a.txt", "staged and changed\n");
    fixture.write("new.txt", "untracked\n");
    let before = fixture.git_files();
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("b.txt", "changed\n");
    workspace.changes_since(&start).await.unwrap();
    workspace.diff(None, None).await.unwrap();
    workspace.dirty_at(&start).await.unwrap();
    workspace.checkpoint().await.unwrap();
    assert_eq!(fixture.git_files(), before);
}

#[tokio::test]
async fn files_dirty_before_are_remembered_whatever_happens_later() {
    let fixture =
        Fixture::committed(&[("a.txt", "a\n"), ("b.txt", "b\n"), ("c.txt", "c\n"), ("d.txt", "d\n")]);
    fixture.write("a.txt", "changed\n");
    fixture.write("b.txt", "staged\n");
    fixture.git(&["add", "b.txt"]);
    fixture.write("new.txt", "untracked\n");
    fixture.remove("d.txt");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let expected = ["a.txt", "b.txt", "d.txt", "new.txt"];
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), expected);
    fixture.write("c.txt", "later\n");
    fixture.git(&["commit", "--quiet", "--all", "--message=all"]);
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), expected);
    let next = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&next).await.unwrap(), ["new.txt"]);
    fixture.git(&["reset", "--quiet", "--soft", "HEAD~1"]);
    let last = workspace.checkpoint().await.unwrap();
    assert_ne!(last, next, "HEAD moved, so another set of files is dirty");
    assert_eq!(workspace.dirty_at(&last).await.unwrap(), ["a.txt", "b.txt", "c.txt", "d.txt", "new.txt"]);
}

#[tokio::test]
async fn entries_marked_to_be_passed_over_are_looked_at() {
    let fixture =
        Fixture::committed(&[("assumed.txt", "a\n"), ("skipped.txt", "s\n"), ("sparse.txt", "x\n")]);
    fixture.git(&["update-index", "--assume-unchanged", "assumed.txt"]);
    fixture.git(&["update-index", "--skip-worktree", "skipped.txt", "sparse.txt"]);
    fixture.remove("sparse.txt");
    fixture.write("assumed.txt", "b\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), ["assumed.txt"]);
    fixture.write("skipped.txt", "t\n");
    assert_eq!(changes(&workspace, &start).await, ["~skipped.txt"]);
}

#[tokio::test]
async fn a_file_a_folder_and_a_link_can_take_each_others_place() {
    let fixture = Fixture::committed(&[("a", "file\n"), ("b/x", "x\n"), ("b/y", "y\n"), ("c/z", "z\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.remove("a");
    fixture.write("a/inner", "i\n");
    fs::remove_dir_all(fixture.root.join("b")).unwrap();
    fixture.write("b", "file\n");
    fs::remove_dir_all(fixture.root.join("c")).unwrap();
    symlink("a", fixture.root.join("c")).unwrap();
    let expected = ["-a", "+a/inner", "+b", "-b/x", "-b/y", "+c", "-c/z"];
    assert_eq!(changes(&workspace, &start).await, expected);
    fs::remove_file(fixture.root.join("c")).unwrap();
    fixture.write("c/z", "z\n");
    assert_eq!(changes(&workspace, &start).await, ["-a", "+a/inner", "+b", "-b/x", "-b/y"]);
}

#[tokio::test]
async fn a_merge_with_conflicts_can_be_looked_at() {
    for file_bytes in [20 << 20, 4] {
        check_merge(file_bytes).await;
    }
}

/// A conflict in `a.txt`, which holds more than four bytes of marks.
async fn check_merge(file_bytes: u64) {
    let mut fixture = Fixture::committed(&[("a.txt", "a\n"), ("gone.txt", "g\n")]);
    fixture.bounds.file_bytes = file_bytes;
    fixture.git(&["checkout", "--quiet", "-b", "other"]);
    fixture.write("a.txt", "other\n");
    fixture.write("gone.txt", "changed\n");
    fixture.git(&["commit", "--quiet", "--all", "--message=other"]);
    fixture.git(&["checkout", "--quiet", "main"]);
    fixture.write("a.txt", "main\n");
    fixture.remove("gone.txt");
    fixture.git(&["commit", "--quiet", "--all", "--message=main"]);
    assert!(!fixture.try_git(&fixture.root, &["merge", "other"]).status.success());
    fixture.remove("gone.txt");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), ["a.txt"]);
    fixture.write("a.txt", "r\n");
    assert_eq!(changes(&workspace, &start).await, ["~a.txt"]);
}

#[tokio::test]
async fn a_pipe_is_neither_waited_for_nor_a_file() {
    let fixture = Fixture::committed(&[("a.txt", "a\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.root.join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.root.join(".gitignore"), rustix::fs::Mode::RUSR).unwrap();
    assert!(!workspace.touched().await.unwrap());
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_checkpoint_of_another_session_is_an_error() {
    let fixture = Fixture::committed(&[("a.txt", "a\n")]);
    let error =
        fixture.workspace().changes_since(&domain::workspace::Checkpoint::new("git-x-1")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot find the checkpoint git-x-1");
}

/// A run may be cancelled at any await; the next call must find nothing broken.
#[tokio::test]
async fn a_checkpoint_dropped_at_any_await_leaves_the_next_one_right() {
    let fixture = Fixture::committed(&[("a.txt", "a\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    for polls in 0..40_u32 {
        fixture.write("a.txt", format!("{polls}\n"));
        {
            let mut call = std::pin::pin!(workspace.checkpoint());
            for _ in 0..polls {
                let once = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(call.as_mut().poll(context).is_ready())
                });
                if once.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(changes(&workspace, &start).await, ["~a.txt"], "after {polls} polls");
        let diff = workspace.diff(Some(&start), None).await.unwrap();
        assert!(diff.contains(&format!("\n+{polls}\n")), "{diff}");
    }
}
