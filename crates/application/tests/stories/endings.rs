//! How rounds end when something is not as it should be: limits, lies, prose, questions, denials.

use std::time::Duration;

use better_llm_application::SessionHandle;
use domain::{
    command::WallNotice,
    event::EventBody,
    limits::LimitValue,
    outcome::{Ending, FailReason, LimitReason, NeedReason, PartialReason, Signal},
    permission::PermissionMode,
    session::{Command, Request},
    tool::ToolStatus,
};
use testkit::{Answer, FakeCommand, FakeProcesses, ScriptedModel, workspace::WorkspaceCall};

use crate::stage::*;

async fn check(model: ScriptedModel, ending: Ending) -> (Stage, Played) {
    let stage = Stage::new(model);
    let played = stage.play("go").await;
    assert_eq!(played.ending(), ending);
    (stage, played)
}

/// O-15: "Review cycle 1/3", "2/3", "3/3", then the person is asked; never a fourth.
#[tokio::test(start_paused = true)]
async fn a_reviewer_that_never_approves_ends_in_a_question() {
    let no = || reviewed("request_changes", &[("critical", "still wrong")]);
    let model = ScriptedModel::new()
        .agent("manager", (0..20).map(|turn| task(if turn % 2 == 0 { "coder" } else { "reviewer" }, "go on")))
        .agent("coder", (0..20).flat_map(|n| [write("a", &n.to_string()), coded(&["a"])]))
        .agent("reviewer", (0..20).map(|_| no()));
    let (_, played) = check(model, Ending::NeedsPerson(NeedReason::ReviewLimit)).await;
    assert_eq!(played.review_cycles(), [(1, 3), (2, 3), (3, 3)]);
    assert!(
        played
            .events
            .iter()
            .any(|event| matches!(&event.body, EventBody::Question { options, .. } if options.len() == 4))
    );
}

/// A tester that lies is caught: refuted, red, exit 11.
#[tokio::test(start_paused = true)]
async fn a_tester_that_lies_is_caught() {
    let model = ScriptedModel::new()
        .agent("manager", [task("tester", "test"), finish("done")])
        .agent("tester", [run("run-tests"), tested(true, &["run-tests"])]);
    let (_, played) = check(model, Ending::Failed(FailReason::Verification)).await;
    assert_eq!(played.end().2.tests_passed, Some(false));
    assert!(!played.end().2.verified);
    assert_eq!(played.claims()[0].0, ["passed: a named command failed"]);
}

/// A test that ran before the last edit says nothing about the files as they are.
#[tokio::test(start_paused = true)]
async fn a_test_run_before_the_last_edit_counts_for_nothing() {
    let model = ScriptedModel::new()
        .agent(
            "manager",
            [task("coder", "write"), task("tester", "test"), task("coder", "more"), finish("done")],
        )
        .agent("coder", [write("sum.sh", "right"), coded(&["sum.sh"]), write("b", "2"), coded(&["b"])])
        .agent("tester", [run("run-tests"), tested(true, &["run-tests"])]);
    let (_, played) = check(model, Ending::Done).await;
    assert_eq!(played.end().2.tests_passed, None);
}

/// What a test command writes itself is no edit; what another command writes is one.
#[tokio::test(start_paused = true)]
async fn only_other_commands_make_a_test_stale() {
    for (commands, passed) in [(vec!["touch log"], Some(true)), (vec!["touch log", "touch other"], None)] {
        let mut steps: Vec<Answer> = commands.iter().map(|command| run(command)).collect();
        steps.push(tested(true, &["touch log"]));
        let model = ScriptedModel::new()
            .agent("manager", [task("tester", "test"), finish("done")])
            .agent("tester", steps);
        let (_, played) = check(model, Ending::Done).await;
        assert_eq!(played.end().2.tests_passed, passed, "{commands:?}");
    }
}

/// A coder that claims what it did not do is caught, unless its last report is right.
#[tokio::test(start_paused = true)]
async fn the_latest_report_of_each_agent_decides() {
    let lie = || coded(&["ghost.rs"]);
    let model =
        ScriptedModel::new().agent("manager", [task("coder", "a"), finish("done")]).agent("coder", [lie()]);
    let (_, played) = check(model, Ending::Failed(FailReason::Verification)).await;
    assert_eq!(played.claims()[0].0, ["files_changed: `ghost.rs` does not differ from the round's start"]);

    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "a"), task("coder", "b"), finish("done")])
        .agent("coder", [lie(), write("real.rs", "1"), coded(&["/w/real.rs"])]);
    check(model, Ending::Done).await;
}

/// "Now I'll start the tester." without a call, after work, is not an ending.
#[tokio::test(start_paused = true)]
async fn prose_after_work_is_asked_about_once() {
    let model = ScriptedModel::new()
        .agent(
            "manager",
            [task("planner", "plan"), Answer::text("Now I'll start the tester."), finish("done")],
        )
        .agent("planner", [planned()]);
    check(model, Ending::Done).await;

    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), Answer::text("done!"), Answer::text("really done!")])
        .agent("planner", [planned()]);
    let (_, played) = check(model, Ending::Partial(PartialReason::EndedInProse)).await;
    assert_eq!(played.end().1, "really done!");

    let (_, played) = check(ScriptedModel::answering([Answer::text("42")]), Ending::Answered).await;
    assert_eq!(played.end().1, "42");
}

/// A worker that does not hand in a report is asked once, then its run has failed, and the manager is told.
#[tokio::test(start_paused = true)]
async fn a_worker_without_a_report_fails_as_malformed() {
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("failed")])
        .agent("planner", [Answer::text("a fine plan"), Answer::text("as I said")]);
    let (_, played) = check(model, Ending::Failed(FailReason::ManagerFailed)).await;
    let (status, text) = &played.results_of("execute_planner_task")[0];
    assert_eq!(*status, ToolStatus::Error);
    assert!(text.contains("malformed_report") && text.contains("as I said"), "{text}");
}

/// Tool input that does not fit three times in a row ends the run.
#[tokio::test(start_paused = true)]
async fn three_malformed_inputs_in_a_row_end_the_run() {
    let bad = || Answer::call("finish", serde_json::json!({ "status": "great" }));
    let model = ScriptedModel::answering([bad(), bad(), bad()]);
    check(model, Ending::Failed(FailReason::MalformedReport)).await;
}

/// O-14: past its deadline a worker and its tool are stopped, people are told, the manager gets a typed failure.
#[tokio::test(start_paused = true)]
async fn a_worker_past_its_deadline_is_stopped_and_the_manager_told() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "work"), finish("partial")])
        .agent("coder", [run("for ever")]);
    let mut stage = Stage::new(model);
    stage.coder_timeout = Duration::from_secs(5);
    stage.bash = stage.bash.blocking_until_cancelled();
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Partial(PartialReason::ManagerPartial));
    assert_eq!(stage.bash.running(), 0);
    assert!(played.results_of("execute_coder_task")[0].1.contains("\"status\":\"timeout\""));
    assert_eq!(played.results_of("bash")[0].0, ToolStatus::Cancelled);
    let told = played.events.iter().any(|event| {
        matches!(&event.body, EventBody::Notice { code, text } if code == "worker_timeout" && text.contains("5 s"))
    });
    assert!(told);
}

/// `--timeout` ends the round, workers included.
#[tokio::test(start_paused = true)]
async fn a_round_past_its_deadline_ends_as_a_limit() {
    let model =
        ScriptedModel::new().agent("manager", [task("coder", "work")]).agent("coder", [run("for ever")]);
    let mut stage = Stage::new(model);
    stage.limits.timeout_seconds = Some(Duration::from_secs(7));
    stage.bash = stage.bash.never_ending();
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Limit(LimitReason::Time));
    assert_eq!(stage.bash.running(), 0);
}

/// O-15: fifty turns of the manager at most, here three.
#[tokio::test(start_paused = true)]
async fn the_manager_runs_out_of_turns() {
    let look = || Answer::call("read", serde_json::json!({}));
    let mut stage = Stage::new(ScriptedModel::answering([look(), look(), look()]));
    stage.limits.max_turns = 3;
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Limit(LimitReason::Turns));
    assert_eq!(stage.model.requests().len(), 3);
}

/// A question with nobody to ask ends the round at once.
#[tokio::test(start_paused = true)]
async fn a_question_without_a_person_ends_the_round() {
    let ask = Answer::call("ask_user", serde_json::json!({ "question": "어느 쪽?", "options": ["a", "b"] }));
    let (_, played) = check(ScriptedModel::answering([ask]), Ending::NeedsPerson(NeedReason::Question)).await;
    assert!(
        played
            .events
            .iter()
            .any(|event| matches!(&event.body, EventBody::Question { text, .. } if text == "어느 쪽?"))
    );
}

/// Nobody there to ask: denied at once, said to the model. A round of which that was all has not reached done, whatever
/// its manager says.
#[tokio::test(start_paused = true)]
async fn without_a_person_asking_means_no() {
    for status in ["done", "partial", "failed"] {
        let model = ScriptedModel::new()
            .agent("manager", [task("coder", "write"), finish(status)])
            .agent("coder", [write("a", "1"), coded(&[])]);
        let mut stage = Stage::new(model);
        stage.mode = PermissionMode::Ask;
        let played = stage.play("go").await;
        assert_eq!(played.ending(), Ending::NeedsPerson(NeedReason::Permission), "{status}");
        assert_eq!(stage.write.calls().len(), 0);
        assert_eq!(played.results_of("write")[0].0, ToolStatus::Denied);
    }
}

/// `--verify` commands are run by the engine before a round may end as done, and decide alone.
#[tokio::test(start_paused = true)]
async fn given_test_commands_decide_alone() {
    for (code, ending, passed) in
        [(0, Ending::Done, Some(true)), (1, Ending::Failed(FailReason::Verification), Some(false))]
    {
        let model = ScriptedModel::new()
            .agent("manager", [task("tester", "test"), finish("done")])
            .agent("tester", [tested(true, &[])]);
        let mut stage = Stage::new(model);
        stage.processes = FakeProcesses::new().on("make check", FakeCommand::exits(code)).into();
        stage.verify = vec!["make check".to_owned()];
        let played = stage.play("go").await;
        assert_eq!(played.ending(), ending);
        assert_eq!(played.end().2.tests_passed, passed);
        assert_eq!(stage.processes.commands(), ["make check"]);
    }
}

/// What a command leaves changed that nobody may change ends the round, whoever calls it done.
#[tokio::test(start_paused = true)]
async fn a_round_that_leaves_protected_files_changed_cannot_be_done() {
    let stage = verifying(FakeCommand::leaving_changed("/w/.git/hooks/pre-commit"));
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Failed(FailReason::Internal));
    let errors: Vec<_> = played
        .events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Error { code, chain, .. } => Some((code.as_str(), chain.clone())),
            _ => None,
        })
        .collect();
    let chain = vec!["/w/.git/hooks/pre-commit (new): a fault on request".to_owned()];
    assert_eq!(errors, [("protected_files_changed", chain)]);
}

/// What the wall says of itself with a command is a notice of the round, once.
#[tokio::test(start_paused = true)]
async fn what_the_wall_says_of_itself_is_a_notice() {
    let mut stage = verifying(FakeCommand::exits(0));
    let notice = WallNotice { code: "nested_repositories_unseen", text: "64 are protected".to_owned() };
    stage.processes = FakeProcesses::new().on("make check", FakeCommand::exits(0)).with_notice(notice).into();
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Done);
    let notices: Vec<_> = played
        .events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Notice { code, text } => Some((code.as_str(), text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(notices, [("nested_repositories_unseen", "64 are protected")]);
}

/// A second round goes on with the same conversation; a round under way refuses another.
#[tokio::test(start_paused = true)]
async fn rounds_of_a_session_share_their_conversation() {
    let stage = Stage::new(ScriptedModel::answering([
        Answer::text("하나").after(Duration::from_secs(1)),
        Answer::text("둘"),
    ]));
    let session = SessionHandle::start(stage.parts());
    let start = |text: &str| Command::Start(Request::new(text));
    session.send(start("first")).await.unwrap();
    stage.model.wait_for_open(1).await;
    assert!(session.send(start("too early")).await.is_err());
    stage.journal.wait_for("the first end", |event| event.body.ends_round()).await;
    session.send(start("second")).await.unwrap();
    stage
        .journal
        .wait_for("the second end", |event| event.body.ends_round() && event.scope.round == Some(2))
        .await;
    session.close().await.unwrap();
    let seen: Vec<String> =
        stage.model.requests()[1].messages.iter().map(|message| message.message.text()).collect();
    assert_eq!(seen, ["first", "하나", "second"]);
    assert_eq!(stage.records.last().unwrap().rounds.len(), 2);
}

fn verifying(command: FakeCommand) -> Stage {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish("done")])
        .agent("coder", [write("a", "1"), coded(&["a"])]);
    let mut stage = Stage::new(model);
    stage.processes = FakeProcesses::new().on("make check", command).into();
    stage.verify = vec!["make check".to_owned()];
    stage
}

/// What ends a round from outside ends its verification, too, and is the round's end.
#[tokio::test(start_paused = true)]
async fn a_signal_during_verification_is_the_rounds_end() {
    let stage = verifying(FakeCommand::hangs());
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.processes.wait_for_running(1).await;
    session.send(Command::Cancel(Signal::Interrupt)).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(stage.played().ending(), Ending::Cancelled(Signal::Interrupt));
    assert_eq!(stage.processes.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_covers_verification() {
    let mut stage = verifying(FakeCommand::hangs());
    stage.limits.timeout_seconds = Some(Duration::from_secs(3));
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Limit(LimitReason::Time));
}

/// A process that outlived its command, or the person, changed a file after the tests ran.
#[tokio::test(start_paused = true)]
async fn a_late_change_makes_a_test_stale() {
    let model = ScriptedModel::new()
        .agent(
            "manager",
            [task("coder", "write"), task("tester", "test"), finish("done").after(Duration::from_secs(9))],
        )
        .agent("coder", [write("sum.sh", "right"), coded(&["sum.sh"])])
        .agent("tester", [run("run-tests"), tested(true, &["run-tests"])]);
    let stage = Stage::new(model);
    let late = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stage.workspace.write("late.txt", "x");
    };
    let (played, ()) = tokio::join!(stage.play("go"), late);
    let (ending, _, result) = played.end();
    assert_eq!((ending, result.tests_passed), (Ending::Done, None));
    assert_eq!(result.files_changed, ["late.txt", "sum.sh"]);
}

/// What could not be looked at is not verified.
#[tokio::test(start_paused = true)]
async fn a_round_that_was_seen_in_part_is_not_verified() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish("done")])
        .agent("coder", [write("a", "1"), coded(&["a"])]);
    let stage = Stage::new(model);
    stage.workspace.look_only_partly("too many files");
    let played = stage.play("go").await;
    assert!(!played.end().2.verified);
    assert_eq!(played.ending(), Ending::Done);
}

/// Law 7: where nobody can tell any more what was changed, nothing is done, whatever the manager says.
#[tokio::test(start_paused = true)]
async fn a_round_whose_evidence_is_gone_is_not_done() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish("done")])
        .agent("coder", [write("a", "1"), coded(&["a"])]);
    let stage = Stage::new(model);
    stage.workspace.fail(WorkspaceCall::ChangesSince, "the repository is gone");
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::Failed(FailReason::Verification));
    assert!(!played.end().2.verified);
    let told = |event: &domain::event::Event| matches!(&event.body, EventBody::Notice { code, .. } if code == "evidence_missing");
    assert!(played.events.iter().any(told));
}

/// No words are no answer.
#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_asked_about() {
    let (_, played) =
        check(ScriptedModel::answering([Answer::empty(), Answer::text("42")]), Ending::Answered).await;
    assert_eq!(played.end().1, "42");
    let silent = ScriptedModel::answering([Answer::empty(), Answer::text(" ")]);
    check(silent, Ending::Partial(PartialReason::EndedInProse)).await;
}

/// O-15: a worker out of turns is a typed failure for the manager, and everybody hears of the limit.
#[tokio::test(start_paused = true)]
async fn a_worker_out_of_turns_is_told_to_everybody() {
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("partial")])
        .agent("planner", (0..2).map(|_| Answer::call("read", serde_json::json!({}))));
    let mut stage = Stage::new(model);
    stage.limits.max_worker_turns = 2;
    let played = stage.play("go").await;
    assert!(played.results_of("execute_planner_task")[0].1.contains("\"status\":\"limit\""));
    let told = |event: &domain::event::Event| matches!(&event.body, EventBody::LimitReached { limit, value: LimitValue::Count(2) } if limit == "max_worker_turns");
    assert!(played.events.iter().any(told));
}
