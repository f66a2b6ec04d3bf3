//! One script, both wires: what a round says, does and comes to is the same whoever's protocol carried the words.
//!
//! The stories are those of the other files; here their whole transcripts are compared. What only one protocol knows is
//! left out of the comparison: names of models and ids, prices, seals.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Value, json};
use testkit::{
    MockServer, Script, Turn,
    mock_server::{Flavour, Settings},
};

use crate::{
    parallel::sends,
    story,
    support::{
        Said, Wire, World,
        turns::{approved, ask, bash, coded, finish, objected, one_worker, planned, tested, write},
    },
    truth::broken_then,
};

/// What a round came to.
#[derive(Debug, PartialEq)]
struct Upshot {
    exit_code: i32,
    /// The files of the repository.
    files: Vec<(PathBuf, Vec<u8>)>,
    commits: Vec<String>,
    /// Its events by agent, each agent's in order: runs side by side are told in any order.
    told: BTreeMap<String, Vec<Value>>,
}

/// Fields that differ from run to run, or from provider to provider.
const OWN: [&str; 15] = [
    "ts",
    "seq",
    "session_id",
    "elapsed_ms",
    "prefix_digest",
    "cost_usd",
    "model",
    "provider",
    "cwd",
    "signature",
    "version",
    "wait_ms",
    "restored",
    "deadline",
    "after_seq",
];

/// Fields that hold ids. They are numbered in the order in which they come.
const IDS: [&str; 8] =
    ["run_id", "parent_run_id", "request_id", "call_id", "id", "call", "tool_use_id", "question_id"];

/// Makes values comparable.
struct Leveller {
    /// What stands for places: each with what is to stand instead.
    places: Vec<(String, &'static str)>,
    ids: Vec<String>,
}

impl Leveller {
    fn level(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !OWN.contains(&name.as_str()));
                for (name, value) in fields.iter_mut() {
                    match value.as_str() {
                        Some(id) if IDS.contains(&name.as_str()) => *value = json!(self.number(id)),
                        _ => self.level(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.level(item)),
            Value::String(text) => {
                let (bare, _request) = text.split_once(" (request-id ").unwrap_or((text, ""));
                let placed =
                    self.places.iter().fold(bare.to_owned(), |text, (from, to)| text.replace(from, to));
                *text = without_hashes(&placed);
            }
            _ => {}
        }
    }

    fn number(&mut self, id: &str) -> usize {
        self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        })
    }
}

/// Commits have hashes of their own in each repository.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| {
        word.len() >= 7
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.contains(|c: char| c.is_ascii_digit())
    };
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let bare = |word: &str| word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    words
        .map(|word| if is_hash(&bare(word)) { word.replace(&bare(word), "#") } else { word.to_owned() })
        .collect()
}

async fn upshot(world: &World, wire: Wire, server: &MockServer, more: &[&str]) -> Upshot {
    let ended = world.task_over(wire, server, more).await.run().await;
    let said: Said = ended.said();
    server.assert_nothing_refused();
    said.check_kept(world).await;
    let git = world.repository.join(".git");
    let files = World::snapshot(&world.repository).into_iter().filter(|(path, _)| !path.starts_with(&git));
    let relative = |path: PathBuf| path.strip_prefix(&world.repository).expect("below it").to_owned();
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in &said.events {
        let event = serde_json::to_value(event).expect("JSON");
        told.entry(event["agent"].as_str().unwrap_or_default().to_owned()).or_default().push(event);
    }
    let endpoints = ["/v1/messages", "/v1/chat/completions"].map(|path| (server.url() + path, "SERVER"));
    let root = (world.outside().display().to_string(), "ROOT");
    let places: Vec<(String, &str)> = endpoints.into_iter().chain([root]).collect();
    for events in told.values_mut() {
        let mut leveller = Leveller { places: places.clone(), ids: Vec::new() };
        events.iter_mut().for_each(|event| leveller.level(event));
    }
    Upshot {
        exit_code: ended.code(),
        files: files.map(|(path, content)| (relative(path), content)).collect(),
        commits: world.commits(),
        told,
    }
}

/// Plays a story over the Messages API, over Chat Completions as the vendor speaks it, and as a local server does that
/// asks for no key.
async fn check(make: fn() -> World, script: impl Fn() -> Script, more: &[&str]) {
    let world = make();
    let server = MockServer::start(script()).await;
    let expected = upshot(&world, Wire::Messages, &server, more).await;
    for settings in [Settings::default(), Settings::default().without_key().flavoured(Flavour::OLLAMA)] {
        let world = make();
        let server = settings.start(script()).await.expect("a server");
        let found = upshot(&world, Wire::Chat, &server, more).await;
        for (agent, events) in &expected.told {
            for (expected, found) in events.iter().zip(found.told.get(agent).into_iter().flatten()) {
                assert_eq!(found, expected, "{agent}");
            }
        }
        assert_eq!(found, expected);
    }
}

/// O-1, O-3, O-8: a whole team, from the plan to the commit.
#[tokio::test]
async fn a_team_does_the_same_over_both_wires() {
    check(story::busy_world, story::honest, &[]).await;
}

/// O-1: what is claimed is held against what was seen.
#[tokio::test]
async fn a_lie_is_caught_over_both_wires() {
    let script = || broken_then([bash(World::TEST_COMMAND), tested(true, &[World::TEST_COMMAND])]);
    check(World::new, script, &[]).await;
}

/// O-24: workers side by side.
#[tokio::test]
async fn workers_side_by_side_do_the_same_over_both_wires() {
    let script = || {
        Script::new()
            .agent(
                "manager",
                [sends(&[("coder", "짜 줘", Some("왼쪽")), ("planner", "계획", None)]), finish("done")],
            )
            .agent("coder", [write("왼쪽/새것", "1\n"), coded(&["왼쪽/새것"], &[])])
            .agent("planner", [planned()])
    };
    check(World::new, script, &[]).await;
}

/// P27, P28: input that does not fit, a tool that is not the agent's, a failed edit, a denied write.
#[tokio::test]
async fn what_is_refused_is_refused_over_both_wires() {
    let edit = json!({"path": "합계.sh", "old_string": "없는 말", "new_string": "x"});
    let script = move || {
        one_worker(
            "coder",
            [
                Turn::empty().and_raw_call("read", "{\"path\": \"합"),
                Turn::call("finish", json!({})).and_call("read", json!({"path": 3})),
                Turn::empty().and_call("read", json!({"path": "README.md"})).and_call("edit", edit.clone()),
                write("../밖.txt", "x"),
                write("안.txt", "x"),
                coded(&["안.txt"], &[]),
            ],
        )
    };
    check(World::new, script, &[]).await;
}

/// O-16: reviews, and what they object to.
#[tokio::test]
async fn reviews_come_to_the_same_over_both_wires() {
    let script = || {
        let turns = [
            ask("coder", "짜"),
            ask("reviewer", "봐"),
            ask("coder", "고쳐"),
            ask("reviewer", "다시"),
            finish("done"),
        ];
        let second = [write("합계.sh", "echo 2\n"), coded(&["합계.sh"], &[])];
        let first = [write("합계.sh", "echo 1\n"), coded(&["합계.sh"], &[])];
        Script::new()
            .agent("manager", turns)
            .agent("coder", first.into_iter().chain(second))
            .agent("reviewer", [objected("틀렸다"), approved()])
    };
    check(World::new, script, &[]).await;
}

/// O-23, P34: an attempt that failed leaves the same behind.
#[tokio::test]
async fn an_attempt_that_fails_leaves_the_same_over_both_wires() {
    let world = || {
        let world = World::new();
        world.write_outside("빠르게.json", r#"{"performance": {"worker_retry_base_delay": 0.01}}"#);
        world
    };
    let script = || {
        let limited = Turn::error(503, "api_error", "Down");
        one_worker("coder", [limited, write("b.txt", "2"), coded(&["b.txt"], &[])])
    };
    check(world, script, &["--config", "../빠르게.json"]).await;
}

/// O-15: a budget of turns ends the round, the same way.
#[tokio::test]
async fn a_budget_ends_the_round_the_same_over_both_wires() {
    let script = || {
        let looks = (0..9).map(|nth| Turn::call("glob", json!({"pattern": format!("*{nth}")})));
        Script::new().agent("manager", looks)
    };
    check(World::new, script, &["--max-turns", "4"]).await;
}
