//! Orders: commands of a program as lines of JSON, on standard input (`--input-format stream-json`) and on the socket of
//! the process that owns the session. What a line says, and what is wrong with one that says nothing.
//!
//! Where lines come from and whether a command fits to what goes on is not this module's business.

use serde_json::{Map, Value, json};

use crate::{
    event::Decision,
    id::{CallId, QuestionId},
    session::Command,
    text::nearest,
};

/// What a program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// To a question.
    Answer {
        /// The question, as its event names it.
        question: QuestionId,
        /// One of its options, or other words.
        text: String,
    },
    /// To a call that waits for leave.
    Permission {
        /// The call, as `permission_asked` names it.
        call: CallId,
        /// The answer.
        decision: Decision,
        /// What the agent should know.
        note: Option<String>,
    },
    /// To the manager.
    Message(String),
    /// The window's clock stands still.
    Pause,
    /// The window closes.
    Continue,
    /// The round ends.
    Stop,
}

/// Every type of order with its fields; those that need not be there end in `?`.
const TYPES: [(&str, &[&str]); 6] = [
    ("answer", &["question_id", "text"]),
    ("permission", &["call_id", "decision", "note?"]),
    ("message", &["text"]),
    ("pause", &[]),
    ("continue", &[]),
    ("stop", &[]),
];
/// What a permission may be decided as.
const DECISIONS: [(&str, Decision); 4] = [
    ("once", Decision::Once),
    ("session", Decision::Session),
    ("always", Decision::Always),
    ("deny", Decision::Deny),
];

/// What is wrong with a line that should be an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOrder {
    /// It is longer than lines may be.
    #[error("it is longer than {most} bytes")]
    TooLong {
        /// The most bytes of a line without its end.
        most: usize,
    },
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// It is no JSON.
    #[error("it is no JSON ({why}); expected one object a line")]
    NotJson {
        /// As the parser says it, with the column.
        why: String,
    },
    /// It is JSON, and no object.
    #[error("expected a JSON object with a `type`")]
    NotAnObject,
    /// It has no type, or not one of an order.
    #[error("{}{}; expected one of {}", no_type(given.as_deref()), meant(*nearest), Order::types())]
    NoType {
        /// The type given, if one was.
        given: Option<String>,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A field is missing.
    #[error("`{kind}` needs `{field}`; its fields are {}", Order::fields(kind))]
    Missing {
        /// The type.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field that orders of the type do not have.
    #[error("`{kind}` has no field `{field}`{}; its fields are {}", meant(*nearest), Order::fields(kind))]
    Unknown {
        /// The type.
        kind: &'static str,
        /// The field.
        field: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A field holds something else than what belongs there.
    #[error("`{field}` of `{kind}` has to be {expected}")]
    Wrong {
        /// The type.
        kind: &'static str,
        /// The field.
        field: &'static str,
        /// What belongs there.
        expected: Expected,
    },
}

/// What belongs into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// A text that is not blank.
    #[error("a text that is not blank")]
    Text,
    /// The id of a question.
    #[error("the `question_id` of a `question` event")]
    QuestionId,
    /// One of the decisions.
    #[error("`once`, `session`, `always` or `deny`")]
    Decision,
}

fn no_type(given: Option<&str>) -> String {
    given.map_or_else(|| "it has no `type`".to_owned(), |given| format!("there is no type `{given}`"))
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

impl Order {
    /// The types there are, as they are documented.
    #[must_use]
    pub fn types() -> String {
        TYPES.iter().map(|(kind, _)| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
    }

    /// The words by which types are named.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        TYPES.into_iter().map(|(kind, _)| kind)
    }

    /// The fields of a type, as they are documented.
    #[must_use]
    pub fn fields(kind: &str) -> String {
        let fields = TYPES.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, fields)| fields);
        let fields = std::iter::once(&"type").chain(fields);
        fields.map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`BadOrder`] where it is none.
    pub fn parse(line: &[u8]) -> Result<Self, BadOrder> {
        Self::from_object(&object(line)?)
    }

    /// Reads an object of JSON.
    ///
    /// # Errors
    /// [`BadOrder`] where it is no order.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, BadOrder> {
        let given = object.get("type").and_then(Value::as_str);
        let Some((kind, known)) = TYPES.iter().find(|(kind, _)| Some(*kind) == given) else {
            let nearest = given.and_then(|given| nearest(given, Self::kinds()));
            return Err(BadOrder::NoType { given: given.map(str::to_owned), nearest });
        };
        let names = || known.iter().map(|field| field.trim_end_matches('?'));
        let is_unknown = |name: &&String| *name != "type" && !names().any(|known| known == name.as_str());
        if let Some(field) = object.keys().find(is_unknown) {
            let (field, nearest) = (field.clone(), nearest(field, names()));
            return Err(BadOrder::Unknown { kind, field, nearest });
        }
        Fields { kind, object }.order()
    }

    /// The order as an object of JSON, as [`Self::from_object`] reads it.
    #[must_use]
    pub fn to_object(&self) -> Map<String, Value> {
        let value = match self {
            Self::Answer { question, text } => {
                json!({"type": "answer", "question_id": question, "text": text})
            }
            Self::Permission { call, decision, note } => {
                json!({"type": "permission", "call_id": call, "decision": decision, "note": note})
            }
            Self::Message(text) => json!({"type": "message", "text": text}),
            Self::Pause => json!({"type": "pause"}),
            Self::Continue => json!({"type": "continue"}),
            Self::Stop => json!({"type": "stop"}),
        };
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }
}

impl From<Order> for Command {
    fn from(order: Order) -> Self {
        match order {
            Order::Answer { question, text } => Self::Answer { question, text },
            Order::Permission { call, decision, note } => Self::Permission { call, decision, note },
            Order::Message(text) => Self::Message(text),
            Order::Pause => Self::Pause,
            Order::Continue => Self::Continue,
            Order::Stop => Self::Stop,
        }
    }
}

/// The object of JSON that a line holds.
///
/// # Errors
/// [`BadOrder::NotText`], [`BadOrder::NotJson`], [`BadOrder::NotAnObject`].
pub fn object(line: &[u8]) -> Result<Map<String, Value>, BadOrder> {
    let line = std::str::from_utf8(line).map_err(|_| BadOrder::NotText)?;
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(BadOrder::NotAnObject),
        Err(error) => Err(BadOrder::NotJson { why: error.to_string() }),
    }
}

/// The fields of an order.
struct Fields<'a> {
    kind: &'static str,
    object: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn order(&self) -> Result<Order, BadOrder> {
        Ok(match self.kind {
            "answer" => {
                let id = self.text("question_id", Expected::QuestionId)?;
                let wrong = |_| self.wrong("question_id", Expected::QuestionId);
                Order::Answer {
                    question: id.parse().map_err(wrong)?,
                    text: self.text("text", Expected::Text)?,
                }
            }
            "permission" => Order::Permission {
                call: CallId::new(&self.text("call_id", Expected::Text)?),
                decision: self.decision()?,
                note: match self.object.get("note") {
                    None | Some(Value::Null) => None,
                    Some(Value::String(note)) => Some(note.clone()),
                    Some(_) => return Err(self.wrong("note", Expected::Text)),
                },
            },
            "message" => Order::Message(self.text("text", Expected::Text)?),
            "pause" => Order::Pause,
            "continue" => Order::Continue,
            _ => Order::Stop,
        })
    }

    fn text(&self, field: &'static str, expected: Expected) -> Result<String, BadOrder> {
        match self.object.get(field) {
            None => Err(BadOrder::Missing { kind: self.kind, field }),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
            Some(_) => Err(self.wrong(field, expected)),
        }
    }

    fn decision(&self) -> Result<Decision, BadOrder> {
        let given = self.text("decision", Expected::Decision)?;
        let decision = DECISIONS.iter().find(|(word, _)| *word == given).map(|(_, decision)| *decision);
        decision.ok_or_else(|| self.wrong("decision", Expected::Decision))
    }

    const fn wrong(&self, field: &'static str, expected: Expected) -> BadOrder {
        BadOrder::Wrong { kind: self.kind, field, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Order, BadOrder>) {
        assert_eq!(Order::parse(line.as_bytes()), expected, "{line}");
        if let Ok(order) = expected {
            assert_eq!(Order::from_object(&order.to_object()), Ok(order), "{line}");
        }
    }

    const QUESTION: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn every_order_is_read_and_written() {
        check(
            &format!(r#"{{"type":"answer","question_id":"{QUESTION}","text":"둘째"}}"#),
            Ok(Order::Answer { question: QUESTION.parse().unwrap(), text: "둘째".to_owned() }),
        );
        for (word, decision) in DECISIONS {
            let call = CallId::new("toolu_1");
            check(
                &format!(r#"{{"type":"permission","call_id":"toolu_1","decision":"{word}","note":null}}"#),
                Ok(Order::Permission { call, decision, note: None }),
            );
        }
        check(
            r#"{"note":"이유","decision":"deny","call_id":"c","type":"permission"}"#,
            Ok(Order::Permission {
                call: CallId::new("c"),
                decision: Decision::Deny,
                note: Some("이유".to_owned()),
            }),
        );
        check(r#"{"type":"message","text":"👩🏽‍🚀 שלום"}"#, Ok(Order::Message("👩🏽‍🚀 שלום".to_owned())));
        check(r#"{"type":"pause"}"#, Ok(Order::Pause));
        check(r#" {"type" : "continue"} "#, Ok(Order::Continue));
        check(r#"{"type":"stop"}"#, Ok(Order::Stop));
    }

    #[test]
    fn what_is_no_order_is_named() {
        check("[1]", Err(BadOrder::NotAnObject));
        check("{}", Err(BadOrder::NoType { given: None, nearest: None }));
        check(r#"{"type":3}"#, Err(BadOrder::NoType { given: None, nearest: None }));
        let given = |text: &str| Some(text.to_owned());
        check(r#"{"type":"stpo"}"#, Err(BadOrder::NoType { given: given("stpo"), nearest: Some("stop") }));
        check(r#"{"type":"reset"}"#, Err(BadOrder::NoType { given: given("reset"), nearest: None }));
        check(r#"{"type":"message"}"#, Err(BadOrder::Missing { kind: "message", field: "text" }));
        let wrong = |kind, field, expected| Err(BadOrder::Wrong { kind, field, expected });
        check(r#"{"type":"message","text":" "}"#, wrong("message", "text", Expected::Text));
        check(r#"{"type":"message","text":["a"]}"#, wrong("message", "text", Expected::Text));
        check(
            r#"{"type":"answer","question_id":"q1","text":"a"}"#,
            wrong("answer", "question_id", Expected::QuestionId),
        );
        check(
            r#"{"type":"permission","call_id":"c","decision":"yes"}"#,
            wrong("permission", "decision", Expected::Decision),
        );
        check(
            r#"{"type":"permission","call_id":"c","decision":"once","note":1}"#,
            wrong("permission", "note", Expected::Text),
        );
        check(
            r#"{"type":"message","txt":"a"}"#,
            Err(BadOrder::Unknown { kind: "message", field: "txt".to_owned(), nearest: Some("text") }),
        );
        assert_eq!(Order::parse(b"\xff"), Err(BadOrder::NotText));
        let not_json = Order::parse(b"{\"type\":").unwrap_err();
        assert!(matches!(&not_json, BadOrder::NotJson { why } if why.contains("EOF")), "{not_json:?}");
    }
}
