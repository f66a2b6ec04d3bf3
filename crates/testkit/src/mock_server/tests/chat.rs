//! The same scripts over Chat Completions.

use super::*;

fn asking(messages: Value) -> Value {
    json!({"model": "gpt-4.1", "stream": true, "stream_options": {"include_usage": true}, "messages": messages})
}

fn hello() -> Value {
    asking(json!([{"role": "user", "content": "go"}]))
}

async fn post_chat(server: &MockServer, body: &Value) -> client::Reply {
    let bearer = format!("Bearer {}", server.key());
    let headers = [("authorization", bearer.as_str())];
    let sent = if server.key().is_empty() { &[] } else { &headers[..] };
    Client::connect(server.address()).await.send("POST", CHAT, sent, &body.to_string()).await.unwrap()
}

/// The chunks of a stream, without what no client reads.
fn chunks(reply: &client::Reply) -> Vec<Value> {
    let data = reply.text().replace("\r\n", "\n");
    let data = data.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn deltas(reply: &client::Reply) -> Vec<Value> {
    let mut chunks = chunks(reply);
    chunks.retain(|chunk| chunk["choices"][0]["delta"].is_object());
    chunks.iter().map(|chunk| chunk["choices"][0]["delta"].clone()).collect()
}

fn working() -> Turn {
    let usage = Usage { input_tokens: 39, output_tokens: 19, cache_read_tokens: 7, cache_write_tokens: 3 };
    let turn = Turn::thinking("흠").and_text("확인").and_call_named("call_1", "read", json!({"path": "가"}));
    turn.and_call_named("call_2", "glob", json!({})).costing(usage)
}

#[tokio::test]
async fn an_answer_streams_as_chat_completions_do() {
    let server = MockServer::start(Script::in_order([working()])).await;
    let reply = post_chat(&server, &hello()).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream; charset=utf-8")));
    assert!(reply.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
    let piece =
        |index: usize, function: Value| json!({"tool_calls": [{"index": index, "function": function}]});
    let begun = |index: usize, id: &str, name: &str| json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]});
    assert_eq!(
        deltas(&reply),
        [
            json!({"role": "assistant", "content": "", "refusal": null}),
            json!({"reasoning_content": "흠"}),
            json!({"content": "확인"}),
            begun(0, "call_1", "read"),
            piece(0, json!({"arguments": "{\"path\":\"가\"}"})),
            begun(1, "call_2", "glob"),
            piece(1, json!({"arguments": "{}"})),
            json!({}),
        ]
    );
    let chunks = chunks(&reply);
    let ends: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]).collect();
    assert_eq!(ends[ends.len() - 2..], [&json!("tool_calls"), &Value::Null]);
    let counts = json!({
        "prompt_tokens": 49, "completion_tokens": 19, "total_tokens": 68,
        "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 0},
    });
    let last = chunks.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &counts));
    assert!(reply.text().ends_with("data: [DONE]\n\n"));
    server.assert_nothing_refused();
}

#[tokio::test]
async fn an_answer_without_a_stream_is_one_completion() {
    let server = MockServer::start(Script::in_order([working()])).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}]});
    let answer = post_chat(&server, &body).await.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!((&message["content"], &answer["usage"]["total_tokens"]), (&json!("확인"), &json!(68)));
    assert_eq!(
        message["tool_calls"][0]["function"],
        json!({"name": "read", "arguments": "{\"path\":\"가\"}"})
    );
    assert_eq!(
        (&answer["choices"][0]["finish_reason"], &answer["model"]),
        (&json!("tool_calls"), &json!("m"))
    );
}

/// One script, both protocols: what goes wrong does so at the same place.
#[tokio::test]
async fn a_script_fails_at_the_same_place_over_both_protocols() {
    let turn = || Turn::text("hello").and_call("read", json!({}));
    let turns = [
        turn().cut_after(3),
        turn().short_after(usize::MAX),
        turn().failing_after(3, "overloaded_error", "busy"),
    ];
    let doubled = turns.into_iter().flat_map(|turn| [turn.clone(), turn]);
    let server = MockServer::start(Script::in_order(doubled)).await;
    for (is_whole, call, last) in [(false, false, None), (true, true, None), (true, false, Some("busy"))] {
        let messages = post(&server, &go()).await;
        let chat = post_chat(&server, &hello()).await;
        assert_eq!((messages.is_whole, chat.is_whole), (is_whole, is_whole));
        for text in [messages.text(), chat.text()] {
            assert!(
                text.contains("hello")
                    && !text.contains("message_stop")
                    && !text.contains("finish_reason\":\"")
            );
            assert_eq!(text.contains("\"name\":\"read\""), call, "{text}");
        }
        let errors =
            [messages.events(), chunks(&chat)].map(|mut events| events.pop().unwrap()["error"].clone());
        assert_eq!(
            errors.map(|error| error["message"].as_str().map(str::to_owned)),
            [last, last].map(|last| last.map(str::to_owned))
        );
    }
}

#[tokio::test]
async fn chunks_are_the_same_however_they_are_cut_and_framed() {
    let turns = [
        working(),
        working().in_pieces(Pieces::Bytes(1)),
        working().in_pieces(Pieces::Events),
        working().with_crlf().with_comments().with_pings().with_unknown_events(),
    ];
    let server = MockServer::start(Script::in_order(turns)).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let reply = post_chat(&server, &hello()).await;
        assert!(reply.is_whole);
        seen.push(deltas(&reply));
    }
    assert!(seen[1..].iter().all(|deltas| *deltas == seen[0]));
}

#[tokio::test]
async fn each_server_tells_an_answer_in_its_own_way() {
    let check = async |flavour: Flavour, told: &[&str], untold: &[&str]| {
        let script = Script::in_order([working()]);
        let server = Settings::default().flavoured(flavour).start(script).await.unwrap();
        let text = post_chat(&server, &hello()).await.text();
        let missing: Vec<_> = told.iter().filter(|words| !text.contains(**words)).collect();
        let extra: Vec<_> = untold.iter().filter(|words| text.contains(**words)).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{missing:?} {extra:?}: {text}");
    };
    let whole = "\"arguments\":\"{\\\"path\\\":\\\"가\\\"}\"";
    check(Flavour::OPENAI, &["obfuscation", "\"usage\":null", "[DONE]"], &[": OPEN"]).await;
    check(Flavour::OLLAMA, &["\"reasoning\":", whole, "\"finish_reason\":\"stop\""], &["\"index\":1"]).await;
    check(Flavour::VLLM, &["reasoning_content", "\"reasoning\":", "\"completion_tokens\":1,"], &["obfus"])
        .await;
    check(Flavour::LLAMA_CPP, &["\"finish_reason\":\"tool_calls\"}],\"usage\":"], &["\"usage\":null"]).await;
    check(Flavour::LM_STUDIO, &["\"id\":\"\"", "\"name\":\"\""], &["call_1"]).await;
    check(Flavour::OPEN_ROUTER, &[": OPENROUTER PROCESSING\n\n"], &["obfus"]).await;
    check(Flavour::LITELLM, &["[{\"index\":0,\"delta\":{}}]"], &["\"finish_reason\":null"]).await;
    check(Flavour::ODD, &["\"arguments\":{\"path\""], &["[DONE]", "reasoning_content", "prompt_tokens"])
        .await;
    check(Flavour::FROM_ONE, &["\"index\":2,\"id\":\"call_2\""], &["[DONE]"]).await;
}

#[tokio::test]
async fn a_server_gives_up_in_its_own_way() {
    let check = async |flavour: Flavour, end: &str| {
        let turn = Turn::text("x").failing_after(3, "api_error", "busy");
        let server = Settings::default().flavoured(flavour).start(Script::in_order([turn])).await.unwrap();
        let text = post_chat(&server, &hello()).await.text();
        assert!(text.ends_with(end), "{text}");
    };
    let error = "{\"message\":\"busy\",\"type\":\"api_error\",\"param\":null,\"code\":500}";
    check(Flavour::OPENAI, &format!("data: {{\"error\":{}}}\n\n", error.replace("500", "null"))).await;
    check(Flavour::VLLM, &format!("data: {{\"error\":{error}}}\n\ndata: [DONE]\n\n")).await;
    check(Flavour::LLAMA_CPP, &format!("error: {error}\n\n")).await;
    check(Flavour::OLD_VLLM, "data: {\"object\":\"error\",\"message\":\"busy\"}\n\n").await;
    check(Flavour::OPEN_ROUTER, &format!("\"finish_reason\":\"error\"}}],\"error\":{error}}}\n\n")).await;
}

#[tokio::test]
async fn keys_are_checked_and_local_servers_ask_for_none() {
    let ask = async |server: &MockServer, header: Option<&str>| {
        let headers: Vec<(&str, &str)> = header.into_iter().map(|value| ("authorization", value)).collect();
        let reply = Client::connect(server.address())
            .await
            .send("POST", CHAT, &headers, &hello().to_string())
            .await
            .unwrap();
        (reply.status, (reply.status == 401).then(|| reply.json()["error"]["code"].clone()))
    };
    let script = || Script::in_order([Turn::text("x")]).repeating_last();
    let server = MockServer::start(script()).await;
    assert_eq!(ask(&server, Some(&format!("Bearer {TEST_KEY}"))).await, (200, None));
    assert_eq!(ask(&server, None).await, (401, Some(Value::Null)));
    assert_eq!(ask(&server, Some("Bearer other")).await, (401, Some(json!("invalid_api_key"))));
    let local = Settings::default().without_key().start(script()).await.unwrap();
    assert_eq!(ask(&local, None).await, (200, None));
    assert_eq!(ask(&local, Some("Bearer any")).await, (200, None));
    assert_eq!(ask(&local, Some("Bearer ")).await, (401, Some(Value::Null)));
}

#[tokio::test]
async fn models_paths_and_bodies_are_judged_as_the_service_does() {
    let settings = Settings::default().with_models(&["gpt-4.1"]);
    let server = settings.start(Script::in_order([Turn::text("x")])).await.unwrap();
    let mut client = Client::connect(server.address()).await;
    let bearer = format!("Bearer {TEST_KEY}");
    let keyed = [("authorization", bearer.as_str())];
    let models = client.send("GET", MODELS, &keyed, "").await.unwrap().json();
    assert_eq!((&models["object"], &models["data"][0]["id"]), (&json!("list"), &json!("gpt-4.1")));
    let lost = client.send("GET", "/v1/lost", &keyed, "").await.unwrap();
    assert_eq!((lost.status, &lost.json()["error"]["message"]), (404, &json!("Invalid URL (GET /v1/lost)")));
    assert_eq!(client.send("GET", CHAT, &keyed, "").await.unwrap().status, 405);
    let mut unknown = hello();
    unknown["model"] = json!("gpt-9");
    let refused = post_chat(&server, &unknown).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (404, &json!("model_not_found")));
    let called = json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "x", "arguments": ""}}]});
    let refused = post_chat(&server, &asking(json!([called, {"role": "user", "content": "go"}]))).await;
    let error = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, &error["type"], &error["param"]),
        (400, &json!("invalid_request_error"), &json!("messages[1]"))
    );
    assert_eq!(server.turns_left(), [("anyone".to_owned(), 1)], "a refusal costs no turn");
}

#[tokio::test]
async fn agents_and_what_they_were_told_are_known_over_chat_completions() {
    let script = Script::new()
        .agent("coder", [Turn::text("y").expecting_tool_result("둘").expecting_last_user("어서")]);
    let server = MockServer::start(script).await;
    let call = json!({"id": "a", "type": "function", "function": {"name": "read", "arguments": "{}"}});
    let body = asking(json!([
        {"role": "system", "content": "You are the coder."},
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "둘째"},
        {"role": "user", "content": "어서"},
    ]));
    let reply = post_chat(&server, &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(server.requests_of("coder")[0].body, body);
}
