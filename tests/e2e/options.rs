//! O-6: every option of the command line does something that one can see. (`--verify`, `--max-turns`, `--timeout`,
//! `--partial`, `--output-format`, `--permission-mode`, `--sandbox`, `--config` have tests of their own beside what they
//! are about.)

use std::{fs::File, process::Stdio};

use domain::outcome::Ending;
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{ask, finish, planned},
};

fn answering() -> Script {
    Script::new().agent("manager", [Turn::text("답")]).repeating_last()
}

/// The first request that the program makes when it is called like this.
async fn request(world: &World, arguments: &[&str]) -> Value {
    let server = MockServer::start(answering()).await;
    let ended = world.call(arguments).against(&server).run().await;
    assert_eq!((ended.code(), ended.out.as_str()), (0, "답\n"), "{}", ended.err);
    server.assert_nothing_refused();
    server.requests()[0].body.clone()
}

fn first_words(body: &Value) -> &str {
    body["messages"][0]["content"][0]["text"].as_str().unwrap_or_default()
}

/// `run TASK`, `TASK`, and `--` before a task that reads like a verb.
#[tokio::test]
async fn a_task_can_be_named_in_three_ways() {
    let world = World::new();
    for arguments in [&["run", "환불을 더해 줘"][..], &["환불을 더해 줘"], &["--", "환불을 더해 줘"]]
    {
        assert_eq!(first_words(&request(&world, arguments).await), "환불을 더해 줘");
    }
    assert_eq!(first_words(&request(&world, &["--", "demo"]).await), "demo");
}

/// `-` and `--context -` read standard input; without them it is not read, and that is said.
#[tokio::test]
async fn standard_input_is_read_where_it_is_named() {
    let world = World::new();
    let input = || Stdio::from(File::open(world.write_outside("입력", "자료 한 줄\n")).expect("a file"));
    let server = MockServer::start(answering()).await;
    let call = |arguments: &[&str]| world.call(arguments).against(&server).stdin(input()).run();
    let task = call(&["-"]).await;
    let context = call(&["--context", "-", "요약"]).await;
    let unread = call(&["요약"]).await;
    assert_eq!((task.code(), context.code(), unread.code()), (0, 0, 0));
    let asked: Vec<String> =
        server.requests().iter().map(|request| first_words(&request.body).to_owned()).collect();
    assert_eq!(asked, ["자료 한 줄", "요약\n\n<context name=\"-\">\n자료 한 줄\n</context>", "요약"]);
    let told = "standard input holds data that was not read";
    assert!(unread.err.contains(told) && !context.err.contains(told), "{}", unread.err);
}

/// With a task standard input is never waited for.
#[tokio::test]
async fn an_open_pipe_is_not_waited_for() {
    let world = World::new();
    let server = MockServer::start(answering()).await;
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let ended = world.call(["x"]).against(&server).stdin(Stdio::from(reader)).run().await;
    assert_eq!(ended.code(), 0);
    drop(writer);
}

#[tokio::test]
async fn context_goes_along_as_data() {
    let world = World::new();
    world.write("메모.txt", "환불은 음수\n");
    let body = request(&world, &["--context", "메모.txt", "--context", "README.md", "x"]).await;
    let expected = "x\n\n<context name=\"메모.txt\">\n환불은 음수\n</context>\n\n<context name=\"README.md\">\n# 가계부\n</context>";
    assert_eq!(first_words(&body), expected);
}

#[tokio::test]
async fn the_workspace_can_be_elsewhere() {
    let world = World::new();
    let folder = world.repository.display().to_string();
    for option in ["--cwd", "-C"] {
        let server = MockServer::start(answering()).await;
        let call = world.call([option, &folder, "--output-format", "stream-json", "x"]).within(&world.home);
        let said = call.against(&server).run().await.said();
        assert_eq!(said.the("session_started")["cwd"], json!(folder));
    }
}

/// `--model X` for all, `--model AGENT=X` for one.
#[tokio::test]
async fn models_are_chosen_for_all_or_for_one() {
    let world = World::new();
    let script =
        Script::new().agent("manager", [ask("planner", "x"), finish("done")]).agent("planner", [planned()]);
    let server = MockServer::start(script).await;
    world.task(&server, &["--model", "opus", "--model", "planner=claude-3-5-haiku"]).await.run().await.said();
    server.assert_nothing_refused();
    let model = |agent: &str| server.requests_of(agent)[0].body["model"].clone();
    assert_eq!((model("manager"), model("planner")), (json!("claude-opus-5-5"), json!("claude-haiku-5-5")));
}

#[tokio::test]
async fn the_effort_is_asked_for() {
    let world = World::new();
    for effort in ["low", "high"] {
        assert_eq!(request(&world, &["--effort", effort, "x"]).await["output_config"]["effort"], effort);
    }
    assert_eq!(request(&world, &["x"]).await["output_config"], Value::Null);
}

/// `offline` answers without a model, in the person's language, and does nothing.
#[tokio::test]
async fn offline_needs_no_key_and_says_the_ways_out() {
    let world = World::new();
    for (lang, words) in [("en", "No model is connected"), ("ko", "연결된 모델이 없어")] {
        let ended = world.call(["--provider", "offline", "--lang", lang, "x"]).run().await;
        assert_eq!(ended.code(), 0);
        assert!(ended.out.starts_with(words) && ended.out.contains("ANTHROPIC_API_KEY"), "{}", ended.out);
    }
}

/// Contract 9: a script of answers, checked while it plays.
#[tokio::test]
async fn a_script_is_played_from_a_file() {
    let world = World::new();
    let script = json!({"v": 1, "agents": {
        "manager": [
            {"tool_calls": [{"name": "execute_planner_task", "input": {"task_description": "x"}}], "expect": {"last_user_contains": "환불"}},
            {"tool_calls": [{"name": "finish", "input": {"summary": "끝", "status": "done"}}], "expect": {"tool_result_contains": "한 단계"}}
        ],
        "planner": [{"thinking": "음", "tool_calls": [{"name": "report", "input": {"summary": "한 단계", "steps": []}}]}]
    }});
    let file = world.write_outside("script.json", &script.to_string()).display().to_string();
    let provider = format!("script:{file}");
    let call =
        |task: &str| world.call(["--provider", &provider, "--output-format", "stream-json", task]).run();
    let played = call("환불").await.said();
    assert_eq!(
        (played.ending(), played.the("round_finished")["summary"].clone()),
        (Ending::Done, json!("끝"))
    );
    played.check_kept(&world).await;
    let other = call("다른 일").await.said();
    let error = other.the("error");
    assert_eq!(error["code"], "model_script");
    assert!(
        error.to_string().contains("환불") && error.to_string().contains("다른 일"),
        "both sides: {error}"
    );
}

#[tokio::test]
async fn verbose_logs_to_standard_error() {
    let world = World::new();
    for (arguments, logs) in [(&["-v", "x"][..], true), (&["--verbose", "x"], true), (&["x"], false)] {
        let server = MockServer::start(answering()).await;
        let ended = world.call(arguments).against(&server).run().await;
        assert_eq!(ended.err.contains("DEBUG"), logs, "{}", ended.err);
    }
}

/// O-6: options stand before or after a verb; a wrong one names the nearest.
#[tokio::test]
async fn options_stand_anywhere_and_wrong_ones_are_told() {
    let world = World::new();
    for arguments in [
        &["--lang", "ko", "run", "x", "--provider", "offline"][..],
        &["run", "--provider", "offline", "x", "--lang", "ko"],
    ] {
        let ended = world.call(arguments).run().await;
        assert!(ended.code() == 0 && ended.out.starts_with("연결된 모델이"), "{}", ended.err);
    }
    for (arguments, words) in [
        (&["--effort", "hihg", "x"][..], "did you mean `high`?"),
        (&["--max-turns", "0", "x"], "--max-turns"),
        (&["--resume", "x"], "first 6 letters"),
        (&["--continue", "--resume", "01J9ZQ8W", "x"], "two sessions are named"),
        (&["--provider", "claude-code", "x"], "claude-code"),
        (&["--partial", "x"], "--partial"),
    ] {
        let ended = world.call(arguments).run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (2, ""), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
}
