//! What commands leave behind that acts later: at the next start of better-llm, of a shell, of git.

use domain::tool::ToolStatus;
use serde_json::json;
use testkit::{MockServer, Script};

use crate::support::{
    Said, World,
    turns::{ask, bash, coded, finish},
};

fn script(commands: &[&str]) -> Script {
    let turns = commands.iter().map(|command| bash(command)).chain([coded(&[], &[])]);
    Script::new().agent("manager", [ask("coder", "x"), finish("done")]).agent("coder", turns)
}

async fn after(world: &World, level: &str, commands: &[&str]) -> Said {
    let server = MockServer::start(script(commands)).await;
    world.task(&server, &["--sandbox", level]).await.run().await.said()
}

/// Spec O-12: a configuration that a command makes would give the next session its prompts and tools.
#[tokio::test]
async fn a_configuration_that_a_command_makes_is_removed_and_the_call_is_denied() {
    for (level, is_folder_there) in [("strict", false), ("strict", true), ("kernel", false), ("kernel", true)]
    {
        let world = World::new();
        if !world.has_walls().await {
            return;
        }
        if is_folder_there {
            world.write("config/ours.json", "{}");
        }
        let agents = json!({"agents": [{"name": "coder", "system_prompt_file": "prompts/x.md"}]});
        let make = |name: &str| format!("mkdir -p config; echo '{agents}' > config/{name}");
        let commands = [make("agent_config.json"), make("system_config.json")];
        let said = after(&world, level, &[&commands[0], &commands[1]]).await;
        for (call, name) in said.calls_of("coder").iter().zip(["agent_config.json", "system_config.json"]) {
            assert_eq!(call.status, ToolStatus::Denied, "{level}: {call:?}");
            assert!(call.output.contains(&format!("config/{name}")), "{level}: {call:?}");
            assert!(!world.has(&format!("config/{name}")), "{level}: {name}");
        }
        assert_eq!(said.result().files_changed, Vec::<String>::new(), "{level}");
    }
}
