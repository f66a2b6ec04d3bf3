//! The mark that all processes of one command carry and none can take off.
//!
//! A process that leaves its group, its session and its parents (a daemon) cuts every tie that `/proc` shows. But the
//! limits of a process pass to all it starts, and the hard one cannot be raised. `RLIMIT_LOCKS` limits nothing since
//! Linux 2.4, so its value is free to be a number of ours; the seccomp filter refuses to change it.
//!
//! Where the limit is set already (we run inside another sandbox), there are no marks: the caller says so.

use std::{
    fmt, fs,
    hash::{BuildHasher, Hasher, RandomState},
    mem,
    num::ParseIntError,
    os::unix::process::CommandExt,
    process::Command,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

/// A shell that lived shorter cannot have used up all process numbers, so the numbers given out since are those
/// between its own and the last one.
const SHORT_LIFE: Duration = Duration::from_millis(100);
/// From so many numbers on, asking for all processes is cheaper than trying each.
const MOST_TRIED: i32 = 4096;

/// Gives out marks: the upper bits are chance, so that no two sandboxes share a mark, the lower ones count commands.
#[derive(Debug)]
pub(crate) struct Marks {
    sandbox: u64,
    next: AtomicU64,
}

const COUNT: u64 = (1 << 20) - 1;
/// Away from the value that means "no limit".
const RANGE: u64 = (1 << 62) - 1;

impl Marks {
    /// None where our own limit leaves no room for one.
    pub(crate) fn new() -> Option<Self> {
        getrlimit(Resource::Locks).maximum.is_none().then(|| {
            // The standard library's source of chance: each state differs from all before.
            let chance = RandomState::new().build_hasher().finish();
            Self { sandbox: chance & RANGE & !COUNT, next: AtomicU64::new(0) }
        })
    }

    /// What all marks given out here have in common.
    pub(crate) const fn of_session(&self) -> SessionMark {
        SessionMark(self.sandbox)
    }

    /// A mark that no living command has.
    pub(crate) fn next(&self) -> Mark {
        Mark(self.sandbox | (self.next.fetch_add(1, Ordering::Relaxed) & COUNT))
    }
}

/// What the marks of one sandbox have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionMark(u64);

impl SessionMark {
    /// Whether a process carries a mark of the sandbox. False where it is gone, or belongs to another person.
    pub(crate) fn is_on(self, pid: i32) -> bool {
        // Processes without a mark have no limit, which reads as all bits set.
        hard_limit(pid).is_some_and(|limit| limit & !COUNT == self.0)
    }
}

impl fmt::Display for SessionMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SessionMark {
    type Err = ParseIntError;

    /// Reads what its text says; bits that no sandbox's mark has are left out.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        Ok(Self(u64::from_str_radix(text, 16)? & RANGE & !COUNT))
    }
}

/// The mark of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Marks the calling process. One raw call, fit for a child between fork and exec.
    pub(crate) fn put_on(self) -> rustix::io::Result<()> {
        setrlimit(Resource::Locks, Rlimit { current: Some(self.0), maximum: Some(self.0) })
    }

    /// Makes `command` put the mark on before it becomes the program. A kernel that refuses leaves it without one:
    /// where nothing else holds a command, that is no reason not to run it.
    pub(crate) fn put_on_by(self, command: &mut Command) {
        #[expect(
            unsafe_code,
            reason = "code between fork and exec; one raw call, nothing allocates or locks"
        )]
        // SAFETY: the closure makes one async-signal-safe system call on a number.
        unsafe {
            command.pre_exec(move || {
                self.put_on().unwrap_or_default();
                Ok(())
            });
        }
    }

    /// Whether a process carries the mark. False where it is gone, or belongs to another person.
    pub(crate) fn is_on(self, pid: i32) -> bool {
        hard_limit(pid) == Some(self.0)
    }
}

/// The hard `RLIMIT_LOCKS` of a process; none where it is gone, or belongs to another person.
fn hard_limit(pid: i32) -> Option<u64> {
    let mut found = mem::MaybeUninit::<libc::rlimit64>::zeroed();
    #[expect(unsafe_code, reason = "no safe wrapper reads the limit of another process")]
    // SAFETY: the call fills the structure, of which every pattern of bits is valid.
    let (result, found) = unsafe {
        let result = libc::syscall(
            libc::SYS_prlimit64,
            pid,
            libc::RLIMIT_LOCKS,
            std::ptr::null::<libc::rlimit64>(),
            found.as_mut_ptr(),
        );
        (result, found.assume_init())
    };
    // Zero would mean ourselves.
    (pid > 0 && result == 0).then_some(found.rlim_max)
}

/// The numbers that processes born after `leader`, which lives since `age`, may have: few where it lived shortly and
/// started little, so that a look at the end of every command costs next to nothing.
pub(crate) fn born_after(leader: Pid, age: Duration) -> Vec<i32> {
    let leader = leader.as_raw_pid();
    match last_given().filter(|_| age < SHORT_LIFE) {
        Some(last) if (0..MOST_TRIED).contains(&last.saturating_sub(leader)) => (leader + 1..=last).collect(),
        _ => all_processes(),
    }
}

/// The numbers of all processes.
pub(crate) fn all_processes() -> Vec<i32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes.filter_map(Result::ok).filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The process number that was given out last: the end of `/proc/loadavg` (proc(5)).
fn last_given() -> Option<i32> {
    fs::read_to_string("/proc/loadavg").ok()?.split_ascii_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_mark_of_its_own_that_limits_nothing() {
        let Some(marks) = Marks::new() else { return };
        let other = Marks::new().expect("marks again");
        let (first, second, third) = (marks.next(), marks.next(), other.next());
        assert!(first != second && first != third && second != third);
        assert!([first, second, third].iter().all(|mark| mark.0 <= RANGE));
        assert!(!first.is_on(std::process::id().cast_signed()) && !first.is_on(0));
    }

    #[test]
    fn a_process_that_was_just_started_is_among_those_born_after() {
        let own = Pid::from_raw(1).expect("init");
        let me = std::process::id().cast_signed();
        assert!(born_after(own, Duration::from_secs(1)).contains(&me));
        let leader = Pid::from_raw(me).expect("a number");
        let mut child =
            std::process::Command::new("/bin/sh").arg("-c").arg("read x").spawn().expect("a child");
        let born = born_after(leader, Duration::ZERO);
        child.kill().expect("it lives");
        child.wait().expect("it ends");
        assert!(born.contains(&child.id().cast_signed()), "{born:?}");
    }
}
