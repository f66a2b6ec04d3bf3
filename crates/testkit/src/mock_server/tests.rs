use std::time::Duration;

use domain::message::Usage;
use serde_json::{Value, json};

use super::*;

mod chat;
mod client;
mod network;

use client::{Client, body, go, post};

const KEYED: [(&str, &str); 2] = [("x-api-key", TEST_KEY), ("anthropic-version", "2023-06-01")];

#[tokio::test]
async fn an_answer_streams_as_the_service_streams_it() {
    let usage = Usage { input_tokens: 39, output_tokens: 19, cache_read_tokens: 7, cache_write_tokens: 3 };
    let turn = Turn::thinking("흠")
        .and_text("확인")
        .and_call_named("toolu_1", "read", json!({"path": "가"}))
        .in_chunks(4)
        .costing(usage);
    let server = MockServer::start(Script::in_order([turn])).await;
    let reply = post(&server, &go()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(reply.header("request-id").is_some_and(|id| id.starts_with("req_")));
    let events = reply.events();
    let of = |kind: &str| -> Vec<&Value> { events.iter().filter(|event| event["type"] == kind).collect() };
    let starts: Vec<&Value> =
        of("content_block_start").into_iter().map(|event| &event["content_block"]).collect();
    assert_eq!(
        starts,
        [
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
            &json!({"type": "text", "text": ""}),
            &json!({"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}),
        ]
    );
    let deltas = of("content_block_delta");
    let input: String = deltas.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert_eq!(input, r#"{"path":"가"}"#);
    assert_eq!(deltas[0]["delta"], json!({"type": "thinking_delta", "thinking": "흠"}));
    assert_eq!(deltas[1]["delta"]["type"], "signature_delta");
    let ends: Vec<&str> =
        events[events.len() - 3..].iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(ends, ["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(of("message_delta")[0]["delta"]["stop_reason"], "tool_use");
    assert_eq!(
        of("message_delta")[0]["usage"],
        json!({"input_tokens": 39, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 19})
    );
    server.shutdown().await;
}

#[tokio::test]
async fn an_answer_without_a_stream_is_one_message() {
    let server =
        MockServer::start(Script::in_order([Turn::text("hi").and_call("read", json!({"a": 1}))])).await;
    let mut request = go();
    request["stream"] = json!(false);
    let message = post(&server, &request).await.json();
    assert_eq!(message["content"][0], json!({"type": "text", "text": "hi"}));
    assert_eq!(message["content"][1]["input"], json!({"a": 1}));
    assert_eq!((&message["stop_reason"], &message["model"]), (&json!("tool_use"), &json!("claude-test")));
}

#[tokio::test]
async fn the_bytes_are_the_same_however_they_are_cut_and_framed() {
    let turn = || Turn::text("한국어 👩‍👩‍👧").and_call_named("a", "read", json!({"path": "😀"})).from_model("m");
    let offsets = Pieces::At(vec![1, 7, 300, 301]);
    let turns = [
        turn(),
        turn().in_pieces(Pieces::Events),
        turn().in_pieces(Pieces::Bytes(1)),
        turn().in_pieces(offsets),
        turn().with_crlf().with_comments().with_pings().with_unknown_events(),
        turn().with_gaps(Duration::from_millis(1)).in_pieces(Pieces::Bytes(5)),
    ];
    let server = MockServer::start(Script::in_order(turns)).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let reply = post(&server, &go()).await;
        assert!(reply.is_whole);
        let mut events = reply.events();
        events.retain(|event| event["type"] != "ping" && event["type"] != "news_from_tomorrow");
        events[0]["message"]["id"] = Value::Null;
        seen.push((events, reply.pieces));
    }
    for (events, _) in &seen[1..] {
        assert_eq!(events, &seen[0].0);
    }
    let pieces: Vec<usize> = seen.iter().map(|(_, pieces)| pieces.len()).collect();
    assert_eq!((pieces[0], pieces[1], pieces[3]), (1, seen[0].0.len(), 5));
    assert!(seen[2].1.iter().all(|piece| piece.len() == 1));
    let framed = String::from_utf8(seen[4].1.concat()).unwrap();
    assert!(
        framed.starts_with(": a comment, 주석\r\nevent: message_start\r\n")
            && framed.contains("event: ping\r\n")
    );
}

#[tokio::test]
async fn input_that_is_no_json_is_sent_as_it_is() {
    let turns = [
        Turn::empty().and_raw_call("read", "{\"path\": \"Par"),
        Turn::empty().and_call_without_input("read"),
    ];
    let server = MockServer::start(Script::in_order(turns)).await;
    let mut inputs = Vec::new();
    for _ in 0..2 {
        let events = post(&server, &go()).await.events();
        let deltas: Vec<String> = events
            .iter()
            .filter_map(|event| event["delta"]["partial_json"].as_str().map(str::to_owned))
            .collect();
        inputs.push(deltas);
    }
    assert_eq!(inputs, [vec![String::new(), "{\"path\": \"Par".to_owned()], vec![]]);
}

#[tokio::test]
async fn streams_fail_in_every_way_on_request() {
    let turn = || Turn::text("hello");
    let turns = [
        turn().cut_after(2),
        turn().short_after(2),
        turn().failing_after(2, "overloaded_error", "Overloaded"),
        turn().cut_after(usize::MAX),
        Turn::bytes("event: x\ndata: {\"type\": 1}\n\n"),
    ];
    let server = MockServer::start(Script::in_order(turns)).await;
    let cut = post(&server, &go()).await;
    assert_eq!((cut.types().len(), cut.is_whole), (2, false));
    let short = post(&server, &go()).await;
    assert_eq!((short.types().len(), short.is_whole), (2, true));
    let failed = post(&server, &go()).await;
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!((failed.status, failed.events().last()), (200, Some(&error)));
    let late = post(&server, &go()).await;
    assert_eq!((late.types().last().map(String::as_str), late.is_whole), (Some("message_delta"), false));
    assert_eq!(post(&server, &go()).await.text(), "event: x\ndata: {\"type\": 1}\n\n");
    server.assert_nothing_refused();
}

#[tokio::test]
async fn errors_come_with_their_real_body_and_headers() {
    let turns = [
        Turn::error(429, "rate_limit_error", "slow down")
            .with_header("retry-after", "7")
            .with_error_code("enforced_spend_limit_reached"),
        Turn::page(200, "<html>로그인</html>"),
    ];
    let server = MockServer::start(Script::in_order(turns)).await;
    let limited = post(&server, &go()).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
    let mut error = limited.json();
    assert_eq!(error["request_id"].as_str(), limited.header("request-id"));
    error["request_id"] = Value::Null;
    let details = json!({"error_code": "enforced_spend_limit_reached"});
    let expected = json!({"type": "rate_limit_error", "message": "slow down", "details": details});
    assert_eq!(error, json!({"type": "error", "error": expected, "request_id": null}));
    let page = post(&server, &go()).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.text(), "<html>로그인</html>");
}

#[tokio::test]
async fn a_silent_server_notices_when_the_client_leaves() {
    let turns = [Turn::silence(), Turn::text("hello").stalling_after(2)];
    let server = MockServer::start(Script::in_order(turns)).await;
    for _ in 0..2 {
        let mut client = Client::connect(server.address()).await;
        client.write("POST", MESSAGES, &KEYED, &go().to_string()).await;
        server.wait_for_answers(1).await;
        drop(client);
        server.wait_for_answers(0).await;
        server.wait_for_connections(0).await;
    }
    server.wait_for_requests(2).await;
}

#[tokio::test]
async fn a_server_hangs_up_on_request() {
    let server = MockServer::start(Script::in_order([Turn::hang_up()])).await;
    assert!(Client::connect(server.address()).await.post(&go()).await.is_none());
    server.wait_for_connections(0).await;
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = MockServer::start(Script::in_order([Turn::text("x")]).repeating_last()).await;
    let mut client = Client::connect(server.address()).await;
    for _ in 0..3 {
        assert_eq!(client.post(&go()).await.unwrap().status, 200);
    }
    assert_eq!((server.accepted_connections(), server.open_connections()), (1, 1));
    let connections: Vec<usize> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 1]);
}

#[tokio::test]
async fn a_server_that_ends_closes_its_connections() {
    let server = MockServer::start(Script::in_order([Turn::silence()])).await;
    let mut client = Client::connect(server.address()).await;
    let request = go();
    let (reply, ()) = tokio::join!(client.post(&request), async {
        server.wait_for_answers(1).await;
        server.shutdown().await;
    });
    assert!(reply.is_none());
}

#[tokio::test]
async fn a_server_that_is_dropped_closes_its_connections() {
    let server = MockServer::start(Script::in_order([Turn::silence()])).await;
    let mut client = Client::connect(server.address()).await;
    client.write("POST", MESSAGES, &KEYED, &go().to_string()).await;
    server.wait_for_answers(1).await;
    let shared = Arc::clone(&server.shared);
    drop(server);
    shared.connections.wait_until("no connection", |open| open == 0).await;
}

#[tokio::test]
async fn keys_and_versions_are_checked() {
    let server = MockServer::start(Script::in_order([Turn::text("x")]).repeating_last()).await;
    let bearer = format!("Bearer {TEST_KEY}");
    let version = ("anthropic-version", "2023-06-01");
    let cases = [
        (vec![("x-api-key", TEST_KEY), version], 200, ""),
        (vec![("authorization", &bearer), version], 200, ""),
        (vec![version], 401, "x-api-key header is required"),
        (vec![("x-api-key", "other"), version], 401, "invalid x-api-key"),
        (vec![("authorization", "Bearer other"), version], 401, "Invalid bearer token"),
        (vec![("x-api-key", TEST_KEY)], 400, "anthropic-version: header is required"),
        (vec![("x-api-key", TEST_KEY), ("anthropic-version", "2020-01-01")], 400, "is not a valid version"),
    ];
    for (headers, status, message) in cases {
        let reply = Client::connect(server.address()).await.post_as(&headers, &go()).await.unwrap();
        assert_eq!(reply.status, status, "{headers:?}");
        assert!(
            status == 200 || reply.json()["error"]["message"].as_str().unwrap().contains(message),
            "{reply:?}"
        );
    }
    assert_eq!(server.requests().iter().filter(|request| request.refused.is_some()).count(), 5);
}

#[tokio::test]
async fn other_paths_answer_as_the_service_does() {
    let settings = Settings::default().with_models(&["claude-test"]);
    let server = settings.start(Script::in_order([Turn::text("x")])).await.unwrap();
    let mut client = Client::connect(server.address()).await;
    let models = client.send("GET", MODELS, &KEYED, "").await.unwrap().json();
    assert_eq!((&models["data"][0]["id"], &models["has_more"]), (&json!("claude-test"), &json!(false)));
    let count = json!({"model": "claude-test", "messages": [{"role": "user", "content": "go"}]}).to_string();
    let counted = client.send("POST", COUNT_TOKENS, &KEYED, &count).await.unwrap().json();
    assert_eq!(counted, json!({"input_tokens": count.len() / 4}));
    assert_eq!(client.send("HEAD", "/", &[], "").await.unwrap().status, 404);
    let lost = client.send("GET", "/v1/lost", &[], "").await.unwrap();
    assert_eq!((lost.status, &lost.json()["error"]["type"]), (404, &json!("not_found_error")));
    assert_eq!(client.send("GET", MESSAGES, &KEYED, "").await.unwrap().status, 405);
    assert_eq!(
        client.send("POST", "/v1/messages?beta=true", &KEYED, &go().to_string()).await.unwrap().status,
        200
    );
    let mut unknown = go();
    unknown["model"] = json!("claude-unknown");
    assert_eq!(client.post(&unknown).await.unwrap().json()["error"]["message"], "model: claude-unknown");
}

#[tokio::test]
async fn requests_are_recorded_with_the_lane_that_answered() {
    let script = Script::new().agent("coder", [Turn::text("x")]).when_system_contains(
        "쪽지",
        "쪽지를",
        [Turn::text("y")],
    );
    let server = MockServer::start(script).await;
    for system in ["You are the coder.", "쪽지를 써라"] {
        let mut request = go();
        request["system"] = json!([{"type": "text", "text": system}]);
        assert_eq!(post(&server, &request).await.status, 200);
    }
    assert_eq!(server.requests_of("coder")[0].body["system"][0]["text"], "You are the coder.");
    assert_eq!(server.requests_of("쪽지").len(), 1);
    assert_eq!(server.requests()[0].header("x-api-key"), Some(TEST_KEY));
    assert_eq!(server.turns_left(), []);
}

#[tokio::test]
async fn a_script_that_does_not_fit_is_a_refusal_that_says_why() {
    let turn = Turn::text("x").expecting_last_user("go").expecting_tool_result("42");
    let server = MockServer::start(Script::in_order([turn])).await;
    let unmet = post(&server, &go()).await;
    let message = unmet.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "mock script: expected a tool result with \"42\", got \"\"");
    let exhausted = post(&server, &go()).await.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(exhausted.contains("anyone has 1 turns"), "{exhausted}");
    assert_eq!(server.requests()[0].refused, Some(message));
}

#[tokio::test]
async fn a_body_that_breaks_a_rule_is_refused_and_costs_no_turn() {
    let server = MockServer::start(Script::in_order([Turn::text("x")])).await;
    let prefilled = json!([{"role": "user", "content": "go"}, {"role": "assistant", "content": "I"}]);
    let refused = post(&server, &body(prefilled)).await;
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(server.turns_left(), [("anyone".to_owned(), 1)]);
    assert_eq!(post(&server, &go()).await.status, 200);
}

#[tokio::test]
async fn what_the_server_said_may_come_back_unchanged_only() {
    let web = json!({"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"q": "x"}});
    let turns = [
        Turn::thinking("secret").and_redacted_thinking("r1").and_block(web).stopping("pause_turn"),
        Turn::text("done"),
    ];
    let server = MockServer::start(Script::in_order(turns).repeating_last()).await;
    let mut request = go();
    request["stream"] = json!(false);
    let content = post(&server, &request).await.json()["content"].clone();
    let echo = |content: &Value| {
        body(json!([{"role": "user", "content": "go"}, {"role": "assistant", "content": content}]))
    };
    assert_eq!(post(&server, &echo(&content)).await.status, 200);
    let user = json!({"role": "user", "content": "and now?"});
    for (place, field) in [(0, "thinking"), (1, "data"), (2, "name")] {
        let mut edited = content.clone();
        edited[place][field] = json!("edited");
        let mut request = echo(&edited);
        request["messages"].as_array_mut().unwrap().push(user.clone());
        assert_eq!(post(&server, &request).await.status, 400, "{field}");
    }
}

#[tokio::test]
async fn an_unchecked_server_judges_and_keeps_no_bodies() {
    let server = Settings::default().unchecked().start(Script::in_order([Turn::text("x")])).await.unwrap();
    let orphan = json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "none"}]}]);
    assert_eq!(post(&server, &body(orphan)).await.status, 200);
    assert_eq!(server.requests()[0].body, Value::Null);
}
