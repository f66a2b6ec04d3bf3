//! O-29: a round is taken back, diff first, and never what the person edited since.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::MockServer;

use crate::support::{
    Ended, World,
    turns::{bash, coded, one_worker, write},
};

/// The person's files, git's own left out.
fn files(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let git = world.repository.join(".git");
    World::snapshot(&world.repository).into_iter().filter(|(path, _)| !path.starts_with(&git)).collect()
}

/// A world in which a round has changed a file and made another, and what it was before.
async fn changed() -> (World, Vec<(PathBuf, Vec<u8>)>) {
    let world = World::new();
    let before = files(&world);
    let turns =
        [write("README.md", "# 새 가계부\n"), write("새 폴더/환불.md", "음수\n"), coded(&["README.md"], &[])];
    let server = MockServer::start(one_worker("coder", turns)).await;
    let ended = world.call(["--sandbox", "none", "환불을 적어 줘"]).against(&server).run().await;
    assert_eq!(ended.code(), 0, "{}", ended.err);
    assert_ne!(files(&world), before);
    (world, before)
}

async fn undo(world: &World, arguments: &[&str]) -> Ended {
    world.call(["session", "undo"].iter().chain(arguments)).run().await
}

#[tokio::test]
async fn a_round_is_shown_and_taken_back() {
    let (world, before) = changed().await;
    let ended = undo(&world, &[]).await;
    assert_eq!((ended.code(), files(&world)), (0, before), "{}", ended.err);
    let parts = [
        "-# 새 가계부",
        "+# 가계부",
        "restore README.md",
        "remove 새 폴더/환불.md",
        "not covered: files that git",
    ];
    for part in parts {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
    assert!(ended.out.find("+# 가계부") < ended.out.find("restore"), "diff first: {}", ended.out);
    assert!(ended.err.contains("2 files are put back"), "{}", ended.err);
    assert!(!world.has("새 폴더"), "the folder that it left empty went, too");
    // It is in the journal, and not done twice.
    let again = undo(&world, &[]).await;
    assert_eq!((again.code(), again.out.as_str()), (16, ""), "{}", again.err);
    let events = world.journaled().await;
    let last = serde_json::to_value(events.last()).expect("JSON");
    assert_eq!((&last["type"], &last["paths"]), (&json!("undone"), &json!(["README.md", "새 폴더/환불.md"])));
}

#[tokio::test]
async fn a_program_reads_what_was_undone_as_json() {
    let (world, before) = changed().await;
    let ended = undo(&world, &["--round", "1", "--json", "README.md"]).await;
    let data: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((ended.code(), ended.err.as_str(), &data["round"]), (0, "", &json!(1)));
    assert_eq!(data["files"], json!([{"path": "README.md", "what": "restore"}]));
    assert_eq!((world.read("README.md").as_str(), world.has("새 폴더/환불.md")), ("# 가계부\n", true));
    let session = data["session_id"].as_str().expect("an id").to_owned();
    let rest = undo(&world, &[&session, "--round", "1", "--json"]).await;
    assert_eq!((rest.code(), files(&world)), (0, before), "{}", rest.err);
    let nothing = undo(&world, &[&session, "--round", "1", "--json"]).await;
    let data: Value = serde_json::from_str(&nothing.out).expect("JSON");
    assert_eq!((nothing.code(), &data["files"]), (0, &json!([])), "{}", nothing.err);
}

#[tokio::test]
async fn what_the_person_edited_since_is_refused_and_the_rest_can_be_named() {
    let (world, _) = changed().await;
    world.write("README.md", "# 내가 고친 가계부\n");
    let edited = files(&world);
    let ended = undo(&world, &[]).await;
    assert_eq!((ended.code(), files(&world)), (14, edited.clone()), "nothing was touched");
    assert!(ended.out.contains("README.md: edited since"), "{}", ended.out);
    assert!(ended.err.contains("README.md (edited since)") && ended.err.contains("PATH..."), "{}", ended.err);
    let korean = undo(&world, &["--lang", "ko"]).await;
    assert!(korean.code() == 14 && korean.err.contains("README.md (이후 편집됨)"), "{}", korean.err);
    let rest = undo(&world, &["--", "새 폴더"]).await;
    assert_eq!((rest.code(), world.has("새 폴더/환불.md")), (0, false), "{}", rest.err);
    assert_eq!(world.read("README.md"), "# 내가 고친 가계부\n");
}

#[tokio::test]
async fn a_person_at_a_terminal_is_asked_and_only_yes_is_yes() {
    let (world, before) = changed().await;
    let changed = files(&world);
    for (typed, code, expected) in [("\n", 15, &changed), ("n\n", 15, &changed), ("y\n", 0, &before)] {
        let mut program = world.call(["session", "undo"]).at_terminal();
        program.until("[y/N] ", 1).await;
        assert!(program.shown().contains("-# 새 가계부"), "diff first");
        program.type_in(typed);
        let (ended, screen) = program.end().await;
        assert_eq!((ended, &files(&world)), (Some(code), expected), "{}", String::from_utf8_lossy(&screen));
    }
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let empty = World::new();
    let none = undo(&empty, &[]).await;
    assert_eq!((none.code(), none.out.as_str()), (16, ""), "{}", none.err);
    let (world, _) = changed().await;
    for arguments in [&["--round", "7"][..], &["01J9ZQ8W7N4K2M5R6T8V0X1Y3Z"]] {
        let ended = undo(&world, arguments).await;
        assert_eq!((ended.code(), ended.out.as_str()), (16, ""), "{arguments:?} {}", ended.err);
    }
}

/// A path that is misspelt is no success, and one that leads out is a wrong call.
#[tokio::test]
async fn a_path_that_no_round_changed_is_said_to_be_none() {
    let (world, _) = changed().await;
    let changed = files(&world);
    for (path, code, said) in [
        ("README.mb", 16, "changed nothing at README.mb"),
        ("../x", 2, "`../x` names nothing in the workspace"),
        ("", 2, "`` names nothing in the workspace"),
    ] {
        let ended = undo(&world, &["--", "README.md", path]).await;
        assert_eq!((ended.code(), ended.out.as_str()), (code, ""), "{path}: {}", ended.err);
        assert!(ended.err.contains(said), "{path}: {}", ended.err);
        assert_eq!(files(&world), changed, "{path}: nothing was touched");
    }
}

/// A world whose round was killed in its middle, and in which the person worked on since; and what it was before.
async fn killed() -> (World, Vec<(PathBuf, Vec<u8>)>) {
    let world = World::new();
    let before = files(&world);
    let command = "echo half > README.md; echo half > new.txt; echo ready; exec sleep 600";
    let server = MockServer::start(one_worker("coder", [bash(command)])).await;
    let options = ["--output-format", "stream-json", "--partial", "--permission-mode", "full"];
    let options = options.iter().chain(&["--sandbox", "none", "x"]);
    let mut program = world.call(options).against(&server).start();
    let is_ready = |line: &Value| line["text"].as_str().is_some_and(|text| text.contains("ready"));
    program.until("the command's output", is_ready).await;
    program.signal(Signal::KILL);
    program.end().await;
    world.write("mine.txt", "내가 쓴 글\n");
    (world, before)
}

/// O-29: what the person wrote after a killed round does not go without their word.
#[tokio::test]
async fn o_29_a_killed_round_is_not_undone_without_the_persons_word() {
    let (world, _) = killed().await;
    let left = files(&world);
    for arguments in [&[][..], &["--json"]] {
        let ended = undo(&world, arguments).await;
        assert_eq!((ended.code(), files(&world)), (14, left.clone()), "{arguments:?}: {}", ended.err);
        let said = &ended.err;
        assert!(said.contains("was cut off") && said.contains("PATH..."), "{arguments:?}: {said}");
    }
    let korean = undo(&world, &["--lang", "ko"]).await;
    assert!(korean.code() == 14 && korean.err.contains("터미널에서 실행해"), "{}", korean.err);
    let named = undo(&world, &["README.md", "new.txt"]).await;
    assert_eq!(named.code(), 0, "{}", named.err);
    assert_eq!((world.read("README.md").as_str(), world.has("new.txt")), ("# 가계부\n", false));
    assert_eq!(world.read("mine.txt"), "내가 쓴 글\n");
}

#[tokio::test]
async fn o_29_at_a_terminal_it_is_said_that_own_edits_may_go_too() {
    let (world, before) = killed().await;
    let left = files(&world);
    for (typed, code, expected) in [("n\n", 15, &left), ("y\n", 0, &before)] {
        let mut program = world.call(["session", "undo"]).at_terminal();
        program.until("[y/N] ", 1).await;
        assert!(program.shown().contains("whatever you did to these files since goes, too"));
        program.type_in(typed);
        let (ended, screen) = program.end().await;
        assert_eq!((ended, &files(&world)), (Some(code), expected), "{}", String::from_utf8_lossy(&screen));
    }
}
