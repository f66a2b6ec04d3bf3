//! Signatures over thoughts. They are computed, not remembered, so that a server started anew still knows what
//! its predecessor signed.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A signature over `text` that begins with `label`.
pub(super) fn sign(label: &str, text: &str) -> String {
    format!("{label}.{:016x}", digest(label, text))
}

/// Whether `signature` was given for exactly this text.
pub(super) fn is_genuine(signature: &str, text: &str) -> bool {
    signature.rsplit_once('.').is_some_and(|(label, _)| sign(label, text) == signature)
}

fn digest(label: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    ("mock-messages", label, text).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_its_own_text_only() {
        let signature = sign("sig.1", "생각");
        assert!(is_genuine(&signature, "생각"));
        assert!(!is_genuine(&signature, "생각!"));
        assert!(!is_genuine("sig.1", "생각"));
        assert!(!is_genuine("", ""));
    }
}
