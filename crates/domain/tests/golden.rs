//! The journal's JSON, pinned: every event of contract 5 has a file under `tests/fixtures/journal/v1/`, named by its
//! type (`<type>.<what is special>.json` for further ones). `all.jsonl` holds the same events as lines, in the order
//! of one session's journal, and `deltas.jsonl` the deltas, byte for byte as they are written.
//!
//! A file that no longer fits is a break of the contract: add fields, never change what is there.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use better_llm_domain::event::{Delta, DeltaBody, Event, EventBody};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What every event has, where in a session it stands, and what deltas have instead of `seq`.
const ENVELOPE: [&str; 8] = ["v", "seq", "ts", "session_id", "round", "run_id", "agent", "parent_run_id"];
const DELTA_ENVELOPE: [&str; 9] =
    ["v", "after_seq", "ts", "session_id", "round", "run_id", "agent", "parent_run_id", "index"];

/// Names each variant with all its fields, in a pattern without a rest, so that a new variant or field does not
/// compile until it stands here, and does not pass until it has its file and its place in the table of fields.
macro_rules! shapes_of {
    ($name_of:ident, $all:ident, $shapes:ident, $body:ident: $($variant:ident { $($field:ident),* } => $name:literal),+ $(,)?) => {
        const $all: &[&str] = &[$($name),+];
        const $shapes: &[(&str, &[&str])] = &[$(($name, &[$(stringify!($field)),*])),+];

        fn $name_of(body: &$body) -> &'static str {
            match body {
                $($body::$variant { $($field: _),* } => $name),+
            }
        }
    };
}

shapes_of!(type_of_event, EVENTS, EVENT_SHAPES, EventBody:
    SessionStarted { cwd, provider, agents, limits, sandbox, version } => "session_started",
    SessionResumed { cwd, provider, agents, limits, sandbox, version, restored } => "session_resumed",
    RoundStarted { text, context, mentions, data } => "round_started",
    RunStarted { model, backend, brief, call_id } => "run_started",
    RequestStarted { request_id, attempt, prefix_digest } => "request_started",
    Message { message, stop_reason, usage, model, cached, invalid_inputs } => "message",
    TextReplaced { request_id } => "text_replaced",
    ToolStarted { call_id, tool, input } => "tool_started",
    ToolFinished { call_id, status, output, omitted_bytes, exit_code, elapsed_ms, changed, artifact, malformed, commit } => "tool_finished",
    PermissionAsked { call_id, tool, input, diff, rule, options } => "permission_asked",
    PermissionAnswered { call_id, decision, note, by } => "permission_answered",
    Report { kind, report, evidence, claims_refuted, claims_unverified } => "report",
    ReviewCycle { cycle, limit, verdict, open_findings, closed, ignored, reopenable } => "review_cycle",
    Retry { attempt, max_attempts, wait_ms, reason, code, usage } => "retry",
    Notice { code, text } => "notice",
    Error { code, text, chain } => "error",
    Intervention { action, text, deadline, next } => "intervention",
    Question { question_id, asker, text, options, deadline } => "question",
    Answer { question_id, text, by } => "answer",
    MessageQueued { text } => "message_queued",
    SettingChanged { key, value } => "setting_changed",
    ContextCut { dropped, kept } => "context_cut",
    LoopWarning { pattern, count } => "loop_warning",
    Checkpoint { id, at } => "checkpoint",
    Undone { checkpoint, kept, paths } => "undone",
    LimitReached { limit, value } => "limit_reached",
    RunFinished { ending, turns, usage, cost_usd, elapsed_ms, summary } => "run_finished",
    RoundFinished { ending, exit_code, summary, result, total_turns, agents_used, usage, cost_usd, elapsed_ms } => "round_finished",
);

shapes_of!(type_of_delta, DELTAS, DELTA_SHAPES, DeltaBody:
    TextDelta { request_id } => "text_delta",
    ThinkingDelta { request_id } => "thinking_delta",
    ToolOutput { request_id, call_id } => "tool_output",
);

/// Contract 5, row by row: the fields of a type. `?`: may be missing; `+`: an addition to the contract's list.
const FIELDS: [(&str, &str); 31] = [
    ("session_started", "cwd provider agents limits sandbox version"),
    ("session_resumed", "cwd provider agents limits sandbox version restored"),
    ("round_started", "text context mentions +data?"),
    ("run_started", "model backend brief +call_id?"),
    ("request_started", "request_id attempt prefix_digest"),
    ("text_delta", "request_id text"),
    ("thinking_delta", "request_id text"),
    ("tool_output", "request_id text +call_id"),
    // Only a model's answer has a stop reason and usage.
    ("message", "role parts stop_reason? usage? model? cached? +invalid_inputs?"),
    ("text_replaced", "request_id"),
    ("tool_started", "call_id tool input"),
    (
        "tool_finished",
        "call_id status output omitted_bytes exit_code? elapsed_ms +changed? +artifact? +malformed? +commit?",
    ),
    ("permission_asked", "call_id tool input diff? rule options"),
    ("permission_answered", "call_id decision note? by"),
    ("report", "report evidence claims_refuted claims_unverified +kind"),
    ("review_cycle", "cycle limit verdict open_findings +closed? +ignored? +reopenable?"),
    ("retry", "attempt max_attempts wait_ms reason +code? +usage?"),
    ("notice", "code text"),
    ("error", "code text chain"),
    ("intervention", "action text? deadline? next?"),
    ("question", "question_id asker text options? deadline"),
    ("answer", "question_id text by"),
    ("message_queued", "text"),
    ("setting_changed", "key value"),
    ("context_cut", "dropped kept"),
    ("loop_warning", "pattern count"),
    ("checkpoint", "id +at?"),
    // An addition: what `session undo` did.
    ("undone", "checkpoint kept paths"),
    ("limit_reached", "limit value"),
    ("run_finished", "outcome reason? turns usage cost_usd? elapsed_ms +summary?"),
    (
        "round_finished",
        "outcome reason? exit_code summary result total_turns agents_used usage cost_usd? elapsed_ms",
    ),
];

/// The fields inside of fields that contract 5 writes out.
const INNER_FIELDS: [(&str, &str, &str); 7] = [
    ("session_started", "sandbox", "level reason"),
    ("session_resumed", "sandbox", "level reason +usable?"),
    ("session_resumed", "restored", "rounds events"),
    ("message", "usage", "input_tokens output_tokens cache_read_tokens cache_write_tokens"),
    ("report", "evidence", "files_changed commands partial?"),
    ("run_finished", "usage", "input_tokens output_tokens cache_read_tokens cache_write_tokens"),
    ("round_finished", "result", "status tests_passed verified files_changed"),
];

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/journal/v1").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a type, by file name; `<type>.json` always is among them.
fn files_of(kind: &str) -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/journal/v1");
    let names = fs::read_dir(folder).expect("the folder of golden files is there");
    let names =
        names.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned());
    let mut files = BTreeMap::from([(format!("{kind}.json"), Value::Null)]);
    files.extend(
        names
            .filter(|name| name.ends_with(".json") && name.split('.').next() == Some(kind))
            .map(|name| (name, Value::Null)),
    );
    for (name, value) in &mut files {
        *value = serde_json::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    files
}

/// Reads a golden value and writes it again: not a byte may differ.
#[track_caller]
fn check_round_trip<T: DeserializeOwned + Serialize>(
    name: &str,
    golden: &Value,
    type_of: fn(&T) -> &'static str,
) {
    let text = golden.to_string();
    let event: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_string(&event).expect("an event is an object"), text, "{name}");
    assert_eq!(Some(type_of(&event)), golden.get("type").and_then(Value::as_str), "{name}");
    let from_value: T =
        serde_json::from_value(golden.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(&serde_json::to_value(&from_value).expect("an event is an object"), golden, "{name}");
}

#[test]
fn every_event_has_a_golden_file_that_is_read_and_written_unchanged() {
    for kind in EVENTS {
        for (name, golden) in files_of(kind) {
            check_round_trip::<Event>(&name, &golden, |event| type_of_event(&event.body));
        }
    }
}

#[test]
fn every_delta_has_a_golden_file_that_is_read_and_written_unchanged() {
    for kind in DELTAS {
        for (name, golden) in files_of(kind) {
            check_round_trip::<Delta>(&name, &golden, |delta| type_of_delta(&delta.body));
        }
    }
}

#[test]
fn the_lines_of_the_session_are_the_golden_files_in_journal_order() {
    let mut goldens: Vec<Value> = EVENTS.iter().flat_map(|kind| files_of(kind).into_values()).collect();
    goldens.sort_by_key(|golden| golden.get("seq").and_then(Value::as_u64));
    let lines: Vec<String> = goldens.iter().map(Value::to_string).collect();
    assert_eq!(read("all.jsonl").lines().collect::<Vec<_>>(), lines);
    let numbers: Vec<Option<u64>> =
        goldens.iter().map(|golden| golden.get("seq").and_then(Value::as_u64)).collect();
    assert_eq!(numbers, (1..=goldens.len() as u64).map(Some).collect::<Vec<_>>());

    let deltas: Vec<String> = DELTAS
        .iter()
        .flat_map(|kind| files_of(kind).into_values())
        .map(|golden| golden.to_string())
        .collect();
    assert_eq!(read("deltas.jsonl").lines().collect::<Vec<_>>(), deltas);
}

/// Holds the keys of golden objects against a row of fields: each has all that must be there and nothing that is
/// not in the row, and all of them together show everything that is.
#[track_caller]
fn check_fields<'a>(what: &str, row: &str, envelope: &[&str], objects: impl Iterator<Item = &'a Value>) {
    let plain = |field: &str| field.trim_start_matches('+').trim_end_matches('?').to_owned();
    let known: BTreeSet<String> = row.split(' ').map(plain).collect();
    let required: Vec<String> = row.split(' ').filter(|field| !field.ends_with('?')).map(plain).collect();
    let mut shown = BTreeSet::new();
    for object in objects {
        let keys = object.as_object().unwrap_or_else(|| panic!("{what} is no object: {object}")).keys();
        let keys: BTreeSet<String> =
            keys.filter(|key| *key != "type" && !envelope.contains(&key.as_str())).cloned().collect();
        for field in &required {
            assert!(keys.contains(field), "{what} lacks `{field}`: {object}");
        }
        shown.extend(keys);
    }
    assert_eq!(shown, known, "the fields of {what}");
}

#[test]
fn the_fields_of_every_type_are_those_of_the_contract() {
    let types: BTreeSet<&str> = FIELDS.iter().map(|row| row.0).collect();
    assert_eq!(types, EVENTS.iter().chain(DELTAS).copied().collect());
    for (kind, row) in FIELDS {
        let envelope: &[&str] = if DELTAS.contains(&kind) { &DELTA_ENVELOPE } else { &ENVELOPE };
        check_fields(kind, row, envelope, files_of(kind).values());
    }
    for (kind, field, row) in INNER_FIELDS {
        let files = files_of(kind);
        let inner = files.values().filter_map(|golden| golden.get(field));
        check_fields(&format!("{kind}.{field}"), row, &[], inner);
    }
}

/// What a field of the Rust type is in JSON: itself, or the fields of what is flattened into its place.
fn fields_in_json(field: &'static str) -> Vec<&'static str> {
    match field {
        "ending" => vec!["outcome", "reason"],
        "message" => vec!["role", "parts"],
        field => vec![field],
    }
}

#[test]
fn the_table_of_fields_leaves_no_field_of_a_type_out() {
    for (kind, fields) in EVENT_SHAPES.iter().chain(DELTA_SHAPES) {
        let row = FIELDS.iter().find(|row| row.0 == *kind).expect("every type has its row").1;
        let in_table: BTreeSet<&str> = row.split(' ').map(|field| field.trim_matches(['+', '?'])).collect();
        let mut in_type: BTreeSet<&str> = fields.iter().flat_map(|field| fields_in_json(field)).collect();
        if DELTAS.contains(kind) {
            in_type.insert("text");
        }
        assert_eq!(in_table, in_type, "{kind}");
    }
}

/// Fields that take any JSON.
const FREE: [(&str, &str); 4] = [
    ("tool_started", "input"),
    ("permission_asked", "input"),
    ("report", "report"),
    ("setting_changed", "value"),
];

#[test]
fn an_event_with_a_missing_or_ill_typed_field_is_refused() {
    let is_read = |event: &Value| serde_json::from_value::<Event>(event.clone()).is_ok();
    for (kind, row) in FIELDS.into_iter().filter(|row| EVENTS.contains(&row.0)) {
        let required = row.split(' ').filter(|field| !field.ends_with('?'));
        let fields: Vec<&str> = required.map(|field| field.trim_start_matches('+')).collect();
        for (name, golden) in files_of(kind) {
            for field in &fields {
                let mut event = golden.clone();
                let object = event.as_object_mut().expect("an event is an object");
                object.shift_remove(*field);
                assert!(!is_read(&event), "{name} without `{field}`");
                let object = event.as_object_mut().expect("an event is an object");
                object.insert((*field).to_owned(), Value::Bool(true));
                assert_eq!(is_read(&event), FREE.contains(&(kind, field)), "{name} with `{field}: true`");
            }
        }
    }
}

/// A run's scope is whole or absent: a journal line that names half of one is damaged.
#[test]
fn a_damaged_scope_is_refused() {
    let golden = files_of("tool_started").remove("tool_started.json").expect("it is there");
    for (field, damaged) in [
        ("run_id", Some(Value::from("not an id"))),
        ("agent", Some(Value::from("코더"))),
        ("parent_run_id", Some(Value::from(7))),
        ("run_id", None),
        ("agent", None),
    ] {
        let mut event = golden.clone();
        let object = event.as_object_mut().expect("an event is an object");
        match damaged {
            Some(damaged) => object.insert(field.to_owned(), damaged),
            None => object.shift_remove(field),
        };
        assert!(serde_json::from_value::<Event>(event.clone()).is_err(), "{event}");
    }
}
