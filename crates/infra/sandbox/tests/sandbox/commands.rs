//! What a command sees, and what comes back of it.

use std::sync::Arc;

use domain::{
    command::{BoundedOutput, CommandRequest, CommandStatus, WholeOutput},
    ports::{Processes, never_cancelled},
};

use crate::support::{ALL, Bench, Sink, request, result, run, within};

async fn check(command: &str, status: CommandStatus, output: &str) {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        assert_eq!(result(&sandbox, command).await, (status, output.to_owned()), "`{command}` at {level:?}");
    }
}

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_gives_its_exit_code() {
    check("true", CommandStatus::Exited(0), "").await;
    check("exit 7", CommandStatus::Exited(7), "").await;
    check("no-such-program 2>/dev/null", CommandStatus::Exited(127), "").await;
    check("basename \"$PWD\"; echo 가 > a; cat a", CommandStatus::Exited(0), "작업 공간\n가\n").await;
}

#[tokio::test]
async fn both_outputs_arrive_in_the_order_they_were_written() {
    check("echo a; echo b >&2; echo c; echo d >/dev/stderr", CommandStatus::Exited(0), "a\nb\nc\nd\n").await;
}

/// P16
#[tokio::test]
async fn a_command_that_reads_its_input_sees_the_end_at_once() {
    check("cat; read -r line || echo closed", CommandStatus::Exited(0), "closed\n").await;
}

/// P19
#[tokio::test]
async fn a_death_by_a_signal_is_reported_as_such() {
    check("kill -SEGV $$", CommandStatus::Signalled(11), "").await;
    check("kill -KILL $$", CommandStatus::Signalled(9), "").await;
}

#[tokio::test]
async fn text_of_every_script_comes_through_and_is_shown_as_it_is_kept() {
    let text = "한국어 출력 👩‍👩‍👧‍👦 שלום";
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let sink = Arc::new(Sink::default());
        let command = format!("printf '{text}'; printf '\\355'; printf '\\225\\234\\377'");
        let end = sandbox.run(request(&command), Arc::clone(&sink) as _, never_cancelled());
        let end = within(end).await.expect("it runs");
        assert_eq!(
            (end.output.head, sink.shown()),
            (format!("{text}한\u{FFFD}"), format!("{text}한\u{FFFD}"))
        );
    }
}

/// P14, with less output so that the gate stays quick: what matters is far above every bound.
#[tokio::test]
async fn output_of_any_size_is_kept_in_bounded_space() {
    const SIZE: u64 = 200_000_000;
    for level in ALL {
        let bench = Bench::new();
        // What is kept whole would be kept in memory here.
        bench.artifacts.fail("not in this test");
        let Some(sandbox) = bench.at(level).await else { continue };
        let before = memory("VmRSS:");
        let end =
            run(&sandbox, &format!("echo begin; head -c {SIZE} /dev/zero | tr '\\0' x; echo end")).await;
        let growth = memory("VmHWM:").saturating_sub(before);
        let BoundedOutput { head, tail, omitted_bytes } = end.output;
        assert_eq!(end.status, CommandStatus::Exited(0));
        assert!(head.starts_with("begin\nxxx") && tail.ends_with("xxxend\n"));
        assert_eq!((head.len(), tail.len()), (BoundedOutput::SIDE, BoundedOutput::SIDE));
        assert_eq!(head.len() as u64 + omitted_bytes + tail.len() as u64, SIZE + 10);
        assert!(growth < 50_000, "memory grew by {growth} KiB");
        assert!(matches!(end.whole_output, WholeOutput::Lost(why) if why.contains("not in this test")));
    }
}

#[tokio::test]
async fn the_whole_of_a_long_output_is_kept_and_a_short_one_is_not() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let short = run(&sandbox, "echo 짧은 출력").await;
        assert_eq!((short.whole_output, bench.artifacts.kept().len()), (WholeOutput::Short, 0));
        let long = run(&sandbox, "printf '\\377'; head -c 300000 /dev/zero | tr '\\0' x; echo 끝").await;
        let WholeOutput::Kept(artifact) = long.whole_output else { panic!("{:?}", long.whole_output) };
        let expected = [&b"\xff"[..], &[b'x'; 300_000], "끝\n".as_bytes()].concat();
        assert_eq!(artifact.bytes, expected.len() as u64);
        // Byte for byte, also what is no UTF-8.
        assert_eq!(bench.artifacts.kept(), [expected]);
    }
}

/// A figure of `/proc/self/status`, in KiB.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with(name)).expect("the figure");
    line.split_whitespace().nth(1).and_then(|figure| figure.parse().ok()).expect("a number")
}

/// P15
#[tokio::test]
async fn endless_output_without_a_newline_meets_its_deadline() {
    for level in ALL {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let request = CommandRequest {
            timeout: std::time::Duration::from_millis(300),
            ..CommandRequest::new(
                "while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
            )
        };
        let end = sandbox.run(request, Arc::new(Sink::default()), never_cancelled());
        let end = within(end).await.expect("it runs");
        assert_eq!(end.status, CommandStatus::TimedOut);
        assert!(end.output.head.starts_with("xxx"));
    }
}
