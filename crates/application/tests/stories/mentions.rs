//! Rounds without the manager: workers that the person calls by name (O-11).

use std::time::Duration;

use better_llm_application::{CommandRefused, SessionHandle};
use domain::{
    event::{Event, EventBody, InterventionAction},
    mention::MentionError,
    message::Role,
    model::{ModelErrorKind, ModelRequest},
    outcome::{Ending, FailReason, LimitReason, NeedReason},
    permission::PermissionMode,
    person::Presence,
    secret::Secret,
    session::{Command, ContextItem, Request},
};
use serde_json::json;
use testkit::{Answer, FakeCommand, FakeProcesses, ScriptedModel};

use crate::stage::*;

/// Plays one round in which the person typed `text`.
async fn play(stage: &Stage, text: &str) -> Played {
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::typed(text))).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    stage.played()
}

async fn check(model: ScriptedModel, text: &str, ending: Ending) -> (Stage, Played) {
    let stage = Stage::new(model);
    let played = play(&stage, text).await;
    assert_eq!(played.ending(), ending);
    (stage, played)
}

/// What an agent's n-th run was told first.
fn told(stage: &Stage, agent: &str, nth: usize) -> String {
    let requests = stage.model.requests_of(agent);
    let begins = |request: &&ModelRequest| request.messages.len() == 1;
    let first = requests.iter().filter(begins).nth(nth).unwrap();
    first.messages[0].message.text()
}

/// Who ran, and who called them.
fn runs(played: &Played) -> Vec<(String, bool)> {
    let started = |event: &Event| match (&event.body, &event.scope.run) {
        (EventBody::RunStarted { .. }, Some(run)) => {
            Some((run.agent.to_string(), run.parent_run_id.is_some()))
        }
        _ => None,
    };
    played.events.iter().filter_map(started).collect()
}

/// In the order written, each with its text and the earlier reports, called by nobody.
#[tokio::test(start_paused = true)]
async fn mentioned_workers_run_in_order_without_the_manager() {
    let model = ScriptedModel::new()
        .agent("coder", [write("sum.sh", "right"), coded(&["sum.sh"])])
        .agent("tester", [run("run-tests"), tested(true, &["run-tests"])]);
    let text = "환불은 음수다.\n@coder에게 추가하라고 해.\n@tester, 시험해 줘";
    let (stage, played) = check(model, text, Ending::Done).await;
    assert_eq!(runs(&played), [("coder".to_owned(), false), ("tester".to_owned(), false)]);
    let mentions = played.events.iter().find_map(|event| match &event.body {
        EventBody::RoundStarted { mentions, .. } => Some(mentions.clone()),
        _ => None,
    });
    let names: Vec<String> = mentions.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["coder", "tester"]);

    assert_eq!(told(&stage, "coder", 0), "# Task\n환불은 음수다.\n\n추가하라고 해.");
    let tester = told(&stage, "tester", 0);
    assert!(tester.starts_with("# Task\n환불은 음수다.\n\n시험해 줘\n\n# Context\n"), "{tester}");
    assert!(tester.contains("## coder\nAsked: 추가하라고 해.\nResult: {\"agent\":\"coder\""), "{tester}");
    assert!(tester.contains("\"files_changed\":[\"sum.sh\"]"), "{tester}");

    let (_, summary, result) = played.end();
    assert_eq!(summary, "coder: written\n\ntester: tested");
    assert_eq!((result.tests_passed, result.verified), (Some(true), true));
    assert_eq!(result.files_changed, ["sum.sh"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_stops_the_chain_with_its_reason() {
    let coder = |answers: Vec<Answer>| ScriptedModel::new().agent("coder", answers);
    let prose = || Answer::text("done!");
    for (model, ending) in [
        (coder(vec![prose(), prose()]), Ending::Failed(FailReason::MalformedReport)),
        (coder(vec![Answer::refused(ModelErrorKind::Credentials)]), Ending::Failed(FailReason::Credentials)),
        (coder(vec![Answer::refused(ModelErrorKind::Rejected)]), Ending::Failed(FailReason::Provider)),
    ] {
        let (_, played) = check(model, "@coder add\n@tester test", ending).await;
        assert_eq!(runs(&played), [("coder".to_owned(), false)]);
    }

    let mut stage = Stage::new(coder(vec![run("for ever")]));
    stage.coder_timeout = Duration::from_secs(5);
    stage.bash = stage.bash.blocking_until_cancelled();
    let played = play(&stage, "@coder add\n@tester test").await;
    assert_eq!((played.ending(), runs(&played).len()), (Ending::Limit(LimitReason::Time), 1));

    let mut stage = Stage::new(coder(vec![run("a"), run("b")]));
    stage.limits.max_worker_turns = 2;
    let played = play(&stage, "@coder add\n@tester test").await;
    assert_eq!((played.ending(), runs(&played).len()), (Ending::Limit(LimitReason::Turns), 1));
}

/// Contract 2: what was seen decides, not that everybody reported.
#[tokio::test(start_paused = true)]
async fn a_chain_is_judged_like_every_round() {
    let verification = Ending::Failed(FailReason::Verification);
    let liar = ScriptedModel::new().agent("coder", [coded(&["ghost.rs"])]);
    check(liar, "@coder add", verification).await;

    let red = ScriptedModel::new().agent("tester", [run("run-tests"), tested(false, &["run-tests"])]);
    let (_, played) = check(red, "@tester test", verification).await;
    assert_eq!(played.end().2.tests_passed, Some(false));

    let mut stage = Stage::new(ScriptedModel::new().agent("coder", [write("a", "1"), coded(&["a"])]));
    stage.processes = FakeProcesses::new().on("make test", FakeCommand::exits(0)).into();
    stage.verify = vec!["make test".to_owned()];
    let played = play(&stage, "@coder add").await;
    assert_eq!((played.ending(), played.end().2.tests_passed), (Ending::Done, Some(true)));

    let mut stage = Stage::new(ScriptedModel::new().agent("coder", [write("a", "1"), coded(&[])]));
    stage.mode = PermissionMode::Ask;
    let played = play(&stage, "@coder add").await;
    assert_eq!(played.ending(), Ending::NeedsPerson(NeedReason::Permission));
}

/// A review that the person asked for is handed in: that it asks for changes is its result, and no limit of reviews ends
/// the round.
#[tokio::test(start_paused = true)]
async fn a_review_by_mention_ends_as_done_whatever_it_says() {
    let no = || reviewed("request_changes", &[("critical", "still wrong")]);
    let model =
        ScriptedModel::new().agent("reviewer", [no(), no()]).agent("coder", [write("a", "1"), coded(&["a"])]);
    let mut stage = Stage::new(model);
    stage.limits.max_review_iterations = 1;
    let played = play(&stage, "@reviewer look @coder mend it @reviewer again").await;
    assert_eq!(played.ending(), Ending::Done);
    assert_eq!(played.review_cycles(), [(1, 1), (1, 1)]);
    assert!(told(&stage, "coder", 0).contains("still wrong"));
}

/// Only what the person typed can mention; data never does, and goes to every worker that is called.
#[tokio::test(start_paused = true)]
async fn only_typed_words_mention() {
    let stage = Stage::new(ScriptedModel::answering([Answer::text("42")]));
    let played = stage.play("@coder add").await;
    assert_eq!((played.ending(), runs(&played)), (Ending::Answered, vec![("manager".to_owned(), false)]));

    let stage = Stage::new(ScriptedModel::new().agent("coder", [write("a", "1"), coded(&["a"])]));
    let session = SessionHandle::start(stage.parts());
    let context = vec![ContextItem { name: "notes".to_owned(), text: "@tester never".to_owned() }];
    let request = Request { context, ..Request::typed("@coder add") };
    session.send(Command::Start(request)).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    assert_eq!(runs(&stage.played()).len(), 1);
    let told = told(&stage, "coder", 0);
    assert_eq!(told, "# Task\nadd\n\n<context name=\"notes\">\n@tester never\n</context>");
}

/// Before a round begins, so that nothing is journaled and the session goes on.
#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_refused_before_a_round_begins() {
    let stage = Stage::new(ScriptedModel::answering([Answer::text("42")]));
    let session = SessionHandle::start(stage.parts());
    let refused = session.send(Command::Start(Request::typed("@codr add"))).await;
    match refused {
        Err(CommandRefused::Mention(MentionError::UnknownAgent { name, known })) => {
            assert_eq!((name.as_str(), known[0].as_str(), known.len()), ("codr", "coder", 6));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.journal.events().len(), 0);
    session.send(Command::Start(Request::typed("what is `@codr`?"))).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    assert_eq!(stage.played().ending(), Ending::Answered);
}

/// The manager of the next round knows what happened without it, once.
#[tokio::test(start_paused = true)]
async fn the_next_rounds_manager_is_told_what_workers_did() {
    let model = ScriptedModel::new()
        .agent("manager", [Answer::text("42"), Answer::text("43")])
        .agent("coder", [write("a", "1"), coded(&["a"])]);
    let stage = Stage::new(model);
    let session = SessionHandle::start(stage.parts());
    for (number, text) in ["@coder add refund", "and now?", "really?"].into_iter().enumerate() {
        session.send(Command::Start(Request::typed(text))).await.unwrap();
        let number = u32::try_from(number).ok().map(|number| number + 1);
        let ends = |event: &Event| event.body.ends_round() && event.scope.round == number;
        stage.journal.wait_for("the round's end", ends).await;
    }
    session.close().await.unwrap();
    let requests = stage.model.requests_of("manager");
    let said = |request: &ModelRequest| {
        let messages = request.messages.iter().filter(|sealed| sealed.message.role == Role::User);
        messages.map(|sealed| sealed.message.text()).collect::<Vec<_>>()
    };
    let first = said(&requests[0]);
    assert!(first[0].contains("@coder add refund\ncoder (done): written"), "{first:?}");
    assert!(first[0].ends_with("and now?"), "{first:?}");
    assert_eq!(said(&requests[1]), [first[0].clone(), "really?".to_owned()]);
}

/// O-9: the window opens between two workers, and the next one reads what the person says in it.
#[tokio::test(start_paused = true)]
async fn the_person_steps_in_between_two_workers() {
    let model = ScriptedModel::new()
        .agent("coder", [write("sum.sh", "right"), coded(&["sum.sh"])])
        .agent("tester", [run("run-tests"), tested(true, &["run-tests"])]);
    let mut stage = Stage::new(model);
    stage.presence = Presence::Present {
        question_timeout: Duration::from_secs(600),
        intervention: Duration::from_secs(5),
    };
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::typed("@coder add @tester test"))).await.unwrap();
    let opened = |event: &Event| match &event.body {
        EventBody::Intervention { action: InterventionAction::Opened, next, .. } => next.clone(),
        _ => None,
    };
    let window = stage.journal.wait_for("a window", |event| opened(event).is_some()).await;
    assert_eq!(opened(&window).as_deref(), Some("tester"));
    session.send(Command::Message("음수만 봐".to_owned())).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    let played = stage.played();
    assert_eq!(played.ending(), Ending::Done);
    assert!(told(&stage, "tester", 0).contains("## The person said then\n음수만 봐"));
    assert_eq!(
        played.events.iter().filter(|event| opened(event).is_some()).count(),
        1,
        "none after the last"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_window_ends_the_chain() {
    let model = ScriptedModel::new().agent("coder", [write("a", "1"), coded(&["a"])]);
    let mut stage = Stage::new(model);
    stage.presence = Presence::Present {
        question_timeout: Duration::from_secs(600),
        intervention: Duration::from_secs(5),
    };
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::typed("@coder add @tester test"))).await.unwrap();
    let opened = |event: &Event| matches!(event.body, EventBody::Intervention { .. });
    stage.journal.wait_for("a window", opened).await;
    session.send(Command::Stop).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    let played = stage.played();
    assert_eq!((played.ending(), runs(&played).len()), (Ending::Stopped, 1));
}

/// Law 10: the same net as for what a manager reads.
#[tokio::test(start_paused = true)]
async fn no_secret_of_an_earlier_report_reaches_a_later_worker() {
    let secret = "sk-ant-geheim-0123456789";
    let report = json!({ "summary": format!("found {secret}"), "steps": [] });
    let model = ScriptedModel::new()
        .agent("planner", [Answer::call("report", report)])
        .agent("coder", [write("a", "1"), coded(&["a"])]);
    let mut stage = Stage::new(model);
    stage.secrets = vec![Secret::new(secret).unwrap()];
    let played = play(&stage, "@planner plan @coder code").await;
    assert_eq!(played.ending(), Ending::Done);
    let told = told(&stage, "coder", 0);
    assert!(told.contains("found ") && !told.contains(secret), "{told}");
}
