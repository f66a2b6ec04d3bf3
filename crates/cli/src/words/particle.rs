//! Korean particles, whose form depends on how the word before them ends.
//!
//! A Hangul syllable and a digit say it themselves. Of a Latin word the spelling often says it (`model`, `plan`,
//! `coder`); where it does not (`task`, `git`), both forms stand, as in print.

/// A particle in its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Particle {
    /// 은, 는
    Topic,
    /// 으로, 로
    Toward,
}

/// How a word ends when it is read aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Vowel,
    /// The final consonant ㄹ, which some particles treat as a vowel.
    Rieul,
    Consonant,
    Unknown,
}

/// `word` with the form of the particle that belongs to it. Closing quotes and brackets are not heard.
pub(super) fn with_particle(word: &str, particle: Particle) -> String {
    format!("{word}{}", form(sound(word), particle))
}

const fn form(sound: Sound, particle: Particle) -> &'static str {
    match (particle, sound) {
        (Particle::Topic, Sound::Vowel) => "는",
        (Particle::Topic, Sound::Consonant | Sound::Rieul) => "은",
        (Particle::Topic, Sound::Unknown) => "은(는)",
        (Particle::Toward, Sound::Vowel | Sound::Rieul) => "로",
        (Particle::Toward, Sound::Consonant) => "으로",
        (Particle::Toward, Sound::Unknown) => "(으)로",
    }
}

fn sound(word: &str) -> Sound {
    let mut letters = word.chars().rev().skip_while(|character| !character.is_alphanumeric());
    let Some(last) = letters.next() else { return Sound::Unknown };
    match last {
        '가'..='힣' => syllable(last),
        // Hangul that is written letter by letter, as some file systems keep it.
        '\u{1161}'..='\u{1175}' => Sound::Vowel,
        '\u{11AF}' => Sound::Rieul,
        '\u{11A8}'..='\u{11C2}' => Sound::Consonant,
        // 영 일 이 삼 사 오 육 칠 팔 구; tens, hundreds and thousands end in a consonant, too.
        '1' | '7' | '8' => Sound::Rieul,
        '0' | '3' | '6' => Sound::Consonant,
        '2' | '4' | '5' | '9' => Sound::Vowel,
        'g' if letters.next() == Some('n') => Sound::Consonant,
        'l' | 'L' => Sound::Rieul,
        'm' | 'n' | 'M' | 'N' => Sound::Consonant,
        'a' | 'd' | 'f' | 'h' | 'i' | 'o' | 'r' | 's' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z' | 'Y' | 'S'
        | 'X' => Sound::Vowel,
        _ => Sound::Unknown,
    }
}

/// Unicode orders the syllables so that every 28th has no final consonant.
fn syllable(character: char) -> Sound {
    match (u32::from(character) - u32::from('가')) % 28 {
        0 => Sound::Vowel,
        8 => Sound::Rieul,
        _ => Sound::Consonant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: [&str; 2]) {
        let particles = [Particle::Topic, Particle::Toward];
        let found = particles.map(|particle| with_particle(word, particle));
        assert_eq!(found, expected.map(|form| format!("{word}{form}")));
    }

    #[test]
    fn hangul_and_digits_say_how_they_end() {
        check("파일", ["은", "로"]);
        check("폴더", ["는", "로"]);
        check("\u{1112}\u{1161}\u{11ab}", ["은", "으로"]);
        check("`한글`", ["은", "로"]);
        check("10", ["은", "으로"]);
        check("2", ["는", "로"]);
        check("7", ["은", "로"]);
    }

    #[test]
    fn a_latin_word_shows_both_forms_only_where_its_spelling_says_nothing() {
        check("coder", ["는", "로"]);
        check("model", ["은", "로"]);
        check("\"plan\"", ["은", "으로"]);
        check("setting", ["은", "으로"]);
        check("task", ["은(는)", "(으)로"]);
        check("שלום", ["은(는)", "(으)로"]);
        check("", ["은(는)", "(으)로"]);
    }
}
