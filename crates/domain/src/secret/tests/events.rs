//! Law 10: no event takes a secret into the journal. Every string of every kind of event is tried.

use std::{fs, path::Path, sync::Arc};

use serde_json::Value;

use super::knowing;
use crate::{
    event::EventBody,
    message::{Message, Part, Role},
    secret::RedactedEvent,
};

const VALUE: &str = "hush-hush-비밀";

/// Words of ours and ids: none of them comes from a text.
const OURS: [&str; 17] = [
    "agent",
    "agents",
    "agents_used",
    "artifact",
    "asker",
    "by",
    "call_id",
    "checkpoint",
    "code",
    "id",
    "key",
    "kept",
    "mentions",
    "prefix_digest",
    "call",
    "commit",
    "reopenable",
];

/// Ours, too, but only there.
const OURS_THERE: [&str; 4] = ["/limit", "/version", "/result/status", "/parts/1/provider"];

/// Every event of the format.
fn events() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/journal/v1/all.jsonl");
    let lines = fs::read_to_string(file).expect("the golden file");
    lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

/// The places of all strings below `value`, as JSON pointers.
fn strings(value: &Value, place: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![place],
        Value::Array(values) => values
            .iter()
            .enumerate()
            .flat_map(|(index, value)| strings(value, format!("{place}/{index}")))
            .collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| strings(value, format!("{place}/{name}"))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn is_ours(place: &str) -> bool {
    let names =
        |name: &str| OURS.contains(&name) && !place.contains("/input/") && !place.contains("/report/");
    let mut words = place.rsplit('/');
    let last = words.next().unwrap_or_default();
    let list = words.next().unwrap_or_default();
    let is_index = last.parse::<usize>().is_ok();
    OURS_THERE.contains(&place) || names(if is_index { list } else { last })
}

#[test]
fn no_string_of_any_event_takes_a_secret_along() {
    let redactor = knowing([VALUE]);
    let mut tried = 0;
    for event in events() {
        for place in strings(&event, String::new()) {
            let mut planted = event.clone();
            let leaf = planted.pointer_mut(&place).expect("a string");
            *leaf = Value::from(format!("{} {VALUE}", leaf.as_str().expect("a string")));
            // Words of closed sets, names and times cannot hold it.
            let Ok(mut body) = serde_json::from_value::<EventBody>(planted) else { continue };
            if is_ours(&place) {
                continue;
            }
            let RedactedEvent { broke_seal: _ } = redactor.redact_event(&mut body);
            let written = serde_json::to_string(&body).expect("JSON");
            assert!(!written.contains("hush"), "{} {place}: {written}", event["type"]);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried} places");
}

#[test]
fn an_event_without_secrets_is_not_touched() {
    let redactor = knowing([VALUE]);
    for event in events() {
        let body: EventBody = serde_json::from_value(event).expect("an event");
        let mut redacted = body.clone();
        assert!(!redactor.redact_event(&mut redacted).broke_seal);
        assert_eq!(redacted, body);
        if let (EventBody::Message { message: one, .. }, EventBody::Message { message: other, .. }) =
            (body, redacted)
        {
            assert!(Arc::ptr_eq(&one, &other), "a message is not copied");
        }
    }
}

#[test]
fn a_broken_seal_is_told() {
    let redactor = knowing([VALUE]);
    let check = |part: Part, redacted: Part, broke_seal: bool| {
        let event = |part: Part| EventBody::Message {
            message: Arc::new(Message { role: Role::Assistant, parts: vec![part] }),
            stop_reason: None,
            usage: None,
            model: None,
            cached: None,
            invalid_inputs: Vec::new(),
        };
        let mut body = event(part);
        assert_eq!(redactor.redact_event(&mut body).broke_seal, broke_seal);
        assert_eq!(body, event(redacted));
    };
    let thinking = |text: &str, signature: Option<&str>| Part::Thinking {
        text: text.to_owned(),
        signature: signature.map(str::to_owned),
    };
    let block = |raw: &str| Part::ProviderBlock { provider: "anthropic".to_owned(), raw: raw.to_owned() };
    check(thinking(VALUE, Some("c2VhbA==")), thinking("[redacted:secret]", Some("c2VhbA==")), true);
    check(thinking(VALUE, None), thinking("[redacted:secret]", None), false);
    check(thinking("뜻", Some("c2VhbA==")), thinking("뜻", Some("c2VhbA==")), false);
    check(block(r#"{"a" : "hush-hush-비밀"}"#), block(r#"{"a":"[redacted:secret]"}"#), true);
    check(block(r#"{"a" : 1.0}"#), block(r#"{"a" : 1.0}"#), false);
}
