//! The thread that starts commands. bubblewrap ends with the thread that started it, so that one must live as long as
//! the sandbox does; a thread of the runtime's may end earlier.

use std::{io, sync::mpsc, thread};

type Job = Box<dyn FnOnce() + Send>;

/// Orders that may wait. Whoever gives one more waits, too.
const WAITING: usize = 16;

/// Ends, and ends all that it started, when it is dropped.
#[derive(Debug)]
pub(super) struct LauncherThread {
    jobs: mpsc::SyncSender<Job>,
}

impl LauncherThread {
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, waiting) = mpsc::sync_channel::<Job>(WAITING);
        let work = move || waiting.into_iter().for_each(|job| job());
        thread::Builder::new().name("sandbox launcher".to_owned()).spawn(work)?;
        Ok(Self { jobs })
    }

    /// Does `work` there and waits for its outcome, as long as it takes to start a process.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let has_ended = || io::Error::other("the thread that starts commands has ended");
        let (done, outcome) = mpsc::sync_channel(1);
        // The receiver waits below.
        let job = move || drop(done.send(work()));
        self.jobs.send(Box::new(job)).map_err(|_| has_ended())?;
        outcome.recv().map_err(|_| has_ended())
    }
}
