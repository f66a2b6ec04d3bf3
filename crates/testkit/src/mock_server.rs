//! A server that speaks the Anthropic Messages API and OpenAI's Chat Completions over real HTTP on 127.0.0.1 and says what
//! a script says: the same script over both, each at its own path.
//!
//! It refuses what the real services refuse (see the rules beside this file), records every request, and
//! does on request everything that goes wrong on a network. It does not understand prompts, count tokens truly,
//! speak TLS or HTTP/2, or keep rate limits. Real sockets and paused time do not go together: tests that use it run
//! on real time.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

mod answer;
mod chat_rules;
mod delivery;
mod record;
mod request;
mod rules;
mod script;
mod script_file;
mod seal;
mod serving;
mod story;
mod turn;
mod wire;

#[cfg(test)]
mod tests;

pub use record::Recorded;
pub use request::Asked;
pub use script::Script;
pub use script_file::{InvalidScript, read_script};
pub use turn::{Pieces, Turn};
pub use wire::flavour::{Calls, Codes, Failure, Flavour, Reasoning, UsageForm};

use self::serving::Door;
use crate::wait;

const MESSAGES: &str = "/v1/messages";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";
const CHAT: &str = "/v1/chat/completions";
const MODELS: &str = "/v1/models";

/// The key that a server takes where nothing else was said.
pub const TEST_KEY: &str = "test-key-of-the-mock-server";

/// How a server is to be, before it runs.
#[derive(Debug, Clone)]
pub struct Settings {
    key: Option<String>,
    flavour: Flavour,
    port: u16,
    models: Option<Vec<String>>,
    strict: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key: Some(TEST_KEY.to_owned()),
            flavour: Flavour::default(),
            port: 0,
            models: None,
            strict: true,
        }
    }
}

impl Settings {
    /// Takes this key only, instead of [`TEST_KEY`].
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Asks for no key, as servers of one's own do.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// Tells answers over Chat Completions as this server does.
    #[must_use]
    pub fn flavoured(mut self, flavour: Flavour) -> Self {
        self.flavour = flavour;
        self
    }

    /// Listens on this port; 0 (the default): any free one.
    #[must_use]
    pub fn on_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Knows these models only; others get a 404. Without it, every name is taken.
    #[must_use]
    pub fn with_models(mut self, models: &[&str]) -> Self {
        self.models = Some(models.iter().map(|model| (*model).to_owned()).collect());
        self
    }

    /// Judges no bodies and keeps none, so that a request costs little however long its conversation is.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.strict = false;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// Where the port cannot be listened on.
    pub async fn start(self, script: Script) -> io::Result<MockServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let born = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_micros());
        let shared = Arc::new(answer::Shared {
            key: self.key,
            flavour: self.flavour,
            models: self.models,
            strict: self.strict,
            script: Mutex::new(script),
            said: Mutex::default(),
            ids: wire::Ids::seeded(
                u64::try_from(born).unwrap_or(u64::MAX) ^ (u64::from(address.port()) << 44),
            ),
            log: record::Log::default(),
            connections: wait::Level::default(),
            accepted: wait::Level::default(),
            answering: wait::Level::default(),
        });
        let stop = CancellationToken::new();
        let (door, knocks) = mpsc::channel(1);
        let serving = tokio::spawn(serving::serve(listener, Arc::clone(&shared), knocks, stop.clone()));
        Ok(MockServer { shared, address, door, stop, serving: Some(serving) })
    }
}

/// A running server. Dropping it ends it and closes its connections; [`MockServer::shutdown`] waits for that.
#[derive(Debug)]
pub struct MockServer {
    shared: Arc<answer::Shared>,
    address: SocketAddr,
    door: mpsc::Sender<Door>,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl MockServer {
    /// Starts a strict server on a free port that takes [`TEST_KEY`].
    ///
    /// # Panics
    /// Where the machine has no free port on 127.0.0.1.
    pub async fn start(script: Script) -> Self {
        Settings::default().start(script).await.expect("127.0.0.1 has a free port")
    }

    /// The base address, without `/v1` and without a slash at the end, as `ANTHROPIC_BASE_URL` takes it (and
    /// `OPENAI_BASE_URL`, which takes more).
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key it takes; empty where it asks for none.
    #[must_use]
    pub fn key(&self) -> &str {
        self.shared.key.as_deref().unwrap_or_default()
    }

    /// Every request for a message (`POST /v1/messages` and `/v1/chat/completions`), in the order they were read, refused ones too.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.all_requests().into_iter().filter(Recorded::is_message).collect()
    }

    /// The requests for a message that the lane `name` of the script answered.
    #[must_use]
    pub fn requests_of(&self, name: &str) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.agent.as_deref() == Some(name)).collect()
    }

    /// Every request to any path, in the order they were read.
    #[must_use]
    pub fn all_requests(&self) -> Vec<Recorded> {
        self.shared.log.all()
    }

    /// Fails the test where any request was refused.
    ///
    /// # Panics
    /// With the reasons.
    #[track_caller]
    pub fn assert_nothing_refused(&self) {
        let requests = self.all_requests();
        let refused: Vec<_> = requests.iter().filter_map(|request| request.refused.as_deref()).collect();
        assert!(refused.is_empty(), "the server refused: {}", refused.join("; "));
    }

    /// Turns of the script that nobody asked for, by lane.
    ///
    /// # Panics
    /// Where a request panicked inside the script.
    #[must_use]
    pub fn turns_left(&self) -> Vec<(String, usize)> {
        self.shared.script.lock().unwrap().left()
    }

    /// Waits until at least `count` requests for a message were read, refused ones too.
    ///
    /// # Panics
    /// After [`wait::BOUND`] of real time.
    pub async fn wait_for_requests(&self, count: usize) {
        self.shared.log.messages.wait_until(&format!("{count} requests"), |seen| seen >= count).await;
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.connections.get()
    }

    /// How many connections there ever were. Fewer than requests where the client reuses them.
    #[must_use]
    pub fn accepted_connections(&self) -> usize {
        self.shared.accepted.get()
    }

    /// Waits until exactly `count` connections are open.
    ///
    /// # Panics
    /// After [`wait::BOUND`] of real time.
    pub async fn wait_for_connections(&self, count: usize) {
        self.shared.connections.wait_until(&format!("{count} connections"), |open| open == count).await;
    }

    /// How many answers are under way: read, and not yet sent to their end.
    #[must_use]
    pub fn open_answers(&self) -> usize {
        self.shared.answering.get()
    }

    /// Waits until exactly `count` answers are under way.
    ///
    /// # Panics
    /// After [`wait::BOUND`] of real time.
    pub async fn wait_for_answers(&self, count: usize) {
        self.shared.answering.wait_until(&format!("{count} open answers"), |open| open == count).await;
    }

    /// Closes every connection and refuses new ones, until [`MockServer::accept_connections`].
    ///
    /// # Panics
    /// Where the server has ended.
    pub async fn refuse_connections(&self) {
        self.turn_door(Door::Close).await;
    }

    /// Takes connections again, on the same port.
    ///
    /// # Panics
    /// Where the server has ended, or another program has taken the port.
    pub async fn accept_connections(&self) {
        self.turn_door(Door::Open).await;
    }

    async fn turn_door(&self, door: impl FnOnce(oneshot::Sender<()>) -> Door) {
        let (done, is_done) = oneshot::channel();
        self.door.send(door(done)).await.expect("the server runs");
        wait::bounded("the server's door", is_done).await.expect("the server runs");
    }

    /// Ends the server and waits until its tasks are gone.
    ///
    /// # Panics
    /// Where one of them panicked.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            wait::bounded("the server's end", serving).await.expect("the server does not panic");
        }
    }

    /// Serves until its task ends, which it does only by a panic or with the runtime.
    pub async fn run(mut self) {
        if let Some(serving) = self.serving.take() {
            serving.await.expect("the server does not panic");
        }
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
