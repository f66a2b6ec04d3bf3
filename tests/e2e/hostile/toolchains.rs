//! Real tool chains inside of the walls, without a network: what is installed here. Those that fetch something first
//! are in `scripts/full.sh toolchains`.

use std::{path::Path, process::Command};

use domain::tool::ToolStatus;
use testkit::{MockServer, requirement};

use super::arena::WALLS;
use crate::support::{
    World,
    turns::{bash, coded, one_worker},
};

/// A command and what its output has to hold.
const CHAINS: [(&str, &str, &str); 3] = [
    ("cargo", "cd 러스트 && cargo test --offline 2>&1", "test adds ... ok"),
    ("npm", "cd 노드 && npm test --offline 2>&1", "더했다 7"),
    ("python3", "cd 파이썬 && python3 -m unittest 2>&1", "OK"),
];

fn write_projects(world: &World) {
    let manifest = |name: &str, more: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{more}\n"
        )
    };
    world.write("러스트/Cargo.toml", &manifest("tally", "sum = { path = \"sum\" }"));
    world.write("러스트/src/lib.rs", "#[test]\nfn adds() {\n    assert_eq!(sum::of(3, 4), 7);\n}\n");
    world.write("러스트/sum/Cargo.toml", &manifest("sum", ""));
    world.write("러스트/sum/src/lib.rs", "pub fn of(a: i32, b: i32) -> i32 {\n    a + b\n}\n");
    world.write(
        "노드/package.json",
        r#"{"name": "tally", "version": "1.0.0", "scripts": {"test": "node 시험.js"}}"#,
    );
    world.write("노드/시험.js", "console.log('더했다', 3 + 4);\n");
    let test = "import unittest\n\nclass Test(unittest.TestCase):\n    def test_adds(self):\n        self.assertEqual(3 + 4, 7)\n";
    world.write("파이썬/test_tally.py", test);
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Where rustup keeps its tool chains, as the person's own environment would say.
fn rustup_home() -> Option<String> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(output.stdout).ok()?;
    let home = Path::new(sysroot.trim()).parent()?.parent()?;
    home.join("settings.toml").exists().then(|| home.display().to_string())
}

/// Where pyenv keeps its versions, where `python3` is one of its stand-ins.
fn pyenv_root() -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let mut folders = std::env::split_paths(&path);
    let shims = folders.find(|folder| folder.join("python3").exists())?;
    shims.ends_with("shims").then(|| shims.parent().map(|root| root.display().to_string())).flatten()
}

/// Contract 6: tests of real projects run at every level, with nothing fetched.
#[tokio::test]
async fn installed_tool_chains_work_inside() {
    for level in ["strict", "kernel"] {
        assert!(WALLS.iter().any(|(known, _)| *known == level));
        let world = World::new();
        write_projects(&world);
        let there: Vec<_> = CHAINS.into_iter().filter(|(program, ..)| is_installed(program)).collect();
        let turns = there.iter().map(|(_, command, _)| bash(command)).chain([coded(&[], &[])]);
        let server = MockServer::start(one_worker("coder", turns)).await;
        let arguments = ["--output-format", "stream-json", "--sandbox", level, "x"];
        let mut call = world.call(arguments).against(&server);
        for (name, folder) in [("RUSTUP_HOME", rustup_home()), ("PYENV_ROOT", pyenv_root())] {
            if let Some(folder) = folder {
                call = call.env(name, folder);
            }
        }
        let ended = call.run().await;
        if ended.status.code() == Some(3) {
            requirement::skip(format_args!("level {level}: {}", ended.out));
            continue;
        }
        for ((program, _, expected), call) in there.iter().zip(ended.said().calls_of("coder")) {
            let passed = call.status == ToolStatus::Ok
                && call.output.contains(expected)
                && !call.output.contains("exit code");
            assert!(passed, "{program} at {level}: {call:?}");
        }
    }
}
