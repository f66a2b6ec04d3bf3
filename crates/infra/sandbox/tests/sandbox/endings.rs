//! Nothing of a command stays behind, whatever ends it.

use std::{fs, sync::Arc, time::Duration};

use domain::{
    command::{CommandEnd, CommandRequest, CommandStatus},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
};

use crate::support::{
    ALL, Bench, Sink, cancel, ends, has_python, is_running, is_zombie, request, result, within,
};

/// Cancels a command as soon as it says it is ready.
async fn cancelled_when_ready(level: SandboxLevel, command: &str) -> Option<(CommandEnd, Vec<i32>)> {
    let bench = Bench::new();
    let sandbox = bench.at(level).await?;
    let sink = Arc::new(Sink::default());
    let (now, cancelled) = cancel();
    let end = sandbox.run(request(command), Arc::clone(&sink) as _, cancelled);
    let cancel = async {
        let processes = bench.on_the_host(level, &sink.ready().await);
        assert!(processes.iter().all(|pid| is_running(*pid)));
        now.send(()).expect("the command runs");
        processes
    };
    let (end, processes) = within(async { tokio::join!(end, cancel) }).await;
    Some((end.expect("it runs"), processes))
}

/// P18
#[tokio::test]
async fn a_cancel_leaves_no_process_behind() {
    let commands = [
        "sleep 600 & echo ready $$ $!; wait",
        "(trap '' TERM HUP; sleep 600 & echo ready $$ $! $BASHPID; wait; wait)",
        // Leads a group of its own, as `timeout` does.
        "timeout 600 sleep 600 & echo ready $$ $!; wait",
        "set -m; (sleep 600 & echo ready $$ $!; wait) & wait",
        // Leads a session of its own.
        "setsid sleep 600 & echo ready $$ $!; wait",
    ];
    for level in ALL {
        for command in commands {
            let Some((end, processes)) = cancelled_when_ready(level, command).await else { continue };
            assert_eq!(end.status, CommandStatus::Cancelled, "`{command}` at {level:?}");
            assert!(processes.len() > 1, "`{command}`");
            processes.into_iter().for_each(ends);
        }
    }
}

#[tokio::test]
async fn a_cancelled_command_may_still_say_a_last_word() {
    for level in ALL {
        let command = "trap 'echo bye; exit 3' TERM; sleep 600 & echo ready; wait";
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let sink = Arc::new(Sink::default());
        let (now, cancelled) = cancel();
        let end = sandbox.run(request(command), Arc::clone(&sink) as _, cancelled);
        let cancel = async {
            sink.ready().await;
            // Time stands still while a thread of the runtime's waits, so no grace is too short.
            tokio::time::pause();
            now.send(()).expect("the command runs");
        };
        let (release, held) = std::sync::mpsc::channel::<()>();
        let holder = tokio::task::spawn_blocking(move || held.recv());
        let (end, ()) = tokio::join!(end, cancel);
        tokio::time::resume();
        release.send(()).expect("the thread waits");
        holder.await.expect("the thread").expect("the release");
        let end = end.expect("it runs");
        assert_eq!((end.status, end.output.head.as_str()), (CommandStatus::Cancelled, "ready\nbye\n"));
    }
}

/// P17
#[tokio::test]
async fn a_deadline_kills_what_ignores_it_and_the_output_so_far_comes_back() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let sink = Arc::new(Sink::default());
        let command = "trap '' TERM; sleep 600 & echo ready $$ $!; wait; wait";
        let end = sandbox.run(request(command), Arc::clone(&sink) as _, never_cancelled());
        let deadline = async {
            let processes = bench.on_the_host(level, &sink.ready().await);
            // From here on timers come due as soon as nothing else is to do.
            tokio::time::pause();
            processes
        };
        let (end, processes) = tokio::join!(end, deadline);
        tokio::time::resume();
        let end = end.expect("it runs");
        assert_eq!(end.status, CommandStatus::TimedOut);
        assert_eq!(end.output.head, sink.shown());
        assert!(end.elapsed >= CommandRequest::LONGEST_TIMEOUT + Duration::from_secs(2));
        processes.into_iter().for_each(ends);
    }
}

#[tokio::test]
async fn a_command_ends_with_its_shell_and_takes_its_background_along() {
    for level in ALL {
        for command in ["sleep 600 & echo $!", "sleep 600 >/dev/null 2>&1 & echo $!"] {
            let bench = Bench::new();
            let Some(sandbox) = bench.at(level).await else { continue };
            let (status, output) = result(&sandbox, command).await;
            assert_eq!(status, CommandStatus::Exited(0));
            match level {
                SandboxLevel::Strict => bench.is_empty(),
                _ => ends(output.trim().parse().expect("a process id")),
            }
        }
    }
}

#[tokio::test]
async fn who_leaves_the_group_and_holds_the_output_holds_up_nobody() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let command = "(setsid sleep 600 & echo $!) ; exit 4";
        let (status, output) = result(&sandbox, command).await;
        assert_eq!(status, CommandStatus::Exited(4));
        match level {
            SandboxLevel::Strict => bench.is_empty(),
            _ => ends(output.trim().parse().expect("a process id")),
        }
    }
}

#[tokio::test]
async fn a_daemon_that_cut_every_tie_ends_with_its_command() {
    // Each leaves group, session, parents, output and environment, and says its number in a file.
    let daemon = "echo $$ > pid.new; mv pid.new pid; exec sleep 600";
    for command in [
        format!("setsid -f env -i /bin/sh -c '{daemon}' >/dev/null 2>&1 </dev/null"),
        format!("W=$PWD; (cd /; setsid -f setsid -f /bin/sh -c 'cd \"$0\"; {daemon}' \"$W\" >&- 2>&- <&-)"),
        format!("ulimit -x 7; ulimit -Hx 7; setsid -f /bin/sh -c '{daemon}' >/dev/null 2>&1 </dev/null"),
        // Long enough for all numbers of processes to be used up.
        format!("setsid -f /bin/sh -c '{daemon}' >/dev/null 2>&1 </dev/null; sleep 0.2"),
    ] {
        for level in ALL {
            // Nothing but the wall keeps a command from taking the mark off.
            if level == SandboxLevel::None && command.contains("ulimit") {
                continue;
            }
            let bench = Bench::new();
            let Some(sandbox) = bench.at(level).await else { continue };
            let (status, output) =
                result(&sandbox, &format!("{command}; while ! [ -e pid ]; do :; done; cat pid")).await;
            assert_eq!(status, CommandStatus::Exited(0), "`{command}`: {output}");
            if level == SandboxLevel::Strict {
                assert_eq!(bench.inside(), [0; 0], "`{command}`");
                continue;
            }
            let daemon = output.lines().last().and_then(|pid| pid.parse().ok()).expect("a process id");
            assert!(!is_running(daemon), "`{command}` at {level:?}");
        }
    }
}

/// Its first thread is a zombie, and the second runs on.
#[tokio::test]
async fn a_daemon_without_its_first_thread_ends_with_its_command() {
    if !has_python() {
        return;
    }
    let daemon = "import ctypes, os, threading, time\n\
        threading.Thread(target=lambda: time.sleep(600)).start()\n\
        open(\"pid\", \"w\").write(str(os.getpid()))\n\
        os.close(0); os.close(1); os.close(2)\n\
        ctypes.CDLL(None).pthread_exit(None)";
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let command =
            format!("setsid -f python3 -c '{daemon}'; while ! [ -s pid ]; do :; done; sleep 0.2; cat pid");
        let (status, output) = result(&sandbox, &command).await;
        assert_eq!(status, CommandStatus::Exited(0), "{output}");
        if level == SandboxLevel::Strict {
            assert_eq!(bench.inside(), [0; 0]);
            continue;
        }
        let threads = fs::read_dir(format!("/proc/{}/task", output.trim())).into_iter().flatten();
        let threads = threads.filter_map(|thread| thread.ok()?.file_name().to_str()?.parse().ok());
        let living: Vec<i32> = threads.filter(|thread| is_running(*thread)).collect();
        assert_eq!(living, [0; 0], "threads of the daemon live on at {level:?}");
    }
}

#[tokio::test]
async fn neighbouring_commands_do_not_end_each_others_daemons() {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return };
    let sink = Arc::new(Sink::default());
    let command =
        "setsid -f /bin/sh -c 'echo ready $$; exec sleep 600' </dev/null; while ! [ -e go ]; do :; done";
    let end = sandbox.run(request(command), Arc::clone(&sink) as _, never_cancelled());
    let neighbour = async {
        let daemon = sink.ready().await[0];
        let other = "setsid -f sleep 600 >/dev/null 2>&1 </dev/null; sleep 0.2; touch go";
        assert_eq!(result(&sandbox, "setsid -f sleep 600 >/dev/null 2>&1").await.0, CommandStatus::Exited(0));
        assert!(is_running(daemon));
        assert_eq!(result(&sandbox, other).await.0, CommandStatus::Exited(0));
        daemon
    };
    let (end, daemon) = within(async { tokio::join!(end, neighbour) }).await;
    assert_eq!(end.expect("it runs").status, CommandStatus::Exited(0));
    assert!(!is_running(daemon));
}

#[tokio::test]
async fn a_dropped_future_kills_and_reaps() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let sink = Arc::new(Sink::default());
        let end = sandbox.run(
            request("sleep 600 & echo ready $$ $!; wait"),
            Arc::clone(&sink) as _,
            never_cancelled(),
        );
        let processes = tokio::select! {
            _ = end => panic!("it does not end by itself"),
            processes = sink.ready() => processes,
        };
        if level == SandboxLevel::Strict {
            bench.is_empty();
            continue;
        }
        assert!(!is_running(processes[0]) && !is_zombie(processes[0]), "the shell is gone with the future");
        processes.into_iter().for_each(ends);
    }
}

/// O-16
#[tokio::test]
async fn temporary_files_go_with_the_sandbox() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let (status, folder) = result(&sandbox, "echo x > \"$TMPDIR/x\"; printf %s \"$TMPDIR\"").await;
        assert_eq!(status, CommandStatus::Exited(0));
        assert!(std::path::Path::new(&folder).join("x").is_file());
        drop(sandbox);
        assert!(!std::path::Path::new(&folder).exists());
    }
}
