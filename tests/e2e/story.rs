//! The whole story on a repository that nobody has seen before: what was done, said, kept, and asked of the server.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use domain::{agent::AgentName, outcome::Ending};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World, check_end,
    turns::{approved, ask, bash, coded, committed, finish, planned, results, tested, write},
};

const REFUND_TEST: &str = "printf '5\\n-2\\n' > 시험/금액.txt\n[ \"$(sh 합계.sh 시험/금액.txt)\" = '환불 포함 합계: 3' ] || exit 1\nrm 시험/금액.txt\n";

/// Planner, coder, reviewer, tester, committer; all of them honest.
pub(crate) fn honest() -> Script {
    let edit =
        |old: &str, new: &str, path: &str| json!({ "path": path, "old_string": old, "new_string": new });
    Script::new()
        .agent(
            "manager",
            [
                Turn::text("먼저 계획을 세우겠습니다.").and_call(
                    "execute_planner_task",
                    json!({ "task_description": "계획", "context": "셸", "done_when": ["단계가 있다"] }),
                ),
                ask("coder", "환불").expecting_tool_result("음수를 더한다"),
                ask("reviewer", "검토").expecting_tool_result("합계.sh"),
                ask("tester", "시험").expecting_tool_result("approve"),
                ask("committer", "커밋").expecting_tool_result(World::TEST_COMMAND),
                finish("done").expecting_tool_result("커밋했습니다"),
            ],
        )
        .agent(
            "planner",
            [Turn::call("read", json!({ "path": "합계.sh" })), planned().expecting_tool_result("합계")],
        )
        .agent(
            "coder",
            [
                Turn::thinking("이름을 바꾸자.").and_call("read", json!({ "path": "합계.sh" })),
                Turn::call("edit", edit("합계: $total", "환불 포함 합계: $total", "합계.sh"))
                    .and_call("edit", edit("'합계: 7'", "'환불 포함 합계: 7'", "시험/합계_시험.sh")),
                write("시험/환불_시험.sh", REFUND_TEST),
                bash(World::TEST_COMMAND),
                coded(&["합계.sh", "시험/합계_시험.sh", "시험/환불_시험.sh"], &[World::TEST_COMMAND]),
            ],
        )
        .agent(
            "reviewer",
            [Turn::call("diff", json!({ "base": "round" })), approved().expecting_tool_result("환불")],
        )
        .agent("tester", [bash(World::TEST_COMMAND), tested(true, &[World::TEST_COMMAND])])
        .agent(
            "committer",
            [
                Turn::call("commit", json!({ "message": "환불을 더한다" })),
                committed().expecting_tool_result("committed"),
            ],
        )
}

/// A repository with hooks that would be seen, and a file that the person is at work on.
pub(crate) fn busy_world() -> World {
    let world = World::new();
    for hook in ["pre-commit", "commit-msg", "prepare-commit-msg", "post-commit"] {
        let file = world.repository.join(".git/hooks").join(hook);
        fs::write(&file, "#!/bin/sh\ntouch hook-ran\nexit 1\n").expect("a hook");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("an executable hook");
    }
    world.write("README.md", "# 가계부\n\n쓰는 중\n");
    world
}

const CHANGED: [&str; 3] = ["시험/합계_시험.sh", "시험/환불_시험.sh", "합계.sh"];

/// O-1, O-10, O-16: the manager's workers change files, run tests, and the engine commits; everything that happened
/// is told, journaled and recorded.
#[tokio::test]
async fn a_team_changes_tests_and_commits_a_repository_it_has_never_seen() {
    let world = busy_world();
    let server = MockServer::start(honest()).await;
    let ended = world.task(&server, &[]).await.run().await;
    let said = ended.said();

    check_end(&said, Ending::Done, Some(true), true);
    assert_eq!(said.result().files_changed, CHANGED);
    assert_eq!(world.commits(), ["환불을 더한다", "첫 커밋"]);
    assert_eq!(
        world.git(&["show", "--format=%an <%ae> %cn", "--name-only", "HEAD"]),
        "김하나 <hana@example.org> 김하나\n\n".to_owned() + &CHANGED.join("\n")
    );
    assert_eq!(world.git(&["status", "--porcelain"]), " M README.md", "the person's own change stays theirs");
    assert!(!world.has("hook-ran"));
    assert!(world.read("합계.sh").contains("환불 포함 합계: $total"));

    said.check_kept(&world).await;
    let end = said.the("round_finished");
    assert_eq!((&end["summary"], &end["total_turns"]), (&json!("환불을 더했습니다."), &json!(19)));
    let team = ["planner", "coder", "reviewer", "tester", "committer"];
    assert_eq!(end["agents_used"], json!(team));
    assert_eq!(
        end["usage"],
        json!({"input_tokens": 1900, "output_tokens": 380, "cache_read_tokens": 0, "cache_write_tokens": 0})
    );
    for agent in team {
        let reports = said.reports_of(agent);
        let [(_, refuted, unverified)] = &reports[..] else { panic!("{agent}: {reports:?}") };
        assert!(refuted.is_empty() && unverified.is_empty(), "{agent}: {refuted:?} {unverified:?}");
    }
    assert!(said.deltas.is_empty(), "deltas come with --partial only");
    assert_eq!(ended.err, "", "a program that reads JSON needs no text");
    server.assert_nothing_refused();
    assert_eq!(server.turns_left(), []);
}

/// O-1: every run is a leaf of the manager's.
#[tokio::test]
async fn every_line_of_a_worker_names_its_run_and_its_caller() {
    let world = World::new();
    let server = MockServer::start(honest()).await;
    let said = world.task(&server, &[]).await.run().await.said();
    let started = said.of_type("run_started");
    let manager = &started[0];
    assert_eq!((&manager["agent"], &manager["parent_run_id"]), (&json!("manager"), &Value::Null));
    for run in &started[1..] {
        assert_eq!(run["parent_run_id"], manager["run_id"], "{run}");
        assert_eq!((&run["model"], &run["backend"]), (&json!("claude-sonnet-5-5"), &json!("native")));
    }
    let names: Vec<&str> = started.iter().filter_map(|run| run["agent"].as_str()).collect();
    assert_eq!(names, ["manager", "planner", "coder", "reviewer", "tester", "committer"]);
    assert_eq!(said.of_type("run_finished").len(), 6);
    let session = said.the("session_started");
    assert_eq!(session["agents"].as_array().map(Vec::len), Some(6));
    assert_eq!(session["cwd"], json!(world.repository));
    let manager = AgentName::manager();
    assert!(said.events.iter().any(|event| event.scope.run.as_ref().is_some_and(|run| run.agent == manager)));
}

/// O-2: what each role is told and offered; what the provider may keep; one connection for all of it.
#[tokio::test]
async fn the_server_sees_each_roles_prompt_and_tools_and_marked_prefixes() {
    let world = World::new();
    let server = MockServer::start(honest()).await;
    world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();

    let own: BTreeMap<&str, &[&str]> = [
        (
            "manager",
            &[
                "execute_planner_task",
                "execute_coder_task",
                "execute_reviewer_task",
                "execute_tester_task",
                "execute_committer_task",
                "ask_user",
                "finish",
            ][..],
        ),
        ("planner", &["report"]),
        ("coder", &["write", "edit", "bash", "report"]),
        ("reviewer", &["report"]),
        ("tester", &["bash", "process", "report"]),
        ("committer", &["commit", "report"]),
    ]
    .into();
    for (agent, more) in own {
        let requests = server.requests_of(agent);
        let expected: Vec<&str> = ["read", "glob", "grep", "diff"].iter().chain(more).copied().collect();
        let prompt = fs::read_to_string(better_llm_tests::root().join(format!("prompts/{agent}.txt")))
            .expect("a prompt");
        for request in &requests {
            let tools: Vec<&str> = request.body["tools"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|tool| tool["name"].as_str())
                .collect();
            assert_eq!(tools, expected, "{agent}");
            let system = request.body["system"][0]["text"].as_str().unwrap_or_default();
            assert!(system.starts_with(prompt.trim_end()) && system.contains("가계부"), "{agent}: {system}");
            assert_eq!(request.body["system"][0]["cache_control"]["type"], "ephemeral");
            let marks = request.body.to_string().matches("\"cache_control\"").count();
            assert_eq!(
                marks,
                if request.body["messages"].as_array().map(Vec::len) == Some(1) { 2 } else { 3 }
            );
        }
        for pair in requests.windows(2) {
            assert_eq!(pair[0].body["system"], pair[1].body["system"], "{agent}: the prefix stays");
            assert_eq!(pair[0].body["tools"], pair[1].body["tools"], "{agent}: the prefix stays");
            let ids = |body: &Value| results(body).len();
            assert_eq!(
                ids(&pair[1].body) - ids(&pair[0].body),
                calls_of_last(&pair[1].body),
                "each call is answered"
            );
        }
    }
    let coder = server.requests_of("coder");
    let thought = coder[1].body["messages"][1]["content"][0].clone();
    assert_eq!((&thought["type"], &thought["thinking"]), (&json!("thinking"), &json!("이름을 바꾸자.")));
    // A worker's first request may go out before the connection of its caller is free again.
    assert!(server.accepted_connections() <= 2, "connections are used again");
    server.wait_for_connections(0).await;
}

/// Calls of the assistant's last message.
fn calls_of_last(body: &Value) -> usize {
    let messages = body["messages"].as_array().expect("messages");
    let last = messages.iter().rfind(|message| message["role"] == "assistant").expect("an answer");
    last["content"].as_array().into_iter().flatten().filter(|block| block["type"] == "tool_use").count()
}

/// O-6: `json` is exactly the last line of `stream-json`.
#[tokio::test]
async fn the_format_json_is_one_line() {
    let world = World::new();
    let server = MockServer::start(honest()).await;
    let ended = world
        .call(["--output-format", "json", "환불"])
        .within_walls(&world)
        .await
        .against(&server)
        .run()
        .await;
    let line = ended.line();
    assert_eq!((&line["type"], &line["exit_code"], ended.code()), (&json!("round_finished"), &json!(0), 0));
    assert_eq!(line["result"]["tests_passed"], json!(true));
    assert_eq!(ended.err, "");
}

/// O-4, O-6: for people, the answer alone stands on standard output; what the agents do is told on standard error.
#[tokio::test]
async fn text_gives_the_answer_alone_on_standard_output() {
    let world = World::new();
    let server = MockServer::start(honest()).await;
    let ended = world.call(["환불"]).within_walls(&world).await.against(&server).run().await;
    assert_eq!((ended.code(), ended.out.as_str()), (0, "환불을 더했습니다.\n"));
    let told = [
        "먼저 계획을 세우겠습니다.",
        "→ coder: 환불",
        "│ 이름을 바꾸자.",
        "│ · edit 합계.sh",
        "│ · bash $ sh 시험/run.sh",
        "exit code 0",
        "Review cycle 1/3: approved",
        "│ · commit 환불을 더한다",
        "✓ The work is done.",
        "changed: 시험/합계_시험.sh, 시험/환불_시험.sh, 합계.sh",
        "tests passed in the final state",
        "every claim was checked and holds",
    ];
    let mut rest = ended.err.as_str();
    for words in told {
        let (_, after) =
            rest.split_once(words).unwrap_or_else(|| panic!("no {words:?} in its place:\n{}", ended.err));
        rest = after;
    }
    assert!(!ended.err.contains('\u{1b}'), "no colours without a terminal");
}

/// O-6: a question is answered, nothing is changed, the exit code is 0.
#[tokio::test]
async fn an_answer_before_any_work_ends_the_round_as_answered() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [Turn::call("read", json!({ "path": "합계.sh" })), Turn::text("합계를 냅니다.")]);
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.run().await.said();
    check_end(&said, Ending::Answered, None, true);
    said.check_kept(&world).await;
    assert_eq!(said.the("round_finished")["summary"], "합계를 냅니다.");
}
