//! The story of a good day, and what its journal and record say.

use domain::{
    event::{Event, EventBody},
    outcome::Ending,
    tool::ToolStatus,
};
use serde_json::Value;
use testkit::{ScriptedModel, pairing};

use crate::stage::*;

/// O-1, O-10: the manager calls workers as tools, reads their typed reports, and finishes.
#[tokio::test(start_paused = true)]
async fn a_team_plans_writes_reviews_mends_tests_and_commits() {
    let stage = Stage::new(good_day());
    let played = stage.play("합계를 더해줘").await;

    let (ending, summary, result) = played.end();
    assert_eq!((ending, summary.as_str()), (Ending::Done, "끝"));
    assert_eq!(result.status, "completed");
    assert_eq!(result.tests_passed, Some(true));
    assert!(result.verified);
    assert_eq!(result.files_changed, ["sum.sh"]);
    assert_eq!(played.review_cycles(), [(1, 3), (2, 3)]);
    assert_eq!(stage.model.answers_left(), Vec::<(String, usize)>::new());

    let record = stage.records.last().unwrap();
    assert_eq!(record.user_request, "합계를 더해줘");
    assert_eq!(
        record.agents_used.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["planner", "coder", "reviewer", "tester", "committer"]
    );
    assert_eq!(record.total_turns, 8 + 2 + 5 + 2 + 2 + 2);
    assert_eq!(record.result.status, "completed");
    assert_eq!(record.result.tests_passed, Some(true));
    assert_eq!(record.files_changed, ["sum.sh"]);
}

/// Law 1: whatever a model is about to see is in the journal before it is asked.
#[tokio::test(start_paused = true)]
async fn the_journal_holds_every_message_that_a_model_saw() {
    let stage = Stage::new(good_day());
    let played = stage.play("go").await;
    for agent in ["manager", "coder", "reviewer", "tester"] {
        let journaled: Vec<_> = played
            .events
            .iter()
            .filter(|event| event.scope.run.as_ref().is_some_and(|run| run.agent.as_str() == agent))
            .filter_map(|event| match &event.body {
                EventBody::Message { message, .. } => Some(message.as_ref().clone()),
                _ => None,
            })
            .collect();
        for request in stage.model.requests_of(agent) {
            for seen in &request.messages {
                assert!(journaled.contains(&seen.message), "{agent} saw {:?}", seen.message);
            }
        }
    }
    let manager: Vec<_> = played
        .events
        .iter()
        .filter(|event| event.scope.run.as_ref().is_some_and(|run| run.parent_run_id.is_none()))
        .filter_map(|event| match &event.body {
            EventBody::Message { message, .. } => Some(message.as_ref()),
            _ => None,
        })
        .collect();
    assert_eq!(pairing::check_history(manager), Ok(()));
}

/// Contract 3: a tool with effects has begun on disk before it runs, the person's message and every end are on disk
/// before anyone hears of them. Nothing else waits for the disk: a turn that only reads costs none.
#[tokio::test(start_paused = true)]
async fn the_persons_message_effects_and_ends_wait_for_the_disk_and_nothing_else_does() {
    let stage = Stage::new(good_day());
    let played = stage.play("go").await;
    let waits = |event: &&Event| match &event.body {
        EventBody::RoundStarted { .. } | EventBody::RunFinished { .. } | EventBody::RoundFinished { .. } => {
            true
        }
        EventBody::ToolStarted { tool, .. } => ["write", "bash", "commit"].contains(&tool.as_str()),
        _ => false,
    };
    let expected: Vec<usize> =
        played.events.iter().filter(waits).map(|event| usize::try_from(event.seq).unwrap()).collect();
    assert_eq!(stage.journal.durable_points(), expected);
}

/// The manager reads the report together with what the engine saw.
#[tokio::test(start_paused = true)]
async fn the_manager_reads_evidence_beside_each_report() {
    let stage = Stage::new(good_day());
    let played = stage.play("go").await;
    let results = played.results_of("execute_coder_task");
    let second: Value = serde_json::from_str(&results[1].1).unwrap();
    assert_eq!(results[1].0, ToolStatus::Ok);
    assert_eq!(second["evidence"]["files_changed"], serde_json::json!(["sum.sh"]));
    assert_eq!(
        second["evidence"]["commands"],
        serde_json::json!([{ "command": "echo 확인", "exit_code": 0 }])
    );
    let review: Value = serde_json::from_str(&played.results_of("execute_reviewer_task")[0].1).unwrap();
    assert_eq!(review["review"]["cycle"], 1);
    assert_eq!(review["review"]["open"][0]["id"], "F1");
    let second: Value = serde_json::from_str(&played.results_of("execute_reviewer_task")[1].1).unwrap();
    assert_eq!(second["review"]["closed"], serde_json::json!([{ "id": "F1", "state": "fixed" }]));
    // The next reviewer sees what is open, and what has changed since.
    let brief = stage.model.requests_of("reviewer")[1].messages[0].message.text();
    assert!(brief.contains("- F1 [critical]: it is wrong"), "{brief}");
    assert!(brief.contains("\n-wrong\n") && brief.contains("\n+right\n"), "{brief}");
}

/// O-2: the allow-list is the engine's: a worker without a tool cannot use it, whatever its model says.
#[tokio::test(start_paused = true)]
async fn a_planner_that_writes_changes_nothing() {
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("done")])
        .agent("planner", [write("evil.sh", "x"), planned()]);
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    assert_eq!(stage.write.calls().len(), 0);
    assert_eq!(stage.workspace.paths(), ["README.md"]);
    let results = played.results_of("write");
    assert_eq!(results[0].0, ToolStatus::Error);
    assert!(results[0].1.contains("there is no tool `write`"), "{}", results[0].1);
    assert_eq!(played.ending(), Ending::Done);
}
