//! The short form: seeds and mutations of them, the same ones at every run.

use std::{fs, path::Path};

use crate::Target;

/// The most bytes of a mutated input.
const LONGEST: usize = 8 << 10;

/// Runs a target over the files of `seeds` and [`Target::mutations`] mutations of them.
///
/// # Panics
/// Where the target does, and where there are no seeds. The input then stands on standard error.
pub(crate) fn run_briefly(target: Target, seeds: &Path) {
    let mut files: Vec<_> = fs::read_dir(seeds)
        .unwrap_or_else(|error| panic!("{}: {error}", seeds.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).expect("a seed")).collect();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    for seed in &seeds {
        try_input(target, seed);
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..target.mutations {
        let mut input = random.one_of(&seeds).clone();
        for _ in 0..=random.below(4) {
            random.mutate(&mut input, &seeds);
        }
        try_input(target, &input);
    }
}

fn try_input(target: Target, input: &[u8]) {
    /// Says which input it was, where the target panics.
    struct Said<'i>(&'static str, &'i [u8]);
    impl Drop for Said<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{} fails for b\"{}\"", self.0, self.1.escape_ascii());
            }
        }
    }
    let _said = Said(target.name, input);
    (target.check)(input);
}

/// What breaks readers: ends, marks and signs of every kind.
const TOKENS: [&[u8]; 28] = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\x1b[",
    b"\x1b]",
    b"\xff",
    b"\xEF\xBB\xBF",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"../",
    b"/",
    b"$(",
    b"`",
    b"#",
    b"=",
    b"null",
    b"-1",
    b"1e999",
    "한글".as_bytes(),
    "\u{202e}👩‍👩‍👧".as_bytes(),
];

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From 0, below `end`; 0 where `end` is.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("64 bits").max(1);
        usize::try_from((self.next() >> 16) % end).expect("it is below `end`")
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A part of `bytes`, often short.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let from = self.below(bytes.len() + 1);
        let longest = (bytes.len() - from).min(1 << self.below(8));
        let length = self.below(longest + 1);
        from..from + length
    }

    fn mutate(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(6) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => {
                let token = *self.one_of(&TOKENS);
                input.splice(at..at, token.iter().copied());
            }
            2 => {
                let gone = self.range(input);
                input.drain(gone);
            }
            3 => {
                let again = self.range(input);
                let again = input[again].repeat(1 + self.below(4));
                input.splice(at..at, again);
            }
            4 => {
                let other = self.one_of(seeds);
                let part = self.range(other);
                input.splice(at..at, other[part].iter().copied());
            }
            _ => {
                let gone = self.range(input);
                let token = *self.one_of(&TOKENS);
                input.splice(gone, token.iter().copied());
            }
        }
        input.truncate(LONGEST);
    }
}
