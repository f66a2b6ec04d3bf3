//! O-29: an undo that is killed with -9 leaves every file whole, and the next one finishes the work.

use std::{
    fs,
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use domain::{ports::WorkspacePort, workspace::Checkpoint};

use crate::{
    fixture::Fixture,
    undo::{files, picture},
};

const FILES: usize = 400;
const CHILD: &str = "undo_killed::the_process_that_is_killed";

fn name(number: usize) -> String {
    format!("folder/{number:03}.txt")
}

/// Long enough that a half-written file would show.
fn content(round: &str, number: usize) -> String {
    format!("{round} {number}\n").repeat(400)
}

/// The process that is killed: undoes, when told to by the variables of the test below.
#[tokio::test]
#[ignore = "runs as a process of the test below"]
async fn the_process_that_is_killed() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let mut fixture = Fixture::plain();
    fixture.root = PathBuf::from(variable("UNDO_ROOT"));
    let workspace = fixture.workspace_with(&fixture.root, &PathBuf::from(variable("UNDO_STORE")));
    let (begin, end) = (Checkpoint::new(&variable("UNDO_BEGIN")), Checkpoint::new(&variable("UNDO_END")));
    let plan = workspace.undo_plan(&begin, Some(&end), None).await.unwrap();
    workspace.undo(&plan).await.unwrap();
}

fn said(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

async fn check(fixture: Fixture) {
    for number in 0..FILES {
        fixture.write(&name(number), content("before", number));
    }
    let before = picture(&fixture.root);
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    for number in 0..FILES {
        fixture.write(&name(number), content("after", number));
    }
    let end = session.checkpoint().await.unwrap();
    drop(session);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env_clear()
        .env("UNDO_ROOT", &fixture.root)
        .env("UNDO_STORE", fixture.store())
        .env("UNDO_BEGIN", begin.as_str())
        .env("UNDO_END", end.as_str())
        .args(["--ignored", "--exact", CHILD])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let is_back =
        |number| fs::read_to_string(fixture.root.join(name(number))).unwrap() == content("before", number);
    while !is_back(0) {
        assert!(child.try_wait().unwrap().is_none(), "{}", said(&mut child));
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut back = 0;
    for number in 0..FILES {
        let found = fs::read_to_string(fixture.root.join(name(number))).unwrap();
        assert!(found == content("before", number) || found == content("after", number), "{number} is half");
        back += usize::from(found == content("before", number));
    }
    let later = fixture.workspace();
    let plan = later.undo_plan(&begin, Some(&end), None).await.unwrap();
    assert_eq!(plan.refused, []);
    assert_eq!(files(&plan).len(), FILES - back);
    if back < FILES {
        later.undo(&plan).await.unwrap();
    }
    assert_eq!(picture(&fixture.root), before, "nothing half-written is left either");
    assert!(back < FILES, "it was killed too late to show anything");
}

#[tokio::test]
async fn o_29_an_undo_killed_in_its_middle_leaves_whole_files_and_can_be_done_again() {
    check(Fixture::plain()).await;
    check(Fixture::committed(&[("seed", "")])).await;
}
