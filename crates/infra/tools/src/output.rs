//! Text for a model, within the bounds of contract 4; what does not fit is counted.

use std::borrow::Cow;

use domain::tool::ToolOutcome;

use crate::text::{beginning, count, ending, missing_bytes};

/// Characters kept free for the notes at the end.
const NOTES: usize = 1_500;

/// The most characters of one line that are shown.
pub(crate) const LONGEST_LINE: usize = 2_000;

/// A line in at most [`LONGEST_LINE`] characters and a few that say what is missing; gives the missing bytes, too.
/// `unread` bytes of the line follow after `line`.
pub(crate) fn shortened(line: &str, unread: u64) -> (Cow<'_, str>, u64) {
    let shown = beginning(line, LONGEST_LINE);
    let missing = missing_bytes(line, shown).saturating_add(unread);
    if missing == 0 {
        return (Cow::Borrowed(line), 0);
    }
    (Cow::Owned(format!("{shown} [... {missing} more bytes in this line]")), missing)
}

/// Output that is made line by line.
pub(crate) struct Output {
    text: String,
    room: usize,
    omitted_bytes: u64,
    omitted_lines: u64,
}

impl Output {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::after(0)
    }

    /// Nothing yet, with room for `characters` that will stand before it.
    pub(crate) fn after(characters: usize) -> Self {
        let room = (ToolOutcome::LONGEST - NOTES).saturating_sub(characters);
        Self { text: String::new(), room, omitted_bytes: 0, omitted_lines: 0 }
    }

    /// Adds a line, or counts it where it does not fit. Once a line did not fit, none does.
    pub(crate) fn line(&mut self, line: &str) -> bool {
        if self.omitted_lines == 0 && self.try_line(line) {
            return true;
        }
        self.omit(count(line.len()).saturating_add(1));
        self.omitted_lines = self.omitted_lines.saturating_add(1);
        false
    }

    /// Adds a line if it fits.
    pub(crate) fn try_line(&mut self, line: &str) -> bool {
        let characters = line.chars().count().saturating_add(1);
        let Some(room) = self.room.checked_sub(characters) else { return false };
        self.room = room;
        self.text.push_str(line);
        self.text.push('\n');
        true
    }

    /// Counts bytes that were left out.
    pub(crate) fn omit(&mut self, bytes: u64) {
        self.omitted_bytes = self.omitted_bytes.saturating_add(bytes);
    }

    /// Lines that did not fit.
    pub(crate) fn omitted_lines(&self) -> u64 {
        self.omitted_lines
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The outcome: the lines, then each note in brackets on a line of its own.
    pub(crate) fn finish(mut self, notes: &[String]) -> ToolOutcome {
        let mut room = NOTES.saturating_sub(notes.len().saturating_mul(3));
        for note in notes {
            let shown = beginning(note, room);
            room = room.saturating_sub(shown.chars().count());
            self.text.push('[');
            self.text.push_str(shown);
            self.text.push_str("]\n");
        }
        if self.text.ends_with('\n') {
            self.text.pop();
        }
        ToolOutcome { omitted_bytes: self.omitted_bytes, ..ToolOutcome::ok(self.text) }
    }
}

/// A text of which `omitted` bytes between `head` and `tail` are gone, in at most `most` characters: the beginning,
/// a line that says how much is missing, the end. Gives the text and all the bytes that are missing.
pub(crate) fn head_and_tail(head: &str, tail: &str, omitted: u64, most: usize) -> (String, u64) {
    const MARKER: usize = 80;
    let length = head.chars().count().saturating_add(tail.chars().count());
    if omitted == 0 && length <= most {
        return (format!("{head}{tail}"), 0);
    }
    let side = most.saturating_sub(MARKER) / 2;
    let whole;
    let (head, tail) = if omitted == 0 {
        whole = format!("{head}{tail}");
        (whole.as_str(), whole.as_str())
    } else {
        (head, tail)
    };
    let (first, last) = (beginning(head, side), ending(tail, side));
    let missing = if omitted == 0 {
        count(head.len().saturating_sub(first.len()).saturating_sub(last.len()))
    } else {
        omitted.saturating_add(missing_bytes(head, first)).saturating_add(missing_bytes(tail, last))
    };
    let before = if first.ends_with('\n') { "" } else { "\n" };
    (format!("{first}{before}[... {missing} bytes left out here ...]\n{last}"), missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_follows_it() {
        let mut output = Output::new();
        assert!(output.line("first"));
        assert!(!output.line(&"가".repeat(ToolOutcome::LONGEST)));
        assert!(!output.line("last"));
        let outcome = output.finish(&["2 lines left out".to_owned()]);
        assert_eq!(outcome.output, "first\n[2 lines left out]");
        assert_eq!(outcome.omitted_bytes, 3 * 48_000 + 1 + 5);
    }

    #[test]
    fn notes_of_any_length_stay_within_the_bound() {
        let mut output = Output::new();
        while output.line("a line of some length") {}
        let outcome = output.finish(&["길".repeat(5_000), "noted".repeat(5_000)]);
        assert!(outcome.output.chars().count() <= ToolOutcome::LONGEST);
    }

    #[test]
    fn head_and_tail_add_up() {
        for (head, tail, omitted, most) in [
            ("a\n".repeat(100), "b\n".repeat(100), 0, 1_000),
            ("a\n".repeat(100), "b\n".repeat(100), 0, 200),
            ("a\n".repeat(100), "b\n".repeat(100), 7, 1_000),
            ("한글\n".repeat(100), String::new(), 0, 200),
            ("👨\u{200d}👩\u{200d}👧".repeat(100), "끝".repeat(100), 1_000, 200),
        ] {
            let (text, missing) = head_and_tail(&head, &tail, omitted, most);
            assert!(text.chars().count() <= most, "{text}");
            let all = count(head.len() + tail.len()) + omitted;
            let kept = match text.split_once("[... ") {
                None => text.len(),
                Some((first, rest)) => {
                    let (_, last) = rest.split_once("...]\n").expect("the marker ends");
                    // The marker begins a line, for which it may need a newline of its own.
                    let own = usize::from(!head.starts_with(first));
                    first.len() - own + last.len()
                }
            };
            assert_eq!(count(kept) + missing, all, "{text}");
        }
    }
}
