//! Where a secret cannot begin: three bytes decide, for nearly every place of an ordinary text.

use super::scan::Text;

/// A set of beginnings, three bytes each. Says yes for each of them, and seldom for others.
#[derive(Clone)]
pub(super) struct Filter {
    /// By a hash of all three bytes; a whole byte each, because looking at bits takes longer.
    threes: [bool; SLOTS],
    /// By the first two, for the end of a text: a bit each.
    twos: [u64; 1024],
    /// By the first, for the last byte of a text.
    ones: [bool; 256],
}

/// How many hashes there are: some hundred beginnings fill a few in a hundred.
const SLOTS: usize = 1 << HASH_BITS;
const HASH_BITS: u32 = 14;

impl Filter {
    /// Knows no beginning.
    pub(super) const fn new() -> Self {
        Self { threes: [false; SLOTS], twos: [0; 1024], ones: [false; 256] }
    }

    /// Takes the beginning of a word. Words of less than three bytes have none.
    #[expect(
        clippy::indexing_slicing,
        reason = "a hash is below SLOTS, a pair below 65,536, a byte below 256"
    )]
    pub(super) const fn add(&mut self, word: &[u8]) {
        let [a, b, c, ..] = *word else { return };
        let two = pair(a, b);
        self.threes[hash(u32::from_le_bytes([a, b, c, 0]))] = true;
        self.twos[two / 64] |= 1 << (two % 64);
        self.ones[a as usize] = true;
    }

    /// The first place from `from` on where a word may begin; in a text that may grow, also where the text ends in
    /// the middle of a beginning.
    pub(super) fn next(&self, text: Text<'_>, from: usize) -> Option<usize> {
        let mut here = text.from(from);
        // Eight places at once: where none of them is a beginning, one question is enough.
        while let Some((eight, _)) = here.split_first_chunk::<11>() {
            if self.may_begin_in(eight) {
                break;
            }
            here = here.get(8..).unwrap_or_default();
        }
        let from = text.bytes.len() - here.len();
        let found = here.windows(4).position(|four| match *four {
            [a, b, c, d] => self.may_begin(u32::from_le_bytes([a, b, c, d])),
            _ => false,
        });
        if let Some(found) = found {
            return Some(from + found);
        }
        match *here {
            [.., a, b, c] if self.may_begin(u32::from_le_bytes([a, b, c, 0])) => Some(text.bytes.len() - 3),
            _ if text.is_whole => None,
            [.., a, b] if self.may_be_cut(a, b) => Some(text.bytes.len() - 2),
            [.., a] if self.ones.get(usize::from(a)) == Some(&true) => Some(text.bytes.len() - 1),
            _ => None,
        }
    }

    /// Whether a word may begin at one of the first eight bytes.
    fn may_begin_in(&self, bytes: &[u8; 11]) -> bool {
        let [a, b, c, d, e, f, g, h, i, j, k] = *bytes;
        let lower = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let upper = u64::from_le_bytes([d, e, f, g, h, i, j, k]);
        #[expect(clippy::cast_possible_truncation, reason = "the lower three bytes are meant")]
        let at = |bytes: u64, place: u32| self.may_begin((bytes >> (8 * place)) as u32);
        at(lower, 0)
            | at(lower, 1)
            | at(lower, 2)
            | at(lower, 3)
            | at(lower, 4)
            | at(upper, 2)
            | at(upper, 3)
            | at(upper, 4)
    }

    /// Whether a word may begin with the lower three of these bytes.
    fn may_begin(&self, bytes: u32) -> bool {
        self.threes.get(hash(bytes)) == Some(&true)
    }

    fn may_be_cut(&self, a: u8, b: u8) -> bool {
        let two = pair(a, b);
        self.twos.get(two / 64).is_some_and(|word| word >> (two % 64) & 1 == 1)
    }
}

/// Fibonacci hashing of the lower three bytes: the upper bits of the product depend on all of them.
const fn hash(bytes: u32) -> usize {
    ((bytes << 8).wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize
}

const fn pair(a: u8, b: u8) -> usize {
    a as usize | (b as usize) << 8
}
