//! Values that are known to be secret, in the forms in which programs commonly write them.

use super::{
    Secret,
    filter::Filter,
    rules::SecretKind,
    scan::{Find, Finder, Has, Text, Verdict},
};

/// The fewest characters of a value that is looked for: a shorter one is a word of many texts, and taking it out
/// would tell more of it than it hides.
pub(super) const SHORTEST: usize = 8;

/// Words that people set as passwords and that are words of other texts, too.
const WORDS: [&str; 12] = [
    "anonymous",
    "changeit",
    "changeme",
    "changeme123",
    "development",
    "localhost",
    "mypassword",
    "password",
    "password123",
    "postgres",
    "postgresql",
    "production",
];

/// The values in all their forms.
#[derive(Clone)]
pub(super) struct Known {
    /// Sorted by their first three bytes, longer ones first.
    forms: Vec<Box<[u8]>>,
    filter: Box<Filter>,
}

impl Known {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let fit = secrets.iter().map(Secret::reveal).filter(|value| is_fit(value));
        let mut forms: Vec<Box<[u8]>> =
            fit.flat_map(forms).map(String::into_bytes).map(Vec::into_boxed_slice).collect();
        forms.sort_unstable_by(|one, other| {
            beginning(one).cmp(beginning(other)).then(other.len().cmp(&one.len())).then(one.cmp(other))
        });
        forms.dedup();
        let mut filter = Box::new(Filter::new());
        for form in &forms {
            filter.add(form);
        }
        Self { forms, filter }
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The first three bytes of every form, for a filter of more than them.
    pub(super) fn add_to(&self, filter: &mut Filter) {
        for form in &self.forms {
            filter.add(form);
        }
    }
}

impl Finder for Known {
    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn at(&self, text: Text<'_>, at: usize, _before: &[u8]) -> Verdict {
        let here = beginning(text.from(at));
        // A text that may grow can end within a beginning, so all forms are asked then.
        let first =
            if here.len() < 3 { 0 } else { self.forms.partition_point(|form| beginning(form) < here) };
        let candidates = self.forms.get(first..).unwrap_or_default();
        let mut longest: Option<usize> = None;
        for form in candidates.iter().take_while(|form| here.len() < 3 || beginning(form) == here) {
            match text.has(at, form) {
                Has::No => {}
                Has::Open => return Verdict::Open,
                Has::Yes => longest = longest.max(Some(form.len())),
            }
        }
        match longest {
            Some(length) => Verdict::Secret(Find { range: at..at + length, kind: SecretKind::Known }),
            None => Verdict::Nothing,
        }
    }
}

fn beginning(bytes: &[u8]) -> &[u8] {
    bytes.get(..3).unwrap_or(bytes)
}

/// Whether a value can be taken out of texts without mangling them.
fn is_fit(value: &str) -> bool {
    let is_our_own = SecretKind::ALL.iter().any(|kind| kind.placeholder().contains(value));
    value.chars().count() >= SHORTEST
        && !is_our_own
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// A value as it is, as JSON writes it (within a JSON text in a JSON text, too), as URLs write it, and in base64.
fn forms(value: &str) -> Vec<String> {
    let in_json = json(value);
    let mut forms =
        vec![value.to_owned(), ascii(&in_json), json(&in_json), percent(value, false), percent(value, true)];
    forms.push(in_json);
    for skipped in 0..3 {
        let standard = base64(value.as_bytes(), skipped);
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    forms
}

/// As a JSON string, without its quotes.
fn json(text: &str) -> String {
    // A string always has a JSON form.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// JSON text in ASCII alone.
fn ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some(character) if character.is_ascii() => ascii.push(character),
            _ => ascii.push_str(&format!("\\u{unit:04x}")),
        }
    }
    ascii
}

/// As a part of a URL: everything but RFC 3986's unreserved characters is written as its bytes' numbers.
fn percent(text: &str, small: bool) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => written.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => written.push(byte.into()),
            _ if small => written.push_str(&format!("%{byte:02x}")),
            _ => written.push_str(&format!("%{byte:02X}")),
        }
    }
    written
}

/// The part of the base64 of any text with `bytes` in it that depends on nothing else, if a multiple of three bytes
/// and `skipped` more come before them.
fn base64(bytes: &[u8], skipped: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = (skipped + bytes.len()) * 8;
    let bit = |at: usize| {
        let byte =
            at.checked_div(8).and_then(|byte| byte.checked_sub(skipped)).and_then(|byte| bytes.get(byte));
        byte.map_or(0, |byte| byte >> (7 - at % 8) & 1)
    };
    let digit = |index: usize| (0..6).fold(0, |digit, at| digit << 1 | bit(index * 6 + at));
    let digits = (skipped * 8).div_ceil(6)..bits / 6;
    digits.filter_map(|index| DIGITS.get(usize::from(digit(index)))).map(|digit| char::from(*digit)).collect()
}
