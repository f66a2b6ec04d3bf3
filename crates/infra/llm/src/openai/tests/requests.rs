//! What goes out.

use super::{
    request::{LengthField, Terms, encode_body, encode_prefix},
    *,
};

fn sent(request: &ModelRequest, (length, max_tokens): (LengthField, Option<u64>)) -> Value {
    let prefix = encode_prefix(&request.system, &request.tools);
    let terms = Terms { name: "m", length, max_tokens, effort: Some("low") };
    serde_json::from_slice(&encode_body(request, &prefix, terms)).unwrap()
}

#[test]
fn a_conversation_has_the_forms_that_every_server_takes() {
    let messages = [
        user(vec![text("고쳐 줘"), text("둘째")]),
        assistant(vec![
            Part::Thinking { text: "음".to_owned(), signature: None },
            text("본다"),
            call("a", "read", json!({"path": "가"})),
            call("b", "bash", json!({"command": "make"})),
        ]),
        user(vec![text("그리고"), result("a", "내용", false), result("b", "exit 2", true)]),
        assistant(vec![call("c", "finish", json!({}))]),
    ];
    let mut asked = request("coder", &messages);
    asked.system = "규칙".into();
    let body = sent(&asked, (LengthField::MaxTokens, Some(100)));
    let expected = json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 100,
        "reasoning_effort": "low",
        "messages": [
            {"role": "system", "content": "규칙"},
            {"role": "user", "content": "고쳐 줘\n\n둘째"},
            {"role": "assistant", "content": "본다", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"가\"}"}},
                {"id": "b", "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"make\"}"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "내용"},
            {"role": "tool", "tool_call_id": "b", "content": "[the call failed] exit 2"},
            {"role": "user", "content": "그리고"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "finish", "arguments": "{}"}},
            ]},
        ],
    });
    assert_eq!(body, expected);
}

#[test]
fn the_length_of_an_answer_goes_by_the_name_that_the_endpoint_reads() {
    let asked = request("coder", &[user(vec![text("a")])]);
    let body = sent(&asked, (LengthField::MaxCompletionTokens, Some(7)));
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(7), None));
    let body = sent(&asked, (LengthField::MaxTokens, None));
    assert_eq!((body.get("max_completion_tokens"), body.get("max_tokens")), (None, None));
    assert_eq!(body["messages"], json!([{"role": "user", "content": "a"}]));
}

#[test]
fn a_base_url_is_taken_with_and_without_its_version() {
    let check = |base: &str, expected: &str| {
        let settings = OpenAiSettings { base_url: base.to_owned(), ..OpenAiSettings::new(None) };
        let model = OpenAiModel::new(settings, Arc::new(crate::test_support::StoppedClock)).unwrap();
        assert_eq!(model.endpoint.url().as_str(), expected, "{base}");
    };
    for base in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1/"] {
        check(base, "http://127.0.0.1:8080/v1/chat/completions");
    }
    check("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions");
}
