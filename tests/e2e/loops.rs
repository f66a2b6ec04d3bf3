//! P38, O-15: agents that would never stop. Each drill ends by itself, after a bounded number of model calls, with its
//! outcome, its exit code and words that say what to do, in both languages.

use domain::outcome::{Ending, FailReason, PartialReason};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Said, Wire, World,
    turns::{ask, bash, coded, finish, one_worker, planned, results},
};

/// A drill: what the models say, and what has to come of it.
struct Drill<'a> {
    script: Script,
    ending: Ending,
    /// How many requests each agent makes.
    requests: &'a [(&'a str, usize)],
    /// What a person reads, in English and in Korean.
    english: &'a [&'a str],
    korean: &'a [&'a str],
}

impl Drill<'_> {
    /// Plays it for a program and for people of both languages, over both wires; gives back what the program was told.
    async fn check(self) -> Said {
        let said = self.check_events().await;
        self.check_words("en", self.english, Wire::Messages).await;
        self.check_words("ko", self.korean, Wire::Chat).await;
        said
    }

    async fn check_events(&self) -> Said {
        let world = World::new();
        let server = MockServer::start(self.script.clone()).await;
        let said = world.task(&server, &[]).await.run().await.said();
        server.assert_nothing_refused();
        assert_eq!(said.ending(), self.ending, "{}", said.the("round_finished"));
        self.check_requests(&server);
        said.check_kept(&world).await;
        said
    }

    async fn check_words(&self, lang: &str, words: &[&str], wire: Wire) {
        let world = World::new();
        let server = MockServer::start(self.script.clone()).await;
        let call = world.call(["--lang", lang, "합계에 환불을 더해 줘"]).within_walls(&world).await;
        let ended = call.over(wire, &server).run().await;
        assert_eq!(ended.code(), i32::from(self.ending.exit_code()), "{}", ended.err);
        for words in words {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
        self.check_requests(&server);
    }

    #[track_caller]
    fn check_requests(&self, server: &MockServer) {
        let made: Vec<_> =
            self.requests.iter().map(|(agent, _)| (*agent, server.requests_of(agent).len())).collect();
        assert_eq!(made, self.requests);
    }
}

/// The loop warnings of a round: what repeats, and how often it came.
fn warnings(said: &Said) -> Vec<(String, u64)> {
    let told = |warning: &Value| {
        (
            warning["pattern"].as_str().unwrap_or_default().to_owned(),
            warning["count"].as_u64().unwrap_or_default(),
        )
    };
    said.of_type("loop_warning").iter().map(told).collect()
}

fn read(path: &str) -> Turn {
    Turn::call("read", json!({ "path": path }))
}

fn look(pattern: &str) -> Turn {
    Turn::call("glob", json!({ "pattern": pattern }))
}

/// What the manager says once its worker has failed as a loop.
fn give_up() -> Turn {
    finish("partial").expecting_tool_result("\"status\":\"loop\"")
}

const PARTIAL: Ending = Ending::Partial(PartialReason::ManagerPartial);
const LOOP: Ending = Ending::Failed(FailReason::Loop);

/// P38: the manager hears of it and decides.
#[tokio::test]
async fn a_coder_that_makes_one_call_for_ever_is_warned_and_ended() {
    let drill = Drill {
        script: Script::new()
            .agent("manager", [ask("coder", "환불을 더해 줘"), give_up()])
            .agent("coder", [read("합계.sh")])
            .repeating_last(),
        ending: PARTIAL,
        requests: &[("manager", 2), ("coder", 8)],
        english: &["the same again, 4 times: `read` {\"path\":\"합계.sh\"}", "partly done"],
        korean: &["같은 일이 4번 반복됨: `read` {\"path\":\"합계.sh\"}", "일부 완료"],
    };
    let said = drill.check().await;
    assert_eq!(warnings(&said), [("`read` {\"path\":\"합계.sh\"}".to_owned(), 4)]);
    let coder = said.of_type("run_finished").into_iter().find(|run| run["agent"] == "coder").expect("an end");
    assert_eq!((&coder["outcome"], &coder["reason"]), (&json!("failed"), &json!("loop")));
}

/// P38: `failed/loop`, exit code 12.
#[tokio::test]
async fn a_manager_that_makes_one_call_for_ever_fails_the_round() {
    let drill = Drill {
        script: Script::new().agent("manager", [look("**/*.sh")]).repeating_last(),
        ending: LOOP,
        requests: &[("manager", 8)],
        english: &[
            "the same again, 4 times",
            "did the same thing again and again",
            "`workflow_limits.loop_repeats`",
        ],
        korean: &["같은 일이 4번 반복됨", "같은 일을 계속 반복했습니다", "`workflow_limits.loop_repeats`"],
    };
    let finished = drill.check().await.the("round_finished");
    assert_eq!(
        (&finished["outcome"], &finished["reason"], &finished["exit_code"]),
        (&json!("failed"), &json!("loop"), &json!(12))
    );
    let summary = finished["summary"].as_str().unwrap_or_default();
    for words in
        ["8 times in a row", "`glob` {\"pattern\":\"**/*.sh\"}", "loop_repeats (now 4)", "Rephrase the task"]
    {
        assert!(summary.contains(words), "{words}: {summary}");
    }
}

/// O-15: `workflow_limits.loop_repeats` decides.
#[tokio::test]
async fn the_number_of_repeats_can_be_set() {
    let world = World::new();
    let config = json!({ "workflow_limits": { "loop_repeats": 2 } }).to_string();
    let config = world.write_outside("system_config.json", &config).display().to_string();
    let server =
        MockServer::start(Script::new().agent("manager", [read("README.md")]).repeating_last()).await;
    let said = world.task(&server, &["--config", &config]).await.run().await.said();
    assert_eq!((said.ending(), server.requests().len()), (LOOP, 4));
    assert_eq!(warnings(&said), [("`read` {\"path\":\"README.md\"}".to_owned(), 2)]);
}

#[tokio::test]
async fn two_calls_by_turns_come_to_an_end() {
    let both = [read("합계.sh"), look("*.md")];
    let drill = Drill {
        script: Script::new().agent("manager", both.into_iter().cycle().take(60)),
        ending: LOOP,
        requests: &[("manager", 16)],
        english: &["the same again, 4 times: `read` {\"path\":\"합계.sh\"} ⇄ `glob`", "→ Say in the task"],
        korean: &["같은 일이 4번 반복됨: `read` {\"path\":\"합계.sh\"} ⇄ `glob`", "→ 무엇에 막혔는지"],
    };
    // What is left of the script is not asked for.
    let said = drill.check().await;
    assert_eq!(warnings(&said).len(), 1);
}

#[tokio::test]
async fn a_manager_that_calls_the_same_worker_for_ever_comes_to_an_end() {
    let drill = Drill {
        script: Script::new()
            .agent("manager", [ask("planner", "계획해 줘")])
            .agent("planner", [planned()])
            .repeating_last(),
        ending: LOOP,
        requests: &[("manager", 8), ("planner", 8)],
        english: &["the same again, 4 times: `execute_planner_task`"],
        korean: &["같은 일이 4번 반복됨: `execute_planner_task`"],
    };
    drill.check().await;
}

/// Contract 3: lawful polling is no loop.
#[tokio::test]
async fn a_poll_whose_result_changes_is_no_loop() {
    let polls = (0..20).map(|_| bash("date +%s%N"));
    let drill = Drill {
        script: one_worker("coder", polls.chain([coded(&[], &[])])),
        ending: Ending::Done,
        requests: &[("manager", 2), ("coder", 21)],
        english: &[],
        korean: &[],
    };
    let said = drill.check_events().await;
    assert_eq!(warnings(&said), []);
}

/// Contract 3: 30 turns, a warning, 5 more; the first time round everything is new.
#[tokio::test]
async fn turns_that_bring_nothing_new_come_to_an_end() {
    let files = ["합계.sh", "README.md", "시험/run.sh"].into_iter().cycle().take(60);
    let drill = Drill {
        script: Script::new()
            .agent("manager", [ask("planner", "봐 줘"), give_up()])
            .agent("planner", files.map(read)),
        ending: PARTIAL,
        requests: &[("manager", 2), ("planner", 38)],
        english: &["30 turns without a new result or a changed file"],
        korean: &["30턴 동안 새 결과도 변경도 없음"],
    };
    let said = drill.check().await;
    assert_eq!(warnings(&said), [("nothing_new".to_owned(), 30)]);
}

/// Contract 3: refused calls with different input are no repeats, the same refused call is one.
#[tokio::test]
async fn a_refused_call_counts_by_its_input() {
    let hook = |n: usize| Turn::call("write", json!({ "path": format!(".git/hooks/{n}"), "content": "x" }));
    let different = (0..12).map(hook);
    let drill = Drill {
        script: Script::new()
            .agent("manager", [ask("coder", "훅을 써 줘"), give_up()])
            .agent("coder", different.chain([hook(12)]))
            .repeating_last(),
        ending: PARTIAL,
        requests: &[("manager", 2), ("coder", 12 + 8)],
        english: &["the same again, 4 times: `write`"],
        korean: &["같은 일이 4번 반복됨: `write`"],
    };
    let said = drill.check().await;
    assert_eq!(warnings(&said).len(), 1);
    assert_eq!(said.result().files_changed, [""; 0]);
}

/// P28: an unknown tool, and one that is another agent's: an error result that names what there is; nothing happens.
#[tokio::test]
async fn a_tool_that_is_not_the_agents_is_an_error_and_the_run_goes_on() {
    let world = World::new();
    let script = one_worker(
        "planner",
        [
            Turn::call("fly", json!({ "to": "달" })),
            Turn::call("write", json!({ "path": "새", "content": "1\n" }))
                .expecting_tool_result("there is no tool `fly`"),
            Turn::call("execute_coder_task", json!({ "task_description": "x" }))
                .expecting_tool_result("there is no tool `write` for you. Yours are: read"),
            planned().expecting_tool_result("there is no tool `execute_coder_task` for you"),
        ],
    );
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(said.ending(), Ending::Done);
    assert!(!world.has("새"));
    assert_eq!((server.requests_of("planner").len(), server.requests_of("coder").len()), (4, 0));

    let for_ever = Drill {
        script: Script::new()
            .agent("manager", [ask("planner", "날아 줘"), give_up()])
            .agent("planner", [Turn::call("fly", json!({ "to": "달" }))])
            .repeating_last(),
        ending: PARTIAL,
        requests: &[("manager", 2), ("planner", 8)],
        english: &["there is no tool `fly` for you"],
        korean: &["there is no tool `fly` for you"],
    };
    for_ever.check().await;
}

/// The paths of the calls that a request's conversation holds.
fn calls(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().into_iter().flatten();
    let blocks = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    let calls = blocks.filter(|block| block["type"] == "tool_use");
    calls.map(|call| call["input"]["path"].as_str().unwrap_or_default().to_owned()).collect()
}

/// P29: two calls of one id are told apart: each runs once, and the server takes what comes next, over both wires.
#[tokio::test]
async fn a_call_id_twice_in_a_message_is_two_calls() {
    for wire in Wire::BOTH {
        let world = World::new();
        let twice = Turn::default()
            .and_call_named("toolu_same", "write", json!({ "path": "하나", "content": "1\n" }))
            .and_call_named("toolu_same", "write", json!({ "path": "둘", "content": "2\n" }));
        let server = MockServer::start(one_worker("coder", [twice, coded(&["하나", "둘"], &[])])).await;
        let said = world.task_over(wire, &server, &[]).await.run().await.said();
        // It refuses calls that share an id, and a call without a result.
        server.assert_nothing_refused();
        assert_eq!(said.ending(), Ending::Done);
        assert_eq!((world.read("하나"), world.read("둘")), ("1\n".to_owned(), "2\n".to_owned()));
        assert_eq!((server.requests_of("coder").len(), said.calls_of("coder").len()), (2, 2));
    }
}

/// P30, contract 10: 64 run, the rest is answered, in order; the server takes what comes next.
#[tokio::test]
async fn of_five_hundred_calls_in_a_message_64_run_and_all_are_answered() {
    let world = World::new();
    let many = (0..500).fold(Turn::default(), |turn, n| {
        turn.and_call("write", json!({ "path": format!("많이/{n}"), "content": "1\n" }))
    });
    let server = MockServer::start(one_worker("coder", [many, coded(&[], &[])])).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(said.ending(), Ending::Done);
    assert_eq!(World::leftovers(&world.repository.join("많이")).len(), 64);
    let requests = server.requests_of("coder");
    assert_eq!(requests.len(), 2);
    let paths = calls(&requests[1].body);
    assert_eq!(paths, (0..500).map(|n| format!("많이/{n}")).collect::<Vec<_>>());
    let results = results(&requests[1].body);
    let refused =
        results.iter().filter(|result| result.contains("a message may hold 64 calls at most")).count();
    assert_eq!((results.len(), refused), (500, 436));
}

/// P31: an input that is nested without end is an error to the model, an event of that kind one to the person.
#[tokio::test]
async fn json_ten_thousand_deep_is_an_error_and_no_crash() {
    let world = World::new();
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let turns = [
        Turn::default().and_raw_call("read", &deep),
        planned().expecting_tool_result("recursion limit exceeded"),
    ];
    let server = MockServer::start(one_worker("planner", turns)).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!((said.ending(), server.requests_of("planner").len()), (Ending::Done, 2));

    let events = format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"model\":\"m\",\"usage\":{{}}}}}}\n\n\
         event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{deep}}}\n\n"
    );
    let server =
        MockServer::start(Script::new().agent("manager", [Turn::bytes(events)]).repeating_last()).await;
    let said = world.task(&server, &[]).await.run().await.said();
    assert_eq!(said.ending(), Ending::Failed(FailReason::Provider));
    assert_eq!((said.the("error")["code"].clone(), server.requests().len()), (json!("model_malformed"), 1));
}

fn reads(count: usize) -> impl Iterator<Item = Turn> {
    (1..=count).map(|n| Turn::call("read", json!({ "path": "합계.sh", "offset": n })))
}

/// P37: the conversation is cut to half, once, and the run goes on.
#[tokio::test]
async fn a_conversation_that_is_too_long_is_cut_once() {
    let drill = Drill {
        script: one_worker("planner", reads(6).chain([Turn::too_long(), planned()])),
        ending: Ending::Done,
        requests: &[("manager", 2), ("planner", 8)],
        english: &["too long for the model", "If it happens often"],
        korean: &["대화가 모델의 창보다 길어져", "자주 일어나면"],
    };
    let said = drill.check().await;
    let cut = said.the("context_cut");
    assert_eq!((&cut["dropped"], &cut["kept"]), (&json!(8), &json!(5)));
    assert_eq!(said.of_type("error"), [Value::Null; 0]);
}

/// P37: no loop.
#[tokio::test]
async fn a_conversation_that_stays_too_long_ends_the_round() {
    let drill = Drill {
        script: Script::new().agent("manager", reads(6).chain([Turn::too_long()])).repeating_last(),
        ending: Ending::Failed(FailReason::Provider),
        requests: &[("manager", 8)],
        english: &["prompt is too long", "smaller p", "--model"],
        korean: &["maximum context length", "작업을 더 작게 나누거나"],
    };
    let said = drill.check().await;
    assert_eq!(said.of_type("context_cut").len(), 1);
    assert_eq!(said.the("error")["code"], "model_request_too_long");

    let at_once = Drill {
        script: Script::new().agent("manager", [Turn::too_long()]).repeating_last(),
        ending: Ending::Failed(FailReason::Provider),
        requests: &[("manager", 1)],
        english: &["prompt is too long"],
        korean: &["maximum context length"],
    };
    at_once.check().await;
}
