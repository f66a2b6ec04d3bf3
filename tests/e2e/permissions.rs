//! O-2, contract 6: who may do what, who is asked, and what an answer means.

use std::fs;

use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    AtTerminal, World,
    turns::{ask, bash, coded, finish, one_worker, results, write},
};

const MAY_RUN: &str = "may this command run?";
const PROMPT: &str = "then a note if you like: ";

/// A team of which everything is asked, at a terminal. No sandbox, so that these run everywhere.
async fn asked(world: &World, script: Script) -> (MockServer, AtTerminal) {
    let server = MockServer::start(script).await;
    let flags = ["--permission-mode", "ask", "--sandbox", "none", "합계에 환불을 더해 줘"];
    let program = world.call(flags).against(&server).at_terminal();
    (server, program)
}

fn coder(turns: impl IntoIterator<Item = Turn>) -> Script {
    one_worker("coder", turns.into_iter().chain([coded(&[], &[])]))
}

/// What the coder's model got back for its calls.
fn told(server: &MockServer) -> Vec<String> {
    results(&server.requests_of("coder").last().expect("a request").body)
}

#[tokio::test]
async fn a_call_runs_when_the_person_says_so_and_an_empty_line_does_not() {
    let world = World::new();
    let (_server, mut program) = asked(&world, coder([bash("echo 됐다 > \\\n  하나.txt")])).await;
    program.until(PROMPT, 1).await;
    let shown = program.shown().replace("\u{1b}[", "");
    assert!(shown.contains("echo 됐다 > \\") && shown.contains("하나.txt"), "the whole command: {shown}");
    assert!(shown.contains("asked because: permission mode `ask` asks before every command"), "{shown}");
    program.type_in("\n");
    program.until("that is no answer", 1).await;
    program.until(PROMPT, 2).await;
    assert!(!world.has("하나.txt"), "nobody said yes");
    program.type_in("o\n");
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert_eq!((code, world.read("하나.txt").as_str()), (Some(0), "됐다\n"), "{screen}");
    assert!(screen.contains("allowed once (person)"), "{screen}");
}

#[tokio::test]
async fn a_denial_carries_its_note_to_the_model() {
    let world = World::new();
    let (server, mut program) = asked(&world, coder([bash("touch 하나.txt")])).await;
    program.until(PROMPT, 1).await;
    program.type_in("d 시험 폴더를 쓰세요\n");
    let (code, _) = program.end().await;
    assert_eq!((code, world.has("하나.txt")), (Some(0), false));
    assert_eq!(told(&server), ["denied by the person, who says: 시험 폴더를 쓰세요"]);
}

#[tokio::test]
async fn an_edit_is_shown_as_a_diff() {
    let world = World::new();
    let (_server, mut program) = asked(&world, coder([write("README.md", "# 새 가계부\n")])).await;
    program.until(PROMPT, 1).await;
    let shown = program.shown();
    for part in ["may this edit be made?", "README.md", "-# 가계부", "+# 새 가계부"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    program.type_in("once\n");
    assert_eq!((program.end().await.0, world.read("README.md").as_str()), (Some(0), "# 새 가계부\n"));
}

/// Reliability 2.4: lookalike letters and hidden characters in a command are named where leave is asked.
#[tokio::test]
async fn what_deceives_the_eye_is_named_before_the_answer() {
    let world = World::new();
    let (_server, mut program) = asked(&world, coder([bash("cat pаypal.txt \u{202e}gpj.exe\u{200b}")])).await;
    program.until(PROMPT, 1).await;
    let shown = program.shown();
    for mark in ["`pаypal` (а U+0430 Cyrillic; line 1)", "order of reading: U+202E", "show nothing: U+200B"]
    {
        assert!(shown.contains(mark), "{mark}: {shown}");
    }
    program.type_in("d\n");
    assert_eq!(program.end().await.0, Some(0));
}

#[tokio::test]
async fn leave_for_the_session_holds_for_exactly_that_call() {
    let world = World::new();
    let turns = [bash("echo 한 번 >> 셈.txt"), bash("echo 한 번 >> 셈.txt"), bash("echo 두 번 >> 셈.txt")];
    let (_server, mut program) = asked(&world, coder(turns)).await;
    program.until(PROMPT, 1).await;
    program.type_in("s\n");
    program.until(PROMPT, 2).await;
    assert_eq!(world.read("셈.txt"), "한 번\n한 번\n");
    program.type_in("d\n");
    let (_, screen) = program.end().await;
    assert_eq!(String::from_utf8_lossy(&screen).matches(MAY_RUN).count(), 2);
    assert_eq!(world.read("셈.txt"), "한 번\n한 번\n");
}

#[tokio::test]
async fn leave_for_good_is_kept_for_the_workspace() {
    let world = World::new();
    let turns = || coder([bash("echo 늘 >> 셈.txt")]);
    let (_server, mut program) = asked(&world, turns()).await;
    program.until(PROMPT, 1).await;
    program.type_in("a\n");
    assert_eq!(program.end().await.0, Some(0));
    let (_server, program) = asked(&world, turns()).await;
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(0) && !screen.contains(MAY_RUN), "{screen}");
    assert_eq!(world.read("셈.txt"), "늘\n늘\n");
}

#[tokio::test]
async fn several_calls_wait_in_line() {
    let world = World::new();
    let both = bash("touch 하나.txt").and_call("bash", json!({"command": "touch 둘.txt"}));
    let (_server, mut program) = asked(&world, coder([both])).await;
    for (times, answer) in [(1, "d\n"), (2, "o\n")] {
        program.until(PROMPT, times).await;
        assert_eq!(program.shown().matches(MAY_RUN).count(), times, "one at a time");
        program.type_in(answer);
    }
    assert_eq!(program.end().await.0, Some(0));
    assert_eq!((world.has("하나.txt"), world.has("둘.txt")), (false, true));
}

/// What was typed before the question was there cannot have been meant for it.
#[tokio::test]
async fn what_was_typed_too_early_answers_nothing() {
    let world = World::new();
    let (_server, mut program) = asked(&world, coder([bash("touch 하나.txt")])).await;
    program.type_in("o\na\no\n");
    program.until(PROMPT, 1).await;
    program.type_in("deny\n");
    let (code, screen) = program.end().await;
    assert_eq!((code, world.has("하나.txt")), (Some(0), false), "{}", String::from_utf8_lossy(&screen));
}

#[tokio::test]
async fn the_end_of_the_input_denies_this_call_and_the_next() {
    let world = World::new();
    let turns = [bash("touch 하나.txt"), bash("touch 둘.txt")];
    let (server, mut program) = asked(&world, coder(turns)).await;
    program.until(PROMPT, 1).await;
    program.type_in("\u{4}");
    let (code, screen) = program.end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert_eq!((code, screen.matches("the input has ended").count()), (Some(9), 1), "{screen}");
    assert_eq!((world.has("하나.txt"), world.has("둘.txt")), (false, false));
    let told = told(&server);
    assert!(
        told.iter().all(|text| text.starts_with("denied: ") && text.contains("nobody is there")),
        "{told:?}"
    );
}

/// P49: an interrupt ends the round, whoever is being asked.
#[tokio::test]
async fn an_interrupt_ends_the_round_while_somebody_is_asked() {
    let world = World::new();
    let (_server, mut program) = asked(&world, coder([bash("touch 하나.txt")])).await;
    program.until(PROMPT, 1).await;
    program.type_in("\u{3}");
    assert_eq!((program.end().await.0, world.has("하나.txt")), (Some(130), false));
}

#[tokio::test]
async fn korean_prompts_take_korean_keys() {
    let world = World::new();
    let server = MockServer::start(coder([bash("touch 하나.txt")])).await;
    let flags = ["--permission-mode", "ask", "--sandbox", "none", "--lang", "ko", "x"];
    let mut program = world.call(flags).against(&server).at_terminal();
    program.until("o, s, a, d 중 하나 (뒤에 메모 가능): ", 1).await;
    let shown = program.shown();
    assert!(
        shown.contains("이 명령을 실행할까요?") && shown.contains("묻는 이유: 권한 모드 `ask`"),
        "{shown}"
    );
    program.type_in("ㅐ\n");
    assert_eq!((program.end().await.0, world.has("하나.txt")), (Some(0), true));
}

/// Law 6: nobody there to be asked means no, at once; the way out is named. Exit code 9 where the work is not done.
#[tokio::test]
async fn without_a_person_a_call_is_denied_at_once_and_the_way_out_is_named() {
    let world = World::new();
    let script = || {
        Script::new()
            .agent("manager", [ask("coder", "해 줘"), finish("failed")])
            .agent("coder", [bash("touch 하나.txt"), coded(&[], &[])])
    };
    let flags = ["--permission-mode", "ask", "--sandbox", "none", "x"];
    let server = MockServer::start(script()).await;
    let ended = world.call(flags).against(&server).run().await;
    assert_eq!((ended.code(), world.has("하나.txt")), (9, false), "{}", ended.err);
    assert!(
        ended.err.contains("run it in a terminal") && ended.err.contains("--permission-mode full"),
        "{}",
        ended.err
    );
    // A program that reads events is no person, though it may sit at a terminal.
    let server = MockServer::start(script()).await;
    let call = world.call(flags).args(["--output-format", "stream-json"]).against(&server);
    let (code, screen) = call.at_terminal().end().await;
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(code == Some(9) && !screen.contains("permission_asked"), "{screen}");
}

const RULES: &str = r#"{"permissions": {"rules": [
    {"effect": "deny", "tool": "read", "argument": "비밀/**"},
    {"effect": "ask", "tool": "bash", "argument": "git push *", "agent": "coder"}
]}}"#;

async fn explain(world: &World, arguments: &[&str]) -> Value {
    let ended = world.call(["permissions", "explain", "--json"].iter().chain(arguments)).run().await;
    assert_eq!((ended.code(), ended.err.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&ended.out).expect("JSON")
}

#[tokio::test]
async fn permissions_are_explained_with_the_rule_that_decides() {
    let world = World::new();
    world.write_outside("home/.better/config/system_config.json", RULES);
    let none = ["--sandbox", "none", "--permission-mode", "full"];
    let all = explain(&world, &none).await;
    let agents: Vec<&str> =
        all["agents"].as_array().into_iter().flatten().filter_map(|row| row["agent"].as_str()).collect();
    assert_eq!(agents, ["manager", "planner", "coder", "reviewer", "tester", "committer"]);
    assert_eq!((&all["mode"], &all["sandbox"]["level"]), (&json!("full"), &json!("none")));
    let source = all["rules"][0]["source"].as_str().unwrap_or_default();
    assert!(source.contains("system_config.json"), "{all}");

    let decided = async |arguments: &[&str]| {
        let explained = explain(&world, &[&none, arguments].concat()).await;
        explained["agents"][0]["tools"][0].clone()
    };
    let push = decided(&["coder", "--", "bash", "git push origin"]).await;
    assert_eq!(
        (&push["decision"], &push["by"]),
        (&json!("asked"), &json!("the rule `ask bash `git push *` for coder`"))
    );
    let secret = decided(&["tester", "--", "read", "비밀/열쇠"]).await;
    assert_eq!(
        (&secret["decision"], &secret["by"]),
        (&json!("denied"), &json!("the rule `deny read `비밀/**``"))
    );
    assert_eq!(decided(&["planner", "--", "write", "a"]).await["decision"], "not_given");

    let english = world.call(["permissions", "explain", "coder"]).args(none).run().await;
    let korean = world.call(["permissions", "explain", "coder", "--lang", "ko"]).args(none).run().await;
    assert!(
        english.out.contains("permission mode: full") && english.out.contains("bash   allowed"),
        "{}",
        english.out
    );
    assert!(korean.out.contains("권한 모드: full") && korean.out.contains("일부 호출"), "{}", korean.out);
}

#[tokio::test]
async fn what_there_is_no_permission_for_is_not_found() {
    let world = World::new();
    for (arguments, known) in [(&["codr"][..], "coder"), (&["coder", "--", "bahs", "x"], "bash")] {
        let ended = world.call(["permissions", "explain"].iter().chain(arguments)).run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (16, ""), "{}", ended.err);
        assert!(ended.err.contains(known), "{}", ended.err);
    }
}

/// `--allow-network`, `--add-dir`, `--pass-env`, `--sandbox strict` are settings that can be seen.
#[tokio::test]
async fn flags_that_widen_the_sandbox_are_shown_with_their_source() {
    let world = World::new();
    fs::create_dir(world.outside().join("자료")).expect("a folder");
    let flags =
        ["--allow-network", "--add-dir", "../자료:ro", "--pass-env", "MY_TOOL", "--sandbox", "strict"];
    let shown = world.call(["config", "show", "--json"]).args(flags).run().await;
    let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
    let folder = format!("{}:ro", world.outside().join("자료").display());
    for (key, value, source) in [
        ("sandbox.network", json!(["*"]), "--allow-network"),
        ("sandbox.add_dirs", json!([folder]), "--add-dir"),
        ("sandbox.pass_env", json!(["MY_TOOL"]), "--pass-env"),
        ("sandbox.level", json!("strict"), "--sandbox"),
    ] {
        assert_eq!((&shown[key]["value"], &shown[key]["source"]), (&value, &json!(source)), "{key}");
    }
    let missing = world.call(["config", "show", "--add-dir", "../nowhere"]).run().await;
    assert!(missing.code() == 3 && missing.err.contains("nowhere"), "{}", missing.err);
}

/// A folder that was added may be written and a variable that passes is seen; others are not.
#[tokio::test]
async fn a_folder_to_write_in_is_said_to_be_unwatched() {
    let world = World::new();
    let folder = world.outside().join("자료");
    fs::create_dir(&folder).expect("a folder");
    let added = folder.display().to_string();
    for (flag, is_said) in [(added.clone(), true), (format!("{added}:ro"), false)] {
        let server = MockServer::start(coder([])).await;
        let said = world.task(&server, &["--sandbox", "none", "--add-dir", &flag]).await.run().await.said();
        let notices = said.of_type("notice");
        let notice = notices.iter().find(|notice| notice["code"] == "added_folder_unwatched");
        assert_eq!(notice.is_some(), is_said, "{flag}: {notices:?}");
        let names =
            notice.is_none_or(|notice| notice["text"].as_str().is_some_and(|text| text.contains(&added)));
        assert!(names, "{notices:?}");
    }
}

#[tokio::test]
async fn added_folders_and_passed_variables_reach_commands() {
    let world = World::new();
    if !world.has_walls().await {
        return;
    }
    let folder = world.outside().join("자료");
    fs::create_dir(&folder).expect("a folder");
    let command = format!("echo \"$MY_TOOL/$OTHER\" > '{}/봤다'", folder.display());
    let run = async |flags: &[&str]| {
        let server = MockServer::start(coder([bash(&command)])).await;
        let call = world.call(flags).args(["x"]).against(&server).env("MY_TOOL", "하나").env("OTHER", "둘");
        call.run().await.code()
    };
    assert_eq!((run(&[]).await, folder.join("봤다").exists()), (0, false));
    let added = folder.display().to_string();
    assert_eq!(run(&["--add-dir", &added, "--pass-env", "MY_TOOL"]).await, 0);
    assert_eq!(fs::read_to_string(folder.join("봤다")).expect("it was written"), "하나/\n");
}
