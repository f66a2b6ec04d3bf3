//! O-12, O-13, O-26: a team by configuration and prompts by file, without building anything.

use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{ask, bash, finish},
};

fn general(status: &str) -> Turn {
    Turn::call("report", json!({ "summary": "배포했습니다", "status": status }))
}

/// A team of two: devops with the built-in prompt, and one that nobody has heard of.
const TEAM: &str = r#"{"agents": [
    {"name": "devops", "role": "배포", "allowed_tools": ["read", "bash"], "timeout_seconds": 30},
    {"name": "translator", "role": "옮기기", "description": "한영", "system_prompt_file": "prompts/옮긴이.txt",
     "tools": ["read", "write"], "model": "fast", "thinking": true}
]}"#;

/// O-12, O-26: agents of one's own work, each with its prompt, tools and model; `allowed_tools` is `tools`.
#[tokio::test]
async fn a_team_of_ones_own_works_by_configuration_alone() {
    let world = World::new();
    let config = world.write_outside("team/config/agent_config.json", TEAM).display().to_string();
    world.write_outside("team/prompts/옮긴이.txt", "너는 translator, 글을 옮긴다.\n");
    let script = Script::new()
        .agent("manager", [ask("devops", "배포"), ask("translator", "옮겨 줘"), finish("done")])
        .agent("devops", [bash("echo 배포"), general("success")])
        .agent(
            "translator",
            [
                Turn::call("write", json!({"path": "README.en.md", "content": "# Ledger\n"})),
                general("success"),
            ],
        );
    let server = MockServer::start(script).await;
    let said = world.task(&server, &["--config", &config]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(said.the("round_finished")["agents_used"], json!(["devops", "translator"]));
    assert_eq!(world.read("README.en.md"), "# Ledger\n");

    let tools = |agent: &str| {
        let request = server.requests_of(agent).remove(0);
        let tools = request.body["tools"].as_array().cloned().unwrap_or_default();
        let names: Vec<String> =
            tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect();
        (request, names)
    };
    let (devops, names) = tools("devops");
    assert_eq!(names, ["read", "bash", "report"]);
    assert_eq!(devops.body["model"], "claude-sonnet-5-5");
    let (translator, names) = tools("translator");
    assert_eq!(names, ["read", "write", "report"]);
    assert_eq!(translator.body["model"], "claude-haiku-5-5");
    let system = translator.body["system"][0]["text"].as_str().unwrap_or_default();
    assert!(system.starts_with("너는 translator, 글을 옮긴다."), "{system}");
    let (manager, names) = tools("manager");
    assert_eq!(names[4..], ["execute_devops_task", "execute_translator_task", "ask_user", "finish"]);
    let system = manager.body["system"][0]["text"].as_str().unwrap_or_default();
    assert!(system.contains("- `execute_translator_task`: 옮기기. 한영"), "{system}");
}

/// O-13: a prompt is read from its file at every start.
#[tokio::test]
async fn a_prompt_can_be_edited_without_building() {
    let world = World::new();
    for words in ["첫째 프롬프트", "둘째 프롬프트"] {
        world.write_outside("home/.better/prompts/manager.txt", words);
        let server = MockServer::start(Script::new().agent("manager", [Turn::text("답")])).await;
        assert_eq!(world.call(["x"]).against(&server).run().await.code(), 0);
        let system = server.requests()[0].body["system"][0]["text"].as_str().unwrap_or_default().to_owned();
        assert!(system.starts_with(words), "{system}");
        let shown = world.call(["agents", "show", "manager"]).run().await;
        assert!(shown.out.contains(words), "{}", shown.out);
    }
}

/// O-12: the team of the source document, in the workspace's `config/`, may only narrow.
#[tokio::test]
async fn a_workspaces_team_is_used_where_it_narrows() {
    let world = World::new();
    let team = r#"{"agents": [{"name": "coder", "role": "짜기", "system_prompt_file": "prompts/coder.txt", "tools": ["read", "edit"]}]}"#;
    world.write("config/agent_config.json", team);
    world.write("prompts/coder.txt", "너는 이 저장소의 coder다.");
    let listed = world.call(["agents", "list", "--json"]).run().await;
    let agents: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    let coder = &agents[1];
    assert_eq!(agents.as_array().map(Vec::len), Some(2), "{agents}");
    assert_eq!(
        (&coder["tools"], &coder["prompt"]),
        (&json!(["read", "edit"]), &json!("너는 이 저장소의 coder다."))
    );
}
