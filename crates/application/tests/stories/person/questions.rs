//! Questions and leave: what the person answers, and what happens where they do not. Clocks meanwhile.

use super::*;

fn asking(options: &[&str]) -> ScriptedModel {
    let question = json!({ "question": "어느 쪽?", "options": options });
    ScriptedModel::answering([Answer::call("ask_user", question), finish("done")])
}

/// Plays a round with a question in which the person does this, or nothing.
async fn check_question(
    options: &[&str],
    does: Option<fn(QuestionId) -> Command>,
    expected: &[&str],
    read: (ToolStatus, &str),
    ending: Ending,
) {
    let stage = attended(asking(options), 5);
    let round = Attending::begin(&stage).await;
    let question = round.sees_question().await;
    if let Some(does) = does {
        round.does(does(question)).await;
    }
    let played = round.end().await;
    let asked = std::iter::once("0 manager asks until 600: 어느 쪽?");
    assert_eq!(lines(&played), asked.chain(expected.iter().copied()).collect::<Vec<_>>());
    assert_eq!(played.results_of("ask_user"), [(read.0, read.1.to_owned())]);
    assert_eq!(played.ending(), ending);
}

const NOBODY: (ToolStatus, &str) = (ToolStatus::Cancelled, "nobody is there to answer; the round ends here");
const UNANSWERED: Ending = Ending::NeedsPerson(NeedReason::Question);

#[tokio::test(start_paused = true)]
async fn what_the_person_answers_is_what_the_manager_reads() {
    let b = |question| Command::Answer { question, text: "b".to_owned() };
    check_question(&["a", "b"], Some(b), &["0 answer by person: b"], (ToolStatus::Ok, "b"), Ending::Done)
        .await;
    let own = |question| Command::Answer { question, text: "둘 다".to_owned() };
    check_question(&[], Some(own), &["0 answer by person: 둘 다"], (ToolStatus::Ok, "둘 다"), Ending::Done)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_past_its_deadline_takes_its_first_option_or_ends_the_round() {
    let taken = (ToolStatus::Ok, "the person did not answer in time; taken in their place: a");
    check_question(&["a", "b"], None, &["600 answer by deadline: a"], taken, Ending::Done).await;
    check_question(&[], None, &["600 answer by deadline: "], NOBODY, UNANSWERED).await;
    // What answers nothing does not settle it either.
    let blank = |question| Command::Answer { question, text: " ".to_owned() };
    check_question(&["a"], Some(blank), &["600 answer by deadline: a"], taken, Ending::Done).await;
    let other = |_| Command::Continue;
    check_question(&["a"], Some(other), &["600 answer by deadline: a"], taken, Ending::Done).await;
}

/// O-9: typed text holds the clock, of questions and of a window that is paused.
#[tokio::test(start_paused = true)]
async fn who_types_has_the_whole_time_again() {
    let stage = attended(asking(&["a"]), 5);
    let round = Attending::begin(&stage).await;
    round.sees_question().await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(400)).await;
        round.does(Command::Typing).await;
    }
    let expected = ["0 manager asks until 600: 어느 쪽?", "1800 answer by deadline: a"];
    assert_eq!(lines(&round.end().await), expected);
}

#[tokio::test(start_paused = true)]
async fn a_question_ends_with_the_person_and_with_the_round() {
    let leaves = |_| Command::Unattended;
    check_question(&["a"], Some(leaves), &["0 answer by engine: "], NOBODY, UNANSWERED).await;
    let stopped = (ToolStatus::Cancelled, "the round was stopped before the person answered");
    let stops = |_| Command::Stop;
    check_question(&["a"], Some(stops), &["0 answer by engine: "], stopped, Ending::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_with_nobody_there_ends_the_round_at_once() {
    let played = Stage::new(asking(&["a"])).play("go").await;
    assert_eq!(lines(&played), ["0 manager asks until 0: 어느 쪽?"]);
    assert_eq!(played.results_of("ask_user"), [(NOBODY.0, NOBODY.1.to_owned())]);
    assert_eq!(played.ending(), UNANSWERED);
}

#[tokio::test(start_paused = true)]
async fn the_rounds_own_time_goes_on_while_the_person_is_asked() {
    let mut stage = attended(asking(&["a"]), 5);
    stage.limits.timeout_seconds = Some(Duration::from_secs(100));
    let played = Attending::begin(&stage).await.end().await;
    assert_eq!(
        lines(&played),
        ["0 manager asks until 600: 어느 쪽?", "100 limit timeout_seconds", "100 answer by engine: "]
    );
    assert_eq!(played.ending(), Ending::Limit(LimitReason::Time));
    // Where both are up in the same moment, the question is.
    let mut stage = attended(asking(&[]), 5);
    stage.limits.timeout_seconds = Some(QUESTION_TIMEOUT);
    let played = Attending::begin(&stage).await.end().await;
    assert_eq!(lines(&played), ["0 manager asks until 600: 어느 쪽?", "600 answer by deadline: "]);
    assert_eq!(played.ending(), UNANSWERED);
}

fn writing(times: usize) -> ScriptedModel {
    let writes = std::iter::repeat_with(|| write("a", "1")).take(times);
    ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish("done")])
        .agent("coder", writes.chain([coded(&["a"])]))
}

fn asked_about_edits(times: usize, coder_timeout: u64) -> Stage {
    let mut stage = attended(writing(times), 0);
    stage.mode = PermissionMode::Ask;
    stage.coder_timeout = Duration::from_secs(coder_timeout);
    stage
}

#[tokio::test(start_paused = true)]
async fn a_workers_clock_stands_still_while_the_person_thinks() {
    let stage = asked_about_edits(1, 10);
    let round = Attending::begin(&stage).await;
    let call = round.sees_call().await;
    tokio::time::advance(Duration::from_secs(300)).await;
    round.does(Command::Permission { call, decision: Decision::Once, note: None }).await;
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 write wants leave", "300 once by person"]);
    assert_eq!(played.ending(), Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn a_workers_clock_goes_on_when_the_person_has_answered() {
    let mut stage = asked_about_edits(1, 10);
    stage.write = stage.write.clone().taking(Duration::from_secs(11));
    let round = Attending::begin(&stage).await;
    let call = round.sees_call().await;
    tokio::time::advance(Duration::from_secs(300)).await;
    round.does(Command::Permission { call, decision: Decision::Once, note: None }).await;
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 write wants leave", "300 once by person", "310 notice worker_timeout"]);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_leaves_is_not_waited_for() {
    let stage = asked_about_edits(2, 600);
    let round = Attending::begin(&stage).await;
    round.sees_call().await;
    round.does(Command::Unattended).await;
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 write wants leave", "0 deny by engine", "0 notice calls_denied"]);
    let read: Vec<_> = played.results_of("write").into_iter().map(|(status, _)| status).collect();
    assert_eq!(read, [ToolStatus::Denied, ToolStatus::Denied]);
    assert_eq!(stage.workspace.read("a"), None);
}

/// Law 5: a limit is kept although the run waits for the disk, and holds the journal, in the moment it is reached.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_reached_while_the_disk_is_awaited_ends_what_it_limits() {
    for (coder_timeout, round_timeout) in [(10, 600), (600, 10)] {
        let mut stage = asked_about_edits(1, coder_timeout);
        stage.limits.timeout_seconds = Some(Duration::from_secs(round_timeout));
        let round = Attending::begin(&stage).await;
        let call = round.sees_call().await;
        let disk = stage.journal.hold_durable();
        round.does(Command::Permission { call, decision: Decision::Once, note: None }).await;
        tokio::time::advance(Duration::from_secs(11)).await;
        tokio::task::yield_now().await;
        disk.open();
        let reached = round.end().await;
        let reached = lines(&reached).pop().unwrap_or_default();
        let expected = ["11 notice worker_timeout", "11 limit timeout_seconds"];
        assert!(expected.contains(&reached.as_str()), "{reached}");
    }
}
