//! The task a worker is given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The input of `execute_<agent>_task`, and what the worker sees first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// What is to be done, complete in itself: the worker sees nothing of this conversation.
    pub task_description: String,
    /// What the worker should know: findings, decisions, earlier reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// How one can tell that it is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done_when: Vec<String>,
    /// The only paths the worker may write with its file tools, as globs. Leave out to allow the whole workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<String>>,
}

impl Brief {
    /// The brief as the worker's first message.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("# Task\n{}", self.task_description.trim());
        if let Some(context) = &self.context {
            text.push_str("\n\n# Context\n");
            text.push_str(context.trim());
        }
        section(&mut text, "Done when", &self.done_when);
        section(&mut text, "You may write only", self.writes.as_deref().unwrap_or_default());
        text
    }
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    text.push_str("\n\n# ");
    text.push_str(title);
    for line in lines {
        text.push_str("\n- ");
        text.push_str(line);
    }
}
