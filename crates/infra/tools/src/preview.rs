//! What a call would change, as a unified diff for a person who is asked for leave.
//!
//! It is made before anything is written and shows the file as it is then; the call itself looks again (`Seen`).

use std::time::Duration;

use domain::tool::{Preview, ToolOutcome};
use similar::TextDiff;

use crate::{
    binary::is_binary,
    confined::Place,
    text::{beginning, count, counted, lines_in, missing_bytes},
};

/// The largest content, before or after, whose lines are compared.
pub(crate) const COMPARED: u64 = 1024 * 1024;
/// How long the search for the shortest diff may take; then a longer one is good enough.
const SEARCH: Duration = Duration::from_millis(500);
/// Characters kept free for the line that says what is missing.
const ENDING: usize = 120;
/// The most characters of one line where not all of a diff can be shown.
const LONGEST_LINE: usize = 2_000;

/// What stands at a place now.
pub(crate) enum Before<'a> {
    /// Nothing.
    Missing,
    /// A file with this content.
    Content(&'a [u8]),
    /// A file of so many bytes, too many to be read for this.
    Large(u64),
}

/// The diff from what stands at `place` to `after`, in at most 48,000 characters.
pub(crate) fn diff(place: &Place, before: &Before<'_>, after: &[u8]) -> Preview {
    let old = match before {
        Before::Missing => &[][..],
        Before::Content(content) => content,
        Before::Large(size) => return sizes(place, *size, after, "too large to be compared"),
    };
    if count(old.len().max(after.len())) > COMPARED {
        return match before {
            Before::Missing => {
                let lines = counted(lines_in(after), "line", "lines");
                Preview::cut(format!(
                    "{place}: a new file of {} bytes ({lines}), too large to be shown",
                    after.len()
                ))
            }
            _ => sizes(place, count(old.len()), after, "too large to be compared"),
        };
    }
    if is_binary(old) || is_binary(after) {
        return match before {
            Before::Missing => Preview::cut(format!("{place}: a new binary file of {} bytes", after.len())),
            _ => sizes(place, count(old.len()), after, "binary"),
        };
    }
    let header = match before {
        Before::Missing if after.is_empty() => return Preview::whole(format!("{place}: a new, empty file")),
        Before::Missing => "/dev/null".to_owned(),
        _ => format!("a/{place}"),
    };
    let text = unified(place, &header, old, after);
    // Contents that are no UTF-8 may differ in what no text shows.
    if text.is_empty() && String::from_utf8_lossy(old) == String::from_utf8_lossy(after) {
        return Preview::whole(format!("{place}: nothing would change, as far as text shows it"));
    }
    let (text, missing) = bounded(&text, 0);
    if missing == 0 { Preview::whole(text) } else { Preview::cut(text) }
}

/// The diff from `old` to `new`, both texts of at most [`COMPARED`] bytes, that stands at `place` now, with room for
/// `before` characters that will stand before it; and how many bytes of it are missing.
pub(crate) fn changes(place: &Place, old: &[u8], new: &[u8], before: usize) -> (String, u64) {
    bounded(&unified(place, &format!("a/{place}"), old, new), before)
}

fn unified(place: &Place, header: &str, old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let mut settings = TextDiff::configure();
    settings.timeout(SEARCH);
    let diff = settings.diff_lines(old.as_ref(), new.as_ref());
    diff.unified_diff().header(header, &format!("b/{place}")).to_string()
}

fn sizes(place: &Place, before: u64, after: &[u8], why: &str) -> Preview {
    Preview::cut(format!("{place}: {why}; {before} bytes would become {} bytes", after.len()))
}

/// As much of a diff as fits, and how many bytes of it are missing. Where that is not all, of long lines the beginning, so that one cannot hide the others.
fn bounded(text: &str, before: usize) -> (String, u64) {
    let most = (ToolOutcome::LONGEST - ENDING).saturating_sub(before);
    if beginning(text, most).len() == text.len() {
        return (text.to_owned(), 0);
    }
    let (mut shown, mut room) = (String::new(), most);
    let (mut missing_lines, mut missing) = (0_u64, 0_u64);
    for line in text.split_inclusive('\n') {
        let part = beginning(line, LONGEST_LINE);
        let cut = missing_bytes(line, part);
        let mark = if cut > 0 {
            format!("[... {cut} more bytes of this line are not shown]\n")
        } else {
            String::new()
        };
        let needed = part.chars().count() + mark.chars().count();
        if missing_lines > 0 || needed > room {
            (missing_lines, missing) = (missing_lines + 1, missing.saturating_add(count(line.len())));
            continue;
        }
        room -= needed;
        missing = missing.saturating_add(cut);
        shown.push_str(part);
        shown.push_str(&mark);
    }
    let lines = counted(missing_lines, "more line", "more lines");
    shown.push_str(&format!("[... {lines} and in all {missing} bytes of this diff are not shown]\n"));
    (shown, missing)
}

#[cfg(test)]
mod calls;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::place;

    fn check(before: &Before<'_>, after: &[u8], expected: &str) {
        assert_eq!(diff(&place("글.txt"), before, after).text, expected);
    }

    #[test]
    fn a_person_sees_what_would_change() {
        check(
            &Before::Content("하나\n둘\n셋\n".as_bytes()),
            "하나\n두울\n셋\n".as_bytes(),
            "--- a/글.txt\n+++ b/글.txt\n@@ -1,3 +1,3 @@\n 하나\n-둘\n+두울\n 셋\n",
        );
        check(
            &Before::Missing,
            "하나".as_bytes(),
            "--- /dev/null\n+++ b/글.txt\n@@ -0,0 +1 @@\n+하나\n\\ No newline at end of file\n",
        );
        check(&Before::Missing, b"", "글.txt: a new, empty file");
        check(&Before::Missing, b"\0\x01", "글.txt: a new binary file of 2 bytes");
        check(&Before::Content(b"text"), b"\0\x01", "글.txt: binary; 4 bytes would become 2 bytes");
        check(
            &Before::Large(9_000_000),
            b"x",
            "글.txt: too large to be compared; 9000000 bytes would become 1 bytes",
        );
        check(&Before::Content(b"same"), b"same", "글.txt: nothing would change, as far as text shows it");
    }

    #[test]
    fn what_shows_no_content_is_not_whole() {
        let is_whole = |before: &Before<'_>, after: &[u8]| diff(&place("a"), before, after).is_whole;
        assert!(is_whole(&Before::Missing, b"a\n") && is_whole(&Before::Content(b"a"), b"b"));
        assert!(!is_whole(&Before::Missing, b"\0\x01"));
        assert!(!is_whole(&Before::Content(b"text"), b"\0\x01"));
        assert!(!is_whole(&Before::Large(9_000_000), b"x"));
        assert!(!is_whole(&Before::Missing, &vec![b'a'; 2 << 20]));
    }

    #[test]
    fn a_long_diff_is_cut_after_a_whole_line_and_counted() {
        let after = "가나다라마바사\n".repeat(10_000);
        let Preview { text, is_whole } = diff(&place("a"), &Before::Missing, after.as_bytes());
        assert!(text.chars().count() <= 48_000 && !is_whole);
        let shown = text.lines().filter(|line| line.starts_with("+가")).count();
        let (lines, missing) = (10_000 - shown, (10_000 - shown) * "+가나다라마바사\n".len());
        assert!(text.ends_with(&format!(
            "+가나다라마바사\n[... {lines} more lines and in all {missing} bytes of this diff are not shown]\n"
        )));
    }

    /// A line as long as a page does not keep those before and after it from the person's eyes.
    #[test]
    fn of_a_very_long_line_the_beginning_is_shown_and_the_lines_around_it() {
        let family = "👨‍👩‍👧";
        let long = family.repeat(20_000);
        let after = format!("처음\n{long}\n끝: rm -rf /\n");
        let Preview { text, is_whole } = diff(&place("a"), &Before::Missing, after.as_bytes());
        let kept = family.repeat((LONGEST_LINE - 1) / 5);
        let cut = long.len() + 1 - kept.len();
        assert_eq!(
            text,
            format!(
                "--- /dev/null\n+++ b/a\n@@ -0,0 +1,3 @@\n+처음\n+{kept}[... {cut} more bytes of this line are not \
                 shown]\n+끝: rm -rf /\n[... 0 more lines and in all {cut} bytes of this diff are not shown]\n"
            )
        );
        assert!(!is_whole);
    }
}
