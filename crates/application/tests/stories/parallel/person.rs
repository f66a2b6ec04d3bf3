//! The person, beside several workers.

use better_llm_application::SessionHandle;
use domain::{
    event::{Decision, InterventionAction},
    id::CallId,
    permission::PermissionMode,
    person::Presence,
    session::{Command, Request},
    tool::ToolStatus,
};

use super::*;

fn attended(model: ScriptedModel) -> Stage {
    let mut stage = Stage::new(model);
    let (question_timeout, intervention) = (Duration::from_secs(600), Duration::from_secs(5));
    stage.presence = Presence::Present { question_timeout, intervention };
    stage
}

/// O-9: one window, after the last report of the message.
#[tokio::test(start_paused = true)]
async fn one_window_opens_after_the_last_report() {
    let model = manager(ScriptedModel::new(), &[("planner", "one", None), ("planner", "two", None)]);
    let model = worker(model, "one", [planned()]);
    let model = worker(model, "two", [planned().after(Duration::from_secs(60))]);
    let played = attended(model).play("go").await;
    let order = played.events.iter().filter_map(|event| match &event.body {
        EventBody::Report { .. } => Some("report"),
        EventBody::Intervention { action: InterventionAction::Opened, .. } => Some("window"),
        _ => None,
    });
    assert_eq!(order.collect::<Vec<_>>(), ["report", "report", "window"]);
}

/// Several calls wait for leave at the same time, and may be answered in any order; nobody's time runs meanwhile.
#[tokio::test(start_paused = true)]
async fn several_workers_wait_for_leave_at_once() {
    let calls: [Task<'_>; 2] = [("coder", "one", Some(&["a/**"])), ("coder", "two", Some(&["b/**"]))];
    let model = manager(ScriptedModel::new(), &calls);
    let model = worker(model, "one", [write("a/1", "1"), coded(&["a/1"])]);
    let model = worker(model, "two", [write("b/2", "2"), coded(&[])]);
    let mut stage = attended(model);
    stage.coder_has_bash = false;
    stage.coder_timeout = Duration::from_secs(60);
    stage.mode = PermissionMode::Ask;
    let session = SessionHandle::start(stage.parts());
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let asked = |path: &'static str| {
        let call = move |body: &EventBody| match body {
            EventBody::PermissionAsked { call_id, input, .. } if field(input, "path") == path => {
                Some(call_id.clone())
            }
            _ => None,
        };
        let journal = Arc::clone(&stage.journal);
        async move {
            let event = journal.wait_for("a call that asks", |event| call(&event.body).is_some()).await;
            call(&event.body).unwrap()
        }
    };
    let (one, two): (CallId, CallId) = (asked("a/1").await, asked("b/2").await);
    // Longer than either run has.
    tokio::time::advance(Duration::from_secs(300)).await;
    for (call, decision) in [(two, Decision::Deny), (one, Decision::Once)] {
        session.send(Command::Permission { call, decision, note: None }).await.unwrap();
    }
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    session.close().await.unwrap();
    let played = stage.played();
    let statuses: Vec<_> = played.results_of("write").into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, [ToolStatus::Denied, ToolStatus::Ok]);
    assert_eq!(stage.workspace.paths(), ["README.md", "a/1"]);
    assert_eq!(played.ending(), Ending::Done);
}
