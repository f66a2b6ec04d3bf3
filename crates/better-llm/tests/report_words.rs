//! Contract 4: the words of one kind's report schema occur in no other worker's built-in prompt and in none of its
//! tools, so that no worker hands in another's report.

use std::{collections::BTreeSet, fs, path::Path};

use domain::{agent::WorkerKind, report::Report};
use serde_json::Value;

/// Everyday words that tools and prompts need, too. They control nothing by themselves.
const EVERYDAY: [&str; 17] = [
    "commit", "commands", "detail", "failure", "file", "files", "id", "info", "line", "message", "name",
    "partial", "status", "success", "summary", "title", "warning",
];

/// The field names and the values of enumerations in a schema.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get("properties") {
                found.extend(properties.keys().cloned());
            }
            for key in ["enum", "const"] {
                let values =
                    fields.get(key).map(|value| value.as_array().cloned().unwrap_or(vec![value.clone()]));
                found.extend(values.unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned));
            }
            fields.values().for_each(|value| words(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        _ => {}
    }
}

fn words_of(kind: WorkerKind) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    words(&Report::schema(kind), &mut found);
    found.retain(|word| !EVERYDAY.contains(&word.as_str()));
    found
}

fn stands_in(word: &str, text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found.eq_ignore_ascii_case(word))
}

/// O-13: each agent's prompt is a file of its own.
#[test]
fn no_worker_reads_the_words_of_anothers_report() {
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prompts");
    let mut checked = 0;
    for kind in WorkerKind::ALL {
        let name = if kind == WorkerKind::General { "devops" } else { kind.as_str() };
        let prompt = fs::read_to_string(prompts.join(format!("{name}.txt"))).expect("a built-in prompt");
        for other in WorkerKind::ALL.into_iter().filter(|other| *other != kind) {
            for word in words_of(other).difference(&words_of(kind)) {
                assert!(
                    !stands_in(word, &prompt),
                    "the prompt of {name} says `{word}`, a word of {other:?}'s report"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "only {checked} words were looked for");
}

#[test]
fn the_words_of_a_report_are_found() {
    let reviewer = words_of(WorkerKind::Reviewer);
    for word in ["verdict", "approve", "request_changes", "findings", "severity", "critical"] {
        assert!(reviewer.contains(word), "{word} in {reviewer:?}");
    }
    assert!(stands_in("passed", "All tests PASSED."));
    assert!(!stands_in("passed", "passed_on"));
}

#[test]
fn no_tool_speaks_the_words_of_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = tools::Toolbox::open(tools::ToolDeps {
        root: folder.path().to_owned(),
        added: Vec::new(),
        protected: Vec::new(),
        processes: std::sync::Arc::new(testkit::FakeProcesses::new()),
        servers: std::sync::Arc::new(testkit::FakeServers::new()),
        workspace: std::sync::Arc::new(testkit::FakeWorkspace::new()),
        ids: std::sync::Arc::new(testkit::SequentialIds::new()),
    });
    for tool in toolbox.expect("tools").all() {
        let text = format!("{} {}", tool.spec().description, tool.spec().input_schema);
        for kind in WorkerKind::ALL {
            for word in words_of(kind) {
                assert!(
                    !stands_in(&word, &text),
                    "`{}` says `{word}`, a word of {kind:?}'s report",
                    tool.spec().name
                );
            }
        }
    }
}
