//! The thread that starts commands. bubblewrap ends with the thread that started it, so that one must live as long as
//! the sandbox does; a thread of the runtime's may end earlier.

use std::{io, thread};

use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Orders that may wait. Whoever gives one more waits, too.
const WAITING: usize = 16;

/// Ends, and ends all that it started, when it is dropped.
#[derive(Debug)]
pub(super) struct LauncherThread {
    jobs: mpsc::Sender<Job>,
}

impl LauncherThread {
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING);
        let work = move || {
            while let Some(job) = waiting.blocking_recv() {
                job();
            }
        };
        thread::Builder::new().name("sandbox launcher".to_owned()).spawn(work)?;
        Ok(Self { jobs })
    }

    /// Does `work` there and waits for its outcome, as long as it takes to start a process and those before it; each
    /// has a bound. Where nobody waits any more, what was not begun is not done, and what was is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let has_ended = || io::Error::other("the thread that starts commands has ended");
        let (done, outcome) = oneshot::channel();
        let job = move || {
            if !done.is_closed() {
                drop(done.send(work()));
            }
        };
        self.jobs.send(Box::new(job)).await.map_err(|_| has_ended())?;
        outcome.await.map_err(|_| has_ended())
    }
}
