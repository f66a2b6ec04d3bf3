use serde_json::json;

use super::*;

/// A request that is taken: every kind of field and message that a client sends.
fn good() -> Value {
    let lists = json!({"type": "array", "items": {"type": "string"}});
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}, "more": lists}});
    let call =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "read", "arguments": "{}"}});
    json!({
        "model": "gpt-4.1",
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 100,
        "tools": [{"type": "function", "function": {"name": "read", "description": "Reads.", "parameters": schema}}],
        "tool_choice": "auto",
        "parallel_tool_calls": true,
        "messages": [
            {"role": "system", "content": "너는 일한다."},
            {"role": "user", "content": [{"type": "text", "text": "안녕"}, {"type": "image_url", "image_url": {"url": "x"}}]},
            {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
            {"role": "tool", "tool_call_id": "b", "content": "둘"},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "하나"}]},
            {"role": "assistant", "content": "끝"},
            {"role": "user", "content": ""},
        ],
    })
}

/// Puts `value` at `pointer` of a good request (null removes the field) and expects this refusal: param and code, and a
/// piece of the words.
#[track_caller]
fn check(pointer: &str, value: Value, param: &str, code: &str, words: &str) {
    let mut body = good();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Array(items) => match field.parse::<usize>() {
            Ok(index) if index < items.len() && value.is_null() => drop(items.remove(index)),
            Ok(index) if index < items.len() => items[index] = value,
            _ => items.push(value),
        },
        Value::Object(fields) if value.is_null() => drop(fields.shift_remove(field)),
        Value::Object(fields) => drop(fields.insert(field.to_owned(), value)),
        other => panic!("{pointer} leads into {other}"),
    }
    let refusal = examine(&body).err().unwrap_or_else(|| panic!("{pointer} is taken"));
    let told = (refusal.param.as_deref().unwrap_or_default(), refusal.code.unwrap_or_default());
    assert_eq!((told, refusal.status), ((param, code), 400), "{}", refusal.message);
    assert!(refusal.message.contains(words), "{}", refusal.message);
}

#[test]
fn a_good_request_is_taken() {
    assert!(examine(&good()).is_ok());
}

#[test]
fn fields() {
    check("/model", Value::Null, "", "", "you must provide a model parameter");
    check("/messages", Value::Null, "messages", "missing_required_parameter", "Missing");
    check("/messages", json!([]), "messages", "empty_array", "empty array");
    check("/max_token", json!(5), "max_token", "unknown_parameter", "Unknown parameter: 'max_token'.");
    check("/thinking", json!({}), "thinking", "unknown_parameter", "Unknown");
    check("/stream", json!("yes"), "stream", "invalid_type", "a boolean");
    check("/stream", Value::Null, "stream_options", "", "only allowed when 'stream' is enabled");
    check("/stream_options/include", json!(true), "stream_options.include", "unknown_parameter", "");
    check("/max_tokens", json!(0), "max_tokens", "invalid_type", "");
    check("/max_completion_tokens", json!(9), "", "invalid_parameter_combination", "at the same time");
    check("/model", json!("gpt-5.1"), "max_tokens", "unsupported_parameter", "max_completion_tokens");
    check("/temperature", json!(2.5), "temperature", "invalid_type", "between 0 and 2");
    check("/reasoning_effort", json!("huge"), "reasoning_effort", "invalid_value", "'medium'");
}

#[test]
fn tools() {
    let function = "tools[0].function";
    check("/tools", Value::Null, "tool_choice", "", "only allowed when 'tools' are specified");
    check("/tools", json!([]), "tools", "empty_array", "");
    check("/tools/0/type", json!("custom"), "tools[0].type", "invalid_value", "");
    check("/tools/0/input_schema", json!({}), "tools[0].input_schema", "unknown_parameter", "");
    check("/tools/0/function/name", json!("읽기"), &format!("{function}.name"), "invalid_value", "pattern");
    check(
        "/tools/0/function/name",
        Value::Null,
        &format!("{function}.name"),
        "missing_required_parameter",
        "",
    );
    let parameters = format!("{function}.parameters");
    let code = "invalid_function_parameters";
    check("/tools/0/function/parameters/type", json!("array"), &parameters, code, "'read'");
    check(
        "/tools/0/function/parameters/properties/more/items",
        Value::Null,
        &parameters,
        code,
        "missing items",
    );
    check("/tools/1", good()["tools"][0].clone(), "tools", "", "Duplicate");
    check("/tools/1", json!({"type": "function"}), "tools[1].function", "missing_required_parameter", "");
    check("/tool_choice", json!("any"), "tool_choice", "invalid_value", "'required'");
    let unknown = json!({"type": "function", "function": {"name": "write"}});
    check("/tool_choice", unknown, "tool_choice", "", "'write' not found");
}

#[test]
fn calls_and_results() {
    let call = "/messages/2/tool_calls/0";
    let inside = "messages[2].tool_calls[0]";
    check("/messages/2/tool_calls", json!([]), "messages[2].tool_calls", "empty_array", "");
    check("/messages/2/tool_calls", Value::Null, "messages[2].content", "", "got null");
    check("/messages/2/tool_calls/1/id", json!("a"), "messages[2].tool_calls[1].id", "", "Duplicate");
    check(&format!("{call}/type"), Value::Null, &format!("{inside}.type"), "missing_required_parameter", "");
    check(
        &format!("{call}/id"),
        json!("x".repeat(41)),
        &format!("{inside}.id"),
        "string_above_max_length",
        "40",
    );
    check(&format!("{call}/index"), json!(0), &format!("{inside}.index"), "unknown_parameter", "");
    let arguments = format!("{call}/function/arguments");
    check(&arguments, json!({}), &format!("{inside}.function.arguments"), "invalid_type", "a string");
    check("/messages/4", Value::Null, "messages[4]", "", "did not have response messages: a");
    check("/messages/3/tool_call_id", json!("z"), "messages[3].role", "", "preceeding message");
    check("/messages/3/tool_call_id", json!("a"), "messages[4].role", "", "preceeding message");
    check("/messages/3/content", Value::Null, "messages[3].content", "missing_required_parameter", "");
    let stray = json!({"role": "tool", "tool_call_id": "a", "content": "x"});
    check("/messages/7", stray, "messages[7].role", "", "preceeding message");
    let open = json!({"role": "assistant", "content": "", "tool_calls": good()["messages"][2]["tool_calls"]});
    check("/messages/7", open, "messages", "", "did not have response messages: a, b");
}

#[test]
fn sides_and_texts() {
    check("/messages/5/content", Value::Null, "messages[5].content", "", "expected a string, got null");
    check(
        "/messages/5/reasoning_content",
        json!("x"),
        "messages[5].reasoning_content",
        "unknown_parameter",
        "",
    );
    check("/messages/6/content", json!([]), "messages[6].content", "empty_array", "");
    check("/messages/6/content", json!({}), "messages[6].content", "invalid_type", "");
    check("/messages/6/role", json!("human"), "messages[6].role", "invalid_value", "'developer'");
    check("/messages/6/role", Value::Null, "messages[6].role", "missing_required_parameter", "");
    check(
        "/messages/1/content/0",
        json!({"type": "tool_result"}),
        "messages[1].content[0].type",
        "invalid_value",
        "",
    );
    check(
        "/messages/0/content",
        json!([{"type": "image_url"}]),
        "messages[0].content[0].type",
        "invalid_value",
        "",
    );
}
