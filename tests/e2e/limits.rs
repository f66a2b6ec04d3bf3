//! O-15: nothing goes on for ever. Every count is the engine's; what a model says changes none.

use domain::outcome::{Ending, FailReason, LimitReason, NeedReason, PartialReason};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Said, World, check_end,
    turns::{ask, bash, coded, finish, objected, one_worker, tested, write},
};

async fn said(world: &World, script: Script, more: &[&str]) -> Said {
    let server = MockServer::start(script).await;
    let said = world.task(&server, more).await.run().await.said();
    server.assert_nothing_refused();
    said.check_kept(world).await;
    said
}

/// A configuration with these limits, as arguments.
fn limits(world: &World, limits: Value) -> [String; 2] {
    let text = json!({ "workflow_limits": limits }).to_string();
    let file = world.write_outside("system_config.json", &text);
    ["--config".to_owned(), file.display().to_string()]
}

/// Reviewer and coder for ever; the reviewer never approves.
fn endless_reviews() -> Script {
    let manager = (0..6).flat_map(|_| [ask("reviewer", "x"), ask("coder", "x")]);
    Script::new()
        .agent("manager", manager)
        .agent("reviewer", [objected("음수가 빠졌다")])
        .agent("coder", [coded(&[], &[])])
        .repeating_last()
}

/// O-15: three reviews, a question, and never a fourth.
#[tokio::test]
async fn a_reviewer_that_never_approves_is_stopped_after_three_cycles() {
    let world = World::new();
    let server = MockServer::start(endless_reviews()).await;
    let said = world.task(&server, &[]).await.run().await.said();
    check_end(&said, Ending::NeedsPerson(NeedReason::ReviewLimit), None, true);
    let cycles: Vec<_> = said
        .of_type("review_cycle")
        .iter()
        .map(|cycle| (cycle["cycle"].clone(), cycle["limit"].clone()))
        .collect();
    assert_eq!(cycles, [1, 2, 3].map(|cycle| (json!(cycle), json!(3))));
    let question = said.the("question");
    assert_eq!(question["options"].as_array().map(Vec::len), Some(4));
    assert!(question["text"].as_str().is_some_and(|text| text.contains("음수가 빠졌다")), "{question}");
    assert_eq!(server.requests_of("reviewer").len(), 3);
    assert_eq!(said.the("limit_reached")["limit"], "max_review_iterations");
    said.check_kept(&world).await;
}

/// O-15: the words of the document, in both languages.
#[tokio::test]
async fn people_see_which_review_cycle_it_is() {
    for (lang, words) in [("en", "Review cycle"), ("ko", "Review 사이클")] {
        let world = World::new();
        let server = MockServer::start(endless_reviews()).await;
        let ended = world.call(["--lang", lang, "x"]).against(&server).run().await;
        let cycles: Vec<&str> =
            ended.err.lines().filter_map(|line| line.strip_prefix(words)).map(|rest| &rest[..4]).collect();
        assert_eq!((ended.code(), cycles), (10, vec![" 1/3", " 2/3", " 3/3"]), "{}", ended.err);
    }
}

/// O-15: `max_review_iterations` has an effect.
#[tokio::test]
async fn the_limit_of_reviews_can_be_set() {
    let world = World::new();
    let config = limits(&world, json!({ "max_review_iterations": 1 }));
    let said = said(&world, endless_reviews(), &[&config[0], &config[1]]).await;
    assert_eq!(said.ending(), Ending::NeedsPerson(NeedReason::ReviewLimit));
    assert_eq!(said.of_type("review_cycle").len(), 1);
}

/// O-15: tests that fail again after a fix; the coder is not called once more.
#[tokio::test]
async fn fixes_that_do_not_help_come_to_an_end() {
    let world = World::new();
    let config = limits(&world, json!({ "max_retry_cycles": 1 }));
    let script = Script::new()
        .agent(
            "manager",
            [
                ask("tester", "x"),
                ask("coder", "x"),
                ask("tester", "x"),
                ask("coder", "x"),
                finish("failed").expecting_tool_result("max_retry_cycles is 1"),
            ],
        )
        .agent("tester", [bash("false"), tested(false, &["false"]), bash("false"), tested(false, &["false"])])
        .agent("coder", [coded(&[], &[])]);
    let said = said(&world, script, &[&config[0], &config[1]]).await;
    check_end(&said, Ending::Failed(FailReason::ManagerFailed), Some(false), true);
    assert_eq!(said.the("limit_reached")["limit"], "max_retry_cycles");
    assert_eq!(said.reports_of("coder").len(), 1);
}

/// O-15: a coder that fails three times in a row is not called a fourth time.
#[tokio::test]
async fn a_coder_that_keeps_failing_is_not_called_again() {
    let world = World::new();
    let manager = (0..4).map(|_| ask("coder", "x"));
    let last = finish("failed").expecting_tool_result("the coder failed 3 times in a row");
    let script = Script::new()
        .agent("manager", manager.chain([last]))
        .agent("coder", [Turn::text("다 했습니다.")])
        .repeating_last();
    let said = said(&world, script, &[]).await;
    assert_eq!(said.ending(), Ending::Failed(FailReason::ManagerFailed));
    let coders = said.of_type("run_finished").into_iter().filter(|run| run["agent"] == "coder");
    let reasons: Vec<Value> = coders.map(|run| run["reason"].clone()).collect();
    assert_eq!(reasons, [json!("malformed_report"), json!("malformed_report"), json!("malformed_report")]);
}

/// O-15.
#[tokio::test]
async fn the_managers_turns_are_counted() {
    let world = World::new();
    let script =
        Script::new().agent("manager", [Turn::call("glob", json!({ "pattern": "*" }))]).repeating_last();
    let said = said(&world, script, &["--max-turns", "3"]).await;
    assert_eq!(said.ending(), Ending::Limit(LimitReason::Turns));
    assert_eq!(said.the("round_finished")["total_turns"], 3);
}

/// O-15: a worker's turns; the manager is told and goes on.
#[tokio::test]
async fn a_workers_turns_are_counted() {
    let world = World::new();
    let config = limits(&world, json!({ "max_worker_turns": 2 }));
    let look = || Turn::call("glob", json!({ "pattern": "*" }));
    let script = Script::new()
        .agent(
            "manager",
            [ask("planner", "x"), finish("partial").expecting_tool_result("used up its 2 turns")],
        )
        .agent("planner", [look(), look()]);
    let said = said(&world, script, &[&config[0], &config[1]]).await;
    assert_eq!(said.ending(), Ending::Partial(PartialReason::ManagerPartial));
}

/// O-16: `--timeout` ends the whole round.
#[tokio::test]
async fn a_round_ends_at_its_deadline() {
    let world = World::new();
    let server = MockServer::start(Script::new().agent("manager", [Turn::silence()])).await;
    let said = world.task(&server, &["--timeout", "0.3"]).await.run().await.said();
    assert_eq!(said.ending(), Ending::Limit(LimitReason::Time));
    assert_eq!(said.the("limit_reached")["limit"], "timeout_seconds");
    said.check_kept(&world).await;
}

/// O-14: the worker and its processes are stopped, the person and the manager are told.
#[tokio::test]
async fn a_worker_past_its_deadline_is_stopped_with_all_it_started() {
    let world = World::new();
    let marker = crate::support::Marker::new();
    let script = Script::new()
        .agent(
            "manager",
            [ask("coder", "x"), finish("partial").expecting_tool_result("\"status\":\"timeout\"")],
        )
        .agent("coder", [write("남는 것", "1\n"), bash(&marker.endless_command())]);
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.env("WORKER_TIMEOUT_CODER", "1").run().await.said();
    marker.check_gone();
    server.assert_nothing_refused();
    check_end(&said, Ending::Partial(PartialReason::ManagerPartial), None, true);
    assert_eq!(said.result().files_changed, ["남는 것"]);
    let told = said.of_type("notice");
    let notice = told.iter().find(|notice| notice["code"] == "worker_timeout").expect("a notice");
    assert_eq!(notice["text"], "coder was stopped after 1 s");
    let coder = said.of_type("run_finished").into_iter().find(|run| run["agent"] == "coder").expect("an end");
    assert_eq!((&coder["outcome"], &coder["reason"]), (&json!("limit"), &json!("time")));
    said.check_kept(&world).await;
}

/// O-15: a conversation that was cut is one that the strict server takes.
#[tokio::test]
async fn a_long_conversation_is_cut_and_stays_whole() {
    let world = World::new();
    let config = limits(&world, json!({ "max_messages": 8 }));
    let look = |n: usize| {
        Turn::thinking(&format!("생각 {n}"))
            .and_call("glob", json!({ "pattern": "*" }))
            .and_call("read", json!({ "path": "합계.sh", "offset": n }))
    };
    let looks = (1..=12).map(look).chain([Turn::call("report", json!({"summary": "한 단계", "steps": []}))]);
    let script = one_worker("planner", looks);
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[&config[0], &config[1]]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(said.ending(), Ending::Done);
    assert!(said.of_type("context_cut").len() >= 2);
    let lengths: Vec<usize> = server
        .requests_of("planner")
        .iter()
        .filter_map(|request| request.body["messages"].as_array().map(Vec::len))
        .collect();
    assert!(lengths.iter().all(|length| *length <= 8), "{lengths:?}");
    let last = server.requests_of("planner").pop().expect("a request");
    let brief = last.body["messages"][0].to_string();
    assert!(brief.contains("해 줘") && brief.contains("older messages were dropped"), "{brief}");
}

/// O-15, law 3: announcing is not doing; the manager is asked once, a second time ends the round as partial.
#[tokio::test]
async fn prose_after_work_is_asked_about_once() {
    let world = World::new();
    let script = Script::new()
        .agent(
            "manager",
            [
                ask("coder", "x"),
                Turn::text("Now I'll start the tester."),
                ask("tester", "x").expecting_last_user("You called no tool"),
                finish("done"),
            ],
        )
        .agent("coder", [write("새", "1\n"), coded(&["새"], &[])])
        .agent("tester", [bash("test -e 새"), tested(true, &["test -e 새"])]);
    let first = said(&world, script, &[]).await;
    check_end(&first, Ending::Done, Some(true), true);

    let world = World::new();
    let script = Script::new()
        .agent("manager", [ask("coder", "x"), Turn::text("Now I'll start the tester."), Turn::text("Done.")])
        .agent("coder", [write("새", "1\n"), coded(&["새"], &[])]);
    let second = said(&world, script, &[]).await;
    check_end(&second, Ending::Partial(PartialReason::EndedInProse), None, true);
    assert_eq!(second.the("round_finished")["summary"], "Done.");
}

/// Contract 4, P27: input that does not parse is a tool error; three in a row end the run.
#[tokio::test]
async fn input_that_never_fits_ends_the_round() {
    let world = World::new();
    let turns = (0..3).map(|_| Turn::default().and_raw_call("finish", "{\"status\": "));
    let said = said(&world, Script::new().agent("manager", turns), &[]).await;
    assert_eq!(said.ending(), Ending::Failed(FailReason::MalformedReport));
}

/// A question with nobody to ask ends the round at once.
#[tokio::test]
async fn a_question_to_nobody_ends_the_round() {
    let world = World::new();
    let question = Turn::call("ask_user", json!({ "question": "지울까요?", "options": ["예", "아니요"] }));
    let said = said(&world, Script::new().agent("manager", [question]), &[]).await;
    assert_eq!(said.ending(), Ending::NeedsPerson(NeedReason::Question));
    assert_eq!(said.the("question")["options"], json!(["예", "아니요"]));
}
