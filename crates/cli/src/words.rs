//! Every word that the program says, in English and in Korean.
//!
//! There is no lookup by key: each text is a method of [`Language`] whose body holds both languages, and what the
//! library says with a type is matched variant by variant, so a missing string does not compile. What agents and
//! tools say is not translated; it passes through [`domain::terminal`] instead. Journal and JSON stay English, with
//! stable codes, for programs. This module decides nothing and prints nothing.

mod amounts;
mod codes;
mod configuration;
mod data;
mod demo;
mod denials;
mod endings;
mod events;
mod failures;
mod happenings;
mod help;
mod mention;
mod particle;
mod permission;
mod permissions;
mod person;
mod phrases;
mod reports;
mod sessions;
mod start;
#[cfg(test)]
mod tests;
mod trust;
mod undo;
mod usage;
mod worktree;

pub(crate) use self::{
    codes::{ErrorCode, NoticeCode},
    happenings::CodeWords,
    permission::{Lasting, leave_answer},
    person::{Word, question_answer},
    start::UNREAD_INPUT,
    trust::is_yes,
};

/// A language that the program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// Both.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// The language that `--lang` names.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        better_llm::Language::parse(word).map(Self::from)
    }

    /// One of two texts.
    const fn pick(self, english: &'static str, korean: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}

impl From<Language> for better_llm::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::English => Self::En,
            Language::Korean => Self::Ko,
        }
    }
}

impl From<better_llm::Language> for Language {
    fn from(language: better_llm::Language) -> Self {
        match language {
            better_llm::Language::En => Self::English,
            better_llm::Language::Ko => Self::Korean,
        }
    }
}

/// A text of the program's in every language: who reads it is not known yet where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    english: String,
    korean: String,
}

impl Said {
    /// What `words` says in each language.
    pub(crate) fn by(words: impl Fn(Language) -> String) -> Self {
        Self { english: words(Language::English), korean: words(Language::Korean) }
    }

    /// The text in one language.
    pub(crate) fn text(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}
