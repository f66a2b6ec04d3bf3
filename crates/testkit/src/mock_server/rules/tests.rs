use serde_json::json;

use super::*;
use crate::mock_server::seal;

/// A request that is taken: every kind of field and block that a client sends.
fn good() -> Value {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let object = json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
    json!({
        "model": "claude-sonnet-5-5",
        "max_tokens": 8000,
        "stream": true,
        "system": [{"type": "text", "text": "You work.", "cache_control": mark}],
        "tools": [{"name": "read", "description": "Reads.", "input_schema": object, "cache_control": mark}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": false},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "medium"},
        "metadata": {"user_id": "u"},
        "stop_sequences": ["끝"],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "안녕"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "흠", "signature": seal::sign("s", "흠")},
                {"type": "redacted_thinking", "data": seal::sign("r", "")},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}},
                {"type": "tool_use", "id": "toolu_2", "name": "read", "input": {}, "caller": {"type": "direct"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "gone", "is_error": true},
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "x"}]},
                {"type": "text", "text": "hurry", "cache_control": mark},
            ]},
            {"role": "system", "content": "A word."},
            {"role": "assistant", "content": "done"},
            {"role": "user", "content": "more"},
        ],
    })
}

fn judge(body: &Value, version: &str) -> Result<(), String> {
    examine(&Request { body, version, purpose: Purpose::Answer, said: &Said::default() })
}

/// Puts `value` at `pointer` of a good request (null removes the field) and expects this refusal.
#[track_caller]
fn check(pointer: &str, value: Value, expected: &str) {
    let mut body = good();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match parent {
        Value::Array(items) => match field.parse::<usize>() {
            Ok(index) if index < items.len() => items[index] = value,
            _ => items.push(value),
        },
        Value::Object(fields) if value.is_null() => drop(fields.shift_remove(field)),
        Value::Object(fields) => drop(fields.insert(field.to_owned(), value)),
        other => panic!("{pointer} leads into {other}"),
    }
    let refusal = judge(&body, VERSIONS[0]).expect_err(pointer);
    assert!(refusal.contains(expected), "{pointer}: {refusal:?} does not say {expected:?}");
}

#[test]
fn a_good_request_is_taken_by_both_versions() {
    for version in VERSIONS {
        assert_eq!(judge(&good(), version), Ok(()));
    }
}

#[test]
fn required_and_unknown_fields() {
    check("/model", Value::Null, "model: Field required");
    check("/max_tokens", Value::Null, "max_tokens: Field required");
    check("/max_tokens", json!(-1), "max_tokens: Input should be a valid integer");
    check("/messages", Value::Null, "messages: Field required");
    check("/messages", json!([]), "messages: between 1");
    check("/max_token", json!(5), "max_token: Extra inputs are not permitted");
    check("/stream", json!("yes"), "stream: ");
    check("/output_config/effort", json!("huge"), "output_config.effort: ");
    check("/metadata/name", json!("x"), "metadata.name: Extra inputs");
    check("/stop_sequences/0", json!(" "), "stop_sequences: ");
    check("/messages/0/name", json!("x"), "messages.0.name: Extra inputs");
    check("/messages/0/content/0/note", json!("x"), "messages.0.content.0.note: Extra inputs");
}

#[test]
fn tools() {
    let tool = "/tools/0";
    check(&format!("{tool}/name"), json!("읽기"), "tools.0.name: String should match");
    check(&format!("{tool}/name"), json!("a".repeat(65)), "tools.0.name: String should match");
    check(&format!("{tool}/input_schema"), json!([]), "tools.0.input_schema: ");
    check(&format!("{tool}/input_schema"), Value::Null, "tools.0.input_schema: Field required");
    check(&format!("{tool}/input_schema/type"), json!("string"), "tools.0.input_schema.type: ");
    check(&format!("{tool}/input_schema/anyOf"), json!([]), "does not support oneOf");
    check(&format!("{tool}/input_schema/required"), json!("path"), "tools.0.input_schema.required: ");
    check(&format!("{tool}/access"), json!("read"), "tools.0.access: Extra inputs");
    check("/tools/1", good()["tools"][0].clone(), "tools: Tool names must be unique: read");
    check("/tools", Value::Null, "tool_choice: may only be specified while providing tools");
    check("/tool_choice", json!({"type": "tool", "name": "write"}), "tool_choice.name: ");
    check("/tool_choice", json!({"type": "any"}), "forced tool use");
}

#[test]
fn thinking() {
    check("/thinking", json!({"type": "on"}), "thinking.type: ");
    check("/thinking", json!({"type": "enabled", "budget_tokens": 1023}), "thinking.budget_tokens: ");
    check("/thinking", json!({"type": "enabled", "budget_tokens": 8000}), "thinking.budget_tokens: ");
    check("/thinking/display", json!("all"), "thinking.display: ");
    let thought = "/messages/1/content/0";
    check(&format!("{thought}/signature"), Value::Null, "signature: Field required");
    check(&format!("{thought}/signature"), json!("forged"), "Invalid `signature`");
    check(&format!("{thought}/thinking"), json!("흠!"), "Invalid `signature`");
    check(&format!("{thought}/cache_control"), json!({"type": "ephemeral"}), "cache_control: Extra inputs");
    check("/messages/1/content/1/data", json!("forged"), "data: Invalid data");
    let mut always = good();
    always["model"] = json!("claude-opus-5-5");
    assert_eq!(judge(&always, VERSIONS[0]), Ok(()));
    always["thinking"] = json!({"type": "disabled"});
    assert!(
        judge(&always, VERSIONS[0]).is_err_and(|refusal| refusal.contains("not supported by this model"))
    );
}

#[test]
fn calls_and_results() {
    let call = "/messages/1/content/3";
    check(&format!("{call}/input"), json!("{}"), "messages.1.content.3.input: ");
    check(&format!("{call}/id"), json!("a b"), "messages.1.content.3.id: ");
    check(&format!("{call}/id"), json!("toolu_2"), "`tool_use` ids must be unique: toolu_2");
    check("/messages/2/content/1", json!({"type": "text", "text": "no"}), "without `tool_result`");
    check("/messages/2", json!({"role": "user", "content": "no"}), "without `tool_result`");
    let stray = json!({"type": "tool_result", "tool_use_id": "toolu_9", "content": "x"});
    check("/messages/2/content/2", stray, "unexpected `tool_use_id` toolu_9");
    let again = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"});
    check("/messages/2/content/2", again.clone(), "unexpected `tool_use_id` toolu_1");
    check("/messages/2/content/0", json!({"type": "text", "text": "first"}), "must come first");
    let late = json!({"role": "user", "content": [again]});
    check("/messages/5", late, "unexpected `tool_use_id` toolu_1");
    let open = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "z", "name": "read", "input": {}}]});
    check("/messages/6", open, "without `tool_result` blocks immediately after: z");
}

#[test]
fn sides_and_texts() {
    check("/messages/0/role", json!("assistant"), "first message must use the \"user\" role");
    check("/messages/6", json!({"role": "assistant", "content": "I"}), "must end with a user message");
    check("/messages/0/role", json!("tool"), "messages.0.role: ");
    check("/messages/0/content/0/text", json!(" \n"), "non-whitespace text");
    check("/messages/0/content", json!(""), "non-empty content");
    check("/messages/0/content", json!([]), "non-empty content");
    check("/system/0/text", json!(""), "non-whitespace text");
    check("/messages/0/content/0", json!({"type": "thinking", "thinking": "", "signature": ""}), "Input tag");
    check(
        "/messages/1/content/2",
        json!({"type": "web_search_tool_result"}),
        "Input tag \"web_search_tool_result\"",
    );
    let image =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "x"}});
    check("/messages/0/content/0", image, "media_type: ");
}

#[test]
fn marks() {
    let mark = json!({"type": "ephemeral"});
    let mut body = good();
    body["cache_control"] = mark.clone();
    assert_eq!(judge(&body, VERSIONS[0]), Ok(()), "four marks are taken");
    body["messages"][0]["content"][0]["cache_control"] = mark;
    let refusal = "A maximum of 4 blocks with cache_control may be provided. Found 5.";
    assert_eq!(judge(&body, VERSIONS[0]), Err(refusal.to_owned()));
    check("/cache_control", json!({"type": "forever"}), "cache_control.type: ");
    check("/system/0/cache_control/ttl", json!("2h"), "cache_control.ttl: ");
}

#[test]
fn the_newer_version_takes_no_sampling_parameters_and_no_documents_of_the_assistant() {
    check("/temperature", json!(1.5), "temperature: Input should be between 0 and 1");
    let both = |pointer: &str, field: &str, value: Value| {
        let mut body = good();
        body.pointer_mut(pointer).unwrap()[field] = value;
        VERSIONS.map(|version| judge(&body, version).is_ok())
    };
    for (sampling, value) in [("temperature", json!(1.0)), ("top_p", json!(0.9)), ("top_k", json!(40))] {
        assert_eq!(both("", sampling, value), [true, false], "{sampling}");
    }
    assert_eq!(both("/messages/4", "content", json!([{"type": "document", "source": {}}])), [true, false]);
    let cited = json!([{"type": "text", "text": "x", "citations": [{"type": "page_location"}]}]);
    assert_eq!(both("/messages/5", "content", cited), [true, false]);
}

#[test]
fn a_count_has_no_limit_and_may_end_with_the_assistant() {
    let mut body = good();
    let count = |body: &Value| {
        examine(&Request { body, version: VERSIONS[0], purpose: Purpose::Count, said: &Said::default() })
    };
    assert!(count(&body).is_err());
    body.as_object_mut().unwrap().shift_remove("max_tokens");
    body["messages"].as_array_mut().unwrap().pop();
    assert_eq!(count(&body), Ok(()));
}
