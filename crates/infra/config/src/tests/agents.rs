//! `agent_config.json` and the prompts (spec O-2, O-12, O-13; P58, P59).

use std::time::Duration;

use domain::agent::{AgentKind, AgentName, WorkerKind};

use super::*;

fn check(content: &str, expected: &[&str]) {
    let world = World::new().with_given("팀.json", content);
    let problems: Vec<_> = world
        .problems()
        .iter()
        .map(|problem| problem.strip_prefix("작업/config/팀.json").unwrap().to_owned())
        .collect();
    assert_eq!(problems, expected, "{content}");
}

#[test]
fn the_source_documents_file_works_as_it_is_o_12() {
    let content = r#"{"agents": [{"name": "planner", "role": "계획 수립", "system_prompt_file": "prompts/planner.txt",
        "tools": ["read", "glob"], "model": "claude-sonnet-4"}]}"#;
    let world = World::new().with_given("agent_config.json", content);
    let [planner] = &world.settings().workers[..] else { panic!() };
    assert_eq!(
        (planner.name.as_str(), planner.role.as_str(), planner.kind, planner.model.as_deref()),
        ("planner", "계획 수립", AgentKind::Worker(WorkerKind::Planner), Some("claude-sonnet-4"))
    );
    assert_eq!((planner.tools.join(" "), &*planner.prompt), ("read glob".to_owned(), "built-in planner"));
}

#[test]
fn custom_agents_have_every_field_and_devops_is_general() {
    let content = r#"{"agents": [
        {"name": "front-end", "role": "화면", "kind": "coder", "system_prompt_file": "prompts/화면.txt",
         "allowed_tools": ["read", "edit"], "provider": "anthropic", "thinking": true, "timeout_seconds": 12.5,
         "description": "React"},
        {"name": "devops", "role": "배포", "tools": ["bash"]}]}"#;
    let world = World::new()
        .with_given("agent_config.json", content)
        .with_work("prompts/화면.txt", "\u{feff}화면 담당");
    let settings = world.settings();
    let [front, devops] = &settings.workers[..] else { panic!() };
    assert_eq!(front.kind, AgentKind::Worker(WorkerKind::Coder));
    assert_eq!(
        (&*front.prompt, front.thinking, front.timeout, front.description.as_deref()),
        ("화면 담당", Some(true), Duration::from_millis(12_500), Some("React"))
    );
    assert_eq!(world.shortened(&front.prompt_source), "작업/prompts/화면.txt");
    assert_eq!(
        (devops.kind, devops.timeout, &*devops.prompt, devops.prompt_source.as_str()),
        (AgentKind::Worker(WorkerKind::General), Duration::from_secs(600), "built-in devops", "built-in")
    );
}

#[test]
fn a_prompt_file_stands_in_for_the_built_in_one_o_13() {
    let content = r#"{"agents": [{"name": "coder", "role": "r", "tools": []}]}"#;
    let world = World::new()
        .with_given("agent_config.json", content)
        .with_work("prompts/coder.txt", "내 것\r\n")
        .with_work("prompts/manager.txt", "내 관리자");
    let settings = world.settings();
    assert_eq!((&*settings.workers[0].prompt, &*settings.manager.prompt), ("내 것\r\n", "내 관리자"));

    // Without an agent configuration the person's own prompts count, too.
    let world = World::new().with_own("prompts/tester.txt", "내 검사");
    let settings = world.settings();
    let prompts: Vec<_> = settings.workers.iter().map(|worker| &*worker.prompt).collect();
    assert_eq!(prompts[2..4], ["built-in reviewer", "내 검사"]);
    assert_eq!(source(&world, &settings, "agents.tester.prompt"), "집/.config/better-llm/prompts/tester.txt");
}

#[test]
fn names_must_be_new_free_and_well_formed() {
    check(
        r#"{"agents": [
            {"name": "manager", "role": "r", "tools": []},
            {"name": "Person", "role": "r", "tools": []},
            {"name": "한글", "role": "r", "tools": []},
            {"name": "coder", "role": "r", "tools": []},
            {"name": "coder", "role": "r", "tools": []},
            {"name": "tester", "role": "r", "tools": [], "kind": "general"}]}"#,
        &[
            ":2: `agents[0].name`: `manager` is a reserved name: choose another for your agent",
            ":3: `agents[1].name`: `person` is a reserved name: choose another for your agent",
            ":4: `agents[2].name`: `한글` is no agent name: a letter, then up to 39 letters, digits, `_` or `-` \
             (ASCII)",
            ":6: `agents[4].name`: `coder` is the name of agents[3] already",
            ":7: `agents[5].kind`: the name `tester` implies the kind `tester`; choose another name",
        ],
    );
}

#[test]
fn tools_must_be_known_and_given_once() {
    check(
        r#"{"agents": [
            {"name": "a", "role": "r", "system_prompt_file": "prompts/coder.txt",
             "tools": ["read", "Read", "execute_code", "finish", "execute_coder_task", "teleport", "read"]},
            {"name": "b", "role": "r", "system_prompt_file": "prompts/coder.txt",
             "tools": [], "allowed_tools": []},
            {"name": "coder", "role": "r"}]}"#,
        &[
            ":3: `agents[0].tools[1]`: `Read` is no tool; did you mean `read`?",
            ":3: `agents[0].tools[2]`: belongs to the REPL, which this version does not have yet: remove it",
            ":3: `agents[0].tools[3]`: `finish` is given by the engine where it belongs; leave it out",
            ":3: `agents[0].tools[4]`: `execute_coder_task` is given by the engine where it belongs; leave it out",
            ":3: `agents[0].tools[5]`: `teleport` is no tool",
            ":3: `agents[0].tools[6]`: stands twice; keep one of them",
            ":5: `agents[1].allowed_tools`: is another word for `tools`, which is there, too; keep one of them",
            ":6: `agents[2]`: misses `tools` (a list)",
        ],
    );
}

#[test]
fn prompts_must_be_there_and_not_empty_p59() {
    let content = r#"{"agents": [
        {"name": "a", "role": "r", "tools": []},
        {"name": "b", "role": "r", "tools": [], "system_prompt_file": "prompts/없음.txt"},
        {"name": "c", "role": "r", "tools": [], "system_prompt_file": "prompts/빈.txt"},
        {"name": "d", "role": "r", "tools": [], "system_prompt_file": "."},
        {"name": "coder", "role": "r", "tools": [], "system_prompt_file": "prompts/codr.txt"}]}"#;
    let world = World::new().with_given("팀.json", content).with_work("prompts/빈.txt", " \n");
    let file = "작업/config/팀.json";
    assert_eq!(
        world.problems(),
        [
            format!("{file}:2: `agents[0]`: misses `system_prompt_file` (a file with its prompt)"),
            format!("{file}:3: `agents[1].system_prompt_file`: there is no file 작업/prompts/없음.txt"),
            format!("{file}:4: `agents[2].system_prompt_file`: is an empty prompt"),
            format!("{file}:5: `agents[3].system_prompt_file`: is no regular file"),
            format!("{file}:6: `agents[4].system_prompt_file`: there is no file 작업/prompts/codr.txt"),
        ]
    );
}

#[test]
fn the_shape_of_the_file_is_checked() {
    check(
        r#"{"agents": [{"name": "coder", "roles": "r", "tools": "read"}, 3], "workflow_limits": {}}"#,
        &[
            ":1: `agents[0].roles`: is not a known key; did you mean `agents[0].role`?",
            ":1: `agents[0].tools`: should be a list, and is the text \"read\"",
            ":1: `agents[0]`: misses `role` (a text that is not blank)",
            ":1: `agents[1]`: should be an object, and is 3",
            ":1: `workflow_limits`: is not a known key",
        ],
    );
    check(r#"{"agents": []}"#, &[":1: `agents`: should be a list that is not empty, and is an empty list"]);
    check(
        r#"{"agents": [{"name": "coder", "role": "r", "tools": [], "provider": "claude-code", "kind": "wizard"}]}"#,
        &[
            ":1: `agents[0].provider`: belongs to the provider claude-code, which this version does not have yet: \
             remove it",
            ":1: `agents[0].kind`: should be one of `planner`, `coder`, `reviewer`, `tester`, `committer`, \
             `general`, and is the text \"wizard\"",
        ],
    );
}

#[test]
fn models_are_overridden_for_all_or_for_one() {
    let flags = Overrides {
        model: Some("fast".to_owned()),
        agent_models: vec![("coder".to_owned(), "strong".to_owned()), ("manager".to_owned(), "m".to_owned())],
        ..Overrides::default()
    };
    let world = World::new().with_flags(flags);
    let settings = world.settings();
    let models: Vec<_> = settings.workers.iter().map(|worker| worker.model.as_deref().unwrap()).collect();
    assert_eq!(models, ["fast", "strong", "fast", "fast", "fast"]);
    assert_eq!(settings.manager.model.as_deref(), Some("m"));

    let flags = Overrides { agent_models: vec![("codr".to_owned(), "x".to_owned())], ..Overrides::default() };
    assert_eq!(
        World::new().with_flags(flags).problems(),
        ["--model: `codr` is no agent; did you mean `coder`?"]
    );
}

#[test]
fn the_manager_looks_and_leads() {
    let settings = World::new().settings();
    let manager = &settings.manager;
    assert_eq!((&manager.name, manager.kind), (&AgentName::manager(), AgentKind::Manager));
    assert_eq!(
        (manager.tools.join(" "), &*manager.prompt),
        ("read glob grep diff".to_owned(), "built-in manager")
    );
}
