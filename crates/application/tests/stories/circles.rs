//! Agents that go in circles, and conversations that no longer fit: every such round ends by itself.

use domain::{
    event::EventBody,
    model::ModelErrorKind,
    outcome::{Ending, FailReason, PartialReason},
    tool::{ToolOutcome, ToolStatus},
};
use serde_json::json;
use testkit::{Answer, Fault, ScriptedModel};

use crate::stage::*;

/// The warnings of a round: what repeated, and how often.
fn warnings(played: &Played) -> Vec<(String, u32)> {
    let warnings = played.events.iter().filter_map(|event| match &event.body {
        EventBody::LoopWarning { pattern, count } => Some((pattern.clone(), *count)),
        _ => None,
    });
    warnings.collect()
}

/// O-15, P38: the worker is warned after four, its run ends after eight, and the manager is told by which word.
#[tokio::test(start_paused = true)]
async fn a_coder_that_makes_one_call_for_ever_is_a_loop_to_the_manager() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "write it"), finish("partial")])
        .agent("coder", [run("make")])
        .repeating_last();
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Partial(PartialReason::ManagerPartial));
    assert_eq!(stage.model.requests_of("coder").len(), 8);
    assert_eq!(warnings(&played), [("`bash` {\"command\":\"make\"}".to_owned(), 4)]);
    let (status, told) = played.results_of("execute_coder_task").remove(0);
    assert_eq!(status, ToolStatus::Error);
    for words in [r#""status":"loop""#, "8 times in a row", "workflow_limits.loop_repeats (now 4)"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let fifth = &stage.model.requests_of("coder")[4];
    let warning = fifth.messages.last().unwrap().message.text();
    assert!(warning.contains("4 times in a row") && warning.contains("call `report`"), "{warning}");
}

/// O-15, P38: the round is `failed/loop`, and says what repeated.
#[tokio::test(start_paused = true)]
async fn a_manager_that_calls_the_same_worker_for_ever_fails_the_round_as_a_loop() {
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan")])
        .repeating_last()
        .agent("planner", [planned()])
        .repeating_last();
    let stage = Stage::new(model);
    let (ending, summary, result) = stage.play("go").await.end();
    assert_eq!((ending, ending.exit_code()), (Ending::Failed(FailReason::Loop), 12));
    assert!(summary.contains("execute_planner_task") && summary.contains("8 times"), "{summary}");
    assert_eq!(result.status, "failed");
    assert_eq!(stage.model.requests_of("manager").len(), 8);
}

/// O-15: `loop_repeats` decides.
#[tokio::test(start_paused = true)]
async fn the_number_of_repeats_can_be_set() {
    let model =
        ScriptedModel::answering([Answer::call("read", json!({ "path": "README.md" }))]).repeating_last();
    let mut stage = Stage::new(model);
    stage.limits.loop_repeats = 2;
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Failed(FailReason::Loop));
    assert_eq!(stage.model.requests().len(), 4);
}

/// Contract 3: lawful polling is no loop.
#[tokio::test(start_paused = true)]
async fn a_poll_that_brings_something_each_time_may_go_on() {
    let polls = (0..40).map(|n| ToolOutcome { exit_code: Some(0), ..ToolOutcome::ok(format!("{n} of 40")) });
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "wait for it"), finish("done")])
        .agent("coder", (0..40).map(|_| run("progress")).chain([coded(&[])]));
    let mut stage = Stage::new(model);
    stage.bash = stage.bash.returning_each(polls);
    let played = stage.play("go").await;
    assert_eq!((played.ending(), warnings(&played).len()), (Ending::Done, 0));
    assert_eq!(stage.model.requests_of("coder").len(), 41);
}

/// Contract 3: 30 turns without a new result or a change, a warning, 5 more.
#[tokio::test(start_paused = true)]
async fn turns_that_bring_nothing_come_to_an_end() {
    let commands = ["ls", "pwd", "id"].into_iter().cycle().take(60);
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "look"), finish("failed")])
        .agent("coder", commands.map(run));
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    assert_eq!(warnings(&played), [("nothing_new".to_owned(), 30)]);
    assert_eq!(stage.model.requests_of("coder").len(), 3 + 30 + 5);
    let (_, told) = played.results_of("execute_coder_task").remove(0);
    assert!(told.contains("35 turns without a new result"), "{told}");
}

/// A conversation of the coder's with `calls` calls behind it, whose next request is refused as too long `times` times.
async fn too_long(calls: usize, times: usize) -> (Stage, Played) {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "write it"), finish("partial")])
        .agent("coder", (0..calls).map(|n| run(&format!("echo {n}"))).chain([coded(&[])]));
    let stage = Stage::new(model);
    // The manager's request comes first.
    for nth in 0..times {
        stage.model.set_fault(2 + calls + nth, Fault::Refuse(ModelErrorKind::TooLong));
    }
    let played = stage.play("go").await;
    (stage, played)
}

fn errors(played: &Played) -> Vec<String> {
    let errors = played.events.iter().filter_map(|event| match &event.body {
        EventBody::Error { code, .. } => Some(code.clone()),
        _ => None,
    });
    errors.collect()
}

/// P37: cut once, said, asked again; no error is told where none is left.
#[tokio::test(start_paused = true)]
async fn a_conversation_that_no_longer_fits_is_cut_once_and_goes_on() {
    let (stage, played) = too_long(10, 1).await;
    assert!(played.results_of("execute_coder_task")[0].1.contains("\"status\":\"reported\""));
    let lengths: Vec<usize> =
        stage.model.requests_of("coder").iter().map(|request| request.messages.len()).collect();
    assert_eq!(lengths[10..], [21, 9]);
    let cuts = played.events.iter().filter(|event| matches!(event.body, EventBody::ContextCut { .. }));
    assert_eq!((cuts.count(), errors(&played).len()), (1, 0));
    let is_notice =
        |body: &EventBody| matches!(body, EventBody::Notice { code, .. } if code == "conversation_too_long");
    assert!(played.events.iter().any(|event| is_notice(&event.body)));
}

/// P37: never a loop.
#[tokio::test(start_paused = true)]
async fn a_conversation_that_does_not_fit_after_its_cut_fails_its_run() {
    for (calls, times, requests) in [(10, 2, 12), (0, 1, 1)] {
        let (stage, played) = too_long(calls, times).await;
        assert_eq!(stage.model.requests_of("coder").len(), requests);
        assert_eq!(errors(&played), ["model_request_too_long"]);
        let (_, told) = played.results_of("execute_coder_task").remove(0);
        assert!(told.contains("\"status\":\"failed\"") && told.contains("smaller parts"), "{told}");
    }
}

/// P30, contract 10: the first 64 of a message run in order, each of the others is answered, the round goes on.
#[tokio::test(start_paused = true)]
async fn of_five_hundred_calls_in_a_message_64_run_and_all_are_answered() {
    let many = (0..500).fold(Answer::empty(), |answer, n| {
        answer.and_call("bash", json!({ "command": format!("echo {n}") }))
    });
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("done")])
        .agent("coder", [many, coded(&[])]);
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Done);
    let ran: Vec<String> =
        stage.bash.calls().iter().map(|call| field(&call.input, "command").to_owned()).collect();
    assert_eq!(ran, (0..64).map(|n| format!("echo {n}")).collect::<Vec<_>>());
    let results = played.results_of("bash");
    assert_eq!(results.len(), 500);
    assert!(results[64..].iter().all(|(status, text)| {
        *status == ToolStatus::Error && text.contains("a message may hold 64 calls")
    }));
}
