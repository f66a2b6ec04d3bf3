//! The configuration files and `.env`: what came with a repository, and what a person wrote.
//!
//! Held: nothing panics; every problem says in which file it is; and what a folder says that nobody has trusted makes
//! nothing wider (P61).

use std::{fs, path::Path};

use config::{Environment, LoadRequest, Loaded, Overrides, Settings};
use domain::permission::{Effect, PermissionMode};
use tempfile::TempDir;

const TOOLS: [&str; 8] = ["read", "glob", "grep", "diff", "write", "edit", "bash", "commit"];

const PROMPTS: [(&str, &str); 7] = [
    ("manager", "m"),
    ("planner", "p"),
    ("coder", "c"),
    ("reviewer", "r"),
    ("tester", "t"),
    ("committer", "c"),
    ("devops", "d"),
];

/// Where the text lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Workspace(&'static str),
    Person(&'static str),
}

/// The first byte says which file it is.
pub(super) fn check(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let place = match choice % 6 {
        0 => Where::Workspace(".better-llm/system_config.json"),
        1 => Where::Workspace(".better-llm/agent_config.json"),
        2 => Where::Workspace(".env"),
        3 => Where::Person("system_config.json"),
        4 => Where::Person("agent_config.json"),
        _ => Where::Person(".env"),
    };
    let world = World::new();
    let before = world.load().expect("the built-in values are valid");
    let file = match place {
        Where::Workspace(name) => world.folder.path().join("work").join(name),
        Where::Person(name) => world.folder.path().join("own/config").join(name),
    };
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, text).expect("a file");
    match world.load() {
        Err(error) => {
            assert!(!error.problems().is_empty(), "an error without a problem");
            for problem in error.problems() {
                let said = problem.to_string();
                assert!(said.contains(world.folder.path().to_str().expect("UTF-8")), "it says where: {said}");
            }
        }
        Ok(after) if matches!(place, Where::Workspace(_)) => check_narrower(&before, &after),
        Ok(_) => {}
    }
}

/// A folder nobody has trusted allows no more than there was without it.
fn check_narrower(before: &Loaded, after: &Loaded) {
    let (before, after) = (&before.settings, &after.settings);
    let limits = |of: &Settings| {
        let limits = &of.limits;
        [
            limits.max_review_iterations,
            limits.max_retry_cycles,
            limits.max_coder_retries,
            limits.max_turns,
            limits.max_worker_turns,
            limits.max_messages,
            limits.max_parallel_workers,
        ]
    };
    for (before, after) in limits(before).into_iter().zip(limits(after)) {
        assert!(after <= before, "a limit grew from {before} to {after}");
    }
    let width = |mode| PermissionMode::ALL.iter().position(|known| *known == mode);
    assert!(width(after.permission_mode) <= width(before.permission_mode), "{:?}", after.permission_mode);
    assert_ne!(after.sandbox_level.map(|level| level.as_str()), Some("none"));
    assert_eq!(after.verify_commands, before.verify_commands);
    assert_eq!(after.places, before.places);
    assert_eq!(
        (&after.network, &after.add_dirs, &after.pass_env),
        (&vec![], &vec![], &vec![]),
        "holes in the wall"
    );
    let allowed = after.rules.iter().find(|rule| rule.rule.effect == Effect::Allow);
    assert_eq!(allowed, None);
    assert_eq!(format!("{:?}", after.provider()), format!("{:?}", before.provider()), "where model calls go");
    for agent in after.workers.iter().chain([&after.manager]) {
        let known = before.workers.iter().chain([&before.manager]).find(|known| known.name == agent.name);
        let known = known.unwrap_or_else(|| panic!("a new agent: {}", agent.name));
        let more: Vec<&String> = agent.tools.iter().filter(|tool| !known.tools.contains(tool)).collect();
        assert_eq!((agent.kind, more), (known.kind, vec![]), "{}", agent.name);
    }
}

struct World {
    folder: TempDir,
    environment: Environment,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("work")).expect("a folder");
        let own = folder.path().join("own").to_str().expect("UTF-8").to_owned();
        let key = "sk-test-of-the-person".to_owned();
        let variables = [("BETTER_LLM_HOME".to_owned(), own), ("ANTHROPIC_API_KEY".to_owned(), key)];
        Self { folder, environment: variables.into_iter().collect() }
    }

    fn load(&self) -> Result<Loaded, config::ConfigError> {
        let work = self.folder.path().join("work");
        Settings::load(&LoadRequest {
            environment: &self.environment,
            home: Some(Path::new("/nowhere")),
            cwd: &work,
            config_files: &[],
            flags: &Overrides::default(),
            default_mode: PermissionMode::AutoEdit,
            known_tools: &TOOLS,
            embedded_prompts: &PROMPTS,
            is_tracked: &|_| false,
        })
    }
}
