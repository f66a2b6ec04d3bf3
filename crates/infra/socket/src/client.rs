//! The other end: finding the process that owns a session, watching the session, telling it something.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{
    event::{Delta, Event, Published},
    id::SessionId,
    order::Order,
};
use rustix::process::geteuid;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    task::JoinSet,
    time::timeout,
};

use crate::{
    VERSION,
    error::AttachError,
    owned::{Refusal, SessionState},
    place,
    reply::{Reply, ReplyBody},
};

/// How long an owner has to answer. It has longer to take a command than this program would wait for it.
const ANSWER: Duration = Duration::from_secs(15);
/// How long each of those has who may be the owner.
const LOOK: Duration = Duration::from_secs(3);
/// The most bytes of a line from an owner: more than any event has.
const LONGEST: u64 = 256 << 20;

/// A process that owns sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its number, as it knows itself.
    pub pid: u32,
    /// Its socket.
    pub place: PathBuf,
    /// Its sessions.
    pub sessions: Vec<SessionState>,
}

/// Every process at work that has its socket in `folder`, in the order of their sockets' names. Sockets of those that have
/// died are removed; who does not answer within seconds is left out.
pub async fn owners(folder: &Path) -> Vec<Owner> {
    let mut asked = JoinSet::new();
    for place in place::sockets(folder) {
        asked.spawn(async move { timeout(LOOK, ask(&place)).await.ok().flatten() });
    }
    let mut owners: Vec<Owner> = asked.join_all().await.into_iter().flatten().collect();
    owners.sort_by(|one, other| one.place.cmp(&other.place));
    owners
}

/// What the process at `place` owns; none where it has died or does not answer.
async fn ask(place: &Path) -> Option<Owner> {
    let mut link = match Link::open(place).await {
        Ok(link) => link,
        Err(AttachError::Connect { source, .. }) if source.kind() == io::ErrorKind::ConnectionRefused => {
            place::remove_dead(place).await;
            return None;
        }
        Err(error) => {
            tracing::debug!(place = %place.display(), %error, "left out an owner");
            return None;
        }
    };
    match link.ask(request("list", Map::new())).await {
        Ok(ReplyBody::Sessions { pid, sessions, .. }) => {
            Some(Owner { pid, place: place.to_owned(), sessions })
        }
        answer => {
            tracing::debug!(place = %place.display(), ?answer, "left out an owner");
            None
        }
    }
}

/// Attaches to a session that a process with its socket in `folder` owns: everything after event `after`, with deltas
/// where `deltas`, and a way to tell it something.
///
/// # Errors
/// [`AttachError::NotAtWork`] where no process owns it, and what went wrong on the way.
pub async fn attach(
    folder: &Path,
    session: SessionId,
    after: u64,
    deltas: bool,
) -> Result<Attached, AttachError> {
    let owners = owners(folder).await;
    let owns = |owner: &Owner| owner.sessions.iter().any(|owned| owned.session_id == session);
    let owner = owners.into_iter().find(owns).ok_or(AttachError::NotAtWork(session))?;
    let mut link = Link::open(&owner.place).await?;
    let fields = json!({"session_id": session, "after_seq": after, "deltas": deltas});
    link.ask(request("watch", object(fields))).await?;
    Ok(Attached { owner, session, watching: Watching { link, session } })
}

/// A session of another process.
#[derive(Debug)]
pub struct Attached {
    owner: Owner,
    session: SessionId,
    watching: Watching,
}

impl Attached {
    /// Who owns it.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What happens in it.
    pub const fn events(&mut self) -> &mut Watching {
        &mut self.watching
    }

    /// Tells it something; returns when the session has taken it. Whoever owns the session need not be there for it.
    ///
    /// # Errors
    /// [`AttachError::Refused`] where the session does not take it, and what went wrong on the way.
    pub async fn send(&self, order: &Order) -> Result<(), AttachError> {
        // A connection of its own: the answer does not wait behind events.
        let mut link = Link::open(&self.owner.place).await?;
        let mut fields = order.to_object();
        fields.insert("session_id".to_owned(), json!(self.session));
        link.ask(fields).await.map(drop)
    }
}

/// The events of a session of another process.
#[derive(Debug)]
pub struct Watching {
    link: Link,
    session: SessionId,
}

impl Watching {
    /// The next publication; none when the session has ended. Safe to drop: nothing is missed.
    ///
    /// # Errors
    /// [`AttachError::Lost`] where the owner died, and what else it said instead of an event. Nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Published, AttachError>> {
        let line = match self.link.line().await {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        match published(&line) {
            Ok(Some(published)) => Some(Ok(published)),
            Ok(None) => match serde_json::from_value::<Reply>(Value::Object(line)) {
                Ok(Reply { body: ReplyBody::SessionEnded { session_id }, .. })
                    if session_id == self.session =>
                {
                    None
                }
                Ok(Reply { body: ReplyBody::Error { code, text, .. }, .. }) => {
                    Some(Err(Refusal { code, text }.into()))
                }
                Ok(_) => Some(Err(AttachError::Lost { source: None })),
                Err(source) => Some(Err(AttachError::Garbled { source })),
            },
            Err(source) => Some(Err(AttachError::Garbled { source })),
        }
    }
}

/// An event or a delta; none where the line is a reply.
fn published(line: &Map<String, Value>) -> serde_json::Result<Option<Published>> {
    let whole = || Value::Object(line.clone());
    Ok(if line.contains_key("seq") {
        Some(Published::Event(Arc::new(serde_json::from_value::<Event>(whole())?)))
    } else if line.contains_key("after_seq") {
        Some(Published::Delta(Arc::new(serde_json::from_value::<Delta>(whole())?)))
    } else {
        None
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn request(kind: &str, fields: Map<String, Value>) -> Map<String, Value> {
    let mut request = object(json!({"v": VERSION, "type": kind}));
    request.extend(fields);
    request
}

/// A connection to an owner.
#[derive(Debug)]
struct Link {
    stream: BufReader<UnixStream>,
    /// The line that is under way.
    begun: Vec<u8>,
}

impl Link {
    async fn open(place: &Path) -> Result<Self, AttachError> {
        let failed = |source| AttachError::Connect { place: place.to_owned(), source };
        let stream = place::connect(place).await.map_err(failed)?;
        if stream.peer_cred().map_err(failed)?.uid() != geteuid().as_raw() {
            return Err(AttachError::NotOurs { place: place.to_owned() });
        }
        Ok(Self { stream: BufReader::new(stream), begun: Vec::new() })
    }

    /// Says a line and gives the answer, which comes before anything else.
    async fn ask(&mut self, line: Map<String, Value>) -> Result<ReplyBody, AttachError> {
        let asking = async {
            let mut bytes = Value::Object(line).to_string();
            bytes.push('\n');
            self.stream.write_all(bytes.as_bytes()).await.map_err(lost)?;
            self.line().await
        };
        let answer = timeout(ANSWER, asking).await.map_err(|_| lost(io::ErrorKind::TimedOut.into()))??;
        let reply: Reply = serde_json::from_value(Value::Object(answer))
            .map_err(|source| AttachError::Garbled { source })?;
        match reply.body {
            ReplyBody::Refused { code, text, .. } | ReplyBody::Error { code, text, .. } => {
                Err(Refusal { code, text }.into())
            }
            answer => Ok(answer),
        }
    }

    /// The next line. Safe to drop: what was read of it is kept.
    async fn line(&mut self) -> Result<Map<String, Value>, AttachError> {
        let room = LONGEST.saturating_sub(self.begun.len() as u64);
        (&mut self.stream).take(room).read_until(b'\n', &mut self.begun).await.map_err(lost)?;
        let line = std::mem::take(&mut self.begun);
        if line.last() != Some(&b'\n') {
            return Err(AttachError::Lost { source: None });
        }
        serde_json::from_slice(&line).map_err(|source| AttachError::Garbled { source })
    }
}

const fn lost(source: io::Error) -> AttachError {
    AttachError::Lost { source: Some(source) }
}
