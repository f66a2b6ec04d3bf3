//! Korean particles after a name: `@coder에게`, `@reviewer는`, `@planner한테서도`.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What may stand between a name and its particle: a polite form of address.
const TITLES: [&str; 3] = ["님", "씨", "군"];

/// Particles that follow a name. Two may stand together (`에게` and `는`).
const PARTICLES: [&str; 59] = [
    "가",
    "같이",
    "게",
    "과",
    "까지",
    "께",
    "께서",
    "께선",
    "나",
    "는",
    "다",
    "대로",
    "더러",
    "도",
    "라고",
    "라도",
    "라면",
    "랑",
    "로",
    "로부터",
    "로서",
    "를",
    "마다",
    "마저",
    "만",
    "만큼",
    "밖에",
    "보고",
    "보다",
    "부터",
    "뿐",
    "아",
    "야",
    "야말로",
    "에",
    "에게",
    "에게서",
    "에겐",
    "에서",
    "여",
    "와",
    "은",
    "을",
    "의",
    "이",
    "이나",
    "이라고",
    "이라도",
    "이라면",
    "이랑",
    "이야",
    "이여",
    "조차",
    "처럼",
    "하고",
    "한테",
    "한테서",
    "한텐",
    "으로",
];

/// The longest thing that can follow a name, in syllables: a title and two particles (`님한테서까지`).
const LONGEST: usize = 8;

/// Splits a particle (with a title before it, with a second one after it) from the beginning of `text`, where Hangul
/// stands there that is nothing else. Syllables that are written letter by letter count as what they read as.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|character| !is_hangul(character)).unwrap_or(text.len());
    let (hangul, rest) = text.split_at_checked(end)?;
    // Three letters make a syllable at most.
    let is_short = !hangul.is_empty() && hangul.chars().count() <= LONGEST * 3;
    (is_short && is_particle(&ComposingNormalizerBorrowed::new_nfc().normalize(hangul)))
        .then_some((hangul, rest))
}

fn is_particle(text: &str) -> bool {
    let untitled = TITLES.iter().find_map(|title| text.strip_prefix(title)).unwrap_or(text);
    let is_one = |text: &str| text.is_empty() || PARTICLES.contains(&text);
    is_one(untitled) || PARTICLES.iter().any(|first| untitled.strip_prefix(first).is_some_and(is_one))
}

/// A syllable, or a letter of one.
const fn is_hangul(character: char) -> bool {
    matches!(character, '가'..='힣' | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}')
}
