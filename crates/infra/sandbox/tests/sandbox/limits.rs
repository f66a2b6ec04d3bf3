//! What one command may use up, and that the host stays usable.

use std::{fs, sync::Arc, time::Duration};

use better_llm_sandbox::Requested;
use domain::{
    command::{CommandRequest, CommandStatus},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
};

use crate::support::{Bench, Sink, WALLED, has_python, result, within};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Linux 6.14 counts the processes of each namespace.
fn counts_in_namespaces() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let numbers: Vec<u32> = release.split(['.', '-']).map_while(|part| part.parse().ok()).take(2).collect();
    numbers >= vec![6, 14]
}

/// P20
#[tokio::test]
async fn a_fork_bomb_meets_a_limit_and_leaves_nothing_behind() {
    for level in WALLED {
        // The kernel exempts root; `plain_user` is there for that.
        let is_limited = !is_root() || (level == SandboxLevel::Strict && counts_in_namespaces());
        if !is_limited || !has_python() {
            continue;
        }
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        // Each child waits, so that all of them are there at once; more would be started than the limit allows.
        let command = "python3 -c 'import os, time\n\
            for n in range(20000):\n\
            \ttry: child = os.fork()\n\
            \texcept OSError as error:\n\
            \t\tprint(n, error.strerror, flush=True); break\n\
            \tif child == 0: time.sleep(600)'";
        let request = CommandRequest { timeout: Duration::from_secs(60), ..CommandRequest::new(command) };
        let end = within(sandbox.run(request, Arc::new(Sink::default()), never_cancelled()))
            .await
            .expect("it runs");
        let said = end.output.head;
        assert_eq!(end.status, CommandStatus::Exited(0), "{said}");
        let (count, why) = said.trim().split_once(' ').expect("a count");
        assert_eq!(why, "Resource temporarily unavailable");
        assert!((500..6_000).contains(&count.parse().expect("a number")), "{count} at {level:?}");
        // The next command finds room.
        assert_eq!(result(&sandbox, "echo usable").await.1, "usable\n");
        if level == SandboxLevel::Strict {
            bench.is_empty();
        }
    }
}

#[tokio::test]
async fn files_cores_and_open_files_have_limits_that_cannot_be_raised() {
    for level in WALLED {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let limits = "ulimit -Hc; ulimit -c; ulimit -Hf; ulimit -f; [ $(ulimit -Hn) -le 65536 ] && echo few";
        let blocks = 16 * 1024 * 1024;
        assert_eq!(result(&sandbox, limits).await.1, format!("0\n0\n{blocks}\n{blocks}\nfew\n"), "{level:?}");
        for raise in ["ulimit -Hc 1", "ulimit -Hf unlimited", "ulimit -Hn 1000000"] {
            assert_ne!(result(&sandbox, raise).await.0, CommandStatus::Exited(0), "{raise} at {level:?}");
        }
    }
}

/// A file that nobody meant to be so long: the program is told, and the disk is not full.
#[tokio::test]
async fn a_file_that_grows_past_its_limit_ends_whoever_writes_it() {
    for level in WALLED {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let (status, output) = result(&sandbox, "exec truncate -s 17G huge").await;
        let is_told = output.contains("File too large") || status == CommandStatus::Signalled(25);
        assert!(is_told, "{status:?} {output} at {level:?}");
    }
}

/// The model reads why, and nothing is left of what ate the memory.
#[tokio::test]
async fn a_command_that_eats_the_memory_is_ended_and_told() {
    for level in WALLED {
        let bench = Bench::new();
        let mut settings = bench.settings(Requested::Level(level));
        settings.memory = Some(300 * 1024 * 1024);
        let Some(sandbox) = bench.with(settings).await else { continue };
        if !has_python() {
            return;
        }
        // In a process of its own, so that it is the command that is held and not its shell.
        let command = "python3 -c 'import time; held = bytearray(500 * 1024 * 1024); time.sleep(600)' & wait";
        let end =
            within(sandbox.run(CommandRequest::new(command), Arc::new(Sink::default()), never_cancelled()));
        let end = end.await.expect("it runs");
        assert_eq!(end.status, CommandStatus::Signalled(9), "{level:?}");
        let said = end.output.head;
        assert!(said.contains("MiB of memory, and the sandbox lets a command hold 300 MiB]"), "{said}");
        assert_eq!(result(&sandbox, "cat /proc/self/oom_score_adj").await.1, "1000\n");
    }
}

/// Programs that reserve far more than they use are no reason to end them.
#[tokio::test]
async fn memory_that_is_only_reserved_counts_nothing() {
    for level in WALLED {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        if !has_python() {
            return;
        }
        let command = "python3 -c 'import mmap; mmap.mmap(-1, 1 << 43, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)'";
        assert_eq!(result(&sandbox, command).await, (CommandStatus::Exited(0), String::new()), "{level:?}");
    }
}
