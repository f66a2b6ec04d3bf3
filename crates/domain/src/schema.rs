//! JSON schemas of the inputs that models write, made from the types that read them, so that the two agree.

use schemars::{JsonSchema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::Value;

/// The schema of `T` with everything inline, as providers want it: an object, without `$schema` and `title`.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The root's description repeats the Rust type's documentation; the tool's own says what it is for.
    schema.remove("description");
    let mut plain = RecursiveTransform(plain_keywords);
    schemars::transform::Transform::transform(&mut plain, &mut schema);
    schema.to_value()
}

/// Leaves out what says nothing to a model: type names as titles, and `null` beside the type of a field that may be
/// left out.
fn plain_keywords(schema: &mut schemars::Schema) {
    // A property that is called `title` is an object, and stays.
    if schema.get("title").is_some_and(Value::is_string) {
        schema.remove("title");
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A type.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// A title.
        title: Option<String>,
        #[serde(default)]
        lines: Vec<u32>,
    }

    #[test]
    fn a_schema_holds_what_a_model_needs_and_nothing_of_rust() {
        let properties = schema_of::<Sample>()["properties"].clone();
        assert_eq!(properties["title"], json!({ "type": "string", "description": "A title." }));
        assert_eq!(schema_of::<Sample>().get("title"), None);
        assert_eq!(schema_of::<Sample>().get("description"), None);
    }
}
