//! O-29: states outlive the session that kept them, in a folder of its own, and cost what is new in them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use better_llm_workspace::{Workspace, WorkspaceSettings, has_state};
use domain::{ports::WorkspacePort, workspace::Checkpoint};

use crate::fixture::{Fixture, changes};

/// Every file below `folder`, with its size, by what it is on disk: links to the same content count once.
fn content_below(folder: &Path) -> BTreeMap<u64, (PathBuf, u64)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let data = path.symlink_metadata().unwrap();
            if data.is_dir() {
                folders.push(path);
            } else {
                files.insert(data.ino(), (path, data.len()));
            }
        }
    }
    files
}

fn bytes_below(folder: &Path) -> u64 {
    content_below(folder).values().map(|(_, size)| size).sum()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

async fn check_lasting(fixture: &Fixture) {
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    fixture.write("b.txt", "new\n");
    let end = workspace.checkpoint().await.unwrap();
    drop(workspace);
    fixture.remove("b.txt");
    let later = fixture.workspace();
    assert_eq!(changes(&later, &start).await, ["~a.txt"]);
    assert_eq!(changes(&later, &end).await, ["-b.txt"]);
    let diff = later.diff(Some(&start), None).await.unwrap();
    assert!(diff.contains("-1\n+2\n"), "{diff}");
}

#[tokio::test]
async fn o_29_states_outlive_the_process_that_kept_them() {
    check_lasting(&Fixture::committed(&[("a.txt", "1\n")])).await;
    let plain = Fixture::plain();
    plain.write("a.txt", "1\n");
    check_lasting(&plain).await;
}

#[tokio::test]
async fn files_dirty_in_a_state_are_told_by_a_later_process() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n")]);
    fixture.write("a.txt", "2\n");
    let start = fixture.workspace().checkpoint().await.unwrap();
    fixture.write("b.txt", "2\n");
    assert_eq!(fixture.workspace().dirty_at(&start).await.unwrap(), ["a.txt"]);
}

#[tokio::test]
async fn states_are_the_persons_alone_and_nothing_temporary_stays() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    crate::fixture::commit(&workspace, &start, None).await.unwrap();
    assert!(better_llm_workspace::is_in_use(&fixture.store()));
    drop(workspace);
    assert!(!better_llm_workspace::is_in_use(&fixture.store()));
    let mode = fs::metadata(fixture.store()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let names = content_below(&fixture.store()).into_values().map(|(path, _)| path).filter(|path| {
        let inside = path.strip_prefix(fixture.store()).unwrap();
        !["objects", "states"].iter().any(|part| inside.starts_with(part))
    });
    let mut names = names.map(|path| path.file_name().unwrap().to_owned()).collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["better-llm-states-of", "size"]);
}

/// What a killed process leaves is not locked any more, so the next session, of whatever workspace, removes it.
#[tokio::test]
async fn what_a_killed_process_left_is_removed_by_the_next_session() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let sessions = fixture.base().join("sessions");
    let alive = fixture.workspace_with(&fixture.root, &sessions.join("1"));
    alive.checkpoint().await.unwrap();
    let dead = sessions.join("1/open/7");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("index.lock"), "left").unwrap();
    let other = fixture.workspace_with(&fixture.root, &sessions.join("2"));
    other.checkpoint().await.unwrap();
    assert!(!dead.exists());
    assert!(sessions.join("1/open/1/index").exists(), "of a session that lives");
    fixture.write("a.txt", "2\n");
    alive.checkpoint().await.unwrap();
}

async fn sessions_share(fixture: &Fixture) {
    fixture.write("large.bin", noise(1 << 20));
    let sessions = fixture.base().join("sessions");
    let mut sizes = Vec::new();
    for number in 0..4 {
        let workspace = fixture.workspace_with(&fixture.root, &sessions.join(number.to_string()));
        workspace.checkpoint().await.unwrap();
        fixture.write("small.txt", format!("{number}\n"));
        workspace.checkpoint().await.unwrap();
        drop(workspace);
        sizes.push(bytes_below(&sessions));
    }
    let (first, last) = (sizes.first().unwrap(), sizes.last().unwrap());
    assert!(*first > 1 << 20, "{sizes:?}");
    assert!(last - first < 64 << 10, "{sizes:?}");
}

#[tokio::test]
async fn many_sessions_of_a_workspace_keep_its_contents_once() {
    sessions_share(&Fixture::committed(&[("a.txt", "1\n")])).await;
    sessions_share(&Fixture::plain()).await;
}

#[tokio::test]
async fn what_git_holds_is_not_copied() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    fixture.write("large.bin", noise(1 << 20));
    fixture.git(&["add", "."]);
    fixture.git(&["commit", "--quiet", "--message=large"]);
    fixture.workspace().checkpoint().await.unwrap();
    assert!(bytes_below(&fixture.store()) < 64 << 10);
}

#[tokio::test]
async fn the_oldest_sessions_go_when_there_are_too_many() {
    let mut fixture = Fixture::committed(&[("a.txt", "1\n")]);
    fixture.bounds.stores = 2;
    let sessions = fixture.base().join("sessions");
    fs::create_dir_all(sessions.join("0 foreign")).unwrap();
    let mut open = Vec::new();
    for number in 1..=4 {
        let workspace = fixture.workspace_with(&fixture.root, &sessions.join(number.to_string()));
        workspace.checkpoint().await.unwrap();
        if number == 1 {
            open.push(workspace);
        }
    }
    let mut names =
        fs::read_dir(&sessions).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["0 foreign", "1", "3", "4"], "1 is in use, and what is not ours is left alone");
}

#[tokio::test]
async fn a_damaged_or_strange_state_is_an_error() {
    let fixture = Fixture::plain();
    fixture.write("a.txt", "1\n");
    let start = fixture.workspace().checkpoint().await.unwrap();
    fs::write(fixture.store().join("states").join(start.as_str()), "{").unwrap();
    for (id, said) in [
        (start.as_str(), "the record of the state files-1 is damaged"),
        (
            "files-2",
            "no such state is kept here: it belongs to another session, or was removed to make room for newer ones",
        ),
        (
            "../better-llm-states-of",
            "no such state is kept here: it belongs to another session, or was removed to make room for newer ones",
        ),
    ] {
        let error = fixture.workspace().changes_since(&Checkpoint::new(id)).await.unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), said);
    }
}

/// A round whose evidence is lost has to hear of it: every look is an error from then on, and none says "no change".
#[tokio::test]
async fn evidence_that_a_command_destroyed_makes_errors_and_no_silence() {
    let fresh = |fixture: &Fixture| {
        fs::remove_dir_all(fixture.root.join(".git")).unwrap();
        fixture.git(&["init", "--quiet"]);
    };
    let gone = |fixture: &Fixture| fs::remove_dir_all(fixture.root.join(".git")).unwrap();
    let objects = |fixture: &Fixture| fs::remove_dir_all(fixture.store().join("objects")).unwrap();
    let all = |fixture: &Fixture| fs::remove_dir_all(fixture.store()).unwrap();
    for (name, destroy) in
        [("fresh", &fresh as &dyn Fn(&Fixture)), ("gone", &gone), ("objects", &objects), ("all", &all)]
    {
        for edit in [true, false] {
            let fixture = Fixture::committed(&[("d/a.txt", "1\n"), ("d/b.txt", "1\n")]);
            let workspace = fixture.workspace();
            let start = workspace.checkpoint().await.unwrap();
            fixture.write("d/b.txt", "2\n");
            workspace.changes_since(&start).await.unwrap();
            destroy(&fixture);
            if edit {
                fixture.write("d/a.txt", "2\n");
            }
            assert!(workspace.touched().await.unwrap(), "{name}");
            let found = workspace.changes_since(&start).await;
            assert!(found.is_err(), "{name}, {edit}: {found:?}");
            assert!(workspace.diff(Some(&start), None).await.is_err(), "{name}, {edit}");
            let end = workspace.checkpoint().await;
            assert!(end.is_err() || name == "fresh", "{name}, {edit}: {end:?}");
            let plan = workspace.undo_plan(&start, None, None).await;
            assert!(plan.is_err(), "{name}, {edit}: {plan:?}");
        }
    }
}

/// Outside of git what was kept in memory still tells what changed; that it lasts no longer is said.
#[tokio::test]
async fn without_git_a_store_that_was_destroyed_is_said_at_the_next_checkpoint() {
    let fixture = Fixture::plain();
    fixture.write("a.txt", "1\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fs::remove_dir_all(fixture.store()).unwrap();
    fixture.write("a.txt", "2\n");
    assert!(workspace.checkpoint().await.is_err());
    assert!(workspace.undo_plan(&start, None, None).await.is_err());
}

/// A fork compares with the states that it shares, keeps its own apart from them, and copies no content.
async fn check_fork(fixture: &Fixture) {
    fixture.write("large.bin", noise(1 << 20));
    let sessions = fixture.base().join("sessions");
    let (parent_store, fork_store) = (sessions.join("01PARENT"), sessions.join("02FORK"));
    let parent = fixture.workspace_with(&fixture.root, &parent_store);
    let start = parent.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let shared = parent.checkpoint().await.unwrap();
    let before = bytes_below(&sessions);
    let open = |ancestors: Vec<PathBuf>| {
        let environment = fixture.environment.clone();
        let mut settings = WorkspaceSettings::new(fixture.root.clone(), fork_store.clone(), environment);
        settings.ancestors = ancestors;
        Workspace::open(settings)
    };
    let fork = open(vec![sessions.join("00GONE"), parent_store.clone()]);
    assert_eq!(changes(&fork, &start).await, ["~a.txt"]);
    fixture.write("a.txt", "3\n");
    let own = fork.checkpoint().await.unwrap();
    fixture.write("a.txt", "4\n");
    let parents_own = parent.checkpoint().await.unwrap();
    assert!(own != shared && own != parents_own, "{own:?} {parents_own:?}");
    let diff = async |from: &Checkpoint| fork.diff(Some(from), Some("a.txt")).await.unwrap();
    for (from, was) in [(&start, "-1\n"), (&shared, "-2\n"), (&own, "-3\n")] {
        let diff = diff(from).await;
        assert!(diff.contains(&format!("{was}+4\n")), "{diff}");
    }
    assert!(bytes_below(&sessions) - before < 64 << 10, "nothing large was copied");
    drop(fork);
    let later = open(vec![parent_store.clone()]);
    assert_eq!(changes(&later, &own).await, ["~a.txt"]);
    assert!(has_state(&fork_store, &own) && has_state(&parent_store, &start));
    assert!(!has_state(&fork_store, &start) && !has_state(&fork_store, &Checkpoint::new("../size")));
    // Without those it was forked from it has its own alone, and takes no other state for a shared one.
    let alone = open(Vec::new());
    assert!(alone.changes_since(&shared).await.is_err());
}

#[tokio::test]
async fn a_fork_compares_with_states_that_it_shares() {
    check_fork(&Fixture::committed(&[("a.txt", "1\n")])).await;
    let plain = Fixture::plain();
    plain.write("a.txt", "1\n");
    check_fork(&plain).await;
}
