//! However a text is split, what comes out is what the whole gives; and what was redacted stays as it is.

use std::sync::Arc;

use proptest::prelude::*;

use super::{in_pieces, knowing};
use crate::secret::{Redactor, find};

const LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

/// Pieces of secrets, whole secrets, and what may stand around them.
const WORDS: [&str; 46] = [
    "AKIAQ3EGRY6JQ7C2XQ4N",
    "AKIA",
    "Q3EGRY6JQ7C2XQ4N",
    "ghp_",
    "aB3dE6gH9kLmaB3dE6gH9kLmaB3dE6gH9kLm",
    "sk-",
    "sk-ant-",
    "eyJhbGciOiJIUzI1NiJ9",
    ".",
    "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    "-----BEGIN ",
    "RSA PRIVATE KEY",
    "-----",
    "-----END RSA PRIVATE KEY-----",
    "\n",
    "\\n",
    LINE,
    "://",
    "me:hush-hush",
    "@",
    "host",
    ":",
    "secret_access_key",
    " = ",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzzzzzzzKEY",
    "hush-hush",
    "hush-",
    "비밀열쇠비밀열쇠",
    "비밀열쇠",
    "\u{301}",
    "\u{200d}",
    "👨‍👩‍👧",
    "한",
    " ",
    "\u{1b}[31m",
    "m",
    "%3D",
    "xoxb-1234567890",
    "aHVzaC1odXN",
    "\", ",
    "\u{1b}[m\u{1b}[K",
    "\u{1b}",
    "[1;",
    "# ",
    "\\r\\n",
    "\"",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 0..12).prop_map(|words| words.concat())
}

/// The pieces between `cuts`, moved to the next character.
fn split<'t>(text: &'t str, cuts: &[prop::sample::Index]) -> Vec<&'t str> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    at.iter_mut().for_each(|at| *at = text.ceil_char_boundary(*at));
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| text.get(pair[0]..pair[1]).expect("character boundaries")).collect()
}

fn redactor() -> Arc<Redactor> {
    Arc::new(knowing(["hush-hush", "비밀열쇠비밀열쇠", "hush-hush\nhush"]))
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    #[test]
    fn any_split_gives_what_the_whole_gives(
        text in text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let redactor = redactor();
        let whole = redactor.redact(&text).into_owned();
        prop_assert_eq!(in_pieces(&redactor, split(&text, &cuts)), whole.clone());
        let mut each = [0; 4];
        let mut stream = super::RedactingStream::new(Arc::clone(&redactor));
        let mut by_character: String = text.chars().map(|c| stream.push(c.encode_utf8(&mut each))).collect();
        by_character.push_str(&stream.finish());
        prop_assert_eq!(by_character, whole);
    }

    #[test]
    fn what_is_redacted_stays_as_it_is(text in text()) {
        let redactor = redactor();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once), once.as_str());
        prop_assert!(!once.contains("hush-hush") && !once.contains("비밀열쇠비밀열쇠"), "{}", once);
        prop_assert_eq!(find(&once), []);
    }

    #[test]
    fn any_text_at_all_keeps_what_is_no_secret(text in "\\PC{0,60}") {
        let redactor = Arc::new(Redactor::default());
        prop_assume!(find(&text).is_empty());
        prop_assert_eq!(redactor.redact(&text), text.as_str());
        prop_assert_eq!(in_pieces(&redactor, [text.as_str()]), text);
    }
}

#[test]
fn what_cannot_be_a_secret_is_not_held_back() {
    let mut stream = super::RedactingStream::new(redactor());
    assert_eq!(stream.push("컴파일 중… s"), "컴파일 중… ");
    assert_eq!(stream.push("k"), "");
    assert_eq!(stream.push("y\n"), "sky\n");
    assert_eq!(stream.push("token: ghp_aB3dE6gH9k"), "token: ");
    assert_eq!(stream.push("LmaB3dE6gH9kLmaB3dE6gH9kLm"), "");
    assert_eq!(stream.finish(), "[redacted:github-token]");
    assert_eq!(stream.push("again\n"), "again\n");
}

/// Codes of colour make what is held back longer, by no more than a factor.
#[test]
fn codes_without_end_are_not_held_back() {
    let mut stream = super::RedactingStream::new(redactor());
    assert_eq!(stream.push("AKIA"), "");
    let given: usize = (0..1000).map(|_| stream.push("\u{1b}[31m").len()).sum();
    assert!(given > 4900, "{given}");
    assert_eq!(stream.push("\u{1b}["), "");
    assert_eq!(stream.push(&"1".repeat(64)).len(), 66);
}

/// The most that is ever held back is a private key's length.
#[test]
fn what_is_held_back_is_bounded() {
    let mut stream = super::RedactingStream::new(redactor());
    let mut given = stream.push("-----BEGIN RSA PRIVATE KEY-----\n").len();
    let (mut taken, mut most) = (given, 0);
    for _ in 0..4000 {
        given += stream.push(LINE).len() + stream.push("\n").len();
        taken += LINE.len() + 1;
        most = most.max(taken - given);
    }
    assert!(given > 0 && most < 100 << 10, "{most} bytes were held back");
    let mut unended = super::RedactingStream::new(redactor());
    assert!(unended.push(&format!("https://me:{}", "x".repeat(4096))).len() > 4000);
}
