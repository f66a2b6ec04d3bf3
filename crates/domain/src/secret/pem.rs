//! Private keys between their markers, as files hold them and as JSON quotes them (`\n` for a line break).
//!
//! Markers alone hide nothing: what stands between them is taken out as far as its lines are a key's, so that nobody
//! can put other words there to keep them from a reader.

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
        // A quote ends the text that holds the key.
        let quote = line.iter().position(|byte| matches!(byte, b'"' | b'\''));
        let line = line.get(..quote.unwrap_or(line.len())).unwrap_or_default();
        match kind_of(line) {
            Line::Digits { count } if count >= SHORTEST_LINE => end = Some(at + line.len()),
            // The last line of a key is shorter; where the key was cut off, it may be any word.
            Line::Digits { .. } if end.is_some() => return Some(at + line.len()),
            Line::Blank | Line::Header if end.is_none() => {}
            _ if at == 0 => {}
            _ => return end,
        }
        if quote.is_some() {
            return end;
        }
        at += length;
    }
    end
}

/// Whether everything between two markers is a key's: headers, lines of base64 of which only the last is short, and a
/// checksum (RFC 9580 section 6.1).
fn is_body(bytes: &[u8]) -> bool {
    let (mut begun, mut ended) = (false, false);
    let mut at = 0;
    while at < bytes.len() {
        let (line, length) = next_line(bytes.get(at..).unwrap_or_default());
        let is_of_marker = line.len() == length;
        match kind_of(line) {
            Line::Blank => {}
            // What stands before the last marker, on its own line.
            _ if is_of_marker && counts_lines(line) => {}
            Line::Header if !begun => {}
            Line::Digits { count } if !ended => {
                begun = true;
                ended = count < SHORTEST_LINE;
            }
            // The checksum of an armoured key.
            Line::Digits { count: 5 } if last_word(line).starts_with(b"=") => {}
            _ => return false,
        }
        at += length.max(1);
    }
    begun
}

/// What a line between the markers of a key can be.
enum Line {
    Blank,
    /// `Proc-Type: 4,ENCRYPTED`.
    Header,
    /// So many digits of base64, whatever counts the line before them.
    Digits {
        count: usize,
    },
    Other,
}

fn kind_of(line: &[u8]) -> Line {
    let line = line.trim_ascii();
    let word = last_word(line);
    let before = line.get(..line.len() - word.len()).unwrap_or_default();
    if line.is_empty() {
        Line::Blank
    } else if !word.is_empty() && counts_lines(before) {
        Line::Digits { count: word.len() }
    } else if is_header(line) {
        Line::Header
    } else {
        Line::Other
    }
}

/// What programs put before a line: nothing, a number, a sign of a diff, a file's name and a number (`key.pem:12:`).
fn counts_lines(before: &[u8]) -> bool {
    let is_number = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let place = before.strip_suffix(b":").or_else(|| before.strip_suffix(b"-"));
    let digits = place.map(|place| place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count());
    is_number(before.trim_ascii()) || matches!(before, b"+" | b"-") || digits.is_some_and(|digits| digits > 0)
}

fn is_header(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = line.split_at(colon);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" ,.:/+=_-@".contains(byte);
    !name.is_empty() && name.iter().all(is_letter) && value.iter().all(is_plain)
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
