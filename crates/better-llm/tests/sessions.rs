//! O-22: a program that embeds the library finds sessions, takes them up again and forks them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use std::{fs, path::PathBuf, sync::Arc};

use better_llm::{
    CommandRefused, Engine, EngineBuilder, EventStream, Published, SessionError, SessionHandle, StartError,
    domain::{
        event::{Event, EventBody},
        id::SessionId,
        session::{Command, Request},
    },
};
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

    /// An engine whose manager says `words`, one after the other.
    async fn engine(&self, words: &[&str]) -> Engine {
        let variables =
            [("PATH", "/usr/local/bin:/usr/bin:/bin".into()), ("BETTER_LLM_HOME", self.home.clone())];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let answers: Vec<Answer> = words.iter().map(|words| Answer::text(words)).collect();
        let model = Arc::new(ScriptedModel::new().agent("manager", answers));
        EngineBuilder::new(&self.workspace).environment(variables).model(model).build().await.unwrap()
    }

    fn locks(&self) -> Vec<PathBuf> {
        let locks = fs::read_dir(self.home.join("state/locks/sessions"));
        locks.into_iter().flatten().map(|lock| lock.unwrap().path()).collect()
    }
}

/// Plays a round and gives its events.
async fn play(session: &SessionHandle, events: &mut EventStream, text: &str) -> Vec<Event> {
    session.send(Command::Start(Request::new(text))).await.unwrap();
    let mut seen = Vec::new();
    let playing = async {
        while let Some(published) = events.next().await {
            let Published::Event(event) = published.unwrap() else { continue };
            seen.push((*event).clone());
            if event.body.ends_round() {
                return;
            }
        }
    };
    wait::bounded("a round's end", playing).await;
    seen
}

#[track_caller]
fn refusal(session: Result<SessionHandle, StartError>) -> SessionError {
    match session {
        Err(StartError::Session(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn a_session_is_written_by_one_handle_at_a_time() {
    let place = Place::new();
    let engine = place.engine(&["하나", "둘"]).await;
    let first = engine.session().await.unwrap();
    let id = first.id();
    let mut events = first.subscribe();
    play(&first, &mut events, "첫째?").await;
    let error = refusal(engine.resume(id).await);
    let expected = (17, "session_open", Some(std::process::id()));
    let SessionError::AtWork { pid, .. } = error else { panic!("{error}") };
    assert_eq!((error.exit_code(), error.code(), pid), expected);
    first.close().await.unwrap();
    // A stream that somebody still holds is no session.
    assert_eq!(place.locks(), Vec::<PathBuf>::new());
    let second = engine.resume(id).await.unwrap();
    let mut events = second.subscribe();
    assert_eq!(second.broken_round(), None);
    assert_eq!(second.send(Command::GoOn).await, Err(CommandRefused::NothingToGoOnWith));
    let seen = play(&second, &mut events, "둘째?").await;
    let EventBody::SessionResumed { restored, .. } = &seen.first().unwrap().body else { panic!("{seen:?}") };
    assert_eq!((restored.rounds, restored.damaged), (1, 0));
    assert_eq!(seen.first().map(|event| event.seq), Some(restored.events + 1));
    second.close().await.unwrap();
}

#[tokio::test]
async fn sessions_are_found_by_folder_and_by_the_beginning_of_their_ids() {
    let place = Place::new();
    let engine = place.engine(&["하나", "둘", "셋"]).await;
    let none = engine.latest_session().await.unwrap_err();
    assert!(matches!(&none, SessionError::NoneHere { workspace } if *workspace == place.workspace), "{none}");
    let mut ids = Vec::<SessionId>::new();
    for _ in 0..2 {
        let session = engine.session().await.unwrap();
        let mut events = session.subscribe();
        play(&session, &mut events, "?").await;
        ids.push(session.id());
        session.close().await.unwrap();
    }
    assert_eq!(engine.latest_session().await.unwrap(), ids[1]);
    let text = ids[0].to_string();
    assert_eq!(engine.find_session(&text.to_lowercase()).await.unwrap(), ids[0]);
    let beginning: String = text.chars().take(6).collect();
    let ambiguous = engine.find_session(&beginning).await.unwrap_err();
    let SessionError::Ambiguous { candidates, .. } = &ambiguous else { panic!("{ambiguous}") };
    assert_eq!((candidates, ambiguous.exit_code()), (&vec![ids[1], ids[0]], 16));
    for given in ["01J9Z", "", "%", "'; DROP TABLE sessions", "가나다라마바", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"]
    {
        let unknown = engine.find_session(given).await.unwrap_err();
        assert!(matches!(&unknown, SessionError::Unknown { .. }), "{given}: {unknown}");
    }
    let missing = SessionId::new(better_llm::domain::id::Ulid::from_parts(1, 1));
    let unknown = refusal(engine.resume(missing).await);
    assert!(matches!(unknown, SessionError::Unknown { .. }));
    assert_eq!(place.locks(), Vec::<PathBuf>::new());
}

/// Law 8: one file a session that was killed, and only until another program comes.
#[tokio::test]
async fn locks_of_the_dead_are_removed_and_those_of_the_living_stay() {
    let place = Place::new();
    let engine = place.engine(&["하나"]).await;
    let alive = engine.session().await.unwrap();
    let held = place.locks();
    let dead = place.home.join("state/locks/sessions/01J9ZQ8W7N4K2M5R6T8V0X1Y3Z.lock");
    fs::write(&dead, "torn").unwrap();
    let another = place.engine(&["둘"]).await.session().await.unwrap();
    let left = place.locks();
    assert!(
        !left.contains(&dead) && left.len() == 2 && held.iter().all(|lock| left.contains(lock)),
        "{left:?}"
    );
    another.close().await.unwrap();
    alive.close().await.unwrap();
    assert_eq!(place.locks(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_fork_remembers_what_it_shares() {
    let place = Place::new();
    let engine = place.engine(&["하나", "둘", "셋"]).await;
    let parent = engine.session().await.unwrap();
    let mut events = parent.subscribe();
    let shared = play(&parent, &mut events, "첫째?").await;
    let fork = engine.fork(parent.id()).await.unwrap();
    assert_eq!((fork.forked_from, fork.seq), (parent.id(), shared.last().unwrap().seq));
    play(&parent, &mut events, "둘째?").await;
    let session = engine.resume(fork.session).await.unwrap();
    let mut events = session.subscribe();
    let own = play(&session, &mut events, "셋째?").await;
    let rounds = own.iter().filter_map(|event| event.scope.round).max();
    assert_eq!((own.first().unwrap().seq, rounds), (fork.seq + 1, Some(2)));
    session.close().await.unwrap();
    parent.close().await.unwrap();
    let record = place.home.join(format!("data/sessions/{}.json", fork.session));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
    let texts: Vec<_> = record["rounds"].as_array().unwrap().iter().map(|round| &round["text"]).collect();
    assert_eq!(texts, ["첫째?", "셋째?"]);
}
