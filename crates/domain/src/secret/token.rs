//! Credentials in one word: a vendor's prefix, then letters and digits.

use super::{
    rules::SecretKind,
    scan::{Find, Has, Text, Verdict},
};

/// The most bytes of one piece of a token; longer ones do not exist, and a stream waits for no more.
const LONGEST: usize = 8192;

/// Needs of a token: at least one digit, one capital letter, one small letter.
pub(super) const DIGIT: u8 = 1;
pub(super) const UPPER: u8 = 2;
pub(super) const LOWER: u8 = 4;

pub(super) fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub(super) fn is_upper_or_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// How many characters follow the prefix, up to the first that does not belong to a token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Exactly(usize),
    AtLeast(usize),
}

/// A vendor's token.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: SecretKind,
    pub(super) prefix: &'static str,
    /// What the rest is made of.
    pub(super) class: fn(u8) -> bool,
    pub(super) length: Length,
    /// What the rest holds at least one of.
    pub(super) needs: u8,
}

impl Token {
    /// Reads on at a place where the prefix stands.
    pub(super) fn read(&self, text: Text<'_>, at: usize, before: &[u8]) -> Verdict {
        if !stands_alone(before) {
            return Verdict::Nothing;
        }
        let body = at + self.prefix.len();
        let Some(run) = text.run(body, self.class, LONGEST) else { return Verdict::Open };
        let end = body + run;
        let fits = match self.length {
            Length::Exactly(length) => run == length,
            Length::AtLeast(length) => run >= length,
        };
        if !fits || !self.has_needs(text.bytes.get(body..end).unwrap_or_default()) {
            return Verdict::Nothing;
        }
        Verdict::Secret(Find { range: at..end, kind: self.kind })
    }

    fn has_needs(&self, body: &[u8]) -> bool {
        let has = |need: u8, class: fn(&u8) -> bool| self.needs & need == 0 || body.iter().any(class);
        has(DIGIT, u8::is_ascii_digit)
            && has(UPPER, u8::is_ascii_uppercase)
            && has(LOWER, u8::is_ascii_lowercase)
    }
}

/// Reads a JSON token at its `eyJ`: header, payload, and a signature where there is one.
pub(super) fn read_jwt(text: Text<'_>, at: usize, before: &[u8]) -> Verdict {
    const BEGINNING: &[u8] = b".eyJ";
    /// The shortest header is `{"alg":"ES256"}`.
    const LEAST: usize = 12;
    if !stands_alone(before) {
        return Verdict::Nothing;
    }
    let Some(header) = text.run(at, is_base64url, LONGEST) else { return Verdict::Open };
    if header < LEAST {
        return Verdict::Nothing;
    }
    let payload = at + header;
    match text.has(payload, BEGINNING) {
        Has::Yes => {}
        Has::No => return Verdict::Nothing,
        Has::Open => return Verdict::Open,
    }
    let Some(length) = text.run(payload + 1, is_base64url, LONGEST) else { return Verdict::Open };
    if length < LEAST {
        return Verdict::Nothing;
    }
    let end = payload + 1 + length;
    let signed = match text.has(end, b".") {
        Has::No => 0,
        Has::Open => return Verdict::Open,
        Has::Yes => match text.run(end + 1, is_base64url, LONGEST) {
            None => return Verdict::Open,
            Some(0) => 0,
            Some(signature) => signature + 1,
        },
    };
    Verdict::Secret(Find { range: at..end + signed, kind: SecretKind::Jwt })
}

/// Whether a word may begin after `before`: not in the middle of one. The last letter of an escaped line break, of a
/// percent-encoded byte and of a colour code belongs to no word.
fn stands_alone(before: &[u8]) -> bool {
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [rest @ .., b'm' | b'K'] => {
            let is_code = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
            let code = rest.iter().rev().take_while(|byte| is_code(byte)).count();
            rest.iter().rev().nth(code) == Some(&b'[')
        }
        [.., last] => !last.is_ascii_alphanumeric(),
    }
}
