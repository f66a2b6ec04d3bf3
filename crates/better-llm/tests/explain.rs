//! `permissions explain`: the table of what each agent may do, and the rule that decides about a call (O-2).
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use better_llm::{Engine, EngineBuilder, ExplainError, Overrides, PermissionDecision, SandboxChoice};
use domain::permission::PermissionMode;
use tempfile::TempDir;

const RULES: &str = r#"{"permissions": {"rules": [
    {"effect": "deny", "tool": "read", "argument": "비밀/**"},
    {"effect": "allow", "tool": "bash", "argument": "cargo test *"},
    {"effect": "deny", "tool": "write", "agent": "coder"}
]}}"#;

/// An engine of a person with these rules, at `none` so that no sandbox is needed.
async fn engine(mode: PermissionMode) -> (TempDir, Engine) {
    let root = tempfile::tempdir().expect("a folder");
    let real = root.path().canonicalize().expect("its path");
    let (workspace, home) = (real.join("작업"), real.join("home"));
    std::fs::create_dir_all(home.join("config")).expect("a folder");
    std::fs::create_dir(&workspace).expect("a folder");
    std::fs::write(home.join("config/system_config.json"), RULES).expect("a file");
    let flags =
        Overrides { permission_mode: Some(mode), sandbox: Some(SandboxChoice::None), ..Overrides::default() };
    let variables = [("PATH", std::env::var_os("PATH")), ("BETTER_LLM_HOME", Some(home.into_os_string()))];
    let variables = variables.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    let builder = EngineBuilder::new(&workspace).environment(variables).overrides(flags);
    (root, builder.build().await.expect("an engine"))
}

async fn check(agent: &str, call: (&str, &str), decision: PermissionDecision, by: &str) {
    let (_root, engine) = engine(PermissionMode::Ask).await;
    let explained = engine.explain(Some(agent), Some(call)).await.expect("it can be explained");
    let [agent_row] = explained.agents.as_slice() else { panic!("{explained:?}") };
    let [tool] = agent_row.tools.as_slice() else { panic!("{explained:?}") };
    assert_eq!((tool.decision, tool.by.as_str()), (decision, by), "{agent} {call:?}");
}

#[tokio::test]
async fn the_rule_that_decides_about_a_call_is_named() {
    use PermissionDecision::{Allowed, Asked, Denied, NotGiven};
    check("coder", ("read", "비밀/열쇠"), Denied, "the rule `deny read `비밀/**``").await;
    check("coder", ("read", "src/a"), Allowed, "permission mode `ask`").await;
    check("tester", ("bash", "cargo test parser"), Allowed, "the rule `allow bash `cargo test *``").await;
    check("tester", ("bash", "cargo test; rm x"), Asked, "permission mode `ask`").await;
    check("coder", ("write", "a"), Denied, "the rule `deny write for coder`").await;
    check("planner", ("write", "a"), NotGiven, "permission mode `ask`").await;
}

#[tokio::test]
async fn the_table_has_every_agent_with_its_own_tools_and_says_where_each_rule_stands() {
    let (_root, engine) = engine(PermissionMode::Plan).await;
    let explained = engine.explain(None, None).await.expect("it can be explained");
    let names: Vec<&str> = explained.agents.iter().map(|row| row.agent.as_str()).collect();
    assert_eq!(names, ["manager", "planner", "coder", "reviewer", "tester", "committer"]);
    let coder = explained.agents.iter().find(|row| row.agent.as_str() == "coder").expect("there is one");
    let bash = coder.tools.iter().find(|row| row.tool == "bash").expect("it has it");
    assert_eq!(bash.decision, PermissionDecision::Denied);
    assert_eq!(bash.also, ["allow bash `cargo test *`"]);
    let sources: Vec<&str> = explained.rules.iter().map(|rule| rule.source.as_str()).collect();
    assert!(
        sources.len() == 3 && sources.iter().all(|source| source.contains("system_config.json")),
        "{sources:?}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_is() {
    let (_root, engine) = engine(PermissionMode::Ask).await;
    let agent = engine.explain(Some("codr"), None).await.expect_err("there is none");
    assert!(matches!(&agent, ExplainError::NoAgent { known, .. } if known.contains("coder")), "{agent}");
    let tool = engine.explain(None, Some(("bahs", "x"))).await.expect_err("there is none");
    assert!(matches!(&tool, ExplainError::NoTool { known, .. } if known.contains("bash")), "{tool}");
}
