//! Processes that a test can tell from all others of the machine, and that there are none of them left.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use testkit::wait::BOUND;

/// A word that stands in the command line of a test's processes and nowhere else.
pub(crate) struct Marker(String);

impl Marker {
    /// A word of this test's own.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self(format!("{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// A command that does nothing for a day, as this test's own.
    pub(crate) fn sleep(&self) -> String {
        format!("sleep 86400{}", self.0.replace('.', ""))
    }

    /// Prints `ready`, and never ends by itself: a child in the foreground, one in the background, one in a session
    /// of its own, and a shell that ignores polite signals.
    pub(crate) fn endless_command(&self) -> String {
        let sleep = self.sleep();
        format!(
            ": {0}; trap '' INT TERM HUP; {sleep} & setsid {sleep} & (exec {sleep}) & echo ready; {sleep}; {sleep}",
            self.0
        )
    }

    /// A command that does nothing, as this test's own.
    pub(crate) fn mark(&self) -> String {
        format!(": {}", self.0)
    }

    /// Waits until one of its processes runs.
    pub(crate) fn until_running(&self) {
        let deadline = Instant::now() + BOUND;
        while self.one_running().is_none() {
            assert!(Instant::now() < deadline, "none of its processes ever ran");
            std::thread::yield_now();
        }
    }

    /// Waits until none of its processes runs.
    pub(crate) fn check_gone(&self) {
        let deadline = Instant::now() + BOUND;
        while let Some(process) = self.one_running() {
            assert!(Instant::now() < deadline, "still there: {process}");
            std::thread::yield_now();
        }
    }

    /// The command line of one of its processes.
    pub(crate) fn one_running(&self) -> Option<String> {
        let endless = format!("86400{}", self.0.replace('.', ""));
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        // The program itself and its shell name the marker, too: they have to be gone as well.
        lines.into_iter().find(|line| line.contains(&self.0) || line.contains(&endless))
    }
}
