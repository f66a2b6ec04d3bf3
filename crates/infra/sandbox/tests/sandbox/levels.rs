//! Which level is in force, and what is said where none is.

use std::{fs, sync::Arc};

use better_llm_sandbox::{Requested, Sandbox, SandboxError};
use domain::{
    command::{CommandStatus, ProcessError},
    permission::{SandboxLevel, SandboxState},
    ports::{Processes, never_cancelled},
};

use crate::support::{Bench, Sink, request, result};

/// A bench whose folders for commands cannot be made.
fn without_folders(requested: Requested) -> (Bench, Sandbox) {
    let bench = Bench::new();
    fs::write(bench.home.join("cache"), "in the way").expect("a file");
    let sandbox = Sandbox::new(bench.settings(requested));
    (bench, sandbox)
}

async fn refusal(sandbox: &Sandbox) -> ProcessError {
    let end = sandbox.run(request("touch ran"), Arc::new(Sink::default()), never_cancelled());
    end.await.expect_err("nothing may run")
}

#[tokio::test]
async fn auto_is_the_wall_where_it_works_and_never_none() {
    let bench = Bench::new();
    let sandbox = Sandbox::new(bench.settings(Requested::Auto));
    let state = sandbox.sandbox().await;
    match bench.at(SandboxLevel::Kernel).await {
        Some(_) => {
            assert_eq!((state.level, state.usable), (SandboxLevel::Kernel, true));
            assert!(state.reason.starts_with("Landlock (ABI "), "{}", state.reason);
        }
        None => assert_eq!((state.level, state.usable), (SandboxLevel::None, false)),
    }
    assert_eq!(sandbox.sandbox().await, state);
}

/// P25
#[tokio::test]
async fn a_named_level_that_cannot_be_had_is_an_error_and_not_another_level() {
    let (bench, sandbox) = without_folders(Requested::Level(SandboxLevel::Kernel));
    let error = sandbox.check().await.expect_err("no folders, no sandbox");
    assert!(matches!(&*error, SandboxError::Folder { .. }), "{error:?}");
    assert!(matches!(refusal(&sandbox).await, ProcessError::Sandbox { level: "kernel", .. }));
    let state = sandbox.sandbox().await;
    assert_eq!((state.level, state.usable), (SandboxLevel::Kernel, false));
    assert!(!bench.workspace.join("ran").exists());
}

/// P25
#[tokio::test]
async fn where_auto_finds_nothing_commands_are_refused_with_the_way_out() {
    let (bench, sandbox) = without_folders(Requested::Auto);
    let state = sandbox.check().await.expect("a state");
    assert_eq!(
        SandboxState { reason: String::new(), ..state.clone() },
        SandboxState { level: SandboxLevel::None, reason: String::new(), usable: false }
    );
    assert!(state.reason.starts_with("cannot make the folder "), "{}", state.reason);
    let error = refusal(&sandbox).await;
    assert!(matches!(&error, ProcessError::NoSandbox(_)), "{error:?}");
    assert!(error.to_string().contains("--sandbox none --permission-mode full"), "{error}");
    assert!(!bench.workspace.join("ran").exists());
}

#[tokio::test]
async fn strict_is_said_to_be_missing_in_this_version() {
    let bench = Bench::new();
    let sandbox = Sandbox::new(bench.settings(Requested::Level(SandboxLevel::Strict)));
    let error = sandbox.check().await.expect_err("no launcher");
    assert!(matches!(&*error, SandboxError::NotInThisVersion("strict")), "{error:?}");
    assert!(matches!(refusal(&sandbox).await, ProcessError::Sandbox { level: "strict", .. }));
}

#[tokio::test]
async fn none_has_to_be_asked_for_and_says_so() {
    let bench = Bench::new();
    let sandbox = Sandbox::new(bench.settings(Requested::Level(SandboxLevel::None)));
    let state = sandbox.check().await.expect("it needs nothing");
    assert_eq!((state.level, state.usable), (SandboxLevel::None, true));
    let (status, _) = result(&sandbox, "echo x > ../outside").await;
    assert_eq!(status, CommandStatus::Exited(0));
}
