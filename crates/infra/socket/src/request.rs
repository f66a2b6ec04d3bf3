//! What a client's line asks for, and what is wrong with one that asks for nothing.

use domain::{
    id::SessionId,
    order::{self, BadOrder, Order},
    text::nearest,
};
use serde_json::{Map, Value};

use crate::VERSION;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The sessions of the process.
    List,
    /// What happens in a session.
    Watch { session: SessionId, after: u64, deltas: bool },
    /// To tell a session something.
    Order { session: SessionId, order: Order },
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRequest {
    #[error(transparent)]
    Order(#[from] BadOrder),
    #[error("`v` has to be {VERSION}")]
    Version,
    #[error("{}{}; expected one of `watch`, `list`, {}", no_type(given.as_deref()), meant(*nearest), Order::types())]
    NoType { given: Option<String>, nearest: Option<&'static str> },
    #[error("`{kind}` needs `{field}`")]
    Missing { kind: String, field: &'static str },
    #[error("`{field}` of `{kind}` has to be {expected}")]
    Wrong { kind: String, field: &'static str, expected: &'static str },
    #[error("`{kind}` has no field `{field}`; its fields are `v`, `type`{fields}")]
    Unknown { kind: &'static str, field: String, fields: &'static str },
}

fn no_type(given: Option<&str>) -> String {
    given.map_or_else(|| "it has no `type`".to_owned(), |given| format!("there is no type `{given}`"))
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

const SESSION: &str = "session_id";
const AFTER: &str = "after_seq";
const DELTAS: &str = "deltas";

impl Request {
    /// Reads a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, BadRequest> {
        let mut object = order::object(line)?;
        // It may be left out: a command is a command, wherever it comes from.
        if object.shift_remove("v").is_some_and(|version| version != VERSION) {
            return Err(BadRequest::Version);
        }
        let kind = object.get("type").and_then(Value::as_str).map(str::to_owned);
        match kind.as_deref() {
            Some("list") => {
                nothing_else(&object, "list", &[], "")?;
                Ok(Self::List)
            }
            Some("watch") => {
                let fields = ", `session_id`, `after_seq`, `deltas`";
                nothing_else(&object, "watch", &[SESSION, AFTER, DELTAS], fields)?;
                let session = session(&object, "watch")?;
                Ok(Self::Watch { session, after: after(&object)?, deltas: deltas(&object)? })
            }
            Some(kind) if Order::kinds().any(|known| known == kind) => {
                let session = session(&object, kind)?;
                object.shift_remove(SESSION);
                Ok(Self::Order { session, order: Order::from_object(&object)? })
            }
            given => {
                let known = ["watch", "list"].into_iter().chain(Order::kinds());
                let nearest = given.and_then(|given| nearest(given, known));
                Err(BadRequest::NoType { given: given.map(str::to_owned), nearest })
            }
        }
    }
}

fn nothing_else(
    object: &Map<String, Value>,
    kind: &'static str,
    known: &[&str],
    fields: &'static str,
) -> Result<(), BadRequest> {
    let unknown = object.keys().find(|field| *field != "type" && !known.contains(&field.as_str()));
    unknown.map_or(Ok(()), |field| Err(BadRequest::Unknown { kind, field: field.clone(), fields }))
}

fn session(object: &Map<String, Value>, kind: &str) -> Result<SessionId, BadRequest> {
    let field = SESSION;
    let expected = "the id of a session, as `list` names it";
    let value = object.get(field).ok_or_else(|| BadRequest::Missing { kind: kind.to_owned(), field })?;
    let id = value.as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| BadRequest::Wrong { kind: kind.to_owned(), field, expected })
}

fn after(object: &Map<String, Value>) -> Result<u64, BadRequest> {
    let wrong = || wrong(AFTER, "the `seq` of an event, or 0 for all");
    object.get(AFTER).map_or(Ok(0), |value| value.as_u64().ok_or_else(wrong))
}

fn deltas(object: &Map<String, Value>) -> Result<bool, BadRequest> {
    let wrong = || wrong(DELTAS, "`true` or `false`");
    object.get(DELTAS).map_or(Ok(false), |value| value.as_bool().ok_or_else(wrong))
}

fn wrong(field: &'static str, expected: &'static str) -> BadRequest {
    BadRequest::Wrong { kind: "watch".to_owned(), field, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[track_caller]
    fn check(line: &str, expected: Result<Request, &str>) {
        let line = line.replace("ID", &format!("\"{ID}\""));
        let found = Request::parse(line.as_bytes()).map_err(|bad| bad.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{line}");
    }

    #[test]
    fn every_request_is_read() {
        let session = ID.parse().unwrap();
        check(r#"{"v":1,"type":"list"}"#, Ok(Request::List));
        check(
            r#"{"v":1,"type":"watch","session_id":ID,"after_seq":7,"deltas":true}"#,
            Ok(Request::Watch { session, after: 7, deltas: true }),
        );
        check(r#"{"type":"watch","session_id":ID}"#, Ok(Request::Watch { session, after: 0, deltas: false }));
        let order = Order::Message("환불도".to_owned());
        check(r#"{"type":"message","session_id":ID,"text":"환불도"}"#, Ok(Request::Order { session, order }));
        check(r#"{"v":1,"session_id":ID,"type":"stop"}"#, Ok(Request::Order { session, order: Order::Stop }));
    }

    #[test]
    fn what_asks_for_nothing_is_told_what_was_expected() {
        let types = "`watch`, `list`, `answer`, `permission`, `message`, `pause`, `continue`, `stop`";
        check("{}", Err(&format!("it has no `type`; expected one of {types}")));
        let meant = format!("there is no type `wach` (did you mean `watch`?); expected one of {types}");
        check(r#"{"type":"wach"}"#, Err(&meant));
        check(r#"{"v":2,"type":"list"}"#, Err("`v` has to be 1"));
        check(r#"{"type":"stop"}"#, Err("`stop` needs `session_id`"));
        let session = "has to be the id of a session, as `list` names it";
        check(r#"{"type":"watch","session_id":"s"}"#, Err(&format!("`session_id` of `watch` {session}")));
        check(
            r#"{"type":"watch","session_id":ID,"after_seq":-1}"#,
            Err("`after_seq` of `watch` has to be the `seq` of an event, or 0 for all"),
        );
        check(
            r#"{"type":"watch","session_id":ID,"delta":true}"#,
            Err(
                "`watch` has no field `delta`; its fields are `v`, `type`, `session_id`, `after_seq`, `deltas`",
            ),
        );
        check(
            r#"{"type":"message","session_id":ID}"#,
            Err("`message` needs `text`; its fields are `type`, `text`"),
        );
        check("[]", Err("expected a JSON object with a `type`"));
        let broken = Request::parse(b"{\"type\": stop}").unwrap_err().to_string();
        assert!(broken.contains("line 1 column 10"), "{broken}");
    }
}
