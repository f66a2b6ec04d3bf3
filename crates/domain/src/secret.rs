//! Credentials: a type that cannot be printed, rules that know credentials by their form, and the one type that takes
//! them out of texts (law 10, spec O-8).
//!
//! [`find`] knows what vendors mark so that it can be known: prefixes, fixed lengths, armoured blocks. It guesses from
//! no file name and from no randomness of letters. [`Redactor`] takes out what [`find`] knows and the values it was
//! given; [`RedactingStream`] does the same to texts that come in pieces. It is a net against accidents: whoever
//! runs commands can always write a secret in a way that no net knows, which is why commands do not get secrets.

mod colour;
mod event;
mod filter;
mod known;
mod pem;
mod place;
mod redactor;
mod rules;
mod scan;
mod stream;
#[cfg(test)]
mod tests;
mod token;

use std::{fmt, ops::Range};

pub use self::{
    event::RedactedEvent,
    redactor::Redactor,
    rules::SecretKind,
    stream::{RedactingBytes, RedactingStream},
};

/// A credential. `Debug` shows that there is one, never which; there is no `Display` and no serialization.
///
/// Its memory is not wiped: the same bytes stay in the process's environment and in the HTTP client's headers for as
/// long as the process lives, so wiping this copy would protect nothing (`docs/adr/0012-redaction.md`).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a credential; none for blank text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The credential itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A credential that a text holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecret {
    /// Which rule knows it.
    pub kind: SecretKind,
    /// Where it stands, in bytes. Both ends are character boundaries of a text that is UTF-8.
    pub range: Range<usize>,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// The credentials in a text or a file's bytes, by form alone, in order; they never overlap.
///
/// Costs about a nanosecond a byte where there is none.
#[must_use]
pub fn find(text: impl AsRef<[u8]>) -> Vec<FoundSecret> {
    let bytes = text.as_ref();
    let pass = scan::pass(&rules::Rules, scan::Text::whole(bytes), 0, 0);
    let mut line = 1;
    let mut counted = 0;
    let located = pass.finds.into_iter().map(|scan::Find { range, kind }| {
        let skipped = bytes.get(counted..range.start).unwrap_or_default();
        line += skipped.iter().filter(|byte| **byte == b'\n').count();
        counted = range.start;
        FoundSecret { kind, range, line }
    });
    located.collect()
}
