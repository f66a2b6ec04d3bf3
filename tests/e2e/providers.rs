//! Providers: which one answers whom, mixed in one team, and who stands in where one is out (O-3, O-8).

use domain::outcome::{Ending, FailReason};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn, mock_server::Settings};

use crate::support::{
    Call, Ended, Said, World,
    turns::{ask, bash, coded, finish, tested, write},
};

/// A configuration file beside the repository, as an argument.
fn config(world: &World, name: &str, content: &Value) -> String {
    world.write_outside(name, &content.to_string()).display().to_string()
}

/// A task told as stream-json. Nothing says where models are.
async fn task(world: &World, more: &[&str]) -> Call {
    let arguments = ["--output-format", "stream-json"].iter().chain(more).chain(&["합계에 환불을 더해 줘"]);
    world.call(arguments).within_walls(world).await
}

/// The names of the models that answered an agent, each once, in order.
fn answered(said: &Said, agent: &str) -> Vec<String> {
    let messages = said.of_type("message");
    let own = messages.iter().filter(|message| message["agent"] == agent && message["role"] == "assistant");
    let mut names: Vec<String> =
        own.filter_map(|message| Some(message["model"].as_str()?.to_owned())).collect();
    names.dedup();
    names
}

fn paths(server: &MockServer) -> Vec<String> {
    let mut paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    paths.dedup();
    paths
}

/// O-3: a server of one's own, found by its address alone, is asked which models it has.
#[tokio::test]
async fn a_server_of_ones_own_works_without_a_key_and_without_a_model() {
    let world = World::new();
    for with_version in ["", "/v1", "/v1/"] {
        let script = Script::new().agent("manager", [Turn::text("일곱입니다")]);
        let settings = Settings::default().without_key().with_models(&["qwen3-내-것"]);
        let server = settings.start(script).await.expect("a server");
        let url = format!("{}{with_version}", server.url());
        let ended = task(&world, &["--partial"]).await.env("OPENAI_BASE_URL", &url).run().await;
        let said = ended.said();
        assert_eq!(said.ending(), Ending::Answered, "{}", ended.err);
        assert_eq!(said.the("session_started")["provider"], "openai");
        assert_eq!(said.the("run_started")["model"], "qwen3-내-것");
        assert_eq!(paths(&server), ["/v1/chat/completions"]);
        let request = server.requests().remove(0);
        assert_eq!(
            (request.body["model"].as_str(), request.header("authorization")),
            (Some("qwen3-내-것"), None)
        );
    }
}

/// O-14: what nobody has named has a price by the name that the server gives it.
#[tokio::test]
async fn a_model_that_the_server_named_is_kept_within_a_limit_of_costs() {
    let world = World::new();
    let script = Script::new().agent("manager", [Turn::text("일곱입니다")]);
    let settings = Settings::default().without_key().with_models(&["qwen3"]);
    let server = settings.start(script).await.expect("a server");
    let priced = |model: &str| {
        let prices = json!({"prices": {model: {"input": 1, "output": 2}}});
        config(&world, &format!("{model}.json"), &prices)
    };
    let run = async |config: String| {
        let call = task(&world, &["--config", &config, "--max-cost-usd", "1"]).await;
        call.env("OPENAI_BASE_URL", server.url()).run().await
    };
    let unpriced = run(priced("another")).await;
    assert_eq!((unpriced.code(), server.requests().len()), (3, 0));
    assert!(unpriced.out.contains("`qwen3` (manager"), "{}", unpriced.out);
    let said = run(priced("qwen3")).await.said();
    assert_eq!(said.ending(), Ending::Answered);
    assert!(said.the("round_finished")["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0));
}

/// O-8, contract 2: exit 4 with the ways out; the vendor answers nobody without a key.
#[tokio::test]
async fn without_a_key_the_vendors_own_endpoint_is_no_way() {
    let world = World::new();
    for variables in [&[][..], &[("OPENAI_BASE_URL", "https://api.openai.com/v1")]] {
        let call = world.call(["--provider", "openai", "합계"]);
        let call = variables.iter().fold(call, |call, (name, value)| call.env(name, value));
        let ended = call.run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (4, ""));
        for way in ["OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "script:FILE", "demo"] {
            assert!(ended.err.contains(way), "{way}: {}", ended.err);
        }
    }
}

/// O-3: a strong planner of one vendor, a local tester: one team, each over its own wire.
#[tokio::test]
async fn a_team_is_mixed_of_providers_and_each_agent_speaks_to_its_own() {
    let world = World::new();
    let cloud = Script::new()
        .agent("manager", [ask("coder", "짜 줘"), ask("tester", "시험해 줘"), finish("done")])
        .agent("coder", [write("b.txt", "2"), coded(&["b.txt"], &[])]);
    let local =
        Script::new().agent("tester", [bash(World::TEST_COMMAND), tested(true, &[World::TEST_COMMAND])]);
    let cloud = MockServer::start(cloud).await;
    let local = Settings::default().without_key().start(local).await.expect("a server");
    let team = json!({"agents": [
        {"name": "coder", "role": "r", "tools": ["read", "write"]},
        {"name": "tester", "role": "r", "tools": ["read", "bash"], "provider": "openai", "model": "qwen3:8b"},
    ]});
    let team = config(&world, "agent_config.json", &team);
    let call = task(&world, &["--config", &team]).await.against(&cloud);
    let ended = call.env("OPENAI_BASE_URL", local.url()).run().await;
    let said = ended.said();
    assert_eq!(said.ending(), Ending::Done, "{}", ended.err);
    assert_eq!(said.result().tests_passed, Some(true));
    assert_eq!(said.the("session_started")["provider"], "anthropic");
    assert_eq!(
        (paths(&cloud), paths(&local)),
        (vec!["/v1/messages".into()], vec!["/v1/chat/completions".into()])
    );
    let models: Vec<Value> = said.of_type("run_started").iter().map(|run| run["model"].clone()).collect();
    assert_eq!(models, [json!("claude-sonnet-5-5"), json!("claude-sonnet-5-5"), json!("qwen3:8b")]);
    assert!(local.requests().iter().all(|request| request.header("x-api-key").is_none()));
    said.check_kept(&world).await;
}

/// `--provider` stands above every agent's own.
#[tokio::test]
async fn one_flag_gives_the_whole_team_one_provider() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [ask("coder", "짜 줘"), finish("done")])
        .agent("coder", [write("b.txt", "2"), coded(&["b.txt"], &[])]);
    let settings = Settings::default().with_models(&["qwen3:8b"]);
    let server = settings.start(script).await.expect("a server");
    let team = json!({"agents": [
        {"name": "coder", "role": "r", "tools": ["write"], "provider": "anthropic", "model": "claude-sonnet-4"},
    ]});
    let team = config(&world, "agent_config.json", &team);
    let call = task(&world, &["--config", &team, "--provider", "openai"]).await;
    let call = call.env("OPENAI_BASE_URL", server.url()).env("OPENAI_API_KEY", server.key());
    let said = call.run().await.said();
    assert_eq!((said.ending(), paths(&server)), (Ending::Done, vec!["/v1/chat/completions".to_owned()]));
    assert_eq!(server.requests_of("coder")[0].body["model"], "qwen3:8b");
    let notice = said.the("notice");
    assert_eq!(
        (notice["code"].as_str(), notice["text"].as_str()),
        (
            Some("model_of_same_grade"),
            Some("provider openai has no model claude-sonnet-4; qwen3:8b answers in its place (for coder)")
        )
    );
}

/// The models of two servers, the second of which stands in for the first.
struct Pair {
    world: World,
    first: MockServer,
    second: MockServer,
    config: String,
}

impl Pair {
    async fn new(first: Script, second: Script) -> Self {
        let world = World::new();
        let second = MockServer::start(second).await;
        let content = json!({
            "performance": {"worker_retry_base_delay": 0.01, "worker_retry_max_attempts": 2},
            "providers": {
                "anthropic": {"fallback": ["openai/qwen3"]},
                "openai": {"base_url": second.url()},
            },
            "prices": {"qwen3": {"input": 1, "output": 2}},
        });
        let config = config(&world, "system_config.json", &content);
        Self { world, first: MockServer::start(first).await, second, config }
    }

    async fn run(&self, more: &[&str]) -> Ended {
        let arguments: Vec<&str> =
            ["--config", &self.config].into_iter().chain(more.iter().copied()).collect();
        let call = task(&self.world, &arguments).await.against(&self.first);
        call.env("OPENAI_API_KEY", self.second.key()).run().await
    }
}

fn overloaded() -> Turn {
    Turn::error(529, "overloaded_error", "Overloaded")
}

/// Contract 3: an outage in the middle of a run. What was done stays, the other wire takes over the conversation, it is
/// said once, and costs go by who answered.
#[tokio::test]
async fn another_provider_takes_over_in_the_middle_of_a_run_and_says_so_once() {
    let thinking = write("b.txt", "2").and_thinking("음");
    let first = Script::new()
        .agent("manager", [ask("coder", "짜 줘")])
        .agent("coder", [thinking, overloaded(), overloaded()]);
    let second = Script::new().agent("coder", [coded(&["b.txt"], &[])]).agent("manager", [finish("done")]);
    let pair = Pair::new(first, second).await;
    let ended = pair.run(&["--max-cost-usd", "5"]).await;
    let said = ended.said();
    assert_eq!(said.ending(), Ending::Done, "{} {}", ended.out, ended.err);
    let notices: Vec<Value> =
        said.of_type("notice").into_iter().filter(|notice| notice["code"] == "fallback_used").collect();
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    let text = notice["text"].as_str().expect("a text");
    assert!(
        text.starts_with(
            "qwen3 of provider openai answers instead of claude-sonnet-5-5 of provider anthropic, which is asked again \
             in 5 min: "
        ) && text.contains("529"),
        "{text}"
    );
    assert_eq!(answered(&said, "coder").len(), 2, "the first for its first turn");
    let taken_over = &pair.second.requests_of("coder")[0].body;
    assert_eq!(taken_over["model"], "qwen3");
    assert!(!taken_over.to_string().contains("음"), "no thought of another model: {taken_over}");
    assert!(taken_over.to_string().contains("b.txt"), "but what it did");
    assert!(said.the("round_finished")["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0));
    said.check_kept(&pair.world).await;
}

/// What a person has to mend is no outage.
#[tokio::test]
async fn a_refused_key_or_request_is_answered_by_nobody_else() {
    for (error, code, ending) in [
        (Turn::error(401, "authentication_error", "no"), 4, Ending::Failed(FailReason::Credentials)),
        (Turn::error(400, "invalid_request_error", "no"), 5, Ending::Failed(FailReason::Provider)),
    ] {
        let pair = Pair::new(Script::new().agent("manager", [error]), Script::new()).await;
        let ended = pair.run(&[]).await;
        assert_eq!((ended.code(), ended.said().ending()), (code, ending));
        assert_eq!(pair.second.requests().len(), 0);
    }
}

/// Where both are out, the last one's error is told.
#[tokio::test]
async fn where_both_are_out_the_round_fails_with_the_last_error() {
    let both = || Script::new().agent("manager", [overloaded()]).repeating_last();
    let pair = Pair::new(both(), both()).await;
    let ended = pair.run(&[]).await;
    assert_eq!((ended.code(), ended.said().ending()), (5, Ending::Failed(FailReason::Provider)));
    assert_eq!((pair.first.requests().len(), pair.second.requests().len()), (2, 2));
}

/// Law 9: who could not help when needed is no help.
#[tokio::test]
async fn a_stand_in_without_a_key_is_said_before_anything_is_done() {
    let world = World::new();
    let server = MockServer::start(Script::new()).await;
    let config =
        config(&world, "system_config.json", &json!({"providers": {"anthropic": {"fallback": ["openai"]}}}));
    let ended = task(&world, &["--config", &config]).await.against(&server).run().await;
    assert_eq!(ended.code(), 4);
    assert!(ended.out.contains("OPENAI_API_KEY") && server.requests().is_empty(), "{}", ended.out);
}

/// O-8, law 10: the key reaches the endpoint and nothing else: no command, event, error, log or file.
#[tokio::test]
async fn the_key_is_sent_to_its_endpoint_and_comes_out_nowhere_o_8() {
    const KEY: &str = "sk-proj-canary4f1d9c77ab02e5";
    let world = World::new();
    let turns = [bash("env; cat /proc/$PPID/environ; echo $OPENAI_API_KEY $MY_KEY"), coded(&[], &[])];
    let script = Script::new()
        .agent("manager", [ask("coder", "찾아 줘"), Turn::error(401, "authentication_error", KEY)])
        .agent("coder", turns);
    let server = Settings::default().with_key(KEY).start(script).await.expect("a server");
    let call = task(&world, &["-v", "--provider", "openai", "--pass-env", "MY_KEY"]).await;
    let call = call.env("OPENAI_BASE_URL", server.url()).env("OPENAI_API_KEY", KEY).env("MY_KEY", KEY);
    let ended = call.run().await;
    assert_eq!(ended.said().ending(), Ending::Failed(FailReason::Credentials), "{}", ended.err);
    assert_eq!(server.requests()[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    for (place, text) in [("out", &ended.out), ("err", &ended.err)] {
        assert!(!text.contains(KEY), "{place}: {text}");
    }
    for request in server.requests() {
        assert!(!request.body.to_string().contains(KEY), "a request");
    }
    for (path, content) in World::snapshot(&world.own()) {
        let holds = content.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!holds, "{}", path.display());
    }
}
