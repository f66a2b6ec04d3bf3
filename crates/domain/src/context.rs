//! A run's conversation: what the model sees of it, and how it is cut.
//!
//! Three things always hold. The first message (the brief, or the person's first words) stays, and so do the words
//! that the present run began with. Every tool call has its result in the next message of the user's side, and no
//! result stands without its call; a cut drops both or neither. Messages of the assistant that follow each other (a
//! paused turn that went on) are one message, which no cut divides. A cut drops all thinking.

mod recall;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

pub use recall::{BROKEN_SEAL, INTERRUPTED, NOT_RUN, Recollection};

use crate::{
    message::{Message, Part, Role, SealedMessage},
    report::ReportedFinding,
    text,
};

/// The messages of a run, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    messages: Vec<Arc<SealedMessage>>,
    /// The first message as it was said; a cut adds to the one in `messages`.
    opening: Option<Arc<SealedMessage>>,
    /// What the present run began with.
    task: Option<Arc<SealedMessage>>,
    /// Everything up to the last answer, by the provider's count; 0 where that is not known.
    tokens: u64,
    dropped: Digest,
}

/// How words begin that the person says while the run goes on.
const PERSONS_WORDS: &str = "The person says meanwhile:\n";

/// What the person said in a text of a message that [`persons_words`] made.
pub(crate) fn said_in(text: &str) -> Option<&str> {
    text.strip_prefix(PERSONS_WORDS)
}

/// What the person says while a run goes on, as the model reads it. A cut keeps the beginning of it.
pub(crate) fn persons_words(text: &str) -> String {
    format!("{PERSONS_WORDS}{}", text.trim())
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

    /// Adds the message that a run begins with. It stays, however much is cut while the run lasts.
    pub fn begin(&mut self, message: Message) -> Option<Arc<SealedMessage>> {
        let sealed = self.push(message)?;
        self.task = Some(Arc::clone(&sealed));
        Some(sealed)
    }

    /// Adds a message and gives it back as it was added. Blank texts say nothing (and providers refuse them): they
    /// are left out, and so is a message without anything else.
    pub fn push(&mut self, mut message: Message) -> Option<Arc<SealedMessage>> {
        message.parts.retain(|part| !part.is_blank());
        if message.parts.is_empty() {
            return None;
        }
        let sealed = SealedMessage::new(message);
        match self.messages.last_mut() {
            Some(last) if is_assistants(last) && is_assistants(&sealed) => *last = joined(last, &sealed),
            _ => self.messages.push(Arc::clone(&sealed)),
        }
        self.opening.get_or_insert_with(|| Arc::clone(&sealed));
        Some(sealed)
    }

    /// Takes what the last answer and everything before it came to, by the provider's count.
    pub const fn counts(&mut self, tokens: u64) {
        self.tokens = tokens;
    }

    /// Whether 80 % of a window of so many tokens are used up (contract 10).
    #[must_use]
    pub const fn fills(&self, window: u64) -> bool {
        self.tokens.saturating_mul(5) >= window.saturating_mul(4)
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

    /// Whether [`Conversation::cut_to_half`] would drop anything.
    #[must_use]
    pub fn can_be_cut_to_half(&self) -> bool {
        self.tail_start((self.messages.len() / 2).saturating_sub(1)).is_some()
    }

    /// Keeps the first message and the longest tail of whole turns that fits `most` messages (at least the last
    /// turn). What is dropped leaves a summary behind, in the first message.
    fn cut_to(&mut self, most: usize) -> Option<Cut> {
        let first_kept = self.tail_start(most.saturating_sub(1))?;
        self.cut_at(first_kept)
    }

    /// Keeps the first message and those from `first_kept` on.
    fn cut_at(&mut self, first_kept: usize) -> Option<Cut> {
        let opening = self.opening.clone()?;
        let before = self.messages.len();
        let tail = self.messages.split_off(first_kept);
        for message in self.messages.iter().skip(1) {
            self.dropped.add(&message.message);
        }
        let kept: Vec<_> = tail.iter().filter_map(without_thinking).collect();
        let dropped = before - 1 - kept.len();
        self.dropped.messages += dropped;
        let mut parts = opening.message.parts.clone();
        parts.push(Part::Text { text: self.dropped.to_text() });
        if let Some(task) = &self.task
            && !Arc::ptr_eq(task, &opening)
            && !kept.iter().any(|message| Arc::ptr_eq(task, message))
        {
            parts.extend(task.message.parts.iter().cloned());
        }
        self.messages = vec![SealedMessage::new(Message { role: Role::User, parts })];
        self.messages.extend(kept);
        self.tokens = 0;
        Some(Cut { dropped: count(dropped), kept: count(self.messages.len()) })
    }

    /// Where the longest tail of whole turns with at most `most` messages begins; the last turn where none fits.
    /// `None` where nothing would be dropped.
    fn tail_start(&self, most: usize) -> Option<usize> {
        let starts: Vec<usize> = self.turn_starts().collect();
        let fits = starts.iter().find(|&&start| self.messages.len() - start <= most);
        fits.or(starts.last()).copied()
    }

    /// Where a tail of whole turns may begin, so that something would be dropped.
    fn turn_starts(&self) -> impl Iterator<Item = usize> {
        let starts = self.messages.iter().enumerate().skip(2).filter(|(_, message)| begins_turn(message));
        starts.map(|(index, _)| index)
    }
}

fn is_assistants(message: &SealedMessage) -> bool {
    message.message.role == Role::Assistant
}

/// Whether nothing before `message` belongs to it: it answers no call.
fn begins_turn(message: &SealedMessage) -> bool {
    message.message.tool_results().next().is_none()
}

fn joined(first: &SealedMessage, second: &SealedMessage) -> Arc<SealedMessage> {
    let mut message = Message::clone(&first.message);
    message.parts.extend(second.message.parts.iter().cloned());
    SealedMessage::new(message)
}

/// Providers seal thinking (and what else only they understand) over everything that was said before it; after a cut
/// no seal holds. `None` where nothing else was in the message.
fn without_thinking(message: &Arc<SealedMessage>) -> Option<Arc<SealedMessage>> {
    let is_sealed = |part: &Part| matches!(part, Part::Thinking { .. } | Part::ProviderBlock { .. });
    if !message.message.parts.iter().any(is_sealed) {
        return Some(Arc::clone(message));
    }
    let Message { role, mut parts } = Message::clone(&message.message);
    parts.retain(|part| !is_sealed(part));
    (!parts.is_empty()).then(|| SealedMessage::new(Message { role, parts }))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What the engine remembers of dropped messages: facts only, taken from tool calls and from what the person said, never
/// from a model's prose.
#[derive(Debug, Clone, Default)]
struct Digest {
    messages: usize,
    files: Remembered,
    commands: Remembered,
    tasks: Remembered,
    reports: Remembered,
    open_findings: Remembered,
    persons_words: Remembered,
}

impl Digest {
    fn add(&mut self, message: &Message) {
        for (_, tool, input) in message.tool_uses() {
            let field = |name: &str| input.get(name).and_then(Value::as_str);
            match tool {
                "write" | "edit" => self.files.add(field("path")),
                "bash" => self.commands.add(field("command")),
                _ => {
                    let task = field("task_description").map(|task| format!("{tool}: {task}"));
                    self.tasks.add(task.as_deref());
                }
            }
        }
        for part in &message.parts {
            match part {
                Part::ToolResult { content, .. } => self.add_report(content),
                Part::Text { text } if message.role == Role::User => {
                    self.persons_words.add_up_to(said_in(text), Remembered::LONGEST_WORDS);
                }
                _ => {}
            }
        }
    }

    /// Worker reports are the results that the engine itself wrote as JSON.
    fn add_report(&mut self, content: &str) {
        let Ok(result) = serde_json::from_str::<WorkerResult>(content) else { return };
        self.reports.add(Some(&format!("{}: {}", result.agent, result.report.summary)));
        if let Some(review) = result.review {
            self.open_findings = Remembered::default();
            for finding in review.open {
                self.open_findings.add(Some(&finding.in_a_line()));
            }
        }
    }

    fn to_text(&self) -> String {
        let mut text = format!("[{} older messages were dropped to save room.", self.messages);
        for (title, list) in [
            ("Files written in them", &self.files),
            ("Commands run in them", &self.commands),
            ("Tasks given in them", &self.tasks),
            ("Reports received in them", &self.reports),
            ("Findings that the last review in them left open", &self.open_findings),
            ("What the person said in them", &self.persons_words),
        ] {
            list.write(title, &mut text);
        }
        text.push(']');
        text
    }
}

/// A list of bounded length, the newest entries of what it was told.
#[derive(Debug, Clone, Default)]
struct Remembered {
    entries: Vec<String>,
    /// Entries that had to go.
    forgotten: usize,
}

impl Remembered {
    const MOST: usize = 40;
    const LONGEST_ENTRY: usize = 200;
    /// The person's words decide more than what agents say of their work.
    const LONGEST_WORDS: usize = 1_000;

    fn add(&mut self, entry: Option<&str>) {
        self.add_up_to(entry, Self::LONGEST_ENTRY);
    }

    fn add_up_to(&mut self, entry: Option<&str>, longest: usize) {
        let Some(entry) = entry else { return };
        let entry = text::head(entry, longest).to_owned();
        if !self.entries.contains(&entry) {
            self.entries.push(entry);
        }
        if self.entries.len() > Self::MOST {
            self.entries.remove(0);
            self.forgotten += 1;
        }
    }

    fn write(&self, title: &str, text: &mut String) {
        if self.entries.is_empty() {
            return;
        }
        text.push_str(&format!("\n{title}:\n- {}", self.entries.join("\n- ")));
        if self.forgotten > 0 {
            text.push_str(&format!("\n(and {} before these)", self.forgotten));
        }
    }
}

/// The little that a digest keeps of a worker's result.
#[derive(Deserialize)]
struct WorkerResult {
    agent: String,
    report: ReportDigest,
    review: Option<ReviewDigest>,
}

#[derive(Deserialize)]
struct ReportDigest {
    summary: String,
}

#[derive(Deserialize)]
struct ReviewDigest {
    open: Vec<ReportedFinding>,
}

#[cfg(test)]
pub(crate) mod tests;
