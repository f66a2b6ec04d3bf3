//! What a call would change, as a unified diff for a person who is asked for leave.
//!
//! It is made before anything is written and shows the file as it is then; the call itself looks again (`Seen`).

use std::time::Duration;

use domain::tool::ToolOutcome;
use similar::TextDiff;

use crate::{
    binary::is_binary,
    confined::Place,
    text::{beginning, count, counted, lines_in, missing_bytes},
};

/// The largest content, before or after, whose lines are compared.
const COMPARED: u64 = 1024 * 1024;
/// How long the search for the shortest diff may take; then a longer one is good enough.
const SEARCH: Duration = Duration::from_millis(500);
/// Characters kept free for the line that says what is missing.
const ENDING: usize = 120;

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
pub(crate) fn diff(place: &Place, before: &Before<'_>, after: &[u8]) -> String {
    let old = match before {
        Before::Missing => &[][..],
        Before::Content(content) => content,
        Before::Large(size) => return sizes(place, *size, after, "too large to be compared"),
    };
    if count(old.len().max(after.len())) > COMPARED {
        return match before {
            Before::Missing => {
                let lines = counted(lines_in(after), "line", "lines");
                format!("{place}: a new file of {} bytes ({lines}), too large to be shown", after.len())
            }
            _ => sizes(place, count(old.len()), after, "too large to be compared"),
        };
    }
    if is_binary(old) || is_binary(after) {
        return match before {
            Before::Missing => format!("{place}: a new binary file of {} bytes", after.len()),
            _ => sizes(place, count(old.len()), after, "binary"),
        };
    }
    let header = match before {
        Before::Missing if after.is_empty() => return format!("{place}: a new, empty file"),
        Before::Missing => "/dev/null".to_owned(),
        _ => format!("a/{place}"),
    };
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(after));
    let mut settings = TextDiff::configure();
    settings.timeout(SEARCH);
    let diff = settings.diff_lines(old.as_ref(), new.as_ref());
    let text = diff.unified_diff().header(&header, &format!("b/{place}")).to_string();
    if text.is_empty() && old.as_bytes() == new.as_bytes() {
        return format!("{place}: nothing would change, as far as text shows it");
    }
    bounded(&text)
}

fn sizes(place: &Place, before: u64, after: &[u8], why: &str) -> String {
    format!("{place}: {why}; {before} bytes would become {} bytes", after.len())
}

fn bounded(text: &str) -> String {
    let most = ToolOutcome::LONGEST - ENDING;
    let shown = beginning(text, most);
    let missing = missing_bytes(text, shown);
    if missing == 0 {
        return text.to_owned();
    }
    let whole_lines = shown.rfind('\n').and_then(|at| shown.get(..=at)).unwrap_or(shown);
    let missing = missing.saturating_add(missing_bytes(shown, whole_lines));
    format!("{whole_lines}[... {missing} more bytes of this diff are not shown]\n")
}

#[cfg(test)]
mod calls;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::place;

    fn check(before: &Before<'_>, after: &[u8], expected: &str) {
        assert_eq!(diff(&place("글.txt"), before, after), expected);
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
    fn a_long_diff_is_cut_after_a_whole_line_and_counted() {
        let after = "가나다라마바사\n".repeat(10_000);
        let text = diff(&place("a"), &Before::Missing, after.as_bytes());
        assert!(text.chars().count() <= 48_000);
        let shown = text.lines().filter(|line| line.starts_with("+가")).count();
        let missing = (10_000 - shown) * ("+가나다라마바사\n".len());
        assert!(
            text.ends_with(&format!(
                "+가나다라마바사\n[... {missing} more bytes of this diff are not shown]\n"
            ))
        );
    }
}
