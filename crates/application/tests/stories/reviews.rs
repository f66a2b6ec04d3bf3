//! Reviews: what reviewers see, what outlives a round, who decides where they do not end (O-15, contract 4).

use std::time::Duration;

use better_llm_application::SessionHandle;
use domain::{
    event::{Event, EventBody},
    id::QuestionId,
    outcome::{Ending, NeedReason, PartialReason},
    person::Presence,
    review::ReviewOption,
    session::{Command, Request},
};
use serde_json::Value;
use testkit::{Answer, ScriptedModel, workspace::WorkspaceCall};

use crate::stage::*;

/// A reviewer that finds something new in each of these reviews, with a coder at work in between; then the manager
/// gives in.
fn restless(reviews: usize) -> ScriptedModel {
    let nits = (1..=reviews).map(|n| reviewed("request_changes", &[("critical", &format!("흠 {n}"))]));
    let rounds = (0..reviews).flat_map(|_| [task("reviewer", "look"), task("coder", "mend")]);
    ScriptedModel::new()
        .agent("manager", rounds.chain([finish("partial")]))
        .agent("reviewer", nits)
        .agent("coder", (0..reviews).flat_map(|n| [write("sum.sh", &n.to_string()), coded(&["sum.sh"])]))
}

fn attended(model: ScriptedModel) -> Stage {
    let mut stage = Stage::new(model);
    stage.presence =
        Presence::Present { question_timeout: Duration::from_secs(600), intervention: Duration::ZERO };
    stage
}

/// Plays a round in which the person answers the questions one after the other, and none after the last answer.
async fn play(stage: &Stage, answers: &[&str]) -> Played {
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let mut asked: Vec<QuestionId> = Vec::new();
    for answer in answers {
        let is_new = |event: &Event| match event.body {
            EventBody::Question { question_id, .. } if !asked.contains(&question_id) => Some(question_id),
            _ => None,
        };
        let event = stage.journal.wait_for("a question", |event| is_new(event).is_some()).await;
        let question = is_new(&event).unwrap();
        asked.push(question);
        session.send(Command::Answer { question, text: (*answer).to_owned() }).await.unwrap();
    }
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    stage.played()
}

/// What happened between reviewers and the person, one line an event.
fn lines(played: &Played) -> Vec<String> {
    let line = |event: &Event| match &event.body {
        EventBody::ReviewCycle { cycle, limit, open_findings, closed, .. } => {
            let ids =
                open_findings.iter().filter_map(|finding| finding.id.clone()).collect::<Vec<_>>().join(" ");
            let closed: String =
                closed.iter().map(|closed| format!(" {} {}", closed.id, closed.state.as_str())).collect();
            Some(format!("{cycle}/{limit} [{ids}]{closed}"))
        }
        EventBody::Question { asker, options, .. } => {
            Some(format!("{asker} asks, {} options", options.len()))
        }
        EventBody::Answer { text, by, .. } => Some(format!("{by}: {text}")),
        _ => None,
    };
    played.events.iter().filter_map(line).collect()
}

const THREE: [&str; 3] = ["1/3 [F1]", "2/3 [F2] F1 fixed", "3/3 [F3] F2 fixed"];

#[track_caller]
fn check(played: &Played, then: &[&str], ending: Ending) {
    let expected: Vec<&str> = THREE.iter().chain(then).copied().collect();
    assert_eq!(lines(played), expected);
    assert_eq!(played.ending(), ending);
}

/// The review that the manager read as the nth one, from 0.
fn read_by_manager(played: &Played, nth: usize) -> Value {
    let result = &played.results_of("execute_reviewer_task")[nth].1;
    serde_json::from_str::<Value>(result).unwrap()["review"].clone()
}

#[tokio::test(start_paused = true)]
async fn without_a_person_the_limit_of_reviews_ends_the_round() {
    let played = Stage::new(restless(4)).play("go").await;
    check(&played, &["engine asks, 4 options"], Ending::NeedsPerson(NeedReason::ReviewLimit));
}

#[tokio::test(start_paused = true)]
async fn one_more_review_is_allowed_as_often_as_the_person_says() {
    let played = play(&attended(restless(5)), &["1", "one more review", "4"]).await;
    let then = [
        "engine asks, 4 options",
        "person: 1",
        "4/4 [F4] F3 fixed",
        "engine asks, 4 options",
        "person: one more review",
        "5/5 [F5] F4 fixed",
        "engine asks, 4 options",
        "person: 4",
    ];
    check(&played, &then, Ending::Stopped);
    assert!(read_by_manager(&played, 2)["decision"].as_str().unwrap().contains("one more review"));
}

#[tokio::test(start_paused = true)]
async fn guidance_goes_to_the_manager_with_the_review() {
    for answers in [&["음수만 거르면 됩니다", "stop"][..], &["2", "음수만 거르면 됩니다", "stop"]]
    {
        let played = play(&attended(restless(4)), answers).await;
        assert_eq!(played.ending(), Ending::Stopped, "{answers:?}");
        let decision = read_by_manager(&played, 2)["decision"].clone();
        assert!(decision.as_str().unwrap().contains("The person says: 음수만 거르면 됩니다"), "{decision}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_person_accepts_is_settled_and_the_round_goes_on() {
    let played = play(&attended(restless(3)), &[ReviewOption::Accept.text()]).await;
    let then = ["engine asks, 4 options", "person: accept as it is", "3/3 [] F3 accepted"];
    check(&played, &then, Ending::Partial(PartialReason::ManagerPartial));
    let review = read_by_manager(&played, 2);
    assert_eq!((&review["verdict"], &review["open"]), (&"approve".into(), &Value::Array(Vec::new())));
}

/// An absent person cannot keep a round going for ever, and is not said to have answered.
#[tokio::test(start_paused = true)]
async fn nobody_who_answers_is_one_more_review_and_then_the_end() {
    let played = play(&attended(restless(6)), &[]).await;
    let then = [
        "engine asks, 4 options",
        "deadline: one more review",
        "4/4 [F4] F3 fixed",
        "engine asks, 4 options",
        "deadline: ",
    ];
    check(&played, &then, Ending::NeedsPerson(NeedReason::ReviewLimit));
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_to_guide_and_says_nothing_ends_the_round() {
    let played = play(&attended(restless(4)), &["guidance"]).await;
    let then = ["engine asks, 4 options", "person: guidance", "engine asks, 0 options", "deadline: "];
    check(&played, &then, Ending::NeedsPerson(NeedReason::ReviewLimit));
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_person_is_asked_ends_the_round() {
    let stage = attended(restless(4));
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.journal.wait_for("a question", |event| matches!(event.body, EventBody::Question { .. })).await;
    session.send(Command::Stop).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    assert_eq!(stage.played().ending(), Ending::Stopped);
}

/// Contract 4: the subject is all changes since the last approve, whichever round they were made in.
#[tokio::test]
async fn the_next_round_goes_on_with_what_is_open_and_counts_anew() {
    let review = |id: Option<&str>| {
        let finding = serde_json::json!({ "severity": "critical", "message": "음수", "id": id });
        let findings = serde_json::json!([finding]);
        Answer::call(
            "report",
            serde_json::json!({ "summary": "", "verdict": "request_changes", "findings": findings }),
        )
    };
    let look_and_leave = || [task("reviewer", "look"), finish("partial")];
    let stage = Stage::new(
        ScriptedModel::new()
            .agent("manager", look_and_leave().into_iter().chain(look_and_leave()))
            .agent("reviewer", [review(None), review(Some("F1"))]),
    );
    let session = SessionHandle::start(stage.parts());
    for round in 1..=2 {
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        let is_over = |event: &Event| event.body.ends_round() && event.scope.round == Some(round);
        stage.journal.wait_for("the round's end", is_over).await;
        stage.workspace.write("sum.sh", "edited by the person");
    }
    session.close().await.unwrap();
    assert_eq!(lines(&stage.played()), ["1/3 [F1]", "1/3 [F1]"]);
    let brief = stage.model.requests_of("reviewer")[1].messages[0].message.text();
    assert!(brief.contains("- F1 [critical]: 음수"), "{brief}");
    assert!(brief.contains("+edited by the person"), "{brief}");
}

/// Law 7: what could not be kept or seen is said, and counts as changed.
#[tokio::test]
async fn a_state_that_cannot_be_looked_at_counts_as_changed() {
    let model = ScriptedModel::new()
        .agent("manager", [task("reviewer", "look"), task("reviewer", "look"), finish("done")])
        .agent(
            "reviewer",
            [reviewed("request_changes", &[("critical", "음수")]), reviewed("request_changes", &[])],
        );
    let stage = Stage::new(model);
    stage.workspace.fail(WorkspaceCall::ChangesSince, "the disk is gone");
    let played = stage.play("go").await;
    assert_eq!(lines(&played), ["1/3 [F1]", "2/3 [] F1 fixed"]);
    let is_said = |event: &Event| matches!(&event.body, EventBody::Notice { code, .. } if code == "review_state_unknown");
    assert_eq!(played.events.iter().filter(|event| is_said(event)).count(), 1);
}
