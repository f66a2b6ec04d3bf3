//! Configuration that is wrong: the file, the place in it, what is wrong, the nearest name; exit 3, and nothing begun.

use serde_json::json;

use crate::support::World;

/// A configuration file that is given, and what is said about it.
async fn check(text: &str, expected: &[&str]) {
    let world = World::new();
    let file = world.write_outside("설정.json", text);
    let ended = world.call(["--config"]).args([&file]).args(["--provider", "offline", "x"]).run().await;
    assert_eq!((ended.code(), ended.out.as_str()), (3, ""), "{text}: {}", ended.err);
    assert!(ended.err.contains(&format!("{}:", file.display())), "it names the file: {}", ended.err);
    assert!(ended.err.contains("config check"), "it says what to do: {}", ended.err);
    for words in expected {
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
    assert!(!world.own().join("data").exists(), "nothing was begun");
}

fn agents(entry: &str) -> String {
    format!(r#"{{"agents": [{{"name": "coder", "role": "r", "tools": []}}, {entry}]}}"#)
}

/// Contract 3; P57, P58.
#[tokio::test]
async fn a_wrong_system_configuration_is_located() {
    check("{\n  \"workflow_limits\": {\n    \"max_turns\": 5,,\n  }\n}", &[":3:", "is not valid JSON"]).await;
    check(
        r#"{"workflow_limits": {"max_turn": 5}}"#,
        &["`workflow_limits.max_turn`", "did you mean `workflow_limits.max_turns`?"],
    )
    .await;
    check(
        r#"{"workflow_limits": {"max_turns": "많이"}}"#,
        &["`workflow_limits.max_turns`", "should be", "and is"],
    )
    .await;
    check(r#"{"workflow_limits": {"max_turns": 0}}"#, &["`workflow_limits.max_turns`", "should be"]).await;
    check(r#"{"repl": {"memory_mb": 1}}"#, &["`repl`", "this version does not have yet: remove it"]).await;
    check(r#"{"verify": {"commands": []}, "verify": {"commands": []}}"#, &["`verify`", "stands twice"]).await;
}

/// O-12; P58, P59.
#[tokio::test]
async fn a_wrong_team_is_located() {
    check(
        &agents(r#"{"name": "coder", "role": "r", "tools": []}"#),
        &["`agents[1].name`", "the name of agents[0] already"],
    )
    .await;
    check(&agents(r#"{"name": "manager", "role": "r", "tools": []}"#), &["`agents[1].name`", "reserved"])
        .await;
    check(
        &agents(r#"{"name": "a", "role": "r", "tools": [], "system_prompt_file": "없다.txt"}"#),
        &["`agents[1].system_prompt_file`", "없다.txt"],
    )
    .await;
    check(
        &agents(r#"{"name": "a", "role": "r", "tools": []}"#),
        &["`agents[1]`", "misses `system_prompt_file`"],
    )
    .await;
    check(
        &agents(r#"{"name": "devops", "role": "r", "tools": ["raed"]}"#),
        &["`agents[1].tools[0]`", "did you mean `read`?"],
    )
    .await;
    check(
        &agents(r#"{"name": "devops", "role": "r", "tools": ["execute_code"]}"#),
        &["`agents[1].tools[0]`", "does not have yet"],
    )
    .await;
    check(
        &agents(r#"{"name": "devops", "role": "r", "tool": []}"#),
        &["`agents[1].tool`", "did you mean `agents[1].tools`?"],
    )
    .await;
}

/// O-14; P60.
#[tokio::test]
async fn a_wrong_variable_is_named() {
    let world = World::new();
    let ended = world.call(["--provider", "offline", "x"]).env("WORKER_TIMEOUT_CODER", "빨리").run().await;
    assert_eq!(ended.code(), 3);
    assert!(
        ended.err.contains("environment variable WORKER_TIMEOUT_CODER: should be a number of seconds"),
        "{}",
        ended.err
    );
}

/// Law 9: what a workspace's own file may not do is ignored, and said in the session.
#[tokio::test]
async fn a_workspace_that_wants_too_much_is_told_so() {
    let world = World::new();
    world.write(
        ".better-llm/system_config.json",
        r#"{"workflow_limits": {"max_turns": 7}, "verify": {"commands": ["touch 터짐"]}}"#,
    );
    let ended = world.call(["--provider", "offline", "--output-format", "stream-json", "x"]).run().await;
    let said = ended.said();
    let notice = said.the("notice");
    assert_eq!(notice["code"], "config_not_trusted");
    assert!(
        notice["text"].as_str().is_some_and(|text| text.contains("`verify.commands` was ignored")),
        "{notice}"
    );
    assert_eq!(said.the("session_started")["limits"]["max_turns"], json!(7));
    assert!(!world.has("터짐"));
}

/// O-8: a key in a file that git tracks is no key.
#[tokio::test]
async fn a_tracked_dot_env_gives_no_key() {
    let world = World::new();
    world.write(".env", "ANTHROPIC_API_KEY=sk-in-the-open\n");
    let untracked = world.call(["config", "show", "--json"]).run().await;
    let show = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).expect("JSON")["ANTHROPIC_API_KEY"]["value"].clone()
    };
    assert_eq!(show(&untracked.out), "set");
    assert!(!untracked.out.contains("sk-in-the-open"));
    world.git(&["add", "-f", ".env"]);
    let tracked = world.call(["config", "show", "--json"]).run().await;
    assert_eq!(show(&tracked.out), "not set");
    let checked = world.call(["config", "check"]).run().await;
    assert!(
        checked.out.contains(".env:1: ANTHROPIC_API_KEY was ignored: git tracks this file"),
        "{}",
        checked.out
    );
}
