//! Text as a person reads it: without the codes that colour it (`ESC [ … m` and its like, ECMA-48 section 5.4).
//!
//! `grep --color` and other highlighters put codes into the middle of a token, where no rule would know it any more.

use std::collections::VecDeque;

/// The most bytes of a code; true colours of letters and ground take 36.
const LONGEST: usize = 40;
/// The most codes in a row that are left out; further ones are read as letters. With [`LONGEST`] it bounds what is
/// held back with an undecided token.
const MOST_IN_A_ROW: usize = 4;

const ESCAPE: u8 = 0x1b;

/// Codes that were left out: each with the place in the text before which it stood.
pub(super) type Codes = VecDeque<(usize, Box<[u8]>)>;

/// Whether there can be a code in it.
pub(super) fn may_hold_codes(bytes: &[u8]) -> bool {
    bytes.contains(&ESCAPE)
}

/// The bytes without their codes.
pub(super) fn without_codes(bytes: &[u8]) -> Vec<u8> {
    let (mut text, mut codes) = (Vec::with_capacity(bytes.len()), Codes::new());
    let mut splitter = Splitter::default();
    splitter.take(bytes, &mut text, &mut codes);
    splitter.finish(&mut text);
    text
}

/// Tells codes from text, however both come in pieces.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// The beginning of what may be a code.
    begun: Vec<u8>,
    /// Codes since the last letter.
    in_a_row: usize,
}

impl Splitter {
    /// Adds a piece's letters to `text` and its codes to `codes`.
    pub(super) fn take(&mut self, piece: &[u8], text: &mut Vec<u8>, codes: &mut Codes) {
        for byte in piece {
            if self.begun.is_empty() && *byte != ESCAPE {
                self.in_a_row = 0;
                text.push(*byte);
                continue;
            }
            if *byte == ESCAPE || self.begun.len() >= LONGEST {
                self.finish(text);
            }
            match (self.begun.len(), byte) {
                (0, &ESCAPE) | (1, b'[') | (2.., 0x20..=0x3f) => self.begun.push(*byte),
                (2.., 0x40..=0x7e) => {
                    self.begun.push(*byte);
                    self.in_a_row += 1;
                    let code = std::mem::take(&mut self.begun);
                    if self.in_a_row > MOST_IN_A_ROW {
                        text.extend(code);
                    } else {
                        codes.push_back((text.len(), code.into_boxed_slice()));
                    }
                }
                _ => {
                    self.finish(text);
                    text.push(*byte);
                }
            }
        }
    }

    /// What had begun is no code.
    pub(super) fn finish(&mut self, text: &mut Vec<u8>) {
        if !self.begun.is_empty() {
            self.in_a_row = 0;
            text.append(&mut self.begun);
        }
    }
}
