//! What each server does in its own way (`protocols/openai-chat.md`, section 4).

use super::*;

/// The parts, the stop reason, and the calls that must not run.
#[track_caller]
fn check(chunks: &[Value], done: bool, parts: Vec<Part>, stop: &StopReason, invalid: &[&str]) {
    let mut body = body(chunks);
    if done {
        body.push_str("data: [DONE]\n\n");
    }
    let answer = read(&body).unwrap();
    let invalid_calls: Vec<&str> =
        answer.invalid_inputs.iter().map(|invalid| invalid.call.as_str()).collect();
    assert_eq!(
        (answer.message.parts, &answer.stop_reason, &*invalid_calls),
        (parts, stop, invalid),
        "{body}"
    );
}

fn piece(index: Value, id: &str, name: &str, arguments: Value) -> Value {
    delta(json!({"tool_calls": [{"index": index, "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}]}))
}

#[test]
fn whole_calls_that_all_have_index_zero_are_told_apart_by_their_ids() {
    let parts = vec![call("a", "read", json!({"path": "가"})), call("b", "read", json!({}))];
    let chunks = [
        piece(json!(0), "a", "read", json!("{\"path\":\"가\"}")),
        piece(json!(0), "b", "read", json!("")),
        finish("stop"),
    ];
    check(&chunks, true, parts, &StopReason::ToolUse, &[]);
}

#[test]
fn indexes_may_be_missing_have_gaps_and_begin_above_zero() {
    let chunks = [
        piece(json!(3), "a", "one", json!("{\"x\":")),
        piece(json!(3), "", "", json!("1}")),
        piece(json!(null), "b", "two", json!("{\"y\":")),
        piece(json!(null), "", "", json!("2}")),
    ];
    let parts = vec![call("a", "one", json!({"x": 1})), call("b", "two", json!({"y": 2}))];
    check(&chunks, true, parts, &StopReason::ToolUse, &[]);
}

#[test]
fn a_name_that_is_repeated_or_empty_later_is_no_new_one_and_a_missing_id_is_made() {
    let chunks = [
        piece(json!(0), "", "read", json!("{\"path\":")),
        piece(json!(0), "", "", json!("\"a\"}")),
        piece(json!(1), "", "glob", json!({"pattern": "*"})),
        finish("tool_calls"),
    ];
    let parts =
        vec![call("call_1", "read", json!({"path": "a"})), call("call_2", "glob", json!({"pattern": "*"}))];
    check(&chunks, true, parts, &StopReason::ToolUse, &[]);
}

#[test]
fn arguments_that_are_repeated_whole_at_the_end_count_once() {
    let chunks = [
        piece(json!(0), "a", "read", json!("{\"path\":\"a\"}")),
        piece(json!(0), "a", "read", json!("{\"path\":\"a\"}")),
        finish("tool_calls"),
    ];
    check(&chunks, true, vec![call("a", "read", json!({"path": "a"}))], &StopReason::ToolUse, &[]);
}

#[test]
fn thinking_has_two_names_and_counts_once() {
    let chunks = [
        delta(json!({"reasoning": "먼저 ", "reasoning_content": "먼저 "})),
        delta(json!({"reasoning": "본다", "content": null})),
        delta(json!({"content": "끝"})),
        finish("stop"),
    ];
    let thought = Part::Thinking { text: "먼저 본다".to_owned(), signature: None };
    check(&chunks, false, vec![thought, text("끝")], &StopReason::EndTurn, &[]);
}

#[test]
fn what_was_cut_in_the_middle_of_a_call_does_not_run() {
    let chunks = [piece(json!(0), "a", "write", json!("{\"path\":\"a")), finish("length")];
    check(&chunks, true, vec![call("a", "write", json!({}))], &StopReason::MaxTokens, &["a"]);
}

#[test]
fn a_refusal_is_one_and_an_unknown_end_keeps_its_word() {
    let refused = [delta(json!({"refusal": "아니요"})), finish("stop")];
    check(&refused, true, vec![text("아니요")], &StopReason::Refusal, &[]);
    let odd = [delta(json!({"content": "a"})), finish("load")];
    check(&odd, true, vec![text("a")], &StopReason::Other("load".to_owned()), &[]);
}

#[test]
fn an_end_without_done_needs_a_reason_or_whole_calls() {
    assert!(read(&body(&[delta(json!({"content": "half"}))])).is_err());
    assert!(read(&body(&[piece(json!(0), "a", "read", json!("{\"pa"))])).is_err());
    let whole = [piece(json!(0), "a", "read", json!("{\"path\":\"a\"}"))];
    check(&whole, false, vec![call("a", "read", json!({"path": "a"}))], &StopReason::ToolUse, &[]);
    let done = [delta(json!({"content": "a"}))];
    check(&done, true, vec![text("a")], &StopReason::EndTurn, &[]);
}

#[test]
fn an_error_in_the_stream_ends_it_whatever_its_form() {
    let failed = |line: &str| match read(line) {
        Err(AnswerError::Server(error)) => (error.kind, error.code, error.message),
        other => panic!("{line}: {other:?}"),
    };
    let words =
        |kind: &str, code: &str, message: &str| (kind.to_owned(), code.to_owned(), message.to_owned());
    assert_eq!(
        failed("data: {\"error\":{\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}}\n\n"),
        words("BadRequestError", "400", "m")
    );
    assert_eq!(failed("data: {\"object\":\"error\",\"message\":\"m\"}\n\n"), words("", "", "m"));
    assert_eq!(failed("data: {\"error\":\"너무 많다\"}\n\n"), words("", "", "너무 많다"));
    assert_eq!(failed("error: {\"code\":500,\"message\":\"m\"}\n\n"), words("", "500", "m"));
    assert_eq!(
        failed(
            "data: {\"error\":{\"code\":502,\"message\":\"m\"},\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n"
        ),
        words("", "502", "m")
    );
}

#[test]
fn an_answer_that_holds_nothing_is_no_answer() {
    assert!(matches!(read("data: [DONE]\n\n"), Err(AnswerError::Empty)));
    let blank = body(&[delta(json!({"content": ""})), finish("stop")]);
    assert!(matches!(read(&(blank + "data: [DONE]\n\n")), Err(AnswerError::Empty)));
}

#[test]
fn half_a_character_becomes_one_that_says_so() {
    let chunks = "data: {\"choices\":[{\"delta\":{\"content\":\"a\\ud83d\"}}]}\n\ndata: [DONE]\n\n";
    assert_eq!(read(chunks).unwrap().message.parts, [text("a\u{fffd}")]);
}
