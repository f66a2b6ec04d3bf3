//! Commands of a program as lines of JSON on standard input (`--input-format stream-json`): what a line says, and what is
//! wrong with one that says nothing.
//!
//! A thread of its own reads them, so that neither the runtime nor the end of the program ever waits for whoever holds
//! the pipe open. Whether a command fits to what goes on is not decided here.

use std::{
    io::{self, BufRead, BufReader, Read, stdin},
    thread,
};

use domain::{
    event::Decision,
    id::{CallId, QuestionId},
};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::args::nearest;

/// How many lines may wait. Where there are as many, the thread waits, and the pipe keeps what is written.
const MOST_LINES: usize = 8;
/// The most bytes of a line without its end.
pub(crate) const LONGEST: usize = 1 << 20;

/// What a program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// To a question.
    Answer { question: QuestionId, text: String },
    /// To a call that waits for leave.
    Permission { call: CallId, decision: Decision, note: Option<String> },
    /// To the manager.
    Message(String),
    /// The window's clock stands still.
    Pause,
    /// The window closes.
    Continue,
    /// The round ends.
    Stop,
}

/// Every type of command with its fields; those that need not be there end in `?`.
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

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadOrder {
    /// It is longer than [`LONGEST`].
    TooLong,
    /// It is not UTF-8.
    NotText,
    /// It is no JSON.
    NotJson {
        /// As the parser says it.
        why: String,
    },
    /// It is JSON, and no object.
    NotAnObject,
    /// It has no type, or not one of a command.
    NoType {
        /// The type given, if one was.
        given: Option<String>,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A field is missing.
    Missing {
        /// The type.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field that commands of the type do not have.
    Unknown {
        /// The type.
        kind: &'static str,
        /// The field.
        field: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A field holds something else than what belongs there.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A text that is not blank.
    Text,
    /// The id of a question.
    QuestionId,
    /// One of the decisions.
    Decision,
}

impl BadOrder {
    /// The fields of every type, as they are documented.
    pub(crate) fn types() -> String {
        TYPES.iter().map(|(kind, _)| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
    }

    /// The fields of a type.
    pub(crate) fn fields(kind: &str) -> String {
        let fields = TYPES.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, fields)| fields);
        let fields = std::iter::once(&"type").chain(fields);
        fields.map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
    }
}

/// Reads a line.
///
/// # Errors
/// [`BadOrder`] where it is no command.
pub(crate) fn parse(line: &str) -> Result<Order, BadOrder> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| BadOrder::NotJson { why: error.to_string() })?;
    let Value::Object(object) = value else { return Err(BadOrder::NotAnObject) };
    let given = object.get("type").and_then(Value::as_str);
    let Some((kind, known)) = TYPES.iter().find(|(kind, _)| Some(*kind) == given) else {
        let nearest = given.and_then(|given| nearest(given, TYPES.map(|(kind, _)| kind)));
        return Err(BadOrder::NoType { given: given.map(str::to_owned), nearest });
    };
    let names = || known.iter().map(|field| field.trim_end_matches('?'));
    let is_unknown = |name: &&String| *name != "type" && !names().any(|known| known == name.as_str());
    if let Some(field) = object.keys().find(is_unknown) {
        let (field, nearest) = (field.clone(), nearest(field, names()));
        return Err(BadOrder::Unknown { kind, field, nearest });
    }
    Fields { kind, object: &object }.order()
}

/// The fields of a command.
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

/// A line that was read, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrderLine {
    /// Its number.
    pub(crate) number: u64,
    /// What it says.
    pub(crate) order: Result<Order, BadOrder>,
}

/// The commands that come on standard input.
#[derive(Debug)]
pub(crate) struct Orders(mpsc::Receiver<OrderLine>);

impl Orders {
    /// Begins to read.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (lines, receiver) = mpsc::channel(MOST_LINES);
        thread::Builder::new().name("commands".to_owned()).spawn(move || read(stdin(), &lines))?;
        Ok(Self(receiver))
    }

    /// The next line that is not blank; none when the input has ended or cannot be read. Safe to drop.
    pub(crate) async fn next(&mut self) -> Option<OrderLine> {
        self.0.recv().await
    }
}

/// The thread: hands on lines until the input ends or nobody takes them.
fn read(input: impl Read, lines: &mpsc::Sender<OrderLine>) {
    let mut input = BufReader::new(input);
    for number in 1.. {
        let order = match next_line(&mut input) {
            Ok(None) | Err(_) => return,
            Ok(Some(Line::TooLong)) => Err(BadOrder::TooLong),
            Ok(Some(Line::Whole(bytes))) if bytes.trim_ascii().is_empty() => continue,
            Ok(Some(Line::Whole(bytes))) => {
                std::str::from_utf8(&bytes).map_err(|_| BadOrder::NotText).and_then(parse)
            }
        };
        if lines.blocking_send(OrderLine { number, order }).is_err() {
            return;
        }
    }
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line without its end; of one that is too long nothing is kept.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let (mut is_too_long, mut has_begun) = (false, false);
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        has_begun = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        is_too_long |= line.len() + piece.len() > LONGEST;
        if is_too_long {
            line.clear();
        } else {
            line.extend_from_slice(piece);
        }
        let taken = piece.len() + usize::from(end.is_some());
        input.consume(taken);
        if end.is_some() {
            break;
        }
    }
    Ok(has_begun.then_some(if is_too_long { Line::TooLong } else { Line::Whole(line) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Order, BadOrder>) {
        assert_eq!(parse(line), expected, "{line}");
    }

    const QUESTION: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn every_command_is_read() {
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
    fn what_is_no_command_is_named() {
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
        let not_json = parse("{\"type\":").unwrap_err();
        assert!(matches!(&not_json, BadOrder::NotJson { why } if why.contains("EOF")), "{not_json:?}");
    }

    #[test]
    fn lines_are_counted_bounded_and_read_to_the_end() {
        let long = "x".repeat(LONGEST + 1);
        let fits = format!("{{\"type\":\"message\",\"text\":\"{}\"}}", "가".repeat((LONGEST - 40) / 3));
        let text = format!("\n{{\"type\":\"pause\"}}\r\n{long}\n{fits}\n{{\"type\":\"stop\"}}");
        let mut bytes = text.into_bytes();
        bytes.extend(b"\n\xff\n");
        let (lines, mut receiver) = mpsc::channel(MOST_LINES);
        read(&bytes[..], &lines);
        drop(lines);
        let read: Vec<OrderLine> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
        let numbers: Vec<u64> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6]);
        let [pause, too_long, whole, stop, not_text] = &read[..] else { panic!("{}", read.len()) };
        assert_eq!((&pause.order, &too_long.order), (&Ok(Order::Pause), &Err(BadOrder::TooLong)));
        assert!(matches!(&whole.order, Ok(Order::Message(text)) if text.len() > LONGEST - 60));
        assert_eq!((&stop.order, &not_text.order), (&Ok(Order::Stop), &Err(BadOrder::NotText)));
    }
}
