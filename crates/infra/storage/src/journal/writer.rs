//! The one thread that writes, and the queue that feeds it.
//!
//! Events gather in memory until somebody waits for them, 50 ms have passed, or enough are there; then they are
//! written in one transaction, so that other processes are locked out only for the moment of the commit.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self as std_mpsc, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::event::Event;
use rusqlite::Connection;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    database::open_for_writing,
    lineage::{ForkOrder, write_fork},
    write::write_batch,
};
use crate::error::StoreError;

/// Requests that wait for the thread. When it is full, appends wait.
const QUEUE: usize = 1024;

/// Events of one transaction at most; from here on nobody waits for more.
const BATCH: usize = 512;

/// How long an event that nobody waits for may stay in memory.
const GATHER: Duration = Duration::from_millis(50);

/// How long the end of the thread is waited for: longer than SQLite waits for another process.
const END: Duration = Duration::from_secs(75);

type Outcome = Result<(), Arc<StoreError>>;

/// The last event that a fork shares; none where there is no session to fork.
type Forked = Result<Option<u64>, Arc<StoreError>>;

enum Request {
    Append(Arc<Event>),
    Durable(oneshot::Sender<Outcome>),
    Fork(ForkOrder, oneshot::Sender<Forked>),
    Close,
}

/// What the thread and its callers share.
#[derive(Debug, Default)]
struct Shared {
    /// The first write that failed. Set once, never cleared.
    failure: OnceLock<Arc<StoreError>>,
    /// Barriers and closings in the queue: while there are any, the thread does not gather.
    urgent: AtomicUsize,
    /// Rung when the thread should look up from gathering.
    bell: Notify,
}

impl Shared {
    fn outcome(&self) -> Outcome {
        self.failure.get().map_or(Ok(()), |cause| Err(Arc::clone(cause)))
    }

    fn fail(&self, cause: StoreError) {
        // Only the first cause counts: what follows comes from it.
        self.failure.get_or_init(|| Arc::new(cause));
    }
}

/// The callers' side.
#[derive(Debug)]
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    handle: JoinHandle<()>,
    /// Disconnected when the thread has ended.
    ended: std_mpsc::Receiver<()>,
}

impl Writer {
    /// Starts the thread; it opens the database with the first batch.
    pub(super) fn start(place: PathBuf) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE);
        let (alive, ended) = std_mpsc::channel();
        let shared = Arc::new(Shared::default());
        let driver =
            Driver { place, queue, shared: Arc::clone(&shared), connection: None, batch: Vec::new() };
        let started = thread::Builder::new().name("better-llm-journal".to_owned()).spawn(move || {
            let _alive: std_mpsc::Sender<()> = alive;
            driver.run();
        });
        let thread = match started {
            Ok(handle) => Some(Thread { handle, ended }),
            Err(source) => {
                shared.fail(StoreError::Thread { source });
                None
            }
        };
        Self { requests, shared, thread: Mutex::new(thread) }
    }

    pub(super) async fn append(&self, event: Arc<Event>) -> Outcome {
        self.shared.outcome()?;
        let room = self.requests.reserve().await.map_err(|_| self.gone())?;
        room.send(Request::Append(event));
        if self.requests.capacity() <= QUEUE - BATCH {
            self.shared.bell.notify_one();
        }
        Ok(())
    }

    /// Answers within SQLite's busy timeout and what the disk takes: the thread answers or is gone, and both end
    /// the wait.
    pub(super) async fn durable(&self) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.urge(Request::Durable(answer)).await?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Forks a session as it stands after what was appended before. A fork that fails harms nothing else.
    pub(super) async fn fork(&self, order: ForkOrder) -> Forked {
        let (answer, answered) = oneshot::channel();
        self.urge(Request::Fork(order, answer)).await?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    pub(super) async fn close(&self) -> Outcome {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return self.shared.outcome() };
        // A thread that is gone already has nothing to be told.
        let told = self.urge(Request::Close).await;
        let ended = tokio::task::spawn_blocking(move || thread.wait()).await;
        ended.unwrap_or(Err(StoreError::Lost("waits for the journal"))).map_err(Arc::new)?;
        self.shared.outcome()?;
        told
    }

    async fn urge(&self, request: Request) -> Outcome {
        let room = self.requests.reserve().await.map_err(|_| self.gone())?;
        self.shared.urgent.fetch_add(1, Ordering::AcqRel);
        room.send(request);
        self.shared.bell.notify_one();
        Ok(())
    }

    /// Why there is no thread any more.
    fn gone(&self) -> Arc<StoreError> {
        let closed = self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        let cause = if closed { StoreError::Closed } else { StoreError::Lost("writes the journal") };
        self.shared.failure.get().cloned().unwrap_or_else(|| Arc::new(cause))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        // Without a sender the thread ends after what is queued.
        let (nobody, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.requests, nobody));
        self.shared.bell.notify_one();
        let outcome = thread.wait().map_err(Arc::new).and_then(|()| self.shared.outcome());
        if let Err(error) = outcome {
            tracing::error!(%error, "the journal did not keep everything");
        }
    }
}

impl Thread {
    /// Waits for the end of the thread, at most [`END`].
    fn wait(self) -> Result<(), StoreError> {
        match self.ended.recv_timeout(END) {
            Err(RecvTimeoutError::Timeout) => Err(StoreError::Stuck(END.as_secs())),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                self.handle.join().map_err(|_| StoreError::Lost("writes the journal"))
            }
        }
    }
}

/// The thread's side: owner of the one connection that writes.
struct Driver {
    place: PathBuf,
    queue: mpsc::Receiver<Request>,
    shared: Arc<Shared>,
    connection: Option<Connection>,
    /// Ordered, not yet written. At most [`BATCH`].
    batch: Vec<Arc<Event>>,
}

impl Driver {
    fn run(mut self) {
        // A runtime of the thread's own, for its timer alone: the callers' may be paused or gone.
        match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(self.serve()),
            Err(source) => self.shared.fail(StoreError::Thread { source }),
        }
    }

    async fn serve(&mut self) {
        while let Some(first) = self.queue.recv().await {
            if matches!(first, Request::Append(_)) {
                self.gather().await;
            }
            self.write(first);
        }
    }

    /// Waits until a batch is worth its commit.
    async fn gather(&self) {
        let deadline = Instant::now() + GATHER;
        let worth_it = || {
            self.shared.urgent.load(Ordering::Acquire) > 0
                || self.queue.len() >= BATCH
                || self.queue.is_closed()
        };
        while !worth_it() {
            if timeout_at(deadline, self.shared.bell.notified()).await.is_err() {
                return;
            }
        }
    }

    /// Writes `first` and what is queued behind it, at most [`BATCH`] events in one transaction, then answers
    /// those who wait.
    fn write(&mut self, first: Request) {
        let (mut waiting, mut forks) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Append(event) => self.batch.push(event),
                Request::Durable(answer) => waiting.push(answer),
                Request::Fork(order, answer) => forks.push((order, answer)),
                // What is queued is still written; then the queue ends, and the thread with it.
                Request::Close => {
                    self.queue.close();
                    self.shared.urgent.fetch_sub(1, Ordering::AcqRel);
                }
            }
            next = if self.batch.len() < BATCH { self.queue.try_recv().ok() } else { None };
        }
        self.shared.urgent.fetch_sub(waiting.len() + forks.len(), Ordering::AcqRel);
        self.commit();
        for answer in waiting {
            // Whoever waited may have been cancelled; then nobody needs the answer.
            drop(answer.send(self.shared.outcome()));
        }
        for (order, answer) in forks {
            drop(answer.send(self.fork(order)));
        }
    }

    fn fork(&mut self, order: ForkOrder) -> Forked {
        self.shared.outcome()?;
        write_fork(open(&mut self.connection, &self.place)?, order)
    }

    fn commit(&mut self) {
        if !self.batch.is_empty()
            && self.shared.failure.get().is_none()
            && let Err(cause) = self.try_commit()
        {
            self.shared.fail(cause);
        }
        // After a failure nothing more is taken; those who wait are told.
        self.batch.clear();
    }

    fn try_commit(&mut self) -> Result<(), StoreError> {
        let connection = open(&mut self.connection, &self.place)?;
        write_batch(connection, &self.batch)
    }
}

/// The connection, opened with its first use.
fn open<'c>(connection: &'c mut Option<Connection>, place: &Path) -> Result<&'c mut Connection, StoreError> {
    Ok(match connection {
        Some(connection) => connection,
        closed => closed.insert(open_for_writing(place)?),
    })
}
