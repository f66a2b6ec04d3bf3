//! O-24, contract 3: sessions of one program in one folder. One writes at a time; others are refused, wait, or work in a
//! worktree of their own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use better_llm::{
    Cleared, Engine, EngineBuilder, EventStream, Overrides, Published, SessionHandle,
    domain::{
        event::{Event, EventBody},
        outcome::{Ending, NeedReason},
        permission::PermissionMode,
        session::{Command, Request},
    },
};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Answer, ScriptedModel, wait};

/// A folder, and a home for the engines that work in it.
struct Place {
    _root: TempDir,
    workspace: PathBuf,
    home: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        let (workspace, home) = (real.join("작업"), real.join("home"));
        for folder in [&workspace, &home] {
            fs::create_dir(folder).unwrap();
        }
        Self { _root: root, workspace, home }
    }

    /// An engine whose coder writes `path`, and finishes.
    async fn engine(&self, path: &str, more: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Engine {
        let variables =
            [("PATH", "/usr/local/bin:/usr/bin:/bin".into()), ("BETTER_LLM_HOME", self.home.clone())];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let call = |name: &str, input| Answer::call(name, input);
        let model = ScriptedModel::new()
            .agent(
                "manager",
                [
                    call("execute_coder_task", json!({"task_description": "write"})),
                    call("finish", json!({"summary": "끝", "status": "done"})),
                ],
            )
            .agent(
                "coder",
                [
                    call("write", json!({"path": path, "content": "글\n"})),
                    call("report", json!({"summary": "씀", "files_changed": [path]})),
                ],
            );
        let flags = Overrides { permission_mode: Some(PermissionMode::AutoEdit), ..Overrides::default() };
        let builder = EngineBuilder::new(&self.workspace).environment(variables).overrides(flags);
        more(builder.model(Arc::new(model))).build().await.unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        let output = std::process::Command::new("git")
            .args(args)
            .current_dir(&self.workspace)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", &self.home)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn start(session: &SessionHandle) -> EventStream {
    let events = session.subscribe();
    session.send(Command::Start(Request::new("써 줘"))).await.unwrap();
    events
}

/// Listens until an event is as wanted, and gives those up to it.
async fn until(events: &mut EventStream, wanted: impl Fn(&EventBody) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    let listening = async {
        while let Some(published) = events.next().await {
            let Published::Event(event) = published.unwrap() else { continue };
            seen.push((*event).clone());
            if wanted(&event.body) {
                return;
            }
        }
    };
    wait::bounded("an event", listening).await;
    seen
}

async fn end(events: &mut EventStream) -> Ending {
    let seen = until(events, EventBody::ends_round).await;
    match seen.last().map(|event| &event.body) {
        Some(EventBody::RoundFinished { ending, .. }) => *ending,
        other => panic!("the last event is {other:?}"),
    }
}

/// The right to write is a session's, not a program's, and is kept to its end.
#[tokio::test]
async fn two_sessions_of_one_program_never_meet_in_a_folder() {
    let place = Place::new();
    let (first, second) = (place.engine("a", |new| new).await, place.engine("b", |new| new).await);
    let (mine, theirs) = (first.session().await.unwrap(), second.session().await.unwrap());
    assert_eq!(end(&mut start(&mine).await).await, Ending::Done);
    assert_eq!(end(&mut start(&theirs).await).await, Ending::NeedsPerson(NeedReason::Permission));
    assert_eq!((place.workspace.join("a").exists(), place.workspace.join("b").exists()), (true, false));
    mine.close().await.unwrap();
    theirs.close().await.unwrap();
    let third = place.engine("c", |new| new).await.session().await.unwrap();
    assert_eq!(end(&mut start(&third).await).await, Ending::Done);
}

#[tokio::test]
async fn a_session_that_was_told_to_waits_for_the_one_before_it() {
    let place = Place::new();
    let first = place.engine("a", |new| new).await;
    let patient = place.engine("b", |new| new.wait_for_workspace(Duration::from_secs(3_600))).await;
    let (mine, theirs) = (first.session().await.unwrap(), patient.session().await.unwrap());
    assert_eq!(end(&mut start(&mine).await).await, Ending::Done);
    let mut events = start(&theirs).await;
    // The coder has said what it wants to do: what is left of the round waits.
    let wants = |body: &EventBody| matches!(body, EventBody::Message { message, .. } if message.tool_uses().any(|(_, name, _)| name == "write"));
    until(&mut events, wants).await;
    mine.close().await.unwrap();
    assert_eq!(end(&mut events).await, Ending::Done);
    assert!(place.workspace.join("b").exists());
}

#[tokio::test]
async fn a_program_gives_its_sessions_worktrees_and_clears_them_up() {
    let place = Place::new();
    place.git(&["init", "-q", "-b", "main"]);
    for (key, value) in [("user.name", "하나"), ("user.email", "h@example.org")] {
        place.git(&["config", key, value]);
    }
    fs::write(place.workspace.join("a"), "하나\n").unwrap();
    place.git(&["add", "."]);
    place.git(&["commit", "-q", "-m", "first"]);

    let plain = place.engine("main", |new| new).await;
    let beside = place.engine("side", |new| new.worktree(true)).await;
    let (mine, theirs) = (plain.session().await.unwrap(), beside.session().await.unwrap());
    assert_eq!(end(&mut start(&mine).await).await, Ending::Done);
    assert_eq!(end(&mut start(&theirs).await).await, Ending::Done);
    assert_eq!((place.workspace.join("main").exists(), place.workspace.join("side").exists()), (true, false));

    let id = theirs.id();
    let folder = place.home.join("data/worktrees").join(id.to_string());
    assert!(beside.clear_worktree(id).await.is_err(), "it is open still");
    assert!(folder.join("side").exists());
    theirs.close().await.unwrap();
    let cleared = beside.clear_worktree(id).await.unwrap();
    assert!(matches!(&cleared, Some(Cleared::Kept { folder: kept, .. }) if *kept == folder), "{cleared:?}");
    fs::remove_file(folder.join("side")).unwrap();
    assert_eq!(beside.clear_worktree(id).await.unwrap(), Some(Cleared::Removed));
    assert!(!folder.exists());
    assert_eq!(place.git(&["branch", "--format=%(refname:short)"]), "main\n");
    // A session without a worktree has none to clear up.
    let id = mine.id();
    mine.close().await.unwrap();
    assert_eq!(plain.clear_worktree(id).await.unwrap(), None);
}
