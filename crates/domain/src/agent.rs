//! Who works: the manager and its workers.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

/// The name of an agent: a letter, then letters, digits, `_` or `-`; at most 40 characters, all ASCII, because
/// it becomes part of the tool name `execute_<agent>_task` that providers restrict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentName(Arc<str>);

/// Why a text is no agent name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAgentName {
    /// Empty, too long, or with other characters.
    #[error("`{0}` is no agent name: a letter, then up to 39 letters, digits, `_` or `-` (ASCII)")]
    Malformed(String),
    /// One of [`AgentName::RESERVED`].
    #[error("`{0}` is a reserved name: choose another for your agent")]
    Reserved(String),
}

impl AgentName {
    /// Names that no configured agent may have, in small letters or capitals.
    pub const RESERVED: [&str; 5] = ["manager", "person", "user", "engine", "all"];

    const LONGEST: usize = 40;

    /// Parses the name of a worker.
    ///
    /// # Errors
    /// [`InvalidAgentName`] where the text has another form or is reserved.
    pub fn parse(text: &str) -> Result<Self, InvalidAgentName> {
        let name = Self::parse_any(text)?;
        if Self::RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(text)) {
            return Err(InvalidAgentName::Reserved(text.to_owned()));
        }
        Ok(name)
    }

    /// The manager's name.
    #[must_use]
    pub fn manager() -> Self {
        Self("manager".into())
    }

    fn parse_any(text: &str) -> Result<Self, InvalidAgentName> {
        let mut characters = text.chars();
        let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic());
        let goes_on_well = characters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if starts_well && goes_on_well && text.len() <= Self::LONGEST {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAgentName::Malformed(text.to_owned()))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AgentName {
    type Error = InvalidAgentName;

    /// Reads a name from a journal, where the manager stands too.
    fn try_from(text: String) -> Result<Self, InvalidAgentName> {
        Self::parse_any(&text)
    }
}

impl From<AgentName> for String {
    fn from(name: AgentName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an agent is for; decides the shape of its report and which limits count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    /// Makes a plan; changes nothing.
    Planner,
    /// Changes files.
    Coder,
    /// Judges the changes with a typed verdict.
    Reviewer,
    /// Runs tests and says whether they passed.
    Tester,
    /// Commits, through the engine.
    Committer,
    /// Anything else, by configuration.
    General,
}

impl WorkerKind {
    /// Every kind, in the order of a usual round.
    pub const ALL: [Self; 6] =
        [Self::Planner, Self::Coder, Self::Reviewer, Self::Tester, Self::Committer, Self::General];

    /// The word in configuration files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Coder => "coder",
            Self::Reviewer => "reviewer",
            Self::Tester => "tester",
            Self::Committer => "committer",
            Self::General => "general",
        }
    }

    /// The kind that a built-in agent name implies; [`WorkerKind::General`] for every other name.
    #[must_use]
    pub fn implied_by(name: &AgentName) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name.as_str()).unwrap_or(Self::General)
    }

    /// How long a run may take where nothing else is configured (`WORKER_TIMEOUT_*`, spec O-14).
    #[must_use]
    pub const fn default_timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Planner | Self::Reviewer => 300,
            Self::Coder | Self::Tester | Self::General => 600,
            Self::Committer => 180,
        })
    }
}

/// The part an agent plays in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// Talks with the person and calls workers.
    Manager,
    /// Called by the manager.
    #[serde(untagged)]
    Worker(WorkerKind),
}

/// An agent as configured: everything that is decided before its first run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentSpec {
    /// Its name, unique in a session.
    pub name: AgentName,
    /// What it is for, in the words of the configuration; shown to people and to the manager.
    pub role: String,
    /// The part it plays.
    pub kind: AgentKind,
    /// The system prompt, already read.
    #[serde(skip)]
    pub prompt: Arc<str>,
    /// Where the prompt came from: a path, or `built-in`.
    pub prompt_source: String,
    /// The tools it may use, by name, without those every agent of its kind has (`report`, `finish`, ...).
    pub tools: Vec<String>,
    /// The model's name or alias; `None`: the provider's standard one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether the model is asked to think before it answers; `None`: as the model does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<bool>,
    /// How long one run may take.
    pub timeout: Duration,
    /// Said to the manager beside the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule, once more: ASCII, a letter first, then letters, digits, `_`, `-`; 1 to 40 characters.
    fn is_name(text: &str) -> bool {
        let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        letters
            && (1..=40).contains(&text.len())
            && !text.starts_with(|first: char| !first.is_ascii_alphabetic())
    }

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn a_text_is_a_name_by_the_rule_and_stays_as_it_is(
            text in prop_oneof!["[a-zA-Z][a-zA-Z0-9_-]{0,41}", "[a-z0-9_ .-]{0,42}", "\\PC{0,8}"],
        ) {
            match AgentName::parse(&text) {
                Ok(name) => {
                    prop_assert!(is_name(&text) && !AgentName::RESERVED.contains(&text.as_str()));
                    prop_assert_eq!(name.as_str(), &text);
                    prop_assert_eq!(name.to_string(), text);
                    let json = serde_json::to_value(&name).expect("a name is a string");
                    prop_assert_eq!(serde_json::from_value::<AgentName>(json).expect("it is a name"), name);
                }
                Err(InvalidAgentName::Malformed(named)) => {
                    prop_assert!(!is_name(&text));
                    prop_assert_eq!(named, text);
                }
                Err(InvalidAgentName::Reserved(named)) => {
                    prop_assert!(AgentName::RESERVED.contains(&text.as_str()));
                    prop_assert_eq!(named, text);
                }
            }
        }
    }

    #[test]
    fn names_are_ascii_words_of_at_most_forty_characters() {
        let longest = format!("a{}", "b".repeat(39));
        for name in ["coder", "dev-ops_2", "A", &longest] {
            assert!(AgentName::parse(name).is_ok(), "{name}");
        }
        let too_long = format!("{longest}b");
        for name in ["", "2coder", "-coder", "co der", "코더", "coder\n", "cödér", "coder🙂", &too_long]
        {
            assert_eq!(AgentName::parse(name), Err(InvalidAgentName::Malformed(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn the_managers_name_is_taken_and_a_journal_may_hold_it() {
        for name in ["manager", "person", "user", "engine", "all"] {
            assert_eq!(AgentName::parse(name), Err(InvalidAgentName::Reserved(name.to_owned())));
        }
        let read = serde_json::from_str::<AgentName>("\"manager\"").expect("the manager stands in journals");
        assert_eq!(read, AgentName::manager());
        assert!(serde_json::from_str::<AgentName>("\"관리자\"").is_err());
    }

    #[test]
    fn built_in_names_imply_their_kind_and_all_others_are_general() {
        for kind in WorkerKind::ALL {
            let name = AgentName::parse(kind.as_str()).expect("a kind is a name");
            assert_eq!(WorkerKind::implied_by(&name), kind);
            assert_eq!(serde_json::to_value(kind).expect("a kind is a word"), kind.as_str());
        }
        let devops = AgentName::parse("devops").expect("it is a name");
        assert_eq!(WorkerKind::implied_by(&devops), WorkerKind::General);
    }

    /// O-14: the defaults of `WORKER_TIMEOUT_*`.
    #[test]
    fn every_kind_has_its_default_timeout() {
        let seconds = WorkerKind::ALL.map(|kind| (kind.as_str(), kind.default_timeout().as_secs()));
        assert_eq!(
            seconds,
            [
                ("planner", 300),
                ("coder", 600),
                ("reviewer", 300),
                ("tester", 600),
                ("committer", 180),
                ("general", 600),
            ]
        );
    }

    #[test]
    fn a_part_in_the_team_survives_its_json() {
        let workers = WorkerKind::ALL.map(|kind| (AgentKind::Worker(kind), kind.as_str()));
        for (part, word) in workers.into_iter().chain([(AgentKind::Manager, "manager")]) {
            let json = serde_json::to_value(part).expect("a part is a word");
            assert_eq!(json, word);
            assert_eq!(serde_json::from_value::<AgentKind>(json).expect("it is a part"), part);
        }
    }
}
