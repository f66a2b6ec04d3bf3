//! Every word that the program says, in English and in Korean.
//!
//! There is no lookup by key: each text is a method of [`Language`] whose body holds both languages, so a missing
//! string does not compile. What agents, tools and the journal say is not translated; it passes through
//! [`crate::sanitize`] instead. This module decides nothing and prints nothing.

mod data;
mod demo;
mod endings;
mod events;
mod help;
mod reports;
mod start;
#[cfg(test)]
mod tests;
mod usage;

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
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "en" => Some(Self::English),
            "ko" => Some(Self::Korean),
            _ => None,
        }
    }

    /// The language of a locale: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty
    /// decides; what is not Korean is English.
    pub(crate) fn of_locale<'a>(variables: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let locale = variables.into_iter().flatten().find(|locale| !locale.is_empty()).unwrap_or_default();
        let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("ko") { Self::Korean } else { Self::English }
    }

    /// One of two texts.
    const fn pick(self, english: &'static str, korean: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}
