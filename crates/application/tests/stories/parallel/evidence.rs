//! Who changed what (law 7).

use super::*;

/// The report's evidence and its claims that do not hold or are left open, of the worker with this task.
fn report(played: &Played, task: &str) -> (Evidence, Vec<String>, Vec<String>) {
    let run = played.events.iter().find_map(|event| match &event.body {
        EventBody::RunStarted { brief, .. } if brief.task_description == task => event.scope.run.clone(),
        _ => None,
    });
    let report =
        played.events.iter().filter(|event| event.scope.run == run).find_map(|event| match &event.body {
            EventBody::Report { evidence, claims_refuted, claims_unverified, .. } => {
                Some((evidence.clone(), claims_refuted.clone(), claims_unverified.clone()))
            }
            _ => None,
        });
    report.unwrap_or_else(|| panic!("no report of {task}"))
}

/// Two coders at once, in `a/` and in `b/`, whose commands are held there.
async fn two_coders(one: Vec<Answer>, two: Vec<Answer>, set: impl FnOnce(&mut Stage)) -> Played {
    let calls: [Task<'_>; 2] = [("coder", "one", Some(&["a/**"])), ("coder", "two", Some(&["b/**"]))];
    let model = manager(ScriptedModel::new(), &calls);
    let mut stage = Stage::new(worker(worker(model, "one", one), "two", two));
    stage.processes = Arc::new(FakeProcesses::new().holding_commands());
    set(&mut stage);
    let played = stage.play("go").await;
    let of_type = |wanted: fn(&EventBody) -> bool| played.events.iter().position(|event| wanted(&event.body));
    let base = of_type(|body| matches!(body, EventBody::Checkpoint { .. }));
    let effect = of_type(
        |body| matches!(body, EventBody::ToolStarted { tool, .. } if tool == "write" || tool == "bash"),
    );
    assert!(base < effect, "what undo goes back to is in the journal before anything is done");
    played
}

/// File tools exactly, whoever else writes at the same time.
#[tokio::test(start_paused = true)]
async fn each_run_is_shown_what_its_file_tools_changed() {
    let played = two_coders(
        vec![write("a/한글.txt", "1"), coded(&["a/한글.txt"])],
        vec![write("b/מסמך.txt", "2"), write("b/2.txt", "2"), coded(&["b/מסמך.txt", "a/한글.txt"])],
        |stage| stage.write = stage.write.clone().taking(Duration::from_secs(1)),
    )
    .await;
    let (evidence, refuted, unverified) = report(&played, "one");
    assert_eq!((evidence.files_changed, evidence.partial), (vec!["a/한글.txt".to_owned()], None));
    assert_eq!((refuted, unverified), (Vec::<String>::new(), Vec::new()));
    let (evidence, refuted, unverified) = report(&played, "two");
    assert_eq!(evidence.files_changed, ["b/2.txt", "b/מסמך.txt"]);
    let theirs = "files_changed: `a/한글.txt` was changed by another run (coder), not by this one";
    assert_eq!((refuted, unverified), (vec![theirs.to_owned()], Vec::new()));
    assert_eq!(played.end().2.files_changed, ["a/한글.txt", "b/2.txt", "b/מסמך.txt"]);
}

/// Around a command that was alone to its run, though others work before and after it.
#[tokio::test(start_paused = true)]
async fn what_a_command_changes_while_nobody_else_does_anything_is_its_runs() {
    let played = two_coders(
        vec![run("touch a/1").after(Duration::from_secs(1)), coded(&["a/1"])],
        vec![write("b/2", "2").after(Duration::from_secs(9)), coded(&["b/2", "a/1"])],
        |_| {},
    )
    .await;
    let (evidence, refuted, _) = report(&played, "one");
    assert_eq!((evidence.files_changed, evidence.partial), (vec!["a/1".to_owned()], None));
    assert_eq!(refuted, Vec::<String>::new());
    let (evidence, refuted, unverified) = report(&played, "two");
    assert_eq!((evidence.files_changed, evidence.partial), (vec!["b/2".to_owned()], None));
    let theirs = "files_changed: `a/1` was changed by another run (coder), not by this one";
    assert_eq!((refuted, unverified), (vec![theirs.to_owned()], Vec::new()));
}

/// Around commands that were not alone to the round, and it is said whose they were.
#[tokio::test(start_paused = true)]
async fn what_commands_change_at_the_same_time_is_the_rounds() {
    let played = two_coders(
        vec![write("a/0", "0"), run("touch a/1"), coded(&["a/0", "a/1"])],
        vec![run("touch b/2"), coded(&["b/2"])],
        |stage| stage.bash = stage.bash.clone().taking(Duration::from_secs(5)),
    )
    .await;
    let (evidence, refuted, unverified) = report(&played, "one");
    assert_eq!(evidence.files_changed, ["a/0"]);
    let partial =
        "commands of this run ran beside others (coder): what changed meanwhile counts for the round";
    assert_eq!(evidence.partial.as_deref(), Some(partial));
    let nobodys = "files_changed: `a/1` changed while others worked beside this run (coder), and it is not known \
                   by whom";
    assert_eq!((refuted, unverified), (Vec::new(), vec![nobodys.to_owned()]));
    let (_, _, result) = played.end();
    assert_eq!(
        (result.files_changed, result.verified),
        (["a/0", "a/1", "b/2"].map(str::to_owned).to_vec(), false)
    );
}

/// Contract 2: tests beside a writer say nothing about the files as they are.
#[tokio::test(start_paused = true)]
async fn a_test_that_ran_beside_a_writer_does_not_count() {
    for (delay, expected) in [(0, None), (60, Some(true))] {
        let calls: [Task<'_>; 2] =
            [("coder", "one", Some(&["sum.sh"])), ("tester", "two", Some(&["target/**"]))];
        let model = manager(ScriptedModel::new(), &calls);
        let model = worker(model, "one", [write("sum.sh", "right"), coded(&["sum.sh"])]);
        let tests = run("run-tests").after(Duration::from_secs(delay));
        let model = worker(model, "two", [tests, tested(true, &["run-tests"])]);
        let mut stage = Stage::new(model);
        stage.processes = Arc::new(FakeProcesses::new().holding_commands());
        stage.write = stage.write.taking(Duration::from_secs(1));
        stage.bash = stage.bash.taking(Duration::from_secs(5));
        let played = stage.play("go").await;
        assert_eq!(played.end().2.tests_passed, expected, "{delay}");
        assert_eq!(report(&played, "two").2.is_empty(), expected.is_some());
    }
}
