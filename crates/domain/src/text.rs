//! Cutting text for people and models, and finding the name that was meant. Cuts fall on grapheme boundaries, so that no
//! syllable, emoji or accent is torn, and what was cut is counted.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The longest beginning of `text` with at most `most` characters (`char`s) that ends on a grapheme boundary.
#[must_use]
pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut characters = 0;
    let mut end = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        characters += grapheme.chars().count();
        if characters > most {
            break;
        }
        end = start + grapheme.len();
    }
    text.get(..end).unwrap_or_default()
}

/// The longest end of `text` with at most `most` characters that begins on a grapheme boundary.
#[must_use]
pub fn tail(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut characters = 0;
    let mut begin = text.len();
    for (start, grapheme) in text.grapheme_indices(true).rev() {
        characters += grapheme.chars().count();
        if characters > most {
            break;
        }
        begin = start;
    }
    text.get(begin..).unwrap_or_default()
}

/// The whole lines at the beginning of `text` that have at most `most` characters together; where the first one alone has
/// more, its beginning.
#[must_use]
pub fn first_lines(text: &str, most: usize) -> &str {
    let head = head(text, most);
    if head.len() == text.len() {
        return text;
    }
    head.rfind('\n').and_then(|end| head.get(..=end)).unwrap_or(head)
}

/// `text` in at most `columns` columns of a terminal; where something was cut, it ends in `…`.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        // One column stays for the ellipsis.
        if used + grapheme.width() + 1 > columns {
            break;
        }
        used += grapheme.width();
        fitted.push_str(grapheme);
    }
    if columns > 0 {
        fitted.push('…');
    }
    fitted
}

/// `text` cut to at most `most` characters, with a line that counts what is missing.
#[must_use]
pub fn bounded(text: &str, most: usize) -> String {
    let kept = head(text, most);
    if kept.len() == text.len() {
        text.to_owned()
    } else {
        format!("{kept}\n[{} more bytes were cut]", text.len() - kept.len())
    }
}

/// The candidate nearest to `typed`, if it is near enough to be a slip: about one mistake in three characters.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, candidate), candidate))
        .filter(|(distance, candidate)| *distance * 3 <= candidate.chars().count().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILY: &str = "👨‍👩‍👧";

    #[test]
    fn cuts_fall_between_graphemes() {
        assert_eq!(head("한글과 컴퓨터", 3), "한글과");
        // Decomposed syllables: three code points each.
        assert_eq!(head("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", 5), "\u{1112}\u{1161}\u{11ab}");
        assert_eq!(head(&format!("a{FAMILY}b"), 4), "a");
        assert_eq!(tail("שלום עולם", 4), "עולם");
        assert_eq!(tail(&format!("a{FAMILY}"), 3), "");
        assert_eq!(fit("한글과 컴퓨터", 7), "한글과…");
        assert_eq!(fit("ab", 1), "…");
        assert_eq!(fit("한", 0), "");
    }

    #[test]
    fn a_cut_between_lines_leaves_whole_ones() {
        assert_eq!(first_lines("가\n나다\n라", 9), "가\n나다\n라");
        assert_eq!(first_lines("가\n나다\n라", 5), "가\n나다\n");
        assert_eq!(first_lines("가\n나다\n라", 4), "가\n");
        assert_eq!(first_lines("한 줄뿐이다", 3), "한 줄");
        assert_eq!(first_lines("", 0), "");
    }

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn no_cut_is_longer_than_asked_and_none_splits_a_grapheme(text in "\\PC{0,40}", most in 0_usize..50) {
            let (head, tail) = (head(&text, most), tail(&text, most));
            prop_assert!(head.chars().count() <= most.max(text.len().min(most)));
            prop_assert!(text.starts_with(head) && text.ends_with(tail));
            let boundaries: Vec<usize> =
                text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
            prop_assert!(boundaries.contains(&head.len()));
            prop_assert!(boundaries.contains(&(text.len() - tail.len())));
            prop_assert!(fit(&text, most).width() <= most);
        }
    }
}
