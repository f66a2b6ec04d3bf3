//! O-2 and contract 6: what an agent may not do it cannot do, whatever its model says.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use domain::{outcome::Ending, tool::ToolStatus};
use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    CallEnd, Said, World,
    turns::{ask, bash, coded, finish, one_worker, planned, write},
};

async fn said(world: &World, script: Script, more: &[&str]) -> Said {
    let server = MockServer::start(script).await;
    let said = world.task(&server, more).await.run().await.said();
    server.assert_nothing_refused();
    said
}

fn statuses(calls: &[CallEnd]) -> Vec<ToolStatus> {
    calls.iter().map(|call| call.status).collect()
}

/// O-2: a planner, a reviewer and a manager have no tool that changes anything.
#[tokio::test]
async fn a_planner_cannot_write_whatever_the_model_says() {
    let world = World::new();
    let calls = write("새.sh", "x")
        .and_call("bash", json!({"command": "touch 새.sh"}))
        .and_call("edit", json!({"path": "합계.sh", "old_string": "total", "new_string": "x"}));
    let calls = calls
        .and_call("commit", json!({"message": "x"}))
        .and_call("execute_coder_task", json!({"task_description": "x"}));
    let script = Script::new()
        .agent(
            "manager",
            [
                write("새.sh", "x").and_call("execute_planner_task", json!({"task_description": "x"})),
                finish("done"),
            ],
        )
        .agent("planner", [calls, planned()]);
    let before = World::snapshot(&world.repository);
    let said = said(&world, script, &["--permission-mode", "full"]).await;
    assert_eq!(said.ending(), Ending::Done);
    assert_eq!(World::snapshot(&world.repository), before);
    let refused = said.calls_of("planner");
    assert_eq!(statuses(&refused), [ToolStatus::Error; 5]);
    for call in refused {
        assert!(
            call.tool.is_none() && call.output.contains("Yours are: read, glob, grep, diff, report"),
            "{call:?}"
        );
    }
}

/// A tree around the workspace with every way out of it, and what lies there.
fn escapes(world: &World) -> Vec<String> {
    let outside = world.outside();
    world.write_outside("가계부-2/이웃.sh", "이웃\n");
    world.write_outside("비밀/열쇠", "비밀\n");
    let link = |target: &Path, name: &str| symlink(target, world.repository.join(name)).expect("a link");
    link(&outside.join("비밀"), "폴더 링크");
    link(&outside.join("비밀/열쇠"), "파일 링크");
    link(Path::new("../비밀"), "가까운 링크");
    let absolute = |path: PathBuf| path.display().to_string();
    [
        "../비밀/열쇠",
        "../새 파일",
        "시험/../../비밀/열쇠",
        "./../가계부-2/이웃.sh",
        "폴더 링크/열쇠",
        "폴더 링크/새 파일",
        "파일 링크",
        "가까운 링크/열쇠",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        absolute(outside.join("비밀/열쇠")),
        absolute(outside.join("가계부-2/이웃.sh")),
        "/etc/better-llm-test".to_owned(),
    ])
    .collect()
}

/// O-2: `../`, absolute, by links of files and folders, and a neighbour whose name begins alike.
#[tokio::test]
async fn nothing_outside_of_the_workspace_is_written() {
    let world = World::new();
    let paths = escapes(&world);
    let calls = paths
        .iter()
        .fold(Turn::default(), |turn, path| turn.and_call("write", json!({"path": path, "content": "터짐"})));
    let outside = [world.outside().join("비밀"), world.outside().join("가계부-2")];
    let before = outside.each_ref().map(|folder| World::snapshot(folder));
    let said =
        said(&world, one_worker("coder", [calls, coded(&[], &[])]), &["--permission-mode", "full"]).await;
    for (path, call) in paths.iter().zip(said.calls_of("coder")) {
        assert_eq!(
            (call.tool.as_deref(), call.status),
            (Some("write"), ToolStatus::Denied),
            "{path}: {}",
            call.output
        );
    }
    assert_eq!(outside.each_ref().map(|folder| World::snapshot(folder)), before);
    assert!(!world.outside().join("새 파일").exists());
    assert_eq!(said.result().files_changed, Vec::<String>::new());
}

/// O-2: the same ways lead no reader out, either.
#[tokio::test]
async fn nothing_outside_of_the_workspace_is_read() {
    let world = World::new();
    let paths = escapes(&world);
    let calls = paths.iter().fold(Turn::default(), |turn, path| turn.and_call("read", json!({"path": path})));
    let said = said(&world, one_worker("coder", [calls, coded(&[], &[])]), &[]).await;
    let read = said.calls_of("coder");
    assert_eq!(read.len(), paths.len());
    for (path, call) in paths.iter().zip(read) {
        assert_ne!(call.status, ToolStatus::Ok, "{path}: {}", call.output);
        assert!(
            !call.output.contains("비밀\n") && !call.output.contains("이웃\n"),
            "{path}: {}",
            call.output
        );
    }
}

/// What makes git run programs, and which of it the file tools are asked to write.
const GIT_FILES: [&str; 4] = [".git/hooks/pre-commit", ".git/config", ".git/info/attributes", ".git/HEAD"];

/// Contract 6: the repository's own settings are written by no tool.
#[tokio::test]
async fn file_tools_do_not_write_gits_settings() {
    let world = World::new();
    let calls = GIT_FILES.into_iter().chain([".better-llm/system_config.json"]);
    let calls = calls
        .fold(Turn::default(), |turn, path| turn.and_call("write", json!({"path": path, "content": "x"})));
    let before = World::snapshot(&world.repository);
    let said =
        said(&world, one_worker("coder", [calls, coded(&[], &[])]), &["--permission-mode", "full"]).await;
    assert_eq!(statuses(&said.calls_of("coder")), [ToolStatus::Denied; 5]);
    assert_eq!(World::snapshot(&world.repository), before);
}

/// Contract 6, level `kernel`: what a command does to them is put back, and said.
#[tokio::test]
async fn what_a_command_does_to_gits_settings_is_put_back() {
    let world = World::new();
    if !world.has_walls().await {
        return;
    }
    let settings = || GIT_FILES.map(|path| fs::read(world.repository.join(path)).ok());
    let before = settings();
    let commands = [
        "printf '#!/bin/sh\\ntouch 터짐\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit",
        "git config core.fsmonitor 'touch 터짐'",
        "git checkout -q -b 다른-가지",
        "mkdir -p .git/info && echo '* filter=x' > .git/info/attributes",
    ];
    let calls = commands
        .iter()
        .fold(Turn::default(), |turn, command| turn.and_call("bash", json!({"command": command})));
    let turns = one_worker("coder", [calls, coded(&[], &[])]);
    let said = said(&world, turns, &["--sandbox", "kernel"]).await;
    for (command, call) in commands.iter().zip(said.calls_of("coder")) {
        let is_said = call.output.contains("protected files") && call.output.contains(".git/");
        assert!(call.status == ToolStatus::Denied && is_said, "{command}: {call:?}");
    }
    assert_eq!(settings(), before);
    assert!(!world.has("터짐"));
    assert_eq!(world.git(&["branch", "--show-current"]), "main");
}

/// What a spy would try, and what would give it away.
fn spying(world: &World, port: u16) -> [(String, &'static str); 7] {
    let secret = world.write_outside("home/.ssh/id_ed25519", "심어 둔 비밀\n").display().to_string();
    let journal = world.journal().display().to_string();
    [
        (format!("cat '{secret}'"), "심어"),
        (format!("cp '{secret}' 가져온-것; cat 가져온-것"), "심어"),
        (format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo 연결됨"), "연결됨\n"),
        ("env; export -p; set".to_owned(), "test-key-of"),
        ("tr '\\0' '\\n' < /proc/self/environ".to_owned(), "test-key-of"),
        (
            "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ; cat $p/cmdline; done 2>/dev/null"
                .to_owned(),
            "test-key-of",
        ),
        (format!("cat '{journal}' | head -c 100"), "SQLite"),
    ]
}

/// Contract 6, level `kernel`; O-8: a command sees no file outside, no network, no key.
#[tokio::test]
async fn a_command_sees_no_secret_no_network_and_no_key() {
    let world = World::new();
    if !world.has_walls().await {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let attempts = spying(&world, listener.local_addr().expect("its port").port());
    let calls = attempts
        .iter()
        .fold(Turn::default(), |turn, (command, _)| turn.and_call("bash", json!({"command": command})));
    let said = said(&world, one_worker("coder", [calls, coded(&[], &[])]), &[]).await;
    let ended = said.calls_of("coder");
    assert_eq!(ended.len(), attempts.len());
    for ((command, secret), call) in attempts.iter().zip(ended) {
        assert!(!call.output.contains(secret), "{command}: {}", call.output);
    }
    let nobody = listener.accept().expect_err("nobody came");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

/// O-8: the key stands in nothing that is said or kept.
#[tokio::test]
async fn the_key_is_in_no_event_record_or_message() {
    let world = World::new();
    let server = MockServer::start(one_worker("coder", [bash("env"), coded(&[], &["env"])])).await;
    let ended = world.task(&server, &["-v"]).await.run().await;
    assert_eq!(ended.code(), 0);
    assert!(!ended.out.contains(server.key()) && !ended.err.contains(server.key()));
    let kept = World::snapshot(&world.home);
    let has_key =
        |content: &[u8]| content.windows(server.key().len()).any(|window| window == server.key().as_bytes());
    for (path, content) in kept {
        assert!(!has_key(&content), "{}", path.display());
    }
}

/// Contract 6, mode `plan`: nothing is edited or run.
#[tokio::test]
async fn in_plan_mode_nothing_is_changed() {
    let world = World::new();
    let before = World::snapshot(&world.repository);
    let calls = write("새.sh", "x").and_call("bash", json!({"command": "touch 새.sh"}));
    let said =
        said(&world, one_worker("coder", [calls, coded(&[], &[])]), &["--permission-mode", "plan"]).await;
    assert_eq!(statuses(&said.calls_of("coder")), [ToolStatus::Denied; 2]);
    assert_eq!(World::snapshot(&world.repository), before);
}

/// Contract 6, mode `ask`: nobody is there to ask, so the answer is no, at once, and the round says what it lacked.
#[tokio::test]
async fn what_has_to_be_asked_is_denied_where_nobody_is_there() {
    let world = World::new();
    let script = Script::new().agent("manager", [ask("coder", "x"), finish("failed")]).agent(
        "coder",
        [write("새.sh", "x"), coded(&[], &[]).expecting_tool_result("nobody is there to be asked")],
    );
    let said = said(&world, script, &["--permission-mode", "ask"]).await;
    assert_eq!(said.ending().exit_code(), 9);
    assert!(!world.has("새.sh"));
}

/// Contract 6: a level that was named is never stepped down; without one, commands are asked for.
#[tokio::test]
async fn without_a_sandbox_commands_need_leave() {
    let world = World::new();
    let script = one_worker("coder", [bash("touch 새.sh"), coded(&[], &[])]);
    let server = MockServer::start(script).await;
    let arguments = ["--output-format", "stream-json", "--sandbox", "none", "x"];
    let said = world.call(arguments).against(&server).run().await.said();
    assert_eq!(statuses(&said.calls_of("coder")), [ToolStatus::Denied]);
    assert!(!world.has("새.sh"));
    assert_eq!(said.the("session_started")["sandbox"]["level"], "none");
}
