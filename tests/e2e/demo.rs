//! `better-llm-cli demo`: a first look that needs no key, and is real but for the models' words.

use std::{fs, path::PathBuf};

use crate::support::{Ended, World};

/// The demo's folder; it stays, so that one can look around.
fn folder(world: &World) -> PathBuf {
    let names = World::leftovers(&world.outside().join("tmp"));
    let [name] = &names[..] else { panic!("not one folder: {names:?}") };
    world.outside().join("tmp").join(name)
}

fn git(world: &World, arguments: &[&str]) -> String {
    let repository = folder(world).join("repository").display().to_string();
    world.git(&[&["-C", &repository], arguments].concat())
}

async fn play(world: &World, more: &[&str]) -> Ended {
    // Whatever the person has configured, the demo does not see it.
    let call = world.call(["demo"].iter().chain(more)).env("ANTHROPIC_API_KEY", "sk-not-for-the-demo");
    call.env("WORKER_TIMEOUT_CODER", "0.001").env("ANTHROPIC_BASE_URL", "http://127.0.0.1:1").run().await
}

/// O-1, O-10: the reviewer objects, the coder mends, the reviewer approves, the tests pass, the commit is there.
#[tokio::test]
async fn the_demo_plays_the_whole_story_and_leaves_a_real_commit() {
    let world = World::new();
    let ended = play(&world, &[]).await;
    assert_eq!(ended.code(), 0, "{}", ended.err);
    let told = [
        "only the model's words are scripted",
        "sandbox",
        "Review cycle 1/3: changes requested",
        "Review cycle 2/3: approved",
        "exit code 0",
        "✓ The work is done.",
        "What changed",
        "+++ b/lib/money.sh",
        "What the engine saw",
        "ran: sh tests/run.sh (exit code 0)",
        "commit: ",
        "Where everything lies",
        "record: ",
        "Try next",
        "git -C ",
        "ANTHROPIC_API_KEY=... better-llm-cli --cwd",
    ];
    let mut rest = ended.err.as_str();
    for words in told {
        let (_, after) =
            rest.split_once(words).unwrap_or_else(|| panic!("no {words:?} in its place:\n{}", ended.err));
        rest = after;
    }
    let commit = git(&world, &["log", "-1", "--format=%H %an"]);
    assert!(ended.err.contains(commit.split(' ').next().unwrap_or_default()), "it names the commit {commit}");
    assert_eq!(git(&world, &["log", "--format=%s"]), "Count amounts below zero as refunds\nTally amounts");
    assert_eq!(git(&world, &["status", "--porcelain"]), "");
    assert_eq!(
        git(&world, &["show", "--name-only", "--format=", "HEAD"]),
        "lib/money.sh\ntests/refund_test.sh"
    );
    let record = ended.err.lines().find_map(|line| line.trim().strip_prefix("record: ")).expect("a record");
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(record).expect("the record")).expect("JSON");
    assert_eq!(
        (&record["result"]["status"], &record["result"]["tests_passed"]),
        (&"completed".into(), &true.into())
    );
    assert!(!world.own().exists(), "the person's own folders stay untouched");
    assert_eq!(world.commits(), ["첫 커밋"]);
}

/// O-6: for programs the demo is a run like any other.
#[tokio::test]
async fn the_demo_speaks_json_and_korean() {
    let world = World::new();
    let said = play(&world, &["--output-format", "stream-json"]).await.said();
    assert_eq!(said.result().tests_passed, Some(true));
    assert_eq!(said.the("round_finished")["result"]["verified"], true);

    let world = World::new();
    let ended = play(&world, &["--lang", "ko"]).await;
    assert_eq!(ended.code(), 0);
    for words in
        ["데모: 모델의 말만", "Review 사이클 1/3: 변경 요청", "엔진이 확인한 것", "다음으로 해 볼 것"]
    {
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
}

/// O-16: Ctrl+C in the demo ends it like any round.
#[tokio::test]
async fn the_demo_can_be_interrupted() {
    let world = World::new();
    let mut program = world.call(["demo", "--output-format", "stream-json"]).start();
    program.until_type("run_started").await;
    program.signal(rustix::process::Signal::INT);
    let said = program.end().await.said();
    assert_eq!(said.ending().exit_code(), 130);
}
