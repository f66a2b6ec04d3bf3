//! Taking secrets out of texts. One type does it for everything that is written anywhere.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use super::{
    Secret, colour,
    filter::Filter,
    known::Known,
    rules::Rules,
    scan::{self, CONTEXT, Finder, Text, Verdict},
    stream,
};

/// Takes out of texts the values it knows and whatever has the form of a credential ([`super::find`]); in the place of
/// each stands `[redacted:<kind>]`.
///
/// A known value is also found as JSON and URLs write it, and in base64; both are found with the codes in them by which
/// programs colour what they show, and go with these. Values of less than eight characters, words
/// such as `postgres`, and words of the placeholders themselves are not looked for: texts would be mangled, and what
/// is missing would tell the value. What was redacted once stays as it is when it is redacted again.
#[derive(Clone)]
pub struct Redactor {
    pub(super) known: Known,
    /// Where anything can begin: of most texts, one look at each byte is all.
    any: Box<Filter>,
}

impl Redactor {
    /// Knows these values and every form of [`super::find`].
    #[must_use]
    pub fn new(secrets: Vec<Secret>) -> Self {
        let known = Known::new(&secrets);
        let mut any = Box::new(Rules.filter().clone());
        known.add_to(&mut any);
        Self { known, any }
    }

    /// The text without secrets.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Finds begin and end between characters.
            Cow::Owned(bytes) => Cow::Owned(into_text(bytes)),
        }
    }

    /// The bytes without secrets; they need not be text.
    #[must_use]
    pub fn redact_bytes<'t>(&self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        if self.is_clean(bytes) {
            return Cow::Borrowed(bytes);
        }
        let mut bytes = Cow::Borrowed(bytes);
        if !self.known.is_empty() {
            bytes = replaced(&self.known, &bytes).map_or(bytes, Cow::Owned);
        }
        bytes = replaced(&Rules, &bytes).map_or(bytes, Cow::Owned);
        if colour::may_hold_codes(&bytes) {
            bytes = Cow::Owned(stream::redact_coloured(&self.known, &bytes));
            bytes = Cow::Owned(stream::redact_coloured(&Rules, &bytes));
        }
        bytes
    }

    /// Whether nothing is found, which is so of nearly every text: one look at each byte is enough to know it.
    pub(super) fn is_clean(&self, bytes: &[u8]) -> bool {
        self.is_clean_as_it_stands(bytes)
            && (!colour::may_hold_codes(bytes) || self.is_clean_as_it_stands(&colour::without_codes(bytes)))
    }

    fn is_clean_as_it_stands(&self, bytes: &[u8]) -> bool {
        let text = Text::whole(bytes);
        let mut from = 0;
        while let Some(at) = self.any.next(text, from) {
            let before = bytes.get(at.saturating_sub(CONTEXT)..at).unwrap_or_default();
            let finds = |verdict| matches!(verdict, Verdict::Secret(_));
            if finds(self.known.at(text, at, before)) || finds(Rules.at(text, at, before)) {
                return false;
            }
            from = at + 1;
        }
        true
    }

    /// Takes secrets out of a text in place; says whether there were any.
    pub fn redact_in(&self, text: &mut String) -> bool {
        match self.redact(text) {
            Cow::Borrowed(_) => false,
            Cow::Owned(redacted) => {
                *text = redacted;
                true
            }
        }
    }

    /// Takes secrets out of every string of a JSON value, names of fields included; says whether there were any.
    pub fn redact_value(&self, value: &mut Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
            Value::String(text) => self.redact_in(text),
            Value::Array(values) => {
                values.iter_mut().fold(false, |any, value| self.redact_value(value) | any)
            }
            Value::Object(fields) => {
                let any = fields.values_mut().fold(false, |any, value| self.redact_value(value) | any);
                if fields.keys().all(|name| self.is_clean(name.as_bytes())) {
                    return any;
                }
                let named = std::mem::take(fields).into_iter();
                *fields = named.map(|(name, value)| (self.redact(&name).into_owned(), value)).collect();
                true
            }
        }
    }

    /// JSON text without secrets: still JSON where it was.
    #[must_use]
    pub fn redact_json<'t>(&self, json: &'t str) -> Cow<'t, str> {
        let Cow::Owned(redacted) = self.redact(json) else { return Cow::Borrowed(json) };
        let Ok(mut value) = serde_json::from_str::<Value>(json) else { return Cow::Owned(redacted) };
        self.redact_value(&mut value);
        Cow::Owned(value.to_string())
    }
}

impl Default for Redactor {
    /// Knows no value, only forms.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// The bytes with a placeholder for each find; none where there are no finds.
fn replaced(finder: &impl Finder, bytes: &[u8]) -> Option<Vec<u8>> {
    let pass = scan::pass(finder, Text::whole(bytes), 0, 0);
    if pass.finds.is_empty() {
        return None;
    }
    let mut written = Vec::with_capacity(bytes.len());
    let mut copied = 0;
    for find in pass.finds {
        written.extend_from_slice(bytes.get(copied..find.range.start).unwrap_or_default());
        written.extend_from_slice(find.kind.placeholder().as_bytes());
        copied = find.range.end;
    }
    written.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Some(written)
}

pub(super) fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
