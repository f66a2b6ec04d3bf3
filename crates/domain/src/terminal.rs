//! Text that may reach a terminal (reliability decision 9).
//!
//! [`Sanitized`] is the only form in which text of models, tools, files, errors and configuration is shown: no
//! character of it can move the cursor, colour the screen, write the clipboard, ask the terminal something, reorder
//! what is read or stand there unseen. What a terminal or a reader would obey is shown as a visible form instead.
//! Every script passes as it is: Hangul composed and decomposed, emoji sequences, right-to-left letters, and joiners
//! where a script needs them.
//!
//! [`marks()`] names what deceives the eye in a command or a diff. Nothing here redacts secrets, chooses words for
//! people or knows how wide a terminal is.

mod characters;
mod marks;
mod sanitizer;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use self::{
    characters::is_joiner,
    sanitizer::{Form, sanitize},
};
pub use self::{
    marks::{Mark, MarkKind, Place, marks, script_name},
    sanitizer::Sanitizer,
};
use crate::text::fit;

/// Text that shows what a terminal or a reader would otherwise obey. Sanitizing it again changes nothing.
///
/// Nothing else of untrusted origin has a `Display` on its way to a terminal; there is no way to build one that does
/// not pass through the sanitizer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Sanitized(String);

impl Sanitized {
    /// The most combining marks that stay on one base character. More are shown as code points: piled up, they would
    /// cover the lines above and below.
    pub const MOST_MARKS: u8 = 8;

    /// Text of several lines, as it is: line breaks stay (`\r\n` becomes one), a tab becomes four spaces.
    #[must_use]
    pub fn lines(text: &str) -> Self {
        Self(sanitize(Form::Lines, text))
    }

    /// Prose on one line: spaces, tabs and line breaks of any length become one space, those at the ends go.
    #[must_use]
    pub fn line(text: &str) -> Self {
        Self(sanitize(Form::Line, text))
    }

    /// A name or a path on one line, every character of which stands for itself: a line break is shown as `␊`.
    #[must_use]
    pub fn name(text: &str) -> Self {
        Self(sanitize(Form::Name, text))
    }

    /// A value as one line of JSON. What is shown in other forms is escaped here, so the value stays the same.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self(sanitize(Form::Json, &serde_json::to_string(value)?)))
    }

    /// A value as indented JSON of several lines.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON.
    pub fn pretty_json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self(sanitize(Form::Json, &serde_json::to_string_pretty(value)?)))
    }

    /// The text in at most `columns` columns; where something was cut, it ends in `…`. Meant for one line.
    #[must_use]
    pub fn within(self, columns: usize) -> Self {
        if self.0.width() <= columns {
            return self;
        }
        let fitted = fit(&self.0, columns);
        // A joiner whose other side was cut off joins nothing.
        let kept = fitted.strip_suffix('…').map(|kept| kept.trim_end_matches(is_joiner));
        Self(kept.map_or_else(String::new, |kept| format!("{kept}…")))
    }

    /// The lines, without their line breaks; one empty line for empty text.
    pub fn split_lines(&self) -> impl Iterator<Item = Self> + '_ {
        self.0.split('\n').map(|line| Self(line.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many columns of a terminal its characters take, were they on one line.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.width()
    }
}

impl fmt::Display for Sanitized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
