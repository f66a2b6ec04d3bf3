//! Where a secret cannot begin: three bytes decide, for nearly every place of an ordinary text.

use super::scan::Text;

/// A set of beginnings, three bytes each. Says yes for each of them, and seldom for others.
#[derive(Clone)]
pub(super) struct Filter {
    /// By a hash of all three bytes.
    threes: [u64; WORDS],
    /// By the first two, for the end of a text.
    twos: [u64; WORDS],
    /// By the first, for the last byte of a text.
    ones: [u64; 4],
}

/// 65,536 bits.
const WORDS: usize = 1024;

impl Filter {
    /// Knows no beginning.
    pub(super) const fn new() -> Self {
        Self { threes: [0; WORDS], twos: [0; WORDS], ones: [0; 4] }
    }

    /// Takes the beginning of a word. Words of less than three bytes have none.
    #[expect(
        clippy::indexing_slicing,
        reason = "the index of a bit is below 65,536, that of a byte below 256"
    )]
    pub(super) const fn add(&mut self, word: &[u8]) {
        let [a, b, c, ..] = *word else { return };
        let (three, two) = (hash(a, b, c), pair(a, b));
        self.threes[three / 64] |= 1 << (three % 64);
        self.twos[two / 64] |= 1 << (two % 64);
        self.ones[a as usize / 64] |= 1 << (a as usize % 64);
    }

    /// The first place from `from` on where a word may begin; in a text that may grow, also where the text ends in
    /// the middle of a beginning.
    pub(super) fn next(&self, text: Text<'_>, from: usize) -> Option<usize> {
        let here = text.from(from);
        let found = here.windows(3).position(|three| match *three {
            [a, b, c] => bit(&self.threes, hash(a, b, c)),
            _ => false,
        });
        if let Some(found) = found {
            return Some(from + found);
        }
        if text.is_whole {
            return None;
        }
        match *here {
            [.., a, b] if bit(&self.twos, pair(a, b)) => Some(text.bytes.len() - 2),
            [.., a] if bit(&self.ones, a as usize) => Some(text.bytes.len() - 1),
            _ => None,
        }
    }
}

const fn hash(a: u8, b: u8, c: u8) -> usize {
    let three = a as u32 | (b as u32) << 8 | (c as u32) << 16;
    // Fibonacci hashing: the upper half of the product depends on all three bytes.
    (three.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

const fn pair(a: u8, b: u8) -> usize {
    a as usize | (b as usize) << 8
}

fn bit(set: &[u64], index: usize) -> bool {
    set.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
}
