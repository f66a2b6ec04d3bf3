//! Repositories of every shape.

use std::fs;

use domain::{ports::WorkspacePort, workspace::CommitError};

use crate::fixture::{Fixture, changes, commit};

/// Looks, compares, commits and looks again in the workspace at `folder` below the root.
async fn check(fixture: &Fixture, folder: &str) {
    let root = fixture.root.join(folder);
    let workspace = fixture.workspace_at(&root);
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), Vec::<String>::new());
    fs::create_dir_all(root.join("new")).unwrap();
    fs::write(root.join("new/가.txt"), "1\n").unwrap();
    assert_eq!(changes(&workspace, &start).await, ["+new/가.txt"]);
    assert!(workspace.diff(None, None).await.unwrap().contains("+++ b/new/가.txt\n"));
    assert!(workspace.diff(Some(&start), Some("new")).await.unwrap().contains("+++ b/new/가.txt\n"));
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(done.paths, ["new/가.txt"]);
    assert_eq!(fixture.git_in(&root, &["rev-parse", "HEAD"]).trim(), done.id);
    assert_eq!(fixture.git_in(&root, &["status", "--porcelain", "."]), "");
}

#[tokio::test]
async fn a_workspace_may_be_a_folder_of_a_repository() {
    let fixture =
        Fixture::committed(&[("top.txt", "1\n"), ("sub dir/a.txt", "1\n"), ("sub dir-other/b.txt", "1\n")]);
    fixture.write("top.txt", "person\n");
    check(&fixture, "sub dir").await;
    assert_eq!(fixture.git(&["status", "--porcelain"]), " M top.txt\n");
    let paths = ["../top.txt".to_owned()];
    let workspace = fixture.workspace_at(&fixture.root.join("sub dir"));
    assert_eq!(workspace.overlooked(&paths).await.unwrap(), paths);
}

#[tokio::test]
async fn rules_above_the_workspace_count() {
    let fixture = Fixture::committed(&[(".gitignore", "*.log\n/sub/out/\n"), ("sub/a.txt", "1\n")]);
    let workspace = fixture.workspace_at(&fixture.root.join("sub"));
    workspace.checkpoint().await.unwrap();
    fixture.write("sub/x.log", "");
    fixture.write("sub/out/x", "");
    assert!(!workspace.touched().await.unwrap());
    fixture.write("top.txt", "");
    assert!(!workspace.touched().await.unwrap(), "outside of the workspace");
}

#[tokio::test]
async fn a_linked_work_tree_has_its_own_head_and_index() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    fixture.git(&["worktree", "add", "--quiet", "-b", "linked", "../linked"]);
    let root = fixture.base().join("linked");
    check(&Fixture { root: root.clone(), ..fixture }, "").await;
}

#[tokio::test]
async fn a_submodule_can_be_the_workspace() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let library = Fixture::committed(&[("lib.txt", "1\n")]);
    fixture.git(&["submodule", "--quiet", "add", &library.root.display().to_string(), "lib"]);
    for (key, value) in [("user.name", "a"), ("user.email", "b")] {
        fixture.git_in(&fixture.root.join("lib"), &["config", key, value]);
    }
    check(&fixture, "lib").await;
}

#[tokio::test]
async fn files_of_submodules_and_nested_repositories_are_seen_and_committed_by_nobody() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let library = Fixture::committed(&[("lib.txt", "1\n"), (".gitignore", "*.o\n")]);
    fixture.git(&["submodule", "--quiet", "add", &library.root.display().to_string(), "lib"]);
    fixture.git(&["commit", "--quiet", "--message=lib"]);
    fixture.write("nested/n.txt", "1\n");
    fixture.git_in(&fixture.root.join("nested"), &["init", "--quiet"]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), ["nested/n.txt"]);
    assert_eq!(workspace.diff(None, Some("lib")).await.unwrap(), "");
    for path in ["a.txt", "lib/lib.txt", "nested/n.txt", "lib/x.o"] {
        fixture.write(path, "2\n");
    }
    assert_eq!(changes(&workspace, &start).await, ["~a.txt", "~lib/lib.txt", "~nested/n.txt"]);
    assert!(workspace.diff(Some(&start), Some("lib")).await.unwrap().ends_with("-1\n+2\n"));
    let error = commit(&workspace, &start, Some(&["lib/lib.txt"])).await.unwrap_err();
    assert!(matches!(
        error,
        CommitError::Git { doing: "commit files of another repository inside this one", .. }
    ));
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(done.paths, ["a.txt"]);
    assert_eq!(done.left_out, ["lib/lib.txt", "nested/n.txt"]);
}

#[tokio::test]
async fn repositories_of_other_formats_work() {
    let formats: [&[&str]; 4] = [
        &["init", "--quiet", "--object-format=sha256"],
        &["init", "--quiet", "--ref-format=reftable"],
        &["-c", "core.splitIndex=true", "init", "--quiet"],
        &["init", "--quiet", "--separate-git-dir=../elsewhere"],
    ];
    for format in formats {
        let fixture = Fixture::plain();
        if !fixture.try_git(&fixture.root, format).status.success() {
            // A git that does not know the format cannot make a repository of it either.
            assert!(format.contains(&"--ref-format=reftable"), "{format:?}");
            continue;
        }
        for (key, value) in [("user.name", "a"), ("user.email", "b"), ("core.splitIndex", "true")] {
            fixture.git(&["config", key, value]);
        }
        // Git does not write the way back of a folder set apart; a person does, as the notice says.
        if fixture.root.join(".git").is_file() {
            fixture.git(&["config", "core.worktree", &fixture.root.display().to_string()]);
        }
        check(&fixture, "").await;
        let last = fixture.git(&["log", "--format=%s"]);
        assert_eq!(last, "Change things\n");
        check_again(&fixture).await;
    }
}

async fn check_again(fixture: &Fixture) {
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("new/가.txt", "2\n");
    assert_eq!(commit(&workspace, &start, None).await.unwrap().paths, ["new/가.txt"]);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    fixture.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn a_bare_repository_is_a_folder_like_others() {
    let fixture = Fixture::plain();
    fixture.git(&["init", "--quiet", "--bare"]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("x", "1");
    assert_eq!(changes(&workspace, &start).await, ["+x"]);
    assert!(matches!(commit(&workspace, &start, None).await, Err(CommitError::NoRepository)));
}

#[tokio::test]
async fn a_split_index_is_read_and_stays_usable() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n")]);
    fixture.git(&["update-index", "--split-index"]);
    fixture.write("b.txt", "2\n");
    fixture.git(&["add", "b.txt"]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert_eq!(workspace.dirty_at(&start).await.unwrap(), ["b.txt"]);
    fixture.write("a.txt", "2\n");
    commit(&workspace, &start, None).await.unwrap();
    assert_eq!(fixture.git(&["status", "--porcelain"]), "M  b.txt\n");
}
