//! One answer as each server of Chat Completions tells it: the values are the same, and failures end typed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use better_llm_llm::{OpenAiModel, OpenAiSettings};
use domain::{
    agent::AgentName,
    message::{Message, Part, SealedMessage, StopReason, Usage},
    model::{ModelAnswer, ModelError, ModelErrorKind, ModelItem, ModelRequest},
    ports::{Clock, ModelPort},
    secret::Secret,
    time::Timestamp,
};
use futures_util::StreamExt;
use serde_json::json;
use testkit::{
    MockServer, Script, Turn,
    mock_server::{Flavour, Pieces, Settings},
};

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }
}

async fn ask(server: &MockServer) -> Result<ModelAnswer, ModelError> {
    let key = Secret::new(server.key());
    let settings = OpenAiSettings { base_url: server.url(), ..OpenAiSettings::new(key) };
    let model = OpenAiModel::new(settings, Arc::new(StoppedClock)).unwrap();
    let request = ModelRequest {
        agent: AgentName::manager(),
        model: None,
        system: "너는 관리자다.".into(),
        tools: Arc::new([]),
        messages: vec![SealedMessage::new(Message::user("합계"))],
        thinking: None,
        effort: None,
        max_tokens: None,
    };
    let mut last = None;
    let mut stream = model.stream(request).await?;
    while let Some(item) = stream.next().await {
        last = Some(item?);
    }
    match last {
        Some(ModelItem::Answer(answer)) => Ok(answer),
        other => panic!("no answer: {other:?}"),
    }
}

const USED: Usage = Usage { input_tokens: 50, output_tokens: 3, cache_read_tokens: 2, cache_write_tokens: 1 };

fn working() -> Turn {
    Turn::thinking("먼저 본다 👩‍👩‍👧")
        .and_text("그럼 ")
        .and_text("시작합니다")
        .and_call("read", json!({"path": "합계.sh"}))
        .and_call("glob", json!({}))
        .and_call("read", json!({"path": "합계.sh"}))
        .in_chunks(3)
        .costing(USED)
}

/// Without ids, which are the server's.
fn parts(answer: &ModelAnswer) -> Vec<String> {
    let told = |part: &Part| match part {
        Part::ToolUse { name, input, .. } => format!("{name} {input}"),
        Part::Text { text } => text.clone(),
        other => format!("{other:?}"),
    };
    let is_thought = |part: &&Part| matches!(part, Part::Thinking { .. });
    answer.message.parts.iter().filter(|part| !is_thought(part)).map(told).collect()
}

/// O-8: whatever server it is, the same answer comes of the same script, however its bytes are cut.
#[tokio::test]
async fn every_server_gives_the_same_answer() {
    for (name, flavour) in Flavour::ALL {
        let cuts = [Pieces::Whole, Pieces::Bytes(1), Pieces::Bytes(7), Pieces::Events];
        let turns = cuts.map(|pieces| working().in_pieces(pieces));
        let server = Settings::default().flavoured(flavour).start(Script::in_order(turns)).await.unwrap();
        for _ in 0..4 {
            let answer = ask(&server).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(
                parts(&answer),
                ["그럼 시작합니다", "read {\"path\":\"합계.sh\"}", "glob {}", "read {\"path\":\"합계.sh\"}"],
                "{name}"
            );
            assert_eq!(
                (&answer.stop_reason, answer.invalid_inputs.len()),
                (&StopReason::ToolUse, 0),
                "{name}"
            );
            let ids: std::collections::HashSet<_> =
                answer.message.tool_uses().map(|(id, ..)| id.clone()).collect();
            assert_eq!(ids.len(), 3, "{name}: each call has an id of its own");
            if name != "odd" {
                assert_eq!(answer.usage, USED, "{name}");
                let thought =
                    Part::Thinking { text: "먼저 본다 👩‍👩‍👧".to_owned(), signature: None };
                assert_eq!(answer.message.parts.first(), Some(&thought), "{name}");
            }
        }
        server.assert_nothing_refused();
    }
}

/// What a server says when it gives up in the middle is told with its words, or is a cut where it says nothing.
#[tokio::test]
async fn every_server_gives_up_with_its_cause() {
    for (name, flavour) in Flavour::ALL {
        let turns = [
            working().failing_after(4, "overloaded_error", "메모리가 모자란다"),
            working().cut_after(4),
            working().short_after(4),
            working().reset_after(4),
        ];
        let server = Settings::default().flavoured(flavour).start(Script::in_order(turns)).await.unwrap();
        let error = ask(&server).await.unwrap_err();
        if name == "ollama" {
            assert_eq!(error.kind, ModelErrorKind::Cut, "{name}: {}", error.what);
        } else {
            assert_eq!(
                error.kind,
                ModelErrorKind::Unavailable { retry_after: None },
                "{name}: {}",
                error.what
            );
            assert!(error.what.contains("메모리가 모자란다"), "{name}: {}", error.what);
        }
        for _ in 0..3 {
            assert_eq!(ask(&server).await.unwrap_err().kind, ModelErrorKind::Cut, "{name}");
        }
    }
}

/// A server of one's own takes requests without a key, and refuses one that is empty.
#[tokio::test]
async fn a_server_without_keys_is_asked_without_one() {
    let script = Script::in_order([Turn::text("네")]);
    let server = Settings::default().without_key().start(script).await.unwrap();
    assert_eq!(ask(&server).await.unwrap().message.text(), "네");
    server.assert_nothing_refused();
    assert!(server.all_requests().iter().all(|request| request.header("authorization").is_none()));
}
