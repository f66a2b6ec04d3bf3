//! What a command inside the wall can and cannot reach.

use std::{fs, path::Path};

use domain::{command::CommandStatus, permission::SandboxLevel};

use crate::support::{Bench, SECRET, copy_program, quoted, result};

/// Runs the command inside, in a bench where `$OUT` stands for the folder beside the workspace.
async fn check(bench: &Bench, command: &str, is_allowed: bool) -> String {
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return String::new() };
    let out = quoted(&bench.home);
    let (status, output) = result(&sandbox, &format!("OUT={out}\n{command}")).await;
    assert_eq!(status == CommandStatus::Exited(0), is_allowed, "`{command}`: {status:?} {output}");
    assert!(!output.contains(SECRET), "`{command}`: {output}");
    output
}

#[tokio::test]
async fn nothing_outside_can_be_read() {
    let bench = Bench::new();
    std::os::unix::fs::symlink(bench.secret(), bench.workspace.join("link")).expect("a link");
    for command in [
        "cat \"$OUT/secret\"",
        "cat ../home/secret",
        "cat link",
        "ls \"$OUT\"",
        "ls /tmp",
        "ls /home /root",
        "ls /",
        "cat /etc/shadow",
        "cat /etc/hostname",
        "ln \"$OUT/secret\" hard && cat hard",
        "mv \"$OUT/secret\" moved && cat moved",
        "cat /proc/$PPID/environ",
        "cat /proc/1/environ",
        "cat /proc/$PPID/root/etc/hostname",
        "head -c1 /dev/mem || head -c1 /dev/kmsg || head -c1 /dev/sda || head -c1 /dev/vda",
        "mknod disk b 254 0",
        "mknod zero c 1 5",
        "mknod whiteout c 0 0",
    ] {
        check(&bench, command, false).await;
    }
    assert_eq!(fs::read_to_string(bench.secret()).expect("the secret"), SECRET);
}

#[tokio::test]
async fn nothing_outside_can_be_written() {
    let bench = Bench::new();
    std::os::unix::fs::symlink(&bench.home, bench.workspace.join("link")).expect("a link");
    for command in [
        "echo x > \"$OUT/new\"",
        "echo x > \"$OUT/secret\"",
        "echo x > link/new",
        ": > link/secret",
        "truncate -s0 \"$OUT/secret\"",
        "rm -f \"$OUT/secret\"",
        "mv \"$OUT/secret\" \"$OUT/other\"",
        "echo x > own; mv own \"$OUT/own\"",
        "echo x > own; ln own \"$OUT/own\"",
        "ln -s x \"$OUT/own\"",
        "mkdir \"$OUT/own\"",
        "mkfifo \"$OUT/own\"",
        "mv \"$PWD\" \"$OUT/own\"",
        "f=/tmp/better-llm-canary-$$; echo x > $f && rm $f",
        "echo x > /usr/canary || echo x > /etc/canary || echo x > /dev/shm/canary",
        "echo 0 > /proc/self/oom_score_adj",
    ] {
        check(&bench, command, false).await;
    }
    let mut left: Vec<_> = fs::read_dir(&bench.home)
        .expect("the home")
        .map(|entry| entry.expect("a name").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["cache", "secret"]);
    assert_eq!(fs::read_to_string(bench.secret()).expect("the secret"), SECRET);
}

#[tokio::test]
async fn the_workspace_the_caches_and_the_devices_of_shells_work() {
    let bench = Bench::new();
    for command in [
        "mkdir -p a/b && echo x > a/b/c && mv a/b/c a/d && ln a/d a/e && ln -s d a/f && rm -r a",
        "echo x > \"$HOME/x\" && cat \"$HOME/x\"",
        "mkdir -p \"$CARGO_HOME\" && echo x > \"$CARGO_HOME/x\"",
        "f=$(mktemp) && echo x > \"$f\"",
        "echo x > /dev/null && head -c1 /dev/zero && head -c1 /dev/urandom >/dev/null",
        "cat <(echo x) && cat <<< y && echo z | cat && echo e > /dev/stderr",
        "cat /etc/passwd > /dev/null && ls /usr/bin > /dev/null && cat /proc/self/status > /dev/null",
        "echo '#!/bin/sh' > run && chmod +x run && ./run",
        "[ -e /proc/self/fd/0 ] && ! [ -t 0 ]",
    ] {
        check(&bench, command, true).await;
    }
}

/// P24
#[tokio::test]
async fn a_listener_of_this_machine_cannot_be_reached() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    for way in ["tcp", "udp"] {
        check(
            &bench,
            &format!("command -v bash && exec bash -c 'echo x > /dev/{way}/127.0.0.1/{port}'"),
            false,
        )
        .await;
    }
    listener.set_nonblocking(true).expect("a listener that does not wait");
    assert_eq!(listener.accept().expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_descriptor_that_the_host_left_open_does_not_pass() {
    let bench = Bench::new();
    let flags = rustix::fs::OFlags::RDONLY;
    let open = rustix::fs::open(bench.secret(), flags, rustix::fs::Mode::empty()).expect("the secret");
    let number = std::os::fd::AsRawFd::as_raw_fd(&open);
    check(&bench, &format!("cat <&{number}"), false).await;
}

#[tokio::test]
async fn a_workspace_that_is_made_anew_and_a_program_folder_that_appears_are_granted() {
    let bench = Bench::new();
    let programs = bench.root.path().canonicalize().expect("its path").join("late/bin");
    let mut settings = bench.settings(better_llm_sandbox::Requested::Level(SandboxLevel::Kernel));
    let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
    path.1.push(":");
    path.1.push(&programs);
    let Some(sandbox) = bench.with(settings).await else { return };
    assert_eq!(result(&sandbox, "late 2>/dev/null").await.0, CommandStatus::Exited(127));

    fs::remove_dir(&bench.workspace).expect("the old workspace");
    fs::create_dir(&bench.workspace).expect("the new workspace");
    fs::create_dir_all(&programs).expect("the folder");
    copy_program(Path::new("/bin/echo"), &programs.join("late"));
    assert_eq!(
        result(&sandbox, "late came > it; cat it").await,
        (CommandStatus::Exited(0), "came\n".to_owned())
    );
}

#[tokio::test]
async fn a_path_folder_that_holds_the_home_is_not_granted_and_that_is_said() {
    let bench = Bench::new();
    let mut settings = bench.settings(better_llm_sandbox::Requested::Level(SandboxLevel::Kernel));
    let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
    path.1.push(":");
    path.1.push(&bench.home);
    let Some(sandbox) = bench.with(settings).await else { return };
    let (status, _) = result(&sandbox, &format!("cat {}", quoted(&bench.secret()))).await;
    assert_eq!(status, CommandStatus::Exited(1));
    let reason = sandbox.check().await.expect("it works").reason;
    let said = format!("not readable, because too much lies below: {}", bench.home.display());
    assert!(reason.contains(&said), "{reason}");
}
