//! A run's conversation: what the model sees of it, and how it is cut.
//!
//! Two things always hold. The first message (the brief, or the person's first words) stays. Every tool call has
//! its result in the next message of the user's side, and no result stands without its call; a cut drops both or
//! neither.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    message::{Message, Part, Role, SealedMessage},
    text,
};

/// The messages of a run, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    messages: Vec<Arc<SealedMessage>>,
    dropped: Digest,
}

/// What was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Messages that are gone.
    pub dropped: u32,
    /// Messages that stayed.
    pub kept: u32,
}

impl Conversation {
    /// The fewest messages a limit may allow: the first one, and the last call with its result.
    pub const SMALLEST_LIMIT: u32 = 4;

    /// The messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> &[Arc<SealedMessage>] {
        &self.messages
    }

    /// shim
    pub fn begin(&mut self, message: Message) -> Option<Arc<SealedMessage>> { self.push(message) }
    /// Adds a message. One without parts says nothing and is left out.
    pub fn push(&mut self, message: Message) -> Option<Arc<SealedMessage>> {
        if message.parts.is_empty() {
            return None;
        }
        let sealed = SealedMessage::new(message);
        self.messages.push(Arc::clone(&sealed));
        Some(sealed)
    }

    /// The calls of the last message of the assistant that nobody answered yet, in order.
    #[must_use]
    pub fn open_calls(&self) -> Vec<crate::id::CallId> {
        match self.messages.last() {
            Some(last) if last.message.role == Role::Assistant => {
                last.message.tool_uses().map(|(id, _, _)| id.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Cuts the conversation to half of `max_messages` where it is longer than `max_messages`.
    pub fn cut_if_longer_than(&mut self, max_messages: u32) -> Option<Cut> {
        let limit = max_messages.max(Self::SMALLEST_LIMIT) as usize;
        if self.messages.len() > limit { self.cut_to(limit / 2) } else { None }
    }

    /// Cuts the conversation to half of what it is (for a model whose window fills up).
    pub fn cut_to_half(&mut self) -> Option<Cut> {
        self.cut_to(self.messages.len() / 2)
    }

    /// Keeps the first message and the longest tail of whole turns that fits `most` messages (at least the last
    /// turn). What is dropped leaves a summary behind, in the first message.
    fn cut_to(&mut self, most: usize) -> Option<Cut> {
        let first_kept = self.tail_start(most.saturating_sub(1))?;
        let mut kept = self.messages.split_off(first_kept);
        let dropped = self.messages.len() - 1;
        for message in self.messages.iter().skip(1) {
            self.dropped.add(&message.message);
        }
        let brief = self.messages.first()?.message.parts.first()?.clone();
        let parts = vec![brief, Part::Text { text: self.dropped.to_text() }];
        kept.insert(0, SealedMessage::new(Message { role: Role::User, parts }));
        self.messages = kept;
        Some(Cut { dropped: count(dropped), kept: count(self.messages.len()) })
    }

    /// Where the longest tail of whole turns with at most `most` messages begins: at an assistant's message that
    /// follows a message of the user's side. `None` where nothing would be dropped.
    fn tail_start(&self, most: usize) -> Option<usize> {
        let starts = (2..self.messages.len()).filter(|&index| {
            self.role_at(index) == Some(Role::Assistant) && self.role_at(index - 1) == Some(Role::User)
        });
        let starts: Vec<usize> = starts.collect();
        let fits = starts.iter().find(|&&start| self.messages.len() - start <= most);
        fits.or(starts.last()).copied()
    }

    fn role_at(&self, index: usize) -> Option<Role> {
        self.messages.get(index).map(|message| message.message.role)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What the engine remembers of dropped messages: facts only, taken from tool calls, never from prose.
#[derive(Debug, Clone, Default)]
struct Digest {
    messages: usize,
    files: Vec<String>,
    commands: Vec<String>,
    tasks: Vec<String>,
    reports: Vec<String>,
    open_findings: Vec<String>,
}

impl Digest {
    /// The most entries of each kind; older ones are dropped and counted.
    const MOST: usize = 40;
    const LONGEST_ENTRY: usize = 200;

    fn add(&mut self, message: &Message) {
        self.messages += 1;
        for (_, tool, input) in message.tool_uses() {
            let field = |name: &str| input.get(name).and_then(Value::as_str);
            match tool {
                "write" | "edit" => Self::remember(&mut self.files, field("path")),
                "bash" => Self::remember(&mut self.commands, field("command")),
                _ => {
                    let task = field("task_description").map(|task| format!("{tool}: {task}"));
                    Self::remember(&mut self.tasks, task.as_deref());
                }
            }
        }
        for part in &message.parts {
            if let Part::ToolResult { content, .. } = part {
                self.add_report(content);
            }
        }
    }

    /// Worker reports are the results that the engine itself wrote as JSON.
    fn add_report(&mut self, content: &str) {
        let Ok(result) = serde_json::from_str::<WorkerResult>(content) else { return };
        Self::remember(&mut self.reports, Some(&format!("{}: {}", result.agent, result.report.summary)));
        if let Some(findings) = result.report.findings {
            self.open_findings = findings.into_iter().map(|finding| finding.message).collect();
        }
    }

    fn remember(list: &mut Vec<String>, entry: Option<&str>) {
        let Some(entry) = entry else { return };
        let entry = text::head(entry, Self::LONGEST_ENTRY).to_owned();
        if !list.contains(&entry) {
            list.push(entry);
        }
        if list.len() > Self::MOST {
            list.remove(0);
        }
    }

    fn to_text(&self) -> String {
        let mut text = format!("[{} older messages were dropped to save room.", self.messages);
        for (title, list) in [
            ("Files written in them", &self.files),
            ("Commands run in them", &self.commands),
            ("Tasks given in them", &self.tasks),
            ("Reports received in them", &self.reports),
            ("Findings of the last review in them", &self.open_findings),
        ] {
            if !list.is_empty() {
                text.push_str(&format!("\n{title}:\n- {}", list.join("\n- ")));
            }
        }
        text.push(']');
        text
    }
}

/// The little that a digest keeps of a worker's result.
#[derive(Deserialize)]
struct WorkerResult {
    agent: String,
    report: ReportDigest,
}

#[derive(Deserialize)]
struct ReportDigest {
    summary: String,
    findings: Option<Vec<FindingDigest>>,
}

#[derive(Deserialize)]
struct FindingDigest {
    message: String,
}

#[cfg(test)]
pub(crate) mod tests;
