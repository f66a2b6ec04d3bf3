//! Redaction of what comes in pieces: a secret that is split over pieces does not pass.
//!
//! What may be the beginning of a secret is held back until more has come: as a rule a few bytes, at most a private
//! key's length (64 KiB). However a text is split, what comes out is what [`Redactor::redact`] makes of the whole.

use std::sync::Arc;

use super::{
    redactor::{Redactor, into_text},
    rules::Rules,
    scan::{self, CONTEXT, Finder, Text},
};

/// Redacts bytes that come in pieces.
#[derive(Debug)]
pub struct RedactingBytes {
    redactor: Arc<Redactor>,
    known: Stage,
    rules: Stage,
}

impl RedactingBytes {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, known: Stage::default(), rules: Stage::default() }
    }

    /// Takes a piece; gives what is decided by now.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.take(piece, false)
    }

    /// Nothing more comes: gives the rest, and begins anew.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = self.take(&[], true);
        (self.known, self.rules) = (Stage::default(), Stage::default());
        rest
    }

    fn take(&mut self, piece: &[u8], is_last: bool) -> Vec<u8> {
        let mut decided = Vec::with_capacity(piece.len());
        if self.redactor.known.is_empty() {
            self.rules.take(&Rules, piece, is_last, &mut decided);
            return decided;
        }
        let mut without_known = Vec::with_capacity(piece.len());
        self.known.take(&self.redactor.known, piece, is_last, &mut without_known);
        self.rules.take(&Rules, &without_known, is_last, &mut decided);
        decided
    }
}

/// Redacts text that comes in pieces.
#[derive(Debug)]
pub struct RedactingStream(RedactingBytes);

impl RedactingStream {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self(RedactingBytes::new(redactor))
    }

    /// Takes a piece; gives what is decided by now, perhaps nothing.
    #[must_use]
    pub fn push(&mut self, piece: &str) -> String {
        // What is held back begins at the beginning of a character.
        into_text(self.0.push(piece.as_bytes()))
    }

    /// Nothing more comes: gives the rest, and begins anew.
    #[must_use]
    pub fn finish(&mut self) -> String {
        into_text(self.0.finish())
    }
}

/// One finder over what comes.
#[derive(Debug, Default)]
struct Stage {
    /// What is not decided, after at most [`CONTEXT`] bytes of what was decided last.
    buffer: Vec<u8>,
    /// Where in it the undecided begins.
    decided: usize,
    /// The length at which looking again is worth it: what is held back is looked at a few times, not at every piece.
    worth_it: usize,
}

impl Stage {
    fn take(&mut self, finder: &impl Finder, piece: &[u8], is_last: bool, written: &mut Vec<u8>) {
        self.buffer.extend_from_slice(piece);
        if !is_last && self.buffer.len() < self.worth_it {
            return;
        }
        let text = Text { bytes: &self.buffer, is_whole: is_last };
        let pass = scan::pass(finder, text, self.decided, 0);
        let mut copied = self.decided;
        for find in &pass.finds {
            written.extend_from_slice(self.buffer.get(copied..find.range.start).unwrap_or_default());
            written.extend_from_slice(find.kind.placeholder().as_bytes());
            copied = find.range.end;
        }
        written.extend_from_slice(self.buffer.get(copied..pass.decided).unwrap_or_default());
        // After a find words begin anew.
        let last_find = pass.finds.last().map_or(0, |find| find.range.end);
        let kept = pass.decided.saturating_sub(CONTEXT).max(last_find);
        self.buffer.drain(..kept);
        self.decided = pass.decided - kept;
        let held_back = self.buffer.len() - self.decided;
        self.worth_it = self.buffer.len() + held_back / 4;
    }
}
