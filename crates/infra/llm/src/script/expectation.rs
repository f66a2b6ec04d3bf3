//! What a step expects of the request it answers.

use domain::{
    message::{Part, Role},
    model::{ModelError, ModelErrorKind, ModelRequest},
};
use serde::Deserialize;

use super::Place;
use crate::text::excerpt;

/// What of the other side is shown where an expectation fails, in bytes.
const SHOWN: usize = 2_048;

/// Texts that must occur in the request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    /// In one of the results of the newest message that holds any.
    #[serde(default)]
    tool_result_contains: Option<String>,
    /// In the newest message of the user's side that holds text.
    #[serde(default)]
    last_user_contains: Option<String>,
}

impl Expectation {
    /// # Errors
    /// [`ModelErrorKind::Script`] with both sides where an expected text does not occur.
    pub(super) fn check(&self, request: &ModelRequest, place: Place<'_>) -> Result<(), ModelError> {
        let results = || {
            newest_texts(request, |part| match part {
                Part::ToolResult { content, .. } => Some(content),
                _ => None,
            })
        };
        let user = || {
            newest_texts(request, |part| match part {
                Part::Text { text } => Some(text),
                _ => None,
            })
        };
        contains(place, "tool_result_contains", self.tool_result_contains.as_deref(), results)?;
        contains(place, "last_user_contains", self.last_user_contains.as_deref(), user)
    }
}

fn contains<'a>(
    place: Place<'_>,
    field: &str,
    expected: Option<&str>,
    texts: impl FnOnce() -> Vec<&'a str>,
) -> Result<(), ModelError> {
    let Some(expected) = expected else { return Ok(()) };
    let texts = texts();
    if texts.iter().any(|text| text.contains(expected)) {
        return Ok(());
    }
    let got = if texts.is_empty() {
        "nothing".to_owned()
    } else {
        format!("`{}`", excerpt(&texts.join("\n"), SHOWN))
    };
    let problem = format!("expect.{field} is `{}`, but the request holds {got}", excerpt(expected, SHOWN));
    Err(place.error(ModelErrorKind::Script, &problem))
}

/// The texts that `read` finds in the newest message of the user's side where it finds any.
fn newest_texts(request: &ModelRequest, read: impl Fn(&Part) -> Option<&String>) -> Vec<&str> {
    let sides = request.messages.iter().rev().map(|message| &*message.message);
    sides
        .filter(|message| message.role == Role::User)
        .map(|message| message.parts.iter().filter_map(&read).map(String::as_str).collect::<Vec<_>>())
        .find(|texts| !texts.is_empty())
        .unwrap_or_default()
}
