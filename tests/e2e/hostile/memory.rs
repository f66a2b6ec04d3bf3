//! What is far larger than memory should ever hold, with sizes that the gate has time for; `BETTER_LLM_LARGE=1` takes
//! those of the cases (`scripts/full.sh large`).

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Running, World,
    turns::{ask, bash, coded},
};

/// What memory may grow by, in KiB. The cases allow 50 MB; the gate's sizes are not far above that, so it allows less.
const MOST: u64 = 16 << 10;

fn size(gate: u64, large: u64) -> u64 {
    if std::env::var_os("BETTER_LLM_LARGE").is_some_and(|value| value == "1") { large } else { gate }
}

/// How much the program grows from the first request to when the coder's turn has been played, in KiB.
async fn growth(world: &World, turn: Turn, what: &str) -> u64 {
    let script = Script::new()
        .agent("manager", [ask("coder", "x")])
        .agent("coder", [bash("true"), turn, Turn::silence(), coded(&[], &[])]);
    let server = MockServer::start(script).await;
    let mut program = world.task(&server, &[]).await.start();
    finished(&mut program, "the first call").await;
    let before = program.peak_memory();
    finished(&mut program, what).await;
    let growth = program.peak_memory().saturating_sub(before);
    program.signal(rustix::process::Signal::TERM);
    program.end().await;
    growth
}

async fn finished(program: &mut Running, what: &str) {
    let call = program.until_type("tool_finished").await;
    assert_eq!(call["status"], "ok", "{what}: {call}");
}

/// P07: a page of a large text costs a page.
#[tokio::test]
async fn a_large_text_is_read_by_pages() {
    let world = World::new();
    let bytes = size(128 << 20, 1 << 30);
    let file = File::create(world.repository.join("큰 글.txt")).expect("a file");
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let line = "가나다라마바사아자차카타파하 0123456789 abcdefghijklmnopqrstuvwxyz\n";
    let lines = bytes / line.len() as u64;
    for _ in 0..lines {
        file.write_all(line.as_bytes()).expect("room on the disk");
    }
    file.flush().expect("room on the disk");
    let turn = Turn::call("read", json!({"path": "큰 글.txt", "offset": lines - 5}));
    let growth = growth(&world, turn, "a page at the end").await;
    assert!(growth < MOST, "memory grew by {growth} KiB");
}

/// P14: of a long output its head and its tail are kept.
#[tokio::test]
async fn a_long_output_is_kept_in_bounded_space() {
    let world = World::new();
    let bytes = size(40_000_000, 2_000_000_000);
    let growth = growth(&world, bash(&format!("head -c {bytes} /dev/zero | tr '\\0' x")), "the output").await;
    assert!(growth < MOST, "memory grew by {growth} KiB");
}

/// P36: one event of 50 MB.
#[tokio::test]
async fn an_endless_event_of_an_endpoint_is_given_up() {
    let world = World::new();
    let mut bytes = b"event: content_block_delta\ndata: ".to_vec();
    bytes.resize(50 << 20, b'x');
    let script = Script::new()
        .agent("manager", [ask("coder", "x"), Turn::silence()])
        .agent("coder", [bash("true"), Turn::bytes(bytes)]);
    let server = MockServer::start(script).await;
    let mut program = world.task(&server, &[]).await.start();
    finished(&mut program, "the first call").await;
    let before = program.peak_memory();
    let error = program.until_type("error").await;
    let growth = program.peak_memory().saturating_sub(before);
    assert_eq!(error["code"], "model_malformed", "{error}");
    assert!(growth < MOST, "memory grew by {growth} KiB");
    program.signal(rustix::process::Signal::TERM);
    program.end().await;
}
