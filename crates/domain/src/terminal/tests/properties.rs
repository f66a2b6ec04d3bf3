//! What holds for every text.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, GeneralCategory},
};
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::super::{Sanitized, Sanitizer, marks};

/// Text in which the dangerous, the joined and the ordinary stand close together.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "a",
            "1",
            " ",
            "\n",
            "\r",
            "\t",
            "\u{1b}[",
            "\u{9b}",
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{202e}",
            "\u{2066}",
            "\u{2028}",
            "\u{feff}",
            "\u{fe0f}",
            "\u{fe01}",
            "\u{e0100}",
            "\u{e0067}",
            "\u{e0062}",
            "\u{e007f}",
            "🏴",
            "👩",
            "\u{1feff}",
            "🏽",
            "❤",
            "\u{20e3}",
            "\u{301}",
            "\u{94d}",
            "क",
            "می",
            "한",
            "\u{1112}",
            "\u{1161}",
            "\u{11ab}",
            "\u{115f}",
            "\u{1160}",
            "\u{180e}",
            "ᠨ",
            "漢",
            "\u{e000}",
            "\u{378}",
            "р",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

/// Whether a terminal or a reader obeys the character whatever stands beside it.
fn is_dangerous(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    let is_shapeless =
        matches!(character, '\u{200b}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{3164}');
    character.is_control()
        || is_shapeless
        || CodePointSetData::new::<BidiControl>().contains(character)
        || matches!(
            category,
            GeneralCategory::Unassigned
                | GeneralCategory::PrivateUse
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    #[test]
    fn no_text_shows_what_a_terminal_obeys(text in hostile()) {
        let lines = Sanitized::lines(&text);
        prop_assert!(lines.as_str().chars().all(|shown| shown == '\n' || !is_dangerous(shown)), "{:?}", lines);
        for line in [Sanitized::line(&text), Sanitized::name(&text), Sanitized::json(&text).unwrap()] {
            prop_assert!(!line.as_str().chars().any(is_dangerous), "{:?}", line);
        }
    }

    #[test]
    fn sanitizing_again_changes_nothing(text in hostile(), columns in 0_usize..40) {
        let (lines, line, name) = (Sanitized::lines(&text), Sanitized::line(&text), Sanitized::name(&text));
        prop_assert_eq!(&Sanitized::lines(lines.as_str()), &lines);
        prop_assert_eq!(&Sanitized::line(line.as_str()), &line);
        prop_assert_eq!(&Sanitized::name(name.as_str()), &name);
        let cut = line.within(columns);
        prop_assert_eq!(&Sanitized::name(cut.as_str()), &cut);
        prop_assert!(cut.width() <= columns);
    }

    #[test]
    fn text_in_pieces_shows_what_the_whole_shows(pieces in prop::collection::vec(hostile(), 0..4)) {
        let mut sanitizer = Sanitizer::default();
        let mut shown: String = pieces.iter().map(|piece| sanitizer.push(piece).to_string()).collect();
        shown.push_str(sanitizer.finish().as_str());
        let whole = Sanitized::lines(&pieces.concat());
        prop_assert_eq!(shown.as_str(), whole.as_str());
    }

    #[test]
    fn joining_what_is_safe_is_safe(one in hostile(), other in hostile()) {
        let joined = format!("{}{}", Sanitized::lines(&one), Sanitized::lines(&other));
        prop_assert!(joined.chars().all(|shown| shown == '\n' || !is_dangerous(shown)));
        let marks = joined.graphemes(true).map(|grapheme| grapheme.chars().filter(|c| {
            CodePointMapData::<GeneralCategory>::new().get(*c) == GeneralCategory::NonspacingMark
        }).count());
        // A selector chooses a shape; it is no mark to be piled up.
        prop_assert!(marks.max().unwrap_or(0) <= 2 * usize::from(Sanitized::MOST_MARKS) + 2, "{joined:?}");
    }

    #[test]
    fn letters_and_spaces_are_kept_grapheme_by_grapheme(text in "[ -~가-힣一-龥א-תا-يа-яぁ-んँ-औ]{0,30}") {
        let shown = Sanitized::lines(&text);
        let kept: Vec<&str> = shown.as_str().graphemes(true).filter(|grapheme| !grapheme.starts_with('◌')).collect();
        let given: Vec<&str> = text.graphemes(true).filter(|grapheme| grapheme.width() > 0).collect();
        prop_assert!(given.iter().filter(|grapheme| !kept.contains(grapheme)).count() <= 1, "{text:?} {shown:?}");
    }

    #[test]
    fn marks_are_found_in_any_text_without_fail(text in hostile()) {
        let shows_everything = Sanitized::lines(&text).as_str() == text;
        let hidden = marks(&text).iter().any(|mark| {
            use super::super::MarkKind::{Bidi, Control, Invisible};
            matches!(mark.kind, Bidi | Control | Invisible)
        });
        let is_plain = !text.contains(['\t', '\r']);
        // A dotted circle under a mark without a base is added, nothing is hidden.
        prop_assert!(!is_plain || !shows_everything || !hidden, "{text:?}");
    }
}
