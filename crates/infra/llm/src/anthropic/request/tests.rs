use std::sync::Arc;

use domain::{id::CallId, model::Effort, tool::Access};
use serde_json::json;

use super::*;
use crate::test_support::{assistant, request, result, text, user};

fn body(request: &ModelRequest) -> Value {
    let prefix = encode_prefix(&request.system, &request.tools);
    let name = catalog::resolve(catalog::Vendor::Anthropic, request.model.as_deref());
    serde_json::from_slice(&encode_body(request, name, &prefix)).unwrap()
}

fn messages(conversation: &[Arc<SealedMessage>]) -> Value {
    body(&request("coder", conversation))["messages"].clone()
}

fn tool(name: &str) -> ToolSpec {
    let input_schema = Arc::new(json!({"type": "object", "properties": {"경로": {"type": "string"}}}));
    ToolSpec { name: name.into(), description: "\"does\" things".into(), input_schema, access: Access::Read }
}

fn call(id: &str) -> Part {
    Part::ToolUse { id: CallId::new(id), name: "bash".into(), input: json!({"b": 1, "a": [null, "한"]}) }
}

/// The paths of all marked objects.
fn marked(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.get("cache_control") == Some(&json!({"type": "ephemeral"})) {
                found.push(path.to_owned());
            }
            fields.iter().for_each(|(key, value)| marked(value, &format!("{path}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| marked(item, &format!("{path}/{at}"), found));
        }
        _ => {}
    }
}

fn marks(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    marked(body, "", &mut found);
    found
}

#[test]
fn a_whole_request_is_what_the_protocol_asks_for() {
    let mut request = request("coder", &[user(vec![text("안녕 \"👩‍👩‍👧\"\n")])]);
    request.model = Some("strong".into());
    request.system = "You code.".into();
    request.tools = [tool("read"), tool("bash")].into();
    request.effort = Some(Effort::Medium);
    let schema = json!({"type": "object", "properties": {"경로": {"type": "string"}}});
    let mark = json!({"type": "ephemeral"});
    let expected = json!({
        "model": "claude-opus-5-5",
        "max_tokens": 32000,
        "stream": true,
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "medium"},
        "system": [{"type": "text", "text": "You code.", "cache_control": mark}],
        "tools": [
            {"name": "read", "description": "\"does\" things", "input_schema": schema},
            {"name": "bash", "description": "\"does\" things", "input_schema": schema},
        ],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "안녕 \"👩‍👩‍👧\"\n", "cache_control": mark},
        ]}],
    });
    assert_eq!(body(&request), expected);
}

#[test]
fn an_answer_is_asked_for_as_long_as_a_budget_leaves_room_for() {
    let mut request = request("coder", &[user(vec![text("안녕")])]);
    (request.model, request.thinking) = (Some("claude-haiku-4-5".into()), Some(true));
    for (left, max_tokens, budget_tokens) in [(None, 32_000, 16_000), (Some(5_000), 5_000, 2_500)] {
        request.max_tokens = left;
        let body = body(&request);
        let thinking = json!({"type": "enabled", "budget_tokens": budget_tokens});
        assert_eq!((&body["max_tokens"], &body["thinking"]), (&json!(max_tokens), &thinking));
    }
}

#[test]
fn parts_go_back_as_they_came_and_what_would_be_refused_is_left_out() {
    let raw = r#"{"type":"redacted_thinking", "data":"\u00e9"}"#;
    let block = |provider: &str| Part::ProviderBlock { provider: provider.into(), raw: raw.into() };
    let thinking = |signature: Option<&str>| Part::Thinking {
        text: "hm".into(),
        signature: signature.map(ToOwned::to_owned),
    };
    let message = Message {
        role: Role::Assistant,
        parts: vec![
            thinking(None),
            thinking(Some("sig")),
            block("other"),
            block("anthropic"),
            text(" \n"),
            call("t1"),
        ],
    };
    let expected = concat!(
        r#"{"type":"thinking","thinking":"hm","signature":"sig"},"#,
        r#"{"type":"redacted_thinking", "data":"\u00e9"},"#,
        r#"{"type":"tool_use","id":"t1","name":"bash","input":{"b":1,"a":[null,"한"]}}"#,
    );
    assert_eq!(String::from_utf8(encode_blocks(&message)).unwrap(), expected);
}

#[test]
fn answers_to_calls_stand_first_in_their_message() {
    let parts = vec![text("also"), result("t1", "", false), result("t2", "no", true)];
    let expected = json!([
        {"type": "tool_result", "tool_use_id": "t1", "content": ""},
        {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": true},
        {"type": "text", "text": "also", "cache_control": {"type": "ephemeral"}},
    ]);
    assert_eq!(messages(&[user(parts)])[0]["content"], expected);

    let split = [user(vec![text("also")]), user(vec![result("t1", "", false), result("t2", "no", true)])];
    assert_eq!(messages(&split)[0]["content"], expected);
    assert_eq!(messages(&split).as_array().unwrap().len(), 1);
}

#[test]
fn messages_of_one_side_in_a_row_are_one_message_and_empty_ones_none() {
    let conversation = [
        user(vec![text("one")]),
        assistant(vec![text("  ")]),
        user(vec![text("two")]),
        assistant(vec![text("three")]),
        assistant(vec![text("four")]),
    ];
    let mark = json!({"type": "ephemeral"});
    let expected = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "one"},
            {"type": "text", "text": "two", "cache_control": mark},
        ]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "three"},
            {"type": "text", "text": "four"},
        ]},
    ]);
    assert_eq!(messages(&conversation), expected);
}

#[test]
fn the_prefix_and_the_two_newest_messages_of_the_users_side_are_marked() {
    let mut conversation = Vec::new();
    for turn in 0..5 {
        let id = format!("t{turn}");
        conversation.push(user(if turn == 0 { vec![text("go")] } else { vec![result(&id, "ok", false)] }));
        conversation.push(assistant(vec![text("so"), call(&format!("t{}", turn + 1))]));
    }
    conversation.push(user(vec![result("t5", "ok", false), result("t5b", "ok", false)]));
    let mut request = request("coder", &conversation);
    request.tools = [tool("read"), tool("bash")].into();
    assert_eq!(marks(&body(&request)), ["/tools/1", "/messages/8/content/0", "/messages/10/content/1"]);
    request.system = "You code.".into();
    assert_eq!(marks(&body(&request)), ["/system/0", "/messages/8/content/0", "/messages/10/content/1"]);
}

#[test]
fn the_next_turn_sends_the_same_bytes_but_for_the_marks() {
    let unmarked = |conversation: &[Arc<SealedMessage>]| {
        let mut bytes = Vec::new();
        write_messages(&mut bytes, &said(conversation));
        String::from_utf8(bytes).unwrap().replace(std::str::from_utf8(CACHE_MARK).unwrap(), "")
    };
    let mut conversation = vec![user(vec![text("go")]), assistant(vec![call("t1")])];
    conversation.push(user(vec![result("t1", "한글", false)]));
    let before = unmarked(&conversation);
    conversation.extend([assistant(vec![call("t2")]), user(vec![result("t2", "ok", false)])]);
    assert!(unmarked(&conversation).starts_with(&before));
}

#[test]
fn a_request_without_system_tools_and_thinking_has_no_such_fields() {
    let mut request = request("coder", &[user(vec![text("go")])]);
    request.model = Some("my-model".into());
    let body = body(&request);
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["model", "max_tokens", "stream", "messages"]);
}

/// A fallback may have made the newest calls: `claude-haiku-4-5` refuses to think after calls without their thought.
#[test]
fn a_model_that_thinks_within_a_budget_thinks_not_between_another_models_calls_and_their_answers() {
    let thought = |signature: Option<&str>| Part::Thinking {
        text: "음".to_owned(),
        signature: signature.map(str::to_owned),
    };
    let check = |said: Vec<Part>, expected: bool| {
        let mut request = request(
            "coder",
            &[user(vec![text("가")]), assistant(said.clone()), user(vec![result("a", "나", false)])],
        );
        request.model = Some("claude-haiku-4-5".into());
        request.thinking = Some(true);
        assert_eq!(body(&request).get("thinking").is_some(), expected, "{said:?}");
    };
    check(vec![thought(Some("s")), call("a")], true);
    check(vec![thought(None), call("a")], false);
    check(vec![call("a")], false);
    check(vec![text("다")], true);
}
