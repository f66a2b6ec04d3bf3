//! How much memory the processes of one command hold together, and who ends when the machine runs out of it.
//!
//! No limit of the kernel's fits. `RLIMIT_DATA` and `RLIMIT_AS` count what is reserved: programs with a sanitizer and
//! Go's race detector reserve terabytes that they never touch. Groups of processes with a limit (cgroups) belong to root
//! or to a service manager. So what is held is added up now and then; and because a look may come too late, commands
//! are the first that the kernel ends when nothing is left.

use std::{fs, time::Duration};

use tokio::time::sleep;

use crate::group::Group;

/// The share of the machine's memory that one command may hold, in quarters. The rest is for everybody else.
const QUARTERS: u64 = 3;
/// Between two looks at a command that holds less than half of what it may. Each reads a little of every process.
const FAR: Duration = Duration::from_secs(4);
/// The same for one that holds more.
const NEAR: Duration = Duration::from_millis(500);
/// Before the first look. Most commands have ended by then and cost none.
const FIRST: Duration = Duration::from_secs(1);

/// Bytes that the processes of one command may hold together, where the machine says how many it has.
pub(crate) fn most_of_this_machine() -> Option<u64> {
    let machine = kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?.checked_mul(1024)?;
    // What a container may use, where we are in one.
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|most| most.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(machine.min(container) / 4 * QUARTERS)
}

fn kibibytes(figures: &str, name: &str) -> Option<u64> {
    let line = figures.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Resolves with the bytes that a command holds, when they are more than `most`; never where there is no `most`.
pub(crate) async fn exceeded(group: &Group, most: Option<u64>) -> u64 {
    let Some(most) = most else { return std::future::pending().await };
    let mut pause = FIRST;
    loop {
        sleep(pause).await;
        let held = group.processes().into_iter().filter_map(held_by).sum();
        if held > most {
            return held;
        }
        pause = if held > most / 2 { NEAR } else { FAR };
    }
}

/// What the model reads of a command that was ended for it.
pub(crate) fn said(held: u64, most: u64) -> String {
    let mebibytes = |bytes: u64| bytes / (1024 * 1024);
    format!(
        "\n[ended: its processes held {} MiB of memory, and the sandbox lets a command hold {} MiB]\n",
        mebibytes(held),
        mebibytes(most)
    )
}

/// Bytes that a process holds alone: resident and not shared with a file (the second and the third field of
/// `/proc/<pid>/statm`, proc(5), in pages).
fn held_by(pid: i32) -> Option<u64> {
    let figures = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut figures = figures.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (figures.next()?.ok()?, figures.next()?.ok()?);
    Some(resident.saturating_sub(shared).saturating_mul(rustix::param::page_size() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_less_than_the_machine_has_and_what_we_hold_is_less_than_that() {
        let most = most_of_this_machine().expect("this machine says what it has");
        let held = held_by(std::process::id().cast_signed()).expect("we hold something");
        assert!((1..most).contains(&held), "{held} of {most}");
        assert_eq!(kibibytes("MemTotal:       24669064 kB\nMemFree: 1 kB\n", "MemTotal:"), Some(24_669_064));
    }
}
