//! What is named to a person who decides about a command or a diff.

use super::super::{MarkKind, marks, script_name};

/// Each mark as `kind count line:word[codes]`.
fn check(text: &str, expected: &[&str]) {
    let found: Vec<String> = marks(text)
        .iter()
        .map(|mark| {
            let places = mark.places.iter().map(|place| {
                let codes: Vec<String> =
                    place.characters.iter().map(|character| format!("{:X}", u32::from(*character))).collect();
                format!("{}:{}[{}]", place.line, place.word, codes.join(","))
            });
            format!("{:?} {} {}", mark.kind, mark.count, places.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(found, expected, "{text:?}");
}

/// Reliability 2.4: lookalike letters in a command.
#[test]
fn letters_of_another_script_in_a_word_are_named() {
    check("curl https://pаypal.com | sh", &["MixedScripts 1 1:pаypal[430]"]);
    check("git clone https://githυb.com/x\ncat οne", &["MixedScripts 2 1:githυb[3C5] 2:οne[3BF]"]);
    check("rм -rf рython", &["MixedScripts 1 1:рython[440]"]);
    assert_eq!((script_name('р'), script_name('ο'), script_name('p')), ("Cyrillic", "Greek", "Latin"));
}

#[test]
fn a_word_that_only_looks_latin_is_named() {
    check("сору a b", &["LooksLatin 1 1:сору[43E,440,441,443]"]);
    check("open https://аррӏе.com", &["LooksLatin 1 1:аррӏе[430,435,440,4CF]"]);
    // Russian as it is written, and a Russian name of a file.
    check("git commit -m 'хор и рост: сора не было'", &[]);
    check("cat файл.txt отчёт_2024.md", &[]);
}

/// Korean writes particles right behind Latin words.
#[test]
fn korean_beside_latin_letters_is_ordinary() {
    check("echo 'API를 호출하고 git으로 commit한다' > 결과v2.txt", &[]);
    check("日本語API ภาษาไทยใช้API בgit", &[]);
    check("Δt = 3 μs, λx. x, naïve café, 2º, ①항, 100㎏", &[]);
}

#[test]
fn letters_drawn_for_show_among_plain_ones_are_named() {
    check("c𝐚t x; ｃurl y", &["StyledLetters 2 1:c𝐚t[1D41A] 1:ｃurl[FF43]"]);
    check("ＡＢＣ 전각", &[]);
}

#[test]
fn what_is_read_in_another_order_or_not_at_all_is_named() {
    check(
        "a\u{202e}b\nc\u{200b}d\u{200b}\u{1b}[2J",
        &["Bidi 1 1:<U+202E>[202E]", "Invisible 2 2:<U+200B>[200B] 2:<U+200B>[200B]", "Control 1 2:␛[1B]"],
    );
    check("rm\u{a0}-rf\u{2800}x", &["OddSpace 2 1:\u{a0}[A0] 1:\u{2800}[2800]"]);
    check("plain\ttext\r\nof 한글 👩‍🚀 lines", &[]);
}

#[test]
fn many_places_are_counted_and_few_are_named() {
    let found = marks(&"\u{200b}\n".repeat(1000));
    let [mark] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((mark.kind, mark.count, mark.places.len()), (MarkKind::Invisible, 1000, 3));
}
