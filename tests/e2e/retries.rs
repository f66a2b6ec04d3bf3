//! Requests that fail and are tried again (O-23): what the endpoint sees, what is told, how it ends.

use std::time::{Duration, Instant};

use domain::{
    event::EventBody,
    message::Usage,
    outcome::{Ending, FailReason, Signal as By},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn, mock_server::Settings};

use crate::support::{
    Said, Wire, World,
    turns::{ask, coded, finish, one_worker, planned, write},
};

const PROVIDER: Ending = Ending::Failed(FailReason::Provider);

const USED: Usage = Usage { input_tokens: 50, output_tokens: 3, cache_read_tokens: 2, cache_write_tokens: 1 };

/// A configuration whose waits between attempts are short, with further keys of `performance`.
fn quick(world: &World, more: &Value) -> String {
    let mut performance = json!({"worker_retry_base_delay": 0.01});
    for (key, value) in more.as_object().into_iter().flatten() {
        performance[key] = value.clone();
    }
    let config = json!({ "performance": performance }).to_string();
    world.write_outside("system_config.json", &config).display().to_string()
}

/// Plays a script to its end.
async fn play(world: &World, server: &MockServer, more: &Value) -> Said {
    play_over(Wire::Messages, world, server, more).await
}

/// The same over a protocol of the test's choice.
async fn play_over(wire: Wire, world: &World, server: &MockServer, more: &Value) -> Said {
    let config = quick(world, more);
    let arguments = ["--config", &config, "--partial"];
    let said = world.task_over(wire, server, &arguments).await.run().await.said();
    said.check_kept(world).await;
    server.wait_for_connections(0).await;
    said
}

/// `attempt`/`max_attempts` of what was tried again, with the attempts that went out.
fn attempts(said: &Said) -> (Vec<(u64, u64)>, Vec<u64>) {
    let number = |value: &Value| value.as_u64().expect("a number");
    let retries = said.of_type("retry");
    let retries = retries.iter().map(|retry| (number(&retry["attempt"]), number(&retry["max_attempts"])));
    let started = said.of_type("request_started");
    (retries.collect(), started.iter().map(|request| number(&request["attempt"])).collect())
}

/// One manager that finishes once its request is answered, after these failures.
fn after(failures: impl IntoIterator<Item = Turn>) -> Script {
    Script::new().agent("manager", failures.into_iter().chain([finish("done")]))
}

/// P26: a stream that is cut is tried once more; what it had shown is void, nothing of it is done, the answer is not
/// doubled.
#[tokio::test]
async fn a_stream_that_is_cut_is_tried_once_more_and_nothing_of_it_counts() {
    let half = Turn::text("절반만 말하고 ").and_call("write", json!({"path": "a.txt", "content": "1"}));
    let cuts = [half.clone().cut_after(5), half.clone().short_after(5), half.reset_after(5)];
    for (wire, cut) in Wire::BOTH.into_iter().flat_map(|wire| cuts.clone().map(|cut| (wire, cut))) {
        let world = World::new();
        let script = one_worker("coder", [cut, write("b.txt", "2"), coded(&["b.txt"], &[])]);
        let server = MockServer::start(script).await;
        let said = play_over(wire, &world, &server, &json!({})).await;
        assert_eq!(said.ending(), Ending::Done);
        assert_eq!(attempts(&said), (vec![(2, 3)], vec![1, 1, 2, 1, 1]));
        let void = said.the("text_replaced")["request_id"].clone();
        let requests = said.of_type("request_started");
        assert_eq!((&requests[1]["request_id"], &requests[2]["request_id"]), (&void, &void));
        assert_eq!(said.calls_of("coder").len(), 1, "the call of the cut message did not run");
        assert!(!world.has("a.txt") && world.has("b.txt"));
        let bodies = server.requests_of("coder");
        assert_eq!(bodies[0].body, bodies[1].body, "the same request");
        assert!(!bodies[2].body.to_string().contains("절반만"), "the model does not see it either");
    }
}

/// P26: what people read says which words are void.
#[tokio::test]
async fn people_are_told_which_words_are_void() {
    let world = World::new();
    for (lang, void) in [("en", "is void; it begins anew"), ("ko", "무효")] {
        let turns = [Turn::text("절반만 말하고 ").cut_after(3), Turn::text("온전한 말")];
        let server = MockServer::start(Script::new().agent("manager", turns)).await;
        let config = quick(&world, &json!({}));
        let ended = world.call(["--config", &config, "--lang", lang, "합계"]).against(&server).run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (0, "온전한 말\n"), "{}", ended.err);
        let (half, rest) = ended.err.split_once("절반만 말하고").expect("it was shown");
        assert!(!half.contains("온전한 말") && rest.contains(void), "{}", ended.err);
        assert_eq!(ended.err.matches("온전한 말").count(), 1, "{}", ended.err);
    }
}

/// P32: a connection that only pings, or drips, ends by the byte timers' word, not never.
#[tokio::test]
async fn a_silent_stream_is_given_up_and_tried_again() {
    let world = World::new();
    for wire in Wire::BOTH {
        let silence = [Turn::silence(), Turn::text("음").stalling_after(3)];
        let server = MockServer::start(after(silence)).await;
        let timers = json!({"idle_timeout_seconds": 0.2, "first_byte_timeout_seconds": 0.4});
        let said = play_over(wire, &world, &server, &timers).await;
        assert_eq!((said.ending(), attempts(&said)), (Ending::Done, (vec![(2, 3), (3, 3)], vec![1, 2, 3])));
        let reasons: Vec<_> = said.of_type("retry").iter().map(|retry| retry["reason"].to_string()).collect();
        assert!(
            reasons[0].contains("no answer came in time") && reasons[1].contains("stalled"),
            "{reasons:?}"
        );
    }
}

/// P32: pings and single bytes keep a connection, so that a slow answer comes through. (That they keep it for ten minutes
/// at most is shown on paused time.)
#[tokio::test]
async fn pings_and_single_bytes_keep_an_answer_alive() {
    let world = World::new();
    for wire in Wire::BOTH {
        let slow = finish("done").with_pings().dripping(Duration::from_micros(200));
        let server = MockServer::start(Script::new().agent("manager", [slow])).await;
        let said = play_over(wire, &world, &server, &json!({"idle_timeout_seconds": 2})).await;
        assert_eq!((said.ending(), attempts(&said)), (Ending::Done, (vec![], vec![1])));
    }
}

/// P33: Retry-After is waited for at least, in each of its forms, and everybody sees it.
#[tokio::test]
async fn a_waiting_time_of_the_server_is_kept_and_shown() {
    let world = World::new();
    let cases = [
        (Wire::Messages, "retry-after", "1", 1_000),
        (Wire::Messages, "retry-after-ms", "700", 700),
        (Wire::Chat, "retry-after", "1", 1_000),
    ];
    for (wire, name, value, wait_ms) in cases {
        let limited = Turn::error(429, "rate_limit_error", "slow down").with_header(name, value);
        let server = MockServer::start(after([limited])).await;
        let began = Instant::now();
        let said = play_over(wire, &world, &server, &json!({})).await;
        assert!(began.elapsed() >= Duration::from_millis(wait_ms), "it came too early");
        assert_eq!((said.ending(), attempts(&said)), (Ending::Done, (vec![(2, 3)], vec![1, 2])));
        let retry = said.the("retry");
        let told = retry["wait_ms"].as_u64().expect("a number");
        assert!((wait_ms..wait_ms + 100).contains(&told), "{retry}");
        assert!(retry["reason"].as_str().is_some_and(|reason| reason.contains("HTTP 429")), "{retry}");
        assert_eq!(server.requests().len(), 2);
    }
}

/// P33: the wait ends when the person wants it to.
#[tokio::test]
async fn a_wait_before_another_attempt_ends_with_an_interrupt() {
    let world = World::new();
    let limited = Turn::error(429, "rate_limit_error", "slow down").with_header("retry-after", "300");
    let server = MockServer::start(after([limited])).await;
    let mut program = world.task(&server, &[]).await.start();
    let retry = program.until_type("retry").await;
    assert!(retry["wait_ms"].as_u64().is_some_and(|wait| wait >= 300_000), "{retry}");
    program.signal(Signal::INT);
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::Cancelled(By::Interrupt));
    assert_eq!(server.requests().len(), 1);
}

/// Reliability 1.4: a waiting time that no request has fails at once and says when to come back.
#[tokio::test]
async fn a_waiting_time_that_is_too_long_is_told_and_not_waited_for() {
    let world = World::new();
    let cases = [
        ("retry-after", "7200", "try again in 120 minutes"),
        ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT", "for more than a year: check the base URL"),
        ("retry-after", "1e99", "for more than a year: check the base URL"),
        ("retry-after-ms", "18446744073709551616", "for more than a year: check the base URL"),
    ];
    for (name, value, words) in cases {
        let limited = Turn::error(429, "rate_limit_error", "tomorrow").with_header(name, value);
        let server = MockServer::start(after([limited])).await;
        let said = play(&world, &server, &json!({})).await;
        assert_eq!((said.ending(), attempts(&said)), (PROVIDER, (vec![], vec![1])), "{name}: {value}");
        let error = said.the("error");
        assert_eq!(error["code"], "model_rate_limited");
        assert!(error["text"].as_str().is_some_and(|text| text.contains(words)), "{error}");
    }
}

/// P34: each failure that may pass is tried a bounded number of times, and its cause is named.
#[tokio::test]
async fn failures_that_may_pass_are_tried_three_times_and_named() {
    let world = World::new();
    let cases = [
        (Turn::error(529, "overloaded_error", "Overloaded"), "model_unavailable", "HTTP 529"),
        (Turn::error(503, "api_error", "Down"), "model_unavailable", "HTTP 503"),
        (Turn::error(408, "timeout_error", "Late"), "model_unavailable", "HTTP 408"),
        (Turn::error(429, "rate_limit_error", "Slow"), "model_rate_limited", "HTTP 429"),
        (Turn::text("x").failing_after(1, "overloaded_error", "Busy"), "model_unavailable", "Busy"),
        (Turn::hang_up(), "model_stream_cut", "before an answer came"),
        (Turn::text("x").reset_after(3), "model_stream_cut", "reset"),
    ];
    for (wire, (turn, code, words)) in
        Wire::BOTH.into_iter().flat_map(|wire| cases.clone().map(|case| (wire, case)))
    {
        let server = MockServer::start(Script::in_order([turn]).repeating_last()).await;
        let said = play_over(wire, &world, &server, &json!({})).await;
        assert_eq!((said.ending(), server.requests().len()), (PROVIDER, 3), "{wire:?}: {code} {words}");
        assert_eq!(attempts(&said), (vec![(2, 3), (3, 3)], vec![1, 2, 3]));
        let error = said.the("error");
        let told = format!("{} {}", error["text"], error["chain"]);
        assert_eq!(error["code"], code, "{error}");
        assert!(told.contains(words) && told.contains("given up after 3 attempts"), "{told}");
    }
}

/// P34: an endpoint that refuses connections for a while is reached when it takes them again.
#[tokio::test]
async fn an_endpoint_that_comes_back_is_reached() {
    let world = World::new();
    let server = Settings::default().start(after([])).await.expect("a server");
    server.refuse_connections().await;
    let config = quick(&world, &json!({"worker_retry_max_attempts": 100, "worker_retry_base_delay": 0.05}));
    let mut program = world.task(&server, &["--config", &config]).await.start();
    let retry = program.until_type("retry").await;
    assert!(retry["reason"].as_str().is_some_and(|reason| reason.contains("refused")), "{retry}");
    server.accept_connections().await;
    assert_eq!(program.end().await.said().ending(), Ending::Done);
}

/// P34: names without an address and servers without encryption are told apart.
#[tokio::test]
async fn names_and_certificates_are_named_as_causes() {
    let world = World::new();
    let server = MockServer::start(Script::new()).await;
    // A label that is too long for any name server, so that none is asked.
    let nowhere = format!("http://{}.test", "m".repeat(70));
    let config = quick(&world, &json!({"worker_retry_max_attempts": 2}));
    let plain = server.url().replace("http://", "https://");
    for (url, words) in
        [(nowhere, "its name has no address (DNS)"), (plain, "no trusted encrypted connection (TLS)")]
    {
        let call = world.call(["--config", &config, "--output-format", "stream-json", "x"]);
        let said = call.against(&server).env("ANTHROPIC_BASE_URL", &url).run().await.said();
        assert_eq!((said.ending(), attempts(&said)), (PROVIDER, (vec![(2, 2)], vec![1, 2])));
        let error = said.the("error");
        assert!(error["text"].as_str().is_some_and(|text| text.contains(words)), "{error}");
    }
}

/// P35: what stays wrong is asked once: exactly one request reaches the server.
#[tokio::test]
async fn what_stays_wrong_is_asked_once() {
    let world = World::new();
    let spent = Turn::error(429, "rate_limit_error", "spent")
        .with_error_code("enforced_spend_limit_reached")
        .with_header("retry-after", "0");
    let no = Turn::error(503, "api_error", "no").with_header("x-should-retry", "false");
    let kinds = [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
    ];
    let refusals = kinds.map(|(status, kind)| {
        Turn::error(status, kind, "no").with_header("x-should-retry", "true").with_header("retry-after", "0")
    });
    let page = Turn::page(200, "<h1>로그인</h1>");
    let out_of_credit = Turn::error(429, "insufficient_quota", "spent").with_error_code("insufficient_quota");
    let over = |wire: Wire, turns: Vec<Turn>| turns.into_iter().map(move |turn| (wire, turn));
    let messages = [&refusals[..], &[spent, no.clone(), page.clone()]].concat();
    let chat = [&refusals[..], &[out_of_credit, no, page]].concat();
    for (wire, turn) in over(Wire::Messages, messages).chain(over(Wire::Chat, chat)) {
        let server = MockServer::start(Script::in_order([turn]).repeating_last()).await;
        let said = play_over(wire, &world, &server, &json!({})).await;
        assert_eq!(server.requests().len(), 1, "{}", said.the("error"));
        assert_eq!(attempts(&said), (vec![], vec![1]));
    }
}

/// O-23: trying again can be switched off.
#[tokio::test]
async fn nothing_is_tried_again_where_that_is_switched_off() {
    let world = World::new();
    let server = MockServer::start(Script::in_order([Turn::hang_up()]).repeating_last()).await;
    let said = play(&world, &server, &json!({"worker_retry_enabled": false})).await;
    assert_eq!((said.ending(), server.requests().len()), (PROVIDER, 1));
}

/// Contract 10: a failed run is the manager's to retry, within `max_coder_retries`. A model that stays down ends the round.
#[tokio::test]
async fn a_worker_whose_model_stays_down_ends_the_round_as_what_it_is() {
    let world = World::new();
    let calls = (1..=9).map(|nth| ask("planner", &format!("계획 {nth}")));
    let down = Turn::error(529, "overloaded_error", "Overloaded");
    let script = Script::new().agent("manager", calls).agent("planner", [down]).repeating_last();
    let server = MockServer::start(script).await;
    let said = play(&world, &server, &json!({"worker_retry_enabled": false})).await;
    assert_eq!((said.ending(), server.requests_of("planner").len()), (PROVIDER, 3));
    let end = said.the("round_finished");
    assert!(end["summary"].as_str().is_some_and(|text| text.contains("HTTP 529")), "{end}");
}

/// P39: what failed attempts took is counted, in the run's sum and in the round's; sums only grow.
#[tokio::test]
async fn what_failed_attempts_took_is_counted() {
    let world = World::new();
    let costing = |turn: Turn| turn.costing(USED);
    let half = || costing(Turn::text("절반")).cut_after(3);
    let script = Script::new()
        .agent("manager", [half(), costing(ask("planner", "계획")), costing(finish("done"))])
        .agent("planner", [costing(planned()).cut_after(4), half(), costing(planned())]);
    let server = MockServer::start(script).await;
    let said = play(&world, &server, &json!({})).await;
    assert_eq!(said.ending(), Ending::Done);
    let mut runs = Vec::new();
    for event in &said.events {
        match &event.body {
            EventBody::RunFinished { usage, .. } => runs.push(*usage),
            EventBody::RoundFinished { usage, .. } => {
                let mut sum = Usage::default();
                runs.iter().for_each(|run| sum += *run);
                assert_eq!(*usage, sum);
            }
            _ => {}
        }
    }
    // Of a failed attempt the provider has told what went in, and at most the first tokens that came out.
    assert_eq!(runs.iter().map(|run| run.input_tokens).collect::<Vec<_>>(), [150, 150]);
    assert_eq!(runs.iter().map(|run| run.cache_read_tokens).collect::<Vec<_>>(), [6, 6]);
    assert!(runs.iter().all(|run| (3..=9).contains(&run.output_tokens)), "{runs:?}");
}

/// Contract 9: each attempt at a script is a request and takes a step of its own.
#[tokio::test]
async fn a_fault_of_a_script_is_tried_again_with_its_next_step() {
    let world = World::new();
    let fault = |fault: Value| json!({"text": "절반", "fault": fault});
    let steps = [
        fault(json!({"kind": "http", "status": 503, "retry_after": 0.05})),
        fault(json!({"kind": "cut"})),
        json!({"text": "온전한 말"}),
    ];
    let script = json!({"v": 1, "agents": {"manager": steps}}).to_string();
    let script = world.write_outside("script.json", &script);
    let provider = format!("script:{}", script.display());
    let config = quick(&world, &json!({}));
    let call =
        world.call(["--config", &config, "--provider", &provider, "--output-format", "stream-json", "합계"]);
    let said = call.run().await.said();
    assert_eq!((said.ending(), attempts(&said)), (Ending::Answered, (vec![(2, 3), (3, 3)], vec![1, 2, 3])));
    assert_eq!(said.of_type("text_replaced").len(), 1);
}
