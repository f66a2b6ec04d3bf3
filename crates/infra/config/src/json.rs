//! JSON that remembers where everything stands. serde_json does the parsing.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Number, Value, value::RawValue};

use crate::problem::Fault;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The byte of the text with which the value begins; see [`line_at`].
    pub(crate) offset: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; a key that is repeated stands here twice.
    Object(Vec<(String, Node)>),
}

/// A file's text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) column: usize,
    what: String,
}

impl SyntaxError {
    pub(crate) fn fault(&self) -> Fault {
        Fault::Syntax { what: self.what.clone() }
    }
}

impl Node {
    /// Parses a file's text, at most 128 levels deep.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        // This pass finds the errors and bounds the depth; the one below may then descend without fear.
        serde_json::from_str::<Value>(text).map_err(|error| SyntaxError::of(&error))?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| SyntaxError::of(&error))?;
        Self::read(raw, text).map_err(|error| SyntaxError::of(&error))
    }

    fn read(raw: &RawValue, whole: &str) -> serde_json::Result<Self> {
        let text = raw.get();
        let kind = match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text)?;
                let read = |(key, raw)| Ok((key, Self::read(raw, whole)?));
                Kind::Object(members.into_iter().map(read).collect::<serde_json::Result<_>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Kind::List(items.into_iter().map(|raw| Self::read(raw, whole)).collect::<Result<_, _>>()?)
            }
            _ => match serde_json::from_str(text)? {
                Value::Bool(value) => Kind::Bool(value),
                Value::Number(value) => Kind::Number(value),
                Value::String(value) => Kind::Text(value),
                Value::Null | Value::Array(_) | Value::Object(_) => Kind::Null,
            },
        };
        Ok(Self { offset: text.as_ptr().addr().saturating_sub(whole.as_ptr().addr()), kind })
    }

    /// The value of a key; none for anything but an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// The items; none for anything but a list.
    pub(crate) fn items(&self) -> &[Self] {
        if let Kind::List(items) = &self.kind { items } else { &[] }
    }

    /// The same without places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(value) => Value::String(value.clone()),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Object(members) => {
                members.iter().map(|(key, value)| (key.clone(), value.to_value())).collect()
            }
        }
    }
}

/// The line, from 1, of the byte `offset` of `text`.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

impl SyntaxError {
    fn of(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        // serde_json writes the place behind the message; it stands in front of ours.
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
        Self { line: error.line(), column: error.column(), what }
    }
}

/// The members of an object with their texts, repeated keys included.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_their_lines_and_repeated_keys() {
        let text = "{\r\n \"가\": [1,\r\n  {\"나\": \"다\\n라\"}],\n \"가\":\nnull}";
        let node = Node::parse(text).unwrap();
        let Kind::Object(members) = &node.kind else { panic!() };
        let lines: Vec<_> =
            members.iter().map(|(key, value)| (key.as_str(), line_at(text, value.offset))).collect();
        assert_eq!(lines, [("가", 2), ("가", 5)]);
        let inner = &members[0].1.items()[1];
        assert_eq!(line_at(text, inner.get("나").unwrap().offset), 3);
        assert_eq!(node.get("가").unwrap().to_value(), json!([1, {"나": "다\n라"}]));
    }

    #[test]
    fn a_syntax_error_has_its_line_and_column_and_depth_is_bounded() {
        let error = Node::parse("{\n  \"a\": 1,\n}").unwrap_err();
        assert_eq!((error.line, error.column, error.what.as_str()), (3, 1, "trailing comma"));
        let deep = "[".repeat(10_000);
        assert!(Node::parse(&deep).unwrap_err().what.contains("recursion limit"));
    }
}
