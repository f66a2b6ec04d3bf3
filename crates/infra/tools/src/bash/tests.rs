use std::time::Duration;

use domain::{
    artifact::Artifact,
    command::{BoundedOutput, CommandRequest, CommandStatus, NotRestored, ProcessError, WholeOutput},
    permission::SandboxLevel,
    tool::{CallTarget, ToolOutcome, ToolStatus},
    workspace::Bases,
};
use serde_json::json;

use crate::testing::{Workspace, context, context_with};

async fn run(status: CommandStatus, output: BoundedOutput, restored: &[&str]) -> ToolOutcome {
    let workspace = Workspace::new();
    workspace.processes.ends(status, output, restored);
    workspace.call("bash", json!({"command": "make"})).await
}

async fn check(
    status: CommandStatus,
    output: &str,
    restored: &[&str],
    expected: (ToolStatus, &str, Option<i32>),
) {
    let output = BoundedOutput { head: output.to_owned(), ..BoundedOutput::default() };
    let outcome = run(status, output, restored).await;
    assert_eq!((outcome.status, outcome.output.as_str(), outcome.exit_code), expected);
}

#[tokio::test]
async fn every_end_is_told() {
    use CommandStatus::{Cancelled, Exited, Refused, Signalled, TimedOut};
    check(Exited(0), "됨\n", &[], (ToolStatus::Ok, "됨\n", Some(0))).await;
    check(Exited(0), "", &[], (ToolStatus::Ok, "(no output)", Some(0))).await;
    check(Exited(1), "", &[], (ToolStatus::Ok, "exit code 1", Some(1))).await;
    check(Exited(101), "실패", &[], (ToolStatus::Ok, "실패\nexit code 101", Some(101))).await;
    check(Signalled(11), "", &[], (ToolStatus::Error, "ended by signal 11 (SIGSEGV)", None)).await;
    check(Signalled(40), "x\n", &[], (ToolStatus::Error, "x\nended by signal 40", None)).await;
    check(Cancelled, "x\n", &[], (ToolStatus::Cancelled, "x\ncancelled", None)).await;
    let timeout = "part\nstopped after 120 s, its time limit; the output so far is above. A longer one can be asked \
                   for with `timeout_seconds` (at most 600).";
    check(TimedOut, "part\n", &[], (ToolStatus::Timeout, timeout, None)).await;
    let put_back = "denied; the command changed protected files, which only a person may do; they were put back: \
                    .git/config, .git/hooks/pre-commit";
    let restored = [".git/config", ".git/hooks/pre-commit"];
    check(Refused, "", &restored, (ToolStatus::Denied, put_back, None)).await;
}

fn left() -> NotRestored {
    let path = "/w/.git/hooks/pre-commit".to_owned();
    NotRestored { path, is_new: true, why: "permission denied".to_owned() }
}

#[tokio::test]
async fn what_could_not_be_put_back_is_named_beside_what_was() {
    let workspace = Workspace::new();
    workspace.processes.ends(CommandStatus::Refused, BoundedOutput::default(), &[".git/config"]);
    if let Some(Ok(end)) = &mut *workspace.processes.answer.lock().expect("a lock") {
        end.not_restored = vec![left()];
    }
    let outcome = workspace.call("bash", json!({"command": "make"})).await;
    let says = "denied; the command changed protected files, which only a person may do; they were put back: \
                .git/config; protected files that it changed could not be put back, which a person has to do now: \
                /w/.git/hooks/pre-commit (new): permission denied";
    assert_eq!((outcome.status, outcome.output.as_str()), (ToolStatus::Denied, says));
}

#[tokio::test]
async fn long_output_is_head_and_tail_with_the_rest_counted() {
    let output = BoundedOutput {
        head: "a".repeat(BoundedOutput::SIDE),
        tail: "뒤".repeat(BoundedOutput::SIDE / 3),
        omitted_bytes: 1_000_000,
    };
    let all = 1_000_000 + 65_536 + 65_535;
    let outcome = run(CommandStatus::Exited(2), output, &[]).await;
    assert!(outcome.output.chars().count() <= ToolOutcome::LONGEST);
    assert!(outcome.output.starts_with("aa") && outcome.output.ends_with("뒤뒤\nexit code 2"));
    assert!(outcome.output.contains(&format!("[... {} bytes left out here ...]", outcome.omitted_bytes)));
    let heads = outcome.output.find('\n').expect("a line of its own");
    let tails = outcome.output.chars().filter(|c| *c == '뒤').count();
    assert_eq!(outcome.omitted_bytes, all - heads as u64 - 3 * tails as u64);
    assert!(heads > 22_000 && tails > 21_000, "{heads} {tails}");
}

#[tokio::test]
async fn the_command_and_its_time_limit_reach_the_port() {
    let workspace = Workspace::new();
    for (input, seconds) in [
        (json!({"command": "make 시험"}), 120),
        (json!({"command": "make 시험", "timeout_seconds": 600}), 600),
    ] {
        workspace.processes.ends(CommandStatus::Exited(0), BoundedOutput::default(), &[]);
        workspace.call("bash", input).await;
        let asked = workspace.processes.requests.lock().expect("a lock").pop();
        let expected =
            CommandRequest { timeout: Duration::from_secs(seconds), ..CommandRequest::new("make 시험") };
        assert_eq!(asked, Some(CommandRequest { run: Some(context().run), ..expected }));
    }
}

#[tokio::test]
async fn a_cancel_reaches_the_port() {
    let workspace = Workspace::new();
    let context = context_with(Box::pin(std::future::ready(())), Bases::default(), None);
    let outcome = workspace.call_in("bash", json!({"command": "sleep 600"}), context).await;
    assert_eq!(outcome.status, ToolStatus::Cancelled);
}

#[tokio::test]
async fn a_command_that_could_not_start_says_why() {
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    for (error, status, says) in [
        (ProcessError::NoSandbox("no level works".to_owned()), ToolStatus::Denied, "no level works"),
        (
            ProcessError::StillChanged(vec![left()]),
            ToolStatus::Denied,
            "no command runs while protected files stay as an earlier one changed them: /w/.git/hooks/pre-commit (new): \
             permission denied; a person has to put them back",
        ),
        (
            ProcessError::Start { command: "make".to_owned(), source: missing() },
            ToolStatus::Error,
            "cannot start the shell for `make`: entity not found",
        ),
    ] {
        let workspace = Workspace::new();
        *workspace.processes.answer.lock().expect("a lock") = Some(Err(error));
        let outcome = workspace.call("bash", json!({"command": "make"})).await;
        assert_eq!((outcome.status, outcome.output.as_str()), (status, says));
    }
}

#[test]
fn the_person_is_shown_the_command() {
    let tool = Workspace::new().toolbox().build("bash").expect("a tool");
    let prepared = tool.prepare(&json!({"command": "rm -r build"})).expect("an input that fits");
    assert_eq!(prepared.target(), CallTarget::Command("rm -r build".to_owned()));
}

#[test]
fn time_limits_have_bounds_and_commands_words() {
    let workspace = Workspace::new();
    for input in [
        json!({"command": "make", "timeout_seconds": 0}),
        json!({"command": "make", "timeout_seconds": 601}),
        json!({"command": "make", "timeout_seconds": -1}),
        json!({"command": " "}),
        json!({"command": "a\0b"}),
    ] {
        workspace.rejection("bash", input);
    }
}

#[tokio::test]
async fn where_the_whole_of_a_cut_output_is_said_and_only_then() {
    let long = BoundedOutput { head: "x".repeat(60_000), ..BoundedOutput::default() };
    let artifact = Artifact { id: "0a1b".to_owned(), bytes: 60_000, omitted_bytes: 0 };
    for (output, whole_output, artifact, said) in [
        (
            long.clone(),
            WholeOutput::Kept(artifact.clone()),
            Some("0a1b"),
            "the whole output in artifact 0a1b",
        ),
        (long, WholeOutput::Lost("disk full".to_owned()), None, "could not be kept: disk full"),
        (
            BoundedOutput { head: "짧음".to_owned(), ..BoundedOutput::default() },
            WholeOutput::Kept(artifact),
            None,
            "짧음",
        ),
    ] {
        let workspace = Workspace::new();
        workspace.processes.ends(CommandStatus::Exited(0), output, &[]);
        if let Some(Ok(end)) = workspace.processes.answer.lock().expect("a lock").as_mut() {
            end.whole_output = whole_output;
        }
        let outcome = workspace.call("bash", json!({"command": "make"})).await;
        assert_eq!(outcome.artifact.as_deref(), artifact);
        assert!(outcome.output.ends_with(said), "{}", outcome.output);
        assert!(outcome.output.chars().count() <= ToolOutcome::LONGEST);
    }
}

/// Contract 6: a failing loopback test says why at `kernel`.
#[tokio::test]
async fn a_command_that_was_refused_a_socket_says_where_there_is_none() {
    use SandboxLevel::{Kernel, None, Strict};

    let refused = "Error: listen EPERM: operation not permitted 127.0.0.1:3000\n";
    for (level, code, output, says) in [
        (Kernel, 1, refused, true),
        (Kernel, 101, "called `Result::unwrap()` on bind: Operation not permitted (os error 1)\n", true),
        (Kernel, 0, refused, false),
        (Kernel, 1, "rm: cannot remove 'a': Operation not permitted\n", false),
        (Strict, 1, refused, false),
        (None, 1, refused, false),
    ] {
        let workspace = Workspace::new();
        *workspace.processes.level.lock().expect("a lock") = Some(level);
        let output = BoundedOutput { head: output.to_owned(), ..BoundedOutput::default() };
        workspace.processes.ends(CommandStatus::Exited(code), output, &[]);
        let outcome = workspace.call("bash", json!({"command": "npm test"})).await;
        assert_eq!(outcome.output.contains("loopback"), says, "{level:?} {code} {}", outcome.output);
    }
}

/// A command is held to what its task may write where it can be, and one that failed for it is told so.
#[tokio::test]
async fn a_held_command_that_may_not_write_is_told_what_it_may() {
    let told = "\nexit code 1; commands of this task may write only `src/a/**`, `문서/` of the workspace, and \
                temporary files, which may be why it failed; what else has to be written, build output included, say \
                when you hand in your work";
    for (output, status, holds, writes, expected) in [
        ("cp: f: Read-only file system", 1, true, Some(&["src/a/**", "문서/"][..]), told),
        ("bash: f: 읽기 전용 파일 시스템입니다", 1, true, Some(&["src/a/**", "문서/"]), told),
        ("Error: EACCES: permission denied, open 'f'", 1, true, Some(&["src/a/**", "문서/"]), told),
        ("error: Permission denied (os error 13)", 1, true, Some(&["src/a/**", "문서/"]), told),
        ("cp: f: Read-only file system", 1, false, Some(&["src/a/**"]), "\nexit code 1"),
        ("cp: f: Read-only file system", 1, true, None, "\nexit code 1"),
        ("cp: f: Read-only file system", 0, true, Some(&["src/a/**"]), ""),
        ("1 test failed", 1, true, Some(&["src/a/**"]), "\nexit code 1"),
    ] {
        let workspace = Workspace::new();
        workspace.processes.holds.store(holds, std::sync::atomic::Ordering::Relaxed);
        let head = output.to_owned();
        let end = BoundedOutput { head, ..BoundedOutput::default() };
        workspace.processes.ends(CommandStatus::Exited(status), end, &[]);
        let context = context_with(domain::ports::never_cancelled(), Bases::default(), writes);
        let granted = context.writes.clone();
        let outcome = workspace.call_in("bash", json!({"command": "make"}), context).await;
        assert_eq!(outcome.output, format!("{output}{expected}"));
        assert_eq!(workspace.processes.requests.lock().expect("a lock")[0].writes, granted);
    }
}

/// Contract 4: `writes` is the grant of the file tools; commands are held to it only beside other runs.
#[tokio::test]
async fn a_command_of_a_run_that_is_alone_may_write_its_build_folder() {
    let workspace = Workspace::new();
    workspace.processes.ends(CommandStatus::Exited(0), BoundedOutput::default(), &[]);
    let context = context_with(domain::ports::never_cancelled(), Bases::default(), Some(&["src/**"]));
    let alone = domain::ports::ToolContext { holds_commands: false, ..context };
    workspace.call_in("bash", json!({"command": "make"}), alone).await;
    assert_eq!(workspace.processes.requests.lock().expect("a lock")[0].writes, None);
}
