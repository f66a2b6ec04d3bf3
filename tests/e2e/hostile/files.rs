//! Files of every kind, as the tools show and keep them.

use std::{fs, os::unix::fs::PermissionsExt as _};

use domain::tool::ToolStatus;
use serde_json::json;
use testkit::{MockServer, Turn};

use super::arena::{Arena, Who};
use crate::support::{
    CallEnd, World,
    turns::{coded, one_worker, write},
};

async fn calls(world: &World, turn: Turn) -> Vec<CallEnd> {
    let server = MockServer::start(one_worker("coder", [turn, coded(&[], &[])])).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    said.calls_of("coder")
}

fn edit(path: &str, old: &str, new: &str) -> Turn {
    Turn::call("edit", json!({"path": path, "old_string": old, "new_string": new}))
}

/// P08, P09: a binary file is told by its kind, size and digest; what is no UTF-8 is shown as near as it comes, and said.
#[tokio::test]
async fn what_is_no_text_is_said_to_be_none() {
    let world = World::new();
    fs::write(world.repository.join("그림.png"), b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\x1b]52;c;x\x07")
        .expect("a file");
    fs::write(world.repository.join("옛것.txt"), b"\xbe\xc8\xb3\xe7 latin\n").expect("a file");
    let turn = Turn::call("read", json!({"path": "그림.png"})).and_call("read", json!({"path": "옛것.txt"}));
    let [image, old] = &calls(&world, turn).await[..] else { panic!("two calls") };
    assert!(
        !image.output.contains(['\x1b', '\0', '\u{89}']) && image.output.contains("25 bytes"),
        "{image:?}"
    );
    assert!(old.output.contains("latin") && old.output.contains("UTF-8"), "{old:?}");
}

/// P10, P11: line ends, byte order mark and a missing last newline stay; what is there twice, or not, is not edited.
#[tokio::test]
async fn an_edit_keeps_what_it_was_not_asked_to_change() {
    let world = World::new();
    world.write("창.txt", "\u{feff}첫째\r\n둘째\r\n둘째");
    let before = world.read("창.txt");
    let turn = edit("창.txt", "없는 말", "x")
        .and_call("edit", json!({"path": "창.txt", "old_string": "둘째", "new_string": "x"}));
    let refused = calls(&world, turn).await;
    assert!(refused.iter().all(|call| call.status == ToolStatus::Error), "{refused:?}");
    assert_eq!(world.read("창.txt"), before);

    let world = World::new();
    world.write("창.txt", &before);
    let edited = calls(&world, edit("창.txt", "첫째", "하나")).await;
    assert_eq!(edited[0].status, ToolStatus::Ok, "{edited:?}");
    assert_eq!(world.read("창.txt"), "\u{feff}하나\r\n둘째\r\n둘째");
}

/// P13: a name is what it is, byte by byte.
#[tokio::test]
async fn names_of_every_script_round_trip() {
    let names = [
        " 앞뒤 빈칸 ",
        "줄\n바꿈.txt",
        "각.txt",
        "\u{1100}\u{1161}\u{11a8}-풀어쓴.txt",
        "👩‍👩‍👧.md",
        "مرحبا.txt",
        "\u{202e}txt.exe",
        "-rf",
        "$(touch 터짐)",
        "따옴\"표'.txt",
    ];
    let world = World::new();
    let turn = names.iter().fold(Turn::default(), |turn, name| {
        turn.and_call("write", json!({"path": name, "content": format!("{name}\n")}))
    });
    let turn = names.iter().fold(turn, |turn, name| turn.and_call("read", json!({"path": name})));
    let ended = calls(&world, turn).await;
    assert!(ended.iter().all(|call| call.status == ToolStatus::Ok), "{ended:?}");
    let there = World::leftovers(&world.repository);
    for name in names {
        assert!(there.iter().any(|there| there == name), "{name:?}: {there:?}");
        assert_eq!(world.read(name), format!("{name}\n"));
    }
    assert!(!world.has("터짐"));
}

/// P06: what may not be written is an error that says why, and the run goes on.
#[tokio::test]
async fn a_read_only_file_or_folder_is_an_error_and_not_the_end() {
    let arena = Arena::new();
    arena.world.write("잠근 폴더/파일.txt", "그대로\n");
    arena.world.write("잠근 파일.txt", "그대로\n");
    let mode = |path: &str, mode| {
        let path = arena.world.repository.join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode("잠근 파일.txt", 0o444);
    mode("잠근 폴더", 0o555);
    let turn =
        write("잠근 폴더/새.txt", "x").and_call("write", json!({"path": "잠근 파일.txt", "content": "x"}));
    let turn = turn.and_call("write", json!({"path": "열린 파일.txt", "content": "x"}));
    let who = if rustix::process::geteuid().is_root() { Who::PlainUser } else { Who::Tester };
    let said = arena.run(one_worker("coder", [turn, coded(&[], &[])]), "auto", who).await;
    let ended = said.expect("`auto` is always there").1.calls_of("coder");
    mode("잠근 폴더", 0o755);
    let statuses: Vec<ToolStatus> = ended.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [ToolStatus::Error, ToolStatus::Error, ToolStatus::Ok], "{ended:?}");
    assert!(ended[0].output.contains("새.txt") && ended[1].output.contains("잠근 파일.txt"), "{ended:?}");
    assert_eq!(arena.world.read("잠근 파일.txt"), "그대로\n");
}
