//! The person: asked, waited for, stepping in, heard (O-9). Law 5: whatever waits for them has an end.

use std::{sync::Arc, time::Duration};

use better_llm_application::{CommandRefused, SessionHandle};
use domain::{
    event::{Decision, Event, EventBody, InterventionAction},
    id::{CallId, QuestionId},
    message::{Role, SealedMessage},
    outcome::{Ending, LimitReason, NeedReason, Signal},
    permission::PermissionMode,
    person::{PersonQueue, Presence},
    session::{Command, Request},
    tool::ToolStatus,
};
use serde_json::json;
use testkit::{Answer, Fault, ScriptedModel, wait::Gate};

use crate::stage::*;

const QUESTION_TIMEOUT: Duration = Duration::from_secs(600);

/// A stage with a person on it, and windows of this length.
fn attended(model: ScriptedModel, window: u64) -> Stage {
    let mut stage = Stage::new(model);
    let intervention = Duration::from_secs(window);
    stage.presence = Presence::Present { question_timeout: QUESTION_TIMEOUT, intervention };
    stage
}

/// A round under way, and the person in it.
struct Attending<'s> {
    stage: &'s Stage,
    session: SessionHandle,
}

impl<'s> Attending<'s> {
    async fn begin(stage: &'s Stage) -> Self {
        let session = SessionHandle::start(stage.parts());
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        Self { stage, session }
    }

    async fn does(&self, command: Command) {
        self.session.send(command).await.unwrap();
    }

    /// Waits for an event of which `find` makes something.
    async fn sees<T>(&self, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
        let event = self.stage.journal.wait_for(what, |event| find(event).is_some()).await;
        find(&event).unwrap()
    }

    async fn sees_window(&self, wanted: InterventionAction) {
        let action = |event: &Event| match event.body {
            EventBody::Intervention { action, .. } if action == wanted => Some(()),
            _ => None,
        };
        self.sees("a window", action).await;
    }

    async fn sees_question(&self) -> QuestionId {
        let id = |event: &Event| match event.body {
            EventBody::Question { question_id, .. } => Some(question_id),
            _ => None,
        };
        self.sees("a question", id).await
    }

    async fn sees_call(&self) -> CallId {
        let id = |event: &Event| match &event.body {
            EventBody::PermissionAsked { call_id, .. } => Some(call_id.clone()),
            _ => None,
        };
        self.sees("a call that wants leave", id).await
    }

    async fn end(self) -> Played {
        self.stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
        self.session.close().await.unwrap();
        self.stage.played()
    }
}

/// What passed between the team and the person, each with its second of the round.
fn lines(played: &Played) -> Vec<String> {
    let start = played.events[0].ts;
    let line = |event: &Event| {
        let seconds = |time: domain::time::Timestamp| time.since(start).as_secs();
        let words = match &event.body {
            EventBody::Intervention { action, text, deadline, next } => {
                let action = serde_json::to_value(action).unwrap();
                let until = deadline.map(|deadline| format!(" until {}", seconds(deadline)));
                let rest = [text, next].into_iter().flatten().map(|text| format!(": {text}"));
                let rest = until.into_iter().chain(rest).collect::<String>();
                format!("{}{rest}", action.as_str().unwrap())
            }
            EventBody::Question { asker, text, deadline, .. } => {
                format!("{asker} asks until {}: {text}", seconds(*deadline))
            }
            EventBody::Answer { text, by, .. } => format!("answer by {by}: {text}"),
            EventBody::PermissionAsked { tool, .. } => format!("{tool} wants leave"),
            EventBody::PermissionAnswered { decision, by, .. } => {
                format!("{} by {by}", serde_json::to_value(decision).unwrap().as_str().unwrap())
            }
            EventBody::MessageQueued { text } => format!("queued: {text}"),
            EventBody::LimitReached { limit, .. } => format!("limit {limit}"),
            EventBody::Notice { code, .. } => format!("notice {code}"),
            _ => return None,
        };
        Some(format!("{} {words}", seconds(event.ts)))
    };
    played.events.iter().filter_map(line).collect()
}

/// What the person said, as the manager's nth request (from 0) shows it.
fn shown(stage: &Stage, nth: usize) -> String {
    let requests = stage.model.requests_of("manager");
    let is_users = |sealed: &&Arc<SealedMessage>| sealed.message.role == Role::User;
    let last = requests[nth].messages.iter().rev().take_while(is_users);
    last.map(|sealed| sealed.message.text()).collect()
}

// ---- the window ----

fn planning() -> ScriptedModel {
    ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("done")])
        .agent("planner", [planned()])
}

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

// ---- questions ----

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

// ---- leave ----

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
    assert_eq!(lines(&played), ["0 write wants leave", "0 deny by engine"]);
    let read: Vec<_> = played.results_of("write").into_iter().map(|(status, _)| status).collect();
    assert_eq!(read, [ToolStatus::Denied, ToolStatus::Denied]);
    assert_eq!(stage.workspace.read("a"), None);
}

// ---- messages ----

#[tokio::test(start_paused = true)]
async fn a_message_while_the_model_answers_is_read_with_the_next_request() {
    let gate = Gate::shut();
    let stage = Stage::new(planning().with_fault(1, Fault::Hold(gate.clone())));
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("먼저 시험부터".to_owned())).await;
    round.does(Command::Message("그리고 문서도".to_owned())).await;
    gate.open();
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 queued: 먼저 시험부터", "0 queued: 그리고 문서도"]);
    let read = shown(&stage, 1);
    let places = [read.find("먼저 시험부터"), read.find("그리고 문서도")];
    assert!(places[0].is_some() && places[0] < places[1], "{read}");
    assert_eq!(played.ending(), Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_while_the_manager_finishes_is_read_before_the_end() {
    let gate = Gate::shut();
    let model = ScriptedModel::answering([finish("done"), finish("done")]);
    let stage = Stage::new(model.with_fault(1, Fault::Hold(gate.clone())));
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("잠깐".to_owned())).await;
    gate.open();
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 queued: 잠깐"]);
    assert!(shown(&stage, 1).contains("잠깐"), "{}", shown(&stage, 1));
    assert_eq!(played.ending(), Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_no_request_took_along_is_said_and_read_in_the_next_round() {
    let gate = Gate::shut();
    let model = ScriptedModel::answering([finish("done"), finish("done")]);
    let mut stage = Stage::new(model.with_fault(1, Fault::Hold(gate.clone())));
    stage.limits.max_turns = 1;
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("늦은 말".to_owned())).await;
    gate.open();
    round.sees("the end", |event| event.body.ends_round().then_some(())).await;
    round.does(Command::Start(Request::new("again"))).await;
    let second_end = |event: &Event| (event.body.ends_round() && event.scope.round == Some(2)).then_some(());
    round.sees("the second end", second_end).await;
    round.session.close().await.unwrap();
    let events = stage.journal.events().iter().map(|event| event.as_ref().clone()).collect();
    assert_eq!(lines(&Played { events }), ["0 queued: 늦은 말", "0 notice message_unread"]);
    assert!(shown(&stage, 1).contains("늦은 말"), "{}", shown(&stage, 1));
}

#[tokio::test(start_paused = true)]
async fn messages_past_the_bound_and_outside_of_a_round_are_refused() {
    let gate = Gate::shut();
    let stage = Stage::new(planning().with_fault(1, Fault::Hold(gate.clone())));
    let message = |nth: usize| Command::Message(format!("say {nth}"));
    let session = SessionHandle::start(stage.parts());
    assert_eq!(session.send(message(0)).await, Err(CommandRefused::NobodyListens));
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.model.wait_for_requests(1).await;
    for nth in 0..PersonQueue::MOST_UNREAD {
        assert_eq!(session.send(message(nth)).await, Ok(()));
    }
    assert_eq!(session.send(message(64)).await, Err(CommandRefused::TooManyMessages));
    gate.open();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    assert_eq!(session.send(message(65)).await, Err(CommandRefused::NobodyListens));
    session.close().await.unwrap();
    assert!(shown(&stage, 1).contains("say 63"), "{}", shown(&stage, 1));
    assert_eq!(stage.played().ending(), Ending::Done);
}
