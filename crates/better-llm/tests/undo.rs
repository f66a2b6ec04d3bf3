//! O-29: a round of a session is taken back from outside of it, by another engine on the same places.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions here")]

use std::{fs, path::PathBuf, sync::Arc};

use better_llm::{
    Engine, EngineBuilder, Overrides, Published, SandboxChoice, UndoError,
    domain::{
        event::{CheckpointAt, EventBody, Scope},
        id::SessionId,
        permission::PermissionMode,
        ports::{JournalPort, ModelPort, WorkspacePort},
        session::{Command, Request},
        workspace::{UndoError as Refusal, UndoKind},
    },
};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Answer, ScriptedModel, wait};

/// A person's folder and a home for the engines that work in it.
struct Place {
    _root: TempDir,
    workspace: PathBuf,
    home: PathBuf,
}

/// A team whose coder writes these files, one round after the other.
fn team(rounds: &[&[(&str, &str)]]) -> Arc<dyn ModelPort> {
    let (mut manager, mut coder) = (Vec::new(), Vec::new());
    for files in rounds {
        manager.push(Answer::call("execute_coder_task", json!({"task_description": "써 줘"})));
        manager.push(Answer::call("finish", json!({"summary": "done", "status": "done"})));
        for (path, content) in *files {
            coder.push(Answer::call("write", json!({"path": path, "content": content})));
        }
        let changed = files.iter().map(|(path, _)| *path).collect::<Vec<_>>();
        coder.push(Answer::call("report", json!({"summary": "done", "files_changed": changed})));
    }
    Arc::new(ScriptedModel::new().agent("manager", manager).agent("coder", coder))
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

    async fn engine(&self, model: Option<Arc<dyn ModelPort>>) -> Engine {
        let variables =
            [("PATH", "/usr/local/bin:/usr/bin:/bin".into()), ("BETTER_LLM_HOME", self.home.clone())];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let flags = Overrides {
            permission_mode: Some(PermissionMode::Full),
            sandbox: Some(SandboxChoice::None),
            ..Overrides::default()
        };
        let builder = EngineBuilder::new(&self.workspace).environment(variables).overrides(flags);
        match model {
            Some(model) => builder.model(model).build().await.unwrap(),
            None => builder.build().await.unwrap(),
        }
    }

    /// Runs a session of that many rounds to its end.
    async fn session(&self, rounds: &[&[(&str, &str)]]) -> SessionId {
        let engine = self.engine(Some(team(rounds))).await;
        let session = engine.session().await.unwrap();
        let mut events = session.subscribe();
        let mut id = None;
        for _ in rounds {
            session.send(Command::Start(Request::new("써 줘"))).await.unwrap();
            let to_the_end = async {
                while let Some(published) = events.next().await {
                    let Published::Event(event) = published.unwrap() else { continue };
                    id = Some(event.session_id);
                    if event.body.ends_round() {
                        break;
                    }
                }
            };
            wait::bounded("a round's end", to_the_end).await;
        }
        drop(session);
        while events.next().await.is_some() {}
        engine.close().await.unwrap();
        id.unwrap()
    }

    fn write(&self, path: &str, content: &str) {
        fs::write(self.workspace.join(path), content).unwrap();
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.workspace.join(path)).ok()
    }
}

#[tokio::test]
async fn o_29_the_last_round_of_the_latest_session_is_undone_and_remembered() {
    let place = Place::new();
    place.write("a.txt", "mine\n");
    let id = place.session(&[&[("a.txt", "one\n")], &[("a.txt", "two\n"), ("새.txt", "new\n")]]).await;
    let engine = place.engine(None).await;
    let undo = engine.undo_plan(None, None, None).await.unwrap();
    assert_eq!((undo.session(), undo.round(), undo.is_cut_off()), (id, 2, false));
    assert!(undo.plan().diff.contains("-two\n+one\n"), "{}", undo.plan().diff);
    let done = undo.apply().await.unwrap();
    let kinds = done.files.iter().map(|file| (file.path.as_str(), file.what)).collect::<Vec<_>>();
    assert_eq!(kinds, [("a.txt", UndoKind::Restore), ("새.txt", UndoKind::Remove)]);
    assert_eq!((place.read("a.txt").as_deref(), place.read("새.txt")), (Some("one\n"), None));
    // Round 2 is undone, so the next one is round 1.
    let undo = engine.undo_plan(Some(id), None, None).await.unwrap();
    assert_eq!(undo.round(), 1);
    undo.apply().await.unwrap();
    assert_eq!(place.read("a.txt").as_deref(), Some("mine\n"));
    let nothing = engine.undo_plan(None, None, None).await.err().unwrap();
    assert!(matches!(nothing, UndoError::NothingChanged(session) if session == id), "{nothing}");
}

#[tokio::test]
async fn o_29_the_journal_says_what_was_undone() {
    let place = Place::new();
    let id = place.session(&[&[("a.txt", "one\n")]]).await;
    let engine = place.engine(None).await;
    let undo = engine.undo_plan(Some(id), Some(1), None).await.unwrap();
    let begin = undo.plan().begin.as_str().to_owned();
    let kept = undo.apply().await.unwrap().kept.as_str().to_owned();
    let database = engine.settings().places.database();
    engine.close().await.unwrap();
    let journal = storage::SqliteJournal::new(database);
    let back = journal.read_back(id, 0).await.unwrap();
    assert_eq!(back.damaged, 0);
    let last = back.events.last().unwrap();
    let paths = vec!["a.txt".to_owned()];
    assert_eq!(last.body, EventBody::Undone { checkpoint: begin, kept, paths });
    assert_eq!(last.seq, back.events.len() as u64);
}

#[tokio::test]
async fn o_29_paths_and_edits_of_the_person_are_heeded() {
    let place = Place::new();
    place.session(&[&[("a.txt", "one\n"), ("b.txt", "one\n")]]).await;
    place.write("b.txt", "the person's\n");
    let engine = place.engine(None).await;
    let undo = engine.undo_plan(None, None, None).await.unwrap();
    let refused = undo.apply().await.unwrap_err();
    assert!(matches!(refused, UndoError::Refused(Refusal::Refused(_))), "{refused}");
    assert_eq!(refused.code(), "undo_refused");
    assert_eq!(place.read("a.txt").as_deref(), Some("one\n"));
    let undo = engine.undo_plan(None, None, Some(&["a.txt".to_owned()])).await.unwrap();
    undo.apply().await.unwrap();
    assert_eq!((place.read("a.txt"), place.read("b.txt").as_deref()), (None, Some("the person's\n")));
}

#[tokio::test]
async fn what_cannot_be_undone_is_said_with_what_to_do() {
    let place = Place::new();
    let engine = place.engine(None).await;
    assert_eq!(engine.undo_plan(None, None, None).await.err().unwrap().code(), "no_session");
    let id = place.session(&[&[("a.txt", "one\n")]]).await;
    assert_eq!(engine.undo_plan(None, Some(2), None).await.err().unwrap().code(), "no_round");
    for (path, code) in [
        ("a.tyt", "path_unchanged"),
        ("", "path_outside"),
        ("../x", "path_outside"),
        ("d/../../x", "path_outside"),
        ("/etc/passwd", "path_outside"),
    ] {
        let paths = ["a.txt", path].map(str::to_owned);
        assert_eq!(engine.undo_plan(None, None, Some(&paths)).await.err().unwrap().code(), code, "{path}");
    }
    assert!(engine.undo_plan(None, None, Some(&[".".to_owned()])).await.is_ok());
    let other = Place {
        workspace: place.home.join("other"),
        home: place.home.clone(),
        _root: TempDir::new().unwrap(),
    };
    fs::create_dir(&other.workspace).unwrap();
    let elsewhere = other.engine(None).await;
    assert_eq!(elsewhere.undo_plan(Some(id), None, None).await.err().unwrap().code(), "other_workspace");
    assert_eq!(elsewhere.undo_plan(None, None, None).await.err().unwrap().code(), "no_session");
    fs::remove_dir_all(place.home.join("data/checkpoints").join(id.to_string())).unwrap();
    assert_eq!(engine.undo_plan(None, None, None).await.err().unwrap().code(), "states_gone");
    assert!(!place.home.join("data/checkpoints").join(id.to_string()).exists());
}

#[tokio::test]
async fn a_session_that_is_open_is_left_to_its_program() {
    let place = Place::new();
    let working = place.engine(Some(team(&[&[("a.txt", "one\n")]]))).await;
    let session = working.session().await.unwrap();
    let mut events = session.subscribe();
    session.send(Command::Start(Request::new("써 줘"))).await.unwrap();
    let to_the_end = async {
        while let Some(published) = events.next().await {
            let Published::Event(event) = published.unwrap() else { continue };
            if event.body.ends_round() {
                break;
            }
        }
    };
    wait::bounded("a round's end", to_the_end).await;
    let error = place.engine(None).await.undo_plan(None, None, None).await.err().unwrap();
    assert_eq!(error.code(), "session_open", "{error}");
}

/// What a killed session leaves: a beginning in the journal, the state it names, and no end of either.
#[tokio::test]
async fn o_29_a_round_that_was_killed_is_undone_against_the_present() {
    let place = Place::new();
    let id = place.session(&[&[("a.txt", "one\n")]]).await;
    let engine = place.engine(None).await;
    let database = engine.settings().places.database();
    let journal = storage::SqliteJournal::new(database);
    let mut events = journal.read_back(id, 0).await.unwrap().events;
    let store = place.home.join("data/checkpoints").join(id.to_string());
    let variables = [("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())].into();
    let mut settings = workspace::WorkspaceSettings::new(place.workspace.clone(), store, variables);
    settings.own = vec![place.home.clone()];
    let begin = workspace::Workspace::open(settings).checkpoint().await.unwrap();
    let mut last = events.pop().unwrap();
    let begins = EventBody::Checkpoint { id: begin.as_str().to_owned(), at: CheckpointAt::Begin };
    let starts = EventBody::RoundStarted {
        text: "더".to_owned(),
        context: Vec::new(),
        mentions: Vec::new(),
        data: String::new(),
    };
    for body in [starts, begins] {
        last.seq += 1;
        (last.scope, last.body) = (Scope::round(2), body);
        journal.append(Arc::new(last.clone())).await.unwrap();
    }
    journal.close().await.unwrap();
    place.write("a.txt", "half\n");
    place.write("b.txt", "half\n");
    let undo = engine.undo_plan(None, None, None).await.unwrap();
    assert_eq!((undo.session(), undo.round(), undo.is_cut_off()), (id, 2, true));
    // What the person did since may be among it, so their word comes first; naming files is one.
    let refused = undo.apply().await.unwrap_err();
    assert_eq!(
        (refused.code(), place.read("b.txt").as_deref()),
        ("round_cut_off", Some("half\n")),
        "{refused}"
    );
    let named = engine.undo_plan(None, None, Some(&["b.txt".to_owned()])).await.unwrap();
    named.apply().await.unwrap();
    assert_eq!((place.read("a.txt").as_deref(), place.read("b.txt")), (Some("half\n"), None));
    let undo = engine.undo_plan(None, Some(2), None).await.unwrap();
    undo.agreed().apply().await.unwrap();
    assert_eq!((place.read("a.txt").as_deref(), place.read("b.txt")), (Some("one\n"), None));
    assert_eq!(engine.undo_plan(None, None, None).await.unwrap().round(), 1);
}

/// The repository that states were kept with is gone; with it back, they can be used again.
#[tokio::test]
async fn o_29_states_whose_repository_is_gone_are_said_to_be_lost() {
    let place = Place::new();
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &place.home);
        let done = git.arg("-C").arg(&place.workspace).args(arguments).status().unwrap();
        assert!(done.success(), "git {arguments:?}");
    };
    place.write("a.txt", "mine\n");
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "--message=a"]);
    place.session(&[&[("a.txt", "one\n")]]).await;
    let (own, aside) = (place.workspace.join(".git"), place.home.join("aside"));
    fs::rename(&own, &aside).unwrap();
    let error = place.engine(None).await.undo_plan(None, None, None).await.err().unwrap();
    assert_eq!((error.code(), place.read("a.txt").as_deref()), ("states_lost", Some("one\n")), "{error}");
    fs::rename(&aside, &own).unwrap();
    place.engine(None).await.undo_plan(None, None, None).await.unwrap().apply().await.unwrap();
    assert_eq!(place.read("a.txt").as_deref(), Some("mine\n"));
}
