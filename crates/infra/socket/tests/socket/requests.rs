//! What is asked and how it is answered.

use domain::session::Command;
use serde_json::json;

use crate::support::{OneSession, Stage};

#[tokio::test]
async fn every_request_is_answered_by_the_number_of_its_line() {
    let stage = Stage::new(3).await;
    let mut client = stage.client().await;
    let (id, other) = (OneSession::id().to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let sessions = json!([
        {"session_id": id, "cwd": "/작업", "last_seq": 3, "state": "round", "round": 2}
    ]);
    assert_eq!(
        client.ask(r#"{"v":1,"type":"list"}"#).await,
        json!({"v": 1, "type": "sessions", "line": 1, "pid": std::process::id(), "sessions": sessions})
    );
    let message = json!({"type": "message", "session_id": id, "text": "환불도"}).to_string();
    assert_eq!(client.ask(&message).await, json!({"v": 1, "type": "taken", "line": 2}));
    assert_eq!(*stage.session.told.lock().unwrap(), [Command::Message("환불도".to_owned())]);
    let answer = json!({"type": "answer", "session_id": id, "question_id": other, "text": "응"}).to_string();
    assert_eq!(
        client.ask(&answer).await,
        json!({"v": 1, "type": "refused", "line": 3, "code": "no_question", "text": "아니요"})
    );
    let elsewhere = json!({"type": "watch", "session_id": other}).to_string();
    assert_eq!(client.ask(&elsewhere).await["code"], "no_such_session");
}

#[tokio::test]
async fn a_bad_line_is_told_and_the_connection_goes_on() {
    let stage = Stage::new(0).await;
    let mut client = stage.client().await;
    client.send(b"\n  \nnothing\n\xff\n").await;
    let answer = client.line().await.unwrap();
    let text = answer["text"].as_str().unwrap();
    assert_eq!(
        (&answer["type"], &answer["code"], &answer["line"]),
        (&json!("error"), &json!("input"), &json!(3))
    );
    assert!(text.contains("column 2") && text.contains("expected one object a line"), "{text}");
    assert_eq!(client.line().await.unwrap()["text"], "it is not UTF-8");
    client.send(vec![b'x'; (4 << 20) + 1]).await;
    client.send("\n").await;
    let answer = client.line().await.unwrap();
    assert_eq!((&answer["line"], &answer["text"]), (&json!(5), &json!("it is longer than 4194304 bytes")));
    assert_eq!(client.ask(r#"{"type":"list"}"#).await["type"], "sessions");
}

#[tokio::test]
async fn one_connection_watches_one_session() {
    let stage = Stage::new(1).await;
    let mut client = stage.client().await;
    client.watch(0).await;
    assert_eq!(client.seqs(1).await, [1]);
    let again = json!({"type": "watch", "session_id": OneSession::id()}).to_string();
    assert_eq!(client.ask(&again).await["type"], "error");
    stage.session.progress.send_modify(|progress| progress.0 = 2);
    assert_eq!(client.seqs(1).await, [2]);
}

/// Like `echo ... | nc -U`: what was asked before the end of the input is answered.
#[tokio::test]
async fn who_leaves_is_answered_first() {
    let stage = Stage::new(1).await;
    let mut client = stage.client().await;
    client.send("{\"type\":\"list\"}\n{\"type\":\"list\"}").await;
    client.leave().await;
    let lines = [client.line().await, client.line().await, client.line().await];
    let lines = lines.map(|line| line.map(|line| line["line"].clone()));
    assert_eq!(lines, [Some(json!(1)), Some(json!(2)), None]);
}
