//! Events out: from any place of the journal on, without a gap, and without the owner waiting for anybody.

use domain::outcome::Ending;
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn, requirement};
use tokio::{io::AsyncWriteExt, net::UnixStream};

use super::{attach, owner, session_of, sockets, to_the_end};
use crate::{
    person::reporting,
    support::{
        World,
        turns::{bash, coded, one_worker},
    },
};

/// Many short turns, as fast as they go, and one that holds the middle until the test has seen it.
fn fast() -> Script {
    let held = bash("echo 중간; until [ -e 가라 ]; do sleep 0.02; done; rm 가라");
    let read = |line: u32| Turn::call("read", json!({"path": "긴 글.txt", "offset": line, "limit": 1}));
    let chatter = || bash("i=0; while [ $i -lt 300 ]; do echo 말이 많다 $i; i=$((i+1)); done");
    let turns = (1..30).map(read).chain([held]).chain((30..60).map(read)).chain([chatter()]);
    one_worker("coder", turns.chain([coded(&[], &[])]))
}

/// Whoever comes, whenever they come, sees what the owner's own output shows: from the beginning or from the middle.
#[tokio::test]
async fn who_watches_misses_nothing_and_sees_nothing_twice() {
    let world = World::new();
    world.write("긴 글.txt", &(1..60).map(|line| format!("{line}번째 줄\n")).collect::<String>());
    let (_server, mut program) = owner(&world, fast(), false, &["--partial"]).await;
    let first = program.until_type("session_started").await;
    let session = session_of(&first);
    let mut from_the_beginning = attach(&world, session, 0, true).await;
    let middle = program.until("the middle", |line| line["text"] == "중간\n").await;
    let middle = middle["after_seq"].as_u64().expect("a number");
    let mut from_the_middle = attach(&world, session, middle - 20, false).await;
    // A client that asks for everything and reads nothing.
    let mut lazy = UnixStream::connect(&sockets(&world)[0]).await.expect("it listens");
    let line = json!({"v": 1, "type": "watch", "session_id": session, "deltas": true});
    lazy.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
    world.write("가라", "");
    let (all, late, ended) =
        tokio::join!(to_the_end(&mut from_the_beginning), to_the_end(&mut from_the_middle), program.end());
    let said = ended.said();
    assert_eq!(said.ending(), Ending::Done);
    let told: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line.get("seq").is_some())
        .collect();
    assert!(told.len() > 200, "{} events", told.len());
    assert!(all == told, "other events than the owner's");
    let rest = told.iter().filter(|event| event["seq"].as_u64() > Some(middle - 20));
    assert!(late.iter().eq(rest), "other events than the owner's");
    assert_eq!(sockets(&world), Vec::<std::path::PathBuf>::new(), "the socket goes with its owner");
}

/// What the documentation shows, as it stands there.
#[tokio::test]
async fn the_example_of_the_documentation_works() {
    let python = "/usr/bin/python3";
    if !std::path::Path::new(python).exists() {
        return requirement::skip("no `python3`");
    }
    let page = std::fs::read_to_string(better_llm_tests::root().join("docs/socket.md")).expect("a page");
    let example =
        page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let world = World::new();
    let server = MockServer::start(reporting()).await;
    let call = world.task(&server, &["--input-format", "stream-json", "--intervention", "600"]).await;
    let mut program = call.stdin(std::process::Stdio::piped()).start();
    program.until("the window", |line| line["action"] == "opened").await;
    let client = world.script(&format!("{python} - <<'END'\n{example}END\n")).run();
    let (client, owner) = tokio::join!(client, program.end());
    assert_eq!(
        (client.err.as_str(), client.out.lines().last()),
        ("", Some("round_finished: done")),
        "{client:?}"
    );
    assert!(client.out.contains("intervention"), "{client:?}");
    assert_eq!(owner.said().ending(), Ending::Done);
}
