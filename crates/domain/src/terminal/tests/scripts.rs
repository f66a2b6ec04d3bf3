//! Text of every script stays as it is.

use super::{Sanitized, check};

/// P55.
#[test]
fn text_of_any_script_passes_as_it_is() {
    for text in [
        "한글과 컴퓨터",
        // Decomposed, and of the old script.
        "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}",
        "\u{1102}\u{119e}\u{11af}",
        // Without an initial consonant, and without a vowel.
        "\u{115f}\u{1161}\u{1100}\u{1160}",
        "שָׁלוֹם עוֹלָם",
        "مَرْحَبًا ١٢٣ \u{600}١",
        // Persian, Hindi, Malayalam, Bengali, Sinhala, Mongolian need joiners inside of words.
        "می\u{200c}خواهم نامه\u{200c}ای",
        "क\u{94d}\u{200d}ष क\u{94d}\u{200c}ष क\u{94d}\u{200d}",
        "ന\u{d4d}\u{200d} র\u{200d}\u{9cd}য ශ\u{dca}\u{200d}ර",
        "ᠪᠠᠢ\u{180b}ᠨ\u{180e}ᠠ",
        "ภาษาไทยใช้API tiếng Việt Việt",
        "Ελληνικά кириллица ՀԱՅ ᏣᎳᎩ",
        "漢字\u{e0100} か゛ ㅠㅠ ﷽ ☃",
        "\u{f40}\u{fb1}\u{f74}\u{f7e}",
    ] {
        check(text, text);
        assert_eq!(Sanitized::name(text).as_str(), text);
    }
}

/// P55.
#[test]
fn emoji_sequences_pass_as_they_are() {
    for text in [
        "👨‍👩‍👧 👩🏽‍🚀 🧑‍🤝‍🧑 👁️‍🗨️ 🏳️‍🌈 🏴‍☠️ 🐈‍⬛ ❤️‍🔥",
        "🇰🇷 1️⃣ #️⃣ *️⃣ ☎️ ☎︎ ™️",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}.",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
        "👩🏽‍❤️‍💋‍👨🏿",
    ] {
        check(text, text);
    }
}

#[test]
fn a_line_is_cut_between_characters_and_says_so() {
    let within = |text, columns| Sanitized::line(text).within(columns).to_string();
    assert_eq!(within("한글과 컴퓨터", 7), "한글과…");
    assert_eq!(within("한글", 4), "한글");
    assert_eq!(within("👨‍👩‍👧👨‍👩‍👧", 3), "👨‍👩‍👧…");
    assert_eq!(within("می\u{200c}خواهم", 3), "می…");
    assert_eq!(within("ab", 0), "");
}
