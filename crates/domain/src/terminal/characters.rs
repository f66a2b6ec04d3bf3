//! What kind of character a character is, as far as showing it safely depends on that.
//!
//! The facts come from the Unicode Character Database (through `icu_properties`); the choice of what to trust is
//! this module's.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic,
        GeneralCategory, PrependedConcatenationMark, Script,
    },
    script::ScriptWithExtensions,
};
use unicode_width::UnicodeWidthChar;

/// Joins the letters beside it.
pub(super) const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Keeps the letters beside it apart.
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
/// Keeps a Mongolian vowel apart from its word.
const MONGOLIAN_VOWEL_SEPARATOR: char = '\u{180e}';
/// The base of the flags of England, Scotland and Wales.
pub(super) const BLACK_FLAG: char = '\u{1f3f4}';
/// Stands for the missing initial consonant of a Hangul syllable.
pub(super) const INITIAL_FILLER: char = '\u{115f}';
/// Makes a key of the digit before it.
pub(super) const KEYCAP: char = '\u{20e3}';

/// What a character is for the sanitizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Shows itself.
    Plain,
    /// Lies on the character before it, or takes no room of its own.
    Mark,
    /// Changes the shape of its neighbours and shows nothing.
    Joiner,
    /// Chooses the shape of the character before it and shows nothing.
    Selector,
    /// Spells the region of a flag and shows nothing.
    Tag,
    /// Stands for a missing letter of a Hangul syllable.
    Filler,
    /// Shows nothing, or is obeyed.
    Hidden,
}

/// The class of a character.
pub(super) fn class(character: char) -> Class {
    match character {
        ' '..='~' | '가'..='힣' | '一'..='鿿' => Class::Plain,
        '\0'..='\u{9f}' => Class::Hidden,
        ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER | MONGOLIAN_VOWEL_SEPARATOR => Class::Joiner,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' | '\u{180f}' => {
            Class::Selector
        }
        '\u{e0020}'..='\u{e007f}' => Class::Tag,
        INITIAL_FILLER | '\u{1160}' => Class::Filler,
        _ => looked_up(character),
    }
}

fn looked_up(character: char) -> Class {
    if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character) {
        return Class::Hidden;
    }
    match CodePointMapData::<GeneralCategory>::new().get(character) {
        GeneralCategory::Control
        | GeneralCategory::Unassigned
        | GeneralCategory::PrivateUse
        | GeneralCategory::Surrogate
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => Class::Hidden,
        // A few signs of Arabic and its neighbours are formats by name, and drawn.
        GeneralCategory::Format
            if !CodePointSetData::new::<PrependedConcatenationMark>().contains(character) =>
        {
            Class::Hidden
        }
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark => {
            Class::Mark
        }
        _ if character.width() == Some(0) => Class::Mark,
        _ => Class::Plain,
    }
}

/// Whether the character may be a picture of an emoji sequence. Numbers that are kept for pictures to come are shown as
/// numbers, so nothing joins them.
pub(super) fn is_pictograph(character: char) -> bool {
    !character.is_ascii()
        && CodePointSetData::new::<ExtendedPictographic>().contains(character)
        && class(character) == Class::Plain
}

/// Whether the character gives a person its colour of skin.
pub(super) fn is_skin_tone(character: char) -> bool {
    CodePointSetData::new::<EmojiModifier>().contains(character)
}

/// Whether the character joins its neighbours or keeps them apart.
pub(super) const fn is_joiner(character: char) -> bool {
    matches!(character, ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER | MONGOLIAN_VOWEL_SEPARATOR)
}

/// Whether `selector` chooses a shape that `base` has. A digit has one as a key only, which
/// [`is_half_a_key`] tells.
pub(super) fn selects(base: char, selector: char) -> bool {
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => CodePointSetData::new::<Emoji>().contains(base) && !base.is_ascii(),
        '\u{fe00}'..='\u{fe02}' => {
            let category = CodePointMapData::<GeneralCategory>::new().get(base);
            category == GeneralCategory::MathSymbol || [Script::Han, Script::Myanmar].contains(&script(base))
        }
        '\u{e0100}'..='\u{e01ef}' => script(base) == Script::Han,
        '\u{180b}'..='\u{180f}' => script(base) == Script::Mongolian,
        _ => false,
    }
}

/// Whether a key sign has to follow for the selector to choose anything.
pub(super) const fn is_half_a_key(base: char, selector: char) -> bool {
    matches!(base, '0'..='9' | '#' | '*') && matches!(selector, '\u{fe0e}' | '\u{fe0f}')
}

/// Whether the script of `before` and `after` writes words with joiners inside.
pub(super) fn is_joined_script(before: char, after: char) -> bool {
    const JOINED: [Script; 24] = [
        Script::Arabic,
        Script::Syriac,
        Script::Mandaic,
        Script::Nko,
        Script::Mongolian,
        Script::PhagsPa,
        Script::Adlam,
        Script::HanifiRohingya,
        Script::Devanagari,
        Script::Bengali,
        Script::Gurmukhi,
        Script::Gujarati,
        Script::Oriya,
        Script::Tamil,
        Script::Telugu,
        Script::Kannada,
        Script::Malayalam,
        Script::Sinhala,
        Script::Khmer,
        Script::Myanmar,
        Script::Tibetan,
        Script::Balinese,
        Script::Javanese,
        Script::Grantha,
    ];
    let script = script(before);
    JOINED.contains(&script) && ScriptWithExtensions::new().has_script(after, script)
}

/// Whether the character ends a consonant's vowel, so that a joiner after it chooses the consonant's shape.
pub(super) fn is_virama(character: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(character) == CanonicalCombiningClass::Virama
}

/// Whether the character is a vowel in the middle of a decomposed Hangul syllable.
pub(super) const fn is_hangul_vowel(character: char) -> bool {
    matches!(character, '\u{1161}'..='\u{11a7}' | '\u{d7b0}'..='\u{d7c6}')
}

/// Whether the character begins a decomposed Hangul syllable.
pub(super) const fn is_hangul_initial(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{115e}' | '\u{a960}'..='\u{a97c}')
}

fn script(character: char) -> Script {
    CodePointMapData::<Script>::new().get(character)
}
