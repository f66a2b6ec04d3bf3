//! Law 11: two engines live in one program and never meet.

use std::{path::PathBuf, sync::Arc, time::Duration};

use better_llm::{
    Engine, EngineBuilder, EventStream, Overrides, Published, SandboxChoice, SessionHandle,
    domain::{
        agent::AgentName,
        event::{DeltaBody, Event, EventBody},
        model::ModelErrorKind,
        outcome::{Ending, Signal},
        permission::PermissionMode,
        ports::ModelPort,
        session::{Command, Request},
    },
};
use serde_json::json;
use storage::SqliteJournal;
use tempfile::TempDir;
use testkit::{Answer, MockServer, Script, ScriptedModel, Turn, wait};

/// An engine with a folder and a home of its own.
struct Place {
    _root: TempDir,
    workspace: PathBuf,
    engine: Engine,
}

/// A manager that sends a coder, who writes `text` and runs `command`.
fn team(text: &str, command: &str) -> Arc<dyn ModelPort> {
    let call = |name: &str, input| Answer::call(name, input);
    Arc::new(
        ScriptedModel::new()
            .agent(
                AgentName::manager().as_str(),
                [
                    call("execute_coder_task", json!({"task_description": text})),
                    call("finish", json!({"summary": text, "status": "done"})),
                ],
            )
            .agent(
                "coder",
                [
                    call("write", json!({"path": "글.txt", "content": text})),
                    call("bash", json!({"command": command})),
                    call("report", json!({"summary": text, "files_changed": ["글.txt"]})),
                ],
            ),
    )
}

impl Place {
    async fn new(model: &Arc<dyn ModelPort>) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let real = root.path().canonicalize().expect("its path");
        let (workspace, home) = (real.join("작업"), real.join("home"));
        for folder in [&workspace, &home] {
            std::fs::create_dir(folder).expect("a folder");
        }
        let build = async |sandbox| {
            let variables =
                [("PATH", std::env::var_os("PATH")), ("BETTER_LLM_HOME", Some(home.clone().into()))];
            let variables = variables.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
            let mode = Some(PermissionMode::Full);
            let flags = Overrides { permission_mode: mode, sandbox, ..Overrides::default() };
            let builder = EngineBuilder::new(&workspace).environment(variables).overrides(flags);
            builder.model(Arc::clone(model)).build().await.expect("an engine")
        };
        let walled = build(None).await;
        let is_walled = walled.sandbox().await.expect("`auto` is always there").usable;
        let engine = if is_walled { walled } else { build(Some(SandboxChoice::None)).await };
        Self { _root: root, workspace, engine }
    }

    /// Starts a round and listens to it.
    async fn start(&self) -> (SessionHandle, EventStream) {
        let session = self.engine.session().await.expect("a session");
        let events = session.subscribe();
        session.send(Command::Start(Request::new("써 줘"))).await.expect("a round");
        (session, events)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.workspace.join("글.txt")).expect("the coder's file")
    }
}

/// The rest of a round's events.
async fn to_the_end(events: &mut EventStream) -> Vec<Event> {
    let mut seen = Vec::new();
    let listening = async {
        while let Some(published) = events.next().await {
            let Published::Event(event) = published.expect("the journal") else { continue };
            let ends = event.body.ends_round();
            seen.push(event.as_ref().clone());
            if ends {
                break;
            }
        }
    };
    wait::bounded("a round's end", listening).await;
    seen
}

/// Waits until a command has printed something.
async fn to_the_first_output(events: &mut EventStream) {
    let listening = async {
        while let Some(published) = events.next().await {
            if let Published::Delta(delta) = published.expect("the journal")
                && matches!(delta.body, DeltaBody::ToolOutput { .. })
            {
                return;
            }
        }
        panic!("the session ended");
    };
    wait::bounded("a command's output", listening).await;
}

fn ending(events: &[Event]) -> Ending {
    match events.last().map(|event| &event.body) {
        Some(EventBody::RoundFinished { ending, .. }) => *ending,
        other => panic!("the last event is {other:?}"),
    }
}

#[tokio::test]
async fn two_engines_work_side_by_side_and_keep_to_themselves() {
    let texts = ["하나", "둘"];
    let models = texts.map(|text| team(text, "cat 글.txt"));
    let places = [Place::new(&models[0]).await, Place::new(&models[1]).await];
    let ((first, mut its), (second, mut others)) = (places[0].start().await, places[1].start().await);
    let (mine, theirs) = tokio::join!(to_the_end(&mut its), to_the_end(&mut others));
    for (place, (text, (session, events))) in
        places.iter().zip(texts.into_iter().zip([(&first, &mine), (&second, &theirs)]))
    {
        assert_eq!((ending(events), place.text().as_str()), (Ending::Done, text));
        assert!(events.iter().all(|event| event.session_id == session.id()));
    }
    for (place, session) in places.into_iter().zip([first, second]) {
        let id = session.id();
        session.close().await.expect("saved");
        let journal = SqliteJournal::new(place.engine.settings().places.database());
        place.engine.close().await.expect("kept");
        let sessions: Vec<_> =
            journal.sessions(9).await.expect("the journal").into_iter().map(|kept| kept.id).collect();
        assert_eq!(sessions, [id]);
    }
}

/// O-16.
#[tokio::test]
async fn cancelling_one_leaves_the_other_at_work() {
    let endless = team("하나", "echo 시작; while :; do sleep 0.1; done");
    let patient = team("둘", "echo 시작; until [ -e 가라 ]; do sleep 0.02; done; rm 가라");
    let (stopped, going) = (Place::new(&endless).await, Place::new(&patient).await);
    let ((first, mut its), (second, mut others)) = (stopped.start().await, going.start().await);
    tokio::join!(to_the_first_output(&mut its), to_the_first_output(&mut others));

    first.send(Command::Cancel(Signal::Interrupt)).await.expect("it listens");
    assert_eq!(ending(&to_the_end(&mut its).await), Ending::Cancelled(Signal::Interrupt));
    std::fs::write(going.workspace.join("가라"), "").expect("a file");
    assert_eq!(ending(&to_the_end(&mut others).await), Ending::Done);
    for session in [first, second] {
        session.close().await.expect("saved");
    }
}

/// One engine, several sessions: each has its own id, its own events, and starts from nothing.
#[tokio::test]
async fn sessions_of_one_engine_keep_to_themselves() {
    let model: Arc<dyn ModelPort> =
        Arc::new(ScriptedModel::answering([Answer::text("하나"), Answer::text("둘")]));
    let place = Place::new(&model).await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let (session, mut events) = place.start().await;
        let seen = to_the_end(&mut events).await;
        assert_eq!((ending(&seen), seen[0].seq), (Ending::Answered, 1));
        numbers.push(session.id());
        session.close().await.expect("saved");
    }
    assert_ne!(numbers[0], numbers[1]);
}

/// O-23: sessions of one engine share their account's gate: what one learns of its limit holds the other.
#[tokio::test]
async fn sessions_of_one_engine_share_what_they_learn_of_a_limit() {
    let limited = ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(1)) };
    let answers = [Answer::refused(limited), Answer::text("하나"), Answer::text("둘")];
    let model = Arc::new(ScriptedModel::answering(answers));
    let place = Place::new(&(Arc::clone(&model) as Arc<dyn ModelPort>)).await;
    let second = place.engine.session().await.expect("a session");
    let mut others = second.subscribe();
    let (first, mut its) = place.start().await;
    let learning = async {
        while let Some(published) = its.next().await {
            if let Published::Event(event) = published.expect("the journal")
                && matches!(event.body, EventBody::Retry { .. })
            {
                return;
            }
        }
        panic!("the session ended");
    };
    wait::bounded("a limit", learning).await;
    second.send(Command::Start(Request::new("써 줘"))).await.expect("a round");
    let (mine, theirs) = tokio::join!(to_the_end(&mut its), to_the_end(&mut others));
    let was_held = |events: &[Event]| {
        events
            .iter()
            .any(|event| matches!(&event.body, EventBody::Notice { code, .. } if code == "request_held"))
    };
    assert_eq!((was_held(&mine), was_held(&theirs)), (false, true));
    let summary = |events: &[Event]| match events.last().map(|event| &event.body) {
        Some(EventBody::RoundFinished { summary, .. }) => summary.clone(),
        other => panic!("the last event is {other:?}"),
    };
    assert_eq!((summary(&mine).as_str(), summary(&theirs).as_str()), ("하나", "둘"), "in order");
    assert_eq!(model.requests().len(), 3);
    for session in [first, second] {
        session.close().await.expect("saved");
    }
}

/// Sessions in one program cost little: one HTTP client for each account, however many there are.
#[tokio::test]
async fn sessions_of_one_engine_share_their_connections() {
    let server =
        MockServer::start(Script::new().agent("manager", [Turn::text("하나")]).repeating_last()).await;
    let root = tempfile::tempdir().expect("a folder");
    let variables = [
        ("BETTER_LLM_HOME".into(), root.path().join("home").into()),
        ("ANTHROPIC_API_KEY".into(), server.key().into()),
        ("ANTHROPIC_BASE_URL".into(), server.url().into()),
    ];
    let flags = Overrides { sandbox: Some(SandboxChoice::None), ..Overrides::default() };
    let engine = EngineBuilder::new(root.path())
        .environment(variables)
        .overrides(flags)
        .build()
        .await
        .expect("an engine");
    for _ in 0..3 {
        let session = engine.session().await.expect("a session");
        let mut events = session.subscribe();
        session.send(Command::Start(Request::new("이게 뭐야?"))).await.expect("a round");
        assert_eq!(ending(&to_the_end(&mut events).await), Ending::Answered);
        session.close().await.expect("saved");
    }
    assert_eq!((server.requests().len(), server.accepted_connections()), (3, 1));
    engine.close().await.expect("kept");
}
