//! A tiny HTTP server that writes exactly the bytes it is told to, and a request to a model behind it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use domain::{
    agent::AgentName,
    message::{Message, SealedMessage},
    model::{ModelAnswer, ModelError, ModelItem, ModelRequest},
    ports::{Clock, ModelPort},
    time::Timestamp,
};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinHandle,
};

/// A clock that stands at a minute of 2026.
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }
}

/// A request of the manager's.
pub(crate) fn request() -> ModelRequest {
    ModelRequest {
        agent: AgentName::manager(),
        model: Some("strong".into()),
        system: "You manage.".into(),
        tools: Arc::new([]),
        messages: vec![SealedMessage::new(Message::user("환불 👩‍👩‍👧"))],
        thinking: None,
        effort: None,
        max_tokens: None,
    }
}

/// What was shown, and how the request ended.
pub(crate) async fn ask(model: &dyn ModelPort) -> (String, Result<ModelAnswer, ModelError>) {
    let mut stream = match model.stream(request()).await {
        Ok(stream) => stream,
        Err(error) => return (String::new(), Err(error)),
    };
    let mut shown = String::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(ModelItem::TextDelta { text, .. } | ModelItem::ThinkingDelta { text, .. }) => {
                shown.push_str(&text)
            }
            Ok(ModelItem::Answer(answer)) => return (shown, Ok(answer)),
            Ok(other) => panic!("an adapter makes one attempt and says nothing of others: {other:?}"),
            Err(error) => return (shown, Err(error)),
        }
    }
    panic!("the stream ended without an answer or an error");
}

/// One thing the server does to answer a request.
pub(crate) enum Write {
    /// Writes and flushes.
    Bytes(Vec<u8>),
    /// Waits until the gate opens or the peer is gone.
    Gate(Arc<Semaphore>),
    /// Closes the connection.
    Close,
}

/// A gate, and the step that waits for it. Adding a permit opens it.
pub(crate) fn gate() -> (Arc<Semaphore>, Write) {
    let gate = Arc::new(Semaphore::new(0));
    (Arc::clone(&gate), Write::Gate(gate))
}

/// The head of a stream of events.
pub(crate) fn head() -> Write {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    Write::Bytes(head.into())
}

/// A stream of events in these pieces, each an HTTP chunk of its own.
pub(crate) fn chunked(pieces: &[&[u8]]) -> Vec<Write> {
    let mut writes = vec![head()];
    for piece in pieces {
        let size = format!("{:x}\r\n", piece.len());
        writes.push(Write::Bytes([size.as_bytes(), piece, b"\r\n"].concat()));
    }
    writes.push(Write::Bytes(b"0\r\n\r\n".to_vec()));
    writes
}

/// A stream of events that ends with its connection.
pub(crate) fn closing(body: &[u8]) -> Vec<Write> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    vec![Write::Bytes([head, body].concat()), Write::Close]
}

/// An answer with this status line.
pub(crate) fn status(line: &str, headers: &str, body: &str) -> Vec<Write> {
    let length = body.len();
    vec![Write::Bytes(
        format!("HTTP/1.1 {line}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes(),
    )]
}

/// A request as it was received.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    peer_closed: Notify,
}

/// Answers the n-th request with the n-th list of writes.
pub(crate) struct Server {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answers: Vec<Vec<Write>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State::default());
        let task = tokio::spawn(serve(listener, answers, Arc::clone(&state)));
        Self { address, state, task }
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Waits until a client has gone while it was being answered.
    pub(crate) async fn peer_closed(&self) {
        self.state.peer_closed.notified().await;
    }

    /// Frees the port.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }
}

async fn serve(listener: TcpListener, answers: Vec<Vec<Write>>, state: Arc<State>) {
    let mut answers = answers.into_iter();
    loop {
        let (mut connection, _) = listener.accept().await.unwrap();
        state.connections.fetch_add(1, Ordering::SeqCst);
        while let Some(seen) = read_request(&mut connection).await {
            state.requests.lock().unwrap().push(seen);
            let Some(writes) = answers.next() else { panic!("a request that nobody scripted") };
            if !answer(&mut connection, writes, &state).await {
                break;
            }
        }
    }
}

/// Whether the connection goes on.
async fn answer(connection: &mut TcpStream, writes: Vec<Write>, state: &State) -> bool {
    for write in writes {
        match write {
            // A client that has heard enough may be gone.
            Write::Bytes(bytes) => {
                if connection.write_all(&bytes).await.is_err() {
                    return false;
                }
            }
            Write::Gate(gate) => {
                let mut byte = [0];
                tokio::select! {
                    permit = gate.acquire() => drop(permit),
                    gone = connection.read(&mut byte) => {
                        assert!(matches!(gone, Ok(0) | Err(_)), "the client wrote while it was answered");
                        state.peer_closed.notify_one();
                        return false;
                    }
                }
            }
            Write::Close => return false,
        }
    }
    true
}

async fn read_request(connection: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end_of_head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end_of_head].to_vec()).unwrap();
    let mut lines = head.lines().map(str::to_owned);
    let line = lines.next().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let mut body = bytes.split_off(end_of_head + 4);
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    while body.len() < length {
        assert_ne!(connection.read_buf(&mut body).await.unwrap(), 0, "the body is not whole");
    }
    Some(Seen { line, headers, body })
}
