//! Which level is in force, and what is said where none is.

use std::{fs, sync::Arc};

use better_llm_sandbox::{Requested, Sandbox, SandboxError};
use domain::{
    command::{CommandStatus, ProcessError},
    permission::{SandboxLevel, SandboxState},
    ports::{Processes, never_cancelled},
};

use crate::support::{Bench, Sink, WALLED, chain, make_executable, quoted, request, result};

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
async fn auto_is_the_best_wall_that_works_and_never_none() {
    let bench = Bench::new();
    let sandbox = Sandbox::new(bench.settings(Requested::Auto));
    let state = sandbox.sandbox().await;
    let mut best = None;
    for level in WALLED {
        best = bench.at(level).await.map(|_| level).or(best);
    }
    assert_eq!((state.level, state.usable), (best.unwrap_or(SandboxLevel::None), best.is_some()));
    assert_eq!(sandbox.sandbox().await, state);
}

/// A step down that `auto` makes is said, with what to do about it.
#[tokio::test]
async fn auto_without_bubblewrap_is_kernel_and_says_why() {
    let bench = Bench::new();
    if bench.at(SandboxLevel::Kernel).await.is_none() {
        return;
    }
    let programs = bench.programs_without("bwrap");
    let mut settings = bench.settings(Requested::Auto);
    settings.environment.retain(|(name, _)| name != "PATH");
    settings.environment.push(("PATH".into(), programs.clone().into()));
    let state = Sandbox::new(settings.clone()).sandbox().await;
    assert_eq!((state.level, state.usable), (SandboxLevel::Kernel, true), "{}", state.reason);
    assert!(state.reason.starts_with("Landlock (ABI "), "{}", state.reason);
    let why = "`strict` does not work here: `bwrap` is in no absolute folder of PATH";
    assert!(state.reason.contains(why) && state.reason.contains("install"), "{}", state.reason);

    settings.requested = Requested::Level(SandboxLevel::Strict);
    let error = Sandbox::new(settings).check().await.expect_err("no bubblewrap");
    assert!(matches!(&*error, SandboxError::Unavailable { level: "strict", .. }), "{error:?}");
    assert!(error.to_string().contains("--sandbox auto"), "{error}");
}

/// One in the workspace would run outside of every wall.
#[tokio::test]
async fn a_bubblewrap_of_the_workspace_is_not_taken() {
    let bench = Bench::new();
    let folder = bench.workspace.join("bin");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("bwrap"), format!("#!/bin/sh\necho x > {}\n", quoted(&bench.home.join("ran"))))
        .expect("a trap");
    make_executable(&folder.join("bwrap"));
    let link = bench.home.join("link");
    std::os::unix::fs::symlink(&folder, &link).expect("a link");
    let mut settings = bench.settings(Requested::Auto);
    let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
    path.1 = format!("bin:{}:{}:/usr/local/bin:/usr/bin:/bin", folder.display(), link.display()).into();
    let sandbox = Sandbox::new(settings);
    let state = sandbox.sandbox().await;
    assert!(state.usable, "{}", state.reason);
    assert_eq!(result(&sandbox, "echo runs").await, (CommandStatus::Exited(0), "runs\n".to_owned()));
    assert!(!bench.home.join("ran").exists());
}

/// A bubblewrap that starts and then cannot do its work: found by running a command, not by looking.
#[tokio::test]
async fn a_bubblewrap_that_does_not_work_is_found_out_by_a_probe() {
    for (says, does, expected) in [
        ("bubblewrap 0.8.0", "echo 'bwrap: No permissions' >&2; exit 1", "bwrap: No permissions"),
        ("bubblewrap 0.3.1", "exit 0", "is version 0.3.1, and 0.4.0 is needed"),
        ("hello", "exit 0", "cannot ask"),
    ] {
        let bench = Bench::new();
        let folder = bench.home.join("bin");
        fs::create_dir(&folder).expect("a folder");
        let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && {{ echo {says}; exit; }}\n{does}\n");
        fs::write(folder.join("bwrap"), text).expect("a program");
        make_executable(&folder.join("bwrap"));
        let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
        let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
        path.1 = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()).into();
        let error = Sandbox::new(settings.clone()).check().await.expect_err("it does not work");
        assert!(chain(&*error).contains(expected), "{}", chain(&*error));
        // What failed is not remembered as if it had worked.
        Sandbox::new(settings).check().await.expect_err("it still does not work");
    }
}

/// One session's probe serves the next ones until the machine starts anew, or bubblewrap changes.
#[tokio::test]
async fn a_probe_that_succeeded_is_not_made_again() {
    let bench = Bench::new();
    if bench.at(SandboxLevel::Strict).await.is_none() {
        return;
    }
    let proofs = || fs::read_dir(bench.home.join("cache/sandbox")).map_or(0, Iterator::count);
    assert_eq!(proofs(), 1);
    let folder = bench.home.join("bin");
    fs::create_dir(&folder).expect("a folder");
    let asked = quoted(&bench.home.join("asked"));
    let text = format!("#!/bin/sh\necho x >> {asked}\nPATH=/usr/local/bin:/usr/bin:/bin exec bwrap \"$@\"\n");
    fs::write(folder.join("bwrap"), text).expect("a program");
    make_executable(&folder.join("bwrap"));
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
    path.1 = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()).into();
    let asked = || fs::read_to_string(bench.home.join("asked")).unwrap_or_default().lines().count();
    Sandbox::new(settings.clone()).check().await.expect("it works");
    // Its version, the user namespace that commands start in, and a true command.
    assert_eq!((asked(), proofs()), (3, 1));
    let next = Sandbox::new(settings);
    next.check().await.expect("it works");
    assert_eq!(asked(), 3);
    assert_eq!(result(&next, "echo runs").await.1, "runs\n");
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
async fn none_has_to_be_asked_for_and_says_so() {
    let bench = Bench::new();
    let sandbox = Sandbox::new(bench.settings(Requested::Level(SandboxLevel::None)));
    let state = sandbox.check().await.expect("it needs nothing");
    assert_eq!((state.level, state.usable), (SandboxLevel::None, true));
    let (status, _) = result(&sandbox, "echo x > ../outside").await;
    assert_eq!(status, CommandStatus::Exited(0));
}
