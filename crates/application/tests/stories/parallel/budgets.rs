//! One budget, and several who take of it at once.

use domain::outcome::LimitReason;

use super::*;

const USAGE: Usage =
    Usage { input_tokens: 1_000, output_tokens: 1_000, cache_read_tokens: 0, cache_write_tokens: 0 };

/// Four planners at once, each of them in two requests, under this limit of tokens. How the round ended, what it took, and
/// which limits were said to be reached.
async fn four_planners(limit: u64) -> (Ending, u64, usize) {
    let tasks = ["one", "two", "three", "four"];
    let mut model =
        manager(ScriptedModel::new().with_longest_answer(32_000), &tasks.map(|task| ("planner", task, None)));
    for task in tasks {
        let looks = Answer::call("read", json!({})).costing(USAGE).after(Duration::from_secs(1));
        model = worker(model, task, [looks, planned().costing(USAGE).after(Duration::from_secs(1))]);
    }
    let mut stage = Stage::new(model);
    stage.limits.max_tokens = Some(limit);
    let played = stage.play("go").await;
    let reached = played.events.iter().filter(|event| matches!(event.body, EventBody::LimitReached { .. }));
    let taken = match &played.events.last().unwrap().body {
        EventBody::RoundFinished { usage, .. } => usage.total(),
        other => panic!("{other:?}"),
    };
    (played.ending(), taken, reached.count())
}

/// O-14, O-24: what others have reserved is waited for: the limit is reached by what was taken, not by who came first.
#[tokio::test(start_paused = true)]
async fn racing_workers_wait_for_each_others_room() {
    // All eight requests take 16,000; one alone reserves more than 32,000, so that two never fit.
    assert_eq!(four_planners(60_000).await, (Ending::Done, 16_000, 0));
    assert_eq!(four_planners(1_000_000).await, (Ending::Done, 16_000, 0));
}

/// O-14: where it is really used up all of them end, and it is said once.
#[tokio::test(start_paused = true)]
async fn a_limit_that_racing_workers_reach_ends_them_all_and_is_said_once() {
    for limit in [8_000, 10_000, 12_000] {
        let (ending, taken, reached) = four_planners(limit).await;
        assert_eq!((ending, reached), (Ending::Limit(LimitReason::Tokens), 1), "{limit}");
        assert!(taken <= limit, "{taken} of {limit}");
    }
}

/// Law 5: whoever waits for room hears the end.
#[tokio::test(start_paused = true)]
async fn a_worker_that_waits_for_room_ends_with_its_time() {
    let calls: [Task<'_>; 2] = [("coder", "one", Some(&["a/**"])), ("planner", "two", None)];
    let model = manager(ScriptedModel::new().with_longest_answer(32_000), &calls);
    let model = worker(model, "one", [coded(&[]).after(Duration::from_secs(400))]);
    let mut stage = Stage::new(model);
    stage.coder_has_bash = false;
    stage.limits.max_tokens = Some(36_000);
    let played = stage.play("go").await;
    let statuses: Vec<_> = results(&stage).into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["reported", "timeout"], "planners have 300 s");
    assert_eq!((played.ending(), stage.model.requests_of("planner").len()), (Ending::Done, 0));
}
