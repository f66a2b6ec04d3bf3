//! Who owns a socket, who reaches it, and what is left of it.

use std::os::unix::fs::PermissionsExt;

use better_llm::AttachError;
use rustix::process::Signal;
use serde_json::json;
use testkit::{MockServer, wait};

use super::{attach, next, owner, session_of, sockets};
use crate::{
    person::asking,
    support::{
        Call, World,
        turns::{bash, coded, one_worker},
    },
};

/// A program that is killed takes the connection along, and the next one removes what is left of its socket.
#[tokio::test]
async fn a_killed_owner_is_noticed_and_its_socket_goes_with_the_next_start() {
    let world = World::new();
    let (_server, mut program) = owner(&world, asking(&["탭"]), true, &[]).await;
    let asked = program.until_type("question").await;
    let mut watcher =
        attach(&world, session_of(&asked), asked["seq"].as_u64().expect("a place") - 1, false).await;
    assert_eq!(next(&mut watcher).await.expect("an event")["type"], "question");
    program.signal(Signal::KILL);
    let lost = wait::bounded("the end", watcher.events().next()).await;
    assert!(matches!(lost, Some(Err(AttachError::Lost { .. }))), "{lost:?}");
    drop(program.end().await);
    let left = sockets(&world);
    assert_eq!(left.len(), 1);
    let next_one = world.call(["--provider", "offline", "--sandbox", "none", "x"]).run().await;
    assert_eq!((next_one.code(), sockets(&world)), (0, vec![]), "{next_one:?}");
}

#[tokio::test]
async fn a_socket_belongs_to_its_user_alone() {
    let world = World::new();
    let server = MockServer::start(asking(&["탭"])).await;
    let call =
        world.task(&server, &["--input-format", "stream-json"]).await.stdin(std::process::Stdio::piped());
    let mut program = call.without_umask().start();
    program.until_type("question").await;
    let [socket] = &sockets(&world)[..] else { panic!("one socket") };
    let mode = |path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(socket.as_path()), mode(socket.parent().expect("a folder"))), (0o600, 0o700));
    program.end_input();
    assert_eq!(program.end().await.code(), 10);
}

/// A command that tries every socket of the program, and says how many it reached.
const REACHING: &str = "perl -MSocket -e 'for (glob shift) { socket(S, AF_UNIX, SOCK_STREAM, 0) or die $!; \
                        connect(S, sockaddr_un($_)) or die $!; print \"reached\" }'";

/// What a command that tries to reach its own session's owner printed.
async fn reach(level: &str) -> Option<String> {
    let world = World::new();
    let place = world.own().join("state/run").display().to_string();
    let command = format!("{REACHING} '{place}/*.sock'; echo; ls '{place}'");
    let server = MockServer::start(one_worker("coder", [bash(&command), coded(&[], &[])])).await;
    let flags = ["--output-format", "stream-json", "--permission-mode", "full", "--sandbox", level, "x"];
    let ended = world.call(flags).against(&server).run().await;
    if level != "none" && ended.code() == 3 {
        testkit::requirement::skip(format_args!("no sandbox level `{level}` here"));
        return None;
    }
    let said = ended.said();
    let finished = said.of_type("tool_finished").into_iter().find(|event| event["agent"] == json!("coder"));
    Some(finished.expect("a command")["output"].as_str().unwrap_or_default().to_owned())
}

/// O-24, law 6: no command may answer for the person. Without walls this holds for nothing, as ever.
#[tokio::test]
async fn no_walled_command_reaches_the_socket_of_its_session() {
    for level in ["kernel", "strict"] {
        if let Some(output) = reach(level).await {
            assert!(!output.contains("reached"), "{level}: {output}");
        }
    }
    let output = reach("none").await.expect("an output");
    assert!(output.contains("reached"), "the test can reach one where there is no wall: {output}");
}

async fn socket_notices(call: Call) -> usize {
    let said = call.run().await.said();
    said.of_type("notice").iter().filter(|notice| notice["code"] == "socket_unavailable").count()
}

/// A path longer than addresses of sockets can be, and a folder that somebody else holds for good: what is missing is said,
/// and the work is done.
#[tokio::test]
async fn where_there_can_be_no_socket_it_is_said_and_the_work_goes_on() {
    let world = World::new();
    let call =
        || world.call(["--provider", "offline", "--output-format", "stream-json", "--sandbox", "none", "x"]);
    let long = world.outside().join("아주-긴-이름의-폴더".repeat(5)).join("집");
    assert_eq!(socket_notices(call().env("BETTER_LLM_HOME", &long)).await, 0);
    let folder = world.own().join("state/run");
    std::fs::create_dir_all(&folder).expect("a folder");
    let held = std::fs::File::open(&folder).expect("a folder");
    held.lock().expect("nobody else is here");
    assert_eq!(socket_notices(call()).await, 1);
    drop(held);
    assert_eq!(socket_notices(call()).await, 0);
}
