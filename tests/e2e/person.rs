//! O-9, contract 1 and 5: a person who answers, steps in and speaks up, at a terminal or through a program.

use std::process::Stdio;

use domain::outcome::{Ending, FailReason, NeedReason};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    AtTerminal, Marker, Running, World,
    turns::{ask, bash, coded, finish, one_worker, results},
};

pub(crate) fn question(options: &[&str]) -> Turn {
    Turn::call("ask_user", json!({ "question": "탭과 공백 중 무엇을 쓸까요?", "options": options }))
}

/// The manager asks, and finishes.
pub(crate) fn asking(options: &[&str]) -> Script {
    Script::new().agent("manager", [question(options), finish("done")])
}

/// A coder reports; then the manager finishes.
pub(crate) fn reporting() -> Script {
    one_worker("coder", [coded(&[], &[])])
}

/// What the manager's model was given last.
pub(crate) fn last_request(server: &MockServer) -> Value {
    server.requests_of("manager").pop().expect("a request").body
}

/// Whether the manager was told these words.
pub(crate) fn was_told(server: &MockServer, words: &str) -> bool {
    last_request(server)["messages"].to_string().contains(words)
}

pub(crate) async fn at_terminal(world: &World, script: Script, flags: &[&str]) -> (MockServer, AtTerminal) {
    let server = MockServer::start(script).await;
    let call = world.call(flags).args(["합계에 환불을 더해 줘"]).within_walls(world).await;
    let program = call.against(&server).at_terminal();
    (server, program)
}

/// O-9: by number, by text, in other words; nothing at all is no answer.
#[tokio::test]
async fn a_question_is_answered_by_number_by_text_or_in_free_words() {
    for (typed, answer) in [("2\n", "공백"), ("탭\n", "탭"), ("\n섞어 쓰세요\n", "섞어 쓰세요")]
    {
        let world = World::new();
        let (server, mut program) = at_terminal(&world, asking(&["탭", "공백"]), &[]).await;
        program.until("your answer: ", 1).await;
        let shown = program.shown();
        for part in ["manager asks: ", "1. 탭", "2. 공백", "after 10 min the first one is taken"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        program.type_in(typed);
        let (code, screen) = program.end().await;
        assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&screen));
        assert_eq!(results(&last_request(&server)), [answer]);
    }
}

/// A number that no option has is a slip, and so is what is almost a command: it is said, and the question stays.
#[tokio::test]
async fn a_slip_is_no_answer_to_a_question() {
    let world = World::new();
    let (server, mut program) = at_terminal(&world, asking(&["탭", "공백"]), &[]).await;
    program.until("your answer: ", 1).await;
    program.type_in("9\n");
    program.until("there is no option 9: type a number from 1 to 2", 1).await;
    program.until("your answer: ", 2).await;
    program.type_in("/stpo\n");
    program.until("did you mean `/stop`? Nothing was sent.", 1).await;
    program.type_in("2\n");
    assert_eq!(program.end().await.0, Some(0));
    assert_eq!(results(&last_request(&server)), ["공백"]);
}

#[tokio::test]
async fn questions_and_windows_speak_korean() {
    let world = World::new();
    let manager = [question(&["탭"]), ask("coder", "해 줘"), finish("done")];
    let script = Script::new().agent("manager", manager).agent("coder", [coded(&[], &[])]);
    let (_server, mut program) =
        at_terminal(&world, script, &["--lang", "ko", "--intervention", "600"]).await;
    program.until("  답: ", 1).await;
    program.type_in("1\n");
    program.until("답변 (사람)", 1).await;
    program.until("coder 작업 끝 · 10분 동안 개입할 수 있음: Enter 계속", 1).await;
    program.type_in("\n");
    assert_eq!(program.end().await.0, Some(0));
}

/// O-9: the window after a report; Enter goes on, long before the time is up.
#[tokio::test]
async fn enter_closes_the_window() {
    let world = World::new();
    let (_server, mut program) = at_terminal(&world, reporting(), &["--intervention", "3600"]).await;
    program.until("coder finished · 60 min to step in: Enter goes on", 1).await;
    program.until("  > ", 1).await;
    assert!(!program.edits_lines(), "every key is heard");
    program.type_in("\n");
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(0) && screen.contains("going on") && !screen.contains("paused"), "{screen}");
}

/// O-9: `/pause`, a message, `/continue`, and what looks like one of them.
#[tokio::test]
async fn a_pause_lasts_until_the_person_goes_on() {
    let world = World::new();
    let (server, mut program) = at_terminal(&world, reporting(), &["--intervention", "600"]).await;
    program.until("  > ", 1).await;
    program.type_in("/pause\n");
    program.until("paused", 1).await;
    program.type_in("/contniue\n");
    program.until("did you mean `/continue`? Nothing was sent.", 1).await;
    program.type_in("/continue\n");
    let (code, screen) = program.end().await;
    assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&screen));
    assert!(!was_told(&server, "contniue"));
}

/// O-9: with 0 there is no window, and without a person there is none either.
#[tokio::test]
async fn no_window_opens_where_nobody_wants_one() {
    let world = World::new();
    let (_server, program) = at_terminal(&world, reporting(), &["--intervention", "0"]).await;
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(0) && !screen.contains("step in"), "{screen}");
    let server = MockServer::start(reporting()).await;
    let said = world.task(&server, &["--intervention", "600"]).await.run().await.said();
    assert_eq!((said.ending(), said.of_type("intervention")), (Ending::Done, vec![]));
}

/// Exit 15: `/stop` in a window and in the middle of a command; nothing is left running.
#[tokio::test]
async fn stop_ends_the_round_at_any_time() {
    let world = World::new();
    let (_server, mut program) = at_terminal(&world, reporting(), &["--intervention", "600"]).await;
    program.until("  > ", 1).await;
    program.type_in("/stop\n");
    assert_eq!(program.end().await.0, Some(15));

    let (world, marker) = (World::new(), Marker::new());
    let script = one_worker("coder", [bash(&marker.endless_command())]);
    let (_server, mut program) = at_terminal(&world, script, &["--lang", "ko"]).await;
    program.until("ready", 1).await;
    program.type_in("/중지\n");
    let (code, screen) = program.end().await;
    marker.check_gone();
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(15) && screen.contains("→ "), "{screen}");
}

/// O-9: what is typed outside of windows waits for the manager.
#[tokio::test]
async fn a_line_in_the_middle_of_the_work_is_a_message() {
    let world = World::new();
    let wait = "echo ready; until [ -e 가 ]; do sleep 0.02; done; rm 가";
    let script = one_worker("coder", [bash(wait), coded(&[], &[wait])]);
    let (server, mut program) = at_terminal(&world, script, &["--intervention", "0"]).await;
    program.until("ready", 1).await;
    program.type_in("README도 고쳐 주세요\n");
    program.until("the manager reads this next: ", 1).await;
    world.write("가", "");
    assert_eq!(program.end().await.0, Some(0));
    assert!(was_told(&server, "README도 고쳐 주세요"), "{}", last_request(&server));
}

/// The end of the input at a terminal is somebody who leaves: a question then has nobody to ask.
#[tokio::test]
async fn who_leaves_is_not_asked_any_more() {
    let world = World::new();
    let (_server, mut program) = at_terminal(&world, asking(&["탭"]), &[]).await;
    program.until("your answer: ", 1).await;
    program.type_in("\u{4}");
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(10) && screen.contains("the input has ended"), "{screen}");
}

// A program in the person's place.

async fn piped(world: &World, script: Script, flags: &[&str]) -> (MockServer, Running) {
    let server = MockServer::start(script).await;
    let flags = ["--input-format", "stream-json"].iter().chain(flags).copied().collect::<Vec<_>>();
    let program = world.task(&server, &flags).await.stdin(Stdio::piped()).start();
    (server, program)
}

/// The whole conversation of the documentation: leave, a question, a window.
#[tokio::test]
async fn a_program_answers_steps_in_and_speaks_up() {
    let world = World::new();
    let manager = [question(&["탭", "공백"]), ask("coder", "해 줘"), finish("done")];
    let script = Script::new()
        .agent("manager", manager)
        .agent("coder", [bash("touch 하나.txt"), bash("touch 둘.txt"), coded(&[], &["touch 하나.txt"])]);
    let flags = ["--permission-mode", "ask", "--sandbox", "none", "--intervention", "600"];
    let (server, mut program) = piped(&world, script, &flags).await;
    let asked = program.until_type("question").await;
    program.send(json!({"type": "answer", "question_id": asked["question_id"], "text": "공백"})).await;
    for (decision, note) in [("once", None), ("deny", Some("하나면 됩니다"))] {
        let asked = program.until_type("permission_asked").await;
        let call = &asked["call_id"];
        let order = json!({"type": "permission", "call_id": call, "decision": decision, "note": note});
        program.send(order).await;
    }
    program.until("the window", |line| line["action"] == "opened").await;
    program.send(json!({"type": "pause"})).await;
    program.until("the pause", |line| line["action"] == "paused").await;
    program.send(json!({"type": "message", "text": "문서도 부탁해요"})).await;
    let ended = program.end().await;
    let said = ended.said();
    assert_eq!((said.ending(), said.refused.len(), ended.err.as_str()), (Ending::Done, 0, ""));
    assert_eq!((world.has("하나.txt"), world.has("둘.txt")), (true, false));
    let told = last_request(&server)["messages"].to_string();
    assert!(told.contains("공백") && told.contains("문서도 부탁해요"), "{told}");
    said.check_kept(&world).await;
}

/// What the documentation shows, as it stands there.
#[tokio::test]
async fn the_example_of_the_documentation_works() {
    let page = std::fs::read_to_string(better_llm_tests::root().join("docs/stream-json.md")).expect("a page");
    let example =
        page.split("```bash\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let world = World::new();
    let server = MockServer::start(reporting()).await;
    let ended = world.script(example).against(&server).run().await;
    let last = ended.line();
    assert_eq!((&last["outcome"], ended.err.as_str()), (&json!("done"), ""), "{last}");
    assert!(was_told(&server, "Mention it in the README, too."), "{}", last_request(&server));
}

/// Lines that say nothing are named with their number and what was expected; the round goes on.
#[tokio::test]
async fn lines_that_say_nothing_are_named_and_change_nothing() {
    let world = World::new();
    let (_server, mut program) = piped(&world, asking(&["탭"]), &[]).await;
    let asked = program.until_type("question").await;
    let long = format!("{{\"type\":\"message\",\"text\":\"{}\"}}", "x".repeat(1 << 20));
    let unknown = json!({"type": "answer", "question_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "text": "탭"});
    let lines = [
        "{\"type\":".to_owned(),
        "7".to_owned(),
        "{\"type\":\"anser\"}".to_owned(),
        long,
        unknown.to_string(),
    ];
    for line in &lines {
        program.send(line).await;
    }
    program
        .send(json!({"type": "answer", "question_id": asked["question_id"], "text": "탭", "by": "나"}))
        .await;
    program.send(json!({"type": "permission", "call_id": "없는", "decision": "once"})).await;
    program.send(json!({"type": "answer", "question_id": asked["question_id"], "text": "탭"})).await;
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::Done);
    let numbers: Vec<u64> = said.refused.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    let expected = [
        "it is no JSON",
        "expected a JSON object with a `type`",
        "did you mean `answer`?",
        "longer than 1048576 bytes",
        "no question `01ARZ3NDEKTSV4RRFFQ69G5FAV` waits",
        "`answer` has no field `by`; its fields are `type`, `question_id`, `text`",
        "no call `없는` waits for leave",
    ];
    for (expected, (_, text)) in expected.iter().zip(&said.refused) {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// Exit 15.
#[tokio::test]
async fn a_program_stops_the_round() {
    let (world, marker) = (World::new(), Marker::new());
    let script = one_worker("coder", [bash(&marker.endless_command())]);
    let (_server, mut program) = piped(&world, script, &["--partial"]).await;
    program.until("the command", |line| line["text"] == "ready\n").await;
    program.send(json!({"type": "stop"})).await;
    let ended = program.end().await;
    marker.check_gone();
    assert_eq!((ended.code(), ended.said().ending()), (15, Ending::Stopped));
}

/// The end of the input is the end of whoever was there: what waits is settled at once, and nothing waits after it.
#[tokio::test]
async fn a_program_that_goes_away_leaves_nobody_to_ask() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [ask("coder", "해 줘"), question(&[]), finish("done")])
        .agent("coder", [bash("touch 하나.txt"), bash("touch 둘.txt"), coded(&[], &[])]);
    let flags = ["--permission-mode", "ask", "--sandbox", "none"];
    let (_server, mut program) = piped(&world, script, &flags).await;
    program.until_type("permission_asked").await;
    program.end_input();
    let said = program.end().await.said();
    assert_eq!(said.ending(), Ending::NeedsPerson(NeedReason::Question));
    assert_eq!(said.of_type("permission_asked").len(), 1, "the second call was denied unasked");
    assert_eq!((said.of_type("intervention"), world.has("하나.txt")), (vec![], false));
}

/// It works with every output; where there are no lines, what is wrong with a line stands on standard error.
#[tokio::test]
async fn commands_come_in_whatever_the_output_is() {
    for format in ["text", "json"] {
        let world = World::new();
        let server = MockServer::start(Script::new().agent("manager", [Turn::silence()])).await;
        let flags = ["--input-format", "stream-json", "--output-format", format, "--lang", "ko", "x"];
        let mut program = world.call(flags).against(&server).stdin(Stdio::piped()).start();
        program.send("{}").await;
        program.until_err("표준 입력 1번째 줄을 처리하지 않았습니다: `type`이 없습니다").await;
        program.send(json!({"type": "stop"})).await;
        let ended = program.end().await;
        assert_eq!(ended.code(), 15, "{ended:?}");
        if format == "json" {
            assert_eq!(ended.line()["outcome"], "stopped");
        }
    }
}

/// Contract 1: with a TASK, standard input is never waited for: neither at the beginning nor at the end.
#[tokio::test]
async fn an_open_standard_input_holds_nothing_up() {
    for flags in [&[][..], &["--input-format", "stream-json"]] {
        let world = World::new();
        let server = MockServer::start(Script::new().agent("manager", [Turn::text("답")])).await;
        let (reader, _open) = std::io::pipe().expect("a pipe");
        let call = world.call(flags).args(["x"]).against(&server).stdin(Stdio::from(reader));
        let ended = call.run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (0, "답\n"), "{flags:?} {}", ended.err);
    }
}

/// Standard input is one thing only. Exit 2.
#[tokio::test]
async fn commands_and_a_task_cannot_both_come_in() {
    let world = World::new();
    for more in [&["-"][..], &["--context", "-", "x"]] {
        let ended = world.call(["--input-format", "stream-json"]).args(more).run().await;
        assert_eq!(ended.code(), 2);
        assert!(ended.err.contains("standard input can be read only once"), "{}", ended.err);
    }
}

/// A round that fails while somebody is asked says so; the words do not stay in a prompt.
#[tokio::test]
async fn a_model_that_cannot_be_asked_after_an_answer_ends_the_round() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [question(&["탭"]), Turn::error(400, "invalid_request_error", "너무 길다")]);
    let (_server, mut program) = at_terminal(&world, script, &[]).await;
    program.until("your answer: ", 1).await;
    program.type_in("1\n");
    let (code, screen) = program.end().await;
    let code = code.map(i64::from);
    let expected = i64::from(Ending::Failed(FailReason::Provider).exit_code());
    assert_eq!(code, Some(expected), "{}", String::from_utf8_lossy(&screen));
}
