//! The program is put aside and taken up again (Ctrl+Z, `fg`): the terminal is the shell's meanwhile, with its own modes.

use std::{fs, io};

use rustix::process::{Pid, Signal, getpgid, getpgrp, getpid, getppid, getsid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The program is to stop.
    Aside,
    /// It goes on.
    Resumed,
}

/// Listens to the signals that stop the program and let it go on.
#[derive(Debug)]
pub(super) struct Stops {
    aside: tokio::signal::unix::Signal,
    resumed: tokio::signal::unix::Signal,
}

impl Stops {
    /// Listens from now on; the program is not stopped by a key any more, but by [`stop`].
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(super) fn listen() -> io::Result<Self> {
        let aside = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
        let resumed = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        Ok(Self { aside, resumed })
    }

    /// The next of them. Safe to drop.
    pub(super) async fn next(&mut self) -> Stop {
        tokio::select! {
            biased;
            _ = self.aside.recv() => Stop::Aside,
            _ = self.resumed.recv() => Stop::Resumed,
        }
    }
}

/// Stops this program until somebody lets it go on. Does nothing where nobody could: no shell looks after it.
pub(super) fn stop() {
    if has_shell() {
        kill_process(getpid(), Signal::STOP).unwrap_or_default();
    }
}

/// Whether our process group has a parent outside of it in the same session, which sees it stop. The system asks the same
/// where the key itself stops a program.
fn has_shell() -> bool {
    let (group, session) = (getpgrp(), getsid(None).ok());
    let mut ancestor = getppid();
    while let Some(process) = ancestor {
        if getsid(Some(process)).ok() != session {
            return false;
        }
        if getpgid(Some(process)).ok() != Some(group) {
            return true;
        }
        ancestor = parent_of(process);
    }
    false
}

fn parent_of(process: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    Pid::from_raw(parent.trim().parse().ok()?)
}
