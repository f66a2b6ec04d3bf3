//! Commands that will not end, want an answer, die, multiply or look around.

use domain::tool::ToolStatus;
use serde_json::json;
use testkit::{MockServer, Script, Turn};

use super::arena::{Arena, WALLS, Who};
use crate::support::{
    Said,
    turns::{coded, one_worker},
};

fn bash(command: &str, seconds: u64) -> Turn {
    Turn::call("bash", json!({"command": command, "timeout_seconds": seconds}))
}

/// The variables that a command may see (contract 6), beside `LC_*`, those of the shell's own making and the caches'.
const ALLOWED: [&str; 24] = [
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TMPDIR",
    "TAR_OPTIONS",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_OPTIONAL_LOCKS",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "npm_config_cache",
    "PIP_CACHE_DIR",
    "GOPATH",
    "GOMODCACHE",
    "GOCACHE",
    "MAVEN_OPTS",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
];

fn unruly(arena: &Arena) -> Script {
    let sleep = arena.marker.sleep();
    let turns = [
        bash("yes 끝없이 | tr -d '\\n'", 1),
        bash("cat; read -r line || echo 입력이 없다", 60),
        bash(&format!("trap '' TERM INT HUP; echo 반쯤; {sleep} & {sleep}; {sleep}"), 1),
        bash("kill -SEGV $$", 60),
        bash("env | cut -d= -f1 | sort -u", 60),
    ];
    one_worker("coder", turns.into_iter().chain([coded(&[], &[])]))
}

fn check(said: &Said) {
    let ended = said.calls_of("coder");
    let [endless, reader, deaf, killed, looking] = &ended[..] else { panic!("five calls: {ended:?}") };
    assert_eq!(endless.status, ToolStatus::Timeout);
    assert!(endless.output.contains("끝없이끝없이"), "{endless:?}");
    assert_eq!((reader.status, reader.output.as_str()), (ToolStatus::Ok, "입력이 없다\n"));
    assert_eq!(deaf.status, ToolStatus::Timeout);
    assert!(deaf.output.starts_with("반쯤\n"), "{deaf:?}");
    assert!(killed.output.contains("ended by signal 11 (SIGSEGV)"), "{killed:?}");
    let seen = looking.output.lines();
    let more: Vec<&str> = seen.filter(|name| !ALLOWED.contains(name) && !name.starts_with("LC_")).collect();
    assert_eq!(more, Vec::<&str>::new());
}

async fn behave(level: &str, who: Who) {
    let arena = Arena::new();
    let Some((_, said)) = arena.run(unruly(&arena), level, who).await else { return };
    arena.marker.check_gone();
    check(&said);
}

/// P15, P16, P17, P19, P23.
#[tokio::test]
async fn unruly_commands_come_back_and_say_how_they_ended() {
    let [first, second, third, fourth] = WALLS;
    tokio::join!(
        behave(first.0, first.1),
        behave(second.0, second.1),
        behave(third.0, third.1),
        behave(fourth.0, fourth.1),
    );
}

/// P25: a level that was named and is not there begins nothing, and another one is not taken instead.
#[tokio::test]
async fn without_bubblewrap_strict_is_an_error_and_no_other_level() {
    let arena = Arena::new();
    let world = &arena.world;
    let programs = world.outside().join("프로그램");
    std::fs::create_dir(&programs).expect("a folder");
    for program in ["sh", "bash", "git", "touch"] {
        let path = std::env::split_paths(&std::env::var_os("PATH").expect("a path"))
            .map(|folder| folder.join(program))
            .find(|path| path.exists());
        if let Some(path) = path {
            std::os::unix::fs::symlink(path, programs.join(program)).expect("a link");
        }
    }
    let server = MockServer::start(one_worker("coder", [bash("touch 돌았다", 60), coded(&[], &[])])).await;
    let call = world.call(["--sandbox", "strict", "x"]).against(&server).env("PATH", &programs);
    let ended = call.run().await;
    assert_eq!(ended.code(), 3, "{ended:?}");
    for words in ["strict", "bubblewrap", "--sandbox"] {
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
    assert!(!world.has("돌았다") && server.requests().is_empty());
}

/// P20: more processes than a command may have. No true bomb: were there no limit, it would stop at 6,000.
#[tokio::test]
async fn a_command_that_multiplies_meets_its_limit_and_leaves_the_host_usable() {
    for (level, who) in [("strict", Who::Tester), ("strict", Who::PlainUser), ("kernel", Who::PlainUser)] {
        if level == "kernel" && !rustix::process::geteuid().is_root() {
            continue;
        }
        let arena = Arena::new();
        // The marker stands in the command line of each.
        let many = format!(
            "perl -e 'for (1..6000) {{ $p = fork; print(\"refused at $_\\n\"), exit 7 if !defined $p; sleep 86400 if !$p }}' '{}'",
            arena.marker.sleep()
        );
        let script = one_worker("coder", [bash(&many, 15), bash("echo 살아 있다", 60), coded(&[], &[])]);
        let Some((_, said)) = arena.run(script, level, who).await else { continue };
        arena.marker.check_gone();
        let ended = said.calls_of("coder");
        assert!(ended[0].output.starts_with("refused at "), "{level} as {who:?}: {:?}", ended[0]);
        assert_eq!(ended[1].output, "살아 있다\n");
    }
}
