//! Rules, the sandbox and the holes in it: what a person may set, and what a workspace that nobody trusts may not
//! (spec O-16; P57, P58, P61).

use domain::{
    agent::AgentName,
    permission::{Effect, Rule, SandboxLevel},
};

use super::*;
use crate::AddedDir;

/// The problems of a system configuration, each without the file's name.
fn check(content: &str, expected: &[&str]) {
    let world = World::new().with_given("a.json", content);
    let file = "작업/config/a.json:1: ";
    let problems = world.problems();
    let problems: Vec<_> = problems.iter().map(|problem| problem.strip_prefix(file).unwrap()).collect();
    assert_eq!(problems, expected, "{content}");
}

fn rule(effect: Effect, tool: &str, argument: Option<&str>, agent: Option<&str>) -> Rule {
    let agent = agent.map(|name| AgentName::parse(name).unwrap());
    Rule { effect, tool: tool.to_owned(), argument: argument.map(str::to_owned), agent }
}

#[test]
fn a_rule_has_an_effect_a_tool_and_perhaps_an_argument_and_an_agent_o_16() {
    let content = r#"{"permissions": {"rules": [
        {"effect": "deny", "tool": "read", "argument": "비밀/**", "agent": "coder"},
        {"effect": "ask", "tool": "*"},
        {"effect": "allow", "tool": "bash", "argument": "npm test *"}]}}"#;
    let world = World::new().with_own("system_config.json", content);
    let settings = world.settings();
    let rules: Vec<_> = settings.rules.iter().map(|sourced| sourced.rule.clone()).collect();
    assert_eq!(
        rules,
        [
            rule(Effect::Deny, "read", Some("비밀/**"), Some("coder")),
            rule(Effect::Ask, "*", None, None),
            rule(Effect::Allow, "bash", Some("npm test *"), None),
        ]
    );
    let key = "permissions.rules[2]";
    assert_eq!(source(&world, &settings, key), "집/.config/better-llm/system_config.json");
    assert_eq!(
        settings.to_json()[key]["value"],
        serde_json::json!({"effect": "allow", "tool": "bash", "argument": "npm test *"})
    );
}

#[test]
fn a_wrong_rule_is_located_and_the_nearest_word_offered_p57_p58() {
    check(
        r#"{"permissions": {"rules": [{"effect": "dney", "tool": "read"}, {"tool": "read"},
 {"effect": "ask", "tool": "read", "agnt": "coder"}, "deny read"]}}"#
            .replace('\n', "")
            .as_str(),
        &[
            "`permissions.rules[0].effect`: should be one of `allow`, `ask`, `deny`, and is the text \"dney\"; did \
             you mean `deny`?",
            "`permissions.rules[1]`: misses `effect` (one of `allow`, `ask`, `deny`)",
            "`permissions.rules[2].agnt`: is not a known key; did you mean `permissions.rules[2].agent`?",
            "`permissions.rules[3]`: should be an object, and is the text \"deny read\"",
        ],
    );
    check(
        r#"{"permissions": {"rules": [{"effect": "deny", "tool": "raed"}, {"effect": "deny", "tool": "finish"},
 {"effect": "deny", "tool": "read", "agent": "codr"}, {"effect": "allow", "tool": "*"},
 {"effect": "ask", "tool": "execute_coder_task"}]}}"#
            .replace('\n', "")
            .as_str(),
        &[
            "`permissions.rules[0].tool`: `raed` is no tool; did you mean `read`?",
            "`permissions.rules[1].tool`: `finish` needs no permission: a rule about it would have no effect",
            "`permissions.rules[2].agent`: `codr` is no agent; did you mean `coder`?",
            "`permissions.rules[3]`: a rule that allows every tool is what the permission mode `full` is for",
            "`permissions.rules[4].tool`: `execute_coder_task` needs no permission: a rule about it would have no \
             effect",
        ],
    );
}

#[test]
fn a_rule_may_name_agents_that_a_workspace_left_out() {
    let world = World::new()
        .with_own(
            "system_config.json",
            r#"{"permissions": {"rules": [{"effect": "ask", "tool": "bash", "agent": "tester"}]}}"#,
        )
        .with_work(
            ".better-llm/agent_config.json",
            r#"{"agents": [{"name": "coder", "role": "r", "tools": []}]}"#,
        );
    assert_eq!(world.settings().rules.len(), 1);
}

#[test]
fn folders_hosts_and_variables_are_the_persons_to_add() {
    let content = r#"{"sandbox": {"level": "strict", "network": ["example.com", "10.0.0.1"],
        "add_dirs": ["../이웃", "../자료:ro"], "pass_env": ["DATABASE_URL"]}}"#;
    let world = World::new().with_own("system_config.json", content);
    for folder in ["이웃", "자료"] {
        fs::create_dir(world.root.path().join(folder)).unwrap();
    }
    let settings = world.settings();
    let root = fs::canonicalize(world.root.path()).unwrap();
    assert_eq!(settings.sandbox_level, Some(SandboxLevel::Strict));
    assert_eq!(settings.network, ["example.com", "10.0.0.1"]);
    assert_eq!(
        settings.add_dirs,
        [
            AddedDir { path: root.join("이웃"), writable: true },
            AddedDir { path: root.join("자료"), writable: false },
        ]
    );
    assert_eq!(settings.pass_env, ["DATABASE_URL"]);

    let flags = Overrides {
        allow_network: true,
        add_dirs: vec![format!("{}:ro", root.join("이웃").display())],
        pass_env: vec!["TERM".to_owned()],
        ..Overrides::default()
    };
    let world = world.with_flags(flags);
    let settings = world.settings();
    assert_eq!(settings.network, ["*"]);
    assert_eq!(settings.add_dirs, [AddedDir { path: root.join("이웃"), writable: false }]);
    assert_eq!(settings.pass_env, ["TERM"]);
    let keys = ["sandbox.network", "sandbox.add_dirs", "sandbox.pass_env"];
    assert_eq!(
        keys.map(|key| source(&world, &settings, key)),
        ["--allow-network", "--add-dir", "--pass-env"]
    );
}

#[test]
fn what_cannot_be_added_is_refused_with_the_reason_p58() {
    check(
        r#"{"sandbox": {"network": ["example.com."], "add_dirs": ["없음", "~/x", "config/a.json:ro"], "pass_env": ["ANTHROPIC_API_KEY", "A B"]}}"#,
        &[
            "`sandbox.network[0]`: should end without a dot",
            "`sandbox.add_dirs[0]`: there is no folder 작업/없음: make it first",
            "`sandbox.add_dirs[1]`: `~` has no meaning here: write the whole path",
            "`sandbox.add_dirs[2]`: 작업/config/a.json is no folder",
            "`sandbox.pass_env[0]`: ANTHROPIC_API_KEY is what pays for the models: commands, which models write, \
             never get it. Take it out; a program that needs a key of its own gets it under another name",
            "`sandbox.pass_env[1]`: should be the name of a variable: letters, digits and `_`",
        ],
    );
    let flags = Overrides {
        add_dirs: vec!["없음".to_owned()],
        pass_env: vec!["OPENAI_API_KEY".to_owned()],
        ..Overrides::default()
    };
    let problems = World::new().with_flags(flags).problems();
    assert_eq!(problems[0], "--add-dir: there is no folder 작업/없음: make it first");
    assert!(problems[1].starts_with("--pass-env: OPENAI_API_KEY is what pays"), "{problems:?}");
}

#[test]
fn a_workspace_that_nobody_trusts_may_deny_and_ask_and_opens_nothing_p61() {
    let own = r#"{"permissions": {"rules": [{"effect": "allow", "tool": "edit"}]}, "sandbox": {"network": ["a.b"]}}"#;
    let theirs = r#"{"permissions": {"rules": [
            {"effect": "allow", "tool": "bash"}, {"effect": "deny", "tool": "bash", "argument": "rm *"},
            {"effect": "ask", "tool": "write"}]},
        "sandbox": {"network": ["*"], "add_dirs": [".."], "pass_env": ["AWS_PROFILE"]}}"#;
    let world =
        World::new().with_own("system_config.json", own).with_work(".better-llm/system_config.json", theirs);
    let (settings, notices) = world.noticed();
    let paths: Vec<_> = notices.iter().map(|notice| notice.split('`').nth(1).unwrap()).collect();
    let expected = ["sandbox.network", "sandbox.add_dirs", "sandbox.pass_env", "permissions.rules[0]"];
    assert_eq!(paths, expected);
    assert_eq!(
        settings.rules.iter().map(|sourced| sourced.rule.to_string()).collect::<Vec<_>>(),
        ["allow edit", "deny bash `rm *`", "ask write"]
    );
    assert_eq!(settings.network, ["a.b"]);
    assert_eq!((settings.add_dirs.len(), settings.pass_env.len()), (0, 0));
}
