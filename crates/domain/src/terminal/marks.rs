//! What deceives the eye in a command or a diff that a person is asked about.
//!
//! A mark is a hint, never a decision: text without marks may still do harm. Hangul beside Latin letters is ordinary
//! Korean and no mark; neither is any other mixture in which no letter passes for a Latin one.

use std::collections::BTreeSet;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData, PropertyNamesLong,
    props::{BidiControl, Script},
};
use unicode_security::confusable_detection::skeleton;

use super::{
    Sanitized,
    characters::{Class, class},
    sanitizer::hidden,
};

/// Something that deceives the eye, with the places where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// How it deceives.
    pub kind: MarkKind,
    /// How often.
    pub count: usize,
    /// The first few places, at most [`Mark::MOST_PLACES`].
    pub places: Vec<Place>,
}

impl Mark {
    /// How many places of one kind are named; the others are counted.
    pub const MOST_PLACES: usize = 3;
}

/// A place that deceives the eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The word it is in, or the character itself where that belongs to no word.
    pub word: Sanitized,
    /// The characters that deceive, in the order of their code points.
    pub characters: BTreeSet<char>,
}

/// How a text deceives the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// A word holds letters of another script that look like those beside them.
    MixedScripts,
    /// A word without a Latin letter that reads like a Latin one.
    LooksLatin,
    /// A word mixes plain letters and ones that are drawn for show (`𝐚`, `ａ`).
    StyledLetters,
    /// The order in which characters stand is not the one in which they are read.
    Bidi,
    /// Characters that show nothing.
    Invisible,
    /// Characters that a terminal obeys.
    Control,
    /// Something that looks like a space, and is none for a shell.
    OddSpace,
}

/// Everything in `text` that deceives the eye, one mark a kind, in the order of [`MarkKind`].
#[must_use]
pub fn marks(text: &str) -> Vec<Mark> {
    let mut found = Found::default();
    for (line, character) in hidden(text) {
        found.character(line, hidden_kind(character), character);
    }
    let foreign = Foreign::of(text);
    for (line, text) in (1..).zip(text.split('\n')) {
        for character in text.chars().filter(|character| is_odd_space(*character)) {
            found.character(line, MarkKind::OddSpace, character);
        }
        for token in text.split(char::is_whitespace).filter(|token| !token.is_ascii()) {
            for word in token.split(|character| !is_of_word(character)).filter(|word| !word.is_ascii()) {
                for (kind, characters) in deceptions(word, token, &foreign) {
                    found.place(kind, Place { line, word: Sanitized::name(word), characters });
                }
            }
        }
    }
    found.0.sort_by_key(|mark| mark.kind);
    found.0
}

/// The name of a letter's script, in English.
#[must_use]
pub fn script_name(character: char) -> &'static str {
    PropertyNamesLong::<Script>::new().get(script(character)).unwrap_or("Unknown")
}

#[derive(Default)]
struct Found(Vec<Mark>);

impl Found {
    fn place(&mut self, kind: MarkKind, place: Place) {
        match self.0.iter_mut().find(|mark| mark.kind == kind) {
            Some(mark) => {
                mark.count += 1;
                if mark.places.len() < Mark::MOST_PLACES {
                    mark.places.push(place);
                }
            }
            None => self.0.push(Mark { kind, count: 1, places: vec![place] }),
        }
    }

    fn character(&mut self, line: usize, kind: MarkKind, character: char) {
        let word = Sanitized::name(character.encode_utf8(&mut [0; 4]));
        self.place(kind, Place { line, word, characters: BTreeSet::from([character]) });
    }
}

fn hidden_kind(character: char) -> MarkKind {
    if CodePointSetData::new::<BidiControl>().contains(character) {
        MarkKind::Bidi
    } else if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
        MarkKind::Control
    } else {
        MarkKind::Invisible
    }
}

fn is_odd_space(character: char) -> bool {
    let is_blank_pattern = character == '\u{2800}';
    is_blank_pattern
        || (character.is_whitespace() && !character.is_control() && class(character) == Class::Plain)
            && character != ' '
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || class(character) != Class::Plain
}

/// The scripts whose letters pass for Latin ones.
const LOOKALIKE_SCRIPTS: [Script; 8] = [
    Script::Cyrillic,
    Script::Greek,
    Script::Coptic,
    Script::Armenian,
    Script::Cherokee,
    Script::Lisu,
    Script::Deseret,
    Script::Osage,
];

/// Which of those scripts the text really writes in: it has letters of theirs that pass for no others.
struct Foreign(BTreeSet<&'static str>);

impl Foreign {
    fn of(text: &str) -> Self {
        let letters = text.chars().filter(|letter| !letter.is_ascii() && !passes_for_latin(*letter));
        Self(letters.filter(|letter| is_of_lookalike_script(*letter)).map(script_name).collect())
    }

    fn writes(&self, letter: char) -> bool {
        self.0.contains(script_name(letter))
    }
}

/// How a word deceives, and with which characters. `token` is what stands between spaces around it.
fn deceptions(word: &str, token: &str, foreign: &Foreign) -> Vec<(MarkKind, BTreeSet<char>)> {
    let has_latin = word.chars().any(|letter| letter.is_alphabetic() && script(letter) == Script::Latin);
    let lookalikes: BTreeSet<char> = word.chars().filter(|letter| passes_for_latin(*letter)).collect();
    let scripts: BTreeSet<&str> =
        word.chars().filter(|letter| is_of_lookalike_script(*letter)).map(script_name).collect();
    let mut found = Vec::new();
    if !lookalikes.is_empty() && (has_latin || scripts.len() > 1) {
        found.push((MarkKind::MixedScripts, lookalikes));
    } else if !lookalikes.is_empty() && reads_like_latin(word) {
        // Among Latin words of a path or an address, or where the text is not written in that script at all.
        let is_among_latin = token.chars().any(|letter| letter.is_ascii_alphabetic());
        if is_among_latin || lookalikes.iter().all(|letter| !foreign.writes(*letter)) {
            found.push((MarkKind::LooksLatin, lookalikes));
        }
    }
    let styled: BTreeSet<char> = word.chars().filter(|letter| is_styled(*letter)).collect();
    if !styled.is_empty() && word.chars().any(|letter| letter.is_ascii_alphabetic()) {
        found.push((MarkKind::StyledLetters, styled));
    }
    found
}

fn reads_like_latin(word: &str) -> bool {
    word.chars().all(|letter| letter.is_ascii_digit() || letter == '_' || passes_for_latin(letter))
}

fn is_of_lookalike_script(letter: char) -> bool {
    letter.is_alphabetic() && LOOKALIKE_SCRIPTS.contains(&script(letter))
}

fn passes_for_latin(letter: char) -> bool {
    is_of_lookalike_script(letter)
        && skeleton(letter.encode_utf8(&mut [0; 4])).all(|shape| shape.is_ascii_alphanumeric())
}

fn is_styled(letter: char) -> bool {
    // The signs of ordinal numbers belong to everyday Spanish and French.
    if letter.is_ascii() || matches!(letter, 'ª' | 'º') {
        return false;
    }
    let plain =
        ComposingNormalizerBorrowed::new_nfkc().normalize(letter.encode_utf8(&mut [0; 4])).into_owned();
    plain.len() == 1 && plain.chars().all(|plain| plain.is_ascii_alphabetic())
}

fn script(character: char) -> Script {
    CodePointMapData::<Script>::new().get(character)
}
