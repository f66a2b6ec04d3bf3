//! Private keys between their markers, as files hold them and as programs, comments and settings write them.
//!
//! Markers alone hide nothing: what stands between them is taken out as far as its lines are a key's ([`mod@line`]), so
//! that nobody can put other words there to keep them from a reader.

mod line;

use self::line::{Line, is_base64, kind_of, leads_line, next_line};
use super::{
    rules::SecretKind,
    scan::{Find, Has, Text, Verdict},
};

/// The most bytes of a key. A stream holds back as much, once the beginning of one has come.
const LONGEST: usize = 64 << 10;

/// The most bytes of a marker's label.
const LONGEST_LABEL: usize = 64;

/// Where the first line of a key stands, in bytes after its first marker: headers come before it.
const LONGEST_HEADERS: usize = 1024;

/// The fewest base64 digits on a line of a key. A marker in a program's source or in prose has none after it.
const SHORTEST_LINE: usize = 32;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Reads a key at its `-----BEGIN `: to the end of its last marker; without one, as long as lines look like a key's.
pub(super) fn read(text: Text<'_>, at: usize) -> Verdict {
    let label = at + BEGIN.len();
    let Some(length) = text.run(label, is_label, LONGEST_LABEL) else { return Verdict::Open };
    let body = label + length;
    match text.has(body, DASHES) {
        Has::Yes => {}
        Has::No => return Verdict::Nothing,
        Has::Open => return Verdict::Open,
    }
    let label = text.bytes.get(label..body).unwrap_or_default();
    if !(label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK")) {
        return Verdict::Nothing;
    }
    let body = body + DASHES.len();
    let here = text.from(body);
    let near = here.get(..LONGEST).unwrap_or(here);
    let is_cut = near.len() < LONGEST && !text.is_whole;
    let marker = position(near, DASHES);
    let key = near.get(..marker.unwrap_or(near.len())).unwrap_or_default();
    if !holds_line(key.get(..LONGEST_HEADERS).unwrap_or(key)) {
        let may_come = is_cut && marker.is_none() && key.len() < LONGEST_HEADERS;
        return if may_come { Verdict::Open } else { Verdict::Nothing };
    }
    let end = [END, label, DASHES].concat();
    let length = match marker.map(|marker| text.has(body + marker, &end)) {
        Some(Has::Yes) if is_body(key) => Some(key.len() + end.len()),
        Some(Has::Yes) => length_of_lines(key),
        Some(Has::Open) => return Verdict::Open,
        None if is_cut => return Verdict::Open,
        Some(Has::No) | None => length_of_lines(key),
    };
    match length {
        Some(length) => Verdict::Secret(Find { range: at..body + length, kind: SecretKind::PrivateKey }),
        None => Verdict::Nothing,
    }
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
}

/// The first place of `word` in `bytes`.
fn position(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

/// Whether a line's worth of base64 stands in it.
fn holds_line(bytes: &[u8]) -> bool {
    bytes.split(|byte| !is_base64(*byte)).any(|run| run.len() >= SHORTEST_LINE)
}

/// How far lines of a key go that lacks its last marker: headers and lines of base64, the first shorter one included.
/// None where no line is a key's.
fn length_of_lines(bytes: &[u8]) -> Option<usize> {
    let mut end = None;
    let mut at = 0;
    while at < bytes.len() {
        let (line, length) = next_line(bytes.get(at..).unwrap_or_default());
        match kind_of(line) {
            Line::Digits(digits) if digits.len() >= SHORTEST_LINE => end = Some(at + end_of(digits, line)),
            // The last line of a key is shorter; where the key was cut off, it may be any word.
            Line::Digits(digits) if end.is_some() => return Some(at + end_of(digits, line)),
            Line::Blank | Line::Header if end.is_none() => {}
            Line::Marks => {}
            _ => return end,
        }
        at += length.max(1);
    }
    end
}

/// Where in its line a word ends that only marks and blanks follow.
fn end_of(word: &[u8], line: &[u8]) -> usize {
    let last = word.last().and_then(|last| line.iter().rposition(|byte| byte == last));
    last.map_or(line.len(), |last| last + 1)
}

/// Whether everything between two markers is a key's: headers, lines of base64 of which only the last is short, and a
/// checksum (RFC 9580 section 6.1).
fn is_body(bytes: &[u8]) -> bool {
    let (mut begun, mut ended) = (false, false);
    let mut at = 0;
    while at < bytes.len() {
        let (line, length) = next_line(bytes.get(at..).unwrap_or_default());
        let is_of_marker = at + line.len() == bytes.len();
        match kind_of(line) {
            Line::Blank | Line::Marks => {}
            // What stands before the last marker, on its own line.
            _ if is_of_marker && leads_line(line) => {}
            Line::Header if !begun => {}
            Line::Digits(digits) if !ended => {
                begun = true;
                ended = digits.len() < SHORTEST_LINE;
            }
            // The checksum of an armoured key.
            Line::Digits([b'=', _, _, _, _]) => {}
            _ => return false,
        }
        at += length.max(1);
    }
    begun
}
