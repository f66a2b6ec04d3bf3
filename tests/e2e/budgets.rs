//! O-14: what a round may take, in tokens and money, over all its runs. Every number is the engine's.

use domain::{
    message::Usage,
    outcome::{Ending, LimitReason},
};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Said, World,
    turns::{ask, coded, finish, planned, write},
};

/// Counted as 10,000 tokens of input and 2,000 of output.
fn counted(turn: Turn) -> Turn {
    turn.costing(Usage { input_tokens: 10_000, output_tokens: 2_000, ..Usage::default() })
}

/// A planner, then a coder who writes a file before it reports: six requests.
fn two_workers() -> Script {
    Script::new()
        .agent("manager", [ask("planner", "계획"), ask("coder", "구현"), finish("done")].map(counted))
        .agent("planner", [planned()].map(counted))
        .agent("coder", [write("새 파일", "1\n"), coded(&["새 파일"], &[])].map(counted))
}

/// A system configuration, as arguments.
fn config(world: &World, config: &Value) -> [String; 2] {
    let file = world.write_outside("system_config.json", &config.to_string());
    ["--config".to_owned(), file.display().to_string()]
}

async fn said(world: &World, server: &MockServer, more: &[&str]) -> Said {
    let said = world.task(server, more).await.run().await.said();
    server.assert_nothing_refused();
    said.check_kept(world).await;
    said
}

/// The `max_tokens` of every request that reached the server, in order.
fn asked_for(server: &MockServer) -> Vec<u64> {
    server.requests().iter().map(|request| request.body["max_tokens"].as_u64().expect("a number")).collect()
}

/// Agent, outcome and reason of every run, in the order they ended.
fn runs(said: &Said) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ended = said.of_type("run_finished");
    ended.iter().map(|run| (text(&run["agent"]), text(&run["outcome"]), text(&run["reason"]))).collect()
}

/// O-14: the second of two workers finds too little left in the middle of its run, and the whole round ends.
#[tokio::test]
async fn tokens_are_counted_over_all_workers_of_a_round() {
    let world = World::new();
    let server = MockServer::start(two_workers()).await;
    let said = said(&world, &server, &["--max-tokens", "58000"]).await;
    assert_eq!(said.ending(), Ending::Limit(LimitReason::Tokens));
    let reached = said.the("limit_reached");
    assert_eq!((&reached["limit"], &reached["value"]), (&json!("max_tokens"), &json!(58_000)));
    let limit = |agent: &str| (agent.to_owned(), "limit".to_owned(), "tokens".to_owned());
    let planner = ("planner".to_owned(), "done".to_owned(), String::new());
    assert_eq!(runs(&said), [planner, limit("coder"), limit("manager")]);
    let finished = said.the("round_finished");
    assert_eq!((&finished["exit_code"], &finished["usage"]["output_tokens"]), (&json!(7), &json!(8_000)));
    assert!(world.has("새 파일"), "what was done stays");

    // Each answer was asked for as long as what was left allowed, and the last one never.
    let asked = asked_for(&server);
    let [first, second, third, fourth] = asked[..] else { panic!("{asked:?}") };
    assert_eq!((first, second), (32_000, 32_000));
    assert!(third <= 58_000 - 24_000 - 10_000 && third > 20_000, "{asked:?}");
    assert!(fourth < 58_000 - 36_000 && (1_024..third).contains(&fourth), "{asked:?}");
}

/// O-14: within its limit a round is what it would be without one.
#[tokio::test]
async fn a_round_within_its_limits_does_its_work() {
    let world = World::new();
    let server = MockServer::start(two_workers()).await;
    let said = said(&world, &server, &["--max-tokens", "1000000", "--max-cost-usd", "5"]).await;
    assert_eq!(said.ending(), Ending::Done);
    assert_eq!(asked_for(&server), [32_000; 6]);
    // Six times 10,000 tokens at 2 dollars a million, and 2,000 at 10.
    assert_eq!(said.the("round_finished")["cost_usd"], json!(0.24));
    let cost = |run: &Value| (run["agent"].clone(), run["cost_usd"].clone());
    let costs: Vec<_> = said.of_type("run_finished").iter().map(cost).collect();
    assert_eq!(
        costs,
        [(json!("planner"), json!(0.04)), (json!("coder"), json!(0.08)), (json!("manager"), json!(0.12))]
    );
    let limits = &said.the("session_started")["limits"];
    assert_eq!((&limits["max_tokens"], &limits["max_cost_usd"]), (&json!(1_000_000), &json!(5.0)));
}

/// O-14: nothing is asked of the server for an answer below 1,024 tokens; the message names the limit and what raises
/// it.
#[tokio::test]
async fn a_limit_below_one_answer_sends_nothing_and_says_what_to_do() {
    for (lang, words) in [
        (
            "en",
            ["limit reached: max_tokens = 1000", "The tokens that are left are too few", "Raise the limit"],
        ),
        (
            "ko",
            [
                "한도 도달: max_tokens = 1000",
                "남은 토큰으로는 다음 요청을 보낼 수 없습니다",
                "한도를 늘리거나",
            ],
        ),
    ] {
        let world = World::new();
        let server = MockServer::start(two_workers()).await;
        let ended = world.call(["--lang", lang, "--max-tokens", "1000", "x"]).against(&server).run().await;
        assert_eq!((ended.code(), server.requests().len()), (7, 0), "{}", ended.err);
        for words in words.iter().chain(&["--max-tokens"]) {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
        assert_eq!(ended.out, "", "what the engine says of an end is no answer");
    }
}

/// O-15: where the last line is all that is read, it names the limit and what raises it.
#[tokio::test]
async fn the_only_line_of_a_round_at_its_limit_says_what_to_do() {
    let world = World::new();
    let server = MockServer::start(two_workers()).await;
    let flags = ["--output-format", "json", "--max-tokens", "1000", "x"];
    let line = world.call(flags).against(&server).run().await.line();
    let summary = line["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("max_tokens is 1000") && summary.contains("`--max-tokens`"), "{line}");
}

/// O-14: a limit of costs is kept by the person's own prices, and said in both languages.
#[tokio::test]
async fn money_is_a_limit_by_the_persons_own_prices() {
    for (lang, words) in [
        ("en", "The money that is left is too little"),
        ("ko", "남은 비용으로는 다음 요청을 보낼 수 없습니다"),
    ] {
        let world = World::new();
        let prices =
            json!({ "prices": { "claude-sonnet-5-5": { "input": 20, "output": 100, "cache_write": 20 } } });
        let config = config(&world, &prices);
        let server = MockServer::start(two_workers()).await;
        let arguments = ["--lang", lang, "--max-cost-usd", "1.0", &config[0], &config[1], "x"];
        let ended = world.call(arguments).within_walls(&world).await.against(&server).run().await;
        // An answer costs 0.40 dollars: two, and no third one.
        assert_eq!((ended.code(), server.requests().len()), (7, 2), "{}", ended.err);
        for words in [words, "max_cost_usd = 1", "--max-cost-usd"] {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
        let asked = asked_for(&server);
        assert!(
            asked.iter().all(|tokens| (1_024..10_000).contains(tokens)) && asked[1] < asked[0],
            "{asked:?}"
        );
        let events = world.journaled().await;
        let last = serde_json::to_value(events.last().expect("an end")).expect("JSON");
        assert_eq!((&last["reason"], &last["cost_usd"]), (&json!("cost"), &json!(0.8)));
    }
}

/// O-14, law 9: a limit of costs that cannot be kept is said before anything is sent.
#[tokio::test]
async fn a_limit_of_costs_needs_a_price_for_every_model() {
    for (lang, words) in [
        ("en", "there is none for `my-model` (coder)"),
        ("ko", "가격을 모르는 모델이 있습니다: `my-model` (coder)"),
    ] {
        let world = World::new();
        let server = MockServer::start(two_workers()).await;
        let arguments = ["--lang", lang, "--model", "coder=my-model", "--max-cost-usd", "1", "x"];
        let ended = world.call(arguments).against(&server).run().await;
        assert_eq!((ended.code(), server.all_requests().len()), (3, 0), "{}", ended.err);
        for words in [words, "`prices`", r#"{"prices":{"my-model":"#, "--max-cost-usd"] {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
    }
    let world = World::new();
    let server = MockServer::start(two_workers()).await;
    let arguments = ["--output-format", "json", "--model", "coder=my-model", "--max-cost-usd", "1", "x"];
    let ended = world.call(arguments).against(&server).run().await;
    let line: Value = serde_json::from_str(&ended.out).expect("one line of JSON");
    assert_eq!((&line["code"], &line["exit_code"]), (&json!("unpriced_model"), &json!(3)));
}

/// Contract 3 and 9: any model can be given a price, a scripted one, too; the configuration's limit counts, and a flag
/// stands above it.
#[tokio::test]
async fn limits_come_from_the_configuration_and_flags_stand_above_it() {
    let world = World::new();
    let answer = json!({
        "tool_calls": [{ "name": "finish", "input": { "summary": "끝", "status": "done" } }],
        "usage": { "input_tokens": 1_000, "output_tokens": 500 },
    });
    let script =
        world.write_outside("script.json", &json!({ "v": 1, "agents": { "manager": [answer] } }).to_string());
    let provider = format!("script:{}", script.display());
    let config = config(
        &world,
        &json!({
            "workflow_limits": { "max_cost_usd": 0.001 },
            "prices": { "script": { "input": 1, "output": 10 } },
        }),
    );
    let arguments = ["--output-format", "stream-json", "--provider", &provider, &config[0], &config[1]];
    let said = world.call(arguments).args(["x"]).run().await.said();
    assert_eq!(said.ending(), Ending::Limit(LimitReason::Cost));
    let reached = said.the("limit_reached");
    assert_eq!((&reached["limit"], &reached["value"]), (&json!("max_cost_usd"), &json!(0.001)));

    let world_said = world.call(arguments).args(["--max-cost-usd", "2", "x"]).run().await.said();
    assert_eq!(world_said.ending(), Ending::Done);
    assert_eq!(world_said.the("round_finished")["cost_usd"], json!(0.006));

    let shown =
        world.call(["config", "show", "--json", "--max-tokens", "9", &config[0], &config[1]]).run().await;
    let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
    let value = |key: &str| &shown[key]["value"];
    assert_eq!(value("workflow_limits.max_tokens"), &json!(9));
    assert_eq!(shown["workflow_limits.max_tokens"]["source"], "--max-tokens");
    assert_eq!(value("workflow_limits.max_cost_usd"), &json!(0.001));
    assert_eq!(value("prices"), &json!({ "script": { "input": 1.0, "output": 10.0 } }));
}

/// O-15: also where a worker's turns are used up, people read which limit it was and what raises it.
#[tokio::test]
async fn a_workers_used_up_turns_are_said_with_what_raises_them() {
    for (lang, words) in [("en", "turns of one worker's run"), ("ko", "한 워커의 턴 수")] {
        let world = World::new();
        let config = config(&world, &json!({ "workflow_limits": { "max_worker_turns": 1 } }));
        let script = Script::new()
            .agent("manager", [ask("planner", "x"), finish("partial")])
            .agent("planner", [Turn::call("glob", json!({ "pattern": "*" }))]);
        let server = MockServer::start(script).await;
        let ended = world.call(["--lang", lang, &config[0], &config[1], "x"]).against(&server).run().await;
        assert_eq!(ended.code(), 13, "{}", ended.err);
        for words in ["max_worker_turns = 1", words, "`workflow_limits.max_worker_turns`"] {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
    }
}
