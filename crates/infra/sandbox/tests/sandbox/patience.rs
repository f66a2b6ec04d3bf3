//! bubblewrap may take its time: nobody else of this program waits for it. The tests run on one thread.

use std::{fs, path::Path, sync::Arc};

use better_llm_sandbox::{Requested, SandboxSettings};
use domain::{
    command::{CommandRequest, CommandStatus},
    id::{RunId, Ulid},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
};

use crate::support::{Bench, Sink, chain, make_executable, request, within};

/// Settings whose `bwrap` is a script.
fn with_bubblewrap(bench: &Bench, script: &str) -> SandboxSettings {
    let programs = bench.programs_without("bwrap");
    fs::write(programs.join("bwrap"), format!("#!/bin/sh\n{script}\n")).expect("a script");
    make_executable(&programs.join("bwrap"));
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    settings.environment.retain(|(name, _)| name != "PATH");
    settings.environment.push(("PATH".into(), programs.into()));
    settings
}

fn waiting_for(go: &Path) -> String {
    format!("until [ -e '{}' ]; do :; done", go.display())
}

#[tokio::test]
async fn a_version_that_comes_late_holds_nobody_up() {
    let bench = Bench::new();
    let go = bench.home.join("go");
    let settings = with_bubblewrap(&bench, &format!("{}; echo bubblewrap 0.3.0", waiting_for(&go)));
    let sandbox = better_llm_sandbox::Sandbox::new(settings);
    let (checked, ()) =
        within(async { tokio::join!(sandbox.check(), async { fs::write(&go, "").expect("a file") }) }).await;
    let error = chain(&checked.expect_err("it is too old"));
    assert!(error.contains("is version 0.3.0, and 0.4.0 is needed"), "{error}");
}

#[tokio::test]
async fn a_network_that_comes_late_holds_nobody_up() {
    let bench = Bench::new();
    if bench.at(SandboxLevel::Strict).await.is_none() {
        return;
    }
    let go = bench.home.join("go");
    let real = std::env::split_paths("/usr/local/bin:/usr/bin:/bin")
        .map(|folder| folder.join("bwrap"))
        .find(|program| program.exists())
        .expect("bubblewrap is there");
    // Only a network is asked for with that option, and only one for a run while `slow` is there.
    let slow = bench.home.join("slow");
    let script = format!(
        "case \"$*\" in *--info-fd*) if [ -e '{}' ]; then {}; fi;; esac; exec '{}' \"$@\"",
        slow.display(),
        waiting_for(&go),
        real.display()
    );
    let Some(sandbox) = bench.with(with_bubblewrap(&bench, &script)).await else { return };
    fs::write(&slow, "").expect("a file");
    let run = RunId::new(Ulid(7));
    let order = CommandRequest { run: Some(run), ..request("echo 됨") };
    let running = sandbox.run(order, Arc::new(Sink::default()), never_cancelled());
    let (end, ()) =
        within(async { tokio::join!(running, async { fs::write(&go, "").expect("a file") }) }).await;
    let end = end.expect("it ran");
    assert_eq!((end.status, end.output.head.as_str()), (CommandStatus::Exited(0), "됨\n"));
}
