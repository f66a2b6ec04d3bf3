//! Private keys between their markers, as files hold them and as JSON quotes them (`\n` for a line break).

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
        Some(Has::Yes) => Some(key.len() + end.len()),
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

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
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
        let rest = bytes.get(at..).unwrap_or_default();
        let (line, length) = next_line(rest);
        let word = last_word(line);
        if word.len() >= SHORTEST_LINE {
            end = Some(at + line.len());
        } else if end.is_some() {
            // The last line of a key is shorter; where the key was cut off, it may be any word.
            return end.map(|end| if word.is_empty() { end } else { at + line.len() });
        } else if at > 0 && !line.is_empty() && !line.contains(&b':') {
            return None;
        }
        at += length;
    }
    end
}

/// A line, and its length with its end: a line break, or one written as `\n`.
fn next_line(bytes: &[u8]) -> (&[u8], usize) {
    let plain = bytes.iter().position(|byte| *byte == b'\n').map(|at| (at, 1));
    let escaped = position(bytes, br"\n").map(|at| (at, 2));
    let first = match (plain, escaped) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let (end, length) = first.unwrap_or((bytes.len(), 0));
    (bytes.get(..end).unwrap_or_default(), end + length)
}

/// The base64 at the end of a line; numbers of lines and names of files may stand before it.
fn last_word(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_end();
    let begin = line.iter().rposition(|byte| !is_base64(*byte)).map_or(0, |at| at + 1);
    line.get(begin..).unwrap_or_default()
}
