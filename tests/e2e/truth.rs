//! What agents claim is held against what was seen; the round's end and exit code follow what was seen.

use domain::outcome::{Ending, FailReason};
use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Said, World, check_end,
    turns::{ask, bash, coded, finish, one_worker, tested, write},
};

const RED: Ending = Ending::Failed(FailReason::Verification);

async fn said(world: &World, script: Script, more: &[&str]) -> Said {
    let server = MockServer::start(script).await;
    let said = world.task(&server, more).await.run().await.said();
    server.assert_nothing_refused();
    said.check_kept(world).await;
    said
}

fn refuted(said: &Said, agent: &str) -> Vec<String> {
    said.reports_of(agent).into_iter().flat_map(|(_, refuted, _)| refuted).collect()
}

/// A coder who breaks the program, and a tester.
pub(crate) fn broken_then(tester: impl IntoIterator<Item = Turn>) -> Script {
    Script::new()
        .agent("manager", [ask("coder", "x"), ask("tester", "x"), finish("done")])
        .agent("coder", [write("합계.sh", "exit 1\n"), coded(&["합계.sh"], &[])])
        .agent("tester", tester)
}

/// O-1: red tests that are called green are caught, whoever says so.
#[tokio::test]
async fn a_tester_that_lies_is_caught() {
    let world = World::new();
    let script = broken_then([bash(World::TEST_COMMAND), tested(true, &[World::TEST_COMMAND])]);
    let said = said(&world, script, &[]).await;
    check_end(&said, RED, Some(false), false);
    assert_eq!(refuted(&said, "tester"), ["passed: a named command failed"]);
    let (evidence, ..) = &said.reports_of("tester")[0];
    assert_eq!(
        serde_json::to_value(&evidence.commands).expect("JSON"),
        json!([{"command": World::TEST_COMMAND, "exit_code": 1}])
    );
}

#[tokio::test]
async fn a_command_that_never_ran_is_no_test() {
    let world = World::new();
    let said = said(&world, broken_then([tested(true, &["make test"])]), &[]).await;
    check_end(&said, RED, None, false);
    assert_eq!(refuted(&said, "tester"), ["commands: `make test` was not run"]);
}

/// The manager reads what was refuted, beside the report.
#[tokio::test]
async fn the_manager_reads_what_is_not_so() {
    let world = World::new();
    let script = Script::new()
        .agent(
            "manager",
            [
                ask("coder", "x"),
                finish("partial").expecting_tool_result("does not differ from the round's start"),
            ],
        )
        .agent("coder", [coded(&["없는 파일.sh"], &["make"])]);
    let said = said(&world, script, &[]).await;
    assert_eq!(
        refuted(&said, "coder"),
        [
            "files_changed: `없는 파일.sh` does not differ from the round's start",
            "commands_run: `make` was not run"
        ]
    );
}

/// Contract 2: a run of the tests says nothing about files that were edited after it.
#[tokio::test]
async fn tests_before_the_last_edit_say_nothing() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [ask("tester", "x"), ask("coder", "x"), finish("done")])
        .agent("tester", [bash(World::TEST_COMMAND), tested(true, &[World::TEST_COMMAND])])
        .agent("coder", [write("새 것.sh", "echo\n"), coded(&["새 것.sh"], &[])]);
    let said = said(&world, script, &[]).await;
    check_end(&said, Ending::Done, None, true);
}

/// Contract 2: nor does one before a command that changed files.
#[tokio::test]
async fn tests_before_a_command_that_changes_files_say_nothing() {
    let world = World::new();
    let turns =
        [bash(World::TEST_COMMAND), bash("echo '# 끝' >> 합계.sh"), tested(true, &[World::TEST_COMMAND])];
    let said = said(&world, one_worker("tester", turns), &[]).await;
    check_end(&said, Ending::Done, None, false);
    let (_, refuted, unverified) = &said.reports_of("tester")[0];
    assert_eq!(refuted, &Vec::<String>::new());
    assert_eq!(unverified, &["passed: no run of the named commands counts for the files as they are"]);
}

/// O-6: `--verify` decides alone, after the manager is done.
#[tokio::test]
async fn the_engines_own_check_decides() {
    let world = World::new();
    let more = ["--verify", World::TEST_COMMAND, "--verify", "test -e 새"];
    let coder = || [write("새", "1\n"), coded(&["새"], &[])];
    let green = said(&world, one_worker("coder", coder()), &more).await;
    check_end(&green, Ending::Done, Some(true), true);
    let checks = green.of_type("tool_started");
    let checks: Vec<_> =
        checks.iter().filter(|call| call["tool"] == "verify").map(|call| &call["input"]["command"]).collect();
    assert_eq!(checks, [World::TEST_COMMAND, "test -e 새"]);

    let world = World::new();
    let script = broken_then([bash("true"), tested(true, &["true"])]);
    let red = said(&world, script, &more[..2]).await;
    check_end(&red, RED, Some(false), true);
}

/// O-10: the commit that a committer reports has to be the engine's.
#[tokio::test]
async fn a_commit_that_nobody_made_is_refuted() {
    let world = World::new();
    let id = "0123456789abcdef0123456789abcdef01234567";
    let report = Turn::call("report", json!({ "summary": "커밋", "commit": id }));
    let said = said(&world, one_worker("committer", [report]), &[]).await;
    check_end(&said, RED, None, false);
    assert_eq!(refuted(&said, "committer"), [format!("commit: the engine made no commit `{id}`")]);
    assert_eq!(world.commits(), ["첫 커밋"]);
}

/// O-6: people see loudly what is not so.
#[tokio::test]
async fn people_are_told_what_is_not_true() {
    let world = World::new();
    let script = broken_then([bash(World::TEST_COMMAND), tested(true, &[World::TEST_COMMAND])]);
    let server = MockServer::start(script).await;
    let ended = world.call(["x", "--lang", "ko"]).within_walls(&world).await.against(&server).run().await;
    assert_eq!(ended.code(), 11);
    for words in ["사실이 아님: passed: ", "최종 상태에서 테스트 실패", "요약을 믿지 말고"]
    {
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
}
