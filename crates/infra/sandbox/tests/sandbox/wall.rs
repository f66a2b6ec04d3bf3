//! What a command inside the wall can and cannot reach.

use std::{
    fs,
    path::{Path, PathBuf},
};

use better_llm_sandbox::{AddedDir, Requested};
use domain::{command::CommandStatus, permission::SandboxLevel};

use crate::support::{Bench, SECRET, WALLED, chain, copy_program, quoted, result};

/// Runs the command at the levels, in a bench where `$OUT` stands for the folder beside the workspace.
async fn check(bench: &Bench, levels: &[SandboxLevel], command: &str, is_allowed: bool) {
    for level in levels {
        let Some(sandbox) = bench.at(*level).await else { continue };
        let out = quoted(&bench.home);
        let (status, output) = result(&sandbox, &format!("OUT={out}\n{command}")).await;
        assert_eq!(
            status == CommandStatus::Exited(0),
            is_allowed,
            "`{command}` at {level:?}: {status:?} {output}"
        );
        assert!(!output.contains(SECRET), "`{command}` at {level:?}: {output}");
    }
}

/// In `/tmp`, folders on the way to what a view holds are in its own memory, and writable there. So the bench stands
/// where this was built; where that is in there, too, in a folder of the system's, or for a plain user in their home.
fn outside_of_tmp() -> Bench {
    let built = Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    let is_fit = |folder: &PathBuf| {
        let is_ours = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok();
        is_ours && !["/tmp", "/var/tmp", "/dev/shm"].iter().any(|memory| folder.starts_with(memory))
    };
    let elsewhere = [built, Some("/var/lib".into()), std::env::home_dir()];
    let folder = elsewhere.into_iter().flatten().find(is_fit);
    Bench::within(&folder.unwrap_or_else(|| "/var/tmp".into()))
}

const KERNEL: [SandboxLevel; 1] = [SandboxLevel::Kernel];
const STRICT: [SandboxLevel; 1] = [SandboxLevel::Strict];

#[tokio::test]
async fn nothing_outside_can_be_read() {
    let bench = outside_of_tmp();
    std::os::unix::fs::symlink(bench.secret(), bench.workspace.join("link")).expect("a link");
    for command in [
        "cat \"$OUT/secret\"",
        "cat ../home/secret",
        "cat link",
        "ls \"$OUT/secret\" && cat \"$OUT/secret\"",
        "ls /home /root",
        "cat /etc/shadow",
        "cat /etc/hostname",
        "ln \"$OUT/secret\" hard && cat hard",
        "mv \"$OUT/secret\" moved && cat moved",
        "cat /proc/$PPID/root/etc/hostname",
        "head -c1 /dev/mem || head -c1 /dev/kmsg || head -c1 /dev/sda || head -c1 /dev/vda",
        "mknod disk b 254 0",
        "mknod zero c 1 5",
    ] {
        check(&bench, &WALLED, command, false).await;
    }
    let more = [
        "ls \"$OUT\"",
        "ls /tmp",
        "ls /",
        "cat /proc/$PPID/environ",
        "cat /proc/1/environ",
        "mknod none c 0 0",
    ];
    for command in more {
        check(&bench, &KERNEL, command, false).await;
    }
    assert_eq!(fs::read_to_string(bench.secret()).expect("the secret"), SECRET);
}

/// At `strict` what is outside is not even there.
#[tokio::test]
async fn nothing_outside_can_be_seen_in_a_view_of_its_own() {
    let bench = outside_of_tmp();
    let outside = std::process::id();
    for command in [
        "stat \"$OUT/secret\"".to_owned(),
        "stat /root".to_owned(),
        "chmod 777 \"$OUT/secret\"".to_owned(),
        "touch -d @0 \"$OUT/secret\"".to_owned(),
        "touch -d @0 /usr/bin || chmod 755 /usr/bin".to_owned(),
        // Numbers of processes are their own, so that of ours is somebody else's or nobody's.
        format!("tr '\\0' '\\n' < /proc/{outside}/cmdline | grep sandbox-"),
        format!("[ {outside} -gt 100 ] && kill -0 {outside}"),
        "[ \"$(ls -d /proc/[0-9]* | wc -l)\" -gt 6 ]".to_owned(),
        "unshare -U true || unshare -m true || unshare -n true".to_owned(),
        "mount -t tmpfs none /opt || umount /usr || umount \"$PWD\"".to_owned(),
        "chroot / true".to_owned(),
        // What they say already, and a question for help: harmless where the wall is down.
        "f=/proc/sys/kernel/core_pattern; v=$(cat $f); echo \"$v\" > $f".to_owned(),
        "f=/proc/sys/kernel/pid_max; v=$(cat $f); echo \"$v\" > $f".to_owned(),
        "echo h > /proc/sysrq-trigger || ls /sys/kernel".to_owned(),
        // The first process inside is not ours to rewrite, though it is the same person's.
        "dd if=/dev/zero of=/proc/1/mem bs=1 count=1 seek=$((0x10000)) 2>&1".to_owned(),
        "ls /tmp | grep -v ^.tmp".to_owned(),
        "ls -A /dev/shm | grep .".to_owned(),
        "tr '\\0' '\\n' < /proc/1/environ | grep .".to_owned(),
        "hostname nowhere".to_owned(),
    ] {
        check(&bench, &STRICT, &command, false).await;
    }
    use std::os::unix::fs::MetadataExt;
    let found = bench.secret().metadata().expect("the secret");
    assert!(found.mode() & 0o777 != 0o777 && found.mtime() != 0);
}

#[tokio::test]
async fn nothing_outside_can_be_written() {
    let bench = outside_of_tmp();
    std::os::unix::fs::symlink(&bench.home, bench.workspace.join("link")).expect("a link");
    for command in [
        "echo x > \"$OUT/new\"",
        "echo x > \"$OUT/secret\"",
        "echo x > link/new",
        ": > link/secret",
        "truncate -s0 \"$OUT/secret\"",
        "rm \"$OUT/secret\"",
        "mv \"$OUT/secret\" \"$OUT/other\"",
        "echo x > own; mv own \"$OUT/own\"",
        "echo x > own; ln own \"$OUT/own\"",
        "ln -s x \"$OUT/own\"",
        "mkdir \"$OUT/own\"",
        "mkfifo \"$OUT/own\"",
        "mv \"$PWD\" \"$OUT/own\"",
        "echo x > /usr/canary || echo x > /etc/canary || echo x > /canary || mkdir /canary",
        "echo 0 > /proc/self/oom_score_adj",
    ] {
        check(&bench, &WALLED, command, false).await;
    }
    check(&bench, &KERNEL, "f=/tmp/better-llm-canary-$$; echo x > $f && rm $f", false).await;
    check(&bench, &KERNEL, "echo x > /dev/shm/canary", false).await;
    let mut left: Vec<_> = fs::read_dir(&bench.home)
        .expect("the home")
        .map(|entry| entry.expect("a name").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["cache", "secret"]);
    assert_eq!(fs::read_to_string(bench.secret()).expect("the secret"), SECRET);
    assert!(!Path::new("/dev/shm/canary").exists());
}

/// Beside the workspace nothing lies in `/tmp` here, so it is the session's temporary folder: what one command leaves
/// there the next one finds, and the host does not.
#[tokio::test]
async fn a_view_has_a_tmp_of_its_own_that_lasts_as_long_as_the_session() {
    let bench = outside_of_tmp();
    let Some(sandbox) = bench.at(SandboxLevel::Strict).await else { return };
    let name = format!("/tmp/better-llm-canary-{}", std::process::id());
    assert_eq!(result(&sandbox, &format!("echo 가 > {name}; ls -A /tmp | wc -l")).await.1, "1\n");
    assert_eq!(
        result(&sandbox, &format!("cat {name} /var/tmp/${{f##*/}}; ls \"$TMPDIR\"")).await.1.lines().next(),
        Some("가")
    );
    assert!(!Path::new(&name).exists());
    assert_eq!(result(&sandbox, "echo x > /dev/shm/x && cat /dev/shm/x").await.1, "x\n");
    assert_eq!(result(&sandbox, "ls -A /dev/shm").await.1, "");
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
        check(&bench, &WALLED, command, true).await;
    }
}

/// P24
#[tokio::test]
async fn a_listener_of_this_machine_cannot_be_reached() {
    let bench = Bench::new();
    let streams = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let [stream, datagram] =
        [streams.local_addr(), datagrams.local_addr()].map(|at| at.expect("an address").port());
    let send = |way: &str, port: u16| {
        format!("command -v bash && exec bash -c 'echo x > /dev/{way}/127.0.0.1/{port}'")
    };
    check(&bench, &WALLED, &send("tcp", stream), false).await;
    check(&bench, &KERNEL, &send("udp", datagram), false).await;
    // It is sent, to nobody.
    check(&bench, &STRICT, &send("udp", datagram), true).await;
    // A name, and an address that would be asked for it.
    check(&bench, &WALLED, "command -v getent && getent hosts example.org", false).await;
    check(&bench, &WALLED, "command -v bash && exec bash -c 'echo x > /dev/tcp/192.0.2.1/80'", false).await;
    streams.set_nonblocking(true).expect("a listener that does not wait");
    datagrams.set_nonblocking(true).expect("a socket that does not wait");
    assert_eq!(streams.accept().expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(datagrams.recv(&mut [0; 8]).expect_err("nothing came").kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_descriptor_that_the_host_left_open_does_not_pass() {
    let bench = Bench::new();
    let flags = rustix::fs::OFlags::RDONLY;
    let open = rustix::fs::open(bench.secret(), flags, rustix::fs::Mode::empty()).expect("the secret");
    let number = std::os::fd::AsRawFd::as_raw_fd(&open);
    check(&bench, &WALLED, &format!("cat <&{number}"), false).await;
}

#[tokio::test]
async fn a_workspace_that_is_made_anew_and_a_program_folder_that_appears_are_granted() {
    for level in WALLED {
        let bench = Bench::new();
        let programs = bench.root.path().canonicalize().expect("its path").join("late/bin");
        let mut settings = bench.settings(Requested::Level(level));
        let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
        path.1.push(":");
        path.1.push(&programs);
        let Some(sandbox) = bench.with(settings).await else { continue };
        assert_eq!(result(&sandbox, "late 2>/dev/null").await.0, CommandStatus::Exited(127));

        fs::remove_dir_all(&bench.workspace).expect("the old workspace");
        fs::create_dir(&bench.workspace).expect("the new workspace");
        fs::create_dir_all(&programs).expect("the folder");
        copy_program(Path::new("/bin/echo"), &programs.join("late"));
        assert_eq!(
            result(&sandbox, "late came > it; cat it").await,
            (CommandStatus::Exited(0), "came\n".to_owned())
        );
    }
}

#[tokio::test]
async fn a_path_folder_that_holds_the_home_is_not_granted_and_that_is_said() {
    for (level, said) in WALLED.into_iter().zip(["not readable", "not visible"]) {
        let bench = Bench::new();
        let mut settings = bench.settings(Requested::Level(level));
        let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
        path.1.push(":");
        path.1.push(&bench.home);
        let Some(sandbox) = bench.with(settings).await else { continue };
        let (status, _) = result(&sandbox, &format!("cat {}", quoted(&bench.secret()))).await;
        assert_eq!(status, CommandStatus::Exited(1));
        let reason = sandbox.check().await.expect("it works").reason;
        let said = format!("{said}, because too much lies below: {}", bench.home.display());
        assert!(reason.contains(&said), "{reason}");
    }
}

/// A folder of `PATH` may be named by links, as homes are on some systems.
#[tokio::test]
async fn programs_are_found_under_the_names_that_the_path_has_for_them() {
    for level in WALLED {
        let bench = Bench::new();
        let real = bench.home.join("real");
        fs::create_dir_all(real.join("v1/bin")).expect("a folder");
        copy_program(Path::new("/bin/echo"), &real.join("v1/bin/say"));
        std::os::unix::fs::symlink("v1", real.join("current")).expect("a link");
        std::os::unix::fs::symlink(&real, bench.home.join("named")).expect("a link");
        let mut settings = bench.settings(Requested::Level(level));
        let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
        path.1.push(":");
        path.1.push(bench.home.join("named/current/bin"));
        let Some(sandbox) = bench.with(settings).await else { continue };
        let (_, output) = result(&sandbox, "say found; command -v say").await;
        let expected = format!("found\n{}\n", bench.home.join("named/current/bin/say").display());
        assert_eq!(output, expected, "{level:?}");
    }
}

#[tokio::test]
async fn added_folders_are_writable_or_readable_as_they_were_added() {
    for level in WALLED {
        let bench = Bench::new();
        let folders = ["가 more", "look"].map(|name| bench.home.join(name));
        for folder in &folders {
            fs::create_dir_all(folder.join("in")).expect("a folder");
            fs::write(folder.join("in/file"), "here").expect("a file");
        }
        let mut settings = bench.settings(Requested::Level(level));
        settings.add_dirs = vec![
            AddedDir { path: folders[0].clone(), writable: true },
            AddedDir { path: folders[1].clone(), writable: false },
        ];
        let Some(sandbox) = bench.with(settings).await else { continue };
        let [more, look] = folders.each_ref().map(|folder| quoted(folder));
        let command =
            format!("cat {more}/in/file {look}/in/file; echo x > {more}/in/new; echo x > {look}/in/new");
        let (status, output) = result(&sandbox, &command).await;
        assert_eq!((status, output.starts_with("herehere")), (CommandStatus::Exited(1), true), "{output}");
        assert!(folders[0].join("in/new").exists() && !folders[1].join("in/new").exists(), "{level:?}");
    }
}

/// Landlock adds rights up, mounts do not.
#[tokio::test]
async fn a_read_only_folder_inside_of_the_workspace_needs_mounts() {
    for level in WALLED {
        let bench = Bench::new();
        fs::create_dir_all(bench.workspace.join("deep/vendor/in")).expect("a folder");
        let mut settings = bench.settings(Requested::Level(level));
        settings.add_dirs = vec![AddedDir { path: bench.workspace.join("deep/vendor"), writable: false }];
        if level == SandboxLevel::Kernel {
            let error = better_llm_sandbox::Sandbox::new(settings).check().await.expect_err("it cannot be");
            assert!(chain(&*error).contains("level `strict` can do that"), "{}", chain(&*error));
            continue;
        }
        let Some(sandbox) = bench.with(settings).await else { continue };
        for command in [
            "echo x > deep/vendor/in/new",
            "mv deep/vendor deep/other",
            "mv deep other",
            "rm -rf deep/vendor/in",
        ] {
            assert_eq!(result(&sandbox, command).await.0, CommandStatus::Exited(1), "`{command}`");
        }
        assert_eq!(result(&sandbox, "echo x > deep/new").await.0, CommandStatus::Exited(0));
        assert!(bench.workspace.join("deep/vendor/in").is_dir());
    }
}
