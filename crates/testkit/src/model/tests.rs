use domain::{
    agent::AgentName,
    message::{Message, Part, Role, SealedMessage, StopReason, Usage},
    model::{ModelAnswer, ModelItem},
    tool::{Access, ToolSpec},
};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::*;

fn request(agent: &str, messages: &[Message]) -> ModelRequest {
    let agent = if agent == "manager" { AgentName::manager() } else { AgentName::parse(agent).unwrap() };
    ModelRequest {
        agent,
        model: None,
        system: "You work.".into(),
        tools: Arc::new([]),
        messages: messages.iter().cloned().map(SealedMessage::new).collect(),
        thinking: None,
        effort: None,
        max_tokens: None,
    }
}

fn go(agent: &str) -> ModelRequest {
    request(agent, &[Message::user("go")])
}

async fn items(model: &ScriptedModel, request: ModelRequest) -> Result<Vec<ModelItem>, ModelError> {
    let stream = model.stream(request).await?;
    stream.collect::<Vec<_>>().await.into_iter().collect()
}

async fn answer(model: &ScriptedModel, request: ModelRequest) -> ModelAnswer {
    match items(model, request).await.unwrap().pop() {
        Some(ModelItem::Answer(answer)) => answer,
        last => panic!("the stream ended with {last:?}"),
    }
}

#[tokio::test]
async fn each_agent_gets_its_own_answers_in_order() {
    let model = ScriptedModel::new()
        .agent("manager", [Answer::text("m1"), Answer::text("m2")])
        .agent("coder", [Answer::text("c1")])
        .repeating_last();
    let mut texts = Vec::new();
    for agent in ["manager", "coder", "coder", "manager"] {
        texts.push(answer(&model, go(agent)).await.message.text());
    }
    assert_eq!(texts, ["m1", "c1", "c1", "m2"]);
    assert_eq!(model.requests_of("coder").len(), 2);
    assert_eq!(model.answers_left(), []);
}

#[tokio::test]
async fn deltas_add_up_to_the_answer() {
    let usage = Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() };
    let script = Answer::thinking("흠")
        .and_text("한국어 👩‍👩‍👧")
        .and_call("read", json!({"path": "a"}))
        .and_broken_call("read", "{\"path\":")
        .costing(usage)
        .in_chunks(2);
    let model = ScriptedModel::answering([script]);
    let mut items = items(&model, go("manager")).await.unwrap();
    let Some(ModelItem::Answer(answer)) = items.pop() else { panic!("no answer") };
    let streamed = |wanted: u32| -> String {
        let deltas = items.iter().filter_map(|item| match item {
            ModelItem::TextDelta { index, text } | ModelItem::ThinkingDelta { index, text } => {
                Some((*index, text))
            }
            ModelItem::Answer(_)
            | ModelItem::Held { .. }
            | ModelItem::Retrying(_)
            | ModelItem::Answerer(_)
            | ModelItem::Attempt { .. } => None,
        });
        deltas.filter(|(index, _)| *index == wanted).map(|(_, text)| text.as_str()).collect()
    };
    assert_eq!((streamed(0).as_str(), streamed(1).as_str()), ("흠", "한국어 👩‍👩‍👧"));
    assert_eq!(answer.message.text(), "한국어 👩‍👩‍👧");
    let calls: Vec<(&str, &Value)> =
        answer.message.tool_uses().map(|(_, name, input)| (name, input)).collect();
    assert_eq!(calls, [("read", &json!({"path": "a"})), ("read", &json!({}))]);
    assert_eq!(answer.invalid_inputs[0].raw, "{\"path\":");
    assert_eq!((answer.stop_reason, answer.usage), (StopReason::ToolUse, usage));
}

#[tokio::test]
async fn a_broken_pair_is_refused_and_reported() {
    let model = ScriptedModel::answering([Answer::call("read", json!({})), Answer::text("never")]);
    let called = answer(&model, go("manager")).await.message;
    let unanswered = request("manager", &[Message::user("go"), called, Message::user("and?")]);
    let refusal = items(&model, unanswered).await.unwrap_err();
    assert_eq!(refusal.kind, ModelErrorKind::Rejected);
    assert!(model.take_violations()[0].contains("calls without a result"), "{refusal}");
}

#[tokio::test]
#[should_panic(expected = "the scripted model saw: request 1")]
async fn a_refusal_that_nobody_looked_at_fails_the_test() {
    let model = ScriptedModel::answering([Answer::text("never")]);
    items(&model, request("manager", &[])).await.unwrap_err();
}

#[tokio::test]
async fn a_thought_comes_back_unchanged_or_not_at_all() {
    let model = ScriptedModel::answering([Answer::thinking("hm").and_text("yes")]).repeating_last();
    let mut said = answer(&model, go("manager")).await.message;
    let again =
        |said: &Message| request("manager", &[Message::user("go"), said.clone(), Message::user("sure?")]);
    items(&model, again(&said)).await.unwrap();
    let Part::Thinking { text, .. } = &mut said.parts[0] else { panic!("no thought") };
    text.push('!');
    items(&model, again(&said)).await.unwrap_err();
    assert!(model.take_violations()[0].contains("was edited"));
}

#[tokio::test]
async fn a_paused_answer_may_stand_last() {
    let paused = Answer::text("wait").stopping(StopReason::PauseTurn);
    let model = ScriptedModel::answering([paused, Answer::text("done")]).repeating_last();
    let said = answer(&model, go("manager")).await.message;
    assert_eq!(answer(&model, request("manager", &[Message::user("go"), said])).await.message.text(), "done");
    let prefill = Message { role: Role::Assistant, parts: vec![Part::Text { text: "I".to_owned() }] };
    items(&model, request("manager", &[Message::user("go"), prefill])).await.unwrap_err();
    assert!(model.take_violations()[0].contains("last message"));
}

#[tokio::test]
async fn tools_that_no_provider_takes_are_refused() {
    let tool = |name: &str, schema: Value| ToolSpec {
        name: name.into(),
        description: "".into(),
        input_schema: Arc::new(schema),
        access: Access::Read,
    };
    let object = || json!({"type": "object"});
    let offers: [&[ToolSpec]; 3] = [
        &[tool("읽기", object())],
        &[tool("read", object()), tool("read", object())],
        &[tool("read", json!({"type": "string"}))],
    ];
    let model = ScriptedModel::answering([Answer::text("never")]);
    for tools in offers {
        let refusal = items(&model, ModelRequest { tools: tools.into(), ..go("manager") }).await.unwrap_err();
        assert_eq!(refusal.kind, ModelErrorKind::Rejected);
    }
    assert_eq!(model.take_violations().len(), 3);
}

#[tokio::test]
async fn a_failed_request_leaves_its_answer_for_the_next() {
    let rate_limit = ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(2)) };
    let model = ScriptedModel::answering([Answer::text("abcd").in_chunks(1)])
        .with_fault(1, Fault::Refuse(rate_limit.clone()))
        .with_fault(2, Fault::FailAfter(2, ModelErrorKind::Cut));
    assert_eq!(model.stream(go("manager")).await.err().map(|error| error.kind), Some(rate_limit));
    let mut stream = model.stream(go("manager")).await.unwrap();
    let mut deltas = 0;
    let cut = loop {
        match stream.next().await {
            Some(Ok(_)) => deltas += 1,
            Some(Err(error)) => break error.kind,
            None => panic!("the stream ended without an error"),
        }
    };
    assert_eq!((deltas, cut), (2, ModelErrorKind::Cut));
    assert!(stream.next().await.is_none());
    assert_eq!(answer(&model, go("manager")).await.message.text(), "abcd");
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_its_time() {
    let script =
        Answer::text("abc").in_chunks(1).after(Duration::from_secs(5)).with_gaps(Duration::from_secs(1));
    let model = ScriptedModel::answering([script]).with_fault(1, Fault::Delay(Duration::from_secs(10)));
    let start = tokio::time::Instant::now();
    answer(&model, go("manager")).await;
    assert_eq!(start.elapsed().as_secs(), 18);
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_no_longer_open() {
    let model = Arc::new(
        ScriptedModel::answering([Answer::text("a").then_stalling()])
            .repeating_last()
            .with_fault(2, Fault::Hang)
            .with_fault(3, Fault::StallAfter(0)),
    );
    for _ in 0..3 {
        let asking = tokio::spawn({
            let model = Arc::clone(&model);
            async move { items(&model, go("manager")).await.map(|items| items.len()) }
        });
        model.wait_for_open(1).await;
        asking.abort();
        model.wait_for_open(0).await;
    }
    model.wait_for_requests(3).await;
}

#[tokio::test]
async fn an_answer_can_be_computed_and_held() {
    let gate = Gate::shut();
    let echo = Answer::computed(|request| Answer::text(&request.messages[0].message.text()));
    let model = ScriptedModel::answering([echo]).with_fault(1, Fault::Hold(gate.clone()));
    let (said, ()) = tokio::join!(answer(&model, go("manager")), async {
        model.wait_for_open(1).await;
        gate.open();
    });
    assert_eq!(said.message.text(), "go");
}

#[tokio::test]
async fn a_request_without_an_answer_fails_and_is_reported() {
    let model = ScriptedModel::new().agent("coder", [Answer::refused(ModelErrorKind::Credentials)]);
    assert_eq!(items(&model, go("coder")).await.unwrap_err().kind, ModelErrorKind::Credentials);
    assert_eq!(items(&model, go("coder")).await.unwrap_err().kind, ModelErrorKind::Script);
    assert_eq!(items(&model, go("tester")).await.unwrap_err().kind, ModelErrorKind::Script);
    assert_eq!(model.take_violations().len(), 2);
}
