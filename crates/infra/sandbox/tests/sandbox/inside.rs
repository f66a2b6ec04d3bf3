//! Attacks that a shell cannot spell. This test program copies itself into the workspace and runs there as the
//! attacker: [`attack`] is the attacker's half, [`is_refused`] the other.

use std::{fs, os::unix::fs::MetadataExt};

use domain::{command::CommandStatus, permission::SandboxLevel};
use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType},
};

use crate::support::{Bench, WALLED, copy_program, result, run};

/// Nobody that this machine knows.
const SOMEBODY: u32 = 4_711;
/// Names the attack, in the attacker's working folder.
const ORDER: &str = "order";

fn socket(family: AddressFamily, kind: SocketType) -> Result<(), Errno> {
    rustix::net::socket(family, kind, None).map(drop)
}

fn pair(kind: SocketType) -> Result<(), Errno> {
    rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).map(drop)
}

#[expect(unsafe_code, reason = "calls that no safe wrapper makes")]
fn raw(number: i64, first: i64) -> Result<(), Errno> {
    // SAFETY: the calls below take no pointers that are not null.
    let result = unsafe { libc::syscall(number, first, 0_i64, 0_i64, 0_i64) };
    if result >= 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).expect("an error of the system"))
}

#[expect(unsafe_code, reason = "a call that no safe wrapper makes")]
fn seize(process: i64) -> Result<(), Errno> {
    let request = i64::from(libc::PTRACE_SEIZE);
    // SAFETY: the call takes no pointers that are not null.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, request, process, 0_i64, 0_i64) };
    if result >= 0 {
        Ok(())
    } else {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).expect("an error"))
    }
}

fn tried(order: &str) -> Result<(), Errno> {
    match order {
        "tcp" => socket(AddressFamily::INET, SocketType::STREAM),
        "tcp 6" => socket(AddressFamily::INET6, SocketType::STREAM),
        "udp" => socket(AddressFamily::INET, SocketType::DGRAM),
        "unix" => socket(AddressFamily::UNIX, SocketType::STREAM),
        "unix datagrams" => socket(AddressFamily::UNIX, SocketType::DGRAM),
        "netlink" => socket(AddressFamily::NETLINK, SocketType::RAW),
        "a pair of streams" => pair(SocketType::STREAM),
        "a pair of datagrams" => pair(SocketType::DGRAM),
        "io_uring" => raw(libc::SYS_io_uring_setup, 1),
        "ptrace" => raw(libc::SYS_ptrace, libc::PTRACE_TRACEME.into()),
        "tracing the first process" => seize(1),
        "a key ring" => raw(libc::SYS_keyctl, 0),
        "a shared memory" => raw(libc::SYS_shmget, 0),
        "a message queue" => raw(libc::SYS_msgget, 0),
        "a call of x32" => raw(0x4000_0000 | libc::SYS_getpid, 0),
        signal => {
            let pid = signal.strip_prefix("signal ").and_then(|pid| pid.parse().ok());
            let pid = pid.and_then(rustix::process::Pid::from_raw).expect("a known order");
            rustix::process::test_kill_process(pid)
        }
    }
}

/// The attacker's half.
#[test]
#[ignore = "runs inside of a sandbox only"]
fn attack() {
    // Without an order somebody runs the ignored tests, too.
    let Ok(order) = fs::read_to_string(ORDER) else { return };
    println!("tried: {:?}.", tried(&order).map_err(|error| error.raw_os_error()));
}

async fn check(level: SandboxLevel, order: &str, expected: Result<(), Errno>) {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(level).await else { return };
    let program = fs::read_link("/proc/self/exe").expect("our own program");
    copy_program(&program, &bench.workspace.join("attacker"));
    fs::write(bench.workspace.join(ORDER), order).expect("an order");
    let end = run(&sandbox, "exec ./attacker --exact inside::attack --ignored --nocapture").await;
    assert_eq!(end.status, CommandStatus::Exited(0), "{}", end.output.head);
    let expected = format!("tried: {:?}.", expected.map_err(Errno::raw_os_error));
    let said = end.output.head;
    assert!(said.contains(&expected), "`{order}` at {level:?}: expected {expected}, got {said}");
}

/// P24
#[tokio::test]
async fn no_socket_of_any_family_can_be_made_at_kernel() {
    for order in ["tcp", "tcp 6", "udp", "unix", "unix datagrams", "netlink", "a pair of datagrams"] {
        check(SandboxLevel::Kernel, order, Err(Errno::PERM)).await;
    }
    check(SandboxLevel::Kernel, "a pair of streams", Ok(())).await;
}

/// P24: a socket with a path, or an abstract one, is a door to whoever listens there.
#[tokio::test]
async fn sockets_of_a_network_of_its_own_can_be_made_at_strict_and_local_ones_cannot() {
    for order in ["tcp", "tcp 6", "udp", "netlink", "a pair of streams"] {
        check(SandboxLevel::Strict, order, Ok(())).await;
    }
    for order in ["unix", "unix datagrams", "a pair of datagrams"] {
        check(SandboxLevel::Strict, order, Err(Errno::PERM)).await;
    }
}

#[tokio::test]
async fn io_uring_key_rings_and_foreign_calls_are_refused() {
    for level in WALLED {
        check(level, "io_uring", Err(Errno::NOSYS)).await;
        check(level, "a key ring", Err(Errno::NOSYS)).await;
        if cfg!(target_arch = "x86_64") {
            check(level, "a call of x32", Err(Errno::NOSYS)).await;
        }
    }
}

#[tokio::test]
async fn what_reaches_others_is_refused_where_there_are_others() {
    check(SandboxLevel::Kernel, "ptrace", Err(Errno::PERM)).await;
    check(SandboxLevel::Strict, "ptrace", Ok(())).await;
    check(SandboxLevel::Strict, "tracing the first process", Err(Errno::PERM)).await;
    for order in ["a shared memory", "a message queue"] {
        check(SandboxLevel::Kernel, order, Err(Errno::NOSYS)).await;
    }
    // It may be made; none of no size.
    check(SandboxLevel::Strict, "a shared memory", Err(Errno::INVAL)).await;
    check(SandboxLevel::Strict, "a message queue", Ok(())).await;
}

#[tokio::test]
async fn a_process_outside_cannot_be_signalled() {
    let order = format!("signal {}", std::process::id());
    check(SandboxLevel::Strict, &order, Err(Errno::SRCH)).await;
    if !knows_scopes().await {
        return testkit::requirement::skip("Landlock holds signals back from ABI 6 on");
    }
    check(SandboxLevel::Kernel, &order, Err(Errno::PERM)).await;
}

/// Root in a container is a common host; its capabilities would go round the wall.
#[tokio::test]
async fn root_keeps_no_power() {
    for level in WALLED {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let (_, status) = result(&sandbox, "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status").await;
        let sets: Vec<_> = status.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(sets, ["0000000000000000"; 4], "{level:?}");
    }
}

/// Such a container has the workspace of somebody whom it does not know.
#[tokio::test]
async fn root_works_in_somebody_elses_workspace_and_changes_nothing_of_theirs_outside() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let bench = Bench::new();
    std::os::unix::fs::chown(&bench.workspace, Some(SOMEBODY), Some(SOMEBODY)).expect("we are root");
    std::os::unix::fs::chown(bench.secret(), Some(SOMEBODY), Some(SOMEBODY)).expect("we are root");
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return };
    let command = "grep CapEff /proc/self/status | cut -f 2; echo x > made && cat made";
    assert_eq!(
        result(&sandbox, command).await,
        (CommandStatus::Exited(0), "0000000000000002\nx\n".to_owned())
    );
    let before = fs::metadata(bench.secret()).expect("the secret");
    for change in ["chmod 777", "chown 0", "touch -d 1999-01-01"] {
        let (status, _) = result(&sandbox, &format!("{change} '{}'", bench.secret().display())).await;
        assert_eq!(status, CommandStatus::Exited(1), "{change}");
    }
    let after = fs::metadata(bench.secret()).expect("the secret");
    let state = |found: &fs::Metadata| (found.mode(), found.uid(), found.mtime(), found.ctime_nsec());
    assert_eq!(state(&before), state(&after));
    let reason = sandbox.check().await.expect("it works").reason;
    assert!(reason.contains("because a writable folder belongs to somebody else"), "{reason}");
}

/// `tar` gives what root unpacks back to whom it belonged elsewhere, unless it is told not to.
#[tokio::test]
async fn root_unpacks_what_belonged_to_somebody_else() {
    for level in WALLED {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        let command =
            "echo x > a && tar --owner=4711 --group=4711 -cf a.tar a && rm a && tar xf a.tar && cat a";
        assert_eq!(
            result(&sandbox, command).await,
            (CommandStatus::Exited(0), "x\n".to_owned()),
            "{level:?}"
        );
    }
}

/// bubblewrap's own process inside belongs to the same person: without the filter it would be a way round it.
#[tokio::test]
async fn the_first_process_inside_is_behind_the_filter_too() {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Strict).await else { return };
    let (_, seen) =
        result(&sandbox, "cat /proc/1/comm; grep ^Seccomp: /proc/1/status /proc/self/status").await;
    assert_eq!(seen, "bwrap\n/proc/1/status:Seccomp:\t2\n/proc/self/status:Seccomp:\t2\n");
    assert_eq!(result(&sandbox, ": 3<>/proc/1/mem").await.0, CommandStatus::Exited(1));
}

/// Landlock holds signals back from ABI 6 on.
async fn knows_scopes() -> bool {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return false };
    let reason = sandbox.check().await.expect("it works").reason;
    let abi = reason
        .split(['(', ')'])
        .nth(1)
        .and_then(|abi| abi.strip_prefix("ABI "))
        .and_then(|abi| abi.parse().ok());
    abi.is_some_and(|abi: u32| abi >= 6)
}
