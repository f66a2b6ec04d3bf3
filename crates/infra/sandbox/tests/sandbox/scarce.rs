//! Putting back while this program itself is short of something. What it takes away from itself is missing in every
//! thread, so each test runs in a program of its own.

use std::{fs, process::Command, sync::Arc};

use better_llm_sandbox::Sandbox;
use domain::{
    command::{CommandEnd, CommandStatus, NotRestored, ProcessError},
    ports::{Processes, never_cancelled},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    protected::{guarded, repository},
    support::{Bench, Sink, request, result, within},
};

/// Set for the program in which alone these tests do something.
const ALONE: &str = "BETTER_LLM_TEST_ALONE";

fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

#[test]
fn what_is_put_back_does_not_hang_on_what_is_left_of_anything() {
    if is_alone() {
        return;
    }
    for test in ["descriptors", "disk"] {
        let program = fs::read_link("/proc/self/exe").expect("our own program");
        let output = Command::new(program)
            .arg(format!("scarce::{test}"))
            .env(ALONE, "1")
            .output()
            .expect("this program once more");
        let said = String::from_utf8_lossy(&output.stdout);
        let is_fine = output.status.success() && said.contains("1 passed");
        assert!(is_fine, "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Runs the command; it waits for a folder `go`, which is made when `scarce` was called.
async fn run<T>(
    sandbox: &Sandbox,
    bench: &Bench,
    command: &str,
    scarce: impl FnOnce() -> T,
) -> (CommandEnd, T) {
    let sink = Arc::new(Sink::default());
    let command = format!("{command}; echo ready; until [ -d go ]; do :; done");
    let end = sandbox.run(request(&command), Arc::clone(&sink) as _, never_cancelled());
    let go = async {
        sink.ready().await;
        let kept = scarce();
        fs::create_dir(bench.workspace.join("go")).expect("a folder");
        kept
    };
    let (end, kept) = within(async { tokio::join!(end, go) }).await;
    (end.unwrap_or_else(|error| panic!("`{command}`: {error:?}")), kept)
}

#[tokio::test]
async fn descriptors() {
    if !is_alone() {
        return;
    }
    let bench = repository();
    let Some(sandbox) = guarded(&bench).await else { return };
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) })
        .expect("our own limit");
    let take_all = || std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect::<Vec<_>>();
    let command = "mkdir -p .git/hooks/a/b/c; echo evil > .git/hooks/pre-commit; echo evil > .git/config";
    let (end, taken) = run(&sandbox, &bench, command, take_all).await;
    assert!(!taken.is_empty());
    drop(taken);
    let restored = [".git/config", ".git/hooks/a", ".git/hooks/pre-commit"].map(str::to_owned);
    let mut named = end.restored.clone();
    named.sort();
    assert_eq!(
        (end.status, named, end.not_restored),
        (CommandStatus::Refused, restored.to_vec(), Vec::new())
    );
}

/// A disk that takes no more bytes: what cannot be written anew is at least not left as it is.
#[tokio::test]
async fn disk() {
    if !is_alone() {
        return;
    }
    let bench = repository();
    let Some(sandbox) = guarded(&bench).await else { return };
    let (hook, own) =
        (bench.workspace.join(".git/hooks/pre-push"), bench.workspace.join(".git/hooks/pre-commit"));
    let room = |room: Option<u64>| {
        let limit = Rlimit { current: room, ..getrlimit(Resource::Fsize) };
        setrlimit(Resource::Fsize, limit).expect("our own limit");
    };
    #[expect(unsafe_code, reason = "a full disk is an error and no signal")]
    // SAFETY: this program has one test, which expects no such signal.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    let command = "echo evil > .git/hooks/pre-push; echo evil > .git/hooks/pre-commit";
    let (end, ()) = run(&sandbox, &bench, command, || room(Some(0))).await;
    let [NotRestored { path, is_new: false, why }] = &end.not_restored[..] else {
        panic!("{:?}", end.not_restored)
    };
    assert_eq!((path, why.contains("too large")), (&hook.display().to_string(), true), "{why}");
    assert_eq!((end.status, hook.exists(), own.exists()), (CommandStatus::Refused, false, false));
    assert_eq!(sandbox.still_changed().await, end.not_restored);
    // Nothing runs on top of it.
    fs::remove_dir(bench.workspace.join("go")).expect("the folder");
    let refused = sandbox.run(request("touch ran"), Arc::new(Sink::default()), never_cancelled()).await;
    assert!(
        matches!(&refused, Err(ProcessError::StillChanged(left)) if *left == end.not_restored),
        "{refused:?}"
    );
    assert!(!bench.workspace.join("ran").exists());

    room(None);
    assert_eq!(sandbox.still_changed().await, []);
    assert_eq!(fs::read_to_string(&hook).expect("it is back"), "#!/bin/sh\n");
    assert_eq!(result(&sandbox, "true").await, (CommandStatus::Exited(0), String::new()));
}
