//! The language of everything that people read.

use serde::{Deserialize, Serialize};

/// A language that better-llm speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// The word of flags and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language that a flag names; none where it names none that better-llm speaks.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::En, Self::Ko].into_iter().find(|language| language.as_str() == word)
    }

    /// The language of a locale like `ko_KR.UTF-8`; English for every locale that is not Korean.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("ko") { Self::Ko } else { Self::En }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_named_by_its_own_word_alone() {
        let words = ["en", "ko", "KO", "kr", ""];
        assert_eq!(words.map(Language::parse), [Some(Language::En), Some(Language::Ko), None, None, None]);
    }

    #[test]
    fn a_korean_locale_means_korean_and_every_other_one_english() {
        let locales = ["ko_KR.UTF-8", "ko", "KO-kr", "C", "kok_IN", "de_DE@euro", ""];
        let languages = locales.map(Language::of_locale);
        use Language::{En, Ko};
        assert_eq!(languages, [Ko, Ko, Ko, En, En, En, En]);
    }
}
