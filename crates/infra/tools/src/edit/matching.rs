//! Finding a text in a file's bytes and replacing it there.
//!
//! Models write `\n`, files may hold CRLF, even in places only. So the text is looked for in the file without the
//! carriage returns of its line ends, and what is found is traced back to the file's own bytes. Bytes that are no
//! UTF-8 stand in nobody's way.

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

use crate::text::count;

/// Where a text occurs.
pub(super) struct Matches {
    /// In the file's bytes; do not overlap.
    ranges: Vec<Range<usize>>,
    lines: Vec<u64>,
    /// How many there are if they may overlap: `aa` occurs twice in `aaa`.
    overlapping: usize,
}

impl Matches {
    /// Looks for `text`; its line ends match those of the file, whichever they are.
    pub(super) fn of(text: &str, content: &[u8]) -> Self {
        let plain = Plain::of(content);
        let wanted = text.replace("\r\n", "\n");
        let finder = memmem::Finder::new(wanted.as_bytes());
        let starts: Vec<usize> = finder.find_iter(&plain.bytes).collect();
        let lines = plain.line_numbers(&starts);
        let ranges: Vec<_> =
            starts.iter().map(|&start| plain.original(start)..plain.original(start + wanted.len())).collect();
        let overlapping = match starts.as_slice() {
            [first] => {
                let after = plain.bytes.get(first + 1..).unwrap_or_default();
                1 + usize::from(finder.find(after).is_some())
            }
            _ => starts.len(),
        };
        Self { ranges, lines, overlapping }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many can be replaced.
    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// How many there are, those that overlap another one included.
    pub(super) fn overlapping(&self) -> usize {
        self.overlapping
    }

    /// Whether it is unclear which one is meant.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.overlapping > 1
    }

    /// The lines in which they begin, from 1.
    pub(super) fn line_numbers(&self) -> &[u64] {
        &self.lines
    }
}

/// Bytes without the carriage returns of CRLF line ends.
struct Plain<'a> {
    bytes: Cow<'a, [u8]>,
    /// For each one that was taken out, the place of its newline in `bytes`; ascending.
    taken: Vec<usize>,
}

impl<'a> Plain<'a> {
    fn of(content: &'a [u8]) -> Self {
        let mut bytes = Vec::new();
        let mut taken = Vec::new();
        let mut kept_to = 0;
        for at in memmem::find_iter(content, b"\r\n") {
            bytes.extend_from_slice(content.get(kept_to..at).unwrap_or_default());
            taken.push(bytes.len());
            kept_to = at + 1;
        }
        if taken.is_empty() {
            return Self { bytes: Cow::Borrowed(content), taken };
        }
        bytes.extend_from_slice(content.get(kept_to..).unwrap_or_default());
        Self { bytes: Cow::Owned(bytes), taken }
    }

    /// The place in the file of a place in `bytes`: before the carriage return where that is a line's end.
    fn original(&self, at: usize) -> usize {
        at + self.taken.partition_point(|&newline| newline < at)
    }

    fn line_numbers(&self, starts: &[usize]) -> Vec<u64> {
        let (mut line, mut counted_to) = (1, 0);
        let number = |&start: &usize| {
            let passed = self.bytes.get(counted_to..start).unwrap_or_default();
            line += count(memchr::memchr_iter(b'\n', passed).count());
            counted_to = start;
            line
        };
        starts.iter().map(number).collect()
    }
}

/// The content with `text` in place of each match, in the line ends that stand there.
pub(super) fn replaced(content: &[u8], found: &Matches, text: &str) -> Vec<u8> {
    let text = text.replace("\r\n", "\n");
    let with_crlf = text.replace('\n', "\r\n");
    let mut edited = Vec::with_capacity(content.len().saturating_add(with_crlf.len()));
    let mut kept_to = 0;
    for range in &found.ranges {
        edited.extend_from_slice(content.get(kept_to..range.start).unwrap_or_default());
        let text = if has_crlf(content, range) { &with_crlf } else { &text };
        edited.extend_from_slice(text.as_bytes());
        kept_to = range.end;
    }
    edited.extend_from_slice(content.get(kept_to..).unwrap_or_default());
    edited
}

/// Whether lines end with CRLF at that place: the first line end from there on decides, else the last one before.
fn has_crlf(content: &[u8], range: &Range<usize>) -> bool {
    let (before, after) = content.split_at_checked(range.start).unwrap_or((content, &[]));
    let is_crlf = |text: &[u8], newline: usize| newline > 0 && text.get(newline - 1) == Some(&b'\r');
    match memchr::memchr(b'\n', after) {
        Some(newline) => is_crlf(after, newline),
        None => memchr::memrchr(b'\n', before).is_some_and(|newline| is_crlf(before, newline)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
        String::from_utf8_lossy(bytes).replace("\r\n", "\n").into_bytes()
    }

    proptest! {
        /// Line ends aside, it does what replacing in plain text does, and it makes no new kind of line end.
        #[test]
        fn replacing_is_replacing_whatever_the_line_ends(
            content in "(a|b|한|\n|\r\n){0,30}",
            old in "(a|b|한|\n){1,4}",
            new in "(a|c|\n){0,4}",
        ) {
            let edited = replaced(content.as_bytes(), &Matches::of(&old, content.as_bytes()), &new);
            let plain = content.replace("\r\n", "\n").replace(&old, &new);
            prop_assert_eq!(without_carriage_returns(&edited), plain.into_bytes());
            if !content.replace("\r\n", "").contains('\n') && content.contains('\n') {
                let lone = String::from_utf8_lossy(&edited).replace("\r\n", "").contains('\n');
                prop_assert!(!lone, "{:?}", String::from_utf8_lossy(&edited));
            }
        }
    }

    fn check(content: &str, old: &str, new: &str, expected: &str) {
        let found = Matches::of(old, content.as_bytes());
        assert!(!found.is_empty(), "{old:?} in {content:?}");
        let edited = replaced(content.as_bytes(), &found, new);
        assert_eq!(String::from_utf8_lossy(&edited), expected, "{old:?} -> {new:?} in {content:?}");
    }

    /// P10.
    #[test]
    fn line_ends_of_the_file_are_kept() {
        for (content, old, new, expected) in [
            ("a\nb\n", "a\nb", "c\nd\ne", "c\nd\ne\n"),
            ("a\r\nb\r\n", "a\nb", "c\nd\ne", "c\r\nd\r\ne\r\n"),
            ("a\r\nb\r\n", "a\r\nb", "c\r\nd", "c\r\nd\r\n"),
            ("a\r\nb\r\n", "a", "1\n2", "1\r\n2\r\nb\r\n"),
            ("a\r\nb", "b", "b\nc", "a\r\nb\r\nc"),
            ("a\r\nb\r\n", "\nb", "\nc", "a\r\nc\r\n"),
            ("a\r\nb\r\n", "a\n", "", "b\r\n"),
            ("a\r\nb\nc\r\n", "a\nb\nc", "x\ny", "x\r\ny\r\n"),
            ("a\nb\r\n", "a\nb", "x\ny", "x\ny\r\n"),
            ("a\rb\r\n", "a\rb", "c", "c\r\n"),
            ("no end", "end", "newline", "no newline"),
            ("\u{feff}one\r\n", "one", "two", "\u{feff}two\r\n"),
        ] {
            check(content, old, new, expected);
        }
    }

    #[test]
    fn matches_are_counted_with_their_lines() {
        let found = Matches::of("x", b"x\r\ny\r\nx x\n");
        assert_eq!((found.len(), found.line_numbers()), (3, &[1, 3, 3][..]));
        assert!(Matches::of("aa", b"aaa").is_ambiguous());
        assert!(!Matches::of("aa", b"aab").is_ambiguous());
        assert!(Matches::of("a", b"b").is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let content = b"\xc7\xd1\xb1\xdb = old\xff\n";
        let edited = replaced(content, &Matches::of("old", content), "새것");
        assert_eq!(edited, [b"\xc7\xd1\xb1\xdb = ", "새것".as_bytes(), b"\xff\n"].concat());
    }
}
