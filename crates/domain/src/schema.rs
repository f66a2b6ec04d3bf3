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
    let mut untitle = RecursiveTransform(|schema: &mut schemars::Schema| {
        // `title` repeats the Rust type's name; a property called `title` is an object and stays.
        if schema.get("title").is_some_and(Value::is_string) {
            schema.remove("title");
        }
    });
    schemars::transform::Transform::transform(&mut untitle, &mut schema);
    schema.to_value()
}
