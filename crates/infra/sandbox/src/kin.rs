//! The processes of a command, those that left its process group included, found in `/proc`.
//!
//! Programs such as `timeout` and shells with job control give their children groups of their own, which a signal
//! to the command's group does not reach. They are found by their session, by their parents and by the command's
//! mark; without a mark, a daemon that cut both ties is not found.

use std::{fs, time::Duration};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::mark::{self, Mark};

/// A process, told from a later one of the same number by its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kin {
    pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    started: u64,
}

impl Kin {
    /// None where it lives no more.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The process's number.
    pub(crate) const fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }

    /// When it began: clock ticks since the machine's boot.
    pub(crate) const fn started(&self) -> u64 {
        self.started
    }

    /// Whether a signal to the group of `leader` reaches it.
    pub(crate) fn is_in_group_of(&self, leader: Pid) -> bool {
        self.group == leader.as_raw_pid()
    }

    /// Signals exactly this process, or nobody where it is gone.
    pub(crate) fn signal(&self, signal: Signal) {
        let Some(descriptor) =
            Pid::from_raw(self.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        else {
            return;
        };
        // The descriptor now holds the process that had the number a moment ago: is it still the one we mean?
        if Self::read(self.pid).is_some_and(|now| now.started == self.started) {
            match pidfd_send_signal(&descriptor, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => tracing::warn!(process = self.pid, %error, "cannot signal a command's process"),
            }
        }
    }
}

/// The living processes that are in the group or the session of `leader`, or descend from it. `known` are those found
/// earlier: they and their children count although they may have cut the ties they were found by.
pub(crate) fn of(leader: Pid, mark: Option<Mark>, known: &[Kin]) -> Vec<Kin> {
    kin_of(leader.as_raw_pid(), known, &everybody(), |kin| mark.is_some_and(|mark| mark.is_on(kin.pid)))
}

/// The living processes that `is_of_session` knows, or that descend from one of those. `known` as in [`of`].
pub(crate) fn of_session(known: &[Kin], is_of_session: impl Fn(i32) -> bool) -> Vec<Kin> {
    let everybody = everybody();
    let is_kin = |kin: &&Kin| is_among(known, kin) || is_of_session(kin.pid);
    with_descendants(everybody.iter().filter(is_kin).copied().collect(), &everybody)
}

/// Looks for kin and stops what it finds, until two looks see the same: while they run, one may be born between the
/// look and the signal, or cut its ties. `known` are those found before, whom the first `stop` is for.
pub(crate) fn stopped(
    mut known: Vec<Kin>,
    stop: impl Fn(&[Kin]),
    look: impl Fn(&[Kin]) -> Vec<Kin>,
) -> Vec<Kin> {
    /// Only a fork bomb outruns so many.
    const MOST_LOOKS: usize = 16;

    for _ in 0..MOST_LOOKS {
        stop(&known);
        let found = look(&known);
        if are_same(&found, &known) {
            break;
        }
        known = found;
    }
    known
}

fn everybody() -> Vec<Kin> {
    mark::all_processes().into_iter().filter_map(Kin::read).collect()
}

fn is_among(known: &[Kin], kin: &Kin) -> bool {
    known.iter().any(|old| old.pid == kin.pid && old.started == kin.started)
}

/// The living processes that carry the mark, but for `leader`, which lives since `age`.
pub(crate) fn marked(leader: Pid, mark: Mark, age: Duration) -> impl Iterator<Item = Kin> {
    mark::born_after(leader, age)
        .into_iter()
        .filter(move |pid| *pid != leader.as_raw_pid() && mark.is_on(*pid))
        .filter_map(Kin::read)
}

fn kin_of(leader: i32, known: &[Kin], everybody: &[Kin], is_marked: impl Fn(&Kin) -> bool) -> Vec<Kin> {
    let is_near = |kin: &Kin| kin.session == leader || kin.group == leader;
    let is_child = |kin: &Kin| kin.parent == leader;
    let is_kin = |kin: &&Kin| is_near(kin) || is_child(kin) || is_among(known, kin) || is_marked(kin);
    with_descendants(everybody.iter().filter(is_kin).copied().collect(), everybody)
}

fn with_descendants(mut kin: Vec<Kin>, everybody: &[Kin]) -> Vec<Kin> {
    // Children of those found, then their children: each pass adds a generation, and generations end.
    loop {
        let more: Vec<Kin> = everybody
            .iter()
            .filter(|one| !kin.iter().any(|found| found.pid == one.pid))
            .filter(|one| kin.iter().any(|found| found.pid == one.parent))
            .copied()
            .collect();
        if more.is_empty() {
            break;
        }
        kin.extend(more);
    }
    kin.sort_unstable_by_key(|kin| kin.pid);
    kin
}

/// Whether two looks saw the same processes.
fn are_same(first: &[Kin], second: &[Kin]) -> bool {
    let processes = |kin: &[Kin]| kin.iter().map(|kin| (kin.pid, kin.started)).collect::<Vec<_>>();
    processes(first) == processes(second)
}

/// Reads `/proc/<pid>/stat` (proc(5)): the name stands in brackets and may hold anything, brackets included. None for
/// what lives no more and waits to be reaped: all of it, not its first thread alone.
fn parse(stat: &str) -> Option<Kin> {
    let pid = stat.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // The first field after the name is the third of the page.
    let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
    let threads: u32 = field(20)?.parse().ok()?;
    if matches!(field(3)?, "Z" | "X") && threads <= 1 {
        return None;
    }
    Some(Kin {
        pid,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn kin(pid: i32, parent: i32, group: i32, session: i32) -> Kin {
        Kin { pid, parent, group, session, started: 1 }
    }

    const fn nobody(_: &Kin) -> bool {
        false
    }

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_field() {
        let stat = "7 (a) 1 (b) S 2 3 4 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 999 0 0";
        assert_eq!(parse(stat), Some(Kin { pid: 7, parent: 2, group: 3, session: 4, started: 999 }));
        assert_eq!(parse(&stat.replace(") S", ") Z")), None);
        assert!(parse(&stat.replace(") S", ") Z").replace(" 1 0 999", " 2 0 999")).is_some());
    }

    #[test]
    fn kin_are_found_by_session_by_parents_by_mark_and_by_memory() {
        let leader = kin(10, 1, 10, 10);
        let member = kin(11, 10, 10, 10);
        let own_group = kin(12, 11, 12, 10);
        let own_session = kin(13, 12, 13, 13);
        let its_child = kin(14, 13, 13, 13);
        let stranger = kin(20, 1, 20, 20);
        let everybody = [leader, member, own_group, own_session, its_child, stranger];
        assert_eq!(kin_of(10, &[], &everybody, nobody), [leader, member, own_group, own_session, its_child]);

        let orphaned = [kin(13, 1, 13, 13), kin(14, 13, 13, 13), stranger];
        assert_eq!(kin_of(10, &[own_session], &orphaned, nobody), [kin(13, 1, 13, 13), kin(14, 13, 13, 13)]);
        assert_eq!(kin_of(10, &[], &orphaned, nobody), []);
        let marked = |kin: &Kin| kin.pid == 13;
        assert_eq!(kin_of(10, &[], &orphaned, marked), [kin(13, 1, 13, 13), kin(14, 13, 13, 13)]);
    }

    #[test]
    fn another_process_with_a_known_number_is_no_kin() {
        let known = Kin { started: 1, ..kin(13, 12, 13, 13) };
        let other = Kin { started: 2, ..kin(13, 1, 13, 13) };
        assert_eq!(kin_of(10, &[known], &[other], nobody), []);
    }
}
