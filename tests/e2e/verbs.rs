//! The verbs that print: `agents`, `config`, help; for people and as JSON, in both languages.

use std::fs;

use serde_json::Value;

use crate::support::World;

async fn json(world: &World, arguments: &[&str]) -> Value {
    let ended = world.call(arguments.iter().chain(&["--json"])).run().await;
    assert_eq!((ended.code(), ended.err.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&ended.out).expect("JSON")
}

/// O-2, O-6.
#[tokio::test]
async fn agents_are_listed_and_shown() {
    let world = World::new();
    let agents = json(&world, &["agents", "list"]).await;
    let names: Vec<&str> =
        agents.as_array().into_iter().flatten().filter_map(|agent| agent["name"].as_str()).collect();
    assert_eq!(names, ["manager", "planner", "coder", "reviewer", "tester", "committer"]);
    let listed = world.call(["agents", "list"]).run().await.out;
    assert!(names.iter().all(|name| listed.contains(name)), "{listed}");

    let tester = json(&world, &["agents", "show", "tester"]).await;
    assert_eq!(tester, agents[4]);
    assert_eq!(tester["timeout_seconds"], 600.0);
    let shown = world.call(["agents", "show", "tester"]).run().await.out;
    assert!(
        shown.contains("read, glob, grep, diff, bash") && shown.contains("You are the tester"),
        "{shown}"
    );

    let unknown = world.call(["agents", "show", "coderr"]).run().await;
    assert_eq!((unknown.code(), unknown.out.as_str()), (16, ""));
    assert!(unknown.err.contains("coderr") && unknown.err.contains("coder,"), "{}", unknown.err);
}

/// O-14: every value says where it comes from.
#[tokio::test]
async fn the_configuration_is_shown_with_its_sources() {
    let world = World::new();
    world.write_outside(
        "home/.better/config/system_config.json",
        r#"{"workflow_limits": {"max_turns": 9}, "ui": {"lang": "ko"}}"#,
    );
    let shown = world
        .call(["config", "show", "--json", "--timeout", "5"])
        .env("WORKER_TIMEOUT_CODER", "7")
        .run()
        .await;
    let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
    let entry = |key: &str| {
        (shown[key]["value"].clone(), shown[key]["source"].as_str().unwrap_or_default().to_owned())
    };
    let (turns, source) = entry("workflow_limits.max_turns");
    assert!(turns == 9 && source.ends_with("config/system_config.json"), "{source}");
    assert_eq!(entry("workflow_limits.timeout_seconds"), (5.0.into(), "--timeout".to_owned()));
    let (seconds, source) = entry("agents.coder.timeout_seconds");
    assert!(seconds == 7.0 && source.contains("WORKER_TIMEOUT_CODER"), "{source}");
    assert_eq!(entry("workflow_limits.max_messages"), (50.into(), "default".to_owned()));
    let people = world.call(["config", "show"]).run().await.out;
    assert!(people.contains("workflow_limits.max_turns = 9"), "{people}");
}

#[tokio::test]
async fn the_configuration_is_checked() {
    let world = World::new();
    let checked = json(&world, &["config", "check"]).await;
    assert_eq!(checked, serde_json::json!({ "ok": true, "files": [], "notices": [] }));
    let file = world.write_outside("home/.better/config/system_config.json", "{}");
    let checked = json(&world, &["config", "check"]).await;
    assert_eq!(checked["files"], serde_json::json!([file]));
    fs::write(&file, "{").expect("a file");
    let broken = world.call(["config", "check"]).run().await;
    assert_eq!(broken.code(), 3);
    assert!(broken.err.contains("system_config.json:1:"), "{}", broken.err);
}

/// The schemas that are printed are those that lie in the repository.
#[tokio::test]
async fn the_schemas_are_printed() {
    let world = World::new();
    let printed = json(&world, &["config", "schema"]).await;
    for kind in ["agent_config", "system_config"] {
        let file = better_llm_tests::root().join(format!("config/schema/{kind}.schema.json"));
        let text = fs::read_to_string(file).expect("a schema");
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(printed[format!("{kind}.json")], schema, "{kind}");
    }
}

#[tokio::test]
async fn the_places_are_said() {
    let world = World::new();
    let paths = json(&world, &["config", "paths"]).await;
    assert_eq!(paths["database"], serde_json::json!(world.journal()));
    assert_eq!(paths["config"], serde_json::json!(world.own().join("config")));
    assert!(!world.own().exists(), "saying where things lie makes none of them");
}

/// O-6: help has the same shape in both languages, and every verb an example.
#[tokio::test]
async fn help_speaks_both_languages() {
    let world = World::new();
    let verbs = [
        "",
        "run",
        "demo",
        "agents list",
        "agents show",
        "config show",
        "config check",
        "config schema",
        "config paths",
        "config trust",
        "permissions explain",
        "session undo",
    ];
    for verb in verbs {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let english = world.call(&arguments).run().await;
        let korean = world.call(&arguments).args(["--lang", "ko"]).run().await;
        let by_locale = world.call(&arguments).env("LC_ALL", "ko_KR.UTF-8").run().await;
        assert_eq!((english.code(), korean.code()), (0, 0));
        assert_eq!(korean.out, by_locale.out);
        let options = |text: &str| -> Vec<String> {
            let words = text.split_whitespace().filter(|word| word.starts_with("--"));
            words.map(|word| word.trim_end_matches([',', '`', ')']).to_owned()).collect()
        };
        assert_eq!(options(&english.out), options(&korean.out), "{verb}");
        assert!(english.out.contains("Example:\n  better-llm-cli") && korean.out.contains("예"), "{verb}");
        let has_hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert_eq!((has_hangul(&english.out), has_hangul(&korean.out)), (false, true), "{verb}");
    }
}
