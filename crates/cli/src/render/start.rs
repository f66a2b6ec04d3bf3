//! What ends a call before a round begins: usage, configuration, credentials (exit codes 2, 3, 4), a signal (128 + n).

use better_llm::{CommandRefused, SessionError, StartError};
use domain::{
    outcome::{Ending, Signal},
    terminal::Sanitized,
};

use super::style::{Markup, Role, Style};
use crate::{
    args::UsageError,
    input::InputError,
    words::{Language, Said},
};

/// Why no round began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StartFailure {
    /// The stable code.
    pub(crate) code: String,
    /// What was wrong and where, for programs: English, with the ways out.
    pub(crate) text: String,
    /// What was wrong and where, for people.
    pub(crate) words: Said,
    /// Why, outermost first; as the system and other libraries say it.
    pub(crate) chain: Vec<String>,
    /// What to do, for people; empty where the words say it.
    pub(crate) hint: Said,
    /// What the program exits with.
    pub(crate) exit_code: u8,
}

impl StartFailure {
    /// Exit code of a call that cannot be carried out.
    pub(crate) const USAGE: u8 = 2;
    /// Exit code of our own fault.
    pub(crate) const INTERNAL: u8 = 1;

    /// A failure whose words say the same to people and to programs.
    pub(crate) fn new(code: &str, exit_code: u8, words: Said, hint: Said) -> Self {
        let text = words.text(Language::English).to_owned();
        Self { code: code.to_owned(), text, words, chain: Vec::new(), hint, exit_code }
    }

    /// The same with its causes, outermost first.
    pub(crate) fn because(self, chain: Vec<String>) -> Self {
        Self { chain, ..self }
    }

    /// A call that makes no sense.
    pub(crate) fn usage(error: &UsageError) -> Self {
        let words = Said::by(|language| language.usage_error(error));
        Self::new("usage", Self::USAGE, words, Said::by(|language| language.usage_hint(error)))
    }

    /// A text that the person named and that cannot be used.
    pub(crate) fn input(error: &InputError) -> Self {
        let words = Said::by(|language| error.in_words(language));
        let hint = Said::by(|language| language.input_hint(error).to_owned());
        Self::new("input", Self::USAGE, words, hint).because(error.chain())
    }

    /// A signal came before the round began.
    pub(crate) fn signalled(signal: Signal) -> Self {
        let words = Said::by(|language| language.signalled(signal));
        let hint = Said::by(|language| language.signalled_hint().to_owned());
        Self::new("cancelled", Ending::Cancelled(signal).exit_code(), words, hint)
    }

    /// A session that is there already cannot be found, taken up or forked.
    pub(crate) fn session(error: &SessionError) -> Self {
        let words = Said::by(|language| language.session_error(error));
        let hint = Said::by(|language| language.session_hint(error));
        Self::new(error.code(), error.exit_code(), words, hint).because(causes(error))
    }

    /// Without a task there was nothing to go on with.
    fn nothing_to_go_on_with() -> Self {
        let words = Said::by(|language| language.nothing_to_go_on_with().to_owned());
        let hint = Said::by(|language| language.nothing_to_go_on_with_hint().to_owned());
        Self::new("nothing_to_go_on_with", Self::USAGE, words, hint)
    }

    /// Our own fault.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        let words = Said::by(|language| language.internal().to_owned());
        let hint = Said::by(|language| language.internal_hint().to_owned());
        let chain = std::iter::once(error.to_string()).chain(causes(error)).collect();
        Self::new("internal", Self::INTERNAL, words, hint).because(chain)
    }
}

impl From<&CommandRefused> for StartFailure {
    /// The task could not be given to anybody, or there was none and nothing to go on with. Everything else is a fault of
    /// ours: one command was sent, to a session that waits for it.
    fn from(refused: &CommandRefused) -> Self {
        let error = match refused {
            CommandRefused::NothingToGoOnWith => return Self::nothing_to_go_on_with(),
            CommandRefused::Mention(error) => error,
            _ => return Self::internal(refused),
        };
        Self {
            code: "mention".to_owned(),
            text: error.to_string(),
            words: Said::by(|language| language.mention_error(error)),
            chain: Vec::new(),
            hint: Said::by(|language| language.mention_hint(error)),
            exit_code: Self::USAGE,
        }
    }
}

impl From<&StartError> for StartFailure {
    fn from(error: &StartError) -> Self {
        Self {
            code: error.code().to_owned(),
            text: error.to_string(),
            words: Said::by(|language| language.start_error(error)),
            chain: causes(error),
            hint: Said::by(|language| language.start_hint(error).unwrap_or_default()),
            exit_code: error.exit_code(),
        }
    }
}

/// The messages of an error's causes, outermost first, without the error's own.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.map(ToString::to_string).collect()
}

/// The failure for people.
pub(crate) fn start_failure_text(failure: &StartFailure, language: Language, style: Style) -> Markup {
    let mut text = style.paint(Role::Bad, &Sanitized::line(&format!("{}:", language.error())));
    text.text(&Sanitized::lines(&format!(" {}\n", failure.words.text(language))));
    for cause in &failure.chain {
        text.text(&Sanitized::lines(&format!("  {}: {cause}\n", language.because())));
    }
    let hint = failure.hint.text(language);
    if !hint.is_empty() {
        text.text(&Sanitized::lines(&format!("  → {hint}\n")));
    }
    text
}
