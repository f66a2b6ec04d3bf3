//! The way of untrusted text to a terminal.
//!
//! Held: nothing that a terminal obeys or that reorders what is read gets through; sanitizing twice is sanitizing once;
//! the way a stream was cut changes nothing; JSON stays the same value; naming what deceives the eye never fails.

use domain::terminal::{Sanitized, Sanitizer, marks};

/// The first byte says where the text is cut.
pub(super) fn check(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let lines = Sanitized::lines(&text);
    for (form, shown) in
        [("lines", &lines), ("line", &Sanitized::line(&text)), ("name", &Sanitized::name(&text))]
    {
        let obeyed = |character: &char| is_obeyed(*character) && !(form == "lines" && *character == '\n');
        assert_eq!(shown.as_str().chars().find(obeyed), None, "{form}: {shown:?}");
    }
    assert_eq!(Sanitized::lines(lines.as_str()), lines, "a second time");
    assert_eq!(in_pieces(&text, usize::from(*cut).max(1)), lines.as_str(), "in pieces of {cut}");
    let json = Sanitized::json(&text).expect("a text is JSON");
    assert_eq!(json.as_str().chars().find(|character| is_obeyed(*character)), None, "json: {json:?}");
    assert_eq!(serde_json::from_str::<String>(json.as_str()).expect("JSON"), text, "the value stays");
    let within = Sanitized::line(&text).within(usize::from(*cut));
    assert!(within.width() <= usize::from(*cut), "{within:?} is wider than {cut}");
    drop(marks(&text));
}

/// Control characters, line separators, and what changes the direction of reading.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn in_pieces(text: &str, characters: usize) -> String {
    let mut sanitizer = Sanitizer::default();
    let all: Vec<char> = text.chars().collect();
    let mut shown: String = all
        .chunks(characters)
        .map(|piece| sanitizer.push(&piece.iter().collect::<String>()).as_str().to_owned())
        .collect();
    shown.push_str(sanitizer.finish().as_str());
    shown
}
