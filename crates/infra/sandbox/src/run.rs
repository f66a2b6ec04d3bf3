//! One command from its start to the moment nothing of it is left.

use std::{
    future::{self, Future},
    io,
    pin::pin,
    process::ExitStatus,
    time::Duration,
};

use domain::{command::CommandStatus, ports::Cancelled};
use rustix::process::Signal;
use tokio::{
    select,
    time::{sleep, timeout},
};

use crate::{
    group::{Exit, Group, Scope},
    memory,
    tap::{Keep, Tap},
};

/// How long output is read on after the shell's end. Whoever still holds the pipe then is not waited for.
const DRAIN: Duration = Duration::from_millis(200);
/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);
/// The same where a call is cancelled: a person waits.
const CANCEL_GRACE: Duration = Duration::from_millis(500);
/// How long the kernel may take to end what was killed.
const DEATH: Duration = Duration::from_secs(5);
/// How long after the kill the pipe may stay open: only a process that left the group and the session holds it.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// Between two looks at what was killed and still lives.
#[cfg(target_os = "linux")]
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What limits a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How long it may run; none: until it is stopped.
    limit: Option<Duration>,
    /// What it gets between TERM and KILL when it is stopped before.
    grace: Duration,
    /// Bytes of memory that its processes may hold together; none: as many as there are.
    memory: Option<u64>,
}

impl Bounds {
    /// Of a command that somebody waits for.
    pub(crate) const fn of_command(limit: Duration, memory: Option<u64>) -> Self {
        Self { limit: Some(limit), grace: CANCEL_GRACE, memory }
    }

    /// Of a server.
    pub(crate) const fn of_server(memory: Option<u64>) -> Self {
        Self { limit: None, grace: GRACE, memory }
    }
}

/// Why the wait for a command was over.
#[derive(Debug, Clone, Copy)]
enum Stop {
    ShellEnded,
    Deadline,
    Cancelled,
    /// With the bytes that it held.
    Memory(u64),
}

/// Brings a started command to its end. `group` leads; its output comes out of `tap`.
///
/// Every way out, dropping the future included, kills the whole group and all that carries its mark; whoever holds the
/// pipe alone is not waited for.
pub(crate) async fn to_its_end<K: Keep>(
    mut group: Group,
    tap: &mut Tap<K>,
    bounds: Bounds,
    mut cancelled: Cancelled,
) -> io::Result<CommandStatus> {
    let mut exit = Exit::watch(group.leader())?;
    let mut deadline = pin!(passed(bounds.limit));
    let stop = {
        let mut exceeded = pin!(memory::exceeded(&group, bounds.memory));
        loop {
            select! {
                // In this order a flood of output delays neither a cancel nor the deadline.
                biased;
                () = &mut cancelled => break Stop::Cancelled,
                ended = exit.ended() => {
                    ended?;
                    break Stop::ShellEnded;
                }
                () = &mut deadline => break Stop::Deadline,
                held = &mut exceeded => break Stop::Memory(held),
                step = tap.step() => step?,
            }
        }
    };
    let scope = match stop {
        Stop::ShellEnded => match timeout(DRAIN, tap.read_all()).await {
            Ok(read) => {
                read?;
                Scope::Group
            }
            Err(_) => Scope::Kin,
        },
        Stop::Deadline | Stop::Cancelled => {
            group.terminate();
            let grace = if matches!(stop, Stop::Cancelled) { bounds.grace } else { GRACE };
            // Late output of what ends in order is still wanted. The pipe closes when the last of the group ends.
            ignore_late(timeout(grace, both(exit.ended(), tap.read_all())).await)?;
            Scope::Kin
        }
        Stop::Memory(_) => Scope::Kin,
    };
    group.kill(scope);
    let is_dead = ignore_late(timeout(DEATH, exit.ended()).await)?;
    #[cfg(target_os = "linux")]
    if timeout(DEATH, end_survivors(&mut group)).await.is_err() {
        tracing::warn!(group = group.leader().as_raw_pid(), "the kernel holds on to what a command started");
    }
    ignore_late(timeout(LAST_WORDS, tap.read_all()).await)?;
    if let (Stop::Memory(held), Some(most)) = (stop, bounds.memory) {
        tap.add(&memory::said(held, most));
    }
    // What the kernel holds on to is left to the group's own drop.
    let status = if is_dead { Some(group.reap()?) } else { None };
    Ok(outcome(stop, status))
}

async fn passed(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => future::pending().await,
    }
}

/// Ends what left the group of a command that ended by itself, and waits until nothing of it can change a file.
#[cfg(target_os = "linux")]
async fn end_survivors(group: &mut Group) {
    while let Some(survivor) = group.survivor() {
        // What is in the group was killed with it.
        if !survivor.is_in_group_of(group.leader()) {
            group.kill(Scope::Kin);
        }
        if let Some(mut exit) = survivor.pid().and_then(|pid| Exit::watch(pid).ok()) {
            // Its number may be a stranger's by now, so this looks again instead of waiting for long.
            drop(timeout(LOOK_AGAIN, exit.ended()).await);
        }
    }
}

fn outcome(stop: Stop, status: Option<ExitStatus>) -> CommandStatus {
    use std::os::unix::process::ExitStatusExt;

    match (stop, status) {
        (Stop::Cancelled, _) => CommandStatus::Cancelled,
        (Stop::Memory(_), _) => CommandStatus::Signalled(Signal::KILL.as_raw()),
        (Stop::ShellEnded, Some(status)) => match (status.code(), status.signal()) {
            (Some(code), _) => CommandStatus::Exited(code),
            (None, signal) => CommandStatus::Signalled(signal.unwrap_or_default()),
        },
        (Stop::Deadline, _) | (Stop::ShellEnded, None) => CommandStatus::TimedOut,
    }
}

/// True where it came in time.
fn ignore_late(result: Result<io::Result<()>, tokio::time::error::Elapsed>) -> io::Result<bool> {
    match result {
        Ok(result) => result.map(|()| true),
        Err(_) => Ok(false),
    }
}

async fn both(
    first: impl Future<Output = io::Result<()>>,
    second: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    tokio::try_join!(first, second).map(|((), ())| ())
}
