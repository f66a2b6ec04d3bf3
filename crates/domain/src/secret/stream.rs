//! Redaction of what comes in pieces: a secret that is split over pieces does not pass.
//!
//! What may be the beginning of a secret is held back until more has come: as a rule a few bytes, at most a private
//! key's length (64 KiB). However a text is split, what comes out is what [`Redactor::redact`] makes of the whole.

use std::{ops::Range, sync::Arc};

use super::{
    colour::{Codes, Splitter},
    redactor::{Redactor, into_text},
    rules::Rules,
    scan::{self, CONTEXT, Finder, Text},
};

/// Redacts bytes that come in pieces.
#[derive(Debug)]
pub struct RedactingBytes {
    redactor: Arc<Redactor>,
    stages: Stages,
}

/// What a text goes through: values that are known, then rules; first as it is, then as it reads without its colours.
#[derive(Debug, Default)]
struct Stages {
    known: Stage,
    rules: Stage,
    coloured_known: Coloured,
    coloured_rules: Coloured,
}

impl RedactingBytes {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, stages: Stages::default() }
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
        self.stages = Stages::default();
        rest
    }

    fn take(&mut self, piece: &[u8], is_last: bool) -> Vec<u8> {
        let (stages, known) = (&mut self.stages, &self.redactor.known);
        let mut passed = piece.to_vec();
        if !known.is_empty() {
            passed = stages.known.take(known, &passed, is_last);
        }
        passed = stages.rules.take(&Rules, &passed, is_last);
        if !known.is_empty() {
            passed = stages.coloured_known.take(known, &passed, is_last);
        }
        stages.coloured_rules.take(&Rules, &passed, is_last)
    }
}

/// Takes out of a whole text what only reads as a secret without the codes that colour it.
pub(super) fn redact_coloured(finder: &impl Finder, bytes: &[u8]) -> Vec<u8> {
    Coloured::default().take(finder, bytes, true)
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

/// One finder over text without its codes, which stay where they stand; those within a find go with it.
#[derive(Debug, Default)]
struct Coloured {
    splitter: Splitter,
    stage: Stage,
}

impl Coloured {
    fn take(&mut self, finder: &impl Finder, piece: &[u8], is_last: bool) -> Vec<u8> {
        let Stage { buffer, codes, .. } = &mut self.stage;
        self.splitter.take(piece, buffer, codes);
        if is_last {
            self.splitter.finish(buffer);
        }
        self.stage.decide(finder, is_last)
    }
}

/// One finder over what comes.
#[derive(Debug, Default)]
struct Stage {
    /// What is not decided, after at most [`CONTEXT`] bytes of what was decided last.
    buffer: Vec<u8>,
    /// What was left out of it, by places in it; bounded by the text that holds it back.
    codes: Codes,
    /// Where in it the undecided begins.
    decided: usize,
    /// The length at which looking again is worth it: what is held back is looked at a few times, not at every piece.
    worth_it: usize,
}

impl Stage {
    fn take(&mut self, finder: &impl Finder, piece: &[u8], is_last: bool) -> Vec<u8> {
        self.buffer.extend_from_slice(piece);
        self.decide(finder, is_last)
    }

    fn decide(&mut self, finder: &impl Finder, is_last: bool) -> Vec<u8> {
        let mut written = Vec::new();
        if !is_last && self.buffer.len() < self.worth_it {
            return written;
        }
        let text = Text { bytes: &self.buffer, is_whole: is_last };
        let pass = scan::pass(finder, text, self.decided, 0);
        written.reserve(pass.decided - self.decided);
        let mut copied = self.decided;
        for find in &pass.finds {
            self.write(copied..find.range.start, &mut written);
            written.extend_from_slice(find.kind.placeholder().as_bytes());
            copied = find.range.end;
            while self.codes.pop_front_if(|(at, _)| *at < copied).is_some() {}
        }
        self.write(copied..pass.decided, &mut written);
        // After a find words begin anew.
        let last_find = pass.finds.last().map_or(0, |find| find.range.end);
        let kept = pass.decided.saturating_sub(CONTEXT).max(last_find);
        self.buffer.drain(..kept);
        self.codes.iter_mut().for_each(|(at, _)| *at -= kept);
        self.decided = pass.decided - kept;
        let held_back = self.buffer.len() - self.decided;
        self.worth_it = self.buffer.len() + held_back / 4;
        written
    }

    /// Writes a part of the buffer, with the codes that stand in it.
    fn write(&mut self, part: Range<usize>, written: &mut Vec<u8>) {
        let mut copied = part.start;
        while let Some((at, code)) = self.codes.pop_front_if(|(at, _)| *at <= part.end) {
            written.extend_from_slice(self.buffer.get(copied..at).unwrap_or_default());
            written.extend_from_slice(&code);
            copied = at;
        }
        written.extend_from_slice(self.buffer.get(copied..part.end).unwrap_or_default());
    }
}
