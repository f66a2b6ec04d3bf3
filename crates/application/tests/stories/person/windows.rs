//! The window after reports: what closes it, and when there is none.

use super::*;

/// Plays a round with a window of five seconds in which the person does this.
async fn check_window(commands: &[Command], expected: &[&str], ending: Ending) -> Stage {
    let stage = attended(planning(), 5);
    let round = Attending::begin(&stage).await;
    round.sees_window(InterventionAction::Opened).await;
    for command in commands {
        round.does(command.clone()).await;
    }
    let played = round.end().await;
    assert_eq!(lines(&played), expected, "{commands:?}");
    assert_eq!(played.ending(), ending, "{commands:?}");
    stage
}

#[tokio::test(start_paused = true)]
async fn a_window_closes_by_what_the_person_does_or_at_its_deadline() {
    let opened = "0 opened until 5: manager";
    let check = |commands: Vec<Command>, then: Vec<&'static str>, ending| async move {
        let expected: Vec<_> = std::iter::once(opened).chain(then).collect();
        check_window(&commands, &expected, ending).await
    };
    check(vec![], vec!["5 continued"], Ending::Done).await;
    check(vec![Command::Continue], vec!["0 continued"], Ending::Done).await;
    check(vec![Command::Pause], vec!["0 paused until 600", "600 continued"], Ending::Done).await;
    check(vec![Command::Pause, Command::Continue], vec!["0 paused until 600", "0 continued"], Ending::Done)
        .await;
    check(vec![Command::Stop], vec!["0 stopped"], Ending::Stopped).await;
    check(vec![Command::Pause, Command::Stop], vec!["0 paused until 600", "0 stopped"], Ending::Stopped)
        .await;
    let cancel = Command::Cancel(Signal::Terminate);
    check(vec![cancel], vec!["0 stopped"], Ending::Cancelled(Signal::Terminate)).await;
    check(vec![Command::Unattended], vec!["0 continued"], Ending::Done).await;
    check(vec![Command::Pause, Command::Unattended], vec!["0 paused until 600", "0 continued"], Ending::Done)
        .await;
    check(vec![Command::Message(" \n".to_owned())], vec!["5 continued"], Ending::Done).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_person_says_in_a_window_is_what_the_manager_reads_next() {
    let message = || Command::Message("환불은 빼 주세요 👩‍👩‍👧".to_owned());
    let said = "0 message: 환불은 빼 주세요 👩‍👩‍👧";
    let stage = check_window(&[message()], &["0 opened until 5: manager", said], Ending::Done).await;
    assert!(shown(&stage, 1).contains("환불은 빼 주세요 👩‍👩‍👧"), "{}", shown(&stage, 1));
    let paused = &["0 opened until 5: manager", "0 paused until 600", said];
    let stage = check_window(&[Command::Pause, message()], paused, Ending::Done).await;
    assert!(shown(&stage, 1).contains("환불은 빼 주세요 👩‍👩‍👧"), "{}", shown(&stage, 1));
}

#[tokio::test(start_paused = true)]
async fn several_reports_of_one_turn_open_one_window_after_the_last() {
    let both =
        task("planner", "plan").and_call("execute_reviewer_task", json!({ "task_description": "look" }));
    let model = ScriptedModel::new()
        .agent("manager", [both, finish("done")])
        .agent("planner", [planned()])
        .agent("reviewer", [reviewed("approve", &[])]);
    let stage = attended(model, 5);
    let played = Attending::begin(&stage).await.end().await;
    assert_eq!(lines(&played), ["0 opened until 5: manager", "5 continued"]);
    let place =
        |wanted: fn(&EventBody) -> bool| played.events.iter().rposition(|event| wanted(&event.body)).unwrap();
    let last_report = place(|body| matches!(body, EventBody::Report { .. }));
    assert!(last_report < place(|body| matches!(body, EventBody::Intervention { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_failed_worker_opens_a_window_too() {
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("partial")])
        .agent("planner", [Answer::text("no"), Answer::text("no")]);
    let played = Attending::begin(&attended(model, 5)).await.end().await;
    assert_eq!(lines(&played), ["0 opened until 5: manager", "5 continued"]);
}

#[tokio::test(start_paused = true)]
async fn no_window_opens_without_a_report_a_person_or_a_manager_who_reads_on() {
    let reading = || ScriptedModel::new().agent("manager", [Answer::call("read", json!({})), finish("done")]);
    let finishing = || {
        let both = task("planner", "plan").and_call("finish", json!({ "summary": "끝", "status": "done" }));
        ScriptedModel::new().agent("manager", [both]).agent("planner", [planned()])
    };
    for stage in [attended(reading(), 5), attended(finishing(), 5), Stage::new(planning())] {
        let played = Attending::begin(&stage).await.end().await;
        assert_eq!(lines(&played), Vec::<String>::new());
        assert_eq!(played.ending(), Ending::Done);
    }
}

/// Plays a round with windows of no length, in which the person does this while the manager's first request is open.
async fn check_wish(commands: &[Command], expected: &[&str]) {
    let gate = Gate::shut();
    let stage = attended(planning().with_fault(1, Fault::Hold(gate.clone())), 0);
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    for command in commands {
        round.does(command.clone()).await;
    }
    gate.open();
    let played = round.end().await;
    assert_eq!(lines(&played), expected, "{commands:?}");
}

#[tokio::test(start_paused = true)]
async fn a_window_of_no_length_opens_only_where_a_pause_was_wished_for() {
    check_wish(&[], &[]).await;
    let paused = ["0 opened: manager", "0 paused until 600", "600 continued"];
    check_wish(&[Command::Pause], &paused).await;
    check_wish(&[Command::Pause, Command::Pause], &paused).await;
    check_wish(&[Command::Pause, Command::Continue], &[]).await;
    check_wish(&[Command::Pause, Command::Unattended], &[]).await;
}
