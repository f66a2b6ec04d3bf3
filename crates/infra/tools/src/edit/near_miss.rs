//! Why a text was not found, as far as that can be guessed: what to do differently next time.

use crate::{
    output::shortened,
    spelling::{composed, form},
    text::{counted, lines_in},
};

/// In larger files we do not guess.
const LARGEST: usize = 2 * 1024 * 1024;
/// The most lines of the file that a hint shows.
const MOST_SHOWN: usize = 12;

/// A hint for the model, ending in a full stop or with lines of the file.
pub(super) fn hint(wanted: &str, content: &[u8]) -> String {
    let again = "Read the file again and copy the text exactly.".to_owned();
    if content.is_empty() {
        return "The file is empty: fill it with `write`.".to_owned();
    }
    if content.len() > LARGEST {
        return again;
    }
    let text = String::from_utf8_lossy(content);
    let text = text.replace("\r\n", "\n");
    let wanted = wanted.replace("\r\n", "\n");
    if let Some(bare) = without_line_numbers(&wanted)
        && text.contains(&bare)
    {
        return "It does without the line numbers that `read` puts before each line: leave them out."
            .to_owned();
    }
    if let Some(hint) = other_form(&wanted, &text) {
        return hint;
    }
    let file: Vec<&str> = text.lines().collect();
    let lines: Vec<&str> = wanted.lines().collect();
    if let Some(at) = same_but_for_white_space(&lines, &file) {
        return format!(
            "{} but for white space (indentation, tabs, spaces at line ends). They are:\n{}",
            if lines.len() == 1 {
                format!("Line {} is the same", at + 1)
            } else {
                format!("Lines {}-{} are the same", at + 1, at + lines.len())
            },
            shown(&file, at, lines.len())
        );
    }
    if let Some((at, whole)) = begins_alike(&lines, &file) {
        return format!(
            "Its {} at line {}, what follows differs. There it reads:\n{}",
            if whole == 1 { "first line stands".to_owned() } else { format!("first {whole} lines stand") },
            at + 1,
            shown(&file, at, lines.len() + 1)
        );
    }
    format!("{again} It has {}.", counted(lines_in(content), "line", "lines"))
}

/// The text without `   12<tab>` at the beginning of every line, if it has that.
fn without_line_numbers(text: &str) -> Option<String> {
    let bare = text.lines().map(|line| {
        let (number, rest) = line.split_once('\t')?;
        number.trim_start().parse::<u64>().ok().map(|_| rest)
    });
    Some(bare.collect::<Option<Vec<_>>>()?.join("\n"))
}

fn other_form(wanted: &str, text: &str) -> Option<String> {
    if wanted.is_ascii() || !composed(text).contains(composed(wanted).as_ref()) {
        return None;
    }
    let name = |text| form(text).unwrap_or("another form");
    Some(format!(
        "It does in another Unicode form: the file is written in {}, your text in {}. Copy the characters as the \
         file has them, match only the parts without accents or Hangul, or replace the file with `write`.",
        name(text),
        name(wanted)
    ))
}

/// The first line, from 0, from which on the file says the same if white space does not count.
fn same_but_for_white_space(lines: &[&str], file: &[&str]) -> Option<usize> {
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted: Vec<String> = lines.iter().map(|line| squeezed(line)).collect();
    if wanted.iter().all(String::is_empty) {
        return None;
    }
    let have: Vec<String> = file.iter().map(|line| squeezed(line)).collect();
    if let [only] = wanted.as_slice() {
        return have.iter().position(|line| line.contains(only.as_str()));
    }
    have.windows(wanted.len()).position(|window| window == wanted)
}

/// Where the file has the most of the text's first lines, and how many.
fn begins_alike(lines: &[&str], file: &[&str]) -> Option<(usize, usize)> {
    let first = lines.first().map(|line| line.trim()).filter(|line| !line.is_empty())?;
    let alike = |at: usize| {
        let there = file.iter().skip(at);
        lines.iter().zip(there).take_while(|(wanted, have)| wanted.trim() == have.trim()).count()
    };
    let starts = file.iter().enumerate().filter(|(_, line)| line.trim() == first).map(|(at, _)| at);
    // The first of equals: `max_by_key` would take the last.
    starts.map(|at| (at, alike(at))).reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn shown(file: &[&str], from: usize, lines: usize) -> String {
    let lines = file.iter().enumerate().skip(from).take(lines.min(MOST_SHOWN));
    let lines = lines.map(|(at, line)| format!("{:>6}\t{}", at + 1, shortened(line, 0).0));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &str, content: &str, expected: &str) {
        let hint = hint(wanted, content.as_bytes());
        assert!(hint.contains(expected), "{wanted:?} in {content:?}: {hint}");
    }

    /// P11.
    #[test]
    fn hints_say_what_is_different() {
        let decomposed = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}";
        for (wanted, content, expected) in [
            (
                "    let a = 1;\n    b();",
                "fn f() {\n\tlet a = 1;\n\tb();\n}\n",
                "Lines 2-3 are the same but for white space",
            ),
            ("a  =  1", "x\na = 1\n", "Line 2 is the same but for white space"),
            ("     2\ta = 1", "x\na = 1\n", "leave them out"),
            ("한글", decomposed, "written in NFD, decomposed, your text in NFC, composed"),
            (decomposed, "한글", "written in NFC, composed, your text in NFD, decomposed"),
            ("first\nsecond", "x\nfirst\nother\n", "first line stands at line 2"),
            ("a\nb\nc", "a\nx\na\nb\nd\n", "first 2 lines stand at line 3"),
            ("nowhere", "a\nb\n", "Read the file again and copy the text exactly. It has 2 lines."),
            ("x", "", "The file is empty"),
        ] {
            check(wanted, content, expected);
        }
    }

    #[test]
    fn a_hint_shows_the_lines_of_the_file() {
        let hint = hint("a\nb", b"  a\r\n  b\r\n");
        assert!(hint.ends_with("     1\t  a\n     2\t  b"), "{hint}");
    }
}
