//! Searching one file after the other.

use std::{collections::VecDeque, io::Read as _, ops::Range};

use domain::{permission::PathRules, tool::ToolOutcome};

use super::Wanted;
use crate::{
    binary::is_binary,
    confined::{Confined, Opened, Place},
    off_thread::Stop,
    output::Output,
    spelling::composed,
    text::{beginning, counted, ending, missing_bytes},
};

/// Larger files are not searched.
const LARGEST: u64 = 32 * 1024 * 1024;
/// The most characters of one line that are shown.
const WIDEST: usize = 500;
/// Of those, at most so many before the match.
const BEFORE: usize = 150;
/// How many lines are searched between two looks at whether to stop.
const LINES_AT_ONCE: u64 = 4_096;

/// A search under way.
pub(super) struct Search<'a> {
    files: &'a Confined,
    wanted: &'a Wanted,
    rules: &'a PathRules,
    stop: &'a Stop,
    output: Output,
    content: Vec<u8>,
    matches: u64,
    shown: u64,
    matching_files: u64,
    large: u64,
    binary: u64,
    unreadable: u64,
}

/// What a line is to the search.
enum Role {
    Match(Option<Range<usize>>),
    Context,
}

impl<'a> Search<'a> {
    /// Nothing searched yet.
    pub(super) fn new(files: &'a Confined, wanted: &'a Wanted, rules: &'a PathRules, stop: &'a Stop) -> Self {
        Self {
            files,
            wanted,
            rules,
            stop,
            output: Output::new(),
            content: Vec::new(),
            matches: 0,
            shown: 0,
            matching_files: 0,
            large: 0,
            binary: 0,
            unreadable: 0,
        }
    }

    /// Searches a file that a walk found.
    pub(super) fn found(&mut self, place: &Place) {
        match self.files.open(place, self.rules) {
            Ok(opened) => self.file(place, opened),
            Err(_) => self.unreadable += 1,
        }
    }

    /// Searches an open file.
    pub(super) fn file(&mut self, place: &Place, opened: Opened) {
        if opened.size > LARGEST {
            self.large += 1;
            return;
        }
        let mut content = std::mem::take(&mut self.content);
        content.clear();
        if opened.file.take(LARGEST).read_to_end(&mut content).is_err() {
            self.unreadable += 1;
        } else if is_binary(&content) {
            self.binary += 1;
        } else {
            self.lines(place, &String::from_utf8_lossy(&content));
        }
        self.content = content;
    }

    fn lines(&mut self, place: &Place, text: &str) {
        let context = self.wanted.context;
        // Lines before a possible match: never more than `context`.
        let mut before: VecDeque<(u64, &str)> = VecDeque::with_capacity(context);
        let mut after = 0_usize;
        let mut last_shown = 0_u64;
        let matches_before = self.matches;
        for (number, line) in (1_u64..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
            if number % LINES_AT_ONCE == 0 && self.stop.is_set() {
                return;
            }
            if let Some(range) = self.find(line) {
                let first = before.front().map_or(number, |(first, _)| *first);
                if context > 0 && !self.output.is_empty() && (last_shown == 0 || first > last_shown + 1) {
                    self.output.line("--");
                }
                for (number, line) in before.drain(..) {
                    self.show(place, number, line, Role::Context);
                }
                self.matches += 1;
                self.shown += u64::from(self.show(place, number, line, Role::Match(range)));
                last_shown = number;
                after = context;
            } else if after > 0 {
                self.show(place, number, line, Role::Context);
                last_shown = number;
                after -= 1;
            } else if context > 0 {
                if before.len() == context {
                    before.pop_front();
                }
                before.push_back((number, line));
            }
        }
        self.matching_files += u64::from(self.matches > matches_before);
    }

    /// Whether a line matches, and where, as far as that can be said of the line as it is written.
    fn find(&self, line: &str) -> Option<Option<Range<usize>>> {
        if let Some(found) = self.wanted.regex.find(line) {
            return Some(Some(found.range()));
        }
        if self.wanted.is_ascii || line.is_ascii() {
            return None;
        }
        self.wanted.regex.is_match(&composed(line)).then_some(None)
    }

    fn show(&mut self, place: &Place, number: u64, line: &str, role: Role) -> bool {
        let (mark, range) = match role {
            Role::Match(range) => (':', range),
            Role::Context => ('-', None),
        };
        let (excerpt, missing) = excerpt(line, range.map_or(0, |range| range.start));
        let is_shown = self.output.line(&format!("{place}{mark}{number}{mark}{excerpt}"));
        if is_shown {
            self.output.omit(missing);
        }
        is_shown
    }

    /// The outcome, with the walk's notes.
    pub(super) fn finish(self, walk_notes: Vec<String>) -> ToolOutcome {
        let mut notes = Vec::new();
        if self.matches == 0 {
            notes.push("no match".to_owned());
        }
        if self.output.omitted_lines() > 0 {
            notes.push(format!(
                "{} in {}, {} shown: narrow the pattern, `path` or `glob`",
                counted(self.matches, "match", "matches"),
                counted(self.matching_files, "file", "files"),
                self.shown
            ));
        }
        if self.large > 0 {
            let files = counted(self.large, "file", "files");
            notes.push(format!(
                "{files} larger than {} MiB not searched: use a command",
                LARGEST / (1024 * 1024)
            ));
        }
        if self.binary > 0 {
            notes.push(format!("{} not searched", counted(self.binary, "binary file", "binary files")));
        }
        if self.unreadable > 0 {
            notes.push(format!("{} could not be read", counted(self.unreadable, "file", "files")));
        }
        notes.extend(walk_notes);
        self.output.finish(&notes)
    }
}

/// A line in at most [`WIDEST`] characters around the byte `at`; gives the bytes that are missing, too.
fn excerpt(line: &str, at: usize) -> (String, u64) {
    if line.len() <= WIDEST || line.chars().nth(WIDEST).is_none() {
        return (line.to_owned(), 0);
    }
    let (before, after) = line.split_at_checked(at).unwrap_or(("", line));
    // A match near the beginning is shown with all that stands before it.
    let before_shown = if before.chars().nth(BEFORE).is_none() { before } else { ending(before, BEFORE) };
    let room = WIDEST.saturating_sub(before_shown.chars().count());
    let after_shown = beginning(after, room);
    let (left, right) = (missing_bytes(before, before_shown), missing_bytes(after, after_shown));
    let left_mark = if left > 0 { format!("[{left} bytes ...] ") } else { String::new() };
    let right_mark = if right > 0 { format!(" [... {right} bytes]") } else { String::new() };
    (format!("{left_mark}{before_shown}{after_shown}{right_mark}"), left.saturating_add(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::count;

    #[test]
    fn an_excerpt_shows_the_match_and_counts_the_rest() {
        let line = format!("{}바늘{}", "건초".repeat(1_000), "짚".repeat(1_000));
        let (text, missing) = excerpt(&line, "건초".len() * 1_000);
        assert!(text.contains("바늘"), "{text}");
        assert!(text.chars().count() < WIDEST + 50);
        assert_eq!(missing, count("건초".len() * 1_000 - 150 * 3 + (1_000 - 348) * 3));
        assert_eq!(excerpt("short", 2), ("short".to_owned(), 0));
    }
}
