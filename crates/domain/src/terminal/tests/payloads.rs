//! Payloads of reports about terminals, each shown instead of obeyed (reliability 2.4, P08, P56).

use super::{Sanitized, check};

#[test]
fn escape_sequences_are_shown_and_not_obeyed() {
    // Colours, and the end of them.
    check("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m");
    // Writes the clipboard (OSC 52), ended by BEL or by ST.
    check("\u{1b}]52;c;ZXZpbA==\u{7}", "␛]52;c;ZXZpbA==␇");
    check("\u{1b}]52;c;ZXZpbA==\u{1b}\\", "␛]52;c;ZXZpbA==␛\\");
    // A link whose text lies about its target (OSC 8).
    check("\u{1b}]8;;http://evil\u{1b}\\safe\u{1b}]8;;\u{1b}\\", "␛]8;;http://evil␛\\safe␛]8;;␛\\");
    // The title, and asking for it back, which types it at the prompt.
    check("\u{1b}]0;title\u{7}\u{1b}[21t", "␛]0;title␇␛[21t");
    // Questions that the terminal answers on its input: status, attributes, position, DECRQSS, a whole DCS.
    check("\u{1b}[5n\u{1b}[c\u{1b}[6n", "␛[5n␛[c␛[6n");
    check("\u{1b}P$q\"p\u{1b}\\", "␛P$q\"p␛\\");
    check("\u{1b}P+q544e\u{1b}\\", "␛P+q544e␛\\");
    // Device control for a printer, APC, PM, SOS.
    check("\u{1b}[5i\u{1b}_G\u{1b}\\\u{1b}^x\u{1b}\\\u{1b}Xx\u{1b}\\", "␛[5i␛_G␛\\␛^x␛\\␛Xx␛\\");
    // Cursor moves, erasing, the other screen, a full reset.
    check("\u{1b}[2J\u{1b}[H\u{1b}[1A\u{1b}[?1049h\u{1b}c", "␛[2J␛[H␛[1A␛[?1049h␛c");
    // Bracketed paste ends early.
    check("\u{1b}[201~rm -rf ~\n", "␛[201~rm -rf ~\n");
}

#[test]
fn eight_bit_controls_are_shown_by_their_code() {
    check(
        "\u{9b}2J\u{9d}52;c;eA==\u{9c}\u{90}q\u{85}",
        "<U+009B>2J<U+009D>52;c;eA==<U+009C><U+0090>q<U+0085>",
    );
}

#[test]
fn nothing_overwrites_what_stands_there() {
    check("rm -rf ~\rls       ", "rm -rf ~␍ls       ");
    check("a\u{8}\u{8}b\u{7f}\0", "a␈␈b␡␀");
    check("up\u{b}down\u{c}next", "up␋down␌next");
    check("ends here\r", "ends here␍");
}

#[test]
fn line_breaks_and_tabs_become_plain_ones() {
    check("a\r\nb\tc\r\n\r\n", "a\nb    c\n\n");
    check("a\r\r\nb", "a␍\nb");
    check("a\u{2028}b\u{2029}c", "a<U+2028>b<U+2029>c");
    assert_eq!(Sanitized::line("  a\r\n\tb \u{1b}c\n").as_str(), "a b ␛c");
    assert_eq!(Sanitized::name(" a\r\n\tb \u{1b}c\n").as_str(), " a␍␊␉b ␛c␊");
}

/// Reliability 2.4: the Trojan Source family.
#[test]
fn the_order_of_reading_cannot_be_changed() {
    check("user\u{202e}txt.exe", "user<U+202E>txt.exe");
    check("\u{2066}x\u{2069}", "<U+2066>x<U+2069>");
    check("a\u{200e}b\u{200f}c\u{61c}d", "a<U+200E>b<U+200F>c<U+061C>d");
    for code in (0x202a..=0x202e).chain(0x2066..=0x2069) {
        let character = char::from_u32(code).unwrap();
        check(&format!("א{character}a"), &format!("א<U+{code:04X}>a"));
    }
}

#[test]
fn what_shows_nothing_is_shown() {
    check("r\u{200b}m\u{2060}\u{feff}\u{ad}", "r<U+200B>m<U+2060><U+FEFF><U+00AD>");
    check("a\u{2061}\u{2062}\u{2063}\u{2064}\u{180e}b", "a<U+2061><U+2062><U+2063><U+2064><U+180E>b");
    check("x\u{3164}\u{ffa0}\u{1160}\u{115f}y", "x<U+3164><U+FFA0><U+1160><U+115F>y");
    // Words hidden in tags, in selectors of shapes, behind a flag.
    check("hi\u{e0041}\u{e0042}", "hi<U+E0041><U+E0042>");
    check("🏴\u{e0067}\u{e0062}x\u{e0065}", "🏴<U+E0067><U+E0062>x<U+E0065>");
    check("🏴\u{e0061}\u{e0062}", "🏴<U+E0061><U+E0062>");
    check("🙂\u{fe0f}\u{fe0e}\u{fe01}\u{e0170}", "🙂\u{fe0f}<U+FE0E><U+FE01><U+E0170>");
    check("漢\u{e0100}\u{e0101}\u{e0102}", "漢\u{e0100}<U+E0101><U+E0102>");
    check("a\u{fe0f}1\u{fe0f}2", "a<U+FE0F>1<U+FE0F>2");
    // Joiners where no script needs them.
    check("cu\u{200d}rl\u{200c} x\u{200d}", "cu<U+200D>rl<U+200C> x<U+200D>");
    check("👩\u{200d}\u{200d}👩", "👩<U+200D><U+200D>👩");
    check("한\u{200d}글", "한<U+200D>글");
}

#[test]
fn what_means_nothing_is_shown_by_its_code() {
    check("\u{e000}\u{f8ff}\u{10fffd}", "<U+E000><U+F8FF><U+10FFFD>");
    check("\u{fdd0}\u{fffe}\u{1ffff}\u{378}", "<U+FDD0><U+FFFE><U+1FFFF><U+0378>");
    check("\u{fff9}a\u{fffa}b\u{fffb}", "<U+FFF9>a<U+FFFA>b<U+FFFB>");
}

#[test]
fn marks_do_not_pile_up_and_lie_on_nothing_of_ours() {
    let pile = format!("Z{}", "\u{301}".repeat(10));
    check(&pile, &format!("Z{}<U+0301><U+0301>", "\u{301}".repeat(8)));
    check("\u{336}struck", "◌\u{336}struck");
    check("a\n\u{336}b", "a\n◌\u{336}b");
    check("\u{200b}\u{336}", "<U+200B>◌\u{336}");
    let queue = |length: usize| vec!["👩"; length].join("\u{200d}");
    check(&queue(10), &format!("{}<U+200D>👩", queue(9)));
    let vowels = format!("\u{1112}{}", "\u{1161}".repeat(9));
    check(&vowels, &format!("\u{1112}{}<U+1161>", "\u{1161}".repeat(8)));
}

/// P08: what a tool took for text, and is none.
#[test]
fn bytes_of_a_program_are_shown() {
    let bytes = b"\x7fELF\x02\x01\x01\x00\x1b[2J\xff\xfe\x9b";
    check(&String::from_utf8_lossy(bytes), "␡ELF␂␁␁␀␛[2J\u{fffd}\u{fffd}\u{fffd}");
}

#[test]
fn json_keeps_its_value() {
    let hostile =
        "\u{9b}2J \u{202e}한글\u{7f} \u{e0041} a\u{301}\u{301} 👩\u{200d}👩 \t\r\n \u{1b}]52;c;x\u{7}";
    let value = serde_json::json!({"text": hostile, "\u{200b}": "\u{336}"});
    for json in [Sanitized::json(&value).unwrap(), Sanitized::pretty_json(&value).unwrap()] {
        assert_eq!(serde_json::from_str::<serde_json::Value>(json.as_str()).unwrap(), value);
        assert_eq!(Sanitized::lines(json.as_str()), json);
    }
    let line = Sanitized::json(&value).unwrap();
    assert!(line.as_str().contains(r"\u009b2J \u202e한글\u007f \udb40\udc41"), "{line}");
    assert!(!line.as_str().contains('\n'));
}
