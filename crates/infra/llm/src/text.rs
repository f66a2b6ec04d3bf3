//! Cutting foreign text to a size that fits into a message for people.

use unicode_segmentation::UnicodeSegmentation;

/// The beginning of `text`, at most `limit` bytes, never cutting through a character as a reader sees it. Line breaks
/// and other control characters become spaces. What was left out is said.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let text = text.trim();
    let end = text
        .grapheme_indices(true)
        .map(|(start, grapheme)| start + grapheme.len())
        .take_while(|end| *end <= limit)
        .last()
        .unwrap_or(0);
    let (kept, left_out) = text.split_at_checked(end).unwrap_or(("", text));
    let mut kept: String = kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if !left_out.is_empty() {
        kept.push_str(&format!("… ({} bytes left out)", left_out.len()));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, limit: usize, expected: &str) {
        assert_eq!(excerpt(text, limit), expected);
    }

    #[test]
    fn an_excerpt_ends_between_graphemes_and_says_what_it_leaves_out() {
        check("  short\n", 10, "short");
        check("안녕하세요", 7, "안녕… (9 bytes left out)");
        check("👩‍👩‍👧 family", 5, "… (25 bytes left out)");
        check("مرحبا", 10, "مرحبا");
        check("a\u{1b}[31mb\nc", 20, "a [31mb c");
        check("", 0, "");
    }
}
