//! Events as JSON lines (contract 5): the same objects as in the journal, byte for byte except that characters a
//! terminal or a reader would obey are escaped.

use domain::{
    event::{Delta, Event, VERSION},
    terminal::Sanitized,
};
use serde_json::{Value, json};

use super::{start::StartFailure, style::Markup};

/// An event as a line.
///
/// # Errors
/// Where the event cannot be written as JSON, which is our own fault.
pub(crate) fn event_line(event: &Event) -> Result<Markup, serde_json::Error> {
    Sanitized::json(event).map(line)
}

/// A delta as a line.
///
/// # Errors
/// Where the delta cannot be written as JSON, which is our own fault.
pub(crate) fn delta_line(delta: &Delta) -> Result<Markup, serde_json::Error> {
    Sanitized::json(delta).map(line)
}

/// The only line where no round began.
///
/// # Errors
/// Where it cannot be written as JSON, which is our own fault.
pub(crate) fn start_failure_line(failure: &StartFailure) -> Result<Markup, serde_json::Error> {
    let error = json!({
        "v": VERSION,
        "type": "error",
        "code": failure.code,
        "text": failure.text,
        "chain": failure.chain,
        "exit_code": failure.exit_code,
    });
    Sanitized::json(&error).map(line)
}

/// A line of standard input that was not carried out.
///
/// # Errors
/// Where it cannot be written as JSON, which is our own fault.
pub(crate) fn line_refused_line(number: u64, text: &str) -> Result<Markup, serde_json::Error> {
    let error = json!({
        "v": VERSION,
        "type": "error",
        "code": "input",
        "text": text,
        "chain": [],
        "line": number,
    });
    Sanitized::json(&error).map(line)
}

/// Data as JSON, indented for people who read it.
///
/// # Errors
/// Where it cannot be written as JSON, which is our own fault.
pub(crate) fn data(value: &Value) -> Result<Markup, serde_json::Error> {
    Sanitized::pretty_json(value).map(line)
}

fn line(json: Sanitized) -> Markup {
    Markup::from(json).ended()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_as_json_keeps_its_value() {
        let value = json!({"a": "\u{9b}", "b": [1, null], "c": [], "d": {}});
        let text = data(&value).unwrap();
        assert!(!text.as_str().contains('\u{9b}'));
        assert_eq!(serde_json::from_str::<Value>(text.as_str()).unwrap(), value);
    }
}
