//! Holds a file against the schema of its type, and finds everything that does not fit.
//!
//! The schema is made from the type that the file is read into, so the two cannot disagree. It uses few words of
//! JSON Schema, and this module knows no others: `type`, `properties`, `required`, `items`, `enum`, `pattern`
//! (only "not blank"), `minimum`, `exclusiveMinimum`, `maximum`, `minItems`, and `additionalProperties` as the schema of
//! a map's values. Unknown keys are allowed in maps only.

use serde_json::Value;

use crate::{
    files::Document,
    json::{Kind, Node},
    problem::{Fault, Problems, nearest},
};

/// What a kind of file may hold.
pub(crate) struct Shape {
    pub(crate) schema: Value,
    /// Keys and values that are known and cannot be honoured yet.
    pub(crate) later: &'static [(&'static str, &'static str)],
}

impl Shape {
    /// Adds everything in `document` that does not fit.
    pub(crate) fn check(&self, document: &Document, problems: &mut Problems) {
        Checker { shape: self, document, problems }.value(&self.schema, &document.root, "");
    }

    fn later(&self, path: &str, value: Option<&str>) -> Option<&'static str> {
        let path = without_indices(path);
        let wanted = value.map_or_else(|| path.clone(), |value| format!("{path}={value}"));
        self.later.iter().find(|(known, _)| *known == wanted).map(|(_, feature)| *feature)
    }

    /// Whether keys below `path` belong to later versions although `path` itself is nothing yet.
    fn has_later_below(&self, path: &str) -> bool {
        let prefix = format!("{}.", without_indices(path));
        self.later.iter().any(|(known, _)| known.starts_with(&prefix))
    }

    /// The known path that `path` may have been meant to be: a brother of it, else the same name elsewhere.
    fn nearest_path(&self, path: &str) -> Option<String> {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut known = Vec::new();
        collect_paths(&self.schema, "", &mut known);
        known
            .extend(self.later.iter().map(|(path, _)| (*path).to_owned()).filter(|path| !path.contains('=')));
        let plain_parent = without_indices(parent);
        let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
        let brothers: Vec<String> = known
            .iter()
            .filter(|path| path.rsplit_once('.').map_or("", |(parent, _)| parent) == plain_parent)
            .filter_map(|path| last(path))
            .collect();
        if let Some(brother) = nearest(name, brothers.iter().map(String::as_str)) {
            return Some(join(parent, &brother));
        }
        let names: Vec<String> = known.iter().filter_map(|path| last(path)).collect();
        let cousin = nearest(name, names.iter().map(String::as_str))?;
        known.into_iter().find(|path| last(path).as_deref() == Some(&cousin))
    }
}

struct Checker<'c> {
    shape: &'c Shape,
    document: &'c Document,
    problems: &'c mut Problems,
}

impl Checker<'_> {
    fn add(&mut self, node: &Node, path: &str, fault: Fault) {
        self.problems.add(self.document.spot(node, path), fault);
    }

    fn value(&mut self, schema: &Value, node: &Node, path: &str) {
        if self.problems.is_full() {
            return;
        }
        if let Kind::Text(text) = &node.kind
            && let Some(feature) = self.shape.later(path, Some(text.split(':').next().unwrap_or(text)))
        {
            return self.add(node, path, Fault::Later { feature });
        }
        if !fits(schema, node) {
            let fault = Fault::WrongValue { expected: expected(schema), found: found(schema, node) };
            return self.add(node, path, fault);
        }
        match &node.kind {
            Kind::Object(members) => self.object(schema, node, members, path),
            Kind::List(items) => {
                let schema = schema.get("items").unwrap_or(&Value::Null);
                for (index, item) in items.iter().enumerate() {
                    self.value(schema, item, &format!("{path}[{index}]"));
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
    }

    fn object(&mut self, schema: &Value, node: &Node, members: &[(String, Node)], parent: &str) {
        let properties = schema.get("properties");
        let entries = entries_of(schema);
        for (index, (key, value)) in members.iter().enumerate() {
            let path = join(parent, key);
            if members.iter().take(index).any(|(earlier, _)| earlier == key) {
                self.add(value, &path, Fault::Repeated);
            } else if let Some(schema) = properties.and_then(|known| known.get(key)) {
                self.value(schema, value, &path);
            } else if let Some(schema) = entries {
                self.value(schema, value, &entry_of(parent, key));
            } else {
                self.unknown(value, &path);
            }
            if self.problems.is_full() {
                return;
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| node.get(key).is_none()) {
            let expected = properties.and_then(|known| known.get(key)).map(expected).unwrap_or_default();
            self.add(node, parent, Fault::MissingKey { key: key.to_owned(), expected });
        }
    }

    /// A key without a schema: one of a later version, a group of such, or nobody's.
    fn unknown(&mut self, node: &Node, path: &str) {
        if let Some(feature) = self.shape.later(path, None) {
            return self.add(node, path, Fault::Later { feature });
        }
        if self.shape.has_later_below(path)
            && let Kind::Object(members) = &node.kind
        {
            for (key, value) in members {
                self.unknown(value, &join(path, key));
            }
            return;
        }
        let nearest = self.shape.nearest_path(path);
        self.add(node, path, Fault::UnknownKey { nearest });
    }
}

fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

/// The path of a map's entry. Its key may hold anything, a dot included.
fn entry_of(map: &str, key: &str) -> String {
    format!("{map}[{}]", Value::from(key))
}

/// The schema of a map's values; none where an object has no other keys than its own.
fn entries_of(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|schema| schema.is_object())
}

/// `agents[3].tools[0]` becomes `agents[].tools[]`.
fn without_indices(path: &str) -> String {
    let mut inside = false;
    let keep = |character: &char| {
        inside = (inside || *character == '[') && *character != ']';
        !inside || *character == '['
    };
    path.chars().filter(keep).collect()
}

fn collect_paths(schema: &Value, path: &str, paths: &mut Vec<String>) {
    for (key, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = join(path, key);
        paths.push(path.clone());
        collect_paths(schema, &path, paths);
        if let Some(items) = schema.get("items").or_else(|| entries_of(schema)) {
            collect_paths(items, &format!("{path}[]"), paths);
        }
    }
}

/// The words of `type`: one, or a list of them.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn fits(schema: &Value, node: &Node) -> bool {
    let types = types(schema);
    match &node.kind {
        Kind::Null => types.contains(&"null"),
        Kind::Bool(_) => types.contains(&"boolean"),
        Kind::Object(_) => types.contains(&"object"),
        Kind::List(items) => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            types.contains(&"array") && u64::try_from(items.len()).is_ok_and(|count| count >= least)
        }
        Kind::Number(number) => {
            let bound = |word| schema.get(word).and_then(Value::as_f64);
            let number_fits = number.as_f64().is_some_and(|number| {
                bound("minimum").is_none_or(|least| number >= least)
                    && bound("exclusiveMinimum").is_none_or(|least| number > least)
                    && bound("maximum").is_none_or(|most| number <= most)
            });
            let whole = number.is_u64() || number.is_i64();
            number_fits && (types.contains(&"number") || types.contains(&"integer") && whole)
        }
        Kind::Text(text) => {
            let listed = schema.get("enum").and_then(Value::as_array);
            types.contains(&"string")
                && listed.is_none_or(|words| words.iter().any(|word| word == text.as_str()))
                && (schema.get("pattern").is_none() || !text.trim().is_empty())
        }
    }
}

/// What would fit, in words.
fn expected(schema: &Value) -> String {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return format!("one of {}", words.join(", "));
    }
    let bound = |word| schema.get(word).map(|number| number.to_string());
    let mut bounds = String::new();
    for (word, bound) in [
        (" of at least ", bound("minimum")),
        (" above ", bound("exclusiveMinimum")),
        (" and at most ", bound("maximum")),
    ] {
        if let Some(bound) = bound {
            bounds.push_str(word);
            bounds.push_str(&bound);
        }
    }
    let words = types(schema).into_iter().map(|word| match word {
        "integer" => format!("a whole number{bounds}"),
        "number" => format!("a number{bounds}"),
        "string" if schema.get("pattern").is_some() => "a text that is not blank".to_owned(),
        "string" => "a text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" if schema.get("minItems").is_some() => "a list that is not empty".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "an object".to_owned(),
        other => other.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}

/// What is there, in words; long texts cut, and where a word was meant that resembles it, that one.
fn found(schema: &Value, node: &Node) -> String {
    if let (Kind::Text(text), Some(words)) = (&node.kind, schema.get("enum").and_then(Value::as_array))
        && let Some(word) = nearest(text, words.iter().filter_map(Value::as_str))
    {
        return format!("the text {text:?}; did you mean `{word}`?");
    }
    const LONGEST: usize = 40;
    match &node.kind {
        Kind::Null => "null".to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Number(value) => value.to_string(),
        Kind::Text(text) if text.trim().is_empty() => "a blank text".to_owned(),
        Kind::Text(text) if text.chars().count() > LONGEST => "a long text".to_owned(),
        Kind::Text(text) => format!("the text {text:?}"),
        Kind::List(items) if items.is_empty() => "an empty list".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Object(_) => "an object".to_owned(),
    }
}
