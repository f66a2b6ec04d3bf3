//! The files in the repository's `config/`: they say what holds without them, and their schemas are current.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{agent_config_schema, system_config_schema};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").join(path).canonicalize().unwrap()
}

#[test]
fn the_default_files_say_what_holds_without_them() {
    let mut world = World::new();
    let built_in = world.settings();
    world.given = vec![repository("config/system_config.json"), repository("config/agent_config.json")];
    let from_files = world.settings();
    assert_eq!(from_files.files.len(), 2);

    let values = |settings: &Settings| -> BTreeSet<String> {
        let shown = settings.shown().iter().filter(|shown| !shown.key.ends_with(".prompt"));
        shown.map(|shown| format!("{} = {}", shown.key, shown.value)).collect()
    };
    assert_eq!(values(&from_files), values(&built_in));
    let roles = |settings: &Settings| -> Vec<_> {
        settings.workers.iter().map(|worker| (worker.role.clone(), worker.kind, worker.thinking)).collect()
    };
    assert_eq!(roles(&from_files), roles(&built_in));
    for worker in &from_files.workers {
        let file = repository(&format!("prompts/{}.txt", worker.name));
        assert_eq!(worker.prompt_source, file.display().to_string());
    }
}

#[test]
fn the_schemas_in_the_repository_are_current() {
    for (name, schema) in [("system_config", system_config_schema()), ("agent_config", agent_config_schema())]
    {
        let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        let file = repository("config/schema").join(format!("{name}.schema.json"));
        if std::env::var_os("BETTER_LLM_UPDATE_SCHEMAS").is_some() {
            fs::write(&file, &current).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == current,
            "{} is stale: BETTER_LLM_UPDATE_SCHEMAS=1 cargo test -p better-llm-config schemas",
            file.display()
        );
    }
}

/// The words of JSON Schema in a schema, without names of properties.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    for (word, value) in schema.as_object().into_iter().flatten() {
        found.insert(word.clone());
        match word.as_str() {
            "properties" => {
                value.as_object().into_iter().flatten().for_each(|(_, schema)| words(schema, found))
            }
            "items" | "additionalProperties" => words(value, found),
            _ => {}
        }
    }
}

#[test]
fn the_schemas_use_only_words_that_the_checker_knows() {
    let known = [
        "$schema",
        "title",
        "description",
        "format",
        "additionalProperties",
        "type",
        "properties",
        "required",
        "items",
        "enum",
        "pattern",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "minItems",
    ];
    let mut found = BTreeSet::new();
    words(&system_config_schema(), &mut found);
    words(&agent_config_schema(), &mut found);
    let strange: Vec<_> = found.iter().filter(|word| !known.contains(&word.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
