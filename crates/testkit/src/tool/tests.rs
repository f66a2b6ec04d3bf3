use domain::{id::Ulid, permission::PathRules, ports::never_cancelled};

use super::*;
use crate::MemoryOutput;

fn context(call: &str, cancelled: Cancelled, output: &Arc<MemoryOutput>) -> ToolContext {
    ToolContext {
        agent: AgentName::manager(),
        run: RunId::new(Ulid::from_parts(1, 1)),
        call: CallId::new(call),
        output: Arc::clone(output) as Arc<dyn domain::ports::OutputSink>,
        cancelled,
        bases: Bases::default(),
        writes: None,
        holds_commands: false,
        paths: PathRules::default(),
    }
}

async fn run(tool: &FakeTool, input: Value, cancelled: Cancelled) -> ToolOutcome {
    let prepared = tool.prepare(&input).map_err(|rejected| rejected.0).unwrap();
    prepared.run(context("c", cancelled, &MemoryOutput::new())).await
}

#[tokio::test]
async fn outcomes_come_one_after_the_other_and_the_last_stays() {
    let tool = FakeTool::new("bash", Access::Command)
        .returning_each([ToolOutcome::error("red"), ToolOutcome::ok("green")]);
    let mut outputs = Vec::new();
    for number in 0..3 {
        outputs.push(run(&tool, json!({"n": number}), never_cancelled()).await.output);
    }
    assert_eq!(outputs, ["red", "green", "green"]);
    let inputs: Vec<Value> = tool.calls().into_iter().map(|call| call.input).collect();
    assert_eq!(inputs, [json!({"n": 0}), json!({"n": 1}), json!({"n": 2})]);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_ends_a_call_that_takes_long() {
    let tool = FakeTool::new("bash", Access::Command).taking(Duration::from_secs(600));
    let cancelled = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
    assert_eq!(run(&tool, json!({}), cancelled).await.status, ToolStatus::Cancelled);
    assert_eq!(run(&tool, json!({}), never_cancelled()).await, ToolOutcome::ok("done"));
    assert_eq!(tool.abandoned(), []);
}

#[tokio::test]
async fn a_call_that_hears_nothing_is_noted_when_it_is_dropped() {
    let tool = FakeTool::new("bash", Access::Command).never_ending();
    let calling = tokio::spawn({
        let tool = tool.clone();
        async move { run(&tool, json!({}), Box::pin(std::future::ready(()))).await }
    });
    tool.wait_for_running(1).await;
    calling.abort();
    tool.wait_for_running(0).await;
    assert_eq!(tool.abandoned(), [CallId::new("c")]);
}

#[tokio::test]
async fn calls_side_by_side_are_counted() {
    let gate = Gate::shut();
    let tool = FakeTool::new("grep", Access::Read).waiting_at(&gate);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let tool = tool.clone();
            tokio::spawn(async move { run(&tool, json!({}), never_cancelled()).await })
        })
        .collect();
    tool.wait_for_running(3).await;
    gate.open();
    for call in calls {
        assert_eq!(call.await.unwrap(), ToolOutcome::ok("done"));
    }
    assert_eq!((tool.running(), tool.most_running()), (0, 3));
}

#[tokio::test]
async fn output_is_streamed_and_the_target_is_told() {
    let tool = FakeTool::new("bash", Access::Command)
        .saying(&["테스트 ", "통과"])
        .targeting(|input| CallTarget::Command(input["command"].as_str().unwrap().to_owned()));
    let prepared = tool.prepare(&json!({"command": "make"})).map_err(|rejected| rejected.0).unwrap();
    assert_eq!(prepared.target(), CallTarget::Command("make".to_owned()));
    let output = MemoryOutput::new();
    prepared.run(context("c", never_cancelled(), &output)).await;
    assert_eq!(output.chunks(), ["테스트 ", "통과"]);
}

#[test]
fn inputs_are_rejected_on_request_and_where_they_are_no_objects() {
    let tool = FakeTool::new("read", Access::Read);
    assert!(tool.prepare(&json!([1])).is_err());
    let picky = tool.rejecting("`path` is missing");
    assert_eq!(picky.prepare(&json!({})).err(), Some(RejectedInput("`path` is missing".to_owned())));
    assert_eq!(picky.calls(), []);
}
