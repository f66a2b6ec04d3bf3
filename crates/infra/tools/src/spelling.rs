//! Unicode writes one text in several ways: `한` may be one character (NFC) or three (NFD, as macOS likes to
//! write names). Names and patterns are compared here as people read them; nothing is ever rewritten.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// The text in composed form (NFC); borrowed where it is so already.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// The text in decomposed form (NFD); borrowed where it is so already.
pub(crate) fn decomposed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        DecomposingNormalizerBorrowed::new_nfd().normalize(text)
    }
}

/// The name of a text's form, for people: ASCII and other texts that are the same in both forms have none.
pub(crate) fn form(text: &str) -> Option<&'static str> {
    if text.is_ascii() {
        return None;
    }
    let is_composed = ComposingNormalizerBorrowed::new_nfc().is_normalized(text);
    let is_decomposed = DecomposingNormalizerBorrowed::new_nfd().is_normalized(text);
    match (is_composed, is_decomposed) {
        (true, true) => None,
        (true, false) => Some("NFC, composed"),
        (false, true) => Some("NFD, decomposed"),
        (false, false) => Some("a mixture of NFC and NFD"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_hangul_compose_to_the_same_text() {
        let (composed_form, decomposed_form) = ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}");
        assert_eq!(composed(decomposed_form), composed_form);
        assert_eq!(form(composed_form), Some("NFC, composed"));
        assert_eq!(form(decomposed_form), Some("NFD, decomposed"));
        assert_eq!(form("ascii"), None);
    }
}
