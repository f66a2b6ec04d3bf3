//! Events as JSON lines (contract 5): the same objects as in the journal, byte for byte except that characters a
//! terminal would obey are escaped.

use domain::event::{Delta, Event, VERSION};
use serde_json::json;

use super::start::StartFailure;
use crate::sanitize::clean_json;

/// An event as a line.
///
/// # Errors
/// Where the event cannot be written as JSON, which is our own fault.
pub(crate) fn event_line(event: &Event) -> Result<String, serde_json::Error> {
    serde_json::to_string(event).map(line)
}

/// A delta as a line.
///
/// # Errors
/// Where the delta cannot be written as JSON, which is our own fault.
pub(crate) fn delta_line(delta: &Delta) -> Result<String, serde_json::Error> {
    serde_json::to_string(delta).map(line)
}

/// The only line where no round began.
pub(crate) fn start_failure_line(failure: &StartFailure) -> String {
    let error = json!({
        "v": VERSION,
        "type": "error",
        "code": failure.code,
        "text": failure.text,
        "chain": failure.chain,
        "exit_code": failure.exit_code,
    });
    line(error.to_string())
}

fn line(json: String) -> String {
    let mut line = clean_json(json);
    line.push('\n');
    line
}
