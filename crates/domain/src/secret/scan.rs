//! One pass over a text that may still grow: what is decided, and from where on more has to come first.
//!
//! What stands at a place is decided by what comes from there on and by the few bytes before; never by how the text
//! came in pieces. So a text in pieces gives what the whole gives.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{filter::Filter, rules::SecretKind};

/// The most bytes before a place that decide what stands there.
pub(super) const CONTEXT: usize = 32;

/// The most bytes of accents and joiners that are taken along with what they stand on.
const MOST_MARKS: usize = 64;

/// A text, as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) bytes: &'t [u8],
    /// Whether nothing comes after it.
    pub(super) is_whole: bool,
}

impl<'t> Text<'t> {
    pub(super) const fn whole(bytes: &'t [u8]) -> Self {
        Self { bytes, is_whole: true }
    }

    /// What comes from a place on.
    pub(super) fn from(self, at: usize) -> &'t [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Whether `word` begins at a place.
    pub(super) fn has(self, at: usize, word: &[u8]) -> Has {
        let here = self.from(at);
        if here.starts_with(word) {
            Has::Yes
        } else if !self.is_whole && word.starts_with(here) {
            Has::Open
        } else {
            Has::No
        }
    }

    /// How many bytes of a class follow each other from a place on, at most `most`; none: more may come.
    pub(super) fn run(self, at: usize, class: fn(u8) -> bool, most: usize) -> Option<usize> {
        let here = self.from(at);
        let length = here.iter().take(most).take_while(|byte| class(**byte)).count();
        (self.is_whole || length == most || length < here.len()).then_some(length)
    }
}

/// Whether a word begins at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    Yes,
    No,
    /// So far it does; more has to come.
    Open,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Nothing,
    /// The range may begin after the place.
    Secret(Find),
    /// More has to come.
    Open,
}

/// A secret and what knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Find {
    pub(super) range: Range<usize>,
    pub(super) kind: SecretKind,
}

/// What knows secrets.
pub(super) trait Finder {
    /// Says cheaply where none can begin.
    fn filter(&self) -> &Filter;

    /// What stands at a place; `before` is what comes before it, empty at the beginning and after a find.
    fn at(&self, text: Text<'_>, at: usize, before: &[u8]) -> Verdict;
}

/// What a pass has found, and how far it came.
#[derive(Debug)]
pub(super) struct Pass {
    /// In order; they do not overlap.
    pub(super) finds: Vec<Find>,
    /// Everything before is decided.
    pub(super) decided: usize,
}

/// Goes over `text` from `begin`; what comes before from `context` on says where words begin.
pub(super) fn pass(finder: &impl Finder, text: Text<'_>, begin: usize, mut context: usize) -> Pass {
    let mut pass = Pass { finds: Vec::new(), decided: begin };
    while let Some(at) = finder.filter().next(text, pass.decided) {
        let before = text.bytes.get(context.max(at.saturating_sub(CONTEXT))..at).unwrap_or_default();
        let verdict = match finder.at(text, at, before) {
            Verdict::Secret(find) => with_marks(text, find),
            other => other,
        };
        match verdict {
            Verdict::Nothing => pass.decided = at + 1,
            Verdict::Open => {
                pass.decided = at;
                return pass;
            }
            Verdict::Secret(find) => {
                (pass.decided, context) = (find.range.end, find.range.end);
                pass.finds.push(find);
            }
        }
    }
    pass.decided = text.bytes.len();
    pass
}

/// The find with the accents and joiners that belong to its last character, so that no grapheme is cut.
fn with_marks(text: Text<'_>, mut find: Find) -> Verdict {
    let after = text.from(find.range.end);
    match after.first() {
        None if text.is_whole => return Verdict::Secret(find),
        None => return Verdict::Open,
        Some(next) if next.is_ascii() => return Verdict::Secret(find),
        Some(_) => {}
    }
    let near = after.get(..MOST_MARKS).unwrap_or(after);
    let near = match std::str::from_utf8(near) {
        Ok(near) => near,
        Err(error) => {
            std::str::from_utf8(near.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
    };
    // Accents join any letter in the same way, so one letter stands for the find's last character.
    let joined = format!("a{near}");
    let marks = joined.graphemes(true).next().map_or(0, |grapheme| grapheme.len() - 1);
    if marks == near.len() && after.len() < MOST_MARKS && !text.is_whole {
        return Verdict::Open;
    }
    find.range.end += marks;
    Verdict::Secret(find)
}
