//! `system_config.json`: what it sets, and how what is wrong with it is told (P57, P58).

use std::{collections::BTreeMap, time::Duration};

use domain::{
    model::RetrySettings,
    permission::SandboxLevel,
    price::{Cost, Price},
    report::Severity,
};

use super::*;
use crate::Language;

/// The problems of a system configuration, each without the file's name.
fn check(content: &str, expected: &[&str]) {
    let world = World::new().with_given("시스템.json", content);
    let problems: Vec<_> = world
        .problems()
        .iter()
        .map(|problem| problem.strip_prefix("작업/config/시스템.json").unwrap().to_owned())
        .collect();
    assert_eq!(problems, expected, "{content}");
}

#[test]
fn every_honoured_key_sets_its_value_and_names_its_source_o_15() {
    let content = r#"{
        "$schema": "schema/system_config.schema.json",
        "workflow_limits": {"max_review_iterations": 1, "max_retry_cycles": 0, "max_coder_retries": 5,
            "max_turns": 7, "max_worker_turns": 8, "max_messages": 9, "max_parallel_workers": 3, "max_tokens": 100000, "max_cost_usd": 0.25,
            "loop_repeats": 2, "timeout_seconds": 1.5},
        "review": {"force_on": "info"},
        "intervention_seconds": 0,
        "question_timeout_seconds": 30.5,
        "performance": {"idle_timeout_seconds": 10, "first_byte_timeout_seconds": 20, "worker_retry_enabled": false,
            "worker_retry_max_attempts": 5, "worker_retry_base_delay": 0, "worker_retry_max_delay": 2.5,
            "worker_retry_jitter": 0, "worker_retry_exponential": false},
        "prices": {"로컬.모델": {"input": 0.1, "output": 2}, "m": {"input": 4, "output": 20, "cache_read": 0.2,
            "cache_write": 5}},
        "verify": {"commands": ["./검사.sh --전부"]},
        "permissions": {"mode": "ask"},
        "sandbox": {"level": "none"},
        "providers": {"anthropic": {"base_url": "http://127.0.0.1:9/"}},
        "ui": {"lang": "ko"}
    }"#;
    let world = World::new().with_given("a.json", content).with_variable("ANTHROPIC_API_KEY", "키");
    let settings = world.settings();
    let limits = &settings.limits;
    assert_eq!(
        [
            limits.max_review_iterations,
            limits.max_retry_cycles,
            limits.max_coder_retries,
            limits.max_turns,
            limits.max_worker_turns,
            limits.max_messages,
            limits.max_parallel_workers,
            limits.loop_repeats,
        ],
        [1, 0, 5, 7, 8, 9, 3, 2]
    );
    assert_eq!(
        (limits.max_tokens, limits.max_cost_usd, limits.review_force_on),
        (Some(100_000), Some(Cost::from_billionths(250_000_000)), Severity::Info)
    );
    assert_eq!(
        (settings.intervention, settings.question_timeout),
        (Duration::ZERO, Duration::from_millis(30_500))
    );
    let retry = RetrySettings {
        enabled: false,
        max_attempts: 5,
        base_delay: Duration::ZERO,
        max_delay: Duration::from_millis(2_500),
        jitter: 0.0,
        exponential: false,
    };
    assert_eq!(settings.retry, retry);
    let prices =
        [("m", Price::new(4_000, 20_000, 200, 5_000)), ("로컬.모델", Price::new(100, 2_000, 100, 125))];
    assert_eq!(settings.prices, BTreeMap::from(prices.map(|(model, price)| (model.to_owned(), price))));
    assert_eq!(
        (limits.timeout_seconds, settings.idle_timeout, settings.first_byte_timeout),
        (Some(Duration::from_millis(1_500)), Duration::from_secs(10), Duration::from_secs(20))
    );
    assert_eq!(settings.verify_commands, ["./검사.sh --전부"]);
    assert_eq!(settings.permission_mode, PermissionMode::Ask);
    assert_eq!(settings.sandbox_level, Some(SandboxLevel::None));
    assert_eq!(settings.lang, Language::Ko);
    let crate::Provider::Anthropic { base_url, .. } = settings.provider().unwrap() else { panic!() };
    assert_eq!(base_url.as_deref(), Some("http://127.0.0.1:9"));
    let keys = ["max_turns", "timeout_seconds", "max_messages"];
    for key in keys.map(|key| format!("workflow_limits.{key}")) {
        assert_eq!(source(&world, &settings, &key), "작업/config/a.json");
    }
}

#[test]
fn flags_stand_above_the_configuration() {
    let flags = Overrides {
        permission_mode: Some(PermissionMode::Full),
        sandbox: Some(crate::SandboxChoice::Kernel),
        verify: vec!["make test".to_owned()],
        max_turns: Some(3),
        max_tokens: Some(50_000),
        max_cost_usd: Some(0.5),
        timeout_seconds: Some(4.0),
        intervention_seconds: Some(0.0),
        lang: Some(Language::En),
        ..Overrides::default()
    };
    let content = r#"{"workflow_limits": {"max_turns": 7, "timeout_seconds": 9, "max_tokens": 9, "max_cost_usd": 9},
        "intervention_seconds": 9, "verify": {"commands": ["x"]},
        "permissions": {"mode": "plan"}, "sandbox": {"level": "none"}, "ui": {"lang": "ko"}}"#;
    let world = World::new().with_given("a.json", content).with_flags(flags);
    let settings = world.settings();
    assert_eq!(
        (settings.limits.max_turns, settings.limits.timeout_seconds),
        (3, Some(Duration::from_secs(4)))
    );
    assert_eq!(
        (settings.limits.max_tokens, settings.limits.max_cost_usd, settings.intervention),
        (Some(50_000), Cost::from_usd(0.5), Duration::ZERO)
    );
    assert_eq!(settings.permission_mode, PermissionMode::Full);
    assert_eq!(settings.sandbox_level, Some(SandboxLevel::Kernel));
    assert_eq!(
        (settings.verify_commands.as_slice(), settings.lang),
        (&["make test".to_owned()][..], Language::En)
    );
    let sources = [
        ("workflow_limits.max_turns", "--max-turns"),
        ("workflow_limits.max_tokens", "--max-tokens"),
        ("workflow_limits.max_cost_usd", "--max-cost-usd"),
        ("intervention_seconds", "--intervention"),
    ];
    for (key, flag) in sources {
        assert_eq!(source(&world, &settings, key), flag);
    }
}

#[test]
fn flags_are_held_to_the_same_bounds() {
    let flags = Overrides {
        max_turns: Some(0),
        max_tokens: Some(0),
        max_cost_usd: Some(-0.5),
        timeout_seconds: Some(f64::NAN),
        intervention_seconds: Some(-1.0),
        verify: vec![" ".to_owned()],
        ..Overrides::default()
    };
    assert_eq!(
        World::new().with_flags(flags).problems(),
        [
            "--max-turns: should be a whole number of at least 1, and is 0",
            "--max-tokens: should be a whole number of at least 1 and at most 1000000000000, and is 0",
            "--max-cost-usd: should be a number of US dollars above 0 and at most 1000000, and is -0.5",
            "--timeout: should be a number of seconds above 0 and at most 86400, and is NaN",
            "--intervention: should be a number of seconds of at least 0 and at most 86400, and is -1",
            "--verify: should be a command, and is a blank text",
        ]
    );
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    check(
        "{\"workflow_limits\": {\n  \"max_turn\": 5},\n\"performence\": {},\n\"max_turns\": 5, \"완전히\": 1}",
        &[
            ":2: `workflow_limits.max_turn`: is not a known key; did you mean `workflow_limits.max_turns`?",
            ":3: `performence`: is not a known key; did you mean `performance`?",
            ":4: `max_turns`: is not a known key; did you mean `workflow_limits.max_turns`?",
            ":4: `완전히`: is not a known key",
        ],
    );
}

#[test]
fn keys_of_later_versions_are_told_from_unknown_ones() {
    check(
        r#"{"performance": {"enable_caching": true, "metrics_buffer_size": 5},
            "review": {"force_one": 1}, "providers": {"claude-code": {}}, "retention": {"days": 1},
            "repl": {"memory_mb": 512}}"#,
        &[
            ":1: `performance.enable_caching`: belongs to the prompt cache, which this version does not have yet: \
             remove it",
            ":1: `performance.metrics_buffer_size`: belongs to metrics, which this version does not have yet: remove it",
            ":2: `review.force_one`: is not a known key; did you mean `review.force_on`?",
            ":2: `providers.claude-code`: belongs to the provider claude-code, which this version does not have yet: \
             remove it",
            ":2: `retention`: belongs to deleting old sessions, which this version does not have yet: remove it",
            ":3: `repl`: belongs to the REPL, which this version does not have yet: remove it",
        ],
    );
}

#[test]
fn wrong_types_and_bounds_name_what_is_expected() {
    check(
        r#"{"workflow_limits": {"max_turns": "5", "max_worker_turns": 0, "max_messages": 5.5,
            "max_retry_cycles": -1, "timeout_seconds": 0, "max_coder_retries": null},
            "performance": [], "verify": {"commands": ["ok", " ", 3]},
            "permissions": {"mode": "sometimes"}, "ui": {"lang": "fr"}}"#,
        &[
            ":1: `workflow_limits.max_turns`: should be a whole number of at least 1 and at most 100000, and is the \
             text \"5\"",
            ":1: `workflow_limits.max_worker_turns`: should be a whole number of at least 1 and at most 100000, and \
             is 0",
            ":1: `workflow_limits.max_messages`: should be a whole number of at least 4 and at most 100000, and is \
             5.5",
            ":2: `workflow_limits.max_retry_cycles`: should be a whole number of at least 0 and at most 1000, and is \
             -1",
            ":2: `workflow_limits.timeout_seconds`: should be a number above 0 and at most 86400 or null, and is 0",
            ":2: `workflow_limits.max_coder_retries`: should be a whole number of at least 0 and at most 1000, and \
             is null",
            ":3: `performance`: should be an object, and is an empty list",
            ":3: `verify.commands[1]`: should be a text that is not blank, and is a blank text",
            ":3: `verify.commands[2]`: should be a text that is not blank, and is 3",
            ":4: `permissions.mode`: should be one of `plan`, `ask`, `auto-edit`, `full`, and is the text \
             \"sometimes\"",
            ":4: `ui.lang`: should be one of `en`, `ko`, and is the text \"fr\"",
        ],
    );
    check("[1]", &[":1: should be an object, and is a list"]);
}

#[test]
fn wrong_budgets_prices_and_times_name_what_is_expected() {
    check(
        r#"{"workflow_limits": {"max_tokens": 0, "max_cost_usd": 0, "loop_repeats": 1},
            "review": {"force_on": "criticle"}, "intervention_seconds": -1, "question_timeout_seconds": 0,
            "performance": {"worker_retry_max_attempts": 0, "worker_retry_jitter": 1.5, "worker_retry_enabled": 1},
            "prices": {"m.1": {"input": -1, "output": "2", "cached": 1}, "n": {"input": 1}, "o": 3}}"#,
        &[
            ":1: `workflow_limits.max_tokens`: should be a whole number of at least 1 and at most 1000000000000 or null, \
             and is 0",
            ":1: `workflow_limits.max_cost_usd`: should be a number above 0 and at most 1000000 or null, and is 0",
            ":1: `workflow_limits.loop_repeats`: should be a whole number of at least 2 and at most 1000, and is 1",
            ":2: `review.force_on`: should be one of `critical`, `warning`, `info`, and is the text \"criticle\"; did \
             you mean `critical`?",
            ":2: `intervention_seconds`: should be a number of at least 0 and at most 86400, and is -1",
            ":2: `question_timeout_seconds`: should be a number above 0 and at most 86400, and is 0",
            ":3: `performance.worker_retry_max_attempts`: should be a whole number of at least 1 and at most 100, and \
             is 0",
            ":3: `performance.worker_retry_jitter`: should be a number of at least 0 and at most 1, and is 1.5",
            ":3: `performance.worker_retry_enabled`: should be true or false, and is 1",
            ":4: `prices[\"m.1\"].input`: should be a number of at least 0 and at most 1000000, and is -1",
            ":4: `prices[\"m.1\"].output`: should be a number of at least 0 and at most 1000000, and is the text \"2\"",
            ":4: `prices[\"m.1\"].cached`: is not a known key",
            ":4: `prices[\"n\"]`: misses `output` (a number of at least 0 and at most 1000000)",
            ":4: `prices[\"o\"]`: should be an object, and is 3",
        ],
    );
    check(
        r#"{"prices": {"m": {"inputs": 1, "output": 1, "input": 1}, "m": {"input": 1, "output": 1}}}"#,
        &[
            ":1: `prices[\"m\"].inputs`: is not a known key; did you mean `prices[\"m\"].input`?",
            ":1: `prices.m`: stands twice; keep one of them",
        ],
    );
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let content = "{\"ui\": {\"lang\": \"ko\",\r\n\"lang\": \"en\"}}";
    check(content, &[":2: `ui.lang`: stands twice; keep one of them"]);
}

#[test]
fn text_that_is_no_json_is_pointed_at() {
    check("{\n  \"ui\": {\"lang\" \"ko\"}}", &[":2:17: is not valid JSON: expected `:`"]);
    check("", &[":1:0: is not valid JSON: EOF while parsing a value"]);
}

#[test]
fn a_byte_order_mark_and_crlf_are_no_fault() {
    let content = "\u{feff}{\r\n\"workflow_limits\": {\"max_turns\": 7}\r\n}\r\n";
    assert_eq!(World::new().with_given("a.json", content).settings().limits.max_turns, 7);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let mut world = World::new();
    world.given = vec![world.work("없음.json"), world.work("")];
    fs::write(world.work("binary"), b"\xff\xfe").unwrap();
    fs::write(world.work("huge"), " ".repeat(300_000)).unwrap();
    world.given.extend([world.work("binary"), world.work("huge")]);
    assert_eq!(
        world.problems(),
        [
            "작업/없음.json: there is no such file",
            "작업/: is no regular file",
            "작업/binary: is not UTF-8 text: save it as UTF-8",
            "작업/huge: is larger than 262144 bytes",
        ]
    );
}

#[test]
fn given_files_are_told_apart_by_their_content() {
    let agents = r#"{"agents": [{"name": "coder", "role": "r", "tools": ["read"]}]}"#;
    let system = r#"{"workflow_limits": {"max_turns": 7}}"#;
    let world = World::new().with_given("a.json", agents).with_given("b.json", system);
    let settings = world.settings();
    assert_eq!((settings.workers.len(), settings.limits.max_turns), (1, 7));

    let world = World::new().with_given("a.json", system).with_given("b.json", "{}");
    assert_eq!(
        world.problems(),
        [format!(
            "작업/config/b.json: is a second system_config.json beside {}: give one of each kind",
            world.shortened(&world.given[0].display().to_string())
        )]
    );
}

#[test]
fn endpoints_are_checked_and_never_printed() {
    let cases = [
        ("ftp://x", "should begin with https:// or http://"),
        ("https:///a", "should name a host, as in https://api.example.com"),
        ("https://me:비밀@host", "should hold no user or password; the key belongs into ANTHROPIC_API_KEY"),
        ("https://host/v1/", "should end before /v1, which is added to it"),
    ];
    for (url, what) in cases {
        let world = World::new().with_variable("ANTHROPIC_BASE_URL", url);
        assert_eq!(world.problems(), [format!("environment variable ANTHROPIC_BASE_URL: {what}")]);
    }
}
