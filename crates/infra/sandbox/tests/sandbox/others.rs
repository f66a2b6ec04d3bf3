//! Other processes of the person: at `kernel` a command sees their numbers and can do nothing to them.

use std::process::{Child, Command, Stdio};

use domain::permission::SandboxLevel;
use rustix::process::{Pid, Resource, getpriority_process, getrlimit};

use crate::support::{Bench, has_python, result};

/// A program of the person's that has nothing to do with us. It waits for the end of its input.
fn bystander() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat")
}

/// Tries what the kernel lets one program of a person do to another one, and names what worked.
const REACH: &str = r#"
import os, resource, sys
here, there = resource.getrlimit(resource.RLIMIT_NOFILE), int(sys.argv[1])
def attempt(name, what):
    try: what()
    except OSError: return
    print(name)
for whom, number in (("own", 0), ("other", there)):
    attempt(whom + " limit", lambda: resource.prlimit(number, resource.RLIMIT_NOFILE, (3, here[1])))
    attempt(whom + " processor time", lambda: resource.prlimit(number, resource.RLIMIT_CPU, (3600, 3600)))
    attempt(whom + " priority", lambda: os.setpriority(os.PRIO_PROCESS, number, 19))
    attempt(whom + " processors", lambda: os.sched_setaffinity(number, {min(os.sched_getaffinity(0))}))
    attempt(whom + " scheduler", lambda: os.sched_setscheduler(number, os.SCHED_BATCH, os.sched_param(0)))
    attempt(whom + " scheduling", lambda: os.sched_setparam(number, os.sched_param(0)))
attempt("all of the person", lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt("reading", lambda: resource.prlimit(there, resource.RLIMIT_NOFILE))
"#;

#[tokio::test]
async fn a_command_at_kernel_changes_no_process_but_its_own() {
    let bench = Bench::new();
    if !has_python() {
        return;
    }
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return };
    std::fs::write(bench.workspace.join("reach.py"), REACH).expect("a program");
    let mut bystander = bystander();
    let other = Pid::from_child(&bystander);
    let state = |pid: Pid| {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("it lives");
        (
            limits,
            getpriority_process(Some(pid)).expect("it lives"),
            rustix::thread::sched_getaffinity(Some(pid)),
        )
    };
    let before = state(other);
    let (_, said) = result(&sandbox, &format!("python3 reach.py {other}")).await;
    let own = ["limit", "processor time", "priority", "processors", "scheduler", "scheduling"];
    let expected: String = own.map(|what| format!("own {what}\n")).concat() + "reading\n";
    assert_eq!((said, format!("{:?}", state(other))), (expected, format!("{before:?}")));
    assert!(getrlimit(Resource::Nofile).current.is_none_or(|limit| limit > 3));
    bystander.kill().and_then(|()| bystander.wait()).expect("it was ours");
}
