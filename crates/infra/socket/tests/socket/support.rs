//! Sessions that do as the test says, and a client that speaks the protocol by hand.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use better_llm_socket::{Doing, Happenings, Owned, Refusal, Server, SessionState};
use domain::{
    event::{Event, EventBody, Published, Scope, VERSION},
    id::{SessionId, Ulid},
    ports::JournalError,
    session::Command,
    time::Timestamp,
};
use serde_json::Value;
use testkit::wait;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    sync::watch,
};

/// How a session goes: how many events it has, and whether it has ended.
type Progress = (u64, bool);

/// One session, whose events are numbered notices, and what it was told.
pub(crate) struct OneSession {
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) told: Mutex<Vec<Command>>,
}

impl OneSession {
    pub(crate) fn new(events: u64) -> Arc<Self> {
        Arc::new(Self { progress: watch::Sender::new((events, false)), told: Mutex::default() })
    }

    pub(crate) fn id() -> SessionId {
        SessionId::new(Ulid::from_parts(1, 1))
    }

    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| progress.1 = true);
    }
}

pub(crate) fn event(seq: u64) -> Event {
    let body = EventBody::Notice { code: "test".to_owned(), text: "가나다 ".repeat(30) };
    let (v, ts) = (VERSION, Timestamp::from_micros(seq));
    Event { v, seq, ts, session_id: OneSession::id(), scope: Scope::default(), body }
}

#[async_trait]
impl Owned for OneSession {
    fn sessions(&self) -> Vec<SessionState> {
        let last_seq = self.progress.borrow().0;
        let doing = Doing::Round { round: 2 };
        vec![SessionState { session_id: Self::id(), cwd: "/작업".to_owned(), last_seq, doing }]
    }

    fn watch(&self, session: SessionId, after: u64) -> Option<Box<dyn Happenings>> {
        let progress = self.progress.subscribe();
        (session == Self::id()).then(|| Box::new(Events { progress, last: after }) as _)
    }

    async fn tell(&self, session: SessionId, command: Command) -> Result<(), Refusal> {
        let refusal = |code: &str| Refusal { code: code.to_owned(), text: "아니요".to_owned() };
        match command {
            _ if session != Self::id() => Err(refusal("no_such_session")),
            Command::Answer { .. } => Err(refusal("no_question")),
            command => {
                self.told.lock().unwrap().push(command);
                Ok(())
            }
        }
    }
}

struct Events {
    progress: watch::Receiver<Progress>,
    last: u64,
}

#[async_trait]
impl Happenings for Events {
    async fn next(&mut self) -> Option<Result<Published, JournalError>> {
        let last = self.last;
        let progress = self.progress.wait_for(|(events, has_ended)| *events > last || *has_ended).await;
        if progress.map_or(0, |progress| progress.0) <= last {
            return None;
        }
        self.last += 1;
        Some(Ok(Published::Event(Arc::new(event(self.last)))))
    }
}

/// A server in a folder of its own.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) session: Arc<OneSession>,
    pub(crate) server: Server,
}

impl Stage {
    pub(crate) async fn new(events: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let session = OneSession::new(events);
        let server = Server::start(folder.path(), Arc::clone(&session) as _).await.expect("a socket");
        Self { folder, session, server }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn place(&self) -> PathBuf {
        self.server.place().to_owned()
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.place()).await
    }
}

/// A connection whose lines are written and read by hand.
pub(crate) struct Client(BufReader<UnixStream>);

impl Client {
    pub(crate) async fn connect(place: &Path) -> Self {
        Self(BufReader::new(UnixStream::connect(place).await.expect("it listens")))
    }

    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).await.expect("it reads");
    }

    /// Sends no more.
    pub(crate) async fn leave(&mut self) {
        self.0.shutdown().await.expect("a connection");
    }

    /// The next line; none at the end.
    pub(crate) async fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let reading = self.0.read_line(&mut line);
        // A connection that is let go with lines unread on its way ends like this, too.
        let length = wait::bounded("a line", reading).await.unwrap_or(0);
        (length > 0).then(|| serde_json::from_str(&line).expect("a line of JSON"))
    }

    /// Asks for something and gives the answer.
    pub(crate) async fn ask(&mut self, line: &str) -> Value {
        self.send(format!("{line}\n")).await;
        self.line().await.expect("an answer")
    }

    /// Watches the session.
    pub(crate) async fn watch(&mut self, after: u64) {
        let id = OneSession::id();
        let line = format!(r#"{{"v":1,"type":"watch","session_id":"{id}","after_seq":{after}}}"#);
        assert_eq!(self.ask(&line).await["type"], "taken");
    }

    /// The numbers of the next `count` events.
    pub(crate) async fn seqs(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        for _ in 0..count {
            let line = self.line().await.expect("an event");
            seqs.push(line["seq"].as_u64().unwrap_or_else(|| panic!("no event: {line}")));
        }
        seqs
    }
}
