//! File tools behind links that commands planted, paths that lead out, and places that are protected.

use domain::tool::ToolStatus;
use serde_json::json;
use testkit::Turn;

use super::arena::{Arena, WALLS};
use crate::support::turns::{bash, coded, one_worker};

/// Calls of file tools that all have to be refused, with the links of [`PLANT`] in place.
fn calls(outside: &str) -> Turn {
    let mut turn = Turn::default();
    let secrets = [
        "밖/home/.ssh/id_ed25519",
        "안/../밖/home/.bashrc",
        "파일",
        "../가계부-2/이웃.sh",
        "안/위/이웃/비밀.txt",
    ];
    let absolute = format!("{outside}/home/.aws/credentials");
    let secrets: Vec<&str> = secrets.into_iter().chain([absolute.as_str(), "/etc/passwd"]).collect();
    for path in &secrets {
        turn = turn
            .and_call("read", json!({"path": path}))
            .and_call("write", json!({"path": path, "content": "터짐"}))
            .and_call("edit", json!({"path": path, "old_string": "카나리아", "new_string": "터짐"}))
            .and_call("grep", json!({"pattern": "카나리아", "path": path}));
    }
    for path in ["밖", "안/위", "..", "/", outside] {
        turn = turn.and_call("glob", json!({"pattern": "**/*", "path": path}));
    }
    let own = outside.to_owned() + "/home/.better/config/system_config.json";
    for path in [".git/hooks/pre-commit", ".git/config", ".better-llm/system_config.json", ".bashrc", &own] {
        turn = turn.and_call("write", json!({"path": path, "content": "터짐"}));
    }
    turn.and_call("bash", json!({"command": "pwd", "cwd": outside}))
        .and_call("diff", json!({"path": "../이웃/비밀.txt"}))
}

const PLANT: &str =
    "mkdir 안; ln -s \"$(dirname \"$PWD\")\" 밖; ln -s ../home/.bashrc 파일; ln -s ../.. 안/위";

/// P01, P02, P03, P04, P05: the one who follows a link is the engine, outside of the sandbox; it follows none of them.
#[tokio::test]
async fn no_file_tool_follows_what_a_command_planted() {
    for (level, who) in WALLS {
        let arena = Arena::new();
        let before = arena.outside();
        let turn = calls(&arena.world.outside().display().to_string());
        let script = one_worker("coder", [bash(PLANT), turn, coded(&[], &[])]);
        let Some((ended, said)) = arena.run(script, level, who).await else { continue };
        assert_eq!(arena.read(&ended), None, "{level} as {who:?}");
        assert_eq!(arena.outside().len(), before.len());
        let contents = |outside: Vec<(_, _, _, Vec<u8>)>| {
            outside.into_iter().map(|file| (file.0, file.3)).collect::<Vec<_>>()
        };
        assert_eq!(contents(arena.outside()), contents(before), "{level} as {who:?}");
        let ended = said.calls_of("coder");
        assert_eq!(ended[0].status, ToolStatus::Ok, "{:?}", ended[0]);
        for call in &ended[1..] {
            // A glob that may not leave the workspace may also find nothing.
            let found = call.status == ToolStatus::Ok && call.output.contains("이웃");
            let is_glob = call.tool.as_deref() == Some("glob");
            assert!(!found && (is_glob || call.status != ToolStatus::Ok), "{level}: {call:?}");
        }
    }
}
