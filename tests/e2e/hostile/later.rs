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

/// Where the workspace is the person's home, what their shells and their git run stays theirs, and they are told.
#[tokio::test]
async fn a_home_folder_keeps_what_shells_and_git_run_and_its_owner_is_told() {
    let appended = ["echo evil >> .bashrc", "echo evil >> .gitconfig"];
    let made = [
        "echo evil > .zshenv",
        "echo evil > .profile",
        "mkdir -p .config/git; echo evil > .config/git/config",
    ];
    for level in ["strict", "kernel"] {
        let world = World::new();
        if !world.has_walls().await {
            return;
        }
        world.write(".bashrc", "alias ll='ls -l'\n");
        world.write(".gitconfig", "[user]\n\tname = Kim\n");
        let server = MockServer::start(script(&[&appended[..], &made[..]].concat())).await;
        let task = world.task(&server, &["--sandbox", level]).await;
        let said = task.env("HOME", &world.repository).run().await.said();
        for (call, command) in said.calls_of("coder").iter().zip(appended.iter().chain(&made)) {
            let is_refused = call.status == ToolStatus::Denied || call.output.contains("Read-only");
            assert!(is_refused, "{level}: `{command}`: {call:?}");
        }
        assert_eq!(world.read(".bashrc"), "alias ll='ls -l'\n", "{level}");
        assert_eq!(world.read(".gitconfig"), "[user]\n\tname = Kim\n", "{level}");
        for made in [".zshenv", ".profile", ".config/git/config"] {
            assert!(!world.has(made), "{level}: {made}");
        }
        let notices = said.of_type("notice");
        assert!(
            notices.iter().any(|notice| notice["code"] == "workspace_holds_home"),
            "{level}: {notices:?}"
        );
    }
}

#[tokio::test]
async fn of_a_project_below_the_home_folder_nothing_is_said() {
    let world = World::new();
    let server = MockServer::start(script(&[])).await;
    let said = world.task(&server, &["--sandbox", "none"]).await.run().await.said();
    let notices = said.of_type("notice");
    assert!(!notices.iter().any(|notice| notice["code"] == "workspace_holds_home"), "{notices:?}");
}

/// The wall's own empty `.git` in a plain folder is no repository that would come first.
#[tokio::test]
async fn a_plain_workspace_that_a_command_makes_a_repository_is_said() {
    for level in ["strict", "kernel"] {
        let world = World::new();
        if !world.has_walls().await {
            return;
        }
        std::fs::remove_dir_all(world.repository.join(".git")).expect("a plain folder");
        let made = "mkdir objects refs; echo 'ref: refs/heads/main' > HEAD; echo '[core]' > config";
        let notices = after(&world, level, &[made]).await.of_type("notice");
        assert!(
            notices.iter().any(|notice| notice["code"] == "bare_repository_changed"),
            "{level}: {notices:?}"
        );
    }
}

/// A folder with a `HEAD`, `objects` and `refs` is a repository to git, which obeys its settings: nothing can protect
/// one that a command makes, so the person hears of it.
#[tokio::test]
async fn repositories_without_a_git_folder_that_a_round_made_or_changed_are_said() {
    let made = "mkdir -p src/objects src/refs; echo 'ref: refs/heads/main' > src/HEAD; \
                printf '[core]\\n\\tbare = true\\n\\tfsmonitor = ./evil\\n' > src/config";
    let hooked = "printf '#!/bin/sh\\n' > 원본.git/hooks/post-update";
    for (command, named) in
        [(made, Some("`src`")), (hooked, Some("`원본.git`")), ("echo x > src/config", None)]
    {
        let world = World::new();
        if !world.has_walls().await {
            return;
        }
        world.git(&["init", "-q", "--bare", "원본.git"]);
        world.write("src/main.sh", "true\n");
        let said = after(&world, "auto", &[command]).await;
        let notices = said.of_type("notice");
        let notice = notices.iter().find(|notice| notice["code"] == "bare_repository_changed");
        let text = notice.map(|notice| notice["text"].as_str().expect("a text"));
        assert_eq!(text.is_some(), named.is_some(), "`{command}`: {notices:?}");
        assert!(named.is_none_or(|named| text.is_some_and(|text| text.contains(named))), "{text:?}");
    }
}
