//! Protected paths at `strict` while other commands live in the folder: of this session, or of another one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use better_llm_sandbox::{Requested, Sandbox};
use domain::{
    command::{CommandStatus, ProcessError},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
};

use crate::{
    protected::repository,
    support::{Bench, SECRET, Sink, cancel, has_python, quoted, request, result, run, within},
};

/// Writes settings with a program for `git status` as soon as it can, and says so.
const WRITE_SETTINGS: &str = "mkdir -p .git/hooks .git/objects .git/refs && echo 'ref: refs/heads/main' > .git/HEAD \
                              && echo '[core] fsmonitor = evil' > .git/config && echo WROTE; \
                              echo '{}' > .better-llm/system_config.json && echo WROTE";
/// Swaps the folder `n`, which holds a repository, with a link to `sys.argv[1]`, and says when it has begun.
const SWAP: &str = "import ctypes, os, random, sys, time
swap = lambda: ctypes.CDLL(None).renameat2(-100, b'n', -100, b'link', 2)
os.makedirs('n/.git', exist_ok=True)
os.symlink(sys.argv[1], 'link')
print('ready', flush=True)
while True:
    for most in .004, .010:
        swap()
        until = time.perf_counter() + random.random() * most
        while time.perf_counter() < until: pass
    try:
        open('.bashrc', 'w').close()
        os.unlink('.bashrc')
    except OSError: pass
";

async fn strict(bench: &Bench) -> Option<Sandbox> {
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    settings.protected = vec![bench.workspace.join(".better-llm")];
    bench.with(settings).await
}

/// Another session of another person's home in the same workspace.
fn beside(bench: &Bench) -> Bench {
    let other = Bench::new();
    Bench { workspace: bench.workspace.clone(), ..other }
}

/// Runs `attack` in `sandbox` while `others` does what it does, and gives what it said.
async fn during(sandbox: &Sandbox, attack: &str, others: impl Future<Output = ()>) -> String {
    let sink = Arc::new(Sink::default());
    let (now, cancelled) = cancel();
    let attacker = sandbox.run(request(attack), Arc::clone(&sink) as _, cancelled);
    let others = async {
        sink.ready().await;
        others.await;
        now.send(()).expect("it runs");
    };
    let (end, ()) = within(async { tokio::join!(attacker, others) }).await;
    end.expect("it runs");
    sink.shown()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("a name").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A file that comes and goes must not make the next command take away what holds this one.
#[tokio::test]
async fn what_was_made_for_a_mount_stays_while_a_command_lives_under_it() {
    let bench = Bench::new();
    let Some(sandbox) = strict(&bench).await else { return };
    let attack = format!(
        "echo ready; while :; do echo x > .bashrc; rm -f .bashrc; {{ {WRITE_SETTINGS}; }} 2>/dev/null; done"
    );
    let said = during(&sandbox, &attack, async {
        for _ in 0..10 {
            run(&sandbox, ":").await;
        }
    });
    assert!(!said.await.contains("WROTE"));
    drop(sandbox);
    assert_eq!(names_in(&bench.workspace), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_that_ends_leaves_what_another_ones_commands_live_under() {
    let bench = Bench::new();
    let other = beside(&bench);
    let (Some(first), Some(second)) = (strict(&bench).await, strict(&other).await) else { return };
    run(&first, ":").await;
    let attack = format!("echo ready; for i in $(seq 200000); do {{ {WRITE_SETTINGS}; }} 2>/dev/null; done");
    let said = during(&second, &attack, async {
        drop(first);
        // It tried again since.
        let third = strict(&other).await.expect("it works");
        run(&third, ":").await;
    });
    assert!(!said.await.contains("WROTE"));
    assert_eq!(names_in(&bench.workspace), [".better-llm", ".git"]);
    drop(second);
    assert_eq!(names_in(&bench.workspace), Vec::<String>::new());
}

/// What a person does in the meantime is the person's.
#[tokio::test]
async fn a_repository_that_a_person_makes_meanwhile_stays_and_is_held() {
    let bench = Bench::new();
    let Some(sandbox) = strict(&bench).await else { return };
    let said = during(&sandbox, "echo ready; until [ -e .git/HEAD ]; do :; done; sleep 100", async {
        crate::protected::git(&bench, &["init", "-q", "."]);
        let end = run(&sandbox, "echo x >> .git/config").await;
        assert_eq!((end.status, end.restored), (CommandStatus::Exited(1), Vec::new()));
    });
    assert_eq!(said.await, "ready\n");
    drop(sandbox);
    assert_eq!(names_in(&bench.workspace), [".git"]);
    assert!(bench.workspace.join(".git/HEAD").exists());
}

/// A mount goes with its place where somebody outside takes that away. What a command puts there then is set aside.
#[tokio::test]
async fn what_a_command_makes_after_its_mount_was_taken_away_is_set_aside() {
    let bench = Bench::new();
    let Some(sandbox) = strict(&bench).await else { return };
    let sink = Arc::new(Sink::default());
    let attack = "echo ready; until mkdir .git/hooks && echo x > .git/config; do :; done 2>/dev/null";
    let end = sandbox.run(request(attack), Arc::clone(&sink) as _, never_cancelled());
    let person = async {
        sink.ready().await;
        let git = bench.workspace.join(".git");
        fs::remove_dir(&git).and_then(|()| fs::create_dir(&git)).expect("our own folder");
    };
    let (end, ()) = within(async { tokio::join!(end, person) }).await;
    let end = end.expect("it runs");
    assert_eq!(end.status, CommandStatus::Refused);
    let [said] = end.restored.as_slice() else { panic!("{:?}", end.restored) };
    assert!(said.starts_with(".git (is set aside as .git.set-aside-"), "{said}");
    let aside = said.rsplit_once(" as ").and_then(|(_, name)| name.split_once(';')).expect("a name").0;
    assert!(bench.workspace.join(aside).join("config").exists());
    assert_eq!(run(&sandbox, "echo x > .git/config").await.status, CommandStatus::Exited(1));
}

/// Reads and writes what lies behind `n`, should it lead outside.
const LOOK: &str =
    "cat n/secret n/.git/secret 2>/dev/null; echo x 2>/dev/null > n/canary; cat link/secret 2>/dev/null; :";

/// Swaps `n` in `sandbox`, with a link to a folder outside that this gives.
fn swapping(bench: &Bench) -> (String, PathBuf) {
    let outside = bench.home.join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("secret"), SECRET).expect("a secret");
    fs::write(bench.workspace.join("swap.py"), SWAP).expect("a program");
    (format!("exec python3 swap.py {}", quoted(&outside)), outside)
}

/// Commands start, and none of them reaches what lies outside.
async fn stay_inside(sandbox: &Sandbox, outside: &Path, commands: usize) {
    for _ in 0..commands {
        let end = sandbox.run(request(LOOK), Arc::new(Sink::default()), never_cancelled());
        match within(end).await {
            Ok(end) => assert!(!end.output.head.contains(SECRET), "{}", end.output.head),
            // A launch may fail in the middle of a swap; it must not succeed elsewhere.
            Err(ProcessError::Sandbox { step, .. }) => assert_eq!(step, "bubblewrap failed, and nothing ran"),
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(names_in(outside), ["secret"]);
    }
}

/// bubblewrap follows paths: a link in place of a folder that it is to mount would lead it outside.
#[tokio::test]
async fn no_swap_of_a_folder_by_a_living_command_leads_the_next_one_outside() {
    let bench = repository();
    let Some(sandbox) = strict(&bench).await else { return };
    if has_python() {
        let (attack, outside) = swapping(&bench);
        during(&sandbox, &attack, stay_inside(&sandbox, &outside, 100)).await;
        assert_eq!(result(&sandbox, "echo works").await, (CommandStatus::Exited(0), "works\n".to_owned()));
    }
}

/// A session that begins meanwhile finds a repository where the other one's command has made it.
#[tokio::test]
async fn no_swap_of_a_folder_by_another_sessions_command_leads_one_outside() {
    let bench = repository();
    let other = beside(&bench);
    let Some(sandbox) = strict(&bench).await else { return };
    if has_python() {
        let (attack, outside) = swapping(&bench);
        let others = async {
            for _ in 0..20 {
                let begun = strict(&other).await.expect("it works");
                stay_inside(&begun, &outside, 5).await;
            }
        };
        during(&sandbox, &attack, others).await;
    }
}

/// The workspace of one session may lie in that of another one, whose commands can move it.
#[tokio::test]
async fn a_workspace_that_another_sessions_command_swaps_leads_nowhere_outside() {
    let bench = Bench::new();
    let mut other = beside(&bench);
    other.workspace = bench.workspace.join("n");
    fs::create_dir(&other.workspace).expect("a folder");
    let (Some(sandbox), Some(second)) = (strict(&bench).await, strict(&other).await) else { return };
    if has_python() {
        let (attack, outside) = swapping(&bench);
        let others = async {
            for _ in 0..150 {
                let look = "cat secret 2>/dev/null; echo x > canary; :";
                let end = second.run(request(look), Arc::new(Sink::default()), never_cancelled());
                if let Ok(end) = within(end).await {
                    assert!(!end.output.head.contains(SECRET), "{}", end.output.head);
                }
                assert_eq!(names_in(&outside), ["secret"]);
            }
        };
        during(&sandbox, &attack, others).await;
    }
}
