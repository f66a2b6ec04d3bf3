use serde_json::{Value, json};

use super::*;
use crate::testing::Workspace;

/// The fields of contract 4: required ones, then optional ones.
const CONTRACT: [(&str, &[&str], &[&str]); 9] = [
    ("read", &["path"], &["offset", "limit"]),
    ("glob", &["pattern"], &["path"]),
    ("grep", &["pattern"], &["path", "glob", "context"]),
    ("diff", &[], &["base", "path"]),
    ("write", &["path", "content"], &[]),
    ("edit", &["path", "old_string", "new_string"], &["replace_all"]),
    ("bash", &["command"], &["timeout_seconds"]),
    ("process", &["op"], &["command", "id"]),
    ("commit", &["message"], &["paths"]),
];

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

#[test]
fn every_tool_has_the_fields_of_the_contract_and_no_others() {
    let toolbox = Workspace::new().toolbox();
    assert_eq!(toolbox.all().len(), CONTRACT.len());
    for (tool, (name, required, optional)) in toolbox.all().iter().zip(CONTRACT) {
        let spec = tool.spec();
        assert_eq!(&*spec.name, name);
        let schema = &spec.input_schema;
        assert_eq!(
            (&schema["type"], &schema["additionalProperties"]),
            (&json!("object"), &json!(false)),
            "{name}"
        );
        let properties = schema["properties"].as_object().expect("properties");
        let names = sorted(properties.keys().map(String::as_str).collect());
        assert_eq!(names, sorted([required, optional].concat()), "{name}");
        let in_schema: Vec<&str> = schema["required"]
            .as_array()
            .map_or_else(Vec::new, |names| names.iter().map(|name| name.as_str().expect("a name")).collect());
        assert_eq!(sorted(in_schema), sorted(required.to_vec()), "{name}");
        assert!(
            properties.values().all(|field| field["description"].is_string()),
            "{name}: a field without words"
        );
    }
}

#[test]
fn the_schemas_say_the_defaults_and_bounds_of_the_contract() {
    let toolbox = Workspace::new().toolbox();
    let field = |tool: &str, field: &str, key: &str| {
        toolbox.build(tool).expect("a tool").spec().input_schema["properties"][field][key].clone()
    };
    for (tool, name, key, expected) in [
        ("read", "offset", "default", json!(1)),
        ("read", "offset", "minimum", json!(1)),
        ("read", "limit", "default", json!(2_000)),
        ("grep", "context", "default", json!(0)),
        ("diff", "base", "default", json!("round")),
        ("diff", "base", "enum", json!(["round", "head", "last_review"])),
        ("edit", "replace_all", "default", json!(false)),
        ("bash", "timeout_seconds", "default", json!(120)),
        ("bash", "timeout_seconds", "maximum", json!(600)),
    ] {
        assert_eq!(field(tool, name, key), expected, "{tool} {name} {key}");
    }
}

#[test]
fn unknown_fields_missing_fields_and_other_types_are_rejected() {
    let toolbox = Workspace::new().toolbox();
    for (tool, (name, required, _)) in toolbox.all().iter().zip(CONTRACT) {
        let mut valid: serde_json::Map<String, Value> =
            required.iter().map(|&field| (field.to_owned(), json!(format!("a {field}")))).collect();
        if name == "process" {
            valid.extend([("op".to_owned(), json!("stop")), ("id".to_owned(), json!("server-1"))]);
        }
        assert_eq!(tool.prepare(&Value::Object(valid.clone())).err(), None, "{name}");
        if let Some(&first) = required.first() {
            let mut missing = valid.clone();
            missing.remove(first);
            let error = tool.prepare(&Value::Object(missing)).err().expect(name).0;
            assert_eq!(error, format!("missing field `{first}`"), "{name}");
        }
        let array: Vec<Value> = valid.values().cloned().collect();
        tool.prepare(&Value::Array(array)).err().expect(name);
        valid.insert("surprise".to_owned(), json!(1));
        let error = tool.prepare(&Value::Object(valid)).err().expect(name).0;
        assert!(error.starts_with("unknown field `surprise`, expected"), "{name}: {error}");
    }
}

/// The words of one kind's report schema occur in no other worker's tools (contract 4). `file`, `line`, `name`,
/// `message` and the like are words of tools as well and say nothing about a report.
#[test]
fn no_tool_speaks_of_reports() {
    const WORDS: [&str; 17] = [
        "report",
        "summary",
        "steps",
        "verdict",
        "approve",
        "request_changes",
        "finding",
        "severity",
        "critical",
        "warning",
        "files_changed",
        "commands_run",
        "passed",
        "failure",
        "success",
        "partial",
        "detail",
    ];
    for tool in Workspace::new().toolbox().all() {
        let spec = tool.spec();
        let text = format!("{} {}", spec.description, spec.input_schema).to_lowercase();
        let spoken: Vec<_> = WORDS.iter().filter(|word| text.contains(**word)).collect();
        assert!(spoken.is_empty(), "{}: {spoken:?}", spec.name);
    }
}

#[tokio::test]
async fn what_a_long_input_says_is_bounded() {
    let workspace = Workspace::new();
    let long = "길/".repeat(100_000);
    let outcome = workspace.call("read", json!({"path": format!("../{long}")})).await;
    assert_eq!(outcome.output.chars().count(), 48_000);
    assert!(outcome.omitted_bytes > 300_000);
    let rejection = workspace.rejection("read", json!({long: 1}));
    assert_eq!(rejection.chars().count(), 4_000);
}

#[test]
fn a_name_that_is_no_tool_gives_none() {
    let toolbox = Workspace::new().toolbox();
    assert!(toolbox.build("rm").is_none());
    assert!(NAMES.iter().all(|name| toolbox.build(name).is_some_and(|tool| &*tool.spec().name == *name)));
}

#[test]
fn a_missing_workspace_is_a_located_error() {
    let workspace = Workspace::new();
    let deps = ToolDeps {
        root: workspace.path("missing"),
        added: Vec::new(),
        protected: Vec::new(),
        processes: workspace.processes.clone(),
        servers: workspace.servers.clone(),
        workspace: workspace.port.clone(),
        ids: workspace.ids.clone(),
    };
    let error = Toolbox::open(deps).err().expect("there is no such folder");
    assert!(error.to_string().contains("missing: choose a folder"), "{error}");
}
