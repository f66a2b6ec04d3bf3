//! The right to write in the workspace: one session has it (contract 3).

use std::time::Duration;

use domain::{
    event::EventBody,
    id::{SessionId, Ulid},
    outcome::{Ending, NeedReason, Signal},
    ports::Holder,
    session::{Command, Request},
    tool::ToolStatus,
};
use testkit::{ScriptedModel, wait::bounded};

use crate::stage::{Played, Stage, coded, finish, planned, run, task, write};

fn somebody() -> Holder {
    Holder { session: Some(SessionId::new(Ulid(7))), pid: Some(4321) }
}

const WHO: &str = "session 00000000000000000000000007 (process 4321) is at work in this workspace: wait for its end, \
                   or work in a worktree of your own (`--worktree`)";

fn notices<'p>(played: &'p Played, wanted: &str) -> Vec<&'p str> {
    let notices = played.events.iter().filter_map(|event| match &event.body {
        EventBody::Notice { code, text } if code == wanted => Some(text.as_str()),
        _ => None,
    });
    notices.collect()
}

fn writers(status: &str) -> ScriptedModel {
    ScriptedModel::new()
        .agent("manager", [task("coder", "write"), finish(status)])
        .agent("coder", [write("a", "1"), run("make"), write("b", "2"), coded(&[])])
}

/// Never exit code 0 with the work undone: what was denied is named, and the round needs the person.
#[tokio::test(start_paused = true)]
async fn a_session_whose_workspace_another_one_has_changes_nothing_and_says_who_it_is() {
    let stage = Stage::new(writers("done"));
    stage.claim.held_by(somebody());
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::NeedsPerson(NeedReason::Permission));
    let denied = (
        ToolStatus::Denied,
        format!("denied, and nothing was done: {WHO}. Do not try again; go on without it."),
    );
    assert_eq!(played.results_of("write"), [denied.clone(), denied.clone()]);
    assert_eq!(played.results_of("bash"), [denied]);
    assert_eq!((stage.write.calls().len(), stage.bash.calls().len()), (0, 0));
    assert_eq!(notices(&played, "workspace_busy"), [WHO], "once a round");
    let named = "denied in this round: coder write `a`, coder bash `make`, coder write `b`";
    assert_eq!(notices(&played, "calls_denied"), [named]);
    let kept = |event: &domain::event::Event| matches!(event.body, EventBody::Checkpoint { .. });
    assert!(!played.events.iter().any(kept), "no state was kept");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_taken_holds_back_as_one_that_is_held() {
    let stage = Stage::new(writers("done"));
    stage.claim.broken();
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::NeedsPerson(NeedReason::Permission));
    let text = "cannot take the lock memory of the workspace: a fault on request";
    assert_eq!(notices(&played, "workspace_not_locked"), [text]);
    assert_eq!(stage.write.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_only_reads_takes_no_right_to_write() {
    let model = ScriptedModel::new()
        .agent("manager", [task("planner", "look"), finish("done")])
        .agent("planner", [testkit::Answer::call("read", serde_json::json!({})), planned()]);
    let stage = Stage::new(model);
    stage.claim.held_by(somebody());
    let played = stage.play("go").await;
    assert_eq!((played.ending(), stage.claim.asked()), (Ending::Done, 0));
}

/// The engine's own test commands have effects, too.
#[tokio::test(start_paused = true)]
async fn nothing_is_verified_in_a_workspace_that_another_session_has() {
    let model = ScriptedModel::new().agent("manager", [task("planner", "look"), finish("done")]);
    let mut stage = Stage::new(model.agent("planner", [planned()]));
    stage.verify = vec!["run-tests".to_owned()];
    stage.claim.held_by(somebody());
    let played = stage.play("go").await;
    assert_eq!(played.ending(), Ending::NeedsPerson(NeedReason::Permission));
    assert_eq!(notices(&played, "calls_denied"), ["denied in this round: better-llm verify `run-tests`"]);
    assert_eq!(stage.processes.commands(), Vec::<String>::new());
}

/// What another session held at the first call is free at the second: work is done then, and the end says so.
#[tokio::test(start_paused = true)]
async fn waiting_for_the_right_ends_when_it_is_given_or_the_round_is_stopped() {
    for stops in [false, true] {
        let stage = Stage::new(writers("done"));
        stage.claim.later();
        let session = better_llm_application::SessionHandle::start(stage.parts());
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        while stage.claim.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if stops {
            session.send(Command::Cancel(Signal::Interrupt)).await.unwrap();
        } else {
            stage.claim.free();
        }
        stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
        bounded("the session to close", session.close()).await.unwrap();
        let played = stage.played();
        let expected = if stops { Ending::Cancelled(Signal::Interrupt) } else { Ending::Done };
        assert_eq!((played.ending(), stage.write.calls().len()), (expected, if stops { 0 } else { 2 }));
    }
}
