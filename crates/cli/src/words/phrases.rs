//! Details that the library writes in English, said in Korean where they are known.
//!
//! Journal and JSON keep the English, so a person's language meets it only here. Everything that has a type or a code
//! is said from the exhaustive tables of the other modules; this one is for what stands *inside* of those: claims,
//! reasons, expectations. A phrase that is not known stays as it is, in English: nothing is lost, only foreign.

mod configuration;
mod engine;
mod permission;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::{configuration::CONFIGURATION, engine::ENGINE, permission::PERMISSION};
use super::Language;

/// English and Korean; `{}` is a hole whose text is kept, in the same order. More particular phrases stand before
/// more general ones.
type Phrase = (&'static str, &'static str);

impl Language {
    /// A detail of the engine's, in this language.
    pub(crate) fn detail(self, text: &str) -> Cow<'_, str> {
        self.known_detail(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// A detail of the engine's in this language; none where it has no words for it.
    pub(crate) fn known_detail(self, text: &str) -> Option<String> {
        match self {
            Self::English => None,
            Self::Korean => said_in(&PERMISSION, text)
                .or_else(|| said_in(&ENGINE, text))
                .or_else(|| clauses_in(&ENGINE, text)),
        }
    }

    /// What the configuration's checker says of a value, in this language. Alternatives are said one by one.
    pub(super) fn configuration_detail(self, text: &str) -> Cow<'_, str> {
        if self == Self::English {
            return Cow::Borrowed(text);
        }
        // Alternatives first: the last hole of a phrase would take the rest of them as its text.
        let parts = text.split(" or ").map(|part| said_in(&CONFIGURATION, part)).collect::<Option<Vec<_>>>();
        let said = parts.map(|parts| parts.join(" 또는 ")).or_else(|| said_in(&CONFIGURATION, text));
        said.map_or(Cow::Borrowed(text), Cow::Owned)
    }
}

fn said_in(phrases: &[Phrase], text: &str) -> Option<String> {
    phrases.iter().find_map(|(english, korean)| holes(english, text).map(|holes| fill(korean, &holes)))
}

/// Clauses of which the engine puts as many together as there are things to say, each a phrase of its own; none where
/// not one of them is known.
fn clauses_in(phrases: &[Phrase], text: &str) -> Option<String> {
    let clauses: Vec<_> = text.split("; ").map(|clause| said_in(phrases, clause).ok_or(clause)).collect();
    let are_known = clauses.iter().any(Result::is_ok);
    let said = clauses.into_iter().map(|clause| clause.unwrap_or_else(str::to_owned));
    are_known.then(|| said.collect::<Vec<_>>().join(". "))
}

/// The texts in the holes of `pattern`, where `text` has its form.
fn holes<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut pieces = pieces.peekable();
    let mut holes = Vec::new();
    while let Some(piece) = pieces.next() {
        let (hole, after) =
            if pieces.peek().is_some() { rest.split_once(piece)? } else { (rest.strip_suffix(piece)?, "") };
        holes.push(hole);
        rest = after;
    }
    rest.is_empty().then_some(holes)
}

fn fill(pattern: &str, holes: &[&str]) -> String {
    let mut holes = holes.iter();
    let mut text = String::new();
    for (number, piece) in pattern.split("{}").enumerate() {
        if number > 0 {
            text.push_str(holes.next().copied().unwrap_or_default());
        }
        text.push_str(piece);
    }
    text
}
