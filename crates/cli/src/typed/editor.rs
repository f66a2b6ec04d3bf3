//! A line that is being typed, byte by byte: characters, and the few keys that change a line. Pure.
//!
//! Bytes that a terminal has edited already, whole lines, pass through it unchanged.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The most bytes of a line; what is typed beyond is left out.
const LONGEST: usize = 64 * 1024;

/// What has to be shown of a change to the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// More of it.
    Text(String),
    /// So many columns less.
    Less(usize),
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The line changed.
    Shown(Shown),
    /// It is ready.
    Line(String),
    /// Ctrl+D where nothing stood.
    End,
}

/// The line under way.
#[derive(Debug, Default)]
pub(super) struct Editor {
    text: String,
    /// The beginning of a character.
    undecoded: Vec<u8>,
    escape: Escape,
    /// The last key ended a line as a carriage return.
    was_return: bool,
}

/// Where a sequence of bytes is that one key sends, such as an arrow; such keys do nothing here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Inside,
}

impl Editor {
    /// What has been typed so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Forgets it, and gives it.
    pub(super) fn clear(&mut self) -> String {
        self.undecoded.clear();
        self.escape = Escape::None;
        std::mem::take(&mut self.text)
    }

    /// Takes what was typed.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Step> {
        bytes.iter().filter_map(|byte| self.key(*byte)).collect()
    }

    fn key(&mut self, byte: u8) -> Option<Step> {
        if self.skips(byte) {
            return None;
        }
        match byte {
            b'\n' | b'\r' => {
                self.was_return = byte == b'\r';
                Some(Step::Line(self.clear()))
            }
            0x08 | 0x7f => {
                self.take_back(|text| text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at))
            }
            // Ctrl+U
            0x15 => self.take_back(|_| 0),
            // Ctrl+W
            0x17 => self.take_back(|text| {
                let words = text.trim_end();
                words
                    .rfind(char::is_whitespace)
                    .and_then(|at| words.get(at..))
                    .map_or(0, |last| words.len() - last.trim_start().len())
            }),
            // Ctrl+D
            0x04 => (self.text.is_empty() && self.undecoded.is_empty()).then_some(Step::End),
            b'\t' => self.add(" "),
            0..0x20 => None,
            _ => self.byte_of_character(byte),
        }
    }

    /// Whether the byte belongs to a key that does nothing.
    fn skips(&mut self, byte: u8) -> bool {
        let was_return = std::mem::take(&mut self.was_return);
        let (is_part, next) = match (self.escape, byte) {
            (_, 0x1b) => (true, Escape::Begun),
            (Escape::Begun, b'[' | b'O') => (true, Escape::Inside),
            // The line goes on, or ends, whatever came before.
            (Escape::Begun | Escape::Inside, ..0x20 | 0x7f..) | (Escape::None, _) => (false, Escape::None),
            (Escape::Begun, _) | (Escape::Inside, 0x40..) => (true, Escape::None),
            (Escape::Inside, _) => (true, Escape::Inside),
        };
        self.escape = next;
        is_part || was_return && byte == b'\n'
    }

    fn byte_of_character(&mut self, byte: u8) -> Option<Step> {
        self.undecoded.push(byte);
        match std::str::from_utf8(&self.undecoded) {
            Ok(character) => {
                let character = character.to_owned();
                self.undecoded.clear();
                self.add(&character)
            }
            // More of it may come.
            Err(error) if error.error_len().is_none() => None,
            Err(_) => {
                self.undecoded.clear();
                self.add("\u{fffd}")
            }
        }
    }

    fn add(&mut self, character: &str) -> Option<Step> {
        if self.text.len() + character.len() > LONGEST {
            return None;
        }
        self.text.push_str(character);
        Some(Step::Shown(Shown::Text(character.to_owned())))
    }

    /// Leaves what stands before the place that `keep` finds.
    fn take_back(&mut self, keep: impl FnOnce(&str) -> usize) -> Option<Step> {
        self.undecoded.clear();
        let before = self.text.width();
        let kept = keep(&self.text);
        if kept == self.text.len() {
            return None;
        }
        self.text.truncate(kept);
        Some(Step::Shown(Shown::Less(before.saturating_sub(self.text.width()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line that these keys come to, and how many columns were taken back on the way.
    #[track_caller]
    fn check(keys: &str, line: &str, taken_back: usize) {
        let mut editor = Editor::default();
        let steps = editor.feed(format!("{keys}\n").as_bytes());
        let less =
            steps.iter().map(|step| if let Step::Shown(Shown::Less(columns)) = step { *columns } else { 0 });
        assert_eq!(
            (less.sum::<usize>(), steps.last()),
            (taken_back, Some(&Step::Line(line.to_owned()))),
            "{keys:?}"
        );
        assert_eq!(editor.text(), "");
    }

    #[test]
    fn characters_are_taken_back_whole_whatever_their_script() {
        check("한글\u{7f}국", "한국", 2);
        check("한글\u{8}\u{8}\u{8}", "", 4);
        check("a👨‍👩‍👧\u{7f}b", "ab", 2);
        check("שלום\u{7f}", "שלו", 1);
        check("e\u{301}\u{7f}x", "x", 1);
        check("각\u{7f}", "", 2);
    }

    #[test]
    fn words_and_lines_are_taken_back() {
        check("use the  tabs \u{17}spaces", "use the  spaces", 5);
        check("하나\u{17}둘", "둘", 4);
        check("all of it\u{15}nothing", "nothing", 9);
    }

    #[test]
    fn keys_that_are_no_characters_do_nothing() {
        check("a\u{1b}[Ab\u{1b}[1;5Cc\u{1b}OPd\u{1b}xe\u{1}f", "abcdef", 0);
        check("a\u{1b}", "a", 0);
        check("a\tb", "a b", 0);
    }

    #[test]
    fn the_end_is_a_key_only_where_nothing_stands() {
        let mut editor = Editor::default();
        assert_eq!(editor.feed(b"\x04"), [Step::End]);
        assert_eq!(editor.feed(b"a\x04").len(), 1);
    }

    #[test]
    fn characters_may_come_in_pieces_and_damaged() {
        let mut editor = Editor::default();
        assert_eq!(editor.feed(&[0xed, 0x95]), []);
        assert_eq!(editor.feed(&[0x9c]), [Step::Shown(Shown::Text("한".to_owned()))]);
        editor.feed(&[0xff, b'b']);
        assert_eq!(editor.clear(), "한\u{fffd}b");
    }

    #[test]
    fn a_line_is_bounded() {
        let mut editor = Editor::default();
        editor.feed(&vec![b'x'; LONGEST + 1]);
        assert_eq!(editor.clear().len(), LONGEST);
    }
}
