//! A call that waits for the person's leave: all of it, what deceives the eye in it, and the rule that asks.
//!
//! Nothing is cut here: what a person agrees to is what runs.

use domain::{
    event::RunScope,
    terminal::{Sanitized, marks},
};
use serde_json::Value;

use crate::{
    render::{diff, screen::Screen, style::Role},
    words::Language,
};

/// Fields of an input that a diff shows better.
const SHOWN_BY_A_DIFF: [&str; 4] = ["content", "old_string", "new_string", "replace_all"];

/// A call that waits for leave.
pub(super) struct Asked<'a> {
    pub(super) tool: &'a str,
    pub(super) input: &'a Value,
    pub(super) diff: Option<&'a str>,
    pub(super) rule: &'a str,
}

/// Shows the call.
pub(super) fn asked(screen: &mut Screen, language: Language, run: Option<&RunScope>, asked: &Asked<'_>) {
    let field = |name: &str| asked.input.get(name).and_then(Value::as_str);
    let (command, path) = (field("command"), field("path"));
    let question = match (command, path.and(asked.diff)) {
        (Some(_), _) => language.may_command_run().to_owned(),
        (None, Some(_)) => language.may_edit_be_made().to_owned(),
        (None, None) => language.may_tool_run(asked.tool),
    };
    screen.line(run, &[(Role::Warning, &format!("? {question}"))]);
    for (number, line) in command.map(Sanitized::lines).iter().flat_map(Sanitized::split_lines).enumerate() {
        let sign = if number == 0 { "  $ " } else { "    " };
        screen.line(run, &[(Role::Faint, sign), (Role::Name, line.as_str())]);
    }
    if let Some(path) = path {
        screen.line(run, &[(Role::Name, &format!("  {}", Sanitized::name(path)))]);
    }
    let rest = rest_of_input(asked);
    for (name, value) in &rest {
        let text = format!("  {}: {}", Sanitized::name(name), value.replace('\n', "\n    "));
        screen.line(run, &[(Role::Prose, &text)]);
    }
    for line in asked.diff.map(diff::lines).unwrap_or_default() {
        screen.line(run, &[(Role::Faint, "  "), (diff::role(&line), line.as_str())]);
    }
    let values = rest.iter().map(|(_, value)| value.as_str());
    let whole = command.into_iter().chain(path).chain(values).chain(asked.diff);
    // The space keeps a `\r` at an end from becoming a part of the line break.
    let whole = whole.collect::<Vec<_>>().join(" \n");
    for mark in marks(&whole) {
        screen.line(run, &[(Role::Alarm, "  !"), (Role::Bad, &format!(" {}", language.mark(&mark)))]);
    }
    let rule = language.detail(asked.rule);
    screen.line(run, &[(Role::Faint, &format!("  {}", language.asked_because(&rule)))]);
}

/// The fields that are shown nowhere else, as text.
fn rest_of_input(asked: &Asked<'_>) -> Vec<(String, String)> {
    let Some(fields) = asked.input.as_object() else {
        return vec![("input".to_owned(), asked.input.to_string())];
    };
    let is_shown = |name: &str| {
        matches!(name, "command" | "path") || asked.diff.is_some() && SHOWN_BY_A_DIFF.contains(&name)
    };
    let rest = fields
        .iter()
        .filter(|(name, value)| !(is_shown(name) && (value.is_string() || asked.diff.is_some())));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rest.map(|(name, value)| (name.clone(), text(value))).collect()
}
