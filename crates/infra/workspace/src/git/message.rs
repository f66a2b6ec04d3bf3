//! What a commit message may be: text of a bounded length, without what makes a terminal do things, and without secrets.

use domain::{
    secret,
    terminal::Sanitized,
    text,
    workspace::{CommitError, UnfitLine},
};

/// The longest message, in characters; the rest is cut off, and a line says so.
const LONGEST: usize = 10_000;

/// Cleans a message: control characters and what hides or turns text around become visible, line ends become one kind.
///
/// # Errors
/// Where nothing is left, or what is left holds a secret.
pub(crate) fn cleaned(message: &str) -> Result<String, CommitError> {
    let message = Sanitized::lines(&text::bounded(message, LONGEST)).as_str().trim().to_owned();
    if message.is_empty() {
        return Err(CommitError::NoMessage);
    }
    let found = secret::find(&message).into_iter().map(|found| UnfitLine {
        path: "the message".to_owned(),
        line: Some(found.line as u64),
        kind: found.kind.as_str().to_owned(),
    });
    let found = found.collect::<Vec<_>>();
    if found.is_empty() { Ok(message) } else { Err(CommitError::Unfit(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reaches_no_terminal_with_what_makes_it_do_things() {
        let message = cleaned("Add\u{1b}]0;title\u{7} 한글 👩‍👩‍👧‍👦\r\n\r\nשלום\u{202e}evil\0\n").unwrap();
        assert!(message.starts_with("Add"), "{message:?}");
        assert!(message.contains("한글 👩‍👩‍👧‍👦\n\nשלום"), "{message:?}");
        let evil = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!message.contains(evil), "{message:?}");
    }

    #[test]
    fn a_message_is_bounded_and_not_empty() {
        let message = cleaned(&"가".repeat(20_000)).unwrap();
        assert!(message.chars().count() < LONGEST + 200, "{}", message.chars().count());
        assert!(matches!(cleaned(" \r\n"), Err(CommitError::NoMessage)));
    }

    #[test]
    fn a_secret_in_a_message_is_refused_and_not_repeated() {
        let error = cleaned("Rotate\n\nwas AKIAQYLPMN5HFIQR7XYA\n").unwrap_err().to_string();
        assert!(error.contains("the message:3: aws-access-key-id"), "{error}");
        assert!(!error.contains("AKIAQ"), "{error}");
    }
}
