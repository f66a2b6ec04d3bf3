//! A line that is being typed, byte by byte: characters, and the few keys that change a line. Pure.
//!
//! What is pasted is text, line breaks included: only Enter ends the line. Bytes that a terminal has edited already, whole
//! lines, pass through it unchanged.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The most bytes of a line; a longer one is not sent. As many as a program may write in one line.
pub(crate) const LONGEST: usize = 1 << 20;
/// As much of a line is shown again at most, from its end.
const MOST_SHOWN: usize = 400;
/// What terminals put around what is pasted, where they were asked to.
const PASTE: (&[u8], &[u8]) = (b"200~", b"201~");

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
    /// It would be, and is longer than [`LONGEST`]: it is gone.
    TooLong,
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
    /// What follows the beginning of such a sequence, as far as it matters.
    sequence: Vec<u8>,
    /// What comes is pasted.
    is_pasting: bool,
    /// Pasted, and not shown yet.
    unshown: String,
    /// More was typed than there is room for.
    is_too_long: bool,
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
    /// What has been typed so far, as it is shown: the end of what is long.
    pub(super) fn shown(&self) -> String {
        shown(&self.text)
    }

    /// Whether nothing has been typed so far.
    pub(super) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Forgets it, and gives it.
    pub(super) fn clear(&mut self) -> String {
        let was_return = self.was_return;
        let Self { text, .. } = std::mem::replace(self, Self { was_return, ..Self::default() });
        text
    }

    /// Takes whole lines, as the terminal has edited them.
    pub(super) fn feed_lines(&mut self, bytes: &[u8]) -> Vec<Step> {
        bytes.iter().filter_map(|byte| self.key(*byte)).collect()
    }

    /// Takes keys that came at once. Nobody goes on typing in the moment of Enter: a line break in the midst of them is
    /// one of a terminal that does not say what is pasted. A command is no text, and neither is a bare Enter.
    pub(super) fn feed_keys(&mut self, bytes: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, byte) in bytes.iter().enumerate() {
            let rest = bytes.get(at + 1..).unwrap_or_default();
            let is_last = rest.is_empty() || (*byte == b'\r' && rest == b"\n");
            let is_text = !self.text.is_empty() && !self.text.starts_with('/');
            let is_break = matches!(byte, b'\n' | b'\r') && !self.is_pasting;
            if is_break && !is_last && is_text && !(self.was_return && *byte == b'\n') {
                self.escape = Escape::None;
                steps.extend(self.pasted_break(*byte));
            } else {
                steps.extend(self.key(*byte));
            }
        }
        steps.extend(self.show_pasted());
        steps
    }

    fn key(&mut self, byte: u8) -> Option<Step> {
        if self.skips(byte) {
            return self.end_of_sequence();
        }
        match byte {
            b'\n' | b'\r' if self.is_pasting => self.pasted_break(byte),
            b'\n' | b'\r' => {
                self.was_return = byte == b'\r';
                let is_too_long = self.is_too_long;
                let text = self.clear();
                Some(if is_too_long { Step::TooLong } else { Step::Line(text) })
            }
            b'\t' if self.is_pasting => self.add("\t"),
            0..0x20 | 0x7f if self.is_pasting => None,
            0x08 | 0x7f => {
                self.take_back(|text| text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at))
            }
            // Ctrl+U
            0x15 => {
                self.is_too_long = false;
                self.take_back(|_| 0)
            }
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

    /// A line break that is text.
    fn pasted_break(&mut self, byte: u8) -> Option<Step> {
        self.was_return = byte == b'\r';
        self.add("\n")
    }

    /// What a sequence that has ended means: the beginning or the end of what is pasted.
    fn end_of_sequence(&mut self) -> Option<Step> {
        if self.escape != Escape::None {
            return None;
        }
        let sequence = std::mem::take(&mut self.sequence);
        if sequence == PASTE.0 {
            self.is_pasting = true;
        } else if sequence == PASTE.1 {
            self.is_pasting = false;
            return self.show_pasted();
        }
        None
    }

    fn show_pasted(&mut self) -> Option<Step> {
        let unshown = std::mem::take(&mut self.unshown);
        (!unshown.is_empty()).then(|| Step::Shown(Shown::Text(shown(&unshown))))
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
        match (self.escape, next) {
            (_, Escape::Begun) => self.sequence.clear(),
            (Escape::Inside, _) if is_part && self.sequence.len() < PASTE.0.len() + 1 => {
                self.sequence.push(byte);
            }
            _ => {}
        }
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
            self.is_too_long = true;
            return None;
        }
        self.text.push_str(character);
        if self.is_pasting {
            self.unshown.push_str(character);
            return None;
        }
        Some(Step::Shown(Shown::Text(whole(character).into_owned())))
    }

    /// Leaves what stands before the place that `keep` finds.
    fn take_back(&mut self, keep: impl FnOnce(&str) -> usize) -> Option<Step> {
        self.undecoded.clear();
        let before = whole(&self.text).width();
        let kept = keep(&self.text);
        if kept == self.text.len() {
            return None;
        }
        self.text.truncate(kept);
        Some(Step::Shown(Shown::Less(before.saturating_sub(whole(&self.text).width()))))
    }
}

/// A text as it stands in one line of the terminal: a sign in place of every line break.
fn whole(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) {
        Cow::Owned(text.replace('\n', "⏎").replace('\t', " "))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same, or the end of it where it is long.
fn shown(text: &str) -> String {
    let from = text.grapheme_indices(true).rev().nth(MOST_SHOWN).map(|(at, cut)| at + cut.len());
    match from.and_then(|from| text.get(from..)) {
        Some(end) => format!("…{}", whole(end)),
        None => whole(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line that these keys come to, and how many columns were taken back on the way.
    #[track_caller]
    fn check(keys: &str, line: &str, taken_back: usize) {
        let mut editor = Editor::default();
        let mut steps = editor.feed_keys(keys.as_bytes());
        steps.extend(editor.feed_keys(b"\n"));
        let less =
            steps.iter().map(|step| if let Step::Shown(Shown::Less(columns)) = step { *columns } else { 0 });
        assert_eq!(
            (less.sum::<usize>(), steps.last()),
            (taken_back, Some(&Step::Line(line.to_owned()))),
            "{keys:?}"
        );
        assert_eq!(editor.shown(), "");
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
        assert_eq!(editor.feed_keys(b"\x04"), [Step::End]);
        assert_eq!(editor.feed_keys(b"a\x04").len(), 1);
    }

    #[test]
    fn characters_may_come_in_pieces_and_damaged() {
        let mut editor = Editor::default();
        assert_eq!(editor.feed_keys(&[0xed, 0x95]), []);
        assert_eq!(editor.feed_keys(&[0x9c]), [Step::Shown(Shown::Text("한".to_owned()))]);
        editor.feed_keys(&[0xff, b'b']);
        assert_eq!(editor.clear(), "한\u{fffd}b");
    }

    /// P54.
    #[test]
    fn what_is_pasted_is_text_and_enter_alone_sends_it() {
        check("\u{1b}[200~하나\r둘\r\n\tif\n\u{1b}[201~", "하나\n둘\n\tif\n", 0);
        check("a\u{1b}[200~b\u{3}\u{4}\u{15}\u{1b}[Ac\u{1b}[201~d", "abcd", 0);
        check("하나\r둘\r\n셋", "하나\n둘\n셋", 0);
        check("a\u{1b}[200~b\nc\u{1b}[201~\u{7f}\u{7f}d", "abd", 2);
        let mut editor = Editor::default();
        let shown = editor.feed_keys("\u{1b}[200~하나\r".as_bytes());
        assert_eq!(shown, [Step::Shown(Shown::Text("하나⏎".to_owned()))]);
        let pasted = "줄\n".repeat(LONGEST / 4);
        editor.feed_keys("\u{15}\u{1b}[201~\u{15}\u{1b}[200~".as_bytes());
        assert!(pasted.as_bytes().chunks(4096).all(|piece| editor.feed_keys(piece).len() <= 1));
        editor.feed_keys(b"\x1b[201~");
        assert_eq!(editor.shown(), format!("…{}", "줄⏎".repeat(MOST_SHOWN / 2)));
        assert_eq!(editor.feed_keys(b"\r\n"), [Step::Line(pasted)]);
    }

    /// Commands and bare Enters that come at once are what they are.
    #[test]
    fn a_command_is_no_text() {
        let mut editor = Editor::default();
        let line = |text: &str| Step::Line(text.to_owned());
        let is_line = |step: &Step| matches!(step, Step::Line(_));
        let lines: Vec<Step> = editor.feed_keys(b"\r/pause\ra\r\n").into_iter().filter(is_line).collect();
        assert_eq!(lines, [line(""), line("/pause"), line("a")]);
        let lines: Vec<Step> = editor.feed_lines(b"a\nb\n").into_iter().filter(is_line).collect();
        assert_eq!(lines, [line("a"), line("b")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_cut_in_silence() {
        let mut editor = Editor::default();
        editor.feed_keys(&vec![b'x'; LONGEST]);
        editor.feed_keys(b"y\x7f");
        assert_eq!(editor.feed_keys(b"\n"), [Step::TooLong]);
        assert_eq!(editor.feed_keys(b"a\n").last(), Some(&Step::Line("a".to_owned())));
        editor.feed_keys(&vec![b'x'; LONGEST + 1]);
        editor.feed_keys(b"\x15b");
        assert_eq!(editor.feed_keys(b"\n"), [Step::Line("b".to_owned())]);
    }
}
