//! Phrases against the texts that the library really writes.

use std::{collections::BTreeSet, fs};

use better_llm::{EngineBuilder, StartError};
use domain::{
    agent::WorkerKind,
    evidence::{Observations, ObservedFiles, check_claims},
    report::Report,
    workspace::Changes,
};
use serde_json::{Value, json};

use super::{configuration::CONFIGURATION, engine::ENGINE, holes, permission::PERMISSION};
use crate::words::{Language, Said};

fn is_korean(text: &str) -> bool {
    text.chars().any(|character| ('가'..='힣').contains(&character))
}

fn check(text: &str, korean: &str) {
    assert_eq!(Language::Korean.detail(text), korean);
    assert_eq!(Language::English.detail(text), text);
}

#[test]
fn a_phrase_keeps_what_stands_in_its_holes() {
    check("commands: `sh a.sh` was not run", "commands: `sh a.sh` 명령은 실행되지 않았습니다");
    check("coder was stopped after 0.5 s", "coder: 0.5초가 지나 중단했습니다");
    check("something that no table knows", "something that no table knows");
    assert_eq!(holes("a {} b {}", "a 1 b 2 b 3"), Some(vec!["1", "2 b 3"]));
    assert_eq!(holes("a {} b", "a 1 b!"), None);
    assert_eq!(holes("a", "ab"), None);
}

#[test]
fn every_phrase_is_reached_by_itself_and_is_korean() {
    let filled = |text: &str| text.replace("{}", "7");
    for (phrases, said) in [
        (&ENGINE[..], &|text: &str| Language::Korean.detail(text).into_owned() as String),
        (&PERMISSION[..], &|text: &str| Language::Korean.detail(text).into_owned() as String),
        (&CONFIGURATION[..], &(|text: &str| Language::Korean.configuration_detail(text).into_owned()) as _),
    ] as [(&[(&str, &str)], &dyn Fn(&str) -> String); 3]
    {
        for (english, korean) in phrases {
            let holes = |text: &str| text.matches("{}").count();
            assert!(holes(korean) <= holes(english), "{english}");
            assert_eq!(said(&filled(english)), filled(korean), "{english}");
            assert!(is_korean(korean) || ["null", "true", "false", "REPL"].contains(korean), "{korean}");
        }
    }
}

/// The sentences of the domain, as it writes them.
#[test]
fn every_claim_that_does_not_hold_is_said_in_korean() {
    let report = |kind, value: Value| Report::parse(kind, &value).unwrap();
    let reports = [
        report(
            WorkerKind::Coder,
            json!({"summary": "s", "files_changed": ["a", "숨김"], "commands_run": ["make"]}),
        ),
        report(WorkerKind::Tester, json!({"summary": "s", "passed": true, "commands": ["make test"]})),
        report(WorkerKind::Tester, json!({"summary": "s", "passed": false, "commands": []})),
        report(WorkerKind::Committer, json!({"summary": "s", "commit": "0123abc"})),
    ];
    let overlooked = BTreeSet::from(["숨김".to_owned()]);
    for partial in [None, Some("only the first 9 files were looked at".to_owned())] {
        let changes = Changes { partial, ..Changes::default() };
        for report in &reports {
            let files =
                ObservedFiles { root: "/w", changes: &changes, overlooked: &overlooked, beside: None };
            let claims = check_claims(report, &Observations::default(), files);
            for claim in claims.refuted.iter().chain(&claims.unverified) {
                assert!(is_korean(&Language::Korean.detail(claim).replace("숨김", "")), "{claim}");
            }
        }
    }
}

/// What the configuration's reader says of files that are wrong in every way.
fn problems_of(system: &Value, agents: &Value, variables: &[(&str, &str)]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, value.to_string()).unwrap();
        path
    };
    let builder = EngineBuilder::new(folder.path())
        .config_file(file("system.json", system))
        .config_file(file("agents.json", agents))
        .environment(variables.iter().map(|(name, value)| (name.into(), value.into())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(builder.build()) {
        Err(StartError::Config(error)) => Said::by(|language| language.config_error(&error)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing is wrong"),
    }
}

#[test]
fn every_word_about_a_wrong_configuration_is_korean() {
    let system = json!({
        "workflow_limits": {
            "max_turns": 0, "max_messages": "many", "timeout_seconds": -1, "max_tokens": 0, "loop_repeats": 1,
            "max_parallel_workers": 2, "max_cost_usd": 0
        },
        "performance": {
            "idle_timeout_seconds": [], "first_byte_timeout_seconds": {}, "enable_caching": true,
            "worker_retry_enabled": 1, "worker_retry_jitter": 2, "enable_async_metrics": true, "enable_session_compression": true,
            "enable_background_save": true
        },
        "review": {"force_on": "all"}, "permissions": {"mode": "all", "rules": []},
        "sandbox": {"level": "strict", "network": [], "add_dirs": [], "pass_env": []},
        "providers": {
            "anthropic": {"base_url": " ", "fallback": []}, "openai": {}, "claude-code": {}
        },
        "verify": {"commands": [" "]}, "ui": {"lang": "fr", "theme": "x"}, "prices": {"m": {"input": -1}, "n": 1},
        "retention": {}, "repl": {}, "intervention_seconds": -5, "question_timeout_seconds": 0, "wrokflow": 1
    });
    let agent = |name: &str, more: Value| {
        let mut agent = json!({"name": name, "role": "r", "tools": []});
        agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        agent
    };
    let shapes = json!({"agents": [
        {"name": 1, "role": null, "tools": ["read"], "thinking": "yes", "timeout_seconds": 0},
        agent("a", json!({"provider": "openai", "kind": "boss"})),
        agent("b", json!({"provider": "offline"})),
        agent("c", json!({"provider": "replay"})),
    ]});
    let rules = json!({"agents": [
        agent("coder", json!({"tools": ["read", "read", "raed", "process", "execute_code", "report"]})),
        agent("Coder", json!({"system_prompt_file": "nowhere.txt", "allowed_tools": []})),
        agent("tester", json!({"kind": "coder"})),
        agent("person", json!({})),
        agent("two words", json!({})),
        agent("general", json!({})),
        {"name": "reviewer", "role": "r"},
    ]});
    let home = ("HOME", "/nowhere");
    let url = |url| json!({"providers": {"anthropic": {"base_url": url}}});
    let cases = [
        problems_of(&system, &shapes, &[home]),
        problems_of(&json!({}), &rules, &[home]),
        problems_of(&url("api"), &json!({"agents": []}), &[home]),
        problems_of(&url("https://me@host"), &json!({"agents": 1}), &[home, ("LOG_LEVEL", "LOUD")]),
        problems_of(
            &url("https://host/v1"),
            &json!({"agents": 1}),
            &[home, ("WORKER_TIMEOUT_CODER", "soon")],
        ),
        problems_of(&url("https:// "), &json!({"agents": 1}), &[("BETTER_LLM_HOME", "here")]),
        problems_of(&json!({}), &json!({"agents": 1}), &[("LOG_FORMAT", "xml")]),
    ];
    for said in cases {
        for (line, english) in said.text(Language::Korean).lines().zip(said.text(Language::English).lines()) {
            let words: Vec<&str> = line.split(['`', ' ', '(', ')', ',']).collect();
            let english_words = ["should", "is", "a", "an", "the", "or", "of", "not", "there", "no", "at"];
            let left = words.iter().find(|word| english_words.contains(word));
            assert!(is_korean(line) && left.is_none(), "{line}\n{english}");
        }
    }
}
