//! What one command may use up: limits that the kernel keeps, set by the child between fork and exec.
//!
//! Not limited here: time and output (`run`), memory (`memory`), and processes where commands have process numbers of
//! their own (`strict`).

use std::{fs, io};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files of one process. Tool chains raise their own limit to the hard one and some then walk through all
/// numbers below it, so it is far below what hosts allow and far above what builds need.
const OPEN_FILES: u64 = 65_536;
/// Bytes of one file. Larger than the artifacts of builds; smaller than a disk that a runaway loop would fill.
const FILE: u64 = 16 * 1024 * 1024 * 1024;
/// Processes and threads of one command. Parallel builds of large machines stay below it; a fork bomb of so many
/// shells takes one to two GiB, which leaves the host usable.
pub(crate) const PROCESSES: u64 = 2_048;

/// Ready to be set.
#[derive(Debug, Clone)]
pub(crate) struct Limits(Vec<(Resource, Rlimit)>);

impl Limits {
    /// For one command. `counts_processes` where nothing else does; the kernel exempts root from that limit.
    pub(crate) fn of_a_command(counts_processes: bool) -> Self {
        let mut limits = vec![
            below(Resource::Nofile, OPEN_FILES),
            below(Resource::Fsize, FILE),
            // A core holds what the process held, and nobody asks for it.
            below(Resource::Core, 0),
        ];
        if counts_processes && let Some(tasks) = tasks_of_the_host() {
            // The kernel counts everything the person runs, so what runs now comes on top.
            limits.push(below(Resource::Nproc, tasks.saturating_add(PROCESSES)));
        }
        Self(limits)
    }

    /// Sets them for the calling process, which is the first to end when the machine runs out of memory. Raw calls, fit
    /// for a child between fork and exec.
    pub(crate) fn apply(&self) -> io::Result<()> {
        for (resource, limit) in &self.0 {
            setrlimit(*resource, *limit)?;
        }
        go_first_without_memory();
        Ok(())
    }
}

/// Both limits of a resource at most `most`; neither is raised.
fn below(resource: Resource, most: u64) -> (Resource, Rlimit) {
    let now = getrlimit(resource);
    let at_most = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    (resource, Rlimit { current: at_most(now.current), maximum: at_most(now.maximum) })
}

/// All tasks of the host: the fourth field of `/proc/loadavg` (proc(5)), running and all. More than the person's own,
/// and one short read.
fn tasks_of_the_host() -> Option<u64> {
    let average = fs::read_to_string("/proc/loadavg").ok()?;
    average.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// Makes the calling process, and all that it starts, the first to end when the machine runs out of memory. Raw calls,
/// fit for a child between fork and exec. A kernel that refuses is no reason not to run a command.
fn go_first_without_memory() {
    use rustix::fs::{Mode, OFlags, open};

    const BEFORE_ALL: &[u8] = b"1000";
    if let Ok(score) = open(c"/proc/self/oom_score_adj", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        rustix::io::write(&score, BEFORE_ALL).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_raised_and_processes_come_on_top_of_what_runs() {
        let limits = Limits::of_a_command(true);
        for (resource, limit) in &limits.0 {
            let now = getrlimit(*resource);
            assert!(limit.maximum <= now.maximum.or(Some(u64::MAX)), "{resource:?}");
            assert!(limit.current <= limit.maximum, "{resource:?}");
        }
        assert!(tasks_of_the_host().is_some_and(|tasks| tasks > 0));
        assert_eq!((limits.0.len(), Limits::of_a_command(false).0.len()), (4, 3));
    }
}
