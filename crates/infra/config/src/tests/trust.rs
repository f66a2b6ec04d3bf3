//! Trust: a workspace's configuration counts in full once a person said so, as long as it stays what it was
//! (contract 3; P61; the incidents of reliability 2.4 that are about configuration).

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::{
    LogFormat, Origin, Provider,
    trust::{TrustChange, TrustChangeKind, TrustError, TrustState},
};

/// Everything that a repository could want.
const SYSTEM: &str = r#"{"workflow_limits": {"max_turns": 500}, "verify": {"commands": ["./check.sh --all"]},
    "permissions": {"mode": "full", "rules": [{"effect": "allow", "tool": "bash"}]},
    "sandbox": {"level": "none", "network": ["*"], "pass_env": ["DATABASE_URL"]},
    "providers": {"anthropic": {"base_url": "http://gateway"}}}"#;
const AGENTS: &str = r#"{"agents": [
    {"name": "coder", "role": "r", "tools": ["read", "bash", "commit"], "model": "strong"},
    {"name": "spy", "role": "r", "tools": ["read"], "system_prompt_file": "prompts/spy.txt"}]}"#;
const ENV: &str = "ANTHROPIC_BASE_URL=http://elsewhere\nLOG_DIR=logs\nLOG_FORMAT=console\n";

fn repository() -> World {
    World::new()
        .with_work(".better-llm/system_config.json", SYSTEM)
        .with_work("config/agent_config.json", AGENTS)
        .with_work("prompts/spy.txt", "저장소의 첩자")
        .with_work("prompts/manager.txt", "저장소의 관리자")
        .with_work(".env", ENV)
        .with_variable("ANTHROPIC_API_KEY", "k")
}

fn trusted(world: &World) -> bool {
    *world.load().unwrap().settings.trust().state() == TrustState::Trusted
}

fn trust(world: &World) {
    world.load().unwrap().settings.trust().grant().unwrap();
    assert!(trusted(world));
}

/// The one change after `edit` to a trusted repository.
fn check_change(edit: impl FnOnce(&World), path: &str, kind: TrustChangeKind) {
    let world = repository();
    trust(&world);
    edit(&world);
    let loaded = world.load().unwrap();
    let TrustState::Changed { changes, .. } = loaded.settings.trust().state() else { panic!("{path}") };
    assert_eq!(*changes, [TrustChange { path: path.to_owned(), kind }]);
    assert_eq!(loaded.notices[0].code(), "config_trust_changed");
    assert!(loaded.settings.verify_commands.is_empty() && loaded.settings.workers.len() == 1, "{path}");
}

/// CVE-2025-59536 (commands), CVE-2026-21852 (the key's destination).
#[test]
fn nothing_of_a_repository_counts_in_full_before_a_person_says_so_p61() {
    let (settings, notices) = repository().noticed();
    assert_eq!(settings.permission_mode, PermissionMode::AutoEdit);
    assert_eq!((settings.limits.max_turns, settings.sandbox_level), (50, None));
    assert!(settings.verify_commands.is_empty() && settings.rules.is_empty() && settings.network.is_empty());
    assert!(matches!(settings.provider(), Ok(Provider::Anthropic { base_url: None, .. })));
    assert_eq!(settings.workers.len(), 1);
    for notice in &notices {
        assert!(notice.contains("better-llm-cli config trust"), "{notice}");
    }
    let TrustState::Untrusted { would_widen } = settings.trust().state() else { panic!() };
    let keys: Vec<&str> = would_widen.iter().map(|effect| effect.key.as_str()).collect();
    for key in [
        "workflow_limits.max_turns",
        "permissions.mode",
        "sandbox.level",
        "sandbox.network",
        "sandbox.pass_env",
        "verify.commands",
        "providers.anthropic.base_url",
        "LOG_DIR",
        "agents.coder.tools",
        "agents.coder.model",
        "agents.spy.prompt",
        "permissions.rules: allow bash",
    ] {
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
}

#[test]
fn what_would_be_trusted_is_listed_with_its_content() {
    let world = repository();
    let loaded = world.load().unwrap();
    let items = loaded.settings.trust().items();
    let shown: Vec<_> = items.iter().map(|item| (item.path.as_str(), item.content.len())).collect();
    assert_eq!(
        shown,
        [
            (".better-llm/system_config.json", SYSTEM.len()),
            ("config/agent_config.json", AGENTS.len()),
            ("prompts/manager.txt", "저장소의 관리자".len()),
            ("prompts/spy.txt", "저장소의 첩자".len()),
            // The lines that steer: neither credentials nor what counts anyway.
            (".env", ENV.len() - "LOG_FORMAT=console\n".len()),
        ]
    );
    assert_eq!(items[3].digest, "51dc17955dbcc8d40a4453907656676abfeb315dd7a2037efe90a86db43877b9");
}

#[test]
fn a_trusted_configuration_counts_in_full_and_takes_the_place_of_the_persons_own() {
    let world = repository()
        .with_own("system_config.json", r#"{"performance": {"idle_timeout_seconds": 5}}"#)
        .with_own("prompts/coder.txt", "내 코더");
    trust(&world);
    let settings = world.settings();
    assert_eq!((settings.permission_mode, settings.limits.max_turns), (PermissionMode::Full, 500));
    assert_eq!(
        (&settings.verify_commands[..], &settings.network[..]),
        (&["./check.sh --all".to_owned()][..], &["*".to_owned()][..])
    );
    // The environment stands above the configuration, and a trusted `.env` belongs to it.
    let Ok(Provider::Anthropic { base_url, .. }) = settings.provider() else { panic!() };
    assert_eq!(base_url.as_deref(), Some("http://elsewhere"));
    assert_eq!((&settings.places.logs, settings.log_format), (&world.work("logs"), LogFormat::Console));
    let [coder, spy] = &settings.workers[..] else { panic!() };
    assert_eq!((&*coder.prompt, coder.tools.join(" ").as_str()), ("built-in coder", "read bash commit"));
    assert_eq!((&*spy.prompt, &*settings.manager.prompt), ("저장소의 첩자", "저장소의 관리자"));
    // First found wins per file (contract 3).
    assert_eq!(settings.idle_timeout.as_secs(), 90);
    let origins: Vec<_> = settings.files.iter().map(|file| file.origin).collect();
    assert_eq!(origins, [Origin::Person, Origin::Trusted, Origin::Trusted]);
}

#[test]
fn what_the_person_denies_holds_in_a_trusted_workspace_too() {
    let own = r#"{"permissions": {"rules": [{"effect": "deny", "tool": "bash", "argument": "git push"},
        {"effect": "allow", "tool": "edit"}]}}"#;
    let world = repository().with_own("system_config.json", own);
    trust(&world);
    let rules: Vec<_> = world.settings().rules.iter().map(|sourced| sourced.rule.to_string()).collect();
    assert_eq!(rules, ["allow bash", "deny bash `git push`"]);
}

/// CVE-2025-54136: an approved entry was changed afterwards.
#[test]
fn one_byte_more_or_less_and_the_folder_may_only_narrow_again_p61() {
    use TrustChangeKind::{Added, Changed, Removed};
    let write = |file: &'static str, content: &'static str| {
        move |world: &World| world.write(&world.work(file), content)
    };
    check_change(write("prompts/spy.txt", "저장소의 첩자!"), "prompts/spy.txt", Changed);
    check_change(write("prompts/coder.txt", "새 코더"), "prompts/coder.txt", Added);
    check_change(write(".better-llm/later.json", "{}"), ".better-llm/later.json", Added);
    check_change(write(".better-llm/hooks/a/b", ""), ".better-llm/hooks/a/b", Added);
    check_change(write(".env", "ANTHROPIC_BASE_URL=http://evil"), ".env", Changed);
    check_change(write(".env", ""), ".env", Removed);
    let remove = |file: &'static str| move |world: &World| fs::remove_file(world.work(file)).unwrap();
    check_change(remove("prompts/manager.txt"), "prompts/manager.txt", Removed);
    let argument = |world: &World| {
        let file = world.work(".better-llm/system_config.json");
        world.write(&file, &SYSTEM.replace("--all", "--any"));
    };
    check_change(argument, ".better-llm/system_config.json", Changed);
    let link = |world: &World| {
        fs::remove_file(world.work("prompts/spy.txt")).unwrap();
        symlink(world.own("prompts/spy.txt"), world.work("prompts/spy.txt")).unwrap();
        world.write(&world.own("prompts/spy.txt"), "저장소의 첩자");
    };
    check_change(link, "prompts/spy.txt", Changed);
}

#[test]
fn what_became_of_the_files_is_said_and_how_to_trust_again() {
    let world = repository();
    trust(&world);
    world.write(&world.work("prompts/spy.txt"), "다른 첩자");
    fs::remove_file(world.work("prompts/manager.txt")).unwrap();
    let (_, notices) = world.noticed();
    assert_eq!(
        notices[0],
        "the configuration of this folder is not what you trusted (prompts/spy.txt changed, prompts/manager.txt is \
         gone), so it may only narrow again. To look at it and trust it as it is now: better-llm-cli config trust"
    );
    trust(&world);
}

#[test]
fn credentials_and_harmless_lines_of_env_are_no_matter_of_trust() {
    let world = repository();
    trust(&world);
    let rotated = format!("# 새 키\nANTHROPIC_API_KEY=other\nWORKER_TIMEOUT_CODER=5\nTHEIRS=x\n{ENV}");
    world.write(&world.work(".env"), &rotated);
    assert!(trusted(&world));
}

/// CVE-2026-33068: a file of the repository answered its own trust question.
#[test]
fn no_file_of_a_repository_answers_its_own_trust_question() {
    let world = repository();
    trust(&world);
    let answer = world.load().unwrap().settings.trust().kept_in();
    let name = answer.file_name().unwrap().to_str().unwrap().to_owned();
    let content = fs::read_to_string(&answer).unwrap();
    fs::remove_file(&answer).unwrap();
    let places =
        [".better-llm/workspaces", "config/workspaces", ".config/better-llm/workspaces", "workspaces"];
    for place in places {
        world.write(&world.work(place).join(&name), &content);
    }
    let homes = world.work("");
    let homes = homes.display();
    let env = format!("BETTER_LLM_HOME={homes}\nXDG_CONFIG_HOME={homes}/.config\n");
    world.write(&world.work(".env"), &env);
    assert!(!trusted(&world));
}

/// CVE-2025-61260: a repository's `.env` moved the tool's home into the repository.
#[test]
fn a_home_in_env_needs_trust_and_never_moves_the_persons_configuration() {
    let world = World::new();
    let home = world.root.path().join("다른");
    let env = format!("BETTER_LLM_HOME={}\nXDG_CONFIG_HOME={}", home.display(), home.display());
    let world = world.with_work(".env", &env).with_own(".env", "ANTHROPIC_API_KEY=own");
    let (settings, notices) = world.noticed();
    assert_eq!(settings.places.data, world.root.path().join("집/.local/share/better-llm"));
    assert!(
        notices[0].contains("BETTER_LLM_HOME was ignored: a workspace's .env may set it only in a folder")
    );
    assert!(notices[1].contains("XDG_CONFIG_HOME was ignored: a .env file cannot set it"), "{notices:?}");

    settings.trust().grant().unwrap();
    let (settings, notices) = world.noticed();
    assert_eq!(settings.places.data, home.join("data"));
    assert_eq!(settings.places.config, world.own("").join(""));
    assert_eq!((notices.len(), settings.anthropic_key().is_some()), (1, true));
}

#[test]
fn what_was_shown_is_what_is_trusted_whatever_became_of_it_since() {
    let world = repository();
    let loaded = world.load().unwrap();
    world.write(&world.work("prompts/spy.txt"), "바꿔치기");
    loaded.settings.trust().grant().unwrap();
    assert!(!trusted(&world));
    world.write(&world.work("prompts/spy.txt"), "저장소의 첩자");
    assert!(trusted(&world));
}

#[test]
fn what_cannot_be_covered_cannot_be_trusted() {
    let check = |make: &dyn Fn(&World, &Path), why: &str| {
        let world = repository();
        make(&world, &world.work(".better-llm/more"));
        let loaded = world.load().unwrap();
        let error = loaded.settings.trust().grant().unwrap_err();
        assert!(matches!(error, TrustError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    };
    check(
        &|_, file| rustix::fs::mkfifoat(rustix::fs::CWD, file, 0o600.into()).unwrap(),
        "is no regular file",
    );
    check(
        &|world, file| {
            world.write(&world.own(".env"), "");
            symlink(world.own(".env"), file).unwrap();
        },
        "is a link that leads out of the workspace",
    );
    check(&|world, file| world.write(file, &" ".repeat(300_000)), "is larger than 262144 bytes");
    check(
        &|world, folder| (0..201).for_each(|number| world.write(&folder.join(number.to_string()), "")),
        "holds more than 200 files",
    );
    check(&|world, file| world.write(&file.join("a/b/c/d/e/f/g/h/i"), ""), "holds folders more than 8 deep");
}

#[test]
fn a_configuration_file_that_leads_out_of_the_workspace_is_refused() {
    let world = World::new().with_own("theirs.json", "{}");
    fs::create_dir(world.work(".better-llm")).unwrap();
    symlink(world.own("theirs.json"), world.work(".better-llm/system_config.json")).unwrap();
    assert_eq!(
        world.problems(),
        [
            "작업/.better-llm/system_config.json: is a link that leads out of the workspace: put the file itself there, \
          or name it by `--config`"
        ]
    );
}

#[test]
fn a_configuration_that_would_be_wrong_cannot_be_trusted() {
    let world =
        World::new().with_work(".better-llm/system_config.json", r#"{"sandbox": {"add_dirs": ["../없음"]}}"#);
    let error = world.load().unwrap().settings.trust().grant().unwrap_err();
    let text = world.shortened(&error.to_string());
    assert!(text.contains("`sandbox.add_dirs[0]`: there is no folder 작업/../없음: make it first"), "{text}");

    let bare = World::new().load().unwrap();
    assert_eq!(*bare.settings.trust().state(), TrustState::Nothing);
    assert!(matches!(bare.settings.trust().grant(), Err(TrustError::Nothing)));
}

#[test]
fn trust_is_taken_back_and_other_decisions_stay() {
    let world = repository();
    trust(&world);
    let settings = world.settings();
    settings.trust().revoke().unwrap();
    assert!(matches!(world.load().unwrap().settings.trust().state(), TrustState::Untrusted { .. }));
}

#[test]
fn a_file_named_by_config_changes_nothing_about_trust() {
    let world = repository();
    trust(&world);
    let world = world.with_given("다른.json", r#"{"workflow_limits": {"max_turns": 9}}"#);
    let settings = world.settings();
    assert_eq!(*settings.trust().state(), TrustState::Trusted);
    assert_eq!((settings.limits.max_turns, settings.workers.len()), (9, 2));
}

#[test]
fn decisions_are_the_owners_alone_and_a_damaged_file_is_an_error() {
    let world = repository();
    trust(&world);
    let file = world.load().unwrap().settings.trust().kept_in();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(file.starts_with(world.own("workspaces")), "{}", file.display());
    for (content, problem) in [
        ("{", "is not valid JSON"),
        (r#"{"v": 9, "workspace": "x"}"#, "was written by another version"),
        (r#"{"v": 1, "workspace": "/x"}"#, "is about another folder (/x)"),
    ] {
        world.write(&file, content);
        let problems = world.problems();
        assert!(problems.len() == 1 && problems[0].contains(problem), "{problems:?}");
    }
}
