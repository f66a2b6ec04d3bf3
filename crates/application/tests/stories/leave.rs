//! Leave to run a call: rules, the person who is asked, and what follows from each answer (O-2, law 6).

use std::{sync::Arc, time::Duration};

use better_llm_application::{CommandRefused, SessionHandle};
use domain::{
    event::{CheckpointAt, Decision, EventBody},
    id::CallId,
    outcome::{Ending, NeedReason, Signal},
    permission::{Effect, PermissionMode, Rule},
    person::Presence,
    session::{Command, Request},
    tool::{Preview, ToolStatus},
};
use testkit::{MemoryGrants, ScriptedModel};

use crate::stage::*;

fn writes(contents: &[&str]) -> ScriptedModel {
    let written = contents.iter().map(|content| write("a", content));
    ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish("done")])
        .agent("coder", written.chain([coded(&["a"])]))
}

/// A stage where edits are asked about and a person is there for a minute each time.
fn attended(model: ScriptedModel) -> Stage {
    let mut stage = Stage::new(model);
    stage.mode = PermissionMode::Ask;
    stage.presence =
        Presence::Present { question_timeout: Duration::from_secs(60), intervention: Duration::ZERO };
    stage
}

/// Answers the questions as they come, one after the other.
async fn play_answering(stage: &Stage, answers: &[(Decision, Option<&str>)]) -> Played {
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    for (nth, (decision, note)) in answers.iter().enumerate() {
        let call = nth_question(stage, nth).await;
        let note = note.map(str::to_owned);
        session.send(Command::Permission { call, decision: *decision, note }).await.unwrap();
    }
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    stage.played()
}

/// The call that the nth question (from 0) is about.
async fn nth_question(stage: &Stage, nth: usize) -> CallId {
    let asked = |event: &domain::event::Event| matches!(event.body, EventBody::PermissionAsked { .. });
    stage
        .journal
        .wait_for("a question", |event| {
            let before =
                stage.journal.events().iter().filter(|other| asked(other) && other.seq < event.seq).count();
            asked(event) && before == nth
        })
        .await;
    let calls: Vec<CallId> = stage
        .journal
        .events()
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::PermissionAsked { call_id, .. } => Some(call_id.clone()),
            _ => None,
        })
        .collect();
    calls[nth].clone()
}

fn answers(played: &Played) -> Vec<(Decision, &str)> {
    let answer = |event: &'_ domain::event::Event| match &event.body {
        EventBody::PermissionAnswered { decision, by, .. } => Some((*decision, by.as_str().to_owned())),
        _ => None,
    };
    let answers: Vec<_> = played.events.iter().filter_map(answer).collect();
    answers
        .into_iter()
        .map(|(decision, by)| {
            (
                decision,
                if by == "person" {
                    "person"
                } else if by == "deadline" {
                    "deadline"
                } else {
                    "engine"
                },
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn leave_for_once_is_asked_for_again() {
    let stage = attended(writes(&["1", "2"]));
    let played = play_answering(&stage, &[(Decision::Once, None), (Decision::Once, None)]).await;
    assert_eq!(played.ending(), Ending::Done);
    assert_eq!(answers(&played), [(Decision::Once, "person"), (Decision::Once, "person")]);
    assert_eq!(stage.workspace.read("a").as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn leave_for_the_session_covers_the_same_call_later() {
    let stage = attended(writes(&["1", "2", "3"]));
    let played = play_answering(&stage, &[(Decision::Session, None)]).await;
    assert_eq!(played.ending(), Ending::Done);
    assert_eq!(answers(&played), [(Decision::Session, "person")]);
    assert_eq!(stage.write.calls().len(), 3);
}

/// A person decides about what they see: leave for a call of which a part is not shown lasts for no other one.
#[tokio::test(start_paused = true)]
async fn of_a_call_that_is_not_shown_whole_leave_is_for_once() {
    let mut stage = attended(writes(&["1", "2"]));
    stage.write = stage.write.clone().showing(Preview::cut("+1\n[... 1 more line is not shown]\n"));
    let played = play_answering(&stage, &[(Decision::Always, None), (Decision::Session, None)]).await;
    assert_eq!(played.ending(), Ending::Done);
    assert_eq!(answers(&played), [(Decision::Once, "person"), (Decision::Once, "person")]);
    for event in &played.events {
        if let EventBody::PermissionAsked { options, rule, .. } = &event.body {
            assert_eq!(options, &[Decision::Once, Decision::Deny]);
            assert!(
                rule.ends_with(
                    "; not all that it would change is shown here, so it can be allowed only once"
                )
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn leave_for_good_is_kept() {
    let mut stage = attended(writes(&["1", "2"]));
    let grants = Arc::new(MemoryGrants::new());
    stage.grants = Some(Arc::clone(&grants));
    let played = play_answering(&stage, &[(Decision::Always, None)]).await;
    assert_eq!(played.ending(), Ending::Done);
    let rule =
        Rule { effect: Effect::Allow, tool: "write".to_owned(), argument: Some("a".to_owned()), agent: None };
    assert_eq!(grants.kept(), [rule]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_kept_holds_for_the_session_and_is_said() {
    let mut stage = attended(writes(&["1", "2"]));
    stage.grants = Some(Arc::new(MemoryGrants::failing()));
    let played = play_answering(&stage, &[(Decision::Always, None)]).await;
    assert_eq!(played.ending(), Ending::Done);
    let told = |event: &domain::event::Event| matches!(&event.body, EventBody::Notice { code, .. } if code == "rule_not_kept");
    assert!(played.events.iter().any(told));
    assert_eq!(stage.write.calls().len(), 2);
}

/// The agent reads the person's note; nothing was done.
#[tokio::test(start_paused = true)]
async fn a_denial_takes_the_persons_note_to_the_agent() {
    let stage = attended(writes(&["1"]));
    let played = play_answering(&stage, &[(Decision::Deny, Some("docs 폴더에 쓰세요"))]).await;
    assert_eq!(
        played.results_of("write"),
        [(ToolStatus::Denied, "denied by the person, who says: docs 폴더에 쓰세요".to_owned())]
    );
    assert_eq!(stage.write.calls().len(), 0);
}

/// Contract 2: what was denied because nobody was there is no work done, whatever the manager calls it. Where anything
/// else happened, it may be done nevertheless.
#[tokio::test(start_paused = true)]
async fn done_means_nothing_where_all_there_was_to_do_was_denied() {
    for (mode, ran, expected) in [
        (PermissionMode::Ask, 0, Ending::NeedsPerson(NeedReason::Permission)),
        (PermissionMode::AutoEdit, 1, Ending::Done),
    ] {
        let model = ScriptedModel::new()
            .agent("manager", [task("coder", "write"), finish("done")])
            .agent("coder", [run("make"), write("a", "1"), coded(&[])]);
        let mut stage = Stage::new(model);
        stage.mode = mode;
        stage.rules.add(Rule { effect: Effect::Ask, agent: None, tool: "write".to_owned(), argument: None });
        let played = stage.play("go").await;
        assert_eq!((played.ending(), stage.bash.calls().len()), (expected, ran), "{mode:?}");
        let denied = played.events.iter().find_map(|event| match &event.body {
            EventBody::Notice { code, text } if code == "calls_denied" => Some(text.as_str()),
            _ => None,
        });
        assert!(denied.is_some_and(|text| text.contains("coder write `a`")), "{denied:?}");
    }
}

/// Nobody answers: no, in time; the round says what it waited for where it did not reach its goal.
#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_is_a_denial_at_its_deadline() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish("partial")])
        .agent("coder", [write("a", "1"), coded(&[])]);
    let stage = attended(model);
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::NeedsPerson(NeedReason::Permission));
    assert_eq!(answers(&played), [(Decision::Deny, "deadline")]);
    assert_eq!(stage.write.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_is_cancelled_while_it_asks_ends_with_its_question_answered() {
    let stage = attended(writes(&["1"]));
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let call = nth_question(&stage, 0).await;
    session.send(Command::Cancel(Signal::Interrupt)).await.unwrap();
    let late = Command::Permission { call: call.clone(), decision: Decision::Once, note: None };
    assert_eq!(session.send(late).await, Err(CommandRefused::NoCall(call)));
    session.close().await.unwrap();
    let played = stage.played();
    assert_eq!(played.ending(), Ending::Cancelled(Signal::Interrupt));
    assert_eq!(answers(&played), [(Decision::Deny, "engine")]);
    assert_eq!(stage.write.calls().len(), 0);
}

/// An answer to a call that does not ask changes nothing.
#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_waits_for_changes_nothing() {
    let stage = attended(writes(&["1"]));
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let call = nth_question(&stage, 0).await;
    let unknown = CallId::new("no such call");
    let other = Command::Permission { call: unknown.clone(), decision: Decision::Once, note: None };
    assert_eq!(session.send(other).await, Err(CommandRefused::NoCall(unknown)));
    session.send(Command::Permission { call, decision: Decision::Once, note: None }).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    assert_eq!(answers(&stage.played()), [(Decision::Once, "person")]);
}

/// A person decides about what they see, and a credential is never shown.
#[tokio::test(start_paused = true)]
async fn a_command_that_holds_a_credential_is_not_asked_about() {
    let model = ScriptedModel::new()
        .agent("manager", [task("coder", "run"), finish("done")])
        .agent("coder", [run("curl -u ghp_0123456789abcdefghijABCDEFGHIJ012345 x"), coded(&[])]);
    let stage = attended(model);
    let played = stage.play("go").await;
    assert_eq!(answers(&played), []);
    let (status, text) = played.results_of("bash")[0].clone();
    assert_eq!(status, ToolStatus::Denied);
    assert!(text.contains("--pass-env"), "{text}");
    assert_eq!(stage.bash.calls().len(), 0);
}

/// O-2: a rule denies whoever asks, in every mode.
#[tokio::test(start_paused = true)]
async fn a_rule_that_denies_holds_in_the_widest_mode() {
    let mut stage = Stage::new(writes(&["1"]));
    stage.mode = PermissionMode::Full;
    stage.rules.add(Rule {
        effect: Effect::Deny,
        tool: "*".to_owned(),
        argument: Some("a".to_owned()),
        agent: None,
    });
    let played = stage.play("go").await;
    let (status, text) = played.results_of("write")[0].clone();
    assert_eq!(status, ToolStatus::Denied);
    assert!(text.contains("`deny * `a``") && text.contains("permissions explain"), "{text}");
    assert_eq!(stage.write.calls().len(), 0);
}

/// O-29: before a round's first effect and at its end the state is kept, and only then.
#[tokio::test(start_paused = true)]
async fn a_round_keeps_the_state_before_its_first_effect_and_the_one_it_leaves() {
    let kept = |played: &Played| -> Vec<CheckpointAt> {
        let at = |event: &domain::event::Event| match event.body {
            EventBody::Checkpoint { at, .. } => Some(at),
            _ => None,
        };
        played.events.iter().filter_map(at).collect()
    };
    let played = Stage::new(writes(&["1", "2"])).play("go").await;
    assert_eq!(kept(&played), [CheckpointAt::Begin, CheckpointAt::End]);
    let looked = Stage::new(ScriptedModel::answering([testkit::Answer::text("42")])).play("go").await;
    assert_eq!(kept(&looked), []);
}

/// O-16: what a run left in the background ends with it.
#[tokio::test(start_paused = true)]
async fn the_servers_of_every_run_end_with_it() {
    let stage = Stage::new(writes(&["1"]));
    let played = stage.play("go").await;
    let mut runs: Vec<_> =
        played.events.iter().filter_map(|event| event.scope.run.as_ref()).map(|run| run.run_id).collect();
    runs.sort();
    runs.dedup();
    let mut ended = stage.servers.ended_runs();
    ended.sort();
    assert_eq!(ended, runs);
}
