//! One client: its lines come in, replies and events go out.
//!
//! One task does everything. It takes a line only when the one before it is answered, and an event only when there is
//! room for it, so a client that reads slowly makes its own stream of events lag and nothing else.

use std::{io, pin::Pin, sync::Arc, time::Duration};

use domain::{event::Published, id::SessionId, ports::JournalError, session::Command};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream,
        unix::{ReadHalf, WriteHalf},
    },
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    inbox::{Inbox, LONGEST, Line},
    outbox::Outbox,
    owned::{Happenings, Owned, Refusal},
    reply::{Reply, ReplyBody},
    request::Request,
    server::closes,
};

/// How long a client may take nothing of what waits for it, and how long one may be silent that watches nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a session has to take a command.
const TAKING: Duration = Duration::from_secs(10);
/// How much is read at once, in bytes.
const PIECE: usize = 16 << 10;

/// A command on its way, and what became of it.
type Telling = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A client that was let in.
pub(crate) struct Connection {
    stream: UnixStream,
    client: Client,
}

/// What is known of the client.
struct Client {
    owned: Arc<dyn Owned>,
    inbox: Inbox,
    outbox: Outbox,
    watch: Option<Watch>,
    telling: Option<Telling>,
    /// It sends no more: it is answered and let go.
    has_left: bool,
    /// When it last said or took something.
    moved_at: Instant,
}

/// A session that is watched.
struct Watch {
    session: SessionId,
    happenings: Box<dyn Happenings>,
    deltas: bool,
}

/// Something that happened at a client's connection.
enum Moved {
    Read(io::Result<usize>),
    Written(io::Result<usize>),
    Happened(Option<Result<Published, JournalError>>),
    Told(Reply),
    Closing,
    TooLate,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream, owned: Arc<dyn Owned>) -> Self {
        let client = Client {
            owned,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            watch: None,
            telling: None,
            has_left: false,
            moved_at: Instant::now(),
        };
        Self { stream, client }
    }

    /// Serves the client until it leaves, what it watches ends, or it takes nothing any more. When the server closes,
    /// only who watches stays, to the end of the session.
    pub(crate) async fn serve(mut self, mut closing: watch::Receiver<bool>) {
        let (mut reading, mut writing) = self.stream.split();
        let mut piece = [0; PIECE];
        let mut is_closing = false;
        while !self.client.is_done(is_closing) {
            match self.client.moved(&mut reading, &mut writing, &mut piece, &mut closing, is_closing).await {
                Moved::Read(Ok(0)) => self.client.leave(),
                Moved::Read(Ok(count)) => self.client.hear(piece.get(..count).unwrap_or_default()),
                Moved::Written(Ok(count)) if count > 0 => self.client.took(count),
                Moved::Happened(happened) => self.client.tell_what_happened(happened),
                Moved::Told(reply) => {
                    self.client.telling = None;
                    self.client.outbox.line(&reply);
                }
                Moved::Closing => is_closing = true,
                // Nobody is there, or as good as that.
                Moved::Read(Err(_)) | Moved::Written(_) | Moved::TooLate => return,
            }
            self.client.answer();
        }
    }
}

impl Client {
    /// The next thing that happens here. Dropping what did not happen loses nothing.
    async fn moved(
        &mut self,
        reading: &mut ReadHalf<'_>,
        writing: &mut WriteHalf<'_>,
        piece: &mut [u8],
        closing: &mut watch::Receiver<bool>,
        is_closing: bool,
    ) -> Moved {
        let (has_room, is_silent) = (self.outbox.has_room(), self.outbox.is_empty());
        let is_answered = self.telling.is_none();
        let may_be_late = !is_silent || (self.watch.is_none() && is_answered);
        tokio::select! {
            written = writing.write(self.outbox.rest()), if !is_silent => Moved::Written(written),
            reply = told(&mut self.telling), if !is_answered => Moved::Told(reply),
            happened = next(&mut self.watch), if has_room => Moved::Happened(happened),
            read = reading.read(piece), if has_room && is_answered && !self.has_left => Moved::Read(read),
            () = closes(closing), if !is_closing => Moved::Closing,
            () = sleep_until(self.moved_at + PATIENCE), if may_be_late => Moved::TooLate,
        }
    }

    /// Whether there is nothing left to do for it.
    fn is_done(&self, is_closing: bool) -> bool {
        let stays = !self.has_left && (self.watch.is_some() || !is_closing);
        !stays && self.outbox.is_empty() && self.telling.is_none()
    }

    fn leave(&mut self) {
        self.inbox.end();
        self.has_left = true;
        self.watch = None;
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.moved_at = Instant::now();
        self.inbox.extend(bytes);
    }

    fn took(&mut self, count: usize) {
        self.moved_at = Instant::now();
        self.outbox.sent(count);
    }

    /// Answers lines that came, one after the other, as long as there is room.
    fn answer(&mut self) {
        while self.telling.is_none()
            && self.outbox.has_room()
            && let Some(Line { number, bytes }) = self.inbox.next()
        {
            let reply = match bytes.map(|bytes| Request::parse(&bytes)) {
                None => {
                    let text = format!("it is longer than {LONGEST} bytes");
                    Some(Reply::error("input", text, Some(number)))
                }
                Some(Err(bad)) => Some(Reply::error("input", bad.to_string(), Some(number))),
                Some(Ok(request)) => self.carry_out(number, request),
            };
            if let Some(reply) = reply {
                self.say(&reply);
            }
        }
    }

    /// Does what a line asks for. None: the answer comes later.
    fn carry_out(&mut self, line: u64, request: Request) -> Option<Reply> {
        match request {
            Request::List => {
                let (pid, sessions) = (std::process::id(), self.owned.sessions());
                Some(Reply::new(ReplyBody::Sessions { line, pid, sessions }))
            }
            Request::Watch { .. } if self.watch.is_some() => {
                let text = "this connection watches a session already: open another one";
                Some(Reply::error("input", text, Some(line)))
            }
            Request::Watch { session, after, deltas } => Some(match self.owned.watch(session, after) {
                Some(happenings) => {
                    self.watch = Some(Watch { session, happenings, deltas });
                    Reply::new(ReplyBody::Taken { line })
                }
                None => Reply::refused(line, no_such_session(session)),
            }),
            Request::Order { session, order } => {
                self.telling = Some(telling(Arc::clone(&self.owned), line, session, order.into()));
                None
            }
        }
    }

    fn tell_what_happened(&mut self, happened: Option<Result<Published, JournalError>>) {
        match happened {
            Some(Ok(Published::Event(event))) => self.say(&*event),
            Some(Ok(Published::Delta(delta))) => {
                if self.watch.as_ref().is_some_and(|watch| watch.deltas) {
                    self.say(&*delta);
                }
            }
            Some(Err(error)) => {
                let text = format!("events were missed and cannot be read again: {error}");
                self.say(&Reply::error("journal", text, None));
                self.watch = None;
                self.has_left = true;
            }
            None => {
                if let Some(Watch { session, .. }) = self.watch.take() {
                    self.say(&Reply::new(ReplyBody::SessionEnded { session_id: session }));
                }
                self.has_left = true;
            }
        }
    }

    fn say(&mut self, line: &impl serde::Serialize) {
        if self.outbox.is_empty() {
            self.moved_at = Instant::now();
        }
        self.outbox.line(line);
    }
}

/// Waits for the answer to a command.
async fn told(telling: &mut Option<Telling>) -> Reply {
    match telling {
        Some(telling) => telling.await,
        None => std::future::pending().await,
    }
}

/// Waits for what happens next in the session that is watched.
async fn next(watch: &mut Option<Watch>) -> Option<Result<Published, JournalError>> {
    match watch {
        Some(watch) => watch.happenings.next().await,
        None => std::future::pending().await,
    }
}

fn telling(owned: Arc<dyn Owned>, line: u64, session: SessionId, command: Command) -> Telling {
    Box::pin(async move {
        match timeout(TAKING, owned.tell(session, command)).await {
            Ok(Ok(())) => Reply::new(ReplyBody::Taken { line }),
            Ok(Err(refusal)) => Reply::refused(line, refusal),
            Err(_) => {
                let text = format!(
                    "the session did not take this within {} s: it may do so later",
                    TAKING.as_secs()
                );
                Reply::refused(line, Refusal { code: "unanswered".to_owned(), text })
            }
        }
    })
}

fn no_such_session(session: SessionId) -> Refusal {
    Refusal {
        code: "no_such_session".to_owned(),
        text: format!("this process owns no session {session}: `list` names those it owns"),
    }
}

/// Says one thing to a client that is not served. It fits into the socket, which holds nothing else.
pub(crate) fn say_and_close(stream: &UnixStream, reply: &Reply) {
    let mut outbox = Outbox::default();
    outbox.line(reply);
    // Who does not get it sees the connection end.
    drop(stream.try_write(outbox.rest()));
}
