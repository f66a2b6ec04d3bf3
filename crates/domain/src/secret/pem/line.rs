//! One line of a private key, whatever holds it: a number that counts it, a comment's sign, the quotes of a string.
//!
//! Around the digits of a line stand signs alone, never words: what is taken out with a key says nothing else.

use super::SHORTEST_LINE;

/// The most signs before the digits of a line: indentation counts as none.
const MOST_MARKS: usize = 32;

/// What a line between the markers of a key can be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    Blank,
    /// Signs alone: what is left of a string's end, or of an empty comment.
    Marks,
    /// `Proc-Type: 4,ENCRYPTED`.
    Header,
    /// Base64, whatever counts or quotes the line.
    Digits(&'t [u8]),
    Other,
}

pub(super) fn kind_of(line: &[u8]) -> Line<'_> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Line::Blank;
    }
    let line = without_last_marks(line);
    let word = last_word(line);
    let before = line.get(..line.len() - word.len()).unwrap_or_default();
    if line.iter().all(|byte| is_mark(*byte) || byte.is_ascii_whitespace()) {
        Line::Marks
    } else if !word.is_empty() && leads_line(before) {
        Line::Digits(word)
    } else if is_header(without_first_marks(line)) {
        Line::Header
    } else {
        Line::Other
    }
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// What programs put before a line: nothing, a number, a file's name and a number (`key.pem:12:`), and then the signs
/// of a diff, a comment, a string or a list.
pub(super) fn leads_line(before: &[u8]) -> bool {
    let mut rest = before;
    for _ in 0..MOST_MARKS {
        if counts_lines(rest) || counts_lines(rest.trim_ascii_end()) {
            return true;
        }
        match rest.trim_ascii_end().split_last() {
            Some((last, shorter)) if is_mark(*last) => rest = shorter,
            _ => return false,
        }
    }
    false
}

fn counts_lines(before: &[u8]) -> bool {
    let is_number = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let place = before.strip_suffix(b":").or_else(|| before.strip_suffix(b"-"));
    let digits = place.map(|place| place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count());
    is_number(before.trim_ascii()) || digits.is_some_and(|digits| digits > 0)
}

/// Signs of comments, diffs, quotes, strings and lists; `$` ends the lines of `cat -A`.
fn is_mark(byte: u8) -> bool {
    b"\"'`#*/>,;+-[]\\$|".contains(&byte)
}

/// The line without the signs behind its digits; those that are base64, too, belong to the digits before them.
fn without_last_marks(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"^M$").unwrap_or(line);
    loop {
        line = line.trim_ascii_end();
        let word = last_word(line);
        let marks = match line.last() {
            Some(last) if word.is_empty() && is_mark(*last) => 1,
            _ if !word.iter().any(u8::is_ascii_alphanumeric) => word.len(),
            _ => 0,
        };
        if marks == 0 {
            return line;
        }
        line = line.get(..line.len() - marks).unwrap_or_default();
    }
}

fn without_first_marks(line: &[u8]) -> &[u8] {
    let begin = line.iter().position(|byte| !is_mark(*byte) && !byte.is_ascii_whitespace());
    line.get(begin.unwrap_or(line.len())..).unwrap_or_default()
}

fn is_header(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = line.split_at(colon);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" ,.:/+=_-@".contains(byte);
    !name.is_empty() && name.iter().all(is_letter) && value.iter().all(is_plain)
}

/// A line, and its length with its end: a line break, or one written as `\n`, `\r` or `\r\n`. A line also ends where
/// digits do that a quote or a backslash follows, or enough digits for a line: so lists and lines joined by blanks are read, too.
pub(super) fn next_line(bytes: &[u8]) -> (&[u8], usize) {
    let mut digits = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let here = bytes.get(at..).unwrap_or_default();
        let length = match here {
            [b'\n', ..] => 1,
            [b'\\', b'r', b'\\', b'n', ..] => 4,
            [b'\\', b'n' | b'r', ..] => 2,
            _ => 0,
        };
        let is_end = match byte {
            b'"' | b'\'' | b'`' | b'\\' => digits > 0,
            b' ' | b'\t' | b',' => digits >= SHORTEST_LINE,
            _ => false,
        };
        if length > 0 || is_end {
            return (bytes.get(..at).unwrap_or_default(), at + length);
        }
        digits = if is_base64(*byte) { digits + 1 } else { 0 };
    }
    (bytes, bytes.len())
}

/// The base64 at the end of a line; numbers of lines and names of files may stand before it.
fn last_word(line: &[u8]) -> &[u8] {
    let begin = line.iter().rposition(|byte| !is_base64(*byte)).map_or(0, |at| at + 1);
    line.get(begin..).unwrap_or_default()
}
