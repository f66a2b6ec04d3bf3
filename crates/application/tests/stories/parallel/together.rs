//! Who is at work at the same time as whom.

use better_llm_application::SessionHandle;
use domain::session::{Command, Request};
use testkit::wait::bounded;

use super::*;

/// O-24: the requests of both are out at the same time.
#[tokio::test(start_paused = true)]
async fn two_planners_are_asked_at_the_same_time() {
    let gate = Gate::shut();
    let model = manager(ScriptedModel::new(), &[("planner", "one", None), ("planner", "two", None)]);
    let model = worker(worker(model, "one", [planned()]), "two", [planned()]);
    let model = model.with_fault(2, Fault::Hold(gate.clone())).with_fault(3, Fault::Hold(gate.clone()));
    let stage = Stage::new(model);
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.model.wait_for_open(2).await;
    gate.open();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    assert_eq!(bounded("the close", session.close()).await, Ok(()));
    assert_eq!(stage.played().ending(), Ending::Done);
}

/// How many of three planners are asked at once under this limit, and how long all of them take; each takes an hour less
/// than the one before.
async fn three_planners(most: u32) -> (u64, Vec<(String, String)>) {
    let calls = [("planner", "one", None), ("planner", "two", None), ("planner", "three", None)];
    let mut model = manager(ScriptedModel::new(), &calls);
    for (task, hours) in [("one", 3), ("two", 2), ("three", 1)] {
        let words = format!("{task} is planned");
        let report = Answer::call("report", json!({ "summary": words, "steps": [] }));
        model = worker(model, task, [report.after(Duration::from_secs(60 * hours))]);
    }
    let mut stage = Stage::new(model);
    stage.limits.max_parallel_workers = most;
    let began = tokio::time::Instant::now();
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Done);
    let summaries = stage.model.requests_of("manager").pop().unwrap().messages.pop().unwrap();
    let order = summaries.message.parts.iter().filter_map(|part| match part {
        Part::ToolResult { content, .. } => serde_json::from_str::<Value>(content).ok(),
        _ => None,
    });
    let order: Vec<_> = order.map(|value| value["report"]["summary"].as_str().unwrap().to_owned()).collect();
    assert_eq!(order, ["one is planned", "two is planned", "three is planned"], "the order of the calls");
    (began.elapsed().as_secs() / 60, results(&stage))
}

/// O-24: the manager reads the results in the order of its calls, whoever is done first; the others wait their turn.
#[tokio::test(start_paused = true)]
async fn as_many_work_at_once_as_the_limit_says_and_the_order_of_results_stays() {
    let all = vec![("planner".to_owned(), "reported".to_owned()); 3];
    for (most, minutes) in [(1, 6), (2, 3), (3, 3), (64, 3)] {
        assert_eq!(three_planners(most).await, (minutes, all.clone()), "{most}");
    }
}

/// The most calls of `write` at one time, of two coders with these `writes`. `bash`: they have it, and whether commands
/// are held to `writes`.
async fn most_writing(one: Option<&[&str]>, other: Option<&[&str]>, bash: Option<bool>) -> usize {
    let model = manager(ScriptedModel::new(), &[("coder", "one", one), ("coder", "two", other)]);
    let model = worker(model, "one", [write("src/a", "1"), coded(&["src/a"])]);
    let model = worker(model, "two", [write("문서/b", "2"), coded(&["문서/b"])]);
    let mut stage = Stage::new(model);
    stage.write = stage.write.taking(Duration::from_secs(1));
    stage.coder_has_bash = bash.is_some();
    if bash == Some(true) {
        stage.processes = Arc::new(FakeProcesses::new().holding_commands());
    }
    let played = stage.play("go").await;
    assert_eq!((played.ending(), stage.write.calls().len()), (Ending::Done, 2));
    stage.write.most_running()
}

/// Contract 4.
#[tokio::test(start_paused = true)]
async fn writers_are_at_work_at_once_only_where_they_cannot_meet() {
    let (src, docs) = (Some(&["src/**"][..]), Some(&["문서/**"][..]));
    for (one, other, bash, expected) in [
        (src, docs, None, 2),
        (src, docs, Some(true), 2),
        (src, docs, Some(false), 1),
        (src, Some(&["**"]), None, 1),
        (src, None, None, 1),
        (None, None, None, 1),
    ] {
        assert_eq!(most_writing(one, other, bash).await, expected, "{one:?} {other:?} {bash:?}");
    }
}

/// One call that has to be alone makes all of them wait for each other.
#[tokio::test(start_paused = true)]
async fn a_question_to_the_person_is_asked_while_nobody_works() {
    let asks = Answer::empty()
        .and_call("execute_planner_task", json!({ "task_description": "one" }))
        .and_call("ask_user", json!({ "question": "which?", "options": ["this"] }));
    let model = ScriptedModel::new().agent("manager", [asks, finish("done")]).agent("planner", [planned()]);
    let mut stage = Stage::new(model);
    let intervention = Duration::ZERO;
    stage.presence =
        domain::person::Presence::Present { question_timeout: Duration::from_secs(60), intervention };
    let played = stage.play("go").await;
    let order = played.events.iter().filter_map(|event| match &event.body {
        EventBody::Question { .. } => Some("question"),
        EventBody::RunFinished { .. } => Some("run's end"),
        _ => None,
    });
    assert_eq!(order.collect::<Vec<_>>(), ["run's end", "question", "run's end"]);
}

/// A worker that fails is its caller's business; the others go on.
#[tokio::test(start_paused = true)]
async fn a_worker_that_fails_stops_nobody_else() {
    let calls = [("planner", "one", None), ("planner", "two", None), ("planner", "three", None)];
    let model = manager(ScriptedModel::new(), &calls);
    let model = worker(model, "one", [planned().after(Duration::from_secs(9))]);
    let model = worker(model, "two", [Answer::refused(ModelErrorKind::Rejected)]);
    let model = worker(model, "three", [Answer::text("no report"), Answer::text("none")]);
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    let statuses: Vec<_> = results(&stage).into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["reported", "failed", "malformed_report"]);
    assert_eq!(played.ending(), Ending::Done);
}

/// The round's end ends all of them.
#[tokio::test(start_paused = true)]
async fn refused_credentials_of_one_worker_stop_the_others() {
    let model = manager(ScriptedModel::new(), &[("planner", "one", None), ("reviewer", "two", None)]);
    let model = worker(model, "one", [planned().after(Duration::from_secs(100))]);
    let model = worker(model, "two", [Answer::refused(ModelErrorKind::Credentials)]);
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    let ends = played.events.iter().filter_map(|event| match &event.body {
        EventBody::RunFinished { ending, .. } => {
            Some((event.scope.run.as_ref().unwrap().agent.to_string(), *ending))
        }
        _ => None,
    });
    let refused = Ending::Failed(FailReason::Credentials);
    let expected = ["reviewer", "planner", "manager"].map(|agent| (agent.to_owned(), refused));
    assert_eq!(ends.collect::<Vec<_>>(), expected);
    assert_eq!((played.ending(), stage.model.open_requests()), (refused, 0));
}

/// O-15: what refuses coders is looked at when each of them begins.
#[tokio::test(start_paused = true)]
async fn a_coder_past_its_limit_is_refused_beside_others_that_work() {
    let calls: [Task<'_>; 3] =
        [("coder", "one", Some(&["a/**"])), ("planner", "two", None), ("coder", "three", Some(&["b/**"]))];
    let model = manager(ScriptedModel::new(), &calls);
    let model = worker(model, "one", [Answer::text("no"), Answer::text("no")]);
    let model = worker(model, "two", [planned().after(Duration::from_secs(9))]);
    let model = worker(model, "three", [coded(&[])]);
    let mut stage = Stage::new(model);
    stage.coder_has_bash = false;
    stage.limits.max_coder_retries = 0;
    stage.limits.max_parallel_workers = 2;
    stage.play("go").await;
    let statuses: Vec<_> = results(&stage).into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses[..2], ["malformed_report", "reported"]);
    assert!(statuses[2].starts_with("refused: the coder failed 1 times in a row"), "{statuses:?}");
}
