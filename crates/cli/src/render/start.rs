//! What ends a call before a round begins: usage, configuration, credentials (exit codes 2, 3, 4).

use super::style::{Role, Style};
use crate::{args::UsageError, input::InputError, sanitize::clean, words::Language};

/// Why no round began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StartFailure {
    /// The stable code.
    pub(crate) code: String,
    /// What was wrong and where.
    pub(crate) text: String,
    /// Why, outermost first.
    pub(crate) chain: Vec<String>,
    /// What to do; none: what the exit code suggests, if it does.
    pub(crate) hint: Option<String>,
    /// What the program exits with.
    pub(crate) exit_code: u8,
}

impl StartFailure {
    /// Exit code of a call that cannot be carried out.
    pub(crate) const USAGE: u8 = 2;

    /// A call that makes no sense.
    pub(crate) fn usage(language: Language, error: &UsageError) -> Self {
        Self {
            code: "usage".to_owned(),
            text: language.usage_error(error),
            chain: Vec::new(),
            hint: Some(language.usage_hint(error)),
            exit_code: Self::USAGE,
        }
    }

    /// A text that the person named and that cannot be used.
    pub(crate) fn input(language: Language, error: &InputError) -> Self {
        let (text, chain) = error.in_words(language);
        Self { code: "input".to_owned(), text, chain, hint: None, exit_code: Self::USAGE }
    }
}

/// The failure for people.
pub(crate) fn start_failure_text(failure: &StartFailure, language: Language, style: Style) -> String {
    let label = style.paint(Role::Bad, &format!("{}:", language.error()));
    let mut text = format!("{label} {}\n", clean(&failure.text));
    for cause in &failure.chain {
        text.push_str(&format!("  {}: {}\n", language.because(), clean(cause)));
    }
    if let Some(hint) = failure.hint.as_deref().or_else(|| language.start_hint(failure.exit_code)) {
        text.push_str(&format!("  → {}\n", clean(hint)));
    }
    text
}
