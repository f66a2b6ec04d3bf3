//! Endpoints that fail: what happened, where, what to do, and an exit code of its own.

use domain::outcome::{Ending, FailReason};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn, mock_server::Settings};

use crate::support::{Ended, Wire, World, turns::finish};

/// Endpoints that are asked one thing.
struct Case {
    turn: Turn,
    code: &'static str,
    words: &'static [&'static str],
}

/// A configuration with which nobody is asked twice (`retries.rs` tells what happens else), nor waited for long.
fn once(world: &World) -> String {
    let config = r#"{"performance": {
        "worker_retry_enabled": false, "idle_timeout_seconds": 0.2, "first_byte_timeout_seconds": 0.4
    }}"#;
    world.write_outside("system_config.json", config).display().to_string()
}

const PROVIDER: Ending = Ending::Failed(FailReason::Provider);

/// Holds over both wires.
async fn check(case: Case) {
    for wire in Wire::BOTH {
        check_over(wire, &case).await;
    }
}

async fn check_over(wire: Wire, case: &Case) {
    let world = World::new();
    let config = once(&world);
    let server = MockServer::start(Script::new().agent("manager", [case.turn.clone()])).await;
    let said = world.task_over(wire, &server, &["--config", &config]).await.run().await.said();
    assert_eq!(said.ending(), PROVIDER, "{wire:?}: {}", case.code);
    let error = said.the("error");
    assert_eq!(error["code"], case.code, "{wire:?}: {error}");
    let told = format!("{} {}", error["text"], error["chain"]);
    assert!(told.contains(&server.url()), "{wire:?}: it says where: {told}");
    for words in case.words {
        assert!(told.contains(words), "{wire:?}: {words}: {told}");
    }
    assert_eq!(said.the("round_finished")["exit_code"], 5);
    said.check_kept(&world).await;
    server.wait_for_connections(0).await;
}

#[tokio::test]
async fn refusals_say_what_the_server_said() {
    let words = &["HTTP 400", "invalid_request_error", "너무 길다"];
    check(Case {
        turn: Turn::error(400, "invalid_request_error", "너무 길다"),
        code: "model_rejected",
        words,
    })
    .await;
    let words = &["HTTP 500", "api_error"];
    check(Case { turn: Turn::error(500, "api_error", "Internal"), code: "model_unavailable", words }).await;
    let words = &["HTTP 404", "check the base URL and the model's name"];
    check(Case { turn: Turn::error(404, "not_found_error", "model"), code: "model_rejected", words }).await;
    let words = &["HTTP 529", "Overloaded"];
    check(Case {
        turn: Turn::error(529, "overloaded_error", "Overloaded"),
        code: "model_unavailable",
        words,
    })
    .await;
}

/// P36.
#[tokio::test]
async fn a_page_for_browsers_is_no_answer() {
    let words = &["text/html", "check the base URL", "로그인"];
    check(Case { turn: Turn::page(200, "<h1>로그인</h1>"), code: "model_malformed", words }).await;
    check(Case {
        turn: Turn::page(502, "<h1>Bad gateway</h1>"),
        code: "model_unavailable",
        words: &["HTTP 502"],
    })
    .await;
}

#[tokio::test]
async fn streams_that_break_are_told_from_streams_that_stall() {
    let text = || Turn::text("절반만 말하고");
    check(Case { turn: text().cut_after(3), code: "model_stream_cut", words: &["broke in the middle"] })
        .await;
    check(Case {
        turn: text().short_after(3),
        code: "model_stream_cut",
        words: &["ended before the answer did"],
    })
    .await;
    check(Case { turn: text().stalling_after(3), code: "model_silent", words: &["stalled"] }).await;
    check(Case { turn: Turn::silence(), code: "model_silent", words: &["no answer came in time"] }).await;
    check(Case { turn: Turn::hang_up(), code: "model_stream_cut", words: &["before an answer came"] }).await;
    let failing = text().failing_after(2, "overloaded_error", "Overloaded");
    check(Case { turn: failing, code: "model_unavailable", words: &["gave up in the stream", "Overloaded"] })
        .await;
}

/// Contract 10: no endpoint fills our memory.
#[tokio::test]
async fn an_event_past_every_bound_is_refused() {
    let mut bytes = b"event: message_start\ndata: ".to_vec();
    bytes.resize(9 << 20, b'x');
    check(Case { turn: Turn::bytes(bytes), code: "model_malformed", words: &["not as the protocol says"] })
        .await;
}

/// Exit 4: the endpoint does not accept the key; the key itself is not repeated.
#[tokio::test]
async fn a_wrong_key_is_a_matter_of_credentials() {
    for (wire, variable) in [(Wire::Messages, "ANTHROPIC_API_KEY"), (Wire::Chat, "OPENAI_API_KEY")] {
        let world = World::new();
        let server = MockServer::start(Script::new().agent("manager", [finish("done")])).await;
        let key = "sk-wrong-열쇠-0123456789".replace("열쇠", "key");
        let ended = world.task_over(wire, &server, &[]).await.env(variable, &key).run().await;
        let said = ended.said();
        assert_eq!((ended.code(), said.ending()), (4, Ending::Failed(FailReason::Credentials)));
        let error = said.the("error");
        assert_eq!(error["code"], "model_credentials");
        assert!(
            error["text"].as_str().is_some_and(|text| text.contains("401") && text.contains(variable)),
            "{error}"
        );
        assert!(!ended.out.contains(&key));

        let people = world.call(["x"]).over(wire, &server).env(variable, &key).run().await;
        assert_eq!((people.code(), people.out.as_str()), (4, ""));
        for words in ["→ Check the key (`ANTHROPIC_API_KEY`, `OPENAI_API_KEY`)", "HTTP 401"] {
            assert!(people.err.contains(words), "{words}: {}", people.err);
        }
    }
}

/// Exit 4 also where a worker hits it: no other run would do better.
#[tokio::test]
async fn a_refused_worker_ends_the_round() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [crate::support::turns::ask("coder", "x"), finish("done")])
        .agent("coder", [Turn::error(403, "permission_error", "no")]);
    let server = MockServer::start(script).await;
    let ended = world.task(&server, &[]).await.run().await;
    assert_eq!((ended.code(), ended.said().ending()), (4, Ending::Failed(FailReason::Credentials)));
    assert_eq!(server.turns_left(), [("manager".to_owned(), 1)]);
}

/// Exit 5.
#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_named() {
    let world = World::new();
    let server = Settings::default().start(Script::new()).await.expect("a server");
    let url = server.url();
    server.shutdown().await;
    let call = |format: &str| {
        world
            .call(["--config", &once(&world), "--output-format", format, "x"])
            .env("ANTHROPIC_BASE_URL", &url)
            .env("ANTHROPIC_API_KEY", "sk-test")
    };
    let said = call("stream-json").run().await.said();
    assert_eq!(said.ending(), PROVIDER);
    let error = said.the("error");
    assert_eq!(error["code"], "model_unreachable");
    let text = error["text"].as_str().unwrap_or_default();
    assert!(text.contains(&url) && text.contains("cannot connect: the connection is refused"), "{text}");
    assert!(error["chain"].as_array().is_some_and(|chain| !chain.is_empty()), "{error}");

    let people = call("text").run().await;
    assert_eq!((people.code(), people.out.as_str()), (5, ""));
    assert!(
        people.err.contains(&url) && people.err.contains("because: ") && people.err.contains("→ "),
        "{}",
        people.err
    );
}

fn is_error_line(ended: &Ended, code: &str, exit_code: i32) -> Value {
    let line = ended.line();
    assert_eq!(
        (&line["v"], &line["type"], &line["code"]),
        (&json!(1), &json!("error"), &json!(code)),
        "{line}"
    );
    assert_eq!((line["exit_code"].as_i64(), ended.code()), (Some(exit_code.into()), exit_code), "{line}");
    assert!(line["seq"].is_null() && line["session_id"].is_null() && line["chain"].is_array(), "{line}");
    assert_eq!(ended.err, "");
    line
}

/// Exit 4 before a round, in every format.
#[tokio::test]
async fn without_a_key_the_ways_out_are_said() {
    let world = World::new();
    for format in ["json", "stream-json"] {
        let line =
            is_error_line(&world.call(["--output-format", format, "x"]).run().await, "no_credentials", 4);
        assert!(line["text"].as_str().is_some_and(|text| text.contains("ANTHROPIC_API_KEY")), "{line}");
    }
    let people = world.call(["x"]).run().await;
    assert_eq!((people.code(), people.out.as_str()), (4, ""));
    for words in ["ANTHROPIC_API_KEY", ".env", "script:FILE", "better-llm-cli demo"] {
        assert!(people.err.contains(words), "{words}: {}", people.err);
    }
    let named = world.call(["--provider", "anthropic", "--output-format", "json", "x"]).run().await;
    let line = is_error_line(&named, "no_credentials", 4);
    assert!(
        line["text"].as_str().is_some_and(|text| text.contains("`anthropic` needs ANTHROPIC_API_KEY")),
        "{line}"
    );
    assert!(!world.own().exists(), "nothing was begun");
}

/// Exit 2 and 3 as one line of JSON.
#[tokio::test]
async fn what_could_not_begin_is_one_line_of_json() {
    let world = World::new();
    let json = |more: &[&str]| world.call(["--output-format", "json"].iter().chain(more)).run();
    is_error_line(&json(&["--nothing"]).await, "usage", 2);
    is_error_line(&json(&["--context", "없는 파일", "x"]).await, "input", 2);
    is_error_line(&json(&["--cwd", "없는 폴더", "x"]).await, "workspace", 2);
    is_error_line(&json(&["--config", "없는.json", "x"]).await, "configuration", 3);
    is_error_line(&json(&["--provider", "script:없는.json", "x"]).await, "script", 3);
}
