//! O-22: a session goes on after its program was killed or has ended, in another process that knows only its journal.
//!
//! Death at every step of a story: `sweep`. Forks and refusals: the files beside this one.

mod forks;
mod refusals;

use std::process::Stdio;

use domain::{
    event::{Event, EventBody},
    id::SessionId,
    message::Usage,
    outcome::Ending,
    ports::JournalPort,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use storage::SqliteJournal;
use testkit::{MockServer, Script, Turn, wait};

use crate::support::{
    Call, Ended, Running, World,
    turns::{ask, bash, coded, finish, results, write},
};

const STREAM: [&str; 2] = ["--output-format", "stream-json"];

/// A call of the program without walls, told as stream-json.
fn call(world: &World, arguments: &[&str]) -> Call {
    world.call(STREAM.iter().chain(&["--sandbox", "none", "--permission-mode", "full"]).chain(arguments))
}

async fn kill(program: Running) {
    program.signal(Signal::KILL);
    program.end_unread().await;
}

/// Every session's events by the journal, oldest session first.
async fn sessions(world: &World) -> Vec<Vec<Event>> {
    let journal = SqliteJournal::new(world.journal());
    let mut sessions = Vec::new();
    for known in journal.sessions(100).await.expect("the journal").into_iter().rev() {
        sessions.push(journal.read(known.id, 0).await.expect("the journal"));
    }
    sessions
}

fn id_of(events: &[Event]) -> SessionId {
    events.first().expect("an event").session_id
}

/// How rounds ended, by number.
fn ends(events: &[Event]) -> Vec<(u32, Ending)> {
    let ends = events.iter().filter_map(|event| match &event.body {
        EventBody::RoundFinished { ending, .. } => Some((event.scope.round?, *ending)),
        _ => None,
    });
    ends.collect()
}

fn count(events: &[Event], is_meant: impl Fn(&EventBody) -> bool) -> usize {
    events.iter().filter(|event| is_meant(&event.body)).count()
}

/// Waits until an event stands in the journal on disk: not every one does when it is shown.
async fn until_kept(world: &World, is_meant: impl Fn(&EventBody) -> bool) {
    let looking = async {
        while !sessions(world).await.iter().any(|events| count(events, &is_meant) > 0) {
            tokio::task::yield_now().await;
        }
    };
    wait::bounded("the event on disk", looking).await;
}

fn done(ended: &Ended) {
    assert_eq!(ended.code(), 0, "{}\n{}", ended.out, ended.err);
}

/// A coder works, then the manager's answer stays in the middle of its text, with what comes after it in another process.
fn cut_in_text(more: impl IntoIterator<Item = Turn>) -> Script {
    let cut = Turn::text("코더가 환불을 더했습니다.").in_chunks(3).stalling_after(10);
    let manager = [ask("coder", "환불"), cut].into_iter().chain(more);
    let coder = [write("환불.md", "음수\n"), coded(&["환불.md"], &[])];
    Script::new().agent("manager", manager).agent("coder", coder).with_thoughts()
}

/// Runs it until the manager's text streams, and kills it there.
async fn killed_in_text(world: &World, server: &MockServer) {
    let mut program = call(world, &["--partial", "환불을 더해 줘"]).against(server).start();
    program
        .until("the second answer's text", |line| line["type"] == "text_delta" && line["agent"] == "manager")
        .await;
    kill(program).await;
}

/// P40: what was done stays done, and the request that was not answered is sent again. Signed thoughts go back over the
/// wire as they came: the server knows its seals.
#[tokio::test]
async fn a_kill_9_while_text_streams_loses_no_completed_turn_p40() {
    let world = World::new();
    let server = MockServer::start(cut_in_text([finish("done")])).await;
    killed_in_text(&world, &server).await;
    let before = sessions(&world).await.remove(0);
    let ended = call(&world, &["--continue"]).against(&server).run().await;
    done(&ended);
    let said = ended.said();
    let restored = said.the("session_resumed")["restored"].clone();
    assert_eq!(restored, json!({ "rounds": 0, "events": before.len() }));
    let events = sessions(&world).await.remove(0);
    assert_eq!(events[..before.len()], before[..], "nothing is rewritten");
    assert_eq!(events[before.len()..], said.events[..], "and everything is said");
    assert_eq!(ends(&events), [(1, Ending::Done)]);
    assert_eq!(said.result().files_changed, ["환불.md"]);
    assert_eq!((server.requests_of("coder").len(), server.requests_of("manager").len()), (2, 3));
    let asked = |number: usize| server.requests_of("manager")[number].body["messages"].clone();
    assert_eq!(asked(1), asked(2), "the same question is put again");
    assert_eq!(count(&events, |body| matches!(body, EventBody::RunStarted { .. })), 2);
    server.assert_nothing_refused();
    said.check_kept(&world).await;
}

/// Tokens of both processes count; the round's end is that of the whole round.
#[tokio::test]
async fn usage_goes_on_over_a_kill() {
    let world = World::new();
    let usage = Usage { input_tokens: 1_000, output_tokens: 10, ..Usage::default() };
    let script = Script::new()
        .agent(
            "manager",
            [
                ask("coder", "환불").costing(usage),
                Turn::text("…").stalling_after(3),
                finish("done").costing(usage),
            ],
        )
        .agent("coder", [coded(&[], &[]).costing(usage)]);
    let server = MockServer::start(script).await;
    killed_in_text(&world, &server).await;
    let ended = call(&world, &["--continue"]).against(&server).run().await;
    let end = ended.said().the("round_finished");
    assert_eq!((&end["usage"]["input_tokens"], &end["usage"]["output_tokens"]), (&json!(3_000), &json!(30)));
    assert_eq!(end["total_turns"], 3);
    assert!(end["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{end}");
}

#[tokio::test]
async fn a_question_that_was_open_is_asked_again() {
    let world = World::new();
    let question = Turn::call("ask_user", json!({ "question": "탭과 공백?", "options": ["탭", "공백"] }));
    let server = MockServer::start(Script::new().agent("manager", [question, finish("done")])).await;
    let arguments = ["--input-format", "stream-json"];
    let first = call(&world, &[&arguments[..], &["x"]].concat()).stdin(Stdio::piped()).against(&server);
    let mut program = first.start();
    let asked = program.until_type("question").await;
    until_kept(&world, |body| matches!(body, EventBody::Question { .. })).await;
    kill(program).await;
    let again = call(&world, &[&arguments[..], &["--continue"]].concat()).stdin(Stdio::piped());
    let mut program = again.against(&server).start();
    let question = program.until_type("question").await;
    for field in ["question_id", "text", "options"] {
        assert_eq!(question[field], asked[field], "{field}");
    }
    program.send(json!({ "type": "answer", "question_id": asked["question_id"], "text": "공백" })).await;
    done(&program.end().await);
    let last = server.requests_of("manager").pop().expect("a request").body;
    assert_eq!(results(&last), ["공백"]);
    assert_eq!(server.requests_of("manager").len(), 2);
}

/// O-16: a call that had begun is not repeated; the model is told, and decides.
#[tokio::test]
async fn a_command_that_had_begun_is_interrupted_and_not_run_again() {
    let world = World::new();
    let command = "echo 한 번 >> 횟수.txt; echo ready; exec sleep 600";
    let script = Script::new()
        .agent("manager", [ask("coder", "해 줘"), finish("done")])
        .agent("coder", [bash(command), coded(&[], &[]).expecting_tool_result("interrupted")]);
    let server = MockServer::start(script).await;
    let mut program = call(&world, &["--partial", "x"]).against(&server).start();
    program
        .until("the command's output", |line| {
            line["text"].as_str().is_some_and(|text| text.contains("ready"))
        })
        .await;
    kill(program).await;
    let ended = call(&world, &["--continue"]).against(&server).run().await;
    done(&ended);
    assert_eq!(world.read("횟수.txt"), "한 번\n");
    let interrupted: Vec<Value> = ended.said().of_type("tool_finished");
    assert_eq!(interrupted[0]["status"], "interrupted", "{interrupted:?}");
    server.assert_nothing_refused();
}

#[tokio::test]
async fn a_session_is_killed_and_taken_up_twice() {
    let world = World::new();
    let cut = Turn::text("다시 한 번, 말하는 도중에 끊깁니다.").in_chunks(2).stalling_after(14);
    let server = MockServer::start(cut_in_text([cut, finish("done")])).await;
    killed_in_text(&world, &server).await;
    let mut program = call(&world, &["--partial", "--continue"]).against(&server).start();
    program.until_type("text_delta").await;
    until_kept(&world, |body| matches!(body, EventBody::SessionResumed { .. })).await;
    kill(program).await;
    let ended = call(&world, &["--continue"]).against(&server).run().await;
    done(&ended);
    let events = sessions(&world).await.remove(0);
    assert_eq!(count(&events, |body| matches!(body, EventBody::SessionResumed { .. })), 2);
    assert_eq!(ends(&events), [(1, Ending::Done)]);
    let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    server.assert_nothing_refused();
}

/// The round that was broken off is closed once, as interrupted; the new one has the exit code.
#[tokio::test]
async fn a_new_task_closes_the_broken_off_round_once() {
    for format in ["stream-json", "json", "text"] {
        let world = World::new();
        let server = MockServer::start(cut_in_text([finish("done")])).await;
        killed_in_text(&world, &server).await;
        let options = ["--sandbox", "none", "--output-format", format, "--continue", "이번에는 끝내 줘"];
        let ended = world.call(options).against(&server).run().await;
        done(&ended);
        let events = sessions(&world).await.remove(0);
        assert_eq!(ends(&events), [(1, Ending::Interrupted), (2, Ending::Done)]);
        match format {
            "stream-json" => assert_eq!(ended.said().the("round_finished")["round"], 2),
            "json" => assert_eq!(ended.line()["round"], 2),
            _ => {
                assert_eq!(ended.out, "환불을 더했습니다.\n");
                let words = "round 1, which was broken off, is closed as interrupted";
                assert!(ended.err.contains(words), "{}", ended.err);
            }
        }
        server.assert_nothing_refused();
    }
}

/// What was restored is said, in the person's language.
#[tokio::test]
async fn what_was_restored_is_said() {
    for (language, parts) in [
        ("en", ["resumed session 0", ": 0 rounds, ", "round 1, which was broken off, goes on"]),
        ("ko", ["세션 0", " 이어가기: 라운드 0개, ", "중간에 끊긴 1번째 라운드를 계속합니다"]),
    ] {
        let world = World::new();
        let server = MockServer::start(cut_in_text([finish("done")])).await;
        killed_in_text(&world, &server).await;
        let options = ["--sandbox", "none", "--lang", language, "--continue"];
        let ended = world.call(options).against(&server).run().await;
        done(&ended);
        for part in parts {
            assert!(ended.err.contains(part), "{part}: {}", ended.err);
        }
        assert_eq!(ended.out, "환불을 더했습니다.\n");
    }
}

/// A session that ended well goes on with another task, and its record holds both rounds.
#[tokio::test]
async fn a_finished_session_goes_on_with_a_task() {
    let world = World::new();
    let script = Script::new().agent("manager", [Turn::text("하나입니다."), Turn::text("둘입니다.")]);
    let server = MockServer::start(script.with_thoughts()).await;
    done(&world.call(["첫째?"]).against(&server).run().await);
    let first = sessions(&world).await.remove(0);
    let id = id_of(&first).to_string();
    let beginning: String = id.chars().take(20).collect::<String>().to_lowercase();
    let ended = call(&world, &["--resume", &beginning, "둘째?"]).against(&server).run().await;
    done(&ended);
    let said = ended.said();
    assert_eq!(said.the("round_started")["round"], 2);
    said.check_kept(&world).await;
    let asked = server.requests_of("manager")[1].body["messages"].to_string();
    assert!(asked.contains("첫째?") && asked.contains("하나입니다.") && asked.contains("둘째?"), "{asked}");
    server.assert_nothing_refused();
}

/// Contract 9: an agent's n-th request in the session gets its n-th step, whichever process makes it.
#[tokio::test]
async fn a_script_goes_on_where_it_was() {
    let world = World::new();
    let steps = json!([{ "text": "하나" }, { "text": "둘" }]);
    let script = json!({ "v": 1, "agents": { "manager": steps } }).to_string();
    let script = world.write_outside("script.json", &script);
    let provider = format!("script:{}", script.display());
    let first = world.call(["--provider", &provider, "x"]).run().await;
    let second = world.call(["--provider", &provider, "--continue", "y"]).run().await;
    assert_eq!((first.out.as_str(), second.out.as_str()), ("하나\n", "둘\n"), "{}", second.err);
}

/// `--continue` means the session of this folder in which something happened last.
#[tokio::test]
async fn continue_means_the_folder_it_is_typed_in() {
    let world = World::new();
    let other = world.outside().join("다른 폴더");
    std::fs::create_dir(&other).expect("a folder");
    let ask = |more: &[&str]| call(&world, &[&["--provider", "offline"], more].concat());
    let id = |ended: &Ended| {
        done(ended);
        id_of(&ended.said().events)
    };
    let here = id(&ask(&["x"]).run().await);
    let newer_here = id(&ask(&["x"]).run().await);
    let there = id(&ask(&["x"]).within(&other).run().await);
    assert_eq!(id(&ask(&["--continue", "y"]).run().await), newer_here);
    assert_eq!(id(&ask(&["--resume", &here.to_string(), "y"]).run().await), here);
    assert_eq!(id(&ask(&["--continue", "y"]).run().await), here, "it was worked in last");
    assert_eq!(id(&ask(&["--continue", "y"]).within(&other).run().await), there);
    let cwd = other.display().to_string();
    assert_eq!(id(&ask(&["--continue", "--cwd", &cwd, "y"]).run().await), there);
}
