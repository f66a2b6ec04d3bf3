//! Text of models, tools and files, made safe for a terminal.
//!
//! Nothing that passes through here can move the cursor, colour the screen, write the clipboard or reorder what is
//! read. Every script passes as it is; joiners, marks and right-to-left letters belong to text. This module does not
//! redact secrets and does not judge meaning.

use std::borrow::Cow;

const TAB: &str = "    ";

/// `text` with control characters and overrides of the writing direction shown instead of obeyed. Newlines stay,
/// `\r\n` becomes a newline, a tab becomes spaces.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\t' => safe.push_str(TAB),
            // The end of a piece may be the middle of a line break.
            '\r' if matches!(rest.peek(), Some('\n') | None) => {}
            '\u{2028}' | '\u{2029}' => safe.push('\n'),
            _ if is_unsafe(character) => show(character, &mut safe),
            _ => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// `text`, clean and on one line: white space of any kind and length becomes one space.
pub(crate) fn clean_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&clean(word));
    }
    line
}

/// A JSON line with the characters escaped that JSON allows and a terminal or a reader would obey. The value stays
/// the same.
pub(crate) fn clean_json(line: String) -> String {
    // In compact JSON such characters occur inside strings only, where an escape means the same.
    if !line.chars().any(is_unsafe) {
        return line;
    }
    let mut safe = String::with_capacity(line.len() + 16);
    for character in line.chars() {
        if is_unsafe(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Whether a terminal or a reader would obey the character instead of showing it.
const fn is_unsafe(character: char) -> bool {
    match character {
        '\n' => false,
        // C0, DEL, C1; line and paragraph separators; embeddings, overrides and isolates of the writing direction.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => false,
    }
}

fn show(character: char, safe: &mut String) {
    let code = u32::from(character);
    // Unicode has a picture for each of the C0 characters and for DEL.
    let picture = match character {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + code),
        '\u{7f}' => Some('\u{2421}'),
        _ => None,
    };
    match picture {
        Some(picture) => safe.push(picture),
        None => safe.push_str(&format!("<U+{code:04X}>")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, safe: &str) {
        assert_eq!(clean(text), safe, "{text:?}");
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        check("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m");
        check("\u{1b}]52;c;ZXZpbA==\u{7}", "␛]52;c;ZXZpbA==␇");
        check("\u{9b}2J", "<U+009B>2J");
        check("a\u{8}b\u{7f}\0", "a␈b␡␀");
        check("over\rwritten", "over␍written");
    }

    #[test]
    fn overrides_of_the_writing_direction_are_shown() {
        check("user\u{202e}txt.exe", "user<U+202E>txt.exe");
        check("\u{2066}x\u{2069}", "<U+2066>x<U+2069>");
    }

    #[test]
    fn text_of_any_script_passes() {
        for text in
            ["한글과 컴퓨터", "שלום עולם", "مرحبا\u{200f}", "👨‍👩‍👧", "क्षि", "a\nb", "\u{1112}\u{1161}\u{11ab}"]
        {
            check(text, text);
            assert!(matches!(clean(text), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn line_breaks_and_tabs_become_plain_ones() {
        check("a\r\nb\tc", "a\nb    c");
        check("half a break\r", "half a break");
        check("a\u{2028}b\u{2029}c", "a\nb\nc");
        assert_eq!(clean_line("  a\r\n\tb \u{1b}c\n"), "a b ␛c");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"text": "\u{9b}2J \u{202e}한글\u{7f}"});
        let line = clean_json(value.to_string());
        assert!(line.chars().all(|character| !is_unsafe(character)), "{line}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }
}
