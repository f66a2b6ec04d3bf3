use std::error::Error;

use futures_util::StreamExt;
use serde_json::json;

use super::*;
use crate::test_support::{assistant, request, result, text, user};

fn model(script: &str) -> ScriptModel {
    ScriptModel::new(Arc::new(Script::parse("test.json", script).unwrap()))
}

/// A script with these steps of the coder.
fn coder(steps: &Value) -> ScriptModel {
    model(&json!({"v": 1, "agents": {"coder": steps}}).to_string())
}

async fn ask(model: &ScriptModel, request: ModelRequest) -> (Vec<String>, Result<ModelAnswer, ModelError>) {
    let mut stream = match model.stream(request).await {
        Ok(stream) => stream,
        Err(error) => return (vec![], Err(error)),
    };
    let mut shown = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(ModelItem::TextDelta { index, text }) => shown.push(format!("T{index}:{text}")),
            Ok(ModelItem::ThinkingDelta { index, text }) => shown.push(format!("H{index}:{text}")),
            Ok(ModelItem::Answer(answer)) => {
                assert!(stream.next().await.is_none(), "the answer is the last item");
                return (shown, Ok(answer));
            }
            Ok(other) => panic!("a back end makes one attempt and says nothing of others: {other:?}"),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the last item");
                return (shown, Err(error));
            }
        }
    }
    panic!("the stream ended without an answer or an error");
}

async fn failure(model: &ScriptModel, request: ModelRequest) -> (ModelErrorKind, String) {
    let error = ask(model, request).await.1.unwrap_err();
    (error.kind, error.what)
}

#[test]
fn what_is_no_script_is_refused_with_file_and_json_path() {
    let check = |text: &str, path: &str, because: &str| {
        let error = Script::parse("a.json", text).unwrap_err();
        assert_eq!((error.name.as_str(), error.path.as_str()), ("a.json", path), "{text}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(because), "{source}");
    };
    let step = |step: &str| format!(r#"{{"v":1,"agents":{{"coder":[{{}},{step}]}}}}"#);
    check("", ".", "EOF");
    check("{\"v\":1,\"agents\":{}} x", ".", "trailing characters");
    check("{\"v\":1}", ".", "missing field `agents`");
    check("{\"agents\":{}}", ".", "missing field `v`");
    check("{\"v\":2,\"agents\":{}}", "v", "version 2 of scripts is not known");
    check("{\"v\":1,\"agents\":{},\"more\":1}", "more", "unknown field `more`");
    check("{\"v\":1,\"agents\":{\"9\":[]}}", "agents.9", "`9` is no agent name");
    check("{\"v\":1,\"agents\":{},\"on_exhausted\":\"stop\"}", "on_exhausted", "unknown variant `stop`");
    check(&step("{\"txt\":\"a\"}"), "agents.coder[1].txt", "unknown field `txt`");
    check(&step("{\"text\":1}"), "agents.coder[1].text", "invalid type: integer");
    check(&step("{\"chunk_chars\":0}"), "agents.coder[1].chunk_chars", "expected a nonzero usize");
    check(
        &step("{\"tool_calls\":[{\"name\":\"bash\"}]}"),
        "agents.coder[1].tool_calls[0]",
        "missing field `input`",
    );
    check(&step("{\"usage\":{\"tokens\":1}}"), "agents.coder[1].usage.tokens", "unknown field `tokens`");
    check(
        &step("{\"expect\":{\"contains\":\"\"}}"),
        "agents.coder[1].expect.contains",
        "unknown field `contains`",
    );
    check(&step("{\"fault\":{\"kind\":\"fire\"}}"), "agents.coder[1].fault.kind", "unknown variant `fire`");
    check(&step("{\"fault\":{\"kind\":\"cut\",\"at\":1}}"), "agents.coder[1].fault", "unknown field `at`");
    check(
        &step("{\"fault\":{\"kind\":\"http\",\"status\":429,\"retry_after\":-1}}"),
        "agents.coder[1].fault",
        "-1 is no number of seconds",
    );
}

#[tokio::test]
async fn a_step_is_shown_in_pieces_of_whole_graphemes_and_then_answered() {
    let model = coder(&json!([{
        "thinking": "음…", "text": "안녕 👩‍👩‍👧!", "chunk_chars": 2,
        "tool_calls": [{"name": "bash", "input": {"command": "ls"}}, {"name": "read", "input": "x"}],
        "usage": {"input_tokens": 7, "output_tokens": 5},
    }]));
    let (shown, answer) = ask(&model, request("coder", &[])).await;
    assert_eq!(shown, ["H0:음…", "T1:안녕", "T1: 👩‍👩‍👧", "T1:!"]);
    let call = |n: u32| CallId::new(&format!("call_coder_1_{n}"));
    let parts = vec![
        Part::Thinking { text: "음…".into(), signature: None },
        text("안녕 👩‍👩‍👧!"),
        Part::ToolUse { id: call(1), name: "bash".into(), input: json!({"command": "ls"}) },
        Part::ToolUse { id: call(2), name: "read".into(), input: json!({}) },
    ];
    let error = "the input is JSON but not an object".to_owned();
    let expected = ModelAnswer {
        message: Message { role: Role::Assistant, parts },
        stop_reason: StopReason::ToolUse,
        usage: Usage { input_tokens: 7, output_tokens: 5, ..Usage::default() },
        model: "script".into(),
        invalid_inputs: vec![InvalidInput { call: call(2), raw: "\"x\"".into(), error }],
    };
    assert_eq!(answer.unwrap(), expected);
}

#[tokio::test]
async fn an_agents_nth_request_gets_its_nth_step() {
    let model =
        model(r#"{"v":1,"agents":{"coder":[{"text":"c1"},{"text":"c2"}],"manager":[{"text":"m1"}]}}"#);
    let mut said = Vec::new();
    for agent in ["coder", "manager", "coder"] {
        said.push(ask(&model, request(agent, &[])).await.1.unwrap().message.text());
    }
    assert_eq!(said, ["c1", "m1", "c2"]);
    let what = "script test.json: agent `coder` makes request 3, but agents.coder has 2 steps; add a step, or set \
                on_exhausted to repeat_last";
    assert_eq!(failure(&model, request("coder", &[])).await, (ModelErrorKind::Script, what.into()));
    let (kind, what) = failure(&model, request("tester", &[])).await;
    assert!(kind == ModelErrorKind::Script && what.contains("agents.tester has 0 steps"), "{what}");
}

#[tokio::test]
async fn the_last_step_is_repeated_where_the_script_says_so_with_fresh_call_ids() {
    let model = model(
        r#"{"v":1,"on_exhausted":"repeat_last",
            "agents":{"coder":[{"text":"a"},{"tool_calls":[{"name":"x","input":{}}]}],"empty":[]}}"#,
    );
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = ask(&model, request("coder", &[])).await.1.unwrap();
        ids.extend(answer.message.tool_uses().map(|(id, ..)| id.to_string()));
    }
    assert_eq!(ids, ["call_coder_2_1", "call_coder_3_1"]);
    assert_eq!(failure(&model, request("empty", &[])).await.0, ModelErrorKind::Script);
}

#[tokio::test]
async fn an_expectation_looks_at_the_newest_results_and_the_newest_text_of_the_user() {
    let conversation = [
        user(vec![text("add 환불")]),
        assistant(vec![text("old reply")]),
        user(vec![result("a", "first result", false)]),
        assistant(vec![text("more")]),
        user(vec![result("b", "one", false), result("c", "두 번째 result", false)]),
    ];
    let check = |expect: Value, what: Option<&str>| {
        let (model, request) = (coder(&json!([{"expect": expect}])), request("coder", &conversation));
        let what = what.map(|what| format!("script test.json, agents.coder[0]: expect.{what}"));
        async move {
            let got = ask(&model, request).await.1.err().map(|error| (error.kind, error.what));
            assert_eq!(got, what.map(|what| (ModelErrorKind::Script, what)));
        }
    };
    check(json!({"tool_result_contains": "두 번째", "last_user_contains": "환불"}), None).await;
    let what = "tool_result_contains is `first`, but the request holds `one 두 번째 result`";
    check(json!({"tool_result_contains": "first"}), Some(what)).await;
    let what = "last_user_contains is `reply`, but the request holds `add 환불`";
    check(json!({"last_user_contains": "reply"}), Some(what)).await;

    let nothing =
        failure(&coder(&json!([{"expect": {"tool_result_contains": "x"}}])), request("coder", &[])).await;
    assert!(nothing.1.ends_with("is `x`, but the request holds nothing"), "{}", nothing.1);
}

#[tokio::test(start_paused = true)]
async fn faults_fail_as_the_real_thing_would() {
    let model = coder(&json!([
        {"fault": {"kind": "http", "status": 429, "message": "slow down", "retry_after": 1.5}},
        {"fault": {"kind": "http", "status": 401}},
        {"fault": {"kind": "stall"}, "text": "so far"},
        {"fault": {"kind": "cut"}, "text": "so far"},
        {"fault": {"kind": "malformed"}},
        {"text": "well"},
    ]));
    let retry_after = Some(Duration::from_millis(1_500));
    let what = |step: usize, problem: &str| format!("script test.json, agents.coder[{step}]: {problem}");
    let limited = (ModelErrorKind::RateLimited { retry_after }, what(0, "HTTP 429, slow down"));
    assert_eq!(failure(&model, request("coder", &[])).await, limited);
    let denied = (ModelErrorKind::Credentials, what(1, "HTTP 401, no explanation"));
    assert_eq!(failure(&model, request("coder", &[])).await, denied);

    for (kind, shown) in [
        (ModelErrorKind::Silent, vec!["T0:so far"]),
        (ModelErrorKind::Cut, vec!["T0:so far"]),
        (ModelErrorKind::Malformed, vec![]),
    ] {
        let (got, error) = ask(&model, request("coder", &[])).await;
        assert_eq!((got, error.unwrap_err().kind), (shown.into_iter().map(String::from).collect(), kind));
    }
    assert_eq!(ask(&model, request("coder", &[])).await.1.unwrap().message.text(), "well");
}

/// P39: what a failed answer took is what the script says it took; an attempt is a request, which takes the next step.
#[tokio::test(start_paused = true)]
async fn a_failed_step_says_what_it_took_and_is_over() {
    let usage = json!({"input_tokens": 7});
    let script = [
        json!({"fault": {"kind": "http", "status": 529}, "usage": usage}),
        json!({"fault": {"kind": "stall"}, "usage": usage}),
        json!({"text": "well"}),
    ];
    let model = coder(&json!(script)).with_idle_timeout(Duration::from_secs(5));
    let begin = tokio::time::Instant::now();
    for seconds in [0, 5] {
        let error = ask(&model, request("coder", &[])).await.1.unwrap_err();
        assert_eq!((error.usage.input_tokens, begin.elapsed().as_secs()), (7, seconds));
    }
    assert_eq!(ask(&model, request("coder", &[])).await.1.unwrap().message.text(), "well");
}

#[tokio::test(start_paused = true)]
async fn a_delay_comes_before_anything_else() {
    let model = coder(&json!([{"text": "late", "delay_ms": 5_000}]));
    let begin = tokio::time::Instant::now();
    ask(&model, request("coder", &[])).await.1.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn usage_that_a_step_does_not_give_is_estimated_from_the_texts() {
    let model = coder(&json!([{"text": "12345678"}, {"text": "x", "usage": {"output_tokens": 3}}]));
    let conversation = [user(vec![text("1234"), result("a", "12345", false)])];
    let usage = ask(&model, request("coder", &conversation)).await.1.unwrap().usage;
    assert_eq!(usage, Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() });
    let usage = ask(&model, request("coder", &conversation)).await.1.unwrap().usage;
    assert_eq!(usage, Usage { output_tokens: 3, ..Usage::default() });
}

#[test]
fn the_port_says_which_script_and_whatever_model_was_asked_for() {
    let model = coder(&json!([]));
    assert_eq!(model.provider(), "script:test.json");
    assert_eq!((model.resolve(None), model.resolve(Some("strong"))), ("script".into(), "strong".into()));
}

/// Contract 9: an agent's n-th request in the session, whichever process makes it.
#[tokio::test]
async fn a_session_that_goes_on_gets_the_steps_after_those_it_had() {
    let steps = json!([{"text": "하나"}, {"text": "둘"}, {"text": "셋"}]);
    let script = json!({"v": 1, "agents": {"coder": steps, "tester": steps}, "on_exhausted": "error"});
    let coder = AgentName::parse("coder").unwrap();
    let model = model(&script.to_string()).after([(coder, 2)]);
    let said = async |agent: &str| ask(&model, request(agent, &[])).await.0;
    assert_eq!(said("coder").await, ["T0:셋"]);
    assert_eq!(said("tester").await, ["T0:하나"]);
}
