//! A started shell and its process group: its end is watched, and nothing of it stays behind.
//!
//! The shell is reaped last. Until then its zombie keeps the number of the group from being given to a stranger,
//! so a signal to the group can only meet what the shell started.

use std::{
    io,
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

#[cfg(target_os = "linux")]
use crate::{
    kin::{self, Kin},
    mark::Mark,
    strict::{Report, Shield},
};

/// How long a dropped group may hold its thread up while the kernel ends the shell.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// A running shell, leader of its own group. Dropping it kills the group.
pub(crate) struct Group {
    /// None once reaped, or given to somebody who waits for it.
    child: Option<Child>,
    leader: Pid,
    #[cfg(target_os = "linux")]
    kin: Vec<Kin>,
    #[cfg(target_os = "linux")]
    mark: Option<Mark>,
    /// There is one where the leader is bubblewrap, and the shell inside.
    #[cfg(target_os = "linux")]
    report: Option<Report>,
    /// Nothing of it is taken away before this is gone.
    #[cfg(target_os = "linux")]
    shield: Option<std::sync::Arc<Shield>>,
    #[cfg(target_os = "linux")]
    started: std::time::Instant,
}

/// Which processes a signal is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The process group: all there is of most commands that ended by themselves.
    Group,
    /// Also what left the group (`timeout`, job control, daemons). Costs some looks at every process.
    Kin,
}

impl Group {
    /// Takes over a child that leads a group of its own.
    pub(crate) fn adopt(child: Child) -> io::Result<Self> {
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("the child has no process id"))?;
        Ok(Self {
            child: Some(child),
            leader,
            #[cfg(target_os = "linux")]
            kin: Vec::new(),
            #[cfg(target_os = "linux")]
            mark: None,
            #[cfg(target_os = "linux")]
            report: None,
            #[cfg(target_os = "linux")]
            shield: None,
            #[cfg(target_os = "linux")]
            started: std::time::Instant::now(),
        })
    }

    /// Knows the members by a mark, too.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_mark(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }

    /// Is led by bubblewrap, which reports what became of the shell.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_report(mut self, report: Report) -> Self {
        self.report = Some(report);
        self
    }

    /// Lives where mounts stand on what was made for them.
    #[cfg(target_os = "linux")]
    pub(crate) fn living_under(mut self, shield: std::sync::Arc<Shield>) -> Self {
        self.shield = Some(shield);
        self
    }

    /// A marked process that still lives, the shell left out. Cheap where the shell lived shortly and started little.
    #[cfg(target_os = "linux")]
    pub(crate) fn survivor(&self) -> Option<Kin> {
        kin::marked(self.leader, self.mark?, self.started.elapsed()).next()
    }

    /// The numbers of all processes of it.
    pub(crate) fn processes(&self) -> Vec<i32> {
        #[cfg(target_os = "linux")]
        let found = kin::of(self.leader, self.mark, &self.kin).into_iter().filter_map(|kin| kin.pid());
        #[cfg(not(target_os = "linux"))]
        let found = [self.leader].into_iter();
        found.map(Pid::as_raw_pid).collect()
    }

    /// The shell.
    pub(crate) const fn leader(&self) -> Pid {
        self.leader
    }

    /// Asks everything to end by itself.
    pub(crate) fn terminate(&mut self) {
        self.freeze();
        #[cfg(target_os = "linux")]
        match self.report {
            // bubblewrap would end at once, and take everything inside with it.
            Some(_) => self
                .kin
                .iter()
                .filter(|kin| kin.pid() != Some(self.leader))
                .for_each(|kin| kin.signal(Signal::TERM)),
            None => self.signal(Signal::TERM),
        }
        #[cfg(not(target_os = "linux"))]
        self.signal(Signal::TERM);
        // What is stopped acts on it only when it runs again.
        self.signal(Signal::CONT);
    }

    /// Ends everything.
    pub(crate) fn kill(&mut self, scope: Scope) {
        if scope == Scope::Kin {
            self.freeze();
        }
        self.signal(Signal::KILL);
    }

    /// Signals the group, and those of its kin that are known.
    fn signal(&self, signal: Signal) {
        signal_group(self.leader, signal);
        #[cfg(target_os = "linux")]
        self.kin.iter().for_each(|kin| kin.signal(signal));
    }

    /// Gets to know all kin, and stops them.
    #[cfg(target_os = "linux")]
    fn freeze(&mut self) {
        let known = std::mem::take(&mut self.kin);
        let stop = |kin: &[Kin]| {
            signal_group(self.leader, Signal::STOP);
            kin.iter().for_each(|kin| kin.signal(Signal::STOP));
        };
        self.kin = kin::stopped(known, stop, |known| kin::of(self.leader, self.mark, known));
    }

    #[cfg(not(target_os = "linux"))]
    fn freeze(&mut self) {}

    /// The shell's status. Call only after [`Exit::ended`]; it does not wait then.
    pub(crate) fn reap(mut self) -> io::Result<ExitStatus> {
        let mut child = self.child.take().ok_or_else(|| io::Error::other("the shell was reaped before"))?;
        let status = child.wait()?;
        #[cfg(target_os = "linux")]
        if let Some(report) = &mut self.report {
            return report.translate(status).map_err(io::Error::other);
        }
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once reaped, the number may be a stranger's.
        if self.child.is_none() {
            return;
        }
        self.kill(Scope::Kin);
        let Some(mut child) = self.child.take() else { return };
        if has_ended_within(self.leader, DROP_PATIENCE) {
            if let Err(error) = child.wait() {
                tracing::warn!(group = self.leader.as_raw_pid(), %error, "cannot reap a killed shell");
            }
            return;
        }
        // The kernel holds it (a dead disk, say). Somebody has to be there when it lets go.
        let name = format!("reap {}", self.leader.as_raw_pid());
        if let Err(error) = std::thread::Builder::new().name(name).spawn(move || child.wait()) {
            tracing::warn!(group = self.leader.as_raw_pid(), %error, "a killed shell stays unreaped");
        }
    }
}

fn signal_group(leader: Pid, signal: Signal) {
    match rustix::process::kill_process_group(leader, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => tracing::warn!(group = leader.as_raw_pid(), %error, "cannot signal a command"),
    }
}

/// Waits without reaping. False where the child still lives when `patience` is over.
#[cfg(target_os = "linux")]
fn has_ended_within(leader: Pid, patience: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let Ok(descriptor) = rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::empty()) else {
        return has_ended(leader);
    };
    let patience = Timespec {
        tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    };
    let ended = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&patience));
    ended.is_ok_and(|ready| ready > 0) || has_ended(leader)
}

#[cfg(not(target_os = "linux"))]
fn has_ended_within(leader: Pid, _patience: Duration) -> bool {
    has_ended(leader)
}

fn has_ended(leader: Pid) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    rustix::process::waitid(WaitId::Pid(leader), look).is_ok_and(|status| status.is_some())
}

/// Tells when a shell has ended, and leaves it unreaped.
pub(crate) enum Exit {
    /// The kernel tells through a descriptor.
    #[cfg(target_os = "linux")]
    Descriptor(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>),
    /// A thread of the runtime's waits.
    Waiter(tokio::task::JoinHandle<io::Result<()>>),
    /// It has ended.
    Over,
}

impl Exit {
    /// Begins to watch. Needs a tokio runtime with IO.
    #[cfg(target_os = "linux")]
    pub(crate) fn watch(leader: Pid) -> io::Result<Self> {
        use tokio::io::{Interest, unix::AsyncFd};

        let descriptor = match rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            // Older than Linux 5.3.
            Err(rustix::io::Errno::NOSYS) => return Ok(Self::waiter(leader)),
            Err(error) => return Err(error.into()),
        };
        #[expect(unsafe_code, reason = "tokio asks for a promise that the descriptor stays the same")]
        // SAFETY: the descriptor is owned by what is registered, and nothing replaces or closes it before.
        let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
        Ok(Self::Descriptor(watched))
    }

    /// Begins to watch. Needs a tokio runtime with IO.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn watch(leader: Pid) -> io::Result<Self> {
        Ok(Self::waiter(leader))
    }

    fn waiter(leader: Pid) -> Self {
        Self::Waiter(tokio::task::spawn_blocking(move || {
            let wait = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            rustix::process::waitid(WaitId::Pid(leader), wait)?;
            Ok(())
        }))
    }

    /// Resolves when the shell has ended. Dropping the future loses nothing.
    pub(crate) async fn ended(&mut self) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Descriptor(descriptor) => drop(descriptor.readable().await?),
            Self::Waiter(waiter) => waiter.await.map_err(io::Error::other)??,
            Self::Over => {}
        }
        *self = Self::Over;
        Ok(())
    }
}
