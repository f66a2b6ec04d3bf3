//! The JSON schemas of the configuration files, for editors and for checking (`config schema`).

use domain::schema::schema_of;
use serde_json::{Value, json};

use crate::{agent_file, agent_file::AgentFile, shape::Shape, system_file, system_file::SystemFile};

/// What a system configuration may hold.
pub(crate) fn system_shape() -> Shape {
    Shape { schema: schema_of::<SystemFile>(), later: &system_file::LATER }
}

/// What an agent configuration may hold.
pub(crate) fn agents_shape() -> Shape {
    Shape { schema: schema_of::<AgentFile>(), later: &agent_file::LATER }
}

/// The schema of `system_config.json`.
#[must_use]
pub fn system_config_schema() -> Value {
    published("better-llm system_config.json", schema_of::<SystemFile>())
}

/// The schema of `agent_config.json`.
#[must_use]
pub fn agent_config_schema() -> Value {
    published("better-llm agent_config.json", schema_of::<AgentFile>())
}

fn published(title: &str, mut schema: Value) -> Value {
    without_defaults(&mut schema);
    let mut whole = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title });
    if let (Some(whole), Value::Object(schema)) = (whole.as_object_mut(), schema) {
        whole.extend(schema);
    }
    whole
}

/// The default of an absent key is `null` only inside of our types; in a file most keys may not be null.
fn without_defaults(schema: &mut Value) {
    if let Value::Object(words) = schema {
        words.remove("default");
        words.values_mut().for_each(without_defaults);
    }
}
