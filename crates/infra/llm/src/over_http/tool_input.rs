//! The input of a tool call, once all of it has come as text.

use domain::{id::CallId, model::InvalidInput};
use serde_json::{Map, Value};

use crate::text::excerpt;

/// The most bytes of one tool call's input (contract 10).
pub(crate) const LARGEST_TOOL_INPUT: usize = 4 << 20;

/// What of an input that could not be read is kept, in bytes.
const SHOWN_INPUT: usize = 1_024;

/// The input that `raw` is. Nothing at all is an empty one, unless the answer was `cut` in the middle of it.
///
/// # Errors
/// What came instead, for the model to read. It must not run.
pub(crate) fn read_input(call: &CallId, raw: &str, cut: bool) -> Result<Map<String, Value>, InvalidInput> {
    let because = if cut { "; the answer was cut at its token limit" } else { "" };
    let invalid = |error: String| InvalidInput { call: call.clone(), raw: excerpt(raw, SHOWN_INPUT), error };
    if raw.trim().is_empty() {
        return if cut { Err(invalid(format!("the input is missing{because}"))) } else { Ok(Map::new()) };
    }
    match serde_json::from_str(raw) {
        Ok(Value::Object(input)) => Ok(input),
        Ok(_) => Err(invalid(format!("the input is JSON but not an object{because}"))),
        Err(error) => Err(invalid(format!("the input is not JSON: {error}{because}"))),
    }
}
