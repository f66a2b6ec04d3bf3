//! Spec O-8: values that are known do not pass, in whatever form programs commonly write them.

use serde_json::{Value, json};

use super::knowing;

const VALUE: &str = "hush/hüsh\"비밀+=&열쇠 42";
const GONE: &str = "[redacted:secret]";

#[track_caller]
fn check(text: &str, redacted: &str) {
    assert_eq!(knowing([VALUE]).redact(text), redacted);
}

#[test]
fn a_value_is_found_as_it_is() {
    check(&format!("값은 {VALUE}이다"), &format!("값은 {GONE}이다"));
    check(&format!("{VALUE}{VALUE}\n{VALUE}"), &format!("{GONE}{GONE}\n{GONE}"));
    check("hush/hüsh\"비밀+=&열쇠 43", "hush/hüsh\"비밀+=&열쇠 43");
}

#[test]
fn a_value_is_found_as_json_writes_it() {
    let once = json!({ "key": VALUE }).to_string();
    check(&once, &format!("{{\"key\":\"{GONE}\"}}"));
    let twice = Value::from(once).to_string();
    check(&twice, &format!("\"{{\\\"key\\\":\\\"{GONE}\\\"}}\""));
    check(r#""hush/h\u00fcsh\"\ube44\ubc00+=&\uc5f4\uc1e0 42""#, &format!("\"{GONE}\""));
}

#[test]
fn a_value_is_found_as_urls_write_it() {
    let upper = "hush%2Fh%C3%BCsh%22%EB%B9%84%EB%B0%80%2B%3D%26%EC%97%B4%EC%87%A0%2042";
    check(&format!("?key={upper}&x=1"), &format!("?key={GONE}&x=1"));
    check(&format!("?key={}", upper.to_lowercase()), &format!("?key={GONE}"));
}

/// Alone, behind a name (`Basic` authorization), and in the alphabet of URLs. The digits at its ends depend on its
/// neighbours, too, and stay.
#[test]
fn a_value_is_found_in_base64() {
    let redactor = knowing(["sesame-open-9"]);
    for (text, redacted) in [
        ("c2VzYW1lLW9wZW4tOQ==", "[redacted:secret]Q=="),
        ("bWU6c2VzYW1lLW9wZW4tOQ==", "bWU6[redacted:secret]Q=="),
        ("eHNlc2FtZS1vcGVuLTl5", "eH[redacted:secret]l5"),
        ("YWJzZXNhbWUtb3Blbi05", "YWJ[redacted:secret]"),
    ] {
        assert_eq!(redactor.redact(text), redacted);
    }
    assert_eq!(knowing(["??>>??>>??"]).redact("Pz8-Pj8_Pj4_Pw"), "[redacted:secret]w");
}

#[test]
fn short_values_common_words_and_our_own_words_are_left_alone() {
    let text = "postgres 열쇠일곱글자 1234567 redacted [redacted:secret] changeme";
    let redactor =
        knowing(["postgres", "열쇠일곱글자", "1234567", "redacted", "Postgres", "changeme", "[redacted:"]);
    assert_eq!(redactor.redact(text), text);
    assert_eq!(knowing(["여덟글자짜리열쇠"]).redact("여덟글자짜리열쇠!"), format!("{GONE}!"));
}

#[test]
fn the_longest_value_is_taken_out() {
    let redactor = knowing(["hush-hush", "hush-hush-hush"]);
    assert_eq!(redactor.redact("hush-hush-hush hush-hush"), format!("{GONE} {GONE}"));
}

#[test]
fn accents_on_the_last_letter_of_a_value_go_with_it() {
    assert_eq!(knowing(["hush-hush"]).redact("hush-hush\u{301}!"), format!("{GONE}!"));
}

#[test]
fn json_stays_json() {
    let redactor = knowing([VALUE]);
    let mut value = json!({ "a": [VALUE, 1, { VALUE: "AKIAQ3EGRY6JQ7C2XQ4N" }], "b": null });
    let text = value.to_string();
    assert!(redactor.redact_value(&mut value));
    let redacted = json!({ "a": [GONE, 1, { GONE: "[redacted:aws-access-key-id]" }], "b": null });
    assert_eq!(value, redacted);
    assert_eq!(redactor.redact_json(&text), redacted.to_string());
    assert!(!redactor.redact_value(&mut value));

    // A key that was cut off reaches over the end of its string.
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let cut =
        json!({ "a": format!("-----BEGIN PRIVATE KEY-----\n{line}"), "b": "-----END PRIVATE KEY-----" });
    let redacted = json!({ "a": "[redacted:private-key]", "b": "-----END PRIVATE KEY-----" });
    assert_eq!(redactor.redact_json(&cut.to_string()), redacted.to_string());
    assert_eq!(
        redactor.redact_json("no JSON: AKIAQ3EGRY6JQ7C2XQ4N"),
        "no JSON: [redacted:aws-access-key-id]"
    );
}

#[test]
fn neither_a_secret_nor_a_redactor_can_be_printed() {
    let redactor = knowing([VALUE]);
    assert_eq!(format!("{redactor:?}"), "Redactor { .. }");
    assert_eq!(format!("{:?}", crate::secret::Secret::new(VALUE)), "Some(Secret(***))");
}

/// As `grep --color` and other highlighters show them.
#[test]
fn codes_of_colour_inside_a_secret_hide_it_from_nobody() {
    let redactor = knowing(["hush-hush-비밀"]);
    let check = |shown: &str, expected: &str| {
        assert_eq!(redactor.redact(shown), expected, "{shown:?}");
        assert!(!redactor.is_clean(shown.as_bytes()), "{shown:?}");
    };
    let (red, off) = ("\u{1b}[01;31m\u{1b}[K", "\u{1b}[m\u{1b}[K");
    check(
        &format!("키: {red}AKIA{off}Q3EGRY6JQ7C2XQ4N 끝\n"),
        &format!("키: {red}[redacted:aws-access-key-id] 끝\n"),
    );
    check(
        &format!("{red}ghp_{off}aB3dE6gH9kLmaB3dE6gH9k{red}LmaB3dE6gH9kLm{off}\n"),
        &format!("{red}[redacted:github-token]{off}\n"),
    );
    check(&format!("a {red}hush{off}-hush-비{red}밀{off} b"), &format!("a {red}[redacted:secret]{off} b"));
    check("AKIA\u{1b}[1;38;2;255;255;255;48;2;255;255;255mQ3EGRY6JQ7C2XQ4N", "[redacted:aws-access-key-id]");
    // A token that is one as it stands is known whatever follows its colour.
    check(&format!("{red}AKIAQ3EGRY6JQ7C2XQ4N{off}X"), &format!("{red}[redacted:aws-access-key-id]{off}X"));
    for plain in [
        format!("{red}AKIA{off} is a prefix"),
        format!("{red}{off}{red}\u{1b}[\u{1b}"),
        "\u{1b}]0;t\u{7}".into(),
    ] {
        assert_eq!(redactor.redact(&plain), plain);
    }
}
