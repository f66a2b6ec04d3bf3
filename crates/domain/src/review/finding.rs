//! A finding: its name, its words, and how it was settled.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ChangedFiles;
use crate::report::{ReportedFinding, Severity};

/// A finding's name: `F1`, `F2`, ... Given by the engine, once, for as long as the session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub(super) u32);

impl FindingId {
    /// Reads an id as it is shown; anything else (`F01`, `f1`, `mine`) is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.strip_prefix('F')?.parse().ok().map(Self)?;
        (id.0 > 0 && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F{}", self.0)
    }
}

impl Serialize for FindingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FindingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no finding's id (F1, F2, ...)")))
    }
}

/// How a finding was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedAs {
    /// Its file changed, and the next review says it no more.
    Fixed,
    /// A person takes the changes as they are.
    Accepted,
    /// Nothing changed where it was, and the next review says it no more.
    Withdrawn,
}

impl ClosedAs {
    /// As it stands in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Accepted => "accepted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A finding that a review, or a person, has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedFinding {
    /// Which.
    pub id: FindingId,
    /// How.
    pub state: ClosedAs,
}

/// A finding in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) id: FindingId,
    pub(super) severity: Severity,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) message: String,
    pub(super) words: Words,
    pub(super) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Closed {
        how: ClosedAs,
        /// Its file has changed since: saying it again is new evidence.
        has_changed: bool,
    },
}

impl Finding {
    pub(super) fn new(id: FindingId, said: &ReportedFinding, words: Words) -> Self {
        Self {
            id,
            severity: said.severity,
            file: said.file.clone(),
            line: said.line,
            message: said.message.clone(),
            words,
            state: State::Open,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// It is open, as a later report says it. What that leaves out stays as it was.
    pub(super) fn say_again(&mut self, said: &ReportedFinding, changed: &ChangedFiles) {
        self.state = State::Open;
        self.severity = said.severity;
        if said.file.is_some() {
            (self.file, self.line) = (said.file.clone(), said.line);
        } else if said.line.is_some() {
            self.line = said.line;
        }
        if !said.message.trim().is_empty() {
            self.message.clone_from(&said.message);
        }
        self.words = Words::of(self.file.as_deref(), &self.message, changed);
    }

    /// As events and reviewers see it.
    pub(super) fn shown(&self) -> ReportedFinding {
        ReportedFinding {
            id: Some(self.id.to_string()),
            severity: self.severity,
            file: self.file.clone(),
            line: self.line,
            message: self.message.clone(),
        }
    }
}

/// By what two findings are the same one where no id says so: the file, and the message but for case, white space,
/// and how its characters are composed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Words {
    file: Option<String>,
    message: String,
}

impl Words {
    pub(super) fn of(file: Option<&str>, message: &str, changed: &ChangedFiles) -> Self {
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(message).to_lowercase();
        let message = composed.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { file: file.map(|file| changed.plain(file)), message }
    }
}
