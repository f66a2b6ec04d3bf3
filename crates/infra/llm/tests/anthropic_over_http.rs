//! `AnthropicModel` against a real HTTP server on loopback that writes scripted bytes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use better_llm_llm::{AnthropicModel, AnthropicSettings, InvalidEndpoint, Proxies};
use domain::{
    model::{ModelErrorKind, ModelItem},
    ports::ModelPort,
    secret::Secret,
};
use futures_util::StreamExt;
use support::{Server, StoppedClock, Write, ask, chunked, closing, head, request, status};

const KOREAN: &[u8] = include_bytes!("../fixtures/korean.sse");

fn settings(server: &Server) -> AnthropicSettings {
    let key = Secret::new("sk-hush").unwrap();
    AnthropicSettings { base_url: format!("http://{}/", server.address), ..AnthropicSettings::new(key) }
}

fn model(server: &Server) -> AnthropicModel {
    connected(settings(server))
}

fn connected(settings: AnthropicSettings) -> AnthropicModel {
    AnthropicModel::new(settings, Arc::new(StoppedClock)).unwrap()
}

/// The failure of a request that the server answers so.
async fn failure(writes: Vec<Write>) -> (ModelErrorKind, String) {
    let server = Server::start(vec![writes]).await;
    let error = ask(&model(&server)).await.1.unwrap_err();
    (error.kind, error.what.replace(&server.address, "SERVER"))
}

const ANSWER: &str = "환불 기능을 추가했습니다 👩‍👩‍👧😀 مرحبا\n";

/// O-4: text appears as it is produced.
#[tokio::test]
async fn an_answer_streams_whatever_the_packets_are() {
    for size in [1, 2, 7, 100, KOREAN.len()] {
        let pieces: Vec<&[u8]> = KOREAN.chunks(size).collect();
        let server = Server::start(vec![chunked(&pieces)]).await;
        let (shown, answer) = ask(&model(&server)).await;
        let answer = answer.unwrap();
        assert_eq!((shown.as_str(), answer.message.text().as_str()), (ANSWER, ANSWER));
        assert_eq!(answer.model, "claude-opus-5-5");
    }
}

/// O-4: a delta is there before the server has written what follows it.
#[tokio::test]
async fn a_delta_does_not_wait_for_the_rest_of_the_answer() {
    let middle = String::from_utf8_lossy(KOREAN).find("추가했습니다").unwrap();
    let mut writes = chunked(&[&KOREAN[..middle], &KOREAN[middle..]]);
    let (gate, opened) = support::gate();
    writes.insert(2, opened);
    let server = Server::start(vec![writes]).await;
    let mut stream = model(&server).stream(request()).await.unwrap();
    let Some(Ok(ModelItem::TextDelta { text, .. })) = stream.next().await else { panic!("no text") };
    assert_eq!(text, "환불 기능을 ");
    gate.add_permits(1);
    let rest: Vec<_> = stream.collect().await;
    assert!(matches!(rest.last(), Some(Ok(ModelItem::Answer(_)))), "{rest:?}");
}

#[tokio::test]
async fn a_request_carries_key_version_and_body() {
    let server = Server::start(vec![chunked(&[KOREAN])]).await;
    ask(&model(&server)).await.1.unwrap();
    let seen = server.requests().remove(0);
    assert_eq!(seen.line, "POST /v1/messages HTTP/1.1");
    for (name, value) in
        [("x-api-key", "sk-hush"), ("anthropic-version", "2023-06-01"), ("content-type", "application/json")]
    {
        assert_eq!(seen.header(name), Some(value));
    }
    assert_eq!(seen.header("authorization"), None);
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!((&body["model"], &body["stream"]), (&"claude-opus-5-5".into(), &true.into()));
    assert_eq!(body["messages"][0]["content"][0]["text"], "환불 👩‍👩‍👧");
}

#[tokio::test]
async fn one_connection_serves_one_answer_after_the_other() {
    let server =
        Server::start(vec![chunked(&[KOREAN]), chunked(&KOREAN.chunks(9).collect::<Vec<_>>())]).await;
    let model = model(&server);
    ask(&model).await.1.unwrap();
    ask(&model).await.1.unwrap();
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}

#[tokio::test]
async fn a_dropped_stream_ends_its_request() {
    let (gate, never) = support::gate();
    let mut writes = chunked(&[&KOREAN[..KOREAN.len() / 2]]);
    writes.truncate(2);
    writes.push(never);
    let server = Server::start(vec![writes]).await;
    let mut stream = model(&server).stream(request()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(_))));
    drop(stream);
    server.peer_closed().await;
    drop(gate);
}

#[tokio::test]
async fn a_refusal_is_told_with_the_servers_words_and_its_request_id() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"너무 많음"}}"#;
    let (kind, what) =
        failure(status("429 Too Many Requests", "retry-after: 7\r\nrequest-id: req_9\r\n", body)).await;
    assert_eq!(kind, ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(7)) });
    assert_eq!(what, "http://SERVER/v1/messages: HTTP 429, rate_limit_error: 너무 많음 (request-id req_9)");

    for (line, expected) in [
        ("401 Unauthorized", ModelErrorKind::Credentials),
        ("400 Bad Request", ModelErrorKind::Rejected),
        ("404 Not Found", ModelErrorKind::Rejected),
        ("529 Overloaded", ModelErrorKind::Unavailable { retry_after: None }),
    ] {
        assert_eq!(failure(status(line, "", "{}")).await.0, expected, "{line}");
    }
}

#[tokio::test]
async fn a_large_or_unfinished_error_body_is_cut_and_still_told() {
    let megabyte = "x".repeat(1 << 20);
    let (kind, what) = failure(status("500 Internal Server Error", "", &megabyte)).await;
    assert_eq!(kind, ModelErrorKind::Unavailable { retry_after: None });
    assert!(what.len() < 3_000 && what.contains("bytes left out"), "{}", what.len());

    let unfinished =
        vec![Write::Bytes(b"HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nbusy".to_vec()), Write::Close];
    let (kind, what) = failure(unfinished).await;
    assert_eq!(kind, ModelErrorKind::Unavailable { retry_after: None });
    assert!(what.ends_with("HTTP 503, busy"), "{what}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(vec![chunked(&[KOREAN])]).await;
    let location = format!("location: http://{}/v1/messages\r\n", elsewhere.address);
    let (kind, what) = failure(status("307 Temporary Redirect", &location, "")).await;
    assert_eq!(kind, ModelErrorKind::Rejected);
    assert!(what.contains("redirects are not followed"), "{what}");
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn loopback_is_reached_without_the_proxy_of_the_environment() {
    let reached = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_request_carries_key_version_and_body"])
        .env_clear()
        .envs([("HTTP_PROXY", "http://127.0.0.1:1"), ("ALL_PROXY", "http://127.0.0.1:1")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&reached.stdout);
    assert!(reached.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn success_without_a_stream_of_events_is_malformed() {
    let page = "<html><title>로그인</title></html>";
    let (kind, what) = failure(status("200 OK", "content-type: text/html; charset=utf-8\r\n", page)).await;
    assert_eq!(kind, ModelErrorKind::Malformed);
    assert!(what.contains("`text/html; charset=utf-8`") && what.contains("로그인"), "{what}");

    let busy = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let (kind, _) = failure(status("200 OK", "content-type: application/json\r\n", busy)).await;
    assert_eq!(kind, ModelErrorKind::Unavailable { retry_after: None });
}

#[tokio::test]
async fn a_connection_that_breaks_is_cut_before_and_within_an_answer() {
    assert_eq!(failure(vec![Write::Close]).await.0, ModelErrorKind::Cut);
    let mut within = chunked(&[&KOREAN[..KOREAN.len() / 2]]);
    within.truncate(2);
    within.push(Write::Close);
    assert_eq!(failure(within).await.0, ModelErrorKind::Cut);
    let ended_well = chunked(&[&KOREAN[..KOREAN.len() / 2]]);
    assert_eq!(failure(ended_well).await.0, ModelErrorKind::Cut);
    let server = Server::start(vec![closing(KOREAN)]).await;
    assert!(ask(&model(&server)).await.1.is_ok(), "an answer may end with its connection");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_silent() {
    let (_gate, never) = support::gate();
    let (_second, never_again) = support::gate();
    for writes in [vec![never], vec![head(), never_again]] {
        let server = Server::start(vec![writes]).await;
        let brief = AnthropicSettings { first_byte_timeout: Duration::from_millis(30), ..settings(&server) };
        let error = ask(&connected(brief)).await.1.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::Silent);
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable_and_said_with_the_address() {
    let server = Server::start(vec![]).await;
    let settings = settings(&server);
    let address = server.address.clone();
    server.stop().await;
    let error = ask(&connected(settings)).await.1.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unreachable);
    assert!(error.what.contains(&address) && error.source.is_some(), "{error:?}");
    assert!(error.what.contains("refused: nobody listens there"), "P34: {}", error.what);
}

/// P34: the cause is named.
#[tokio::test]
async fn a_name_without_an_address_and_a_server_without_tls_are_told_apart() {
    let failed = async |base_url: String| {
        let settings = AnthropicSettings::new(Secret::new("sk-hush").unwrap());
        let error = ask(&connected(AnthropicSettings { base_url, ..settings })).await.1;
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.source.is_some()), (ModelErrorKind::Unreachable, true));
        error.what
    };
    // A label that is too long for any name server, so that none is asked.
    let what = failed(format!("http://{}.test", "m".repeat(70))).await;
    assert!(what.contains("its name has no address (DNS)"), "{what}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut peer, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        peer
    });
    let what = failed(format!("https://{address}")).await;
    drop(server.await.unwrap());
    assert!(what.contains("no trusted encrypted connection (TLS)"), "{what}");
}

/// A model at `base_url` behind a proxy on loopback.
fn behind(proxy: &Server, base_url: &str, exceptions: Option<&str>) -> AnthropicModel {
    let address = Secret::new(&format!("http://me:hu%40sh@{}", proxy.address));
    let proxies =
        Proxies { https: address.clone(), http: address, exceptions: exceptions.map(str::to_owned) };
    let key = Secret::new("sk-hush").unwrap();
    let settings = AnthropicSettings::new(key);
    connected(AnthropicSettings { base_url: base_url.to_owned(), proxies, ..settings })
}

#[tokio::test]
async fn a_plain_endpoint_is_asked_through_its_proxy_with_the_proxys_password() {
    let proxy = Server::start(vec![chunked(&[KOREAN])]).await;
    let model = behind(&proxy, "http://models.test", None);
    assert_eq!(ask(&model).await.1.unwrap().message.text(), ANSWER);
    let [seen] = &proxy.requests()[..] else { panic!() };
    assert_eq!(seen.line, "POST http://models.test/v1/messages HTTP/1.1");
    // `me:hu@sh` in base 64.
    assert_eq!(seen.header("proxy-authorization"), Some("Basic bWU6aHVAc2g="));
    assert!(!format!("{model:?}").contains("hu"), "{model:?}");
}

#[tokio::test]
async fn an_encrypted_endpoint_is_reached_through_a_tunnel_that_learns_nothing() {
    let proxy = Server::start(vec![status("403 Forbidden", "", "")]).await;
    let error = ask(&behind(&proxy, "https://models.test", None)).await.1.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unreachable);
    let [seen] = &proxy.requests()[..] else { panic!() };
    assert_eq!(seen.line, "CONNECT models.test:443 HTTP/1.1");
    assert_eq!(seen.header("x-api-key"), None);
}

#[tokio::test]
async fn this_machine_and_the_exceptions_are_never_asked_through_a_proxy() {
    let proxy = Server::start(vec![]).await;
    let server = Server::start(vec![chunked(&[KOREAN])]).await;
    let direct = behind(&proxy, &format!("http://{}", server.address), None);
    assert!(ask(&direct).await.1.is_ok());
    // A label that is too long for any name server, so that none is asked: what matters is that no proxy is.
    let host = format!("{}.test", "m".repeat(70));
    let excepted = behind(&proxy, &format!("http://{host}"), Some(&format!("other.test, {host}")));
    assert_eq!(ask(&excepted).await.1.unwrap_err().kind, ModelErrorKind::Unreachable);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_and_not_shown() {
    let settings = AnthropicSettings::new(Secret::new("sk-hush\nsecond line").unwrap());
    let error = AnthropicModel::new(settings, Arc::new(StoppedClock)).unwrap_err();
    assert!(matches!(error, InvalidEndpoint::ApiKey { .. }));
    assert!(!format!("{error} {error:?}").contains("hush"));
}

#[test]
fn the_port_names_provider_model_and_window() {
    let model = connected(AnthropicSettings::new(Secret::new("k").unwrap()));
    assert_eq!(model.provider(), "anthropic");
    assert_eq!(model.resolve(None), "claude-sonnet-5-5");
    assert_eq!(model.resolve(Some("claude-sonnet-4")), "claude-sonnet-5-5");
    assert_eq!(model.facts(Some("claude-haiku-4-5")).context_window, Some(200_000));
    assert_eq!(model.facts(Some("my-model")).context_window, None);
}
