//! Cutting text without hurting it: never inside what a reader sees as one character.

use unicode_segmentation::GraphemeCursor;

/// The beginning of `text`: at most `most` characters (Unicode scalar values), ending at a grapheme boundary.
/// A single grapheme longer than that is cut.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    let Some((at, _)) = text.char_indices().nth(most) else { return text };
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    let boundary = match cursor.is_boundary(text, 0) {
        Ok(true) => at,
        Ok(false) | Err(_) => cursor.prev_boundary(text, 0).ok().flatten().unwrap_or(0),
    };
    text.get(..if boundary == 0 { at } else { boundary }).unwrap_or_default()
}

/// The end of `text`, by the same rule as [`beginning`].
pub(crate) fn ending(text: &str, most: usize) -> &str {
    if most == 0 {
        return "";
    }
    let Some((at, _)) = text.char_indices().nth_back(most.saturating_sub(1)) else { return text };
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    let boundary = match cursor.is_boundary(text, 0) {
        Ok(true) => at,
        Ok(false) | Err(_) => cursor.next_boundary(text, 0).ok().flatten().unwrap_or(text.len()),
    };
    text.get(if boundary == text.len() { at } else { boundary }..).unwrap_or_default()
}

/// The bytes that `part` lacks of `whole`.
pub(crate) fn missing_bytes(whole: &str, part: &str) -> u64 {
    count(whole.len().saturating_sub(part.len()))
}

/// A size in memory as a number of bytes.
pub(crate) fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// `1 line`, `2 lines`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How many lines a text has: its newlines, and what stands after the last one.
pub(crate) fn lines_in(bytes: &[u8]) -> u64 {
    let newlines = count(memchr::memchr_iter(b'\n', bytes).count());
    let open_line = u64::from(bytes.last().is_some_and(|last| *last != b'\n'));
    newlines.saturating_add(open_line)
}

/// A path for one line of output: as it is, or as a JSON string where it holds control characters.
pub(crate) fn one_line(path: &str) -> String {
    if path.chars().any(char::is_control) {
        serde_json::Value::from(path).to_string()
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation as _;

    use super::*;

    const PIECES: &str = "(a|한|\u{1112}|\u{1161}|\u{11ab}|👨|\u{200d}|👧|\u{301}|ש|🇰|🇷|\r\n){0,40}";

    proptest! {
        #[test]
        fn cuts_keep_within_the_bound_and_hurt_no_grapheme(text in PIECES, most in 0_usize..40) {
            let boundaries: Vec<usize> =
                text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
            let longest = text.graphemes(true).map(|grapheme| grapheme.chars().count()).max().unwrap_or(0);
            let (first, last) = (beginning(&text, most), ending(&text, most));
            prop_assert!(text.starts_with(first) && first.chars().count() <= most);
            prop_assert!(text.ends_with(last) && last.chars().count() <= most);
            if longest <= most {
                prop_assert!(boundaries.contains(&first.len()), "{first:?}");
                prop_assert!(boundaries.contains(&(text.len() - last.len())), "{last:?}");
            }
        }
    }

    const FAMILY: &str = "👨\u{200d}👩\u{200d}👧";

    #[test]
    fn cuts_fall_between_graphemes() {
        let decomposed = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}";
        for (text, most, first, last) in [
            ("한글 검색", 2, "한글", "검색"),
            ("abc", 3, "abc", "abc"),
            ("abc", 0, "", ""),
            (&format!("a{FAMILY}b"), 4, "a", "b"),
            (decomposed, 4, "\u{1112}\u{1161}\u{11ab}", "\u{1100}\u{1173}\u{11af}"),
            ("שלום", 2, "של", "ום"),
        ] {
            assert_eq!((beginning(text, most), ending(text, most)), (first, last), "{text:?} at {most}");
        }
    }

    #[test]
    fn a_grapheme_longer_than_the_room_is_cut_all_the_same() {
        let tower = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(beginning(&tower, 10).chars().count(), 10);
        assert_eq!(ending(&tower, 10).chars().count(), 10);
    }

    #[test]
    fn lines_are_counted_with_and_without_a_final_newline() {
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            assert_eq!(lines_in(text.as_bytes()), lines, "{text:?}");
        }
    }

    #[test]
    fn only_names_with_control_characters_are_quoted() {
        assert_eq!(one_line("한글 이름.txt"), "한글 이름.txt");
        assert_eq!(one_line("two\nlines"), r#""two\nlines""#);
    }
}
