//! The engine's own folders inside the workspace, as they are where the workspace is the home folder.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use better_llm_workspace::{Workspace, WorkspaceSettings};
use domain::{ports::WorkspacePort, workspace::CommitError};

use crate::fixture::{Fixture, changes, commit};

/// A workspace whose checkpoints lie in its own cache folder, with a data folder beside.
fn open(fixture: &Fixture, home: &Path) -> Workspace {
    let cache = home.join(".cache/better-llm");
    let mut settings = WorkspaceSettings::new(
        fixture.root.clone(),
        cache.join("checkpoints/1"),
        fixture.environment.clone(),
    );
    settings.own = vec![home.join(".local/share/better-llm"), cache];
    Workspace::open(settings)
}

/// What the engine writes meanwhile.
fn work_of_ours(fixture: &Fixture) {
    fixture.write(".local/share/better-llm/better-llm.db", "pages");
    fixture.write(".cache/better-llm/toolchains/x", "tool");
}

async fn check(fixture: &Fixture, home: &Path) {
    let workspace = open(fixture, home);
    let start = workspace.checkpoint().await.unwrap();
    assert!(!workspace.touched().await.unwrap(), "our own checkpoint");
    work_of_ours(fixture);
    assert!(!workspace.touched().await.unwrap(), "our own database");
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
    fixture.write(".local/share/better-llm-other/x", "person");
    fixture.write("a.txt", "2\n");
    assert!(workspace.touched().await.unwrap());
    let expected = ["+.local/share/better-llm-other/x", "~a.txt"];
    assert_eq!(changes(&workspace, &start).await, expected);
    let paths = [".cache/better-llm/toolchains/x", ".local/share/better-llm/new", "a.txt", "new"];
    let paths = paths.map(str::to_owned);
    assert_eq!(workspace.overlooked(&paths).await.unwrap(), paths.get(..2).unwrap());
    assert!(!workspace.diff(Some(&start), None).await.unwrap().contains("better-llm.db"));
}

#[tokio::test]
async fn what_the_engine_keeps_inside_the_workspace_is_neither_seen_nor_committed() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    check(&fixture, &fixture.root).await;
    let workspace = open(&fixture, &fixture.root);
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("b.txt", "1\n");
    work_of_ours(&fixture);
    let ours = commit(&workspace, &start, Some(&[".local/share/better-llm/better-llm.db"])).await;
    assert!(matches!(ours, Err(CommitError::NotOurs(_))), "{ours:?}");
    assert_eq!(commit(&workspace, &start, None).await.unwrap().paths, ["b.txt"]);
}

#[tokio::test]
async fn without_git_the_engines_folders_are_no_work_either() {
    let fixture = Fixture::plain();
    fixture.write("a.txt", "1\n");
    check(&fixture, &fixture.root).await;
}

#[tokio::test]
async fn folders_of_the_engine_that_are_named_through_a_link_are_known() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let link: PathBuf = fixture.base().join("link");
    symlink(&fixture.root, &link).unwrap();
    check(&fixture, &link).await;
}

#[tokio::test]
async fn files_of_the_engine_that_a_person_tracks_are_no_differences() {
    let database = ".local/share/better-llm/better-llm.db";
    let fixture = Fixture::committed(&[("a.txt", "1\n"), (database, "1\n")]);
    let workspace = open(&fixture, &fixture.root);
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(database, "2\n");
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
    assert_eq!(workspace.diff(None, None).await.unwrap(), "");
}

#[tokio::test]
async fn a_command_that_removes_the_kept_states_makes_an_error_and_no_silence() {
    for gone in [".cache/better-llm", ".cache/better-llm/checkpoints/1/open/1/index"] {
        let fixture = Fixture::committed(&[("a.txt", "1\n")]);
        let workspace = open(&fixture, &fixture.root);
        let start = workspace.checkpoint().await.unwrap();
        let place = fixture.root.join(gone);
        if place.is_dir() {
            fs::remove_dir_all(place).unwrap()
        } else {
            fs::remove_file(place).unwrap()
        }
        fixture.write("a.txt", "2\n");
        assert!(workspace.touched().await.unwrap(), "{gone}");
        let error = workspace.changes_since(&start).await.unwrap_err();
        let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(said.contains("is gone"), "{gone}: {said}");
    }
}
