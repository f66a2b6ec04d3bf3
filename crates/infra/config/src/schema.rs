//! The JSON schemas of the configuration files, for editors and for checking (`config schema`).
//!
//! `domain::schema` makes schemas for models, which leave `null` out; in a file it can be written.

use schemars::{JsonSchema, generate::SchemaSettings};
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

/// The schema of a file's type with everything inline.
fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of a type of ours says nothing to people.
    schema.remove("title");
    schema.to_value()
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
