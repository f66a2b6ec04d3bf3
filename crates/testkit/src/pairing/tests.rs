use serde_json::json;

use super::*;

fn text(text: &str) -> Part {
    Part::Text { text: text.to_owned() }
}

fn call(id: &str) -> Part {
    Part::ToolUse { id: CallId::new(id), name: "read".to_owned(), input: json!({"path": "a"}) }
}

fn result(id: &str) -> Part {
    Part::ToolResult { id: CallId::new(id), content: String::new(), is_error: false }
}

fn thought() -> Part {
    Part::Thinking { text: String::new(), signature: None }
}

fn user(parts: Vec<Part>) -> Message {
    Message { role: Role::User, parts }
}

fn assistant(parts: Vec<Part>) -> Message {
    Message { role: Role::Assistant, parts }
}

#[track_caller]
fn accepted(messages: &[Message]) {
    assert_eq!(check(messages), Ok(()));
}

#[track_caller]
fn refused(messages: &[Message], rule: &str) {
    let refusal = check(messages).expect_err("the conversation breaks a rule");
    assert!(refusal.contains(rule), "{refusal:?} does not say {rule:?}");
}

#[test]
fn a_conversation_with_pairs_is_accepted() {
    accepted(&[
        user(vec![text("안녕")]),
        assistant(vec![thought(), text("I look"), call("a"), call("b")]),
        user(vec![result("b"), result("a"), text("and hurry")]),
        assistant(vec![text("done")]),
        user(vec![text("thanks 👩‍👩‍👧")]),
    ]);
}

#[test]
fn messages_of_one_side_in_a_row_count_as_one() {
    accepted(&[
        user(vec![text("go")]),
        assistant(vec![text("I look")]),
        assistant(vec![call("a"), call("b")]),
        user(vec![result("a")]),
        user(vec![result("b")]),
        user(vec![text("more")]),
    ]);
}

#[test]
fn the_user_speaks_first_and_last() {
    refused(&[], "empty");
    refused(&[assistant(vec![text("hi")]), user(vec![text("go")])], "first message");
    refused(&[user(vec![text("go")]), assistant(vec![text("hi")])], "last message");
}

#[test]
fn nothing_is_empty() {
    refused(&[user(vec![])], "messages[0]: it is empty");
    refused(&[user(vec![text(" \n\u{3000}")])], "messages[0].parts[0]: a text is blank");
}

#[test]
fn every_call_is_answered_in_the_next_message() {
    let go = user(vec![text("go")]);
    refused(&[go.clone(), assistant(vec![call("a")])], "at the end: calls without a result");
    refused(&[go.clone(), assistant(vec![call("a")]), user(vec![text("well")])], "calls without a result");
    refused(
        &[
            go,
            assistant(vec![call("a"), call("b")]),
            user(vec![result("a")]),
            assistant(vec![text("on")]),
            user(vec![result("b")]),
        ],
        "messages[3]: calls without a result in the next message: b",
    );
}

#[test]
fn no_result_is_without_its_call() {
    let go = user(vec![text("go")]);
    refused(&[user(vec![result("a")])], "answers no call");
    refused(
        &[go.clone(), assistant(vec![call("a")]), user(vec![result("a"), result("a")])],
        "or answers it again",
    );
    refused(&[go, assistant(vec![call("a")]), user(vec![text("so"), result("a")])], "results come first");
}

#[test]
fn no_call_id_comes_twice() {
    let twice = [
        user(vec![text("go")]),
        assistant(vec![call("a")]),
        user(vec![result("a")]),
        assistant(vec![call("a")]),
        user(vec![result("a")]),
    ];
    refused(&twice, "messages[3].parts[0]: call a is there twice");
}

#[test]
fn every_part_is_on_its_side() {
    let go = user(vec![text("go")]);
    refused(&[user(vec![call("a")])], "a call in a user message");
    refused(&[user(vec![thought()])], "a thought");
    refused(
        &[go, assistant(vec![call("a"), result("a")]), user(vec![text("x")])],
        "a result in an assistant",
    );
}

#[test]
fn an_input_is_an_object() {
    let list = Part::ToolUse { id: CallId::new("a"), name: "read".to_owned(), input: json!([]) };
    refused(&[user(vec![text("go")]), assistant(vec![list]), user(vec![result("a")])], "is no object");
}
