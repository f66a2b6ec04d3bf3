//! Environment and `.env`: credentials, timeouts, language, logs (spec O-8, O-14; P60).

use std::time::Duration;

use super::*;
use crate::{Language, LogFormat, LogLevel, Provider};

fn key(settings: &Settings) -> Option<&str> {
    settings.anthropic_key().map(|key| key.secret.reveal())
}

fn timeout(settings: &Settings, name: &str) -> Duration {
    settings.workers.iter().find(|worker| worker.name.as_str() == name).unwrap().timeout
}

#[test]
fn credentials_come_from_the_environment_then_the_workspace_then_the_config_root_o_8() {
    let world = World::new().with_own(".env", "ANTHROPIC_API_KEY=own");
    assert_eq!(key(&world.settings()), Some("own"));
    let world = world.with_work(".env", "\u{feff}# 비밀\r\nexport ANTHROPIC_API_KEY='work'\r\n");
    let settings = world.settings();
    assert_eq!(key(&settings), Some("work"));
    assert_eq!(source(&world, &settings, "ANTHROPIC_API_KEY"), "작업/.env:2 ANTHROPIC_API_KEY");
    let world = world.with_variable("ANTHROPIC_API_KEY", "environment");
    assert_eq!(key(&world.settings()), Some("environment"));
}

#[test]
fn a_credential_in_a_tracked_file_is_ignored_and_said() {
    let mut world = World::new().with_work(".env", "ANTHROPIC_API_KEY=leaked\nWORKER_TIMEOUT_CODER=9");
    world.tracked = true;
    let (settings, notices) = world.noticed();
    assert_eq!((key(&settings), timeout(&settings, "coder")), (None, Duration::from_secs(9)));
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert!(
        notice.starts_with("작업/.env:1: ANTHROPIC_API_KEY was ignored: git tracks this file"),
        "{notice}"
    );
    assert!(!notice.contains("leaked"));
}

#[test]
fn a_workspaces_env_file_is_no_way_to_a_file_outside() {
    let world = World::new()
        .with_work("설정/기타.env", "LOG_LEVEL=debug\n")
        .with_own("남의.env", "ANTHROPIC_API_KEY=k\n");
    std::os::unix::fs::symlink(world.own("남의.env"), world.work(".env")).unwrap();
    let (settings, notices) = world.noticed();
    assert_eq!(key(&settings), None);
    assert_eq!(
        notices,
        [
            "작업/.env was not read, because it is a link that leads out of this folder; copy the file here, or set what it \
          holds in the environment"
        ]
    );
    std::fs::remove_file(world.work(".env")).unwrap();
    std::os::unix::fs::symlink("설정/기타.env", world.work(".env")).unwrap();
    assert_eq!(world.noticed().1, [""; 0]);
}

#[test]
fn a_workspaces_env_file_moves_no_home_endpoint_or_folder_p61() {
    let content = "BETTER_LLM_HOME=/evil\nANTHROPIC_BASE_URL=http://evil\nLOG_DIR=/evil\nHTTPS_PROXY=http://evil\n\
                   LANG=ko_KR\nDATABASE_URL=theirs\nLOG_LEVEL=debug\nLOG_FORMAT=console";
    let world = World::new().with_work(".env", content).with_variable("ANTHROPIC_API_KEY", "k");
    let (settings, notices) = world.noticed();
    let said: Vec<_> = notices.iter().map(|notice| notice.split(" was").next().unwrap()).collect();
    assert_eq!(
        said,
        [
            "작업/.env:1: BETTER_LLM_HOME",
            "작업/.env:2: ANTHROPIC_BASE_URL",
            "작업/.env:3: LOG_DIR",
            "작업/.env:4: HTTPS_PROXY",
            "작업/.env:5: LANG",
        ]
    );
    assert!(matches!(settings.provider(), Ok(Provider::Anthropic { base_url: None, .. })));
    assert_eq!(settings.places.config, world.own("").join(""));
    assert_eq!(settings.lang, Language::En);
    assert_eq!((settings.log_level, settings.log_format), (LogLevel::Debug, LogFormat::Console));
}

#[test]
fn the_persons_own_env_file_may_name_an_endpoint_and_a_log_folder_and_not_the_home() {
    let content = "ANTHROPIC_BASE_URL=http://gateway\nLOG_DIR=logs\nBETTER_LLM_HOME=/x";
    let world = World::new().with_own(".env", content).with_variable("ANTHROPIC_API_KEY", "k");
    let (settings, notices) = world.noticed();
    let Ok(Provider::Anthropic { base_url, .. }) = settings.provider() else { panic!() };
    assert_eq!(base_url.as_deref(), Some("http://gateway"));
    assert_eq!(settings.places.logs, world.work("logs"));
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("BETTER_LLM_HOME was ignored: a .env file cannot set it"), "{}", notices[0]);
}

#[test]
fn a_line_of_ours_that_cannot_be_read_is_an_error_and_another_programs_is_not() {
    let world = World::new().with_work(".env", "THEIRS=\"open\nwhat is this\nANTHROPIC_API_KEY=\"open\n");
    assert_eq!(world.problems(), ["작업/.env:3: `ANTHROPIC_API_KEY`: has no closing quote on its line"]);
    fs::remove_file(world.work(".env")).unwrap();
    fs::create_dir(world.work(".env")).unwrap();
    world.settings();
}

#[test]
fn an_env_file_that_is_a_pipe_keeps_nobody_waiting_and_is_said() {
    let world = World::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, world.work(".env"), 0o600.into()).unwrap();
    let (_, notices) = world.noticed();
    assert_eq!(
        notices,
        ["작업/.env was not read, because it is no regular file; set what it should hold in the environment"]
    );
}

#[test]
fn worker_timeouts_stand_above_the_configuration_o_14() {
    let content = r#"{"agents": [
        {"name": "coder", "role": "r", "tools": [], "timeout_seconds": 50},
        {"name": "tester", "role": "r", "tools": [], "timeout_seconds": 60},
        {"name": "planner", "role": "r", "tools": []},
        {"name": "my-agent", "role": "r", "tools": [], "system_prompt_file": "prompts/coder.txt"}]}"#;
    let world = World::new()
        .with_given("agent_config.json", content)
        .with_variable("WORKER_TIMEOUT_CODER", " 7.5 ")
        .with_work(".env", "WORKER_TIMEOUT_MY_AGENT=8\nWORKER_TIMEOUT_CODER=9");
    let settings = world.settings();
    let seconds =
        ["coder", "tester", "planner", "my-agent"].map(|name| timeout(&settings, name).as_secs_f64());
    assert_eq!(seconds, [7.5, 60.0, 300.0, 8.0]);
    assert_eq!(source(&world, &settings, "agents.coder.timeout_seconds"), "environment WORKER_TIMEOUT_CODER");
}

#[test]
fn the_default_timeouts_are_those_of_the_document_o_14() {
    let settings = World::new().settings();
    let seconds: Vec<_> = settings.workers.iter().map(|worker| worker.timeout.as_secs()).collect();
    assert_eq!(seconds, [300, 600, 300, 600, 180]);
}

#[test]
fn a_bad_timeout_is_an_error_and_not_the_default_p60() {
    for value in ["ten", "0", "-1", "1e9", "NaN", "inf", "10s"] {
        let world = World::new().with_variable("WORKER_TIMEOUT_CODER", value);
        assert_eq!(
            world.problems(),
            [format!(
                "environment variable WORKER_TIMEOUT_CODER: should be a number of seconds above 0 and at most \
                 86400, and is {value:?}"
            )]
        );
    }
}

#[test]
fn a_timeout_for_nobody_is_said() {
    let (_, notices) = World::new().with_variable("WORKER_TIMEOUT_DEVOPS", "5").noticed();
    assert_eq!(
        notices,
        ["environment variable WORKER_TIMEOUT_DEVOPS names no worker of this team and has no effect"]
    );
}

#[test]
fn the_language_follows_flag_then_configuration_then_locale() {
    let korean = World::new().with_variable("LANG", "en_US.UTF-8").with_variable("LC_ALL", "ko_KR.UTF-8");
    let settings = korean.settings();
    assert_eq!(
        (settings.lang, source(&korean, &settings, "ui.lang").as_str()),
        (Language::Ko, "environment LC_ALL")
    );
    let english = korean.with_given("a.json", r#"{"ui": {"lang": "en"}}"#);
    assert_eq!(english.settings().lang, Language::En);
    let flag = english.with_flags(Overrides { lang: Some(Language::Ko), ..Overrides::default() });
    assert_eq!(flag.settings().lang, Language::Ko);
}

#[test]
fn a_log_level_must_be_a_known_word() {
    let world = World::new().with_variable("LOG_LEVEL", "verbose").with_variable("LOG_FORMAT", "jsno");
    assert_eq!(
        world.problems(),
        [
            "environment variable LOG_LEVEL: `verbose` is no log level (DEBUG, INFO, WARNING, ERROR, CRITICAL)",
            "environment variable LOG_FORMAT: `jsno` is no log format (json, console); did you mean `json`?",
        ]
    );
}

#[test]
fn a_credential_is_shown_as_set_and_never_itself() {
    let world = World::new().with_variable("ANTHROPIC_API_KEY", "sk-비밀");
    let settings = world.settings();
    let json = settings.to_json();
    assert_eq!(
        json["ANTHROPIC_API_KEY"],
        serde_json::json!({"value": "set", "source": "environment ANTHROPIC_API_KEY"})
    );
    let everything = format!("{json} {settings:?} {:?}", settings.provider());
    assert!(!everything.contains("비밀"), "{everything}");
}
