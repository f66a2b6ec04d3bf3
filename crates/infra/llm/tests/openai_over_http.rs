//! `OpenAiModel` against a real HTTP server on loopback that writes scripted bytes. What proxies and names on the way do
//! is the same for every wire; `anthropic_over_http.rs` holds it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use better_llm_llm::{InvalidEndpoint, OpenAiModel, OpenAiSettings};
use domain::{
    model::{ModelErrorKind, ModelItem, ModelRequest},
    ports::ModelPort,
    secret::Secret,
};
use futures_util::StreamExt;
use support::{Server, StoppedClock, Write, ask, chunked, closing, head, request, status};

/// Thoughts, words and two calls, as section 2 of the protocol page has it.
const TWO_CALLS: &[u8] = include_bytes!("../fixtures/openai_two_calls.sse");
const SHOWN: &str = "Check 날씨 ☀️";

const LIST: &str =
    r#"{"object":"list","data":[{"id":"첫째:8b","object":"model","max_model_len":4096},{"id":"둘째"}]}"#;

fn settings(server: &Server, key: Option<&str>) -> OpenAiSettings {
    let base_url = format!("http://{}/v1/", server.address);
    OpenAiSettings { base_url, ..OpenAiSettings::new(key.and_then(Secret::new)) }
}

fn connected(settings: OpenAiSettings) -> OpenAiModel {
    OpenAiModel::new(settings, Arc::new(StoppedClock)).unwrap()
}

/// The answer to the question for the list of models, with which every first request to a local server begins.
fn listed() -> Vec<Write> {
    status("200 OK", "content-type: application/json\r\n", LIST)
}

/// A server that lists its models and then answers so.
async fn serving(answers: impl IntoIterator<Item = Vec<Write>>) -> Server {
    Server::start([listed()].into_iter().chain(answers).collect()).await
}

fn model(server: &Server) -> OpenAiModel {
    connected(settings(server, Some("sk-hush")))
}

/// The failure of a request that the server answers so.
async fn failure(writes: Vec<Write>) -> (ModelErrorKind, String) {
    let server = serving([writes]).await;
    let error = ask(&model(&server)).await.1.unwrap_err();
    (error.kind, error.what.replace(&server.address, "SERVER"))
}

fn data(chunks: &[&str]) -> Vec<u8> {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<String>().into_bytes()
}

/// O-4: any byte split gives the same values.
#[tokio::test]
async fn an_answer_streams_whatever_the_packets_are() {
    let server = serving([chunked(&[TWO_CALLS])]).await;
    let (_, whole) = ask(&model(&server)).await;
    let whole = whole.unwrap();
    assert_eq!((whole.message.tool_uses().count(), whole.usage.output_tokens), (2, 19));
    for size in (1..20).chain([64, 100, 1000]) {
        let pieces: Vec<&[u8]> = TWO_CALLS.chunks(size).collect();
        let server = serving([chunked(&pieces)]).await;
        let (shown, answer) = ask(&model(&server)).await;
        assert_eq!((shown.as_str(), answer.unwrap()), (SHOWN, whole.clone()), "{size}");
    }
}

/// O-4: a delta is there before the server has written what follows it.
#[tokio::test]
async fn a_delta_does_not_wait_for_the_rest_of_the_answer() {
    let text = String::from_utf8_lossy(TWO_CALLS);
    let middle = text.find("\n\n: a comment").unwrap() + 2;
    let mut writes = chunked(&[&TWO_CALLS[..middle], &TWO_CALLS[middle..]]);
    let (gate, opened) = support::gate();
    writes.insert(2, opened);
    let server = serving([writes]).await;
    let mut stream = model(&server).stream(request()).await.unwrap();
    let Some(Ok(ModelItem::TextDelta { text, .. })) = stream.next().await else { panic!("no text") };
    assert_eq!(text, "Check ");
    gate.add_permits(1);
    let rest: Vec<_> = stream.collect().await;
    assert!(matches!(rest.last(), Some(Ok(ModelItem::Answer(_)))), "{rest:?}");
}

#[tokio::test]
async fn a_key_is_sent_where_there_is_one_and_no_header_where_there_is_none() {
    for (key, header) in [(Some("sk-hush"), Some("Bearer sk-hush")), (None, None)] {
        let server = serving([chunked(&[TWO_CALLS])]).await;
        ask(&connected(settings(&server, key))).await.1.unwrap();
        let seen = server.requests();
        let lines: Vec<&str> = seen.iter().map(|request| request.line.as_str()).collect();
        assert_eq!(lines, ["GET /v1/models HTTP/1.1", "POST /v1/chat/completions HTTP/1.1"]);
        assert!(seen.iter().all(|request| request.header("authorization") == header), "{header:?}");
        assert!(seen.iter().all(|request| request.header("x-api-key").is_none()));
        let body: serde_json::Value = serde_json::from_slice(&seen[1].body).unwrap();
        assert_eq!((&body["model"], &body["stream"]), (&"첫째:8b".into(), &true.into()));
        assert_eq!(body["messages"][1], serde_json::json!({"role": "user", "content": "환불 👩‍👩‍👧"}));
    }
}

/// O-8: the list of models is asked for once, and not at all where a model is named.
#[tokio::test]
async fn the_list_of_models_is_asked_for_once() {
    let server = serving([chunked(&[TWO_CALLS]), chunked(&[TWO_CALLS])]).await;
    let model = model(&server);
    assert_eq!((model.resolve(None).as_str(), model.facts(None).context_window), ("default", None));
    for _ in 0..2 {
        ask(&model).await.1.unwrap();
    }
    assert_eq!(server.requests().iter().filter(|request| request.line.starts_with("GET")).count(), 1);
    assert_eq!((model.resolve(None).as_str(), model.facts(None).context_window), ("첫째:8b", Some(4096)));

    let server = Server::start(vec![chunked(&[TWO_CALLS])]).await;
    let named = ModelRequest { model: Some("둘째".into()), ..request() };
    let stream = connected(settings(&server, None)).stream(named).await.unwrap();
    stream.collect::<Vec<_>>().await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_list_that_is_none_is_told_and_asked_for_again() {
    let broken = [
        (status("200 OK", "", "<html>"), ModelErrorKind::Malformed, "no list of models"),
        (status("200 OK", "", r#"{"data":[]}"#), ModelErrorKind::Rejected, "lists no model"),
        (status("401 Unauthorized", "", "{}"), ModelErrorKind::Credentials, "OPENAI_API_KEY"),
        (vec![Write::Close], ModelErrorKind::Cut, "before an answer came"),
    ];
    for (writes, kind, words) in broken {
        let server = Server::start(vec![writes, listed(), chunked(&[TWO_CALLS])]).await;
        let model = model(&server);
        let error = ask(&model).await.1.unwrap_err();
        assert!(
            error.kind == kind && error.what.contains(words) && error.what.contains("/v1/models"),
            "{error:?}"
        );
        assert!(ask(&model).await.1.is_ok(), "{words}");
    }
}

#[tokio::test]
async fn one_connection_serves_the_list_and_one_answer_after_the_other() {
    let pieces: Vec<&[u8]> = TWO_CALLS.chunks(9).collect();
    let server = serving([chunked(&[TWO_CALLS]), chunked(&pieces)]).await;
    let model = model(&server);
    ask(&model).await.1.unwrap();
    ask(&model).await.1.unwrap();
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_dropped_stream_ends_its_request() {
    let (gate, never) = support::gate();
    let mut writes = chunked(&[&TWO_CALLS[..TWO_CALLS.len() / 2]]);
    writes.truncate(2);
    writes.push(never);
    let server = serving([writes]).await;
    let mut stream = model(&server).stream(request()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(_))));
    drop(stream);
    server.peer_closed().await;
    drop(gate);
}

/// P33, P35, P37: what may pass is told from what stays.
#[tokio::test]
async fn a_refusal_is_told_with_the_servers_words_and_its_request_id() {
    let body =
        r#"{"error":{"message":"너무 많음","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
    let (kind, what) =
        failure(status("429 Too Many Requests", "retry-after: 7\r\nx-request-id: req_9\r\n", body)).await;
    assert_eq!(kind, ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(7)) });
    assert_eq!(what, "http://SERVER/v1/chat/completions: HTTP 429, requests: 너무 많음 (request-id req_9)");

    let spent = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let long = r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    let loading = r#"{"error":{"code":503,"message":"Loading model"}}"#;
    for (line, body, expected) in [
        ("401 Unauthorized", "{}", ModelErrorKind::Credentials),
        ("400 Bad Request", "{}", ModelErrorKind::Rejected),
        ("400 Bad Request", long, ModelErrorKind::TooLong),
        ("402 Payment Required", "{}", ModelErrorKind::Rejected),
        ("404 Not Found", "{}", ModelErrorKind::Rejected),
        ("429 Too Many Requests", spent, ModelErrorKind::Rejected),
        ("503 Service Unavailable", loading, ModelErrorKind::Unavailable { retry_after: None }),
    ] {
        assert_eq!(failure(status(line, "", body)).await.0, expected, "{line} {body}");
    }
}

#[tokio::test]
async fn a_key_that_a_server_repeats_is_not_told() {
    let key = "sk-hush-hush-hush";
    let body = format!(r#"{{"error":{{"message":"Incorrect key: {key}.","code":"invalid_api_key"}}}}"#);
    let server = serving([status("401 Unauthorized", "", &body)]).await;
    let error = ask(&connected(settings(&server, Some(key)))).await.1.unwrap_err();
    let (kind, what) = (error.kind, error.what);
    assert!(kind == ModelErrorKind::Credentials && !what.contains(key), "{what}");
    assert!(what.contains("check OPENAI_API_KEY"), "{what}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(vec![chunked(&[TWO_CALLS])]).await;
    let location = format!("location: http://{}/v1/chat/completions\r\n", elsewhere.address);
    let (kind, what) = failure(status("307 Temporary Redirect", &location, "")).await;
    assert_eq!(kind, ModelErrorKind::Rejected);
    assert!(what.contains("redirects are not followed"), "{what}");
    assert_eq!(elsewhere.connections(), 0);
}

/// P36: a page, or an error, with HTTP 200.
#[tokio::test]
async fn success_without_a_stream_of_events_is_malformed() {
    let page = "<html><title>로그인</title></html>";
    let (kind, what) = failure(status("200 OK", "content-type: text/html; charset=utf-8\r\n", page)).await;
    assert_eq!(kind, ModelErrorKind::Malformed);
    assert!(what.contains("`text/html; charset=utf-8`") && what.contains("로그인"), "{what}");

    let busy = r#"{"error":{"message":"busy","type":"server_error","code":null}}"#;
    let (kind, _) = failure(status("200 OK", "content-type: application/json\r\n", busy)).await;
    assert_eq!(kind, ModelErrorKind::Unavailable { retry_after: None });
}

/// P26.
#[tokio::test]
async fn a_connection_that_breaks_is_cut_before_and_within_an_answer() {
    assert_eq!(failure(vec![Write::Close]).await.0, ModelErrorKind::Cut);
    let half = &TWO_CALLS[..TWO_CALLS.len() / 2];
    let mut within = chunked(&[half]);
    within.truncate(2);
    within.push(Write::Close);
    assert_eq!(failure(within).await.0, ModelErrorKind::Cut);
    assert_eq!(failure(chunked(&[half])).await.0, ModelErrorKind::Cut, "it ends well, the answer does not");
    let server = serving([closing(TWO_CALLS)]).await;
    assert!(ask(&model(&server)).await.1.is_ok(), "an answer may end with its connection");
}

/// A connection that breaks is no end, whatever the answer had come to.
#[tokio::test]
async fn an_end_without_done_is_one_only_where_the_body_ends() {
    let spoken = data(&[
        r#"{"choices":[{"delta":{"content":"네"}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    ]);
    let server = serving([chunked(&[&spoken])]).await;
    assert_eq!(ask(&model(&server)).await.1.unwrap().message.text(), "네");
    let mut broken = chunked(&[&spoken]);
    broken.truncate(2);
    broken.push(Write::Close);
    assert_eq!(failure(broken).await.0, ModelErrorKind::Cut);
}

#[tokio::test]
async fn answers_that_hold_nothing_or_nonsense_are_typed() {
    let empty = failure(chunked(&[b""])).await;
    assert!(empty.0 == ModelErrorKind::Cut && empty.1.contains("ended before the answer did"), "{empty:?}");
    let silent = data(&[r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}"#, "[DONE]"]);
    let silent = failure(chunked(&[&silent])).await;
    assert!(silent.0 == ModelErrorKind::Cut && silent.1.contains("without a word"), "{silent:?}");
    let nonsense = failure(chunked(&[b"data: {\"choices\":[{\"del\n\n"])).await;
    assert!(nonsense.0 == ModelErrorKind::Malformed, "{nonsense:?}");
    let error = data(&[
        r#"{"choices":[{"delta":{"content":"반"}}]}"#,
        r#"{"error":{"message":"busy","type":"overloaded","code":503}}"#,
    ]);
    let (kind, what) = failure(chunked(&[&error])).await;
    assert_eq!(kind, ModelErrorKind::Unavailable { retry_after: None });
    assert!(what.ends_with("the server gave up in the stream, overloaded: busy"), "{what}");
}

#[tokio::test]
async fn a_large_or_unfinished_error_body_is_cut_and_still_told() {
    let megabyte = "x".repeat(1 << 20);
    let (kind, what) = failure(status("500 Internal Server Error", "", &megabyte)).await;
    assert_eq!(kind, ModelErrorKind::Unavailable { retry_after: None });
    assert!(what.len() < 3_000 && what.contains("bytes left out"), "{}", what.len());
}

/// P32, P36: silence and endless events have their bounds.
#[tokio::test]
async fn a_server_that_says_nothing_or_no_end_is_given_up() {
    let (_gate, never) = support::gate();
    let (_second, never_again) = support::gate();
    let (_third, nor_the_list) = support::gate();
    let silent =
        [vec![listed(), vec![never]], vec![listed(), vec![head(), never_again]], vec![vec![nor_the_list]]];
    for answers in silent {
        let server = Server::start(answers).await;
        let brief =
            OpenAiSettings { first_byte_timeout: Duration::from_millis(100), ..settings(&server, None) };
        assert_eq!(ask(&connected(brief)).await.1.unwrap_err().kind, ModelErrorKind::Silent);
    }
    let endless = [b"data: ".as_slice(), &vec![b'x'; 9 << 20]].concat();
    assert_eq!(failure(chunked(&[&endless])).await.0, ModelErrorKind::Malformed);
}

/// P34.
#[tokio::test]
async fn nobody_listening_is_unreachable_and_said_with_the_address() {
    let server = Server::start(vec![]).await;
    let settings = settings(&server, None);
    let address = server.address.clone();
    server.stop().await;
    let error = ask(&connected(settings)).await.1.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unreachable);
    assert!(error.what.contains(&address) && error.source.is_some(), "{error:?}");
    assert!(error.what.contains("refused: nobody listens there"), "{}", error.what);
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_and_not_shown() {
    let settings = OpenAiSettings::new(Secret::new("sk-hush\nsecond line"));
    let error = OpenAiModel::new(settings, Arc::new(StoppedClock)).unwrap_err();
    assert!(matches!(error, InvalidEndpoint::ApiKey { provider: "openai" }));
    assert!(!format!("{error} {error:?}").contains("hush"));
}
