//! O-9, P54, reliability 1.5: the keys of somebody at a terminal: lines that are edited and pasted, clocks that they hold,
//! and a terminal that is given back.

use rustix::process::Signal;
use testkit::{MockServer, Script};

use crate::{
    person::{asking, at_terminal, last_request, question, reporting, was_told},
    support::{
        World,
        turns::{ask, bash, coded, finish, results},
    },
};

/// O-9: an answer can be edited in any script and pasted; what stood in the line at the deadline is not lost.
#[tokio::test]
async fn an_answer_is_edited_like_a_message_and_outlives_the_deadline() {
    let world = World::new();
    let (server, mut program) = at_terminal(&world, asking(&["탭", "공백"]), &[]).await;
    program.until("your answer: ", 1).await;
    assert!(!program.edits_lines(), "every key is heard");
    program.type_in("한글\u{7f}\u{1b}[200~ 줄\r둘\u{1b}[201~\n");
    assert_eq!(program.end().await.0, Some(0));
    assert_eq!(results(&last_request(&server)), ["한 줄\n둘"]);

    let world = World::new();
    let config = world.write_outside("system_config.json", r#"{"question_timeout_seconds": 1}"#);
    let wait = "until [ -e 가 ]; do sleep 0.02; done; rm 가";
    let manager = [question(&["탭"]), ask("coder", "해 줘"), finish("done")];
    let coder = [bash(wait), coded(&[], &[wait])];
    let script = Script::new().agent("manager", manager).agent("coder", coder);
    let config = config.display().to_string();
    let (server, mut program) =
        at_terminal(&world, script, &["--config", &config, "--intervention", "0"]).await;
    program.until("your answer: ", 1).await;
    program.type_in("반쯤");
    program.until("answer (deadline)", 1).await;
    program.until("  > 반쯤", 1).await;
    program.type_in(" 쓴 말\n");
    program.until("the manager reads this next", 1).await;
    world.write("가", "");
    assert_eq!(program.end().await.0, Some(0));
    assert!(was_told(&server, "반쯤 쓴 말"), "{}", last_request(&server));
}

/// O-9: the first key stops the clock; the line can be edited, in any script, and the manager reads it next.
#[tokio::test]
async fn who_begins_to_type_stops_the_clock_and_can_edit_the_line() {
    let world = World::new();
    let (server, mut program) = at_terminal(&world, reporting(), &["--intervention", "600"]).await;
    program.until("  > ", 1).await;
    program.type_in("한");
    program.until("paused", 1).await;
    program.until("  > 한", 1).await;
    program.type_in("글\u{7f}국👨‍👩‍👧\u{7f}어 주석\n");
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(0) && screen.contains("you said: 한국어 주석"), "{screen}");
    assert!(screen.contains("글\u{8} \u{8}\u{8} \u{8}국"), "two columns are taken back: {screen:?}");
    assert!(was_told(&server, "한국어 주석"), "{}", last_request(&server));
    assert_eq!(server.requests_of("manager").len(), 2);
}

/// P54: several lines that are pasted are one message, and only Enter sends it; also where the terminal does not say what
/// is pasted.
#[tokio::test]
async fn what_is_pasted_into_a_window_is_one_message() {
    for (pasted, enter) in [("\u{1b}[200~하나\r둘 줄\r셋\r\u{1b}[201~", "\r"), ("하나\r둘 줄\r셋\r", "")]
    {
        let world = World::new();
        let (server, mut program) = at_terminal(&world, reporting(), &["--intervention", "600"]).await;
        program.until("  > ", 1).await;
        program.type_in(pasted);
        program.until("하나⏎둘 줄⏎셋", 1).await;
        program.type_in(enter);
        let (code, screen) = program.end().await;
        let screen = String::from_utf8_lossy(&screen).into_owned();
        assert_eq!(code, Some(0), "{screen}");
        assert!(was_told(&server, "하나\\n둘 줄\\n셋"), "{}", last_request(&server));
        let (on, off) = (screen.rfind("\u{1b}[?2004h"), screen.rfind("\u{1b}[?2004l"));
        assert!(on.is_some() && on < off, "pastes are marked, and not any more afterwards: {screen:?}");
    }
}

/// P54: 1 MB is taken whole; more is not cut in silence.
#[tokio::test]
async fn a_long_paste_is_taken_whole_or_not_at_all() {
    let world = World::new();
    let (server, mut program) = at_terminal(&world, reporting(), &["--intervention", "600"]).await;
    program.until("  > ", 1).await;
    let paste = |text: &str| format!("\u{1b}[200~{text}\u{1b}[201~\r");
    program.type_in(&paste(&"가".repeat(400_000)));
    program.until("that is longer than 1048576 bytes", 1).await;
    program.type_in(&paste(&format!("{}끝", "줄\n".repeat(250_000))));
    let (code, screen) = program.end().await;
    assert_eq!(code, Some(0));
    assert!(was_told(&server, "줄\\n줄\\n끝"));
    let told = last_request(&server)["messages"].to_string();
    assert_eq!((told.matches("줄\\n").count(), told.contains("가가")), (250_000, false), "{}", screen.len());
}

/// P49, reliability 1.5: whatever ends the round, the terminal is as it was (`AtTerminal::end` looks).
#[tokio::test]
async fn a_signal_in_a_window_gives_the_terminal_back() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::QUIT, 130)] {
        let world = World::new();
        let (_server, mut program) = at_terminal(&world, reporting(), &["--intervention", "600"]).await;
        program.until("  > ", 1).await;
        assert!(!program.edits_lines());
        program.signal(signal);
        assert_eq!(program.end().await.0, Some(code));
    }
}

/// Reliability 1.5: whoever puts the program aside has the terminal as it was, and finds the window again afterwards.
#[tokio::test]
async fn who_puts_the_program_aside_in_a_window_has_the_terminal_back() {
    for by_key in [true, false] {
        let world = World::new();
        let server = MockServer::start(reporting()).await;
        let flags = "--intervention 600 --sandbox none --permission-mode full";
        let script = format!(
            "set -m; sh -c 'echo job $$; exec better-llm-cli {flags} x'; echo put aside; read -r _; fg; exit $?"
        );
        let mut program = world.script(&script).against(&server).at_terminal();
        program.until("  > ", 1).await;
        program.type_in("한글");
        program.until("  > 한글", 1).await;
        assert!(!program.edits_lines());
        if by_key {
            program.type_in("\u{1a}");
        } else {
            program.signal_job(Signal::TSTP);
        }
        program.until("put aside", 1).await;
        assert!(program.edits_lines(), "the shell has the terminal as it was");
        let before = program.shown().matches("  > 한글").count();
        program.type_in("\n");
        program.until("  > 한글", before + 1).await;
        assert!(!program.edits_lines(), "every key is heard again");
        program.type_in("\u{7f}\n");
        assert_eq!(program.end().await.0, Some(0));
        assert!(was_told(&server, "한") && !was_told(&server, "한글"), "{}", last_request(&server));
    }
}
