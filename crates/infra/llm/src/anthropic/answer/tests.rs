use domain::{
    id::CallId,
    message::Part,
    model::{InvalidInput, ModelItem},
};
use serde_json::json;

use super::*;
use crate::sse::{SseLimits, SseParser};

const TURN: &[u8] = include_bytes!("../../../fixtures/turn.sse");
const KOREAN: &[u8] = include_bytes!("../../../fixtures/korean.sse");

/// Plays a stream: what was shown, as `T:`/`H:` (thinking) with the part's index, and the answer.
fn play(bytes: &[u8]) -> Result<(Vec<String>, Option<ModelAnswer>), AnswerError> {
    let mut parser = SseParser::new(SseLimits::CONTRACT);
    let mut assembler = Assembler::default();
    let (mut shown, mut answer) = (Vec::new(), None);
    parser.feed::<AnswerError>(bytes, |event| {
        match assembler.take(event)? {
            Some(ModelItem::TextDelta { index, text }) => shown.push(format!("T{index}:{text}")),
            Some(ModelItem::ThinkingDelta { index, text }) => shown.push(format!("H{index}:{text}")),
            Some(ModelItem::Answer(whole)) => answer = Some(whole),
            Some(other) => panic!("no stream of events says this: {other:?}"),
            None => {}
        }
        Ok(())
    })?;
    Ok((shown, answer))
}

fn answer(bytes: &[u8]) -> ModelAnswer {
    play(bytes).unwrap().1.unwrap()
}

fn error(bytes: &[u8]) -> String {
    let error = play(bytes).unwrap_err();
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// A stream of one message with these events between its start and its stop.
fn message(stop_reason: &str, events: &[serde_json::Value]) -> Vec<u8> {
    let start = json!({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}});
    let delta = json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 2}});
    let stop = json!({"type": "message_stop"});
    let all = std::iter::once(&start).chain(events).chain([&delta, &stop]);
    all.map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect::<String>()
        .into()
}

fn start(index: u32, block: serde_json::Value) -> serde_json::Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u32, delta: serde_json::Value) -> serde_json::Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn call(index: u32) -> serde_json::Value {
    start(index, json!({"type": "tool_use", "id": format!("t{index}"), "name": "bash", "input": {}}))
}

fn input(index: u32, text: &str) -> serde_json::Value {
    delta(index, json!({"type": "input_json_delta", "partial_json": text}))
}

fn tool_use(id: &str, name: &str, input: serde_json::Value) -> Part {
    Part::ToolUse { id: CallId::new(id), name: name.into(), input }
}

#[test]
fn a_turn_with_thinking_text_and_a_call_becomes_one_message() {
    let (shown, whole) = play(TURN).unwrap();
    assert_eq!(shown, ["H0:Let me", "T1:Checking"]);
    let parts = vec![
        Part::Thinking { text: "Let me".into(), signature: Some("c2ln".into()) },
        Part::Text { text: "Checking".into() },
        tool_use("toolu_1", "get_weather", json!({"city": "Paris"})),
    ];
    let expected = ModelAnswer {
        message: Message { role: Role::Assistant, parts },
        stop_reason: StopReason::ToolUse,
        usage: Usage { input_tokens: 39, output_tokens: 19, ..Usage::default() },
        model: "claude-sonnet-5".into(),
        invalid_inputs: vec![],
    };
    assert_eq!(whole, Some(expected));
}

#[test]
fn every_script_and_what_is_unknown_comes_through_and_blocks_of_the_provider_byte_for_byte() {
    let (shown, whole) = play(KOREAN).unwrap();
    assert_eq!(shown, ["T1:환불 기능을 ", "T1:추가했습니다 ", "T1:👩‍👩‍👧", "T1:😀 مرحبا\n"]);
    let raw = r#"{"type":"redacted_thinking", "data":"EmwKAh\u00e9=="}"#;
    let parts = vec![
        Part::ProviderBlock { provider: "anthropic".into(), raw: raw.into() },
        Part::Text { text: "환불 기능을 추가했습니다 👩‍👩‍👧😀 مرحبا\n".into() },
        tool_use("toolu_가", "list", json!({})),
    ];
    assert_eq!(whole.unwrap().message.parts, parts);
}

/// A server that cuts an emoji between two deltas costs the emoji, not the answer.
#[test]
fn half_a_character_loses_no_answer() {
    let halves = message(
        "end_turn",
        &[
            start(0, json!({"type": "text", "text": ""})),
            delta(0, json!({"type": "text_delta", "text": "환불 FIRST"})),
            delta(0, json!({"type": "text_delta", "text": "SECOND 끝"})),
        ],
    );
    let halves = String::from_utf8(halves).unwrap();
    let halves = halves.replace("FIRST", "\\ud83d").replace("SECOND", "\\ude00");
    assert_eq!(answer(halves.as_bytes()).message.text(), "환불 \u{fffd}\u{fffd} 끝");
    let cut = [
        start(0, json!({"type": "text", "text": ""})),
        delta(0, json!({"type": "text_delta", "text": "끝CUT"})),
    ];
    let mut cut = message("end_turn", &cut);
    let at = cut.windows(3).position(|bytes| bytes == b"CUT").unwrap();
    cut.splice(at..at + 3, [0xed, 0x95]);
    assert_eq!(answer(&cut).message.text(), "끝\u{fffd}");
}

#[test]
fn usage_is_overwritten_and_what_is_absent_keeps_its_value() {
    let usage =
        Usage { input_tokens: 12, output_tokens: 41, cache_read_tokens: 4_000, cache_write_tokens: 300 };
    assert_eq!(answer(KOREAN).usage, usage);
}

#[test]
fn a_signature_is_replaced_and_an_absent_one_is_none() {
    let thinking = json!({"type": "thinking", "thinking": "", "signature": "old"});
    let signed = delta(0, json!({"type": "signature_delta", "signature": "new"}));
    let parts = answer(&message("end_turn", &[start(0, thinking), signed])).message.parts;
    assert_eq!(parts, [Part::Thinking { text: String::new(), signature: Some("new".into()) }]);

    let unsigned = start(0, json!({"type": "thinking", "thinking": "hm", "signature": ""}));
    let (shown, whole) = play(&message("end_turn", &[unsigned])).unwrap();
    assert_eq!(shown, ["H0:hm"]);
    assert_eq!(whole.unwrap().message.parts, [Part::Thinking { text: "hm".into(), signature: None }]);
}

#[test]
fn an_input_may_come_whole_in_pieces_or_not_at_all() {
    let check = |events: &[serde_json::Value], expected: serde_json::Value| {
        let whole = answer(&message("tool_use", events));
        let (_, _, input) = whole.message.tool_uses().next().unwrap();
        assert_eq!((input, &whole.invalid_inputs), (&expected, &vec![]));
    };
    check(&[call(0)], json!({}));
    check(&[call(0), input(0, "")], json!({}));
    check(&[call(0), input(0, "{\"a\":"), input(0, "\"\\ud83d"), input(0, "\\ude00\"}")], json!({"a": "😀"}));
    let whole = json!({"type": "tool_use", "id": "t0", "name": "bash", "input": {"b": 1.0}});
    check(&[start(0, whole)], json!({"b": 1.0}));
}

#[test]
fn an_input_that_is_no_object_is_told_and_replaced_by_an_empty_one() {
    let check = |stop_reason: &str, text: &str, raw: &str, error: &str| {
        let whole = answer(&message(stop_reason, &[call(0), input(0, text)]));
        assert_eq!(whole.message.parts, [tool_use("t0", "bash", json!({}))]);
        let invalid = InvalidInput { call: CallId::new("t0"), raw: raw.into(), error: error.into() };
        assert_eq!(whole.invalid_inputs, [invalid]);
    };
    check("tool_use", "[1]", "[1]", "the input is JSON but not an object");
    check(
        "tool_use",
        "{\"a\":",
        "{\"a\":",
        "the input is not JSON: EOF while parsing a value at line 1 column 5",
    );
    let cut = "; the answer was cut at its token limit";
    check(
        "max_tokens",
        "{\"a\"",
        "{\"a\"",
        &format!("the input is not JSON: EOF while parsing an object at line 1 column 4{cut}"),
    );
    check("max_tokens", "", "", &format!("the input is missing{cut}"));
    let deep = "[".repeat(10_000);
    let shown = format!("{}… (8976 bytes left out)", "[".repeat(1_024));
    check("tool_use", &deep, &shown, "the input is not JSON: recursion limit exceeded at line 1 column 128");
}

#[test]
fn a_call_before_the_cut_one_is_whole() {
    let whole = answer(&message("max_tokens", &[call(0), call(1), input(1, "{")]));
    let invalid: Vec<&CallId> = whole.invalid_inputs.iter().map(|invalid| &invalid.call).collect();
    assert_eq!(invalid, [&CallId::new("t1")]);
}

#[test]
fn every_stop_reason_has_its_word_and_an_unknown_one_is_kept() {
    let check = |reason: &str, expected: StopReason| {
        assert_eq!(answer(&message(reason, &[])).stop_reason, expected);
    };
    check("end_turn", StopReason::EndTurn);
    check("tool_use", StopReason::ToolUse);
    check("max_tokens", StopReason::MaxTokens);
    check("stop_sequence", StopReason::StopSequence);
    check("pause_turn", StopReason::PauseTurn);
    check("refusal", StopReason::Refusal);
    check("model_context_window_exceeded", StopReason::ContextWindowExceeded);
    check("tired", StopReason::Other("tired".into()));
}

#[test]
fn an_unknown_block_that_grows_by_input_keeps_it_and_by_anything_else_is_refused() {
    let block = start(0, json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}));
    let parts =
        answer(&message("end_turn", &[block.clone(), input(0, "{\"q\":"), input(0, "1}")])).message.parts;
    let raw = r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}}"#;
    assert_eq!(parts, [Part::ProviderBlock { provider: "anthropic".into(), raw: raw.into() }]);

    let strange = delta(0, json!({"type": "compaction_delta", "content": "x"}));
    let expected =
        "event `content_block_delta` does not fit: `compaction_delta` grows a block of unknown kind";
    assert_eq!(error(&message("end_turn", &[block, strange])), expected);
}

#[test]
fn events_that_do_not_follow_from_each_other_are_refused() {
    let check = |events: &[serde_json::Value], expected: &str| {
        assert_eq!(error(&message("end_turn", events)), expected);
    };
    let text = || start(0, json!({"type": "text", "text": ""}));
    check(&[input(3, "{}")], "event `content_block_delta` does not fit: block 3 has not begun");
    check(&[text(), text()], "event `content_block_start` does not fit: block 0 has begun before");
    check(
        &[text(), input(0, "{}")],
        "event `content_block_delta` does not fit: `input_json_delta` grows a block of another kind",
    );
    check(
        &[start(0, json!({"type": "tool_use", "name": "bash", "input": {}}))],
        "event `content_block_start` does not fit: a tool_use block without id or name",
    );
    let early = b"event: message_stop\ndata: {}\n\n";
    assert_eq!(error(early), "event `message_stop` does not fit: the message has not begun");
    let no_reason = b"data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    assert_eq!(error(no_reason), "event `message_stop` does not fit: no stop_reason came before it");
    assert_eq!(
        error(b"event: message_start\ndata: <html>\n\n"),
        "event `message_start` cannot be read: expected value at line 1 column 1"
    );
}

#[test]
fn an_error_event_ends_the_stream_with_the_servers_words() {
    let bytes = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_1\"}\n\n";
    let Err(AnswerError::Server { kind, code, message, request_id }) = play(bytes) else { panic!() };
    let got = (kind.as_str(), code, message.as_str(), request_id.as_deref());
    assert_eq!(got, ("overloaded_error", None, "Overloaded", Some("req_1")));
}

/// P30: the bound on calls is held by the run, which answers each of them.
#[test]
fn every_call_of_a_message_is_kept_in_order() {
    let calls: Vec<_> = (0..500).map(call).collect();
    let whole = answer(&message("tool_use", &calls));
    let ids: Vec<String> = whole.message.tool_uses().map(|(id, ..)| id.to_string()).collect();
    assert_eq!(ids, (0..500).map(|at| format!("t{at}")).collect::<Vec<_>>());
}

#[test]
fn what_is_too_much_for_a_message_is_refused() {
    let megabyte = "x".repeat(1 << 20);
    let pieces: Vec<_> = std::iter::once(call(0)).chain((0..5).map(|_| input(0, &megabyte))).collect();
    let expected = "the message holds bytes of tool input, more than 4194304";
    assert_eq!(error(&message("tool_use", &pieces)), expected);

    let blocks: Vec<_> = (0..4_097).map(|at| start(at, json!({"type": "text", "text": ""}))).collect();
    assert_eq!(error(&message("end_turn", &blocks)), "the message holds blocks, more than 4096");

    let deep = "[".repeat(10_000);
    let bytes = format!(
        "event: content_block_start\ndata: {{\"index\":0,\"content_block\":{{\"type\":\"new\",\"x\":{deep}{}}}}}\n\n",
        "]".repeat(10_000)
    );
    assert!(error(bytes.as_bytes()).contains("recursion limit exceeded"));
}
